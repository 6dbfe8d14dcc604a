//! The text form of a run record: writing, reading, migrating, publishing.
//!
//! A field that is added to the record raises `RECORD_FORMAT`, even one with a default: a program that does not
//! know a field would drop it on its next write, and the format is what keeps it from writing.

use super::{StoreError, StoreResult};
use crate::model::{RECORD_FORMAT, Run};
use crate::sys::{clock, env};
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
        for path in paths_of(&mut copy) {
            if let Some(inner) = path {
                *inner = PathBuf::from(inner.to_string_lossy().into_owned());
            }
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
/// what a person said and stands whole; what we said ourselves is cut where it is long.
pub fn published_form(run: &Run) -> String {
    let places = known_places(run);
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
        *text = without_places(text, &places);
    }
    for ticket in &mut copy.tickets {
        ticket.title = without_places(&ticket.title, &places);
        ticket.docs = ticket.docs.take().map(|d| without_roots(&without_places(&d, &places)));
    }
    let own =
        |text: &mut String, max: usize| *text = cut(&without_roots(&without_places(text, &places)), max);
    own(&mut copy.reason, 500);
    if let Some(from) = &mut copy.from {
        own(from, 200);
    }
    for repo in &mut copy.repos {
        own(&mut repo.base_note, 200);
    }
    for agent in &mut copy.agents {
        agent.live = None;
        agent.conversation = None;
        if let Some(said) = &mut agent.completed {
            own(said, 500);
        }
    }
    if let Some(receipt) = &mut copy.receipt {
        receipt.gates.iter_mut().for_each(|g| own(&mut g.note, 300));
        receipt.checks.iter_mut().for_each(|c| own(&mut c.command, 300));
    }
    to_toml(&copy)
}

/// The places on this machine that the record knows, longest first, each with the word that takes its place.
fn known_places(run: &Run) -> Vec<(String, String)> {
    let mut places = Vec::new();
    let mut add = |path: Option<&PathBuf>, word: String| {
        places.extend(path.and_then(|p| p.to_str()).filter(|p| p.len() > 1).map(|p| (p.to_owned(), word)));
    };
    for ticket in &run.tickets {
        add(ticket.path.as_ref(), format!("<{}>", ticket.workspace));
    }
    for repo in &run.repos {
        add(repo.path.as_ref(), format!("<{}>", repo.name));
        add(repo.common_dir.as_ref(), format!("<{}>/.git", repo.name));
    }
    for tree in &run.worktrees {
        add(tree.path.as_ref(), format!("<{}>", tree.repo));
    }
    add(env::home().as_ref(), "~".to_owned());
    places.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
    places
}

fn without_places(text: &str, places: &[(String, String)]) -> String {
    let mut text = text.to_owned();
    for (path, word) in places {
        if text.contains(path.as_str()) {
            text = text.replace(path.as_str(), word);
        }
    }
    text
}

/// Directories that stand at the root of a machine. A path below another name is taken for words of the project,
/// such as the route of a web server.
const ROOTS: [&str; 22] = [
    "bin", "data", "dev", "etc", "home", "lib", "media", "mnt", "nix", "opt", "private", "proc", "root",
    "run", "sbin", "srv", "sys", "tmp", "Users", "usr", "var", "Volumes",
];

/// Shortens every absolute path of a machine to its last part.
fn without_roots(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('/') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let joined = out.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '>' | '~'))
            || (from.starts_with("//") && !from.starts_with("///"));
        let end =
            from.find(|c: char| c.is_whitespace() || "\"'`,;()[]{}<>|".contains(c)).unwrap_or(from.len());
        let (path, after) = from.split_at(end);
        let mut parts = path.trim_matches('/').split('/');
        let rooted = parts.next().is_some_and(|first| ROOTS.contains(&first));
        match parts.next_back() {
            Some(last) if rooted && !joined => out.push_str(&format!("…/{last}")),
            _ => out.push_str(path),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let kept: String = text.chars().take(max - 1).collect();
    format!("{kept}…")
}
