//! When work was last seen in a worktree, without opening its repository.

use jiff::Timestamp;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// When the index or the log of HEAD of a worktree last changed; `None` where neither can be looked at.
pub fn last_progress(worktree: &Path) -> Option<Timestamp> {
    let dir = private_dir(worktree)?;
    let changed = |name: &str| fs::metadata(dir.join(name)).and_then(|m| m.modified()).ok();
    let newest = ["index", "logs/HEAD"].into_iter().filter_map(changed).max()?;
    Timestamp::try_from(newest).ok()
}

/// The git directory that a worktree's `.git` is or points at, without opening its repository.
pub fn private_dir(worktree: &Path) -> Option<PathBuf> {
    let dot = worktree.join(".git");
    let text = match fs::read_to_string(&dot) {
        Ok(text) => text,
        Err(e) if e.kind() == ErrorKind::IsADirectory => return Some(dot),
        Err(_) => return None,
    };
    Some(worktree.join(text.strip_prefix("gitdir: ")?.trim_end_matches('\n')))
}
