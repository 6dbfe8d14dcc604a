//! What a refused command leaves behind, and the command that takes it back; it differs by operation.

use super::super::ServiceResult;
use crate::git::{Operation, Repository};
use crate::sys::process::quoted;

/// What is left, and how it is taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Restore {
    /// What is left behind, a full sentence.
    pub left: String,
    /// The command that takes it back.
    pub command: Option<String>,
}

fn nothing(left: &str) -> Restore {
    Restore { left: left.to_owned(), command: None }
}

fn restore(left: &str, command: String) -> Restore {
    Restore { left: left.to_owned(), command: Some(command) }
}

/// A git command in this worktree.
fn git(repo: &Repository, words: &str) -> String {
    format!("git -C {} {words}", quoted(&repo.dir().display().to_string()))
}

/// A merge that has begun.
pub(super) fn of_merge(repo: &Repository) -> Restore {
    restore("The merge is left half done. This takes it back:", git(repo, "merge --abort"))
}

/// A commit of what is staged.
pub(super) fn of_nothing_staged() -> Restore {
    nothing("Nothing was committed, and what was staged is staged still.")
}

/// A push.
pub(super) fn of_push() -> Restore {
    nothing("Nothing was pushed.")
}

/// A move that touches nothing but the ref.
pub(super) fn of_nothing() -> Restore {
    nothing("No branch was moved, and no file was changed.")
}

/// A move of a base to this commit, by whatever git command that is.
pub(super) fn of_ref_move(repo: &Repository, base: &str, new: &str) -> ServiceResult<Restore> {
    if repo.worktree().is_none() {
        return Ok(of_nothing());
    }
    Ok(match repo.operation()? {
        Some(Operation::Merge) => of_merge(repo),
        Some(Operation::CherryPick) => restore(
            "The cherry-pick is left half done. This takes it back:",
            git(repo, "cherry-pick --abort"),
        ),
        // The older way of rebasing has put away by now what its own --abort reads.
        Some(Operation::Rebase) if has_no_way_back(repo) => {
            let command = format!(
                "{} && {}",
                git(repo, "rebase --quit"),
                git(repo, &format!("checkout -q {}", quoted(base)))
            );
            restore("The rebase is left half done. This takes it back:", command)
        }
        Some(Operation::Rebase) => {
            restore("The rebase is left half done. This takes it back:", git(repo, "rebase --abort"))
        }
        Some(Operation::Revert) => {
            restore("The revert is left half done. This takes it back:", git(repo, "revert --abort"))
        }
        Some(Operation::ApplyMail) => {
            restore("'git am' is left half done. This takes it back:", git(repo, "am --abort"))
        }
        None | Some(Operation::Bisect) if is_new_commit(repo, new)? => of_nothing_staged(),
        None | Some(Operation::Bisect) if files_are_at(repo, new)? => {
            let command = git(repo, &format!("read-tree -m -u {new} HEAD"));
            restore("The branch was not moved, but index and files were. This takes them back:", command)
        }
        None | Some(Operation::Bisect) => of_nothing(),
    })
}

fn has_no_way_back(repo: &Repository) -> bool {
    let state = repo.git_dir().join("rebase-apply");
    state.is_dir() && !state.join("head-name").exists()
}

/// Whether `git commit` has just made this commit out of the index: on top of HEAD, or in its place, and no ref has it.
fn is_new_commit(repo: &Repository, new: &str) -> ServiceResult<bool> {
    let head = repo.head()?.id().map(str::to_owned);
    let parents = repo.parents(new)?;
    let on_top = head.is_some() && parents.first() == head.as_ref();
    let in_place = match &head {
        Some(head) => repo.parents(head)? == parents,
        None => parents.is_empty(),
    };
    Ok((on_top || in_place) && !repo.is_referenced(new)?)
}

/// Whether the index of this worktree holds what `new` changes against HEAD.
fn files_are_at(repo: &Repository, new: &str) -> ServiceResult<bool> {
    let Some(head) = repo.head()?.id().map(str::to_owned) else { return Ok(false) };
    let changed = repo.changed_paths(&head, new)?;
    let staged = repo.staged(None)?;
    for path in &changed {
        let Some(staged) = staged.iter().find(|s| s.path == *path) else { return Ok(false) };
        let Some(text) = path.as_str() else { continue };
        if repo.path_id(new, text)? != staged.id {
            return Ok(false);
        }
    }
    Ok(!changed.is_empty())
}
