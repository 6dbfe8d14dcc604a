//! Seeding: the doc home's run branch comes to hold the ticket's directory as the control repository has committed it.

use super::super::documents::MADE;
use super::super::steps::{damaged, open_repo};
use super::super::{Control, ServiceError, ServiceResult};
use super::place::{SourceCopy, require_seedable, source_copy};
use crate::git::{DirOrder, Repository};
use crate::model::{
    DOC_SYNC_FORMAT, DOC_SYNC_KIND, DocSync, DocSyncState, Run, RunTicket, RunWorktree, Strategy, TicketId,
    plain_line,
};
use crate::policy::SeedMode;
use crate::store::{self, Entry};
use crate::sys::clock;
use std::path::Path;
use std::time::Duration;

/// Ensures that the doc home's worktree holds a ticket's documents, and says what is known of both copies; `None` where
/// that is known already, or there is nothing to know. Nothing that somebody edited in the workspace is written over.
pub(in crate::service) fn seed(
    control: &Control,
    run: &Run,
    ticket: &RunTicket,
    wait: Duration,
) -> ServiceResult<Option<DocSync>> {
    let Some(dir) = ticket.docs.as_deref().filter(|_| is_wanted(run)) else { return Ok(None) };
    let known = control.store.find_doc_sync(&run.id, &ticket.id)?;
    if known.is_some_and(|record| record.state == DocSyncState::Synced) {
        return Ok(None);
    }
    let tree = run.worktrees_for(&ticket.id).find(|tree| tree.repo == run.doc_home);
    let tree = tree.ok_or_else(|| damaged(run, "a ticket has no worktree of the doc home"))?;
    let path = tree.path.as_deref().ok_or_else(|| damaged(run, "a worktree has no path"))?;
    let home = open_repo(run, &tree.repo)?.at(path)?;
    let there = home.path_id("HEAD", dir)?;
    let source = source_copy(control, &ticket.id)?;
    let seeding = Seeding { control, run, tree, path, home: &home, dir, wait };
    let base = match (&source, &there) {
        (None, None) => return Ok(None),
        (None, Some(there)) => there.clone(),
        (Some(source), Some(there)) => seeding.agree(source, there)?,
        (Some(source), None) => seeding.copy(source, &ticket.id)?,
    };
    let mut record = blank(run, ticket, dir);
    record.source = source.map(|source| source.dir).unwrap_or_default();
    record.base = base;
    record.revision = home.dir_tree(path, dir)?.unwrap_or_default();
    Ok(Some(record))
}

/// What is written down of a ticket whose seeding failed; `None` where nothing was to be seeded.
pub(in crate::service) fn failed(run: &Run, ticket: &TicketId, why: &str) -> Option<DocSync> {
    let ticket = run.ticket(ticket).filter(|_| is_wanted(run))?;
    let dir = ticket.docs.as_deref().filter(|_| !ticket.made_by_us)?;
    let error = plain_line(why);
    Some(DocSync { state: DocSyncState::Failed, error, ..blank(run, ticket, dir) })
}

fn is_wanted(run: &Run) -> bool {
    run.doc_seed != SeedMode::None.as_str()
}

fn blank(run: &Run, ticket: &RunTicket, dir: &str) -> DocSync {
    DocSync {
        format: DOC_SYNC_FORMAT,
        kind: DOC_SYNC_KIND.to_owned(),
        ticket: ticket.id.clone(),
        repo: run.doc_home.clone(),
        dir: dir.to_owned(),
        source: String::new(),
        state: DocSyncState::Synced,
        base: String::new(),
        revision: String::new(),
        at: clock::now(),
        error: String::new(),
    }
}

/// One seeding.
struct Seeding<'a> {
    control: &'a Control,
    run: &'a Run,
    tree: &'a RunWorktree,
    path: &'a Path,
    home: &'a Repository,
    dir: &'a str,
    wait: Duration,
}

impl Seeding<'_> {
    /// What two versions last had in common, where the doc home has one already. A home that is only behind is brought
    /// to the source; neither is ever thrown away.
    fn agree(&self, source: &SourceCopy, there: &str) -> ServiceResult<String> {
        if source.tree == there {
            return Ok(source.tree.clone());
        }
        let is_ahead = self.home.dir_has_held("HEAD", self.dir, &source.tree)?;
        let is_behind = source.repository.dir_has_held(&source.commit, &source.dir, there)?;
        match (is_ahead, is_behind) {
            (true, false) => Ok(source.tree.clone()),
            (false, true) => self.copy(source, &self.tree.ticket),
            // Somebody took a change back, and a person has to say which copy that stands for.
            (true, true) => Ok(String::new()),
            (false, false) => self.in_common(source),
        }
    }

    /// What a run, on whose documents this one goes on, last had in common with the source; empty where none had.
    fn in_common(&self, source: &SourceCopy) -> ServiceResult<String> {
        let store = &self.control.store;
        let mut ids = store.closed_ids()?;
        ids.extend(store.open_runs()?.iter().filter_map(Entry::run).map(|run| run.id.clone()));
        let mut newest: Option<DocSync> = None;
        for id in ids.iter().filter(|id| **id != self.run.id) {
            // What cannot be read says nothing.
            let Ok(Some(record)) = store.find_doc_sync(id, &self.tree.ticket) else { continue };
            let is_whole = record.state == DocSyncState::Synced && !record.base.is_empty();
            if is_whole
                && (record.dir == self.dir && record.source == source.dir)
                && newest.as_ref().is_none_or(|known| known.at < record.at)
                && self.home.dir_has_held("HEAD", self.dir, &record.revision)?
            {
                newest = Some(record);
            }
        }
        Ok(newest.map(|record| record.base).unwrap_or_default())
    }

    fn copy(&self, source: &SourceCopy, ticket: &TicketId) -> ServiceResult<String> {
        require_seedable(&source.repository, &source.dir)?;
        let wait = self.wait.max(Duration::from_secs(60));
        let _lock = store::lock_repo(self.home.common_dir(), "seed documents", wait)?;
        self.home.copy_tree(&source.repository, &source.tree)?;
        let message = format!(
            "Seed the documents of {ticket}\n\nFrom {} of the control repository, as committed in {}.\n\nMetawsm-Run: {}\n{MADE}\n",
            plain_line(&source.dir),
            source.commit.get(..12).unwrap_or(&source.commit),
            self.run.id
        );
        // Nobody has worked yet in a worktree that we made: what lies there half written is ours.
        let is_untouched = self.run.strategy != Strategy::Reuse
            && !self.run.agents.iter().any(|agent| agent.ticket == *ticket && agent.starts > 0);
        let order = DirOrder {
            worktree: self.path,
            branch: &self.tree.branch,
            dir: self.dir,
            tree: &source.tree,
            message: &message,
            since: is_untouched.then_some(self.run.created),
        };
        self.require_identity()?;
        self.home.put_dir(&order)?;
        Ok(source.tree.clone())
    }

    fn require_identity(&self) -> ServiceResult<()> {
        if self.home.has_identity() {
            return Ok(());
        }
        let message = format!(
            "git knows no name and mail address for commits in {}, so no documents were seeded.",
            self.path.display()
        );
        let dir = crate::sys::process::quoted(&self.path.to_string_lossy());
        Err(ServiceError::failed(message, &[&format!("git -C {dir} config user.name '<your name>'")]))
    }
}
