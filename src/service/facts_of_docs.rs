//! What the gates are told of the two copies of each ticket's documents. Only a close asks.

use super::doc_sync::{self, DocView};
use super::facts::Look;
use super::remedies;
use crate::gate::{Action, DocFact, DocStanding, WorktreeFact};
use crate::model::{Run, RunTicket, plain_line};

/// One fact per ticket that was seeded; each is judged against its own workspace, whose worktrees were looked at.
pub(super) fn docs(look: &Look<'_>, trees: &[WorktreeFact]) -> Vec<DocFact> {
    if look.action != Action::Close {
        return Vec::new();
    }
    look.run.tickets.iter().filter_map(|ticket| fact(look, trees, ticket)).collect()
}

fn fact(look: &Look<'_>, trees: &[WorktreeFact], ticket: &RunTicket) -> Option<DocFact> {
    let run = look.run;
    let tree = trees.iter().find(|tree| tree.ticket == ticket.id && tree.repo == run.doc_home);
    let fact = DocFact {
        ticket: ticket.id.to_string(),
        home: run.doc_home.to_string(),
        place: tree.map(|tree| tree.path.clone()).unwrap_or_default(),
        is_foreign: false,
        standing: DocStanding::Unknown { why: String::new(), command: String::new() },
    };
    match doc_sync::look(look.control, run, &ticket.id) {
        Ok(None) => None,
        Ok(Some(view)) => Some(DocFact {
            is_foreign: view.is_foreign,
            standing: standing(run, ticket, &view, tree),
            ..fact
        }),
        Err(error) => {
            // Nothing that a command could mend in every case; a person may say why it can stand.
            let command = format!("git metawsm close {} --waive 'docs-synced=<why it may pass>'", run.id);
            let why = plain_line(&error.to_string());
            Some(DocFact { standing: DocStanding::Unknown { why, command }, ..fact })
        }
    }
}

fn standing(run: &Run, ticket: &RunTicket, view: &DocView, tree: Option<&WorktreeFact>) -> DocStanding {
    let dir = view.record.dir.as_str();
    let is_below =
        |path: &str| path.strip_prefix(dir).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let dirty = tree.into_iter().flat_map(|tree| &tree.dirty).filter(|dirt| is_below(&dirt.path));
    let start = run.worktrees_for(&ticket.id).find(|tree| tree.repo == view.record.repo);
    let start = start.map(|tree| if tree.start.is_empty() { &tree.base_id } else { &tree.start });
    DocStanding::Known {
        state: view.record.state,
        error: plain_line(&view.record.error),
        has_revision: !view.record.revision.is_empty(),
        is_present: view.workspace.is_some(),
        restore: remedies::restored_dir(&view.worktree, start.map_or("HEAD", String::as_str), dir),
        dirty: dirty.map(|dirt| format!("{} ({})", dirt.path, dirt.what)).collect(),
        agreement: view.agreement,
    }
}
