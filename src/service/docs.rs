//! `docs`: the tickets of every known tree of documents, merged into one view.

use super::repos::name_of;
use super::{Caller, ServiceResult, control};
use crate::tickets;

/// What `docs` was asked.
#[derive(Debug, Clone, Default)]
pub struct DocsRequest {
    /// Have the servers read their trees anew first.
    pub refresh: bool,
    /// Only these tickets, upper and lower case alike; all where empty.
    pub tickets: Vec<String>,
    /// Ask only these servers; all where empty.
    pub endpoints: Vec<String>,
}

/// The merged view.
#[derive(Debug, Clone, Default)]
pub struct DocsView {
    /// The tickets.
    pub tickets: Vec<DocsTicket>,
}

/// One ticket of the view. All texts are foreign.
#[derive(Debug, Clone)]
pub struct DocsTicket {
    /// Its id.
    pub ticket: String,
    /// Its title.
    pub title: String,
    /// Its status, a free word.
    pub status: String,
    /// The repository that holds its documents.
    pub repo: String,
}

impl DocsView {
    /// Whether servers were asked and none answered.
    pub fn all_down(&self) -> bool {
        false
    }
}

/// Gathers the tickets of every known tree.
pub fn docs(caller: &Caller, request: &DocsRequest) -> ServiceResult<DocsView> {
    let control = control(caller)?;
    let repo = name_of(&control.repo)?;
    let mut view = DocsView::default();
    let Some(top) = control.repo.worktree() else { return Ok(view) };
    let Some(root) = tickets::docs_root(top)? else { return Ok(view) };
    let wanted = |id: &str| {
        request.tickets.is_empty() || request.tickets.iter().any(|wanted| wanted.eq_ignore_ascii_case(id))
    };
    for ticket in tickets::list(&root)?.tickets {
        if wanted(&ticket.id) {
            view.tickets.push(DocsTicket {
                ticket: ticket.id,
                title: ticket.title,
                status: ticket.status,
                repo: repo.to_string(),
            });
        }
    }
    Ok(view)
}
