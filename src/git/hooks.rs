//! Merges that the user's own hooks must see.

use super::command::{LONG, plain};
use super::scratch::WORKTREE;
use super::{GitError, GitResult, RepoPath, Repository};
use crate::sys::{env, files};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The line that opens our block in a hook file.
pub const HOOK_BLOCK_START: &str = "# >>> git-metawsm >>>";
/// The line that closes our block in a hook file.
pub const HOOK_BLOCK_END: &str = "# <<< git-metawsm <<<";

/// The hooks that a merge runs before it is done.
const MERGE_HOOKS: [&str; 2] = ["pre-merge-commit", "commit-msg"];

const MOST_OF_A_HOOK: u64 = 1 << 20;

/// How often a hook is run to learn what it costs.
const PROBES: usize = 3;

/// What a merge under the user's hooks came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookMerge {
    /// A merge commit; no ref names it yet.
    Commit {
        /// Its id.
        id: String,
    },
    /// Conflicts.
    Conflict {
        /// The files in conflict, sorted.
        files: Vec<RepoPath>,
    },
    /// A hook refused, or git did.
    Refused {
        /// What was said.
        why: String,
    },
}

impl Repository {
    /// Whether the user has hooks that a merge runs before it is done. A file that holds nothing but our own block
    /// does not count.
    pub fn merge_hooks(&self) -> GitResult<bool> {
        self.has_hooks(&MERGE_HOOKS)
    }

    /// Whether the user has one of these hooks.
    pub(super) fn has_hooks(&self, names: &[&str]) -> GitResult<bool> {
        let dir = self.hooks_dir()?;
        if names.iter().any(|name| is_users_hook(&dir.join(name))) {
            return Ok(true);
        }
        // git 2.54 takes hooks from the configuration.
        let cmd = self.question().args(["config", "--get-regexp", "^hook\\..*\\.event$"]);
        let text = cmd.output()?.text();
        Ok(text.lines().any(|line| names.iter().any(|name| line.ends_with(&format!(" {name}")))))
    }

    /// The directory of the hooks that run in this worktree, absolute.
    pub fn hooks_dir(&self) -> GitResult<PathBuf> {
        // Asked without the override that keeps our questions from running hooks.
        let cmd = plain().cwd(self.dir());
        let cmd = if self.worktree().is_none() { cmd.arg("--git-dir").arg(self.git_dir()) } else { cmd };
        let bytes = cmd.args(["rev-parse", "--git-path", "hooks"]).run()?.stdout;
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        Ok(self.dir().join(std::ffi::OsStr::from_bytes(bytes)))
    }

    /// Lets git run a hook of ours here with the probe set: whether it says `told`, and how long that took, in
    /// microseconds, the quickest of a few times. The caller knows that the file begins with our block.
    pub fn probe_hook(&self, name: &str, told: &str) -> GitResult<(bool, u64)> {
        let cmd = plain().cwd(self.dir()).env(env::PROBE, "1");
        let cmd = if self.worktree().is_none() { cmd.arg("--git-dir").arg(self.git_dir()) } else { cmd };
        let cmd = cmd.args(["hook", "run", "--ignore-missing", name, "--", "prepared"]);
        let (mut fires, mut quickest) = (true, u64::MAX);
        for _ in 0..PROBES {
            let begun = Instant::now();
            let output = cmd.output()?;
            quickest = quickest.min(u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX));
            let said = [output.stdout, output.stderr].concat();
            fires &= String::from_utf8_lossy(&said).lines().any(|line| line.trim() == told);
        }
        Ok((fires, quickest))
    }

    /// Merges `head` into `base` (full ids) by a real `git merge --no-ff` in a throw-away worktree on no branch,
    /// so that the user's hooks see what they expect. The hooks are those of this worktree, wherever a relative
    /// `core.hooksPath` points.
    pub fn merge_with_hooks(&self, base: &str, head: &str, message: &str) -> GitResult<HookMerge> {
        let hooks = self.hooks_dir()?;
        let scratch = self.scratch()?;
        let top = scratch.join(WORKTREE);
        let add = self.action().args(["-c", "core.hooksPath=/dev/null", "worktree", "add", "--quiet"]);
        add.args(["--detach", "--"]).arg(&top).arg(base).limit(LONG).run()?;
        let merged = self.at(&top).and_then(|place| place.merge_here(&hooks, base, head, message));
        let removed = self.remove_worktree(&top, true);
        let merged = merged?;
        removed?;
        Ok(merged)
    }

    fn merge_here(&self, hooks: &Path, base: &str, head: &str, message: &str) -> GitResult<HookMerge> {
        let mut set_hooks = std::ffi::OsString::from("core.hooksPath=");
        set_hooks.push(hooks);
        let cmd = self.action().arg("-c").arg(set_hooks).args(["-c", "i18n.commitEncoding=UTF-8"]);
        let cmd = cmd.args(["-c", "merge.verifySignatures=false", "-c", "rerere.enabled=false", "merge"]);
        let cmd = cmd.args(["--no-ff", "--commit", "--no-squash", "--no-edit", "--no-autostash", "--quiet"]);
        let output = cmd.args(["-m", message, "--end-of-options", head]).output()?;
        if !output.exit.is_ok() {
            let conflicted = |d: &super::Dirty| d.what == super::DirtKind::Conflicted;
            let files: Vec<_> = self.dirt_by_git()?.into_iter().filter(conflicted).map(|d| d.path).collect();
            if !files.is_empty() {
                return Ok(HookMerge::Conflict { files });
            }
            let said = [output.stdout, output.stderr].concat();
            return Ok(HookMerge::Refused { why: String::from_utf8_lossy(&said).trim().to_owned() });
        }
        let id = self.head()?.id().unwrap_or_default().to_owned();
        let parents = self.commits(base, &id)?.into_iter().find(|c| c.id == id).map(|c| c.parents);
        if id == base || parents.is_some_and(|p| p == [base, head]) {
            return Ok(HookMerge::Commit { id });
        }
        Err(GitError::odd(format!("A hook left {id} instead of a merge of {head} into {base}")))
    }
}

fn is_users_hook(path: &Path) -> bool {
    let runs = fs::metadata(path).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0);
    if !runs {
        return false;
    }
    // What we cannot read as text is not ours.
    let Ok(Some(bytes)) = files::find_foreign(path, MOST_OF_A_HOOK) else { return true };
    let Ok(text) = String::from_utf8(bytes) else { return true };
    let mut ours = false;
    for line in text.lines().map(str::trim) {
        match line {
            HOOK_BLOCK_START => ours = true,
            HOOK_BLOCK_END => ours = false,
            _ if ours || line.is_empty() || line.starts_with('#') => {}
            _ => return true,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::testing::Sandbox;
    use super::*;

    fn hook(sandbox: &Sandbox, path: &str, text: &str) {
        sandbox.write(path, text);
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(sandbox.dir().join(path), mode).expect("executable");
    }

    fn ids(sandbox: &Sandbox) -> (String, String) {
        let head = sandbox.commit_on("task", "main", &[("t", "t")]);
        (sandbox.commit("m", "m"), head)
    }

    #[test]
    fn only_hooks_of_the_user_count() {
        let sandbox = Sandbox::new();
        assert!(!sandbox.repo().merge_hooks().expect("asked"));
        let ours = format!("#!/bin/sh\n{HOOK_BLOCK_START}\nexec us \"$@\"\n{HOOK_BLOCK_END}\n");
        hook(&sandbox, ".git/hooks/commit-msg", &ours);
        assert!(!sandbox.repo().merge_hooks().expect("asked"));
        hook(&sandbox, ".git/hooks/commit-msg", &format!("{ours}check \"$1\"\n"));
        assert!(sandbox.repo().merge_hooks().expect("asked"));
    }

    #[test]
    fn hooks_in_a_relative_directory_see_the_merge_and_may_refuse_it() {
        let sandbox = Sandbox::new();
        let (base, head) = ids(&sandbox);
        sandbox.git(&["config", "core.hooksPath", ".husky/_"]);
        let probe = sandbox.beside("seen");
        let script = format!("#!/bin/sh\ngit diff --cached --name-only > '{}'\n", probe.display());
        hook(&sandbox, ".husky/_/pre-merge-commit", &script);
        assert!(sandbox.repo().merge_hooks().expect("asked"));
        let merged = sandbox.repo().merge_with_hooks(&base, &head, "Merge it").expect("merged");
        let HookMerge::Commit { id } = merged else { panic!("a commit") };
        assert_eq!(sandbox.repo().commits(&base, &id).expect("walked")[0].subject, "Merge it");
        assert_eq!(fs::read_to_string(&probe).expect("the hook ran").trim(), "t");
        assert_eq!(sandbox.id("main"), base);
        assert_eq!(sandbox.repo().worktrees().expect("listed").len(), 1);

        hook(&sandbox, ".husky/_/pre-merge-commit", "#!/bin/sh\necho not today >&2\nexit 1\n");
        let merged = sandbox.repo().merge_with_hooks(&base, &head, "Merge it").expect("asked");
        assert!(matches!(merged, HookMerge::Refused { why } if why.contains("not today")));
        assert_eq!(sandbox.repo().worktrees().expect("listed").len(), 1);
    }

    #[test]
    fn conflicts_under_hooks_name_their_files() {
        let sandbox = Sandbox::new();
        let head = sandbox.commit_on("task", "main", &[("a.txt", "task\n")]);
        let base = sandbox.commit("a.txt", "main\n");
        let merged = sandbox.repo().merge_with_hooks(&base, &head, "Merge").expect("asked");
        assert_eq!(merged, HookMerge::Conflict { files: vec!["a.txt".into()] });
    }
}
