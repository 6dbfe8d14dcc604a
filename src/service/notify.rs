//! Telling a person: `notify.command`, started once for each event that needs one, by whoever sees it first while the
//! run is held. Nothing waits for it: it runs below a process of ours that ends it when its time is over.

use super::needs::{NeedKind, of_agent};
use super::settle::Settled;
use super::{Control, ServiceResult, forum, policies};
use crate::model::{Guidance, Run, RunAgent, RunState, Thread, content_hash, plain_line, title_of};
use crate::policy::{self, Policy};
use crate::sessions::Observation;
use crate::store::Hold;
use crate::sys::{Cmd, clock, env, files, supervise};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The file of a run that remembers what was told.
const TOLD: &str = "told.toml";
/// How many events it remembers.
const KEPT: usize = 500;
/// The most bytes of that file.
const CAP: u64 = 1 << 20;
/// How long the command may take.
const LIMIT: &str = "60";
/// The most bytes that it may write into its log; an older log above this is begun anew.
const LOG_CAP: u64 = 1 << 20;
/// How the sentence begins that says that agents ended well and left something undone.
const ENDED_UNDONE: &str = "The agents ended";
/// The most characters of a message.
const MESSAGE: usize = 300;

/// What a person is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// An agent asks.
    Question,
    /// The work is done.
    Completed,
    /// The run failed.
    Failed,
    /// An agent does not work as it should.
    Unhealthy,
    /// A thread should have been answered by now.
    Escalated,
}

impl What {
    /// The word for the command; the first four are those of the first program.
    fn as_str(self) -> &'static str {
        match self {
            Self::Question => "guidance_needed",
            Self::Completed => "run_done",
            Self::Failed => "run_failed",
            Self::Unhealthy => "agent_unhealthy",
            Self::Escalated => "thread_escalated",
        }
    }
}

/// The word of an event for programs: those that [`What`] knows keep theirs, others have that of their kind.
pub(super) fn event_of(kind: NeedKind) -> &'static str {
    match kind {
        NeedKind::Question => What::Question.as_str(),
        NeedKind::Completed => What::Completed.as_str(),
        NeedKind::Failed => What::Failed.as_str(),
        NeedKind::Unhealthy => What::Unhealthy.as_str(),
        NeedKind::Escalated => What::Escalated.as_str(),
        other => other.as_str(),
    }
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Due {
    what: What,
    /// What makes it another event than the next one of its sort.
    id: String,
    message: String,
}

impl Due {
    fn key(&self) -> String {
        format!("{} {}", self.what.as_str(), self.id)
    }
}

/// The events of a run that were told, oldest first.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Told {
    format: u32,
    kind: String,
    events: Vec<String>,
}

/// Tells a person of one event, unless that was done. The caller holds the run, and has written the event down.
/// Whatever goes wrong stands in the run's `logs/notify.log`: no work stops because nobody could be told of it.
pub(super) fn person(control: &Control, run: &Run, what: What, message: &str) {
    let id = match what {
        // The question that was written down last, where the words do not tell which one.
        What::Question => {
            let open = || run.guidance.iter().rev().filter(|asked| asked.is_open());
            let named = open().find(|asked| message.contains(&asked.question)).or_else(|| open().next());
            named.map_or_else(|| content_hash(message.as_bytes()), id_of)
        }
        What::Completed | What::Failed => run.changed.to_string(),
        What::Unhealthy | What::Escalated => content_hash(message.as_bytes()),
    };
    tell(control, run, vec![Due { what, id, message: message.to_owned() }]);
}

/// Tells a person of everything that needs one and was not told yet; the caller has just settled the run.
pub(super) fn look(control: &Control, hold: &Hold, settled: &Settled) {
    let run = hold.run();
    if run.state.is_open() && is_wanted(control, run) {
        let threads = forum::escalated(control, &run.id).unwrap_or_default();
        tell(control, run, due(run, settled, &threads));
    }
}

/// What is looked at once for many runs, by who holds none of them.
pub(super) struct Lookout<'a> {
    control: &'a Control,
    /// Whether the present policy names a command.
    present: bool,
    escalated: Vec<Thread>,
}

impl<'a> Lookout<'a> {
    /// For these runs.
    pub(super) fn over(control: &'a Control, runs: &[Run]) -> Self {
        let present = !runs.is_empty() && is_in_force(control);
        let wanted = present || runs.iter().any(|run| policy::notifies(&run.policy));
        let escalated = if wanted { forum::all_escalated(control).unwrap_or_default() } else { Vec::new() };
        Self { control, present, escalated }
    }

    /// Whether there is something to tell of.
    pub(super) fn is_due(&self, run: &Run, settled: &Settled) -> bool {
        if !run.state.is_open() || !(self.present || policy::notifies(&run.policy)) {
            return false;
        }
        let of_run = |thread: &&Thread| thread.run.as_ref() == Some(&run.id);
        let escalated: Vec<_> = self.escalated.iter().filter(of_run).cloned().collect();
        let due = due(run, settled, &escalated);
        !due.is_empty() && !untold(&told_path(self.control, run), due).0.is_empty()
    }
}

/// Remembers what there is to tell of as told: a person has just caused it, and knows.
pub(super) fn is_known(control: &Control, run: &Run) {
    let (due, told) = untold(&told_path(control, run), due(run, &Settled::default(), &[]));
    let _ = remember(&told_path(control, run), told, &due);
}

/// Whether a command is configured, by the present policy or the one that the run was planned under.
fn is_wanted(control: &Control, run: &Run) -> bool {
    policy::notifies(&run.policy) || is_in_force(control)
}

fn is_in_force(control: &Control) -> bool {
    policies::in_worktree(control).is_ok_and(|rules| !is_silent(&rules.policy))
}

fn is_silent(policy: &Policy) -> bool {
    policy.notify.command.is_empty()
}

/// A question that is asked once more in its thread is another event.
fn id_of(asked: &Guidance) -> String {
    format!("{} {}", asked.thread, asked.asked)
}

/// Everything of a run that needs a person.
fn due(run: &Run, settled: &Settled, escalated: &[Thread]) -> Vec<Due> {
    let mut found = Vec::new();
    let changed = run.changed.to_string();
    for asked in run.guidance.iter().filter(|asked| asked.is_open()) {
        let message = format!("{} on {} asks: {}", asked.agent, asked.ticket, asked.question);
        found.push(Due { what: What::Question, id: id_of(asked), message });
    }
    match run.state {
        RunState::Completed => {
            let message = format!("{} is done: {}.", run.title(), run.reason);
            found.push(Due { what: What::Completed, id: changed, message });
        }
        RunState::Failed => {
            let message = format!("{} failed: {}.", run.title(), run.reason);
            found.push(Due { what: What::Failed, id: changed, message });
        }
        RunState::Running | RunState::AwaitingGuidance => found.extend(unhealthy(run, settled)),
        _ => {}
    }
    for thread in escalated {
        // A thread that was answered and waits again is a new event.
        let since = thread.waiting_since.map(|at| at.to_string()).unwrap_or_default();
        let message =
            format!("The {} thread '{}' is escalated.", thread.priority, title_of(&thread.title, 100));
        found.push(Due { what: What::Escalated, id: format!("{} {since}", thread.id), message });
    }
    found
}

/// Agents that ended or died with something left to do, each start of one once.
fn unhealthy(run: &Run, settled: &Settled) -> Vec<Due> {
    let start_of =
        |agent: &RunAgent| agent.live.as_ref().map(|session| session.token.clone()).unwrap_or_default();
    let mut found = Vec::new();
    for (agent, seen) in run.agents.iter().zip(&settled.observations) {
        // Who waits for an answer may have ended: that is what it was told to do.
        let waits =
            run.guidance.iter().any(|g| g.is_open() && g.agent == agent.name && g.ticket == agent.ticket);
        if agent.completed.is_some() || agent.live.is_none() || waits {
            continue;
        }
        let stalled =
            || is_stalled(run, agent, seen).then(|| format!("{} seems to be stalled.", agent.key()));
        if let Some(message) = of_agent(run, agent, seen).map(|need| need.what).or_else(stalled) {
            let id = format!("{} {}", agent.key(), start_of(agent));
            found.push(Due { what: What::Unhealthy, id, message });
        }
    }
    if let Some(need) = settled.needs.iter().find(|need| need.what.starts_with(ENDED_UNDONE)) {
        let starts: Vec<_> = run.agents.iter().map(start_of).collect();
        let id = content_hash(starts.join(" ").as_bytes());
        found.push(Due { what: What::Unhealthy, id, message: need.what.clone() });
    }
    found
}

/// By what it has come to alone: what it prints is not asked for by everybody who settles.
fn is_stalled(run: &Run, agent: &RunAgent, seen: &Observation) -> bool {
    let Observation::Alive { since, .. } = seen else { return false };
    let quiet = Observation::Alive { since: *since, last_activity: None };
    let limits = policy::health_from_table(&run.policy);
    super::health::health(&quiet, super::health::last_progress(run, agent), &limits).word == "stalled"
}

fn told_path(control: &Control, run: &Run) -> PathBuf {
    control.store.run_dir(&run.id).join(TOLD)
}

/// Those events that were not told yet, and what was. A file that cannot be read counts as empty: telling twice is
/// better than not at all.
fn untold(path: &Path, due: Vec<Due>) -> (Vec<Due>, Told) {
    let bytes = files::find_foreign(path, CAP).ok().flatten().unwrap_or_default();
    let told: Told =
        std::str::from_utf8(&bytes).ok().and_then(|t| toml::from_str(t).ok()).unwrap_or_default();
    let due = due.into_iter().filter(|due| !told.events.contains(&due.key())).collect();
    (due, told)
}

fn remember(path: &Path, mut told: Told, due: &[Due]) -> ServiceResult<()> {
    if due.is_empty() {
        return Ok(());
    }
    told.events.extend(due.iter().map(Due::key));
    let excess = told.events.len().saturating_sub(KEPT);
    let told = Told { format: 1, kind: "told".to_owned(), events: told.events.split_off(excess) };
    let text = toml::to_string(&told).map_err(|e| {
        super::ServiceError::failed(
            format!("What was told cannot be written down: {e}."),
            &["git metawsm status"],
        )
    })?;
    Ok(files::write_atomic(path, text.as_bytes())?)
}

/// Starts the command for what was not told yet. What was told is written down first: who is killed in between has
/// told nobody, which is better than telling somebody for ever.
fn tell(control: &Control, run: &Run, due: Vec<Due>) {
    let path = told_path(control, run);
    let (due, told) = untold(&path, due);
    if due.is_empty() {
        return;
    }
    let command = match command(control, run) {
        Ok(Some(command)) => command,
        Ok(None) => return,
        Err(error) => return complain(control, run, &error.to_string()),
    };
    if let Err(error) = remember(&path, told, &due) {
        return complain(control, run, &error.to_string());
    }
    for due in due {
        if let Err(error) = start(control, run, &command, &due) {
            complain(control, run, &error.to_string());
        }
    }
}

/// The command: of the present policy, else of the one that the run was planned under. One whose programs this user
/// does not trust starts nothing.
fn command(control: &Control, run: &Run) -> ServiceResult<Option<Vec<String>>> {
    let stored = || policies::stored(run).map(|policy| policies::Rules { policy, path: None });
    let mut refused = None;
    for rules in [policies::in_worktree(control), stored()] {
        let rules = match rules {
            Ok(rules) if !is_silent(&rules.policy) => rules,
            Ok(_) => continue,
            Err(error) => {
                refused = Some(error);
                continue;
            }
        };
        match policies::require_trust(&rules) {
            Ok(()) => return Ok(Some(rules.policy.notify.command)),
            Err(error) => refused = Some(error),
        }
    }
    refused.map_or(Ok(None), Err)
}

fn log_path(control: &Control, run: &Run) -> PathBuf {
    control.store.session_dirs(&run.id).1.join("notify.log")
}

fn open_log(path: &Path) -> ServiceResult<File> {
    if let Some(dir) = path.parent() {
        files::ensure_dir(dir)?;
    }
    let full = path.metadata().is_ok_and(|m| m.len() > LOG_CAP);
    let mut options = OpenOptions::new();
    options.create(true).append(!full).write(true).truncate(full);
    options.open(path).map_err(|e| crate::sys::SysError::file("open", path, e).into())
}

fn complain(control: &Control, run: &Run, why: &str) {
    if let Ok(mut log) = open_log(&log_path(control, run)) {
        let _ = writeln!(log, "{} nobody was told: {}", clock::now(), plain_line(why));
    }
}

/// Starts our own process above the command, and leaves it.
fn start(control: &Control, run: &Run, command: &[String], due: &Due) -> ServiceResult<()> {
    let log = log_path(control, run);
    let mut output = open_log(&log)?;
    let message = title_of(&plain_line(&due.message), MESSAGE);
    let _ = writeln!(output, "{} {}: {message}", clock::now(), due.what.as_str());
    let own = env::own_program().unwrap_or_else(|| PathBuf::from("git-metawsm"));
    let tickets: Vec<_> = run.tickets.iter().map(|t| t.id.as_str()).collect();
    let cmd = Cmd::new(own).args(["agent", "notify", LIMIT]).arg(&log).arg("--").args(command);
    let cmd = cmd.cwd(control.root()).without_outside();
    let cmd = cmd.env(env::EVENT, due.what.as_str()).env(env::MESSAGE, message);
    let cmd = cmd.env(env::RUN_ID, run.id.as_str()).env(env::RUN_STATUS, run.state.as_str());
    cmd.env(env::TICKETS, tickets.join(",")).start_session(output)?;
    Ok(())
}

/// The body of `agent notify <seconds> <log> -- <command>`: runs the command with its output in the log, and ends it
/// with all it started when its time is over, or when it fills the log.
pub fn notify(words: &[OsString]) -> ServiceResult<()> {
    supervise::lead_session();
    let usage =
        || super::ServiceError::wrong("'notify' is for the program itself.", &["git metawsm policy show"]);
    let [seconds, log, dashes, program, args @ ..] = words else { return Err(usage()) };
    let seconds =
        seconds.to_str().and_then(|s| s.parse().ok()).filter(|_| dashes == "--").ok_or_else(usage)?;
    let log = Path::new(log);
    let mut output = open_log(log)?;
    let cap = log.metadata().map_or(0, |m| m.len()) + LOG_CAP;
    let is_full = || log.metadata().is_ok_and(|m| m.len() > cap);
    let cmd = Cmd::new(program).args(args).limit(Duration::from_secs(seconds));
    let said = match cmd.run_into(open_log(log)?, &is_full) {
        Ok(crate::sys::Ending::Ended(exit)) if exit.is_ok() => return Ok(()),
        Ok(crate::sys::Ending::Ended(exit)) => format!("the command ended with {exit}"),
        Ok(crate::sys::Ending::TimedOut) => format!("the command was ended after {seconds} s"),
        Ok(crate::sys::Ending::Stopped) => "the command was ended: it filled its log".to_owned(),
        Err(error) => error.to_string(),
    };
    let _ = writeln!(output, "{} {}", clock::now(), plain_line(&said));
    Ok(())
}
