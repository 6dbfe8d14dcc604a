//! Squashes that the user's own hooks must see.

use super::scratch::WORKTREE;
use super::{DirtKind, GitResult, HookMerge, Repository};
use crate::sys::SysError;
use std::ffi::OsString;
use std::fs;

/// The hooks that a commit runs before it is done.
const COMMIT_HOOKS: [&str; 3] = ["pre-commit", "prepare-commit-msg", "commit-msg"];

impl Repository {
    /// Whether the user has hooks that a commit runs before it is done. A file that holds nothing but our own block
    /// does not count.
    pub fn squash_hooks(&self) -> GitResult<bool> {
        self.has_hooks(&COMMIT_HOOKS)
    }

    /// Puts the work of `head` on top of `base` (full ids) as one commit, by a real `git merge --squash` and
    /// `git commit` in a throw-away worktree on no branch, so that the user's hooks see what they expect.
    pub fn squash_with_hooks(&self, base: &str, head: &str, message: &str) -> GitResult<HookMerge> {
        let hooks = self.hooks_dir()?;
        let scratch = self.scratch()?;
        let top = scratch.join(WORKTREE);
        let file = scratch.join("message");
        fs::write(&file, message).map_err(|e| SysError::file("write", &file, e))?;
        let add = self.action().args(["-c", "core.hooksPath=/dev/null", "worktree", "add", "--quiet"]);
        add.args(["--detach", "--"]).arg(&top).arg(base).run()?;
        let squashed = self.at(&top).and_then(|place| {
            let mut set_hooks = OsString::from("core.hooksPath=");
            set_hooks.push(&hooks);
            let cmd = || place.action().arg("-c").arg(&set_hooks).args(["-c", "i18n.commitEncoding=UTF-8"]);
            let merge =
                cmd().args(["-c", "merge.verifySignatures=false", "-c", "rerere.enabled=false", "merge"]);
            let merge = merge.args(["--squash", "--no-commit", "--ff", "--no-autostash", "--quiet"]);
            let output = merge.args(["--end-of-options", head]).output()?;
            let conflicted = |d: &super::Dirty| d.what == DirtKind::Conflicted;
            let files: Vec<_> = place.dirt_by_git()?.into_iter().filter(conflicted).map(|d| d.path).collect();
            if !files.is_empty() {
                return Ok(HookMerge::Conflict { files });
            }
            let output = if output.exit.is_ok() {
                cmd().args(["commit", "--quiet", "--file"]).arg(&file).output()?
            } else {
                output
            };
            if output.exit.is_ok() {
                return Ok(HookMerge::Commit { id: place.head()?.id().unwrap_or_default().to_owned() });
            }
            let said = [output.stdout, output.stderr].concat();
            Ok(HookMerge::Refused { why: String::from_utf8_lossy(&said).trim().to_owned() })
        });
        let removed = self.remove_worktree(&top, true);
        let squashed = squashed?;
        removed?;
        Ok(squashed)
    }
}
