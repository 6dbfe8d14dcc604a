//! What changed in worktrees: `--git`.

use super::super::screen::Paint;
use super::super::sheet::{Part, Sheet};
use crate::service::TreeChanges;

/// At most this many paths that are not committed are named.
const PATHS: usize = 3;

/// What changed, in numbers.
pub(super) fn summary(changes: &TreeChanges) -> Vec<Part> {
    if let Some(odd) = &changes.odd {
        return vec![Part::painted(Paint::Bad, odd)];
    }
    let count = |n: usize, one: &str, more: &str| format!("{n} {}", if n == 1 { one } else { more });
    let mut parts = vec![Part::new(&count(changes.commits, "commit", "commits"))];
    if changes.commits > 0 {
        let counts = &changes.counts;
        parts.push(Part::new(&count(counts.files, "file", "files")));
        parts.push(Part::painted(Paint::Good, &format!("+{}", counts.insertions)));
        parts.push(Part::painted(Paint::Bad, &format!("-{}", counts.deletions)));
    }
    match changes.dirty.len() {
        0 => parts.push(Part::painted(Paint::Dim, "clean")),
        n => parts.push(Part::painted(Paint::Warn, &format!("{n} not committed"))),
    }
    if let Some(operation) = &changes.half_done {
        parts.push(Part::painted(Paint::Bad, &format!("a {operation} is half done")));
    }
    parts
}

/// The newest commits, and what is not committed.
pub(super) fn detail(sheet: &mut Sheet<'_>, changes: &TreeChanges) {
    for subject in &changes.subjects {
        sheet.flow(4, &[Part::cut(None, subject)]);
    }
    let more = changes.commits.saturating_sub(changes.subjects.len());
    if more > 0 {
        sheet.flow(4, &[Part::painted(Paint::Dim, &format!("and {more} more"))]);
    }
    for dirt in changes.dirty.iter().take(PATHS) {
        sheet.flow(4, &[Part::painted(Paint::Warn, &dirt.what), Part::cut(None, &dirt.path)]);
    }
    let more = changes.dirty.len().saturating_sub(PATHS);
    if more > 0 {
        sheet.flow(4, &[Part::painted(Paint::Warn, &format!("and {more} more not committed"))]);
    }
}

/// The worktrees of one run among others.
pub(super) fn brief(sheet: &mut Sheet<'_>, changes: &[TreeChanges]) {
    let name = changes.iter().map(|c| Part::new(&c.place()).columns()).max().unwrap_or_default();
    for changed in changes {
        let mut parts = vec![Part::new(&changed.place()).padded(name)];
        parts.extend(summary(changed));
        sheet.flow(4, &parts);
        detail(sheet, changed);
    }
}
