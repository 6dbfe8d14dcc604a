//! The commands that clear what gates complain of, ready to be pasted.

use super::ServiceResult;
use crate::git::{DirtKind, Dirty, Head, Obstacle, ObstacleKind, Operation, Repository};
use crate::model::{RunWorktree, quoted};
use std::path::Path;

fn at(dir: &Path) -> String {
    format!("git -C {}", quoted(&dir.display().to_string()))
}

/// Ends an operation that is half done, as git itself advises.
pub(super) fn ended(operation: Operation, dir: &Path) -> String {
    let words = match operation {
        Operation::Merge => "merge --abort",
        Operation::Rebase => "rebase --abort",
        Operation::ApplyMail => "am --abort",
        Operation::CherryPick => "cherry-pick --abort",
        Operation::Revert => "revert --abort",
        Operation::Bisect => "bisect reset",
    };
    format!("{} {words}", at(dir))
}

/// Makes a branch again at a commit.
pub(super) fn restored_branch(dir: &Path, branch: &str, commit: &str) -> String {
    format!("{} branch {} {}", at(dir), quoted(branch), quoted(commit))
}

/// Brings a directory of a worktree back as it was in a commit.
pub(super) fn restored_dir(dir: &Path, commit: &str, lost: &str) -> String {
    format!("{} restore --source={} --staged --worktree -- {}", at(dir), quoted(commit), quoted(lost))
}

/// Brings a run branch back that somebody has deleted or renamed.
pub(super) fn missing_branch(repository: &Repository, tree: &RunWorktree) -> String {
    let branch = quoted(&tree.branch);
    let Some(path) = tree.path.as_deref().filter(|path| path.is_dir()) else {
        return restored_branch(repository.dir(), &tree.branch, &tree.start);
    };
    let place = repository.at(path);
    match place.as_ref().map(Repository::head) {
        Ok(Ok(Head::Branch { name, id: Some(_) })) => {
            format!("{} branch -m {} {branch}", at(path), quoted(&name))
        }
        Ok(Ok(Head::Detached(_))) => format!("{} switch -c {branch}", at(path)),
        // HEAD names a branch that is not there: its log still knows the last commit.
        _ => {
            let last = place.ok().and_then(|place| place.last_logged_head());
            let last = last.as_deref().unwrap_or(&tree.start);
            format!("{} update-ref {} {last}", at(path), quoted(&format!("refs/heads/{}", tree.branch)))
        }
    }
}

/// Reverts a revert where base is checked out, else where the repository lies.
pub(super) fn reverted(repository: &Repository, base: &str, by: &str) -> ServiceResult<String> {
    let holder = repository.base_holders(base)?.into_iter().find(|h| !h.missing && h.operation.is_none());
    let git = at(holder.as_ref().map_or(repository.dir(), |h| &h.worktree));
    let switch = if holder.is_some() { String::new() } else { format!("{git} switch {} && ", quoted(base)) };
    Ok(format!("{switch}{git} revert --no-edit {by}"))
}

/// What clears a dirty path of a run's worktree where `git metawsm commit` does not.
pub(super) fn of_dirt(run: &str, top: &Path, dirt: &Dirty, is_forbidden: bool) -> Option<String> {
    let (git, path) = (at(top), quoted(&dirt.path.text()));
    let commit = format!("git metawsm commit {run}");
    Some(match dirt.what {
        DirtKind::AssumeUnchanged => {
            format!("{git} update-index --no-assume-unchanged -- {path} && {commit}")
        }
        DirtKind::SkipWorktree => format!("{git} update-index --no-skip-worktree -- {path} && {commit}"),
        DirtKind::NestedRepository => moved_beside(top, dirt),
        DirtKind::Submodule => {
            let git = at(&dirt.path.under(top));
            format!("{git} add --all && {git} commit --allow-empty -m 'Work of {run}' && {commit}")
        }
        DirtKind::Untracked if dirt.path.is_below(".metawsm") => moved_beside(top, dirt),
        _ if dirt.path.is_below(".metawsm") => {
            format!("{git} restore --source=HEAD --staged --worktree -- {}", quoted(&literal(dirt)))
        }
        DirtKind::Untracked if is_forbidden => {
            let ignore = quoted(&top.join(".gitignore").display().to_string());
            format!("echo {} >> {ignore} && {commit}", quoted(&format!("/{}", dirt.path.text())))
        }
        _ => return None,
    })
}

fn literal(dirt: &Dirty) -> String {
    format!(":(literal){}", dirt.path.text())
}

/// Moves a thing out of the worktree, beside it in the workspace, under a name that is free.
fn moved_beside(top: &Path, dirt: &Dirty) -> String {
    let from = dirt.path.under(top);
    let name = String::from_utf8_lossy(dirt.path.name()).into_owned();
    let beside = top.parent().unwrap_or(top);
    let free = (1..).map(|n| if n == 1 { format!("{name}.moved") } else { format!("{name}.moved-{n}") });
    let to = free.map(|name| beside.join(name)).find(|to| to.symlink_metadata().is_err());
    let to = to.unwrap_or_else(|| beside.to_owned());
    let shown = |path: &Path| quoted(path.display().to_string().trim_end_matches('/'));
    format!("mv -n -- {} {}", shown(&from), shown(&to))
}

/// What clears something that lies where a merge would write; edits go to the stash, from which they come back.
pub(super) fn of_obstacle(run: &str, top: &Path, obstacle: &Obstacle) -> String {
    let (git, path) = (at(top), quoted(&format!(":(literal){}", obstacle.path.text())));
    let stash = |how: &str| format!("{git} stash push {how}--message 'Before {run}' -- {path}");
    let plain = quoted(&obstacle.path.text());
    match obstacle.kind {
        ObstacleKind::Operation(operation) => ended(operation, top),
        ObstacleKind::Untracked => stash("--include-untracked "),
        ObstacleKind::Ignored => stash("--all "),
        ObstacleKind::Dirty(DirtKind::AssumeUnchanged) => {
            format!("{git} update-index --no-assume-unchanged -- {plain} && {}", stash(""))
        }
        ObstacleKind::Dirty(DirtKind::SkipWorktree) => {
            format!("{git} update-index --no-skip-worktree -- {plain} && {}", stash(""))
        }
        ObstacleKind::Dirty(DirtKind::NestedRepository) => {
            moved_beside(top, &Dirty { path: obstacle.path.clone(), what: DirtKind::NestedRepository })
        }
        ObstacleKind::Dirty(DirtKind::Submodule) => {
            let below = at(&obstacle.path.under(top));
            format!("{below} stash push --include-untracked && {git} submodule update --init -- {plain}")
        }
        ObstacleKind::Dirty(_) => stash(""),
    }
}

/// Forgets a worktree whose directory is gone, also a locked one.
pub(super) fn forgotten_worktree(repository: &Repository, path: &Path) -> String {
    let path = quoted(&path.display().to_string());
    format!("{} worktree remove --force --force {path}", at(repository.dir()))
}
