//! Sessions of a run: looked at, ended, entered, talked to.

use super::agents::session_files;
use super::event::Progress;
use super::guide::Guided;
use super::select::{Selector, has_ticket, require_open, require_run, select};
use super::{Caller, Control, ServiceError, ServiceResult, control, guide};
use crate::model::{Run, RunAgent, Session, says_something};
use crate::sessions::{self, Observation, SessionError, SessionFiles};
use crate::store::Hold;
use std::path::PathBuf;
use std::time::Duration;

/// How long an agent may take to end after TERM, before KILL.
pub(super) const GRACE: Duration = Duration::from_secs(2);

/// A look of the sessions room at many sessions at once.
type Look = fn(&[(&Session, &SessionFiles)]) -> Vec<Observation>;

/// How each agent of a run is, in the order of the record, without its last activity. Starts no process.
pub(super) fn observe(control: &Control, run: &Run) -> Vec<Observation> {
    observe_with(control, &[run], sessions::observe_states).pop().unwrap_or_default()
}

/// How each agent of each run is, with its last activity: one question to tmux for all of them.
pub(super) fn observe_all(control: &Control, runs: &[&Run]) -> Vec<Vec<Observation>> {
    observe_with(control, runs, sessions::observe_all)
}

fn observe_with(control: &Control, runs: &[&Run], look: Look) -> Vec<Vec<Observation>> {
    let mut asked = Vec::new();
    for run in runs {
        for agent in &run.agents {
            if let Some(session) = &agent.live {
                asked.push((session, session_files(control, run, agent)));
            }
        }
    }
    let questions: Vec<_> = asked.iter().map(|(session, files)| (*session, files)).collect();
    let mut answers = look(&questions).into_iter();
    let mut next = |agent: &RunAgent| match agent.live {
        Some(_) => answers.next().unwrap_or(Observation::NotStarted),
        None => Observation::NotStarted,
    };
    runs.iter().map(|run| run.agents.iter().map(&mut next).collect()).collect()
}

/// Ends every session of a run; tells whether any was still working.
pub(super) fn end_sessions(control: &Control, hold: &mut Hold) -> ServiceResult<bool> {
    let run = hold.run().clone();
    let observed = observe(control, &run);
    let mut worked = false;
    for (agent, seen) in run.agents.iter().zip(observed) {
        let Some(session) = &agent.live else { continue };
        worked |= matches!(seen, Observation::Alive { .. } | Observation::Unknown { .. });
        let stopped = sessions::stop(session, &session_files(control, &run, agent), GRACE)?;
        if stopped.was_alive {
            hold.note("session ended", &agent.key())?;
        }
    }
    Ok(worked)
}

/// Splits `RUN:agent`.
fn split_agent(selector: &Selector) -> (Selector, Option<String>) {
    let Some((word, agent)) = selector.word.as_deref().and_then(|w| w.rsplit_once(':')) else {
        return (selector.clone(), None);
    };
    let word = Some(word.to_owned()).filter(|w| !w.is_empty());
    (Selector { word, ..selector.clone() }, Some(agent.to_owned()))
}

/// The run and the one agent that `RUN:agent` names; `verb` is the command that asks.
fn chosen_agent(caller: &Caller, control: &Control, selector: &Selector) -> ServiceResult<(Run, RunAgent)> {
    let (selector, wanted) = split_agent(selector);
    let id = select(caller, control, &selector, |run| !run.agents.is_empty())?;
    let run = require_run(control, &id)?;
    // A ticket that stands in the place of the run means its agent.
    let in_word = selector.word.as_deref().filter(|word| has_ticket(&run, word));
    let ticket = selector.ticket.as_deref().or(in_word);
    let fits = |agent: &&RunAgent| {
        wanted.as_deref().is_none_or(|w| agent.name.as_str() == w || agent.key() == w || agent.session == w)
            && ticket.is_none_or(|t| agent.ticket.as_str().eq_ignore_ascii_case(t))
    };
    let found: Vec<_> = run.agents.iter().filter(fits).collect();
    match found.as_slice() {
        [only] => Ok((run.clone(), (*only).clone())),
        [] => {
            let known: Vec<_> = run.agents.iter().map(RunAgent::key).collect();
            let message =
                format!("{id} has no agent '{}'; it has {}.", wanted.unwrap_or_default(), known.join(", "));
            Err(ServiceError::Several {
                message,
                words: run.agents.iter().map(|a| word_of(&run, a)).collect(),
            })
        }
        several => {
            let words: Vec<_> = several.iter().map(|a| word_of(&run, a)).collect();
            let message = format!("{id} has several agents, so name one: {}.", words.join(", "));
            Err(ServiceError::Several { message, words })
        }
    }
}

/// What names an agent on the command line.
fn word_of(run: &Run, agent: &RunAgent) -> String {
    format!("{}:{}", run.id, agent.key())
}

/// What `attach` has to start on our terminal.
pub fn attach(caller: &Caller, selector: &Selector) -> ServiceResult<Vec<String>> {
    let control = control(caller)?;
    let (run, agent) = chosen_agent(caller, &control, selector)?;
    let session = require_session(&run, &agent)?;
    sessions::attach_argv(session, &session_files(&control, &run, &agent))
        .map_err(|error| no_talk(&run, &agent, error))
}

/// A session that cannot be entered or typed to can still be read.
fn no_talk(run: &Run, agent: &RunAgent, error: SessionError) -> ServiceError {
    let why = match error {
        SessionError::NoTerminal { .. } => "runs without a terminal".to_owned(),
        SessionError::Gone => "has no session any more".to_owned(),
        error => return error.into(),
    };
    let hint = format!("git metawsm logs {}", word_of(run, agent));
    ServiceError::failed(format!("The agent {} {why}; its output can be read.", agent.key()), &[&hint])
}

fn require_session<'a>(run: &Run, agent: &'a RunAgent) -> ServiceResult<&'a Session> {
    agent.live.as_ref().ok_or_else(|| {
        let message = format!("{} was never started.", agent.key());
        ServiceError::failed(message, &[&format!("git metawsm resume {}", run.id)])
    })
}

/// The last lines of an agent's output.
pub fn logs(caller: &Caller, selector: &Selector, lines: usize) -> ServiceResult<String> {
    let control = control(caller)?;
    let (run, agent) = chosen_agent(caller, &control, selector)?;
    let session = require_session(&run, &agent)?;
    Ok(sessions::capture(session, &session_files(&control, &run, &agent), lines)?)
}

/// The file that keeps an agent's output: as it comes where it has no terminal, from its end on where it has one.
pub fn log_file(caller: &Caller, selector: &Selector) -> ServiceResult<PathBuf> {
    let control = control(caller)?;
    let (run, agent) = chosen_agent(caller, &control, selector)?;
    let session = require_session(&run, &agent)?;
    Ok(sessions::log_path(session, &session_files(&control, &run, &agent)))
}

/// Hands out an agent's output as it comes, until the agent has ended or `take` returns `false`.
pub fn follow(caller: &Caller, selector: &Selector, take: &mut dyn FnMut(&str) -> bool) -> ServiceResult<()> {
    let control = control(caller)?;
    let (run, agent) = chosen_agent(caller, &control, selector)?;
    let session = require_session(&run, &agent)?;
    Ok(sessions::follow(session, &session_files(&control, &run, &agent), take)?)
}

/// Types a line to a live agent. Where it has asked something, the line is the answer, and takes the way of every
/// answer.
pub fn tell(
    caller: &Caller,
    selector: &Selector,
    text: &str,
    progress: Progress<'_>,
) -> ServiceResult<(String, Option<Guided>)> {
    let control = control(caller)?;
    let (run, agent) = chosen_agent(caller, &control, selector)?;
    let session = require_session(&run, &agent)?;
    require_open(&run)?;
    if says_something(text)
        && let Some(guided) = guide::tell_answer(caller, &control, (&run, &agent), text, progress)?
    {
        return Ok((agent.key(), Some(guided)));
    }
    let files = session_files(&control, &run, &agent);
    if !matches!(sessions::observe_states(&[(session, &files)]).as_slice(), [Observation::Alive { .. }]) {
        let message = format!("{} is not running, so nobody would read it.", agent.key());
        return Err(ServiceError::failed(
            message,
            &[&format!("git metawsm iterate {} --feedback '<the words>'", run.id)],
        ));
    }
    sessions::tell(session, &files, text).map_err(|error| no_talk(&run, &agent, error))?;
    let mut hold = control.hold(&run.id, "tell", caller)?;
    hold.note("told", &format!("{}: {text}", agent.key()))?;
    Ok((agent.key(), None))
}
