//! The text form of a run record: writing, reading, migrating, publishing.
//!
//! A field that is added to the record raises `RECORD_FORMAT`, even one with a default: a program that does not
//! know a field would drop it on its next write, and the format is what keeps it from writing.

use super::places::{MACHINE, PERSONAL, Places};
use super::{StoreError, StoreResult};
use crate::model::{RECORD_FORMAT, Run};
use crate::sys::clock;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The kind of a run record.
pub(super) const KIND: &str = "run";

/// Turns a record of one format into the next one, in memory.
type Migration = fn(toml::Table) -> Result<toml::Table, String>;

/// Step `n` (counted from 0) turns format `n + 1` into format `n + 2`. Each format ever released has a frozen
/// record under `fixtures/store/v<format>/`, and a test reads it through this table.
const MIGRATIONS: &[Migration] = &[];

/// Why a text is not a record that we can use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// A newer version wrote it, in a form that we cannot read.
    #[error("it has record format {format}, which a newer git-metawsm wrote")]
    Newer {
        /// Its format.
        format: u32,
    },
    /// It is no run record.
    #[error("{why}")]
    Broken {
        /// The reason, as the rest of a sentence.
        why: String,
    },
}

impl RecordError {
    pub(super) fn at(self, path: &Path) -> StoreError {
        match self {
            Self::Newer { format } => StoreError::Newer { path: path.to_owned(), format },
            Self::Broken { why } => StoreError::Broken { path: path.to_owned(), why },
        }
    }
}

#[derive(Deserialize)]
struct Head {
    format: Option<i64>,
    kind: Option<String>,
}

/// Reads a record. An older format is migrated in memory; a newer one is returned as it is where it parses, and
/// its `format` says that it must not be written.
pub fn parse_run(text: &str) -> Result<Run, RecordError> {
    parse_with(text, MIGRATIONS)
}

fn parse_with(text: &str, migrations: &[Migration]) -> Result<Run, RecordError> {
    let broken = |why: String| RecordError::Broken { why };
    let head: Head = toml::from_str(text).map_err(|e| broken(toml_reason(text, &e)))?;
    let format = head.format.ok_or_else(|| broken("it does not say its format".to_owned()))?;
    let format = u32::try_from(format).ok().filter(|f| *f > 0);
    let format = format.ok_or_else(|| broken("its format is not a number above 0".to_owned()))?;
    match head.kind.as_deref() {
        Some(KIND) => {}
        _ if format > RECORD_FORMAT => return Err(RecordError::Newer { format }),
        Some(kind) => return Err(broken(format!("it is a record of kind {kind:?} and not of a run"))),
        None => return Err(broken("it does not say its kind".to_owned())),
    }
    if format > RECORD_FORMAT {
        return toml::from_str(text).map_err(|_| RecordError::Newer { format });
    }
    let first = usize::try_from(format).unwrap_or(usize::MAX) - 1;
    if first >= migrations.len() {
        return toml::from_str(text).map_err(|e| broken(toml_reason(text, &e)));
    }
    let mut table: toml::Table = toml::from_str(text).map_err(|e| broken(toml_reason(text, &e)))?;
    for step in &migrations[first..] {
        table = step(table).map_err(broken)?;
    }
    table.insert("format".to_owned(), toml::Value::Integer(i64::from(RECORD_FORMAT)));
    table.try_into().map_err(|e: toml::de::Error| broken(toml_reason(text, &e)))
}

fn toml_reason(text: &str, error: &toml::de::Error) -> String {
    let line = error.span().and_then(|s| text.get(..s.start)).map(|before| before.lines().count().max(1));
    let what = error.message().trim().replace('\n', " ");
    line.map_or_else(|| what.clone(), |line| format!("line {line}: {what}"))
}

/// The record's text: fixed key order, one field a line, LF, a final newline. A path that is not UTF-8 text
/// stands there with its odd bytes replaced; saving such a record is an error instead.
pub fn to_toml(run: &Run) -> String {
    encode(run).unwrap_or_else(|_| {
        let mut copy = run.clone();
        for path in paths_of(&mut copy).flatten() {
            *path = PathBuf::from(path.to_string_lossy().into_owned());
        }
        encode(&copy).unwrap_or_default()
    })
}

/// As [`to_toml`]; a record that cannot be written down exactly is an error.
pub(super) fn encode(run: &Run) -> StoreResult<String> {
    let text = toml::to_string_pretty(run);
    text.map_err(|e| StoreError::Refused {
        id: run.id.to_string(),
        why: format!("it cannot be written: {e}"),
    })
}

fn paths_of(run: &mut Run) -> impl Iterator<Item = &mut Option<PathBuf>> {
    let tickets = run.tickets.iter_mut().map(|t| &mut t.path);
    let repos = run.repos.iter_mut().flat_map(|r| [&mut r.path, &mut r.common_dir]);
    tickets.chain(repos).chain(run.worktrees.iter_mut().map(|w| &mut w.path))
}

/// Where the published record lies in the work tree: `.metawsm/runs/<yyyy-mm>/<run-id>.toml`, by the month (UTC)
/// in which the run was made.
pub fn published_path(run: &Run) -> String {
    format!(".metawsm/runs/{}/{}.toml", clock::month(run.created), run.id)
}

/// The text that history keeps: no absolute path, no policy table, no session, no process, no plan. The brief is
/// what a person said and is never cut; what we said ourselves is, where it is long.
pub fn published_form(run: &Run) -> String {
    let places = Places::of(run);
    let mut copy = run.clone();
    copy.policy = toml::Table::new();
    copy.steps = Vec::new();
    for path in paths_of(&mut copy) {
        *path = None;
    }
    let brief = &mut copy.brief;
    let said = [
        &mut brief.goal,
        &mut brief.scope,
        &mut brief.done_criteria,
        &mut brief.constraints,
        &mut brief.merge_intent,
    ];
    for text in said {
        *text = places.hidden(text, &PERSONAL);
    }
    for ticket in &mut copy.tickets {
        ticket.title = places.hidden(&ticket.title, &PERSONAL);
        ticket.docs = ticket.docs.take().map(|docs| places.hidden(&docs, &MACHINE));
    }
    let own = |text: &mut String, max: usize| *text = cut(&places.hidden(text, &MACHINE), max);
    own(&mut copy.reason, 500);
    copy.from.iter_mut().for_each(|from| own(from, 200));
    copy.repos.iter_mut().for_each(|repo| own(&mut repo.base_note, 200));
    for agent in &mut copy.agents {
        agent.live = None;
        agent.conversation = None;
        agent.completed.iter_mut().for_each(|said| own(said, 500));
    }
    if let Some(receipt) = &mut copy.receipt {
        receipt.gates.iter_mut().for_each(|gate| own(&mut gate.note, 300));
        receipt.checks.iter_mut().for_each(|check| own(&mut check.command, 300));
    }
    to_toml(&copy)
}

fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let kept: String = text.chars().take(max - 1).collect();
    format!("{kept}…")
}
