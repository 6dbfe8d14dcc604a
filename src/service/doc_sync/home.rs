//! Bringing a closed ticket's documents home: the seeded source copy comes to hold what the doc home's base holds.

use super::super::base::control_base;
use super::super::land::Landing;
use super::super::steps::open_repo;
use super::super::{Control, ServiceResult};
use crate::git::Repository;
use crate::model::{DocSync, Run, RunTicket, RunWorktree, plain_line};

/// The doc home of a run that is just being decided: the repository, and the commit that its base is to become.
pub(in crate::service) type Home = (Repository, String);

/// What the control repository's copy of a closed ticket's documents is to become.
#[derive(Debug)]
pub(in crate::service) enum Homecoming {
    /// This directory is to hold this tree, whose objects are there.
    Put(String, String),
    /// It is left as it is, since its source changed meanwhile: what a person should know.
    Left(String),
}

/// Whether the documents of a run lie in another repository than the control repository.
pub(in crate::service) fn is_foreign(control: &Control, run: &Run) -> bool {
    let common = run.repo(&run.doc_home).and_then(|repo| repo.common_dir.as_deref());
    common.is_some_and(|common| common != control.repo.common_dir())
}

/// Brings one closed ticket home; `None` where the control repository has no copy, or holds the same already.
pub(in crate::service) fn bring_home(
    control: &Control,
    (run, ticket): (&Run, &RunTicket),
    home: Option<&Home>,
    landing: &Landing,
) -> ServiceResult<Option<Homecoming>> {
    let (record, tree) = match seeded(control, run, ticket) {
        Ok(Some(found)) => found,
        Ok(None) => return Ok(None),
        // Somebody let that pass.
        Err(error) => {
            let why = plain_line(error.to_string().trim_end_matches('.'));
            let id = &ticket.id;
            return Ok(Some(Homecoming::Left(format!(
                "left the control repository's copy of the documents of {id} as it is: {why}"
            ))));
        }
    };
    let (repository, tip) = match home {
        Some((repository, tip)) => (repository.clone(), tip.clone()),
        None => match base_of_home(run)? {
            Some(found) => found,
            None => return Ok(None),
        },
    };
    let Some(closed) = repository.path_id(&tip, &record.dir)? else {
        return Ok(Some(Homecoming::Left(format!(
            "left {} of the control repository as it is, and {} open there: {} is gone from {}",
            record.source, ticket.id, record.dir, record.repo
        ))));
    };
    let now = landing.repository.path_id(&landing.tip, &record.source)?;
    if now.as_ref() == Some(&closed) {
        return Ok(None);
    }
    let worked = repository.path_id(&format!("refs/heads/{}", tree.branch), &record.dir).unwrap_or_default();
    if now.as_deref() != Some(record.base.as_str()) && (now.is_none() || now != worked) {
        return Ok(Some(Homecoming::Left(format!(
            "left {} of the control repository as it is: it has changed since it was seeded, and {} holds the documents of {}",
            record.source, record.repo, ticket.id
        ))));
    }
    landing.repository.copy_tree(&repository, &closed)?;
    Ok(Some(Homecoming::Put(record.source, closed)))
}

/// The tickets' documents on the doc home's base, once a run is decided and landed.
pub(in crate::service) fn base_of_home(run: &Run) -> ServiceResult<Option<Home>> {
    let Some(entry) = run.repo(&run.doc_home) else { return Ok(None) };
    let repository = open_repo(run, &run.doc_home)?;
    Ok(repository.branch_id(&entry.base)?.map(|tip| (repository, tip)))
}

/// The paths of the control repository that bringing a run's tickets home may write.
pub(in crate::service) fn homecoming_paths(control: &Control, run: &Run) -> ServiceResult<Vec<String>> {
    let mut paths = Vec::new();
    for ticket in &run.tickets {
        // What cannot be read is told by the gate `docs-synced`, and nothing is written then.
        let Ok(Some((record, tree))) = seeded(control, run, ticket) else { continue };
        let home = open_repo(run, &record.repo)?;
        let mut names = Vec::new();
        if let Some(base) = control_base(control)? {
            names.extend(
                control.repo.list_tree(&base.id, &record.source, true)?.into_iter().map(|e| (e.path, true)),
            );
        }
        if let Some(head) = home.branch_id(&tree.branch)? {
            names.extend(home.list_tree(&head, &record.dir, true)?.into_iter().map(|e| (e.path, false)));
        }
        for (path, is_source) in names {
            let Some(path) = path.as_str() else { continue };
            let below =
                if is_source { path.strip_prefix(&record.source) } else { path.strip_prefix(&record.dir) };
            paths.extend(below.map(|below| format!("{}{below}", record.source)));
        }
        paths.extend(["index.md", "changelog.md"].map(|name| format!("{}/{name}", record.source)));
    }
    paths.sort();
    paths.dedup();
    Ok(paths)
}

/// The record and the doc home's worktree of a ticket that has a copy in the control repository, where its documents
/// lie in another one.
fn seeded<'a>(
    control: &Control,
    run: &'a Run,
    ticket: &RunTicket,
) -> ServiceResult<Option<(DocSync, &'a RunWorktree)>> {
    if ticket.docs.is_none() || !is_foreign(control, run) {
        return Ok(None);
    }
    let Some(record) = control.store.find_doc_sync(&run.id, &ticket.id)? else { return Ok(None) };
    let tree = run.worktrees.iter().find(|tree| tree.ticket == ticket.id && tree.repo == record.repo);
    Ok(tree.filter(|_| !record.source.is_empty()).map(|tree| (record, tree)))
}
