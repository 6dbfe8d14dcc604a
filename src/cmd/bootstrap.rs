//! `bootstrap`: agree on what is to be done, then start agents on it.

use super::Outcome;
use super::progress::progress;
use super::run::How;
use crate::model::Brief;
use crate::render::{self, Screen};
use crate::service::{self, Caller, KnownTicket, RunRequest, ServiceError, TicketMeant};
use crate::sys::process::quoted;
use crate::sys::signals::Interrupt;
use crate::sys::term;
use std::io::{BufRead, Read};
use std::process::ExitCode;

/// The longest answer to a question.
const ANSWER_CAP: u64 = 1 << 20;

/// Agree on what is to be done, then start agents on it.
///
/// Takes goal, scope, done criteria, constraints and merge intent, by options or, on a terminal, by questions. The
/// ticket is made if it is missing, the brief becomes one of its documents, and agents start like with 'run'. Such a
/// run closes only with a validation against its done criteria.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The ticket; it is made if it is missing.
    #[arg(long, value_name = "TICKET", allow_hyphen_values = true)]
    ticket: String,
    /// What should be built or changed.
    #[arg(long, value_name = "TEXT")]
    goal: Option<String>,
    /// Which areas or files are in scope.
    #[arg(long, value_name = "TEXT")]
    scope: Option<String>,
    /// Which tests or checks define complete.
    #[arg(long, value_name = "TEXT", alias = "done-criteria")]
    done: Option<String>,
    /// Constraints, non-goals, risk boundaries.
    #[arg(long, value_name = "TEXT")]
    constraints: Option<String>,
    /// What should happen at the merge.
    #[arg(long, value_name = "TEXT")]
    merge_intent: Option<String>,
    /// Work on a ticket that is there already.
    #[arg(long)]
    existing: bool,
    #[command(flatten)]
    how: How,
}

pub(super) fn run(caller: &Caller, screen: &Screen, args: Args) -> Outcome {
    let brief = Brief {
        goal: said(args.goal),
        scope: said(args.scope),
        done_criteria: said(args.done),
        constraints: said(args.constraints),
        merge_intent: said(args.merge_intent),
    };
    let meant = if args.existing { TicketMeant::Existing } else { TicketMeant::Any };
    let mut request = RunRequest { tickets: vec![args.ticket], brief, meant, ..args.how.request() };
    if term::stdin_is_terminal() && term::stderr_is_terminal() {
        let known = service::bootstrap_ground(caller, &request)?;
        if !args.existing {
            confirm(screen, known.as_ref(), &mut request)?;
        }
        intake(screen, &mut request)?;
    } else {
        service::require_brief(&request)?;
        if !args.existing {
            request.meant = TicketMeant::New;
        }
    }
    let caller = Caller { interrupt: Interrupt::install()?, ..caller.clone() };
    let report = service::bootstrap(&caller, &request, &mut progress(screen))?;
    render::ran(screen, &report);
    Ok(ExitCode::SUCCESS)
}

fn said(option: Option<String>) -> String {
    option.unwrap_or_default().trim().to_owned()
}

/// Names a ticket that is there already, and asks whether it is meant.
fn confirm(
    screen: &Screen,
    known: Option<&KnownTicket>,
    request: &mut RunRequest,
) -> Result<(), ServiceError> {
    let Some(known) = known else {
        request.meant = TicketMeant::New;
        return Ok(());
    };
    request.meant = TicketMeant::Existing;
    let answer = ask(screen, &format!("{known}. Work on it? [y/N]"))?.unwrap_or_default();
    if ["y", "yes"].iter().any(|yes| answer.trim().eq_ignore_ascii_case(yes)) {
        return Ok(());
    }
    Err(ServiceError::failed(
        format!("{known}, and it was not meant; nothing was made."),
        &["git metawsm bootstrap --ticket <a new one>"],
    ))
}

/// Asks for what the options do not say, in this order.
fn intake(screen: &Screen, request: &mut RunRequest) -> Result<(), ServiceError> {
    let ticket = request.tickets.first().cloned().unwrap_or_default();
    let brief = &mut request.brief;
    let parts = [
        (format!("Ticket {ticket} goal: what should be built/changed?"), true, &mut brief.goal),
        ("Scope: which areas/files are in scope?".to_owned(), false, &mut brief.scope),
        ("Done criteria: which tests/checks define complete?".to_owned(), true, &mut brief.done_criteria),
        ("Constraints/non-goals/risk boundaries?".to_owned(), false, &mut brief.constraints),
        ("Merge intent? (type 'default' for normal close flow)".to_owned(), false, &mut brief.merge_intent),
    ];
    for (question, is_required, part) in parts {
        if !part.is_empty() {
            continue;
        }
        let question = if is_required { question } else { format!("{question} (Enter: none stated)") };
        loop {
            let Some(answer) = ask(screen, &question)? else { return Err(ended(&question, &ticket)) };
            answer.trim().clone_into(part);
            if !part.is_empty() || !is_required {
                break;
            }
            screen.complaint("Please provide a non-empty answer.");
        }
    }
    Ok(())
}

fn ended(question: &str, ticket: &str) -> ServiceError {
    let ticket = quoted(ticket);
    ServiceError::failed(
        format!("The intake ended at '{question}'; nothing was made."),
        &[&format!("git metawsm bootstrap --ticket {ticket} --goal '<what>' --done '<criteria>'")],
    )
}

/// Asks a question and reads one answer; a line that ends in `\` goes on. `None` at the end of input.
fn ask(screen: &Screen, question: &str) -> Result<Option<String>, ServiceError> {
    let mut text = String::new();
    render::question(screen, Some(question));
    loop {
        let mut line = Vec::new();
        let read = std::io::stdin().lock().take(ANSWER_CAP).read_until(b'\n', &mut line);
        let unreadable = |why: String| {
            ServiceError::failed(format!("The answer cannot be read: {why}."), &["git metawsm bootstrap -h"])
        };
        if read.map_err(|error| unreadable(error.to_string()))? == 0 {
            return Ok(None);
        }
        let line = String::from_utf8(line).map_err(|_| unreadable("it is not UTF-8".to_owned()))?;
        // What keys leave that no answer holds.
        let line: String = line.chars().filter(|c| !c.is_control() || *c == '\t').collect();
        let Some(more) = line.strip_suffix('\\') else {
            text.push_str(&line);
            return Ok(Some(text));
        };
        text.push_str(more);
        text.push('\n');
        render::question(screen, None);
    }
}
