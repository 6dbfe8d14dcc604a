//! The copies that lie here: in the control repository, in the doc homes of open runs, and in their workspaces.

use super::super::repos::name_in;
use super::super::{Control, ServiceResult};
use crate::federation::{DocCopy, Found, Origin, Rank};
use crate::git::Repository;
use crate::model::{Run, RunTicket, TicketId};
use crate::policy::Policy;
use crate::sys::files;
use crate::tickets::{self, Glance, Ticket};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The name of the source of copies that are files here.
const LOCAL: &str = "local";

/// All copies that lie here, of the wanted tickets. What cannot be read is a sentence and hides nothing else.
pub(super) fn copies(
    control: &Control,
    policy: &Policy,
    runs: &[Run],
    wanted: &[String],
    problems: &mut Vec<String>,
) -> ServiceResult<Vec<DocCopy>> {
    let mut shelf = Shelf { wanted, copies: Vec::new(), problems };
    let mut seen = vec![control.repo.common_dir().to_owned()];
    if let Some(top) = control.repo.worktree() {
        let name = name_in(control, policy, &control.repo)?;
        shelf.add_repo(top, name.as_str());
    }
    for run in runs {
        for ticket in &run.tickets {
            shelf.add_workspace(run, ticket);
        }
        let home = run.repo(&run.doc_home).and_then(|repo| repo.path.as_deref());
        if let Some((top, common)) = home.and_then(checkout)
            && !seen.contains(&common)
        {
            seen.push(common);
            shelf.add_repo(&top, run.doc_home.as_str());
        }
    }
    Ok(shelf.copies)
}

/// The worktree around a directory, and the repository that it belongs to.
fn checkout(path: &Path) -> Option<(PathBuf, PathBuf)> {
    let repo = Repository::discover(path).ok().flatten()?;
    Some((repo.worktree()?.to_owned(), repo.common_dir().to_owned()))
}

fn origin(rank: Rank, repo: &str, workspace: &str) -> Arc<Origin> {
    Arc::new(Origin {
        rank,
        source: LOCAL.to_owned(),
        repo: repo.to_owned(),
        workspace: workspace.to_owned(),
        indexed_at: String::new(),
    })
}

struct Shelf<'a> {
    wanted: &'a [String],
    copies: Vec<DocCopy>,
    problems: &'a mut Vec<String>,
}

impl Shelf<'_> {
    fn wants(&self, id: &str) -> bool {
        self.wanted.is_empty() || self.wanted.iter().any(|wanted| wanted.eq_ignore_ascii_case(id))
    }

    /// The tickets of a checkout.
    fn add_repo(&mut self, top: &Path, repo: &str) {
        let listing = match tickets::docs_root(top) {
            Ok(Some(root)) => tickets::list(&root),
            Ok(None) => return,
            Err(error) => Err(error),
        };
        match listing {
            Ok(listing) => {
                self.problems
                    .extend(listing.problems.into_iter().map(|problem| format!("{repo}: {problem}")));
                let origin = origin(Rank::Repo, repo, "");
                for ticket in listing.tickets {
                    self.add_ticket(top, &origin, &ticket);
                }
            }
            Err(error) => self.problems.push(format!("{repo}: {error}.")),
        }
    }

    fn add_ticket(&mut self, top: &Path, origin: &Arc<Origin>, ticket: &Ticket) {
        let Ok(id) = TicketId::parse(&ticket.id) else {
            self.problems.push(format!("{}: {}: its ticket is no usable id.", origin.repo, ticket.index));
            return;
        };
        if !self.wants(id.as_str()) {
            return;
        }
        let seen = tickets::glance(&top.join(&ticket.index)).ok().flatten();
        let found = Found {
            ticket: id,
            title: ticket.title.clone(),
            status: ticket.status.clone(),
            updated: seen.map(|seen| seen.updated).unwrap_or_default(),
        };
        self.copies.push(DocCopy { found, origin: Arc::clone(origin) });
    }

    /// The copy of a ticket in the workspace of an open run.
    fn add_workspace(&mut self, run: &Run, ticket: &RunTicket) {
        if !self.wants(ticket.id.as_str()) {
            return;
        }
        match workspace_copy(run, ticket) {
            Ok(None) => {}
            Ok(Some(seen)) => {
                let found = Found {
                    ticket: ticket.id.clone(),
                    title: seen.head.title,
                    status: seen.head.status,
                    updated: seen.updated,
                };
                let origin = origin(Rank::Workspace, run.doc_home.as_str(), ticket.workspace.as_str());
                self.copies.push(DocCopy { found, origin });
            }
            Err(error) => self.problems.push(format!("{}: {error}.", ticket.workspace)),
        }
    }
}

/// `None` where the ticket has no documents there, or a link leads out of the worktree to them.
fn workspace_copy(run: &Run, ticket: &RunTicket) -> tickets::TicketResult<Option<Glance>> {
    let home = run.worktrees_for(&ticket.id).find(|tree| tree.repo == run.doc_home);
    let (Some(top), Some(docs)) = (home.and_then(|tree| tree.path.as_deref()), &ticket.docs) else {
        return Ok(None);
    };
    let dir = top.join(docs);
    if !files::real_path(&dir).starts_with(files::real_path(top)) {
        return Ok(None);
    }
    tickets::glance(&dir.join("index.md"))
}
