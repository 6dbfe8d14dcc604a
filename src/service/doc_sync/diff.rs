//! `docs diff`: what the workspace copy holds and the source does not, file by file.

use super::super::select::{Selector, require_run};
use super::super::steps::open_repo;
use super::super::{Caller, Control, ServiceError, ServiceResult, control};
use super::sync::{selected, wanted};
use super::unified::unified;
use super::{DocView, look, source_repo};
use crate::git::{RepoPath, SizedFile, TreeEntry};
use crate::model::{Run, TicketId};
use std::collections::{BTreeMap, BTreeSet};

/// The largest file that is compared line by line.
pub(super) const COMPARED: u64 = 4 << 20;

/// What `docs diff` was asked.
#[derive(Debug, Clone, Default)]
pub struct DocDiffRequest {
    /// Which run.
    pub selector: Selector,
    /// Only these tickets of it; all where empty.
    pub tickets: Vec<String>,
}

/// What `docs diff` found.
#[derive(Debug)]
pub struct DocDiffReport {
    /// The run.
    pub run: Run,
    /// Its tickets.
    pub tickets: Vec<DocDiff>,
}

impl DocDiffReport {
    /// Whether a ticket could not be looked at.
    pub fn is_partial(&self) -> bool {
        self.tickets.iter().any(|diff| diff.found.is_err())
    }
}

/// The two copies of one ticket's documents.
#[derive(Debug)]
pub struct DocDiff {
    /// The ticket.
    pub ticket: TicketId,
    /// How they stand to each other, and where they differ; `None` where nothing was seeded.
    pub found: ServiceResult<Option<(DocView, Vec<FileDiff>)>>,
}

/// How a file differs from the source to the workspace copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileChange {
    /// Only the workspace copy has it.
    Added,
    /// Only the source has it.
    Deleted,
    /// Both have it, with other bytes.
    Modified,
    /// Both have the same bytes, with another mode.
    Mode,
}

/// What of a file's bytes can be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileText {
    /// The differing lines as hunks of a unified diff, with how many lines were added and removed.
    Lines {
        /// The hunks.
        hunks: Vec<u8>,
        /// Lines that only the workspace copy has.
        added: usize,
        /// Lines that only the source has.
        removed: usize,
    },
    /// No text.
    Binary,
    /// Too large to be compared line by line; the larger size in bytes.
    Large(u64),
}

/// One file that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDiff {
    /// Its path in the repository that holds the source (where there is none, in the doc home).
    pub path: RepoPath,
    /// How it differs.
    pub change: FileChange,
    /// Mode and id in the source and in the workspace copy.
    pub sides: [Option<(u32, String)>; 2],
    /// Its text.
    pub text: FileText,
}

/// Compares both copies of a run's tickets, each by itself. Changes nothing.
pub fn diff(caller: &Caller, request: &DocDiffRequest) -> ServiceResult<DocDiffReport> {
    let control = control(caller)?.frozen();
    let id = selected(caller, &control, &request.selector, "docs diff")?;
    let run = require_run(&control, &id)?;
    if !run.state.is_open() {
        let message = format!("The run {} is {}, and its documents are in history.", run.id, run.state);
        return Err(ServiceError::failed(message, &[&format!("git metawsm diff {}", run.id)]));
    }
    let mut tickets = Vec::new();
    for ticket in wanted(&run, &request.tickets, "docs diff")? {
        let found = compare(&control, &run, &ticket);
        tickets.push(DocDiff { ticket, found });
    }
    Ok(DocDiffReport { run, tickets })
}

/// A file with its bytes, where they are to be compared.
struct Side {
    entry: TreeEntry,
    size: u64,
    bytes: Option<Vec<u8>>,
}

type Files = BTreeMap<RepoPath, Side>;

fn compare(
    control: &Control,
    run: &Run,
    ticket: &TicketId,
) -> ServiceResult<Option<(DocView, Vec<FileDiff>)>> {
    let Some(view) = look(control, run, ticket)? else { return Ok(None) };
    if view.source == view.workspace {
        return Ok(Some((view, Vec::new())));
    }
    let home = open_repo(run, &view.record.repo)?;
    // What the ticket began as, where it has no source, is in the doc home.
    let from =
        if view.has_source() { source_repo(control)?.map(|(from, _)| from) } else { Some(home.clone()) };
    let mut known = BTreeMap::new();
    if let (Some(source), Some(from)) = (&view.source, &from) {
        for (entry, _, _) in from.tree_files(source, &|_, _| false)? {
            known.insert(entry.path.clone(), (entry.mode, entry.id));
        }
    }
    let differs = |entry: &TreeEntry, size: u64| {
        size <= COMPARED && known.get(&entry.path).is_none_or(|(_, id)| *id != entry.id)
    };
    let ours = files(home.dir_files(&view.worktree, &view.record.dir, &differs)?);
    let differs = |entry: &TreeEntry, size: u64| {
        size <= COMPARED && ours.get(&entry.path).is_none_or(|side| side.entry.id != entry.id)
    };
    let theirs = match (&view.source, &from) {
        (Some(source), Some(from)) => files(from.tree_files(source, &differs)?),
        _ => Files::new(),
    };
    let top = if view.has_source() { &view.record.source } else { &view.record.dir };
    let names: BTreeSet<_> = theirs.keys().chain(ours.keys()).collect();
    let diffs = names.into_iter().filter_map(|name| {
        let path = RepoPath::new([top.as_bytes(), b"/", name.as_bytes()].concat());
        file_diff(path, theirs.get(name), ours.get(name))
    });
    let diffs = diffs.collect();
    Ok(Some((view, diffs)))
}

fn files(listed: Vec<SizedFile>) -> Files {
    listed.into_iter().map(|(entry, size, bytes)| (entry.path.clone(), Side { entry, size, bytes })).collect()
}

fn file_diff(path: RepoPath, source: Option<&Side>, workspace: Option<&Side>) -> Option<FileDiff> {
    let change = match (source, workspace) {
        (None, Some(_)) => FileChange::Added,
        (Some(_), None) => FileChange::Deleted,
        (Some(one), Some(other)) if one.entry.id != other.entry.id => FileChange::Modified,
        (Some(one), Some(other)) if one.entry.mode != other.entry.mode => FileChange::Mode,
        _ => return None,
    };
    let both = [source, workspace];
    let largest = both.iter().flatten().map(|side| side.size).max().unwrap_or(0);
    let bytes = both.map(|side| side.and_then(|side| side.bytes.as_deref()).unwrap_or_default());
    let text = if change == FileChange::Mode {
        FileText::Lines { hunks: Vec::new(), added: 0, removed: 0 }
    } else if largest > COMPARED {
        FileText::Large(largest)
    } else if bytes.iter().any(|bytes| is_binary(bytes)) {
        FileText::Binary
    } else {
        unified(bytes[0], bytes[1])
    };
    let sides = both.map(|side| side.map(|side| (side.entry.mode, side.entry.id.clone())));
    Some(FileDiff { path, change, sides, text })
}

/// As git judges: a NUL among the first bytes.
fn is_binary(bytes: &[u8]) -> bool {
    bytes.iter().take(8000).any(|byte| *byte == 0)
}
