//! The publication commit: the records of decided runs and the closing of tickets, on the control repository's
//! own base.

use super::land::Landing;
use super::{Control, ServiceResult};
use crate::git::Repository;
use crate::model::{Run, RunId, RunState, RunTicket, plain_line};
use crate::store;
use crate::sys::clock;
use crate::tickets;
use std::fmt::Write as _;

/// The paths that publishing this run writes in the control repository's tree, for the gate `base-ready`.
pub(super) fn touched(run: &Run) -> Vec<String> {
    let mut paths = vec![store::published_path(run)];
    for dir in run.tickets.iter().filter_map(|t| t.docs.as_ref()) {
        paths.push(format!("{dir}/index.md"));
        paths.push(format!("{dir}/changelog.md"));
    }
    paths
}

type Edits = Vec<(String, Option<Vec<u8>>)>;

/// The tickets whose documents this close may close: those that no other open run works on.
pub(super) fn closable<'a>(control: &Control, run: &'a Run) -> ServiceResult<Vec<&'a RunTicket>> {
    let others: Vec<_> = control.store.open_runs()?;
    let is_free = |ticket: &&RunTicket| {
        let same = |other: &Run| {
            other.id != run.id
                && other.tickets.iter().any(|t| t.id.as_str().eq_ignore_ascii_case(ticket.id.as_str()))
        };
        !others.iter().filter_map(store::Entry::run).any(same)
    };
    Ok(run.tickets.iter().filter(is_free).collect())
}

/// The edits that close the tickets whose documents lie in this tree; a closed ticket is left as it is.
fn ticket_edits(
    repository: &Repository,
    tree: &str,
    run: &Run,
    closing: &[&RunTicket],
    entry: &str,
) -> ServiceResult<Edits> {
    let mut edits = Vec::new();
    for ticket in closing {
        let Some(dir) = &ticket.docs else { continue };
        let (index, log) = (format!("{dir}/index.md"), format!("{dir}/changelog.md"));
        let Some(bytes) = repository.read_file(tree, &index)? else { continue };
        let changelog = repository.read_file(tree, &log)?;
        let title = format!("Closed by {}", run.id);
        let closed = tickets::closed_bytes(&bytes, changelog.as_deref(), entry, &title, clock::now())?;
        if !closed.already {
            edits.push((index, Some(closed.index)));
            edits.push((log, Some(closed.changelog)));
        }
    }
    Ok(edits)
}

/// Puts the closing of tickets on top of a landing, as one commit; nothing where this repository holds none.
pub(super) fn close_tickets(
    landing: &mut Landing,
    run: &Run,
    closing: &[&RunTicket],
    entry: &str,
) -> ServiceResult<()> {
    let edits = ticket_edits(&landing.repository, &landing.tip, run, closing, entry)?;
    if edits.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = closing.iter().map(|t| t.id.as_str()).collect();
    let message = format!("Close {}\n\n{entry}\n\nMetawsm-Closed: {}\n", ids.join(", "), run.id);
    commit(landing, &edits, &message)
}

/// Puts the record, other decided records that wait, and the closing of tickets on top of the control
/// repository's landing, as one commit. Returns the runs whose record it holds.
pub(super) fn publish(
    control: &Control,
    landing: &mut Landing,
    run: &Run,
    closing: &[&RunTicket],
    entry: &str,
) -> ServiceResult<Vec<RunId>> {
    let mut edits = ticket_edits(&landing.repository, &landing.tip, run, closing, entry)?;
    let mut ids = Vec::new();
    let waiting = control.store.pending_publication()?;
    for decided in waiting.iter().filter(|decided| decided.state == RunState::Closed) {
        // Its record had to wait, and so had the closing of its tickets.
        let mut late = closable(control, decided)?;
        late.retain(|ticket| ticket.docs.is_some() && !closing.iter().any(|t| t.docs == ticket.docs));
        let entry = format!("Closed by {}.", decided.id);
        edits.extend(ticket_edits(&landing.repository, &landing.tip, decided, &late, &entry)?);
    }
    for decided in waiting.iter().chain([run]) {
        let path = store::published_path(decided);
        if landing.repository.path_id(&landing.tip, &path)?.is_none() {
            edits.push((path, Some(store::published_form(decided).into_bytes())));
        }
        ids.push(decided.id.clone());
    }
    if edits.is_empty() {
        return Ok(ids);
    }
    let message = publication_message(run);
    commit(landing, &edits, &message)?;
    Ok(ids)
}

fn publication_message(run: &Run) -> String {
    let title = plain_line(&run.title());
    let mut text = format!("Close {}: {title}\n\n", run.id);
    for repo in run.receipt.iter().flat_map(|r| &r.repos) {
        let (old, new) = (short(&repo.old), short(&repo.new));
        let line = match repo.merges.len() {
            0 => format!("{}: nothing to merge into '{}' ({old}).\n", repo.repo, repo.base),
            1 => format!("{}: 1 merge into '{}' ({old}..{new}).\n", repo.repo, repo.base),
            n => format!("{}: {n} merges into '{}' ({old}..{new}).\n", repo.repo, repo.base),
        };
        text.push_str(&line);
    }
    let _ = write!(text, "\nMetawsm-Closed: {}\n", run.id);
    for ticket in &run.tickets {
        let _ = writeln!(text, "Metawsm-Ticket: {}", ticket.id);
    }
    text
}

fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

fn commit(landing: &mut Landing, edits: &Edits, message: &str) -> ServiceResult<()> {
    let tree = landing.repository.edit_tree(&landing.tip, edits)?;
    landing.tip = landing.repository.commit_tree(&tree, &[&landing.tip], message)?;
    Ok(())
}

/// Whether a record may be committed now: it is never the only commit that puts base ahead of its upstream.
pub(super) fn may_publish(landing: &Landing) -> ServiceResult<bool> {
    if !landing.merged.is_empty() {
        return Ok(true);
    }
    let upstream = landing.repository.upstream(&landing.receipt.base)?.and_then(|u| u.id);
    Ok(match (upstream, &landing.local) {
        (Some(upstream), Some(local)) => !landing.repository.is_ancestor(local, &upstream)?,
        _ => true,
    })
}
