//! `commit`: what agents left, committed on their run branches.

use super::doc_sync::Order;
use super::select::{Selector, require_open, select};
use super::steps::open_repo;
use super::{Caller, ServiceError, ServiceResult, control, policies, settle};
use crate::git::Head;
use crate::model::{Run, RunWorktree, is_signal_path, title_of};
use crate::policy;

/// One worktree's part of a commit.
#[derive(Debug, Clone)]
pub struct Committed {
    /// The repository.
    pub repo: String,
    /// The ticket.
    pub ticket: String,
    /// The commit; `None` where there was nothing to commit.
    pub commit: Option<String>,
}

/// Commits everything that is not committed in all worktrees of a run; a forbidden file stops it before
/// anything is committed anywhere.
pub fn commit(
    caller: &Caller,
    selector: &Selector,
    message: Option<&str>,
) -> ServiceResult<(Run, Vec<Committed>)> {
    let control = control(caller)?;
    let id = select(caller, &control, selector, |run| run.state.is_open())?;
    let mut hold = control.hold(&id, "commit", caller)?;
    require_open(hold.run())?;
    let run = hold.run().clone();
    Order::require_none(&control.store, &run.id, run.tickets.iter().map(|ticket| &ticket.id))?;
    let policy = policy::stricter(&policies::stored(&run)?, &policies::at_base(&control)?);
    for tree in &run.worktrees {
        require_committable(&run, tree, &policy.git_pr.forbidden_file_patterns)?;
    }
    let mut committed = Vec::new();
    for tree in &run.worktrees {
        let repository = open_repo(&run, &tree.repo)?;
        let Some(path) = &tree.path else { continue };
        let text = message.map_or_else(|| default_message(&run, tree), str::to_owned);
        let text = format!("{}\n\nMetawsm-Run: {}\n", text.trim_end(), run.id);
        let commit = repository.commit_all(path, &text, &is_signal_path)?;
        if let Some(commit) = &commit {
            hold.note("committed", &format!("{} in {}: {commit}", tree.ticket, tree.repo))?;
        }
        committed.push(Committed { repo: tree.repo.to_string(), ticket: tree.ticket.to_string(), commit });
    }
    settle::settle(&control, &mut hold)?;
    Ok((hold.run().clone(), committed))
}

fn default_message(run: &Run, tree: &RunWorktree) -> String {
    let title = run.ticket(&tree.ticket).map(|t| t.title.clone()).filter(|t| !t.is_empty());
    let title = title_of(&title.unwrap_or_else(|| run.title()), 60);
    format!("{}: {title}", tree.ticket)
}

fn require_committable(run: &Run, tree: &RunWorktree, forbidden: &[String]) -> ServiceResult<()> {
    let repository = open_repo(run, &tree.repo)?;
    let Some(path) = tree.path.as_deref().filter(|p| p.is_dir()) else {
        let message = format!("The worktree of {} for {} is gone.", tree.repo, tree.ticket);
        return Err(ServiceError::failed(message, &[&format!("git metawsm resume {}", run.id)]));
    };
    let state = repository.clean_state(path)?;
    if let Some(operation) = state.operation {
        let message = format!("A {operation} is half done in {}.", path.display());
        return Err(ServiceError::failed(message, &[&format!("git -C {} status", path.display())]));
    }
    if !matches!(&state.head, Head::Branch { name, .. } if *name == tree.branch) {
        let message = format!("{} is not on its run branch '{}'.", path.display(), tree.branch);
        return Err(ServiceError::failed(
            message,
            &[&format!("git -C {} switch {}", path.display(), tree.branch)],
        ));
    }
    let names: Vec<_> = state.dirty.iter().map(|d| d.path.to_string()).collect();
    let bad: Vec<_> =
        names.iter().filter(|p| policy::matches_forbidden(forbidden, p)).map(String::as_str).collect();
    if bad.is_empty() {
        return Ok(());
    }
    let message =
        format!("{} holds files that policy never lets be committed: {}.", path.display(), bad.join(", "));
    let hint = format!("echo {} >> {}/.gitignore", crate::sys::process::quoted(bad[0]), path.display());
    Err(ServiceError::forbidden(message, &[&hint]))
}
