//! What lies where a merge would write.

use super::{DirtKind, GitResult, Operation, RepoPath, Repository};
use crate::sys::SysError;
use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

/// Why something is in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObstacleKind {
    /// A tracked file with edits.
    Dirty(DirtKind),
    /// A file that git does not track.
    Untracked,
    /// A file that git ignores; a plain merge would overwrite it without a word.
    Ignored,
    /// The worktree as a whole is in the middle of something.
    Operation(Operation),
}

/// Something in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// The path; empty for the worktree as a whole.
    pub path: RepoPath,
    /// Why it is in the way.
    pub kind: ObstacleKind,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            ObstacleKind::Dirty(kind) => write!(f, "{} ({kind})", self.path),
            ObstacleKind::Untracked => write!(f, "{} (untracked)", self.path),
            ObstacleKind::Ignored => write!(f, "{} (ignored)", self.path),
            ObstacleKind::Operation(operation) => write!(f, "an unfinished {operation}"),
        }
    }
}

impl Repository {
    /// What a merge that writes these paths would meet in a worktree: edits, staged, hidden or plain, untracked
    /// and ignored files, and operations half done. Dirt elsewhere is no obstacle.
    pub fn obstacles(&self, worktree: &Path, paths: &[RepoPath]) -> GitResult<Vec<Obstacle>> {
        let place = self.at(worktree)?;
        let top = place.dir().to_owned();
        let touched: BTreeSet<_> = paths.iter().cloned().collect();
        let mut found = Vec::new();
        if let Some(operation) = place.operation()? {
            found.push(Obstacle { path: RepoPath::default(), kind: ObstacleKind::Operation(operation) });
        }
        let (dirt, judge) = place.dirt()?;
        for dirty in dirt {
            if touches(&touched, &dirty.path) {
                let kind = match dirty.what {
                    DirtKind::Untracked => ObstacleKind::Untracked,
                    what => ObstacleKind::Dirty(what),
                };
                found.push(Obstacle { path: dirty.path, kind });
            }
        }
        let tracked = if touched.is_empty() { BTreeSet::new() } else { place.tracked(judge)? };
        for path in touched.iter().filter(|path| !tracked.contains(path)) {
            for blocking in in_the_way(&top, path, &tracked)? {
                if !found.iter().any(|o| o.path == blocking) {
                    found.push(Obstacle { path: blocking, kind: ObstacleKind::Ignored });
                }
            }
        }
        Ok(found)
    }
}

/// Whether writing one of the touched paths would replace `path`, or a directory above or below it.
fn touches(touched: &BTreeSet<RepoPath>, path: &RepoPath) -> bool {
    let bytes = path.as_bytes().strip_suffix(b"/").unwrap_or(path.as_bytes());
    if touched.contains(&RepoPath::new(bytes)) || parents(bytes).any(|p| touched.contains(&p)) {
        return true;
    }
    let below = [bytes, b"/"].concat();
    let next = touched.range(RepoPath::new(below.clone())..).next();
    next.is_some_and(|next| next.as_bytes().starts_with(&below))
}

fn parents(bytes: &[u8]) -> impl Iterator<Item = RepoPath> {
    bytes.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(at, _)| RepoPath::new(&bytes[..at]))
}

/// The untracked things on disk that a file at `path` would replace.
fn in_the_way(top: &Path, path: &RepoPath, tracked: &BTreeSet<RepoPath>) -> GitResult<Vec<RepoPath>> {
    for above in parents(path.as_bytes()) {
        match above.under(top).symlink_metadata() {
            Ok(meta) if meta.is_dir() => {}
            Ok(_) if tracked.contains(&above) => return Ok(Vec::new()),
            Ok(_) => return Ok(vec![above]),
            Err(e) if is_absent(&e) => return Ok(Vec::new()),
            Err(e) => return Err(SysError::file("look at", &above.under(top), e).into()),
        }
    }
    match path.under(top).symlink_metadata() {
        Ok(meta) if meta.is_dir() => untracked_below(top, path, tracked),
        Ok(_) => Ok(vec![path.clone()]),
        Err(e) if is_absent(&e) => Ok(Vec::new()),
        Err(e) => Err(SysError::file("look at", &path.under(top), e).into()),
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn untracked_below(top: &Path, dir: &RepoPath, tracked: &BTreeSet<RepoPath>) -> GitResult<Vec<RepoPath>> {
    let mut found = Vec::new();
    let mut next = vec![dir.under(top)];
    while let Some(dir) = next.pop() {
        let failed = |e| SysError::file("list", &dir, e);
        for entry in fs::read_dir(&dir).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let is_dir = path.symlink_metadata().is_ok_and(|m| m.is_dir());
            let relative = RepoPath::of(path.strip_prefix(top).unwrap_or(&path));
            if is_dir {
                next.push(path);
            } else if !tracked.contains(&relative) {
                found.push(relative);
            }
        }
    }
    found.sort();
    Ok(found)
}
