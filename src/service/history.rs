//! Published records: what base's tree holds, by whomever it was decided; and when live leftovers of it may go.

use super::base::control_base;
use super::{Control, ServiceResult};
use crate::git::{EntryKind, GitResult};
use crate::model::{Run, RunId};
use crate::store::{self, Entry, Publication, PublishedTree, StoreResult, TakeDecided, TakeRecord};
use crate::sys::clock;
use std::path::Path;
use std::time::Duration;

/// Where published runs lie in a tree.
const RUNS: &str = ".metawsm/runs";

/// How long a decided run's live directory stays where base has no upstream to vouch for the record, in seconds.
const KEPT_SECONDS: i64 = 90 * 24 * 3600;

/// Gives out every decided run, kept here or published on base, newest first. Switching branches changes nothing, and
/// unchanged history reads no record.
pub(super) fn each_decided(control: &Control, take: &mut TakeDecided<'_>) -> ServiceResult<()> {
    let Some((base, id)) = records(control)? else { return Ok(control.store.each_decided(None, take)?) };
    with_tree(control, &base, &id, |tree| control.store.each_decided(Some(tree), take))
}

/// One published run of base.
pub(super) fn find_published(control: &Control, id: &RunId) -> ServiceResult<Option<Run>> {
    let Some((base, tree_id)) = records(control)? else { return Ok(None) };
    let found = with_tree(control, &base, &tree_id, |tree| control.store.find_published(tree, id))?;
    Ok(found.and_then(Entry::into_run))
}

/// Base's commit and the id of its records tree.
fn records(control: &Control) -> ServiceResult<Option<(String, String)>> {
    let Some(base) = control_base(control)? else { return Ok(None) };
    Ok(control.repo.path_id(&base.id, RUNS)?.map(|tree| (base.id, tree)))
}

fn with_tree<T>(
    control: &Control,
    base: &str,
    id: &str,
    ask: impl FnOnce(&PublishedTree<'_>) -> StoreResult<T>,
) -> ServiceResult<T> {
    let blobs = control.repo.blobs();
    let read = |id: &str| {
        let bytes = blobs.read(id).map_err(|e| e.to_string())?;
        bytes.ok_or_else(|| format!("the blob {id} is missing"))
    };
    let list = |take: &mut TakeRecord<'_>| list_records(control, base, take).map_err(|e| e.to_string());
    Ok(ask(&PublishedTree { id, list: &list, read: &read })?)
}

/// The records by months: never all of history in memory.
fn list_records(control: &Control, base: &str, take: &mut TakeRecord<'_>) -> GitResult<()> {
    for top in control.repo.list_tree(base, RUNS, false)? {
        let entries = match top.kind {
            EntryKind::Tree => control.repo.list_tree(base, &top.path.to_string(), true)?,
            _ => vec![top],
        };
        for entry in entries.iter().filter(|entry| entry.kind == EntryKind::Blob) {
            if !take(&entry.path.to_string(), &entry.id) {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Forgets the live directories of decided runs that history holds: published, cleaned up, and in base's upstream,
/// or for 90 days in a base without one. Returns their ids.
pub(super) fn retire(control: &Control) -> ServiceResult<Vec<RunId>> {
    let mut gone = Vec::new();
    for id in control.store.closed_ids()? {
        if !matches!(control.store.publication(&id)?, Some(Publication::Done(_))) {
            continue;
        }
        // One whose record cannot be read stays.
        let Ok(Some(run)) = control.store.find_run(&id) else { continue };
        if !run.state.is_open() && is_cleaned_up(&run) && is_safe_in_history(control, &run)? {
            // Somebody else may just be at it; then it goes another time.
            if let Ok(hold) = control.store.hold(&run.id, "forget", Duration::ZERO) {
                hold.forget()?;
                gone.push(run.id);
            }
        }
    }
    Ok(gone)
}

fn is_cleaned_up(run: &Run) -> bool {
    !run.tickets.iter().any(|t| t.path.as_deref().is_some_and(Path::is_dir))
}

fn is_safe_in_history(control: &Control, run: &Run) -> ServiceResult<bool> {
    let Some(base) = control_base(control)? else { return Ok(false) };
    let path = store::published_path(run);
    if let Some(upstream) = control.repo.upstream(&base.branch)?.and_then(|u| u.id) {
        return Ok(control.repo.path_id(&upstream, &path)?.is_some());
    }
    let is_old = clock::now().as_second() - run.changed.as_second() > KEPT_SECONDS;
    Ok(is_old && control.repo.path_id(&base.id, &path)?.is_some())
}
