//! `doctor`: looks at everything that a run stands on, names what is wrong with the command that mends it, and with
//! `--repair` does what is safe.
//!
//! Looking changes no byte, not even in the index. Mending is a second thing: what looking found is put right step by
//! step under the locks of those who write there, each step safe to repeat, and then everything is looked at again.

mod machine;
mod mend;
mod places;
mod records;

use super::event::{Event, Progress};
use super::{Caller, Control, ServiceResult, find_control};
use mend::Mend;
use std::time::{Duration, Instant};

/// What `doctor` was asked.
#[derive(Debug, Clone, Copy, Default)]
pub struct DoctorRequest {
    /// Put right what can be put right safely.
    pub repair: bool,
    /// Throw the index away and build it anew.
    pub rebuild_index: bool,
}

/// How a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// As it should be.
    Good,
    /// Worth knowing.
    Note,
    /// It works, and a person should look.
    Warn,
    /// It is wrong.
    Bad,
}

impl Condition {
    /// As a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Note => "note",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone)]
pub struct Check {
    /// What was looked at, a stable word.
    pub about: &'static str,
    /// How it is.
    pub condition: Condition,
    /// A clause; may hold foreign text.
    pub what: String,
    /// The command that mends it, or shows more.
    pub command: Option<String>,
    mend: Option<Mend>,
}

impl Check {
    fn new(about: &'static str, condition: Condition, what: impl Into<String>) -> Self {
        Self { about, condition, what: what.into(), command: None, mend: None }
    }

    fn good(about: &'static str, what: impl Into<String>) -> Self {
        Self::new(about, Condition::Good, what)
    }

    fn note(about: &'static str, what: impl Into<String>) -> Self {
        Self::new(about, Condition::Note, what)
    }

    fn warn(about: &'static str, what: impl Into<String>) -> Self {
        Self::new(about, Condition::Warn, what)
    }

    fn bad(about: &'static str, what: impl Into<String>) -> Self {
        Self::new(about, Condition::Bad, what)
    }

    /// With the command that helps.
    fn by(self, command: impl Into<String>) -> Self {
        Self { command: Some(command.into()), ..self }
    }

    /// With what `--repair` does about it.
    fn mended_by(self, mend: Mend) -> Self {
        Self { command: Some("git metawsm doctor --repair".to_owned()), mend: Some(mend), ..self }
    }

    /// Whether `--repair` would do something about it.
    pub fn is_mendable(&self) -> bool {
        self.mend.is_some()
    }
}

/// What `doctor` found, and did.
#[derive(Debug, Clone, Default)]
pub struct DoctorReport {
    /// Everything that was looked at, as it is now.
    pub checks: Vec<Check>,
    /// What was put right, as clauses.
    pub mended: Vec<String>,
    /// What could not be put right, as sentences.
    pub failed: Vec<String>,
    /// How many records the new index holds, and how long that took.
    pub rebuilt: Option<(usize, Duration)>,
}

impl DoctorReport {
    /// Whether nothing is wrong. Warnings count for nothing: all work goes on.
    pub fn is_well(&self) -> bool {
        self.failed.is_empty() && self.checks.iter().all(|check| check.condition < Condition::Bad)
    }
}

/// Looks, mends where that was asked for, and looks again.
pub fn doctor(
    caller: &Caller,
    request: DoctorRequest,
    progress: Progress<'_>,
) -> ServiceResult<DoctorReport> {
    let mut report = DoctorReport::default();
    if request.rebuild_index {
        let control = super::control(caller)?;
        progress(Event::Began("the index is built anew".to_owned()));
        let begin = Instant::now();
        control.store.index().rebuild()?;
        report.rebuilt = Some((records::fill_index(&control)?, begin.elapsed()));
        progress(Event::Done("the index is built anew".to_owned()));
    }
    report.checks = look(caller)?;
    if request.repair && report.checks.iter().any(Check::is_mendable) {
        let control = super::control(caller)?;
        let mut mends: Vec<Mend> = report.checks.iter().filter_map(|check| check.mend.clone()).collect();
        mends.sort();
        mends.dedup();
        for mend in mends {
            match mend.carry_out(caller, &control, progress) {
                Ok(Some(done)) => report.mended.push(done),
                Ok(None) => {}
                Err(error) => report.failed.push(error.to_string()),
            }
        }
        report.checks = look(caller)?;
    }
    Ok(report)
}

fn look(caller: &Caller) -> ServiceResult<Vec<Check>> {
    let mut checks = Vec::new();
    machine::git(&mut checks);
    let Some(control) = find_control(caller)?.map(Control::frozen) else {
        checks.push(
            Check::note("control", "no repository is around this directory; only programs were looked at")
                .by("git metawsm -C <repository> doctor"),
        );
        machine::set_up(&mut checks);
        return Ok(checks);
    };
    machine::identity(&control, &mut checks);
    machine::policy(caller, &control, &mut checks);
    // What keeps one thing from being looked at is a finding, and hides no other.
    if let Err(error) = records::look(&control, &mut checks) {
        checks.push(Check::bad("records", error.to_string()).by("git metawsm status"));
    }
    if let Err(error) = places::look(&control, caller, &mut checks) {
        checks.push(Check::bad("repositories", error.to_string()).by("git metawsm status"));
    }
    machine::set_up(&mut checks);
    Ok(checks)
}

/// `1 run`, `3 runs`.
fn counted(count: usize, what: &str) -> String {
    match (count, what.strip_suffix('y')) {
        (1, _) => format!("1 {what}"),
        (_, Some(stem)) if what.ends_with("ry") => format!("{count} {stem}ies"),
        _ => format!("{count} {what}s"),
    }
}
