//! "Needs you": what keeps a run from going on by itself, each with the command that goes on.

use super::Control;
use super::facts_of_work::Work;
use super::intent;
use super::landed::Landed;
pub use super::need::{Need, NeedKind};
use super::signals::Odd;
use crate::model::{
    Guidance, Mode, Run, RunAgent, RunState, RunTicket, StepKind, StepState, Strategy, ValidationStatus,
    plain_line, quoted, title_of,
};
use crate::sessions::{Ended, Observation, REBOOTED};
use crate::store::Chain;
use crate::sys::clock;
use jiff::Timestamp;

/// Something about the run itself.
fn need(kind: NeedKind, what: impl Into<String>, command: String) -> Need {
    Need::new(kind, "", what, command)
}

/// Nobody could tell whether work came into a base around the hooks.
pub(super) fn of_unseen(run: &Run, why: &str) -> Need {
    let what =
        format!("Whether work came into a base around the hooks is unknown: {}.", why.trim_end_matches('.'));
    need(NeedKind::Unknown, what, format!("git metawsm status {}", run.id))
}

/// A decision of the forum that could not be written into the documents; it is tried again each time.
pub(super) fn of_unwritten(run: &Run, why: &str) -> Need {
    let why = plain_line(why.trim_end_matches('.'));
    let what = format!("What the forum decided is not in the ticket's documents yet: {why}.");
    need(NeedKind::Docs, what, format!("git metawsm status {}", run.id))
}

/// What is to be done with a run whose work base holds already, or has taken back.
pub(super) fn of_landed(run: &Run, landed: &Landed, needs: &mut Vec<Need>) {
    let close = || format!("git metawsm close {}", run.id);
    match landed {
        Landed::Yes if run.state == RunState::Completed => {
            needs.retain(|need| need.what != DONE);
            needs.push(need(NeedKind::Completed, "Base holds the work already; close the run.", close()));
        }
        Landed::Reverted { what, command } => {
            needs.push(need(NeedKind::Reverted, what.clone(), command.clone()));
        }
        _ => {}
    }
}

/// Said of a run that is completed.
const DONE: &str = "The work is done; look at it, then close.";

/// What a run needs a person for, most urgent first; `work` is what its agents left, where all have ended.
pub(super) fn needs(run: &Run, observations: &[Observation], odd: &[Odd], work: Option<&Work>) -> Vec<Need> {
    let id = &run.id;
    let mut found = of_questions(run);
    found.extend(odd.iter().map(of_odd));
    found.extend(run.agents.iter().filter_map(|agent| of_validation(run, agent)));
    for bypass in run.bypasses.iter().filter(|bypass| bypass.is_unanswered()) {
        let command = format!("git metawsm hooks ack {} --reason '<why it may stand>'", bypass.id);
        found.push(Need::new(NeedKind::Bypass, bypass.id.clone(), bypass.what.clone(), command));
    }
    found.extend(of_gone(run));
    match run.state {
        RunState::Failed => {
            found.push(need(
                NeedKind::Failed,
                format!("The run failed: {}.", run.reason),
                format!("git metawsm resume {id}"),
            ));
        }
        RunState::Stopped
        | RunState::Paused
        | RunState::Stopping
        | RunState::Created
        | RunState::Planning => {
            found.push(need(
                NeedKind::Stopped,
                format!("The run is {} ({}).", run.state, or_dash(&run.reason)),
                format!("git metawsm resume {id}"),
            ));
        }
        RunState::Closing => {
            found.push(need(
                NeedKind::HalfDone,
                "A close has begun and is not finished.",
                format!("git metawsm close {id}"),
            ));
        }
        RunState::Completed => found.extend(of_completed(run)),
        RunState::Running | RunState::AwaitingGuidance => found.extend(of_running(run, observations, work)),
        RunState::Closed | RunState::Discarded => {}
    }
    found
}

/// Workspaces that were made and are not there any more, whoever took them away: by hand, or with wsm.
fn of_gone(run: &Run) -> Vec<Need> {
    let is_made = |ticket: &RunTicket| {
        let mut steps =
            run.steps.iter().filter(|s| s.ticket == ticket.id && s.kind == StepKind::EnsureWorktree);
        steps.all(|step| step.state == StepState::Done)
    };
    let is_gone = |ticket: &&RunTicket| {
        let mut trees = run.worktrees_for(&ticket.id).filter_map(|tree| tree.path.as_deref());
        run.state.is_open() && is_made(ticket) && trees.any(|path| !path.join(".git").exists())
    };
    let way_on = if run.strategy == Strategy::Reuse { "discard" } else { "resume" };
    let gone = run.tickets.iter().filter(is_gone).map(|ticket| {
        let path = ticket.path.as_deref().map(|path| path.display().to_string()).unwrap_or_default();
        let what = format!(
            "The workspace {} is gone, or a part of it: {}; its branches are kept.",
            ticket.workspace,
            plain_line(&path)
        );
        Need::new(
            NeedKind::Gone,
            ticket.workspace.to_string(),
            what,
            format!("git metawsm {way_on} {}", run.id),
        )
    });
    gone.collect()
}

/// Open questions, the oldest first: who asks what, and since when.
fn of_questions(run: &Run) -> Vec<Need> {
    if !run.state.is_open() {
        return Vec::new();
    }
    let open: Vec<_> = run.guidance.iter().filter(|asked| asked.is_open()).collect();
    let answer = "--answer '<the answer>'";
    let command = |asked: &Guidance| match (open.len(), asked.file.is_empty()) {
        (1, _) => format!("git metawsm guide {} {answer}", run.id),
        (_, true) => format!("git metawsm guide {} --question {} {answer}", run.id, asked.thread),
        // Its thread is opened by who takes it.
        (_, false) => format!("git metawsm status {}", run.id),
    };
    let what = |asked: &Guidance| {
        let since = ago(asked.asked).trim_start().to_owned();
        let since = if since.is_empty() { "just now".to_owned() } else { since };
        let question = plain_line(&asked.question);
        format!("{}.{} has asked ({since}): {question}", asked.ticket, asked.agent)
    };
    // The thread of one whose file was not taken yet is not known.
    let thread = |asked: &Guidance| {
        if asked.file.is_empty() {
            asked.thread.to_string()
        } else {
            format!("{}.{}", asked.ticket, asked.agent)
        }
    };
    open.iter()
        .map(|asked| Need::new(NeedKind::Question, thread(asked), what(asked), command(asked)))
        .collect()
}

/// A signal that was left where it is. What it holds is shown without what a terminal would obey.
fn of_odd(odd: &Odd) -> Need {
    let path = odd.path.display().to_string();
    let look = if odd.is_file { "cat -v --" } else { "ls -ld --" };
    let what = format!("The signal {} was left alone: {}.", plain_line(&path), odd.why.trim_end_matches('.'));
    let command = format!("{look} {}", quoted(&path));
    Need::new(NeedKind::Signal, path, what, command)
}

/// What an agent says has not come to what it should.
fn of_validation(run: &Run, agent: &RunAgent) -> Option<Need> {
    let said = agent.validation.as_ref().filter(|said| said.status == ValidationStatus::Failed)?;
    if !run.state.is_open() {
        return None;
    }
    let words = title_of(&plain_line(&said.summary), 200);
    let words = if words.is_empty() { String::new() } else { format!(": {words}") };
    let what = format!("{} says that its validation failed{}{words}.", agent.key(), ago(said.at));
    Some(Need::new(
        NeedKind::Unvalidated,
        agent.key(),
        what,
        format!("git metawsm iterate {} --feedback '<what is to be mended>'", run.id),
    ))
}

/// What is left to do where every agent has said that its work is done. It is not while a brief is not shown to hold.
fn of_completed(run: &Run) -> Vec<Need> {
    if run.mode == Mode::Standard {
        return vec![need(NeedKind::Completed, DONE, format!("git metawsm diff {}", run.id))];
    }
    let said = |agent: &RunAgent| agent.validation.as_ref().map(|said| said.status);
    if run.agents.iter().any(|agent| said(agent) == Some(ValidationStatus::Failed)) {
        return Vec::new();
    }
    let holds = |agent: &RunAgent| agent.validation.as_ref().is_some_and(|said| said.is_of(&run.brief));
    let is_shown = |ticket: &RunTicket| run.agents.iter().any(|a| a.ticket == ticket.id && holds(a));
    if run.tickets.iter().all(is_shown) {
        return vec![need(NeedKind::Completed, DONE, format!("git metawsm diff {}", run.id))];
    }
    let command =
        format!("git metawsm iterate {} --feedback '<validate the result against the brief>'", run.id);
    vec![need(
        NeedKind::Unvalidated,
        "The agents say that the work is done, and none that the done criteria hold.",
        command,
    )]
}

/// How long ago something was, in words with a blank in front; nothing where it is less than a minute.
fn ago(at: Timestamp) -> String {
    let seconds = clock::now().as_second().saturating_sub(at.as_second());
    if seconds < 60 { String::new() } else { format!(" {} ago", long(seconds)) }
}

fn long(seconds: i64) -> String {
    let (number, unit) = match seconds {
        s if s < 60 => (s.max(0), "second"),
        s if s < 3600 => (s / 60, "minute"),
        s if s < 86_400 => (s / 3600, "hour"),
        s => (s / 86_400, "day"),
    };
    if number == 1 { format!("1 {unit}") } else { format!("{number} {unit}s") }
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "no reason recorded" } else { text }
}

fn of_running(run: &Run, observations: &[Observation], work: Option<&Work>) -> Vec<Need> {
    let id = &run.id;
    let mut found = Vec::new();
    let unfinished =
        run.steps.iter().filter(|s| !matches!(s.state, StepState::Done | StepState::Skipped)).count();
    if unfinished > 0 {
        found.push(need(
            NeedKind::Stopped,
            format!("{unfinished} of {} steps are not done.", run.steps.len()),
            format!("git metawsm resume {id}"),
        ));
        return found;
    }
    for (agent, seen) in run.agents.iter().zip(observations) {
        if agent.completed.is_none() {
            found.extend(of_agent(run, agent, seen));
        }
    }
    if found.is_empty() && !run.guidance.iter().any(Guidance::is_open) {
        found.extend(work.into_iter().flat_map(|work| of_ended_work(run, work)));
    }
    found
}

pub(super) fn of_agent(run: &Run, agent: &RunAgent, seen: &Observation) -> Option<Need> {
    let (key, restart) = (agent.key(), format!("git metawsm restart {}", run.id));
    let logs = format!("git metawsm logs {}:{}", run.id, agent.name);
    let need = |what: String, command: String| Need::new(NeedKind::Unhealthy, key.clone(), what, command);
    match seen {
        Observation::Ended(Ended { stopped: true, at, .. }) => {
            let what = format!("{key} was stopped{}.", ago(*at));
            Some(Need::new(NeedKind::Stopped, key, what, format!("git metawsm resume {}", run.id)))
        }
        Observation::Ended(Ended { status: Some(0), at, .. }) => {
            let asks = |g: &&Guidance| g.is_open() && g.ticket == agent.ticket && g.agent == agent.name;
            if run.mode == Mode::Standard || run.guidance.iter().any(|g| asks(&g)) {
                return None;
            }
            let what =
                format!("{key} ended with exit 0{}, and has not said that its work is done.", ago(*at));
            Some(need(what, restart))
        }
        Observation::Alive { .. } => None,
        Observation::Ended(Ended { status: Some(code), at, .. }) => {
            Some(need(format!("{key} ended with exit {code}{}.", ago(*at)), logs))
        }
        Observation::Ended(Ended { signal: Some(signal), at, .. }) => {
            Some(need(format!("{key} was ended by signal {signal}{}.", ago(*at)), logs))
        }
        Observation::Ended(_) => Some(need(format!("{key} ended, and how is unknown."), logs)),
        Observation::Dead { why } if why == REBOOTED => {
            Some(need(format!("{key} is gone: {why}."), "git metawsm resume --all".to_owned()))
        }
        Observation::Dead { why } => Some(need(format!("{key} is dead: {why}."), restart)),
        Observation::NotStarted => Some(need(format!("{key} was never started."), restart)),
        Observation::Unknown { why } => Some(need(format!("Whether {key} works is unknown: {why}."), logs)),
    }
}

/// Why what was written down of a run cannot be trusted; `None` where it hangs together. A last line that is
/// incomplete was never acknowledged, or is being written just now.
pub(super) fn tampered(chain: Chain) -> Option<String> {
    match chain {
        Chain::Whole | Chain::TornTail => None,
        Chain::Missing => Some("The journal of the run is missing: somebody has removed it.".to_owned()),
        Chain::BrokenAt(line) => Some(format!(
            "Line {line} of the run's journal does not follow from the line before it: somebody has changed what was written down."
        )),
    }
}

/// The same as something that a person is needed for.
pub(super) fn of_journal(run: &Run, chain: Chain) -> Option<Need> {
    tampered(chain).map(|what| need(NeedKind::Journal, what, format!("git metawsm log {}", run.id)))
}

/// A merge or close that was stopped half way: the two ways on.
pub(super) fn of_half_done(control: &Control, run: &Run) -> Vec<Need> {
    // Of a run that is decided nothing is left to choose: the next command finishes it.
    if !run.state.is_open() {
        return Vec::new();
    }
    match intent::find(&control.store, &run.id) {
        Ok(None) => Vec::new(),
        Ok(Some(intent)) => {
            let [on, back] = intent.ways_on(&run.id);
            vec![
                need(NeedKind::HalfDone, intent.describe(&run.id), on),
                need(NeedKind::HalfDone, "Or take it back.", back),
            ]
        }
        Err(error) => {
            vec![need(NeedKind::HalfDone, error.to_string(), format!("git metawsm log {}", run.id))]
        }
    }
}

/// A live agent that neither prints nor commits any more.
pub(super) fn of_stalled(run: &Run, agent: &RunAgent, health: &super::Health) -> Option<Need> {
    if health.word != "stalled" || !matches!(run.state, RunState::Running | RunState::AwaitingGuidance) {
        return None;
    }
    let command = format!("git metawsm logs {}:{}", run.id, agent.name);
    let quiet = |at: Timestamp| clock::now().as_second().saturating_sub(at.as_second());
    let sign = match (health.activity.map(quiet), health.progress.map(quiet)) {
        (Some(printed), _) if printed >= 60 => format!(": it has printed nothing for {}", long(printed)),
        (_, Some(moved)) if moved >= 60 => format!(": nothing was committed or staged for {}", long(moved)),
        _ => String::new(),
    };
    let what = format!("{} seems to be stalled{sign}.", agent.key());
    Some(Need::new(NeedKind::Unhealthy, agent.key(), what, command))
}

/// Every agent ended well and the run is still not completed: why.
fn of_ended_work(run: &Run, work: &Work) -> Vec<Need> {
    let id = &run.id;
    let mut found: Vec<_> = work
        .odd
        .iter()
        .map(|odd| need(NeedKind::Unhealthy, format!("{odd}."), format!("git metawsm path {id}")))
        .collect();
    match (work.commits, work.dirty) {
        (0, 0) => found.push(need(
            NeedKind::Unhealthy,
            "The agents ended with exit 0, and nothing was changed.".to_owned(),
            format!("git metawsm restart {id}"),
        )),
        (_, 0) => {}
        (_, 1) => found.push(need(
            NeedKind::Unhealthy,
            "The agents ended, and 1 file is not committed.",
            format!("git metawsm commit {id}"),
        )),
        (_, n) => {
            found.push(need(
                NeedKind::Unhealthy,
                format!("The agents ended, and {n} files are not committed."),
                format!("git metawsm commit {id}"),
            ));
        }
    }
    found
}
