//! `bootstrap`: one ticket, a brief that says when it is done, and then a run like any other.

use super::event::Progress;
use super::run::{self, RunReport, RunRequest};
use super::tickets::{KnownTicket, TicketMeant};
use super::{Caller, ServiceError, ServiceResult};
use crate::model::{Brief, Mode, Run};
use crate::sys::process::quoted;
use std::fmt::Write as _;

/// Looks whether such a run can be made at all, before anybody is asked anything: agents, repositories, names, an open
/// run of the ticket. Returns the ticket if it is there already; changes nothing.
pub fn bootstrap_ground(caller: &Caller, request: &RunRequest) -> ServiceResult<Option<KnownTicket>> {
    run::look(caller, &as_bootstrap(request))
}

/// Makes the run: a ticket that is missing is made on the run's branch, and the brief is a document of it before any
/// agent starts.
pub fn bootstrap(caller: &Caller, request: &RunRequest, progress: Progress<'_>) -> ServiceResult<RunReport> {
    require_brief(request)?;
    run::run(caller, &as_bootstrap(request), progress)
}

fn as_bootstrap(request: &RunRequest) -> RunRequest {
    RunRequest {
        mode: Mode::Bootstrap,
        text: Some(request.brief.goal.clone()),
        // One that has to be there is never made.
        create: request.meant != TicketMeant::Existing,
        ..request.clone()
    }
}

/// Requires what no run can do without: a goal, and what says that it is reached.
pub fn require_brief(request: &RunRequest) -> ServiceResult<()> {
    let brief = &request.brief;
    let missing: Vec<_> = [("--goal", &brief.goal), ("--done", &brief.done_criteria)]
        .into_iter()
        .filter(|(_, part)| part.trim().is_empty())
        .map(|(flag, _)| flag)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let ticket = request.tickets.first().map(|ticket| quoted(ticket)).unwrap_or_default();
    let all = format!(
        "git metawsm bootstrap --ticket {ticket} --goal '<what to build>' --done '<what says that it is done>'"
    );
    let message = format!("The brief lacks {}; off a terminal nobody can be asked.", missing.join(" and "));
    Err(ServiceError::wrong(message, &[&all]))
}

/// The parts of a brief, in the order in which people are asked for them, under the names that documents give them.
fn parts(brief: &Brief) -> [(&'static str, &str); 5] {
    [
        ("Goal", &brief.goal),
        ("Scope", &brief.scope),
        ("Done criteria", &brief.done_criteria),
        ("Constraints", &brief.constraints),
        ("Merge intent", &brief.merge_intent),
    ]
}

/// The brief of a run as the text of a document, Markdown.
pub(super) fn brief_document(run: &Run) -> String {
    let mut text = format!("- Run: {}\n- Brief: {}\n", run.id, run.brief.id());
    for (name, part) in parts(&run.brief) {
        let part = part.trim();
        let _ = write!(text, "\n## {name}\n\n{}\n", if part.is_empty() { "None stated." } else { part });
    }
    text
}
