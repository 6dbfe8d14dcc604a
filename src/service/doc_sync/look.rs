//! How the two copies of a ticket's documents stand to each other, now. Nothing changes.

use super::super::steps::{damaged, open_repo};
use super::super::{Control, ServiceResult};
use super::source_repo;
use crate::git::Repository;
use crate::model::{Agreement, DocSync, Run, TicketId};
use std::path::PathBuf;

/// The two copies of one ticket's documents as they are now.
#[derive(Debug, Clone)]
pub struct DocView {
    /// What the last seeding or sync wrote down.
    pub record: DocSync,
    /// The doc home's worktree in the ticket's workspace.
    pub worktree: PathBuf,
    /// Whether the doc home is another repository than the control repository, so that both keep a copy after the run.
    pub is_foreign: bool,
    /// The tree id of the source as committed; where the ticket has no source copy, what the workspace copy began as.
    pub source: Option<String>,
    /// The tree id of the workspace copy as its files are; `None` where it is not there.
    pub workspace: Option<String>,
    /// How both stand to each other and to what they last had in common.
    pub agreement: Agreement,
}

impl DocView {
    /// Whether the ticket has a copy in the control repository.
    pub fn has_source(&self) -> bool {
        !self.record.source.is_empty()
    }

    /// The paths in the workspace copy that are not committed, with what is wrong with each, relative to the worktree.
    pub fn dirty(&self) -> ServiceResult<Vec<String>> {
        let repository = Repository::require(&self.worktree)?;
        let state = repository.clean_state(&self.worktree)?;
        let below = state.dirty.iter().filter(|dirt| dirt.path.is_below(self.record.dir.as_bytes()));
        Ok(below.map(|dirt| format!("{} ({})", dirt.path, dirt.what)).collect())
    }
}

/// Looks at both copies of a ticket's documents; `None` where nothing was seeded, which costs one look for a file. An
/// unreadable record, a lost worktree and odd files in the documents are errors that name what they mean.
pub fn look(control: &Control, run: &Run, ticket: &TicketId) -> ServiceResult<Option<DocView>> {
    let Some(record) = control.store.find_doc_sync(&run.id, ticket)? else { return Ok(None) };
    let tree = run.worktrees_for(ticket).find(|tree| tree.repo == record.repo);
    let worktree = tree.and_then(|tree| tree.path.clone());
    let worktree = worktree.ok_or_else(|| damaged(run, "the documents of a ticket have no worktree"))?;
    let branch = tree.map(|tree| tree.branch.as_str()).unwrap_or_default();
    let home = open_repo(run, &record.repo)?;
    let workspace = home.dir_tree(&worktree, &record.dir)?;
    let is_foreign = home.common_dir() != control.repo.common_dir();
    let from = if record.source.is_empty() { None } else { source_repo(control)? };
    let source = match &from {
        _ if record.source.is_empty() => Some(record.base.clone()).filter(|base| !base.is_empty()),
        Some((repository, head)) => repository.path_id(head, &record.source)?,
        None => None,
    };
    let base = Some(record.base.as_str()).filter(|base| !base.is_empty());
    let mut agreement = Agreement::of(base, workspace.as_deref(), source.as_deref());
    if let Some((repository, head)) = from.filter(|_| agreement.is_warning() && !is_foreign)
        && let Some(own) = home.branch_id(branch)?
        && repository.is_ancestor(&head, &own)?
    {
        // Base was taken into the run's branch: the source's changes are in the workspace copy by that.
        agreement = Agreement::of(source.as_deref(), workspace.as_deref(), source.as_deref());
    }
    Ok(Some(DocView { record, worktree, is_foreign, source, workspace, agreement }))
}
