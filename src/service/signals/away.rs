//! Taken signals and those that no longer count: into `seen/`.

use super::look::{Heard, Odd, SEEN, roots};
use crate::model::{Run, SignalKind, TicketId};
use crate::service::ServiceResult;
use crate::sys::foreign::{self, Moved};
use crate::sys::{clock, files, random};
use std::path::{Path, PathBuf};

/// A name of its own in `seen/`, so that the same words later count again.
fn seen_name(path: &Path) -> Option<PathBuf> {
    let stamp = clock::compact(clock::now());
    let name = format!("{stamp}-{}-{}", random::base32(6), path.file_name()?.to_string_lossy());
    Some(path.parent()?.join(SEEN).join(name))
}

/// Moves a taken signal away, if it still is the file that was read. One that cannot be moved is named and stays.
pub(super) fn put_away(heard: &Heard) -> Result<Moved, Odd> {
    let Some(to) = seen_name(&heard.path) else { return Ok(Moved::Gone) };
    foreign::move_marked(&heard.path, &heard.mark, &to).map_err(|error| Odd {
        path: heard.path.clone(),
        why: format!("it was taken, and cannot be put away: {error}"),
        is_file: true,
    })
}

/// Moves every signal file of a run away, whatever it says and whether it could be taken or not: what was said until
/// now no longer counts.
pub(in super::super) fn put_all_away(run: &Run) -> ServiceResult<()> {
    for ticket in &run.tickets {
        put_away_of(run, &ticket.id)?;
    }
    Ok(())
}

fn put_away_of(run: &Run, ticket: &TicketId) -> ServiceResult<()> {
    for root in run.ticket(ticket).map(|t| roots(run, t)).unwrap_or_default() {
        let is_dir = |path: &Path| path.symlink_metadata().is_ok_and(|meta| meta.is_dir());
        let behind_link = root.parent().is_some_and(|dir| !is_dir(dir));
        if !is_dir(&root) || behind_link {
            continue;
        }
        for name in files::names_in(&root)? {
            if SignalKind::of_file(&name).is_some() {
                let path = root.join(&name);
                if let Some(to) = seen_name(&path) {
                    files::rename_durable(&path, &to)?;
                }
            }
        }
    }
    Ok(())
}
