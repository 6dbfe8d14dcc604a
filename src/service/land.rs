//! Landing: a plan's merges as objects first, then each base moved by compare-and-swap.

use super::facts::Ground;
use super::{Caller, ServiceError, ServiceResult};
use crate::git::{HookMerge, Repository};
use crate::model::{RepoReceipt, Run, TicketId, plain_line};
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
    pub merged: Vec<(TicketId, String, String)>,
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

/// How the work of a run is to stand on base.
#[derive(Debug, Clone)]
pub(super) struct Style {
    /// One commit per branch instead of a merge.
    pub squash: bool,
    /// What was let pass, as `gate=reason`.
    pub waived: Vec<String>,
}

/// Writes the merge commits of one repository's plan as objects.
pub(super) fn compose(run: &Run, ground: &Ground, plan: &RepoMerge, style: &Style) -> ServiceResult<Landing> {
    let repository = ground.repository.clone();
    if plan.merges() {
        require_identity(&repository)?;
    }
    let mut tip = plan.onto.clone();
    let mut merged = Vec::new();
    for link in &plan.links {
        let Some(tree) = &link.tree else { continue };
        tip = if style.squash {
            squash(run, &repository, plan, (link, tree, &tip), style)?
        } else {
            let message = message(run, plan, link, style);
            if repository.merge_hooks()? {
                of_hooks(plan, link, repository.merge_with_hooks(&tip, &link.head, &message)?)?
            } else {
                repository.commit_tree(tree, &[&tip, &link.head], &message)?
            }
        };
        merged.push((link.ticket.clone(), link.head.clone(), tip.clone()));
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

/// Refuses where git knows no name for commits, before anything is composed.
pub(super) fn require_identity(repository: &Repository) -> ServiceResult<()> {
    if repository.has_identity() {
        return Ok(());
    }
    let dir = repository.dir().display();
    let message = format!("git knows no name and mail address for commits in {dir}, so nothing was merged.");
    let name = format!("git -C {dir} config user.name '<your name>'");
    let mail = format!("git -C {dir} config user.email '<your address>'");
    Err(ServiceError::failed(message, &[&name, &mail]))
}

/// One commit with all the work of a branch.
fn squash(
    run: &Run,
    repository: &Repository,
    plan: &RepoMerge,
    (link, tree, tip): (&Link, &str, &str),
    style: &Style,
) -> ServiceResult<String> {
    let commits = repository.commits(tip, &link.head)?;
    let commits: Vec<_> = commits.into_iter().rev().filter(|commit| commit.parents.len() < 2).collect();
    let mut text = format!("{}: {}\n\n", link.ticket, title(run, link));
    for commit in commits.iter().take(MOST_NAMED) {
        let _ = writeln!(text, "* {}", plain_line(&commit.subject));
    }
    if commits.len() > MOST_NAMED {
        let _ = writeln!(text, "* and {} more", commits.len() - MOST_NAMED);
    }
    let _ = write!(text, "\nMetawsm-Run: {}\n{}", run.id, trailers(run, link, style));
    let person = repository.identity();
    let mut authors: Vec<String> = commits.iter().map(|commit| plain_line(&commit.author)).collect();
    authors.retain(|author| *author != person);
    let mut named = std::collections::BTreeSet::new();
    for author in authors.iter().filter(|author| named.insert(author.as_str())).take(MOST_NAMED) {
        let _ = writeln!(text, "Co-authored-by: {author}");
    }
    // Hooks of the user may have changed the commit before this one, so that the judged tree no longer follows.
    if repository.squash_hooks()? {
        return of_hooks(plan, link, repository.squash_with_hooks(tip, &link.head, &text)?);
    }
    Ok(repository.commit_tree(tree, &[tip], &text)?)
}

/// Most commits and authors that a squash names.
const MOST_NAMED: usize = 20;

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

fn title(run: &Run, link: &Link) -> String {
    let title = run
        .ticket(&link.ticket)
        .map(|t| t.title.clone())
        .filter(|t| !t.is_empty())
        .unwrap_or_else(|| run.title());
    crate::model::title_of(&plain_line(&title), 60)
}

fn message(run: &Run, plan: &RepoMerge, link: &Link, style: &Style) -> String {
    let mut text = format!("Merge {}: {}\n\n", link.ticket, title(run, link));
    let _ = write!(text, "Branch '{}' into '{}'.\n\n{}", link.branch, plan.base, trailers(run, link, style));
    text
}

fn trailers(run: &Run, link: &Link, style: &Style) -> String {
    let mut text = format!("Metawsm-Merged: {}\nMetawsm-Ticket: {}\n", run.id, link.ticket);
    for waiver in &style.waived {
        let _ = writeln!(text, "Metawsm-Waived: {waiver}");
    }
    text
}
