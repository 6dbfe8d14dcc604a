//! Landing: a plan's merges as objects first, then each base moved by compare-and-swap.

use super::facts::Ground;
use super::{Caller, Event, ServiceError, ServiceResult};
use crate::git::{BaseMove, HookMerge, Repository};
use crate::model::{RepoReceipt, Run, plain_line};
use crate::plan::{Link, RepoMerge};
use crate::store;
use crate::sys::lock::Lock;
use std::fmt::Write as _;
use std::path::PathBuf;

/// One base with its computed new value; no ref has moved yet.
#[derive(Debug)]
pub(super) struct Landing {
    /// The repository.
    pub repository: Repository,
    /// Its part of the receipt.
    pub receipt: RepoReceipt,
    /// The local base now; `None` where base exists only on a remote.
    pub local: Option<String>,
    /// What base is to become.
    pub tip: String,
    /// Whether the control repository's record goes on top.
    pub is_control: bool,
    /// One per merge: the ticket, its head, the merge commit.
    pub merged: Vec<(String, String, String)>,
}

impl Landing {
    /// Whether base is to move at all.
    pub(super) fn moves(&self) -> bool {
        self.local.as_deref() != Some(self.tip.as_str())
    }
}

/// Takes the locks of all repositories, in path order: held from reading base until its ref has moved.
pub(super) fn lock_all(
    caller: &Caller,
    dirs: impl IntoIterator<Item = PathBuf>,
    what: &str,
) -> ServiceResult<Vec<Lock>> {
    let mut dirs: Vec<_> = dirs.into_iter().collect();
    dirs.sort();
    dirs.dedup();
    Ok(dirs.iter().map(|dir| store::lock_repo(dir, what, caller.wait)).collect::<Result<_, _>>()?)
}

/// Writes the merge commits of one repository's plan as objects.
pub(super) fn compose(
    run: &Run,
    ground: &Ground,
    plan: &RepoMerge,
    waived: &[String],
) -> ServiceResult<Landing> {
    let repository = ground.repository.clone();
    let mut tip = plan.onto.clone();
    let mut merged = Vec::new();
    for link in &plan.links {
        let Some(tree) = &link.tree else { continue };
        let message = message(run, plan, link, waived);
        tip = if repository.merge_hooks()? {
            of_hooks(plan, link, repository.merge_with_hooks(&tip, &link.head, &message)?)?
        } else {
            repository.commit_tree(tree, &[&tip, &link.head], &message)?
        };
        merged.push((link.ticket.to_string(), link.head.clone(), tip.clone()));
    }
    let receipt = RepoReceipt {
        repo: plan.repo.clone(),
        base: plan.base.clone(),
        old: ground.local.clone().unwrap_or_else(|| plan.onto.clone()),
        new: tip.clone(),
        heads: plan.links.iter().map(|l| l.head.clone()).collect(),
        merges: merged.iter().map(|(_, _, commit)| commit.clone()).collect(),
    };
    let local = ground.local.clone();
    Ok(Landing { repository, receipt, local, tip, is_control: ground.is_control, merged })
}

fn of_hooks(plan: &RepoMerge, link: &Link, merged: HookMerge) -> ServiceResult<String> {
    let why = match merged {
        HookMerge::Commit { id } => return Ok(id),
        HookMerge::Conflict { files } => {
            format!(
                "it conflicts in {}",
                files.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            )
        }
        HookMerge::Refused { why } => format!("a hook refused it: {why}"),
    };
    let message = format!("'{}' was not merged into '{}' of {}: {why}.", link.branch, plan.base, plan.repo);
    Err(ServiceError::failed(message, &["git metawsm check"]))
}

fn message(run: &Run, plan: &RepoMerge, link: &Link, waived: &[String]) -> String {
    let title = run
        .ticket(&link.ticket)
        .map(|t| t.title.clone())
        .filter(|t| !t.is_empty())
        .unwrap_or_else(|| run.title());
    let title = crate::model::title_of(&plain_line(&title), 60);
    let mut text = format!("Merge {}: {title}\n\n", link.ticket);
    let _ = write!(text, "Branch '{}' into '{}'.\n\n", link.branch, plan.base);
    let _ = write!(text, "Metawsm-Merged: {}\nMetawsm-Ticket: {}\n", run.id, link.ticket);
    for waiver in waived {
        let _ = writeln!(text, "Metawsm-Waived: {waiver}");
    }
    text
}

/// Moves one base to its new value, with every worktree that has it checked out.
pub(super) fn advance(landing: &Landing, progress: &mut dyn FnMut(Event)) -> ServiceResult<()> {
    if !landing.moves() {
        return Ok(());
    }
    let base = &landing.receipt.base;
    let label = format!("move '{base}' of {}", landing.receipt.repo);
    progress(Event::Began(label.clone()));
    match &landing.local {
        Some(old) => {
            landing.repository.advance(&BaseMove {
                branch: base.clone(),
                old: old.clone(),
                new: landing.tip.clone(),
            })?;
        }
        None => landing.repository.create_branch(base, &landing.tip)?,
    }
    progress(Event::Done(label));
    Ok(())
}
