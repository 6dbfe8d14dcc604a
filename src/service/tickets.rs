//! Which tickets a run is for.

use super::repos::Chosen;
use super::run::RunRequest;
use super::{Control, ServiceError, ServiceResult, doc_sync};
use crate::git::Repository;
use crate::model::{
    Brief, Mode, RunTicket, TicketId, WorkspaceName, plain_line, slug_of, title_of, workspace_stem,
};
use crate::policy::{Policy, SeedMode, TicketsRequired};
use crate::sys::process::quoted;
use crate::sys::random;
use crate::tickets::{self, Found, Provider};
use std::cell::RefCell;

/// The tickets of a run, its goal, and what a person should know.
pub(super) struct TicketPlan {
    /// Tickets without workspaces yet.
    pub tickets: Vec<RunTicket>,
    /// The goal in free text, empty where only tickets were named.
    pub goal: String,
    /// Sentences.
    pub notes: Vec<String>,
    /// The ticket of a bootstrap, where it is there already.
    pub known: Option<KnownTicket>,
}

/// Whether the ticket of a bootstrap is to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TicketMeant {
    /// Whatever there is.
    #[default]
    Any,
    /// One that is made now.
    New,
    /// One that is there.
    Existing,
}

/// A ticket that is there already. All texts are foreign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownTicket {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its status, a free word.
    pub status: String,
    /// Whether its work came to an end.
    pub closed: bool,
}

impl std::fmt::Display for KnownTicket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = if self.closed { "closed, " } else { "" };
        let status = if self.status.is_empty() { "without a status" } else { &self.status };
        write!(f, "The ticket {} is there already: '{}' ({word}{status})", self.id, self.title)
    }
}

/// Resolves `--ticket` and TEXT: named tickets must exist where a docs root exists (or are made with `--create`);
/// TEXT alone makes an id of its own.
pub(super) fn choose_tickets(
    control: &Control,
    home: &Chosen,
    policy: &Policy,
    request: &RunRequest,
) -> ServiceResult<TicketPlan> {
    let goal = request.text.clone().unwrap_or_default().trim().to_owned();
    if request.create || !request.tickets.is_empty() {
        // Better known before anything is made.
        Provider::of(policy).require()?;
    }
    if request.tickets.is_empty() {
        return from_text(policy, request, goal);
    }
    let seed_mode = request.doc_seed.as_deref().unwrap_or(policy.docs.seed_mode.as_str());
    let seeds = seed_mode != SeedMode::None.as_str();
    let lookup = Lookup { control, home, policy, request, seeds, known: RefCell::default() };
    let mut tickets = Vec::new();
    let mut notes = Vec::new();
    for text in &request.tickets {
        let id = TicketId::parse(text)?;
        if tickets.iter().any(|t: &RunTicket| t.id.as_str().eq_ignore_ascii_case(id.as_str())) {
            return Err(ServiceError::wrong(
                format!("The ticket '{id}' is given twice."),
                &[&format!("git metawsm run --ticket {id} ...")],
            ));
        }
        tickets.push(lookup.verified(&id, &mut notes)?);
    }
    Ok(TicketPlan { tickets, goal, notes, known: lookup.known.take() })
}

fn from_text(policy: &Policy, request: &RunRequest, goal: String) -> ServiceResult<TicketPlan> {
    if goal.is_empty() {
        return Err(ServiceError::wrong(
            "Nothing says what to do: give a text or a ticket.",
            &["git metawsm run '<what to do>'", "git metawsm run --ticket <id>"],
        ));
    }
    let id = slug_of(&goal).unwrap_or_else(|| format!("task-{}", random::base32(4)));
    let id = TicketId::parse(&id)?;
    if policy.tickets.required == TicketsRequired::Always && !request.create {
        return Err(missing(&id, &[]));
    }
    let title = title_of(&goal, 72);
    let ticket = RunTicket { title, made_by_us: request.create, ..blank(&id)? };
    Ok(TicketPlan { tickets: vec![ticket], goal, notes: Vec::new(), known: None })
}

fn blank(id: &TicketId) -> ServiceResult<RunTicket> {
    let workspace = WorkspaceName::parse(&workspace_stem(id.as_str()))?;
    Ok(RunTicket {
        id: id.clone(),
        title: String::new(),
        workspace,
        path: None,
        docs: None,
        revision: String::new(),
        made_by_us: false,
    })
}

/// What a named ticket is looked up with.
struct Lookup<'a> {
    control: &'a Control,
    home: &'a Chosen,
    policy: &'a Policy,
    request: &'a RunRequest,
    /// Whether documents are copied from the control repository.
    seeds: bool,
    known: RefCell<Option<KnownTicket>>,
}

impl Lookup<'_> {
    fn verified(&self, id: &TicketId, notes: &mut Vec<String>) -> ServiceResult<RunTicket> {
        let Self { control, home, policy, request, .. } = self;
        let mut near = Vec::new();
        let mut has_docs = false;
        for repository in doc_places(control, home) {
            let Some(top) = repository.worktree() else {
                let base = doc_sync::source_repo(control)?.map(|(_, base)| base).unwrap_or_default();
                if let Some(found) = doc_sync::committed_ticket(repository, &base, BARE_ROOT, id.as_str())? {
                    return self.known(repository, BARE_ROOT, found, notes);
                }
                continue;
            };
            let Some(root) = tickets::docs_root(top)? else { continue };
            has_docs = true;
            match Provider::of(policy).find(&root, id.as_str())? {
                Found::One(found) => {
                    notes.extend(
                        root.notes.iter().filter(|note| !notes.contains(note)).cloned().collect::<Vec<_>>(),
                    );
                    return self.known(repository, &root.relative, found, notes);
                }
                Found::Several(several) => return Err(doc_sync::twice(top, id.as_str(), &several)),
                Found::Missing { near: names } => {
                    refuse_broken(&root, id)?;
                    near.extend(names);
                }
            }
        }
        if request.meant == TicketMeant::Existing {
            return Err(not_there(id, &near));
        }
        if request.create {
            let title = request.text.as_deref().map(|t| title_of(t, 72)).filter(|t| !t.is_empty());
            return Ok(RunTicket {
                title: title.unwrap_or_else(|| id.to_string()),
                made_by_us: true,
                ..blank(id)?
            });
        }
        match policy.tickets.required {
            TicketsRequired::Always => Err(missing(id, &near)),
            TicketsRequired::Auto if has_docs => Err(missing(id, &near)),
            TicketsRequired::Auto => {
                notes.push(format!("no ticket documents are kept here, so '{id}' is only a name"));
                blank(id)
            }
        }
    }
}

impl Lookup<'_> {
    /// A ticket that is there, in the docs root of a repository; what could not be seeded is refused.
    fn known(
        &self,
        repository: &Repository,
        root: &str,
        found: tickets::Ticket,
        notes: &mut Vec<String>,
    ) -> ServiceResult<RunTicket> {
        let mut is_seeded = self.seeds;
        if self.seeds && !doc_sync::require_seedable(repository, &found.dir)? {
            notes.push(format!(
                "git ignores {}, so no workspace has the documents of {}",
                found.dir, found.id
            ));
            is_seeded = false;
        }
        let docs = if repository.common_dir() == self.home.repo.common_dir() {
            found.dir.clone()
        } else {
            doc_sync::dir_in_home(self.home, root, &found, self.seeds)?
        };
        self.take_known(&found, is_seeded, &docs, notes)?;
        Ok(RunTicket { title: found.title, docs: Some(docs), ..blank(&TicketId::parse(&found.id)?)? })
    }

    /// A bootstrap says what it found, and goes on with what was meant only.
    fn take_known(
        &self,
        found: &tickets::Ticket,
        is_seeded: bool,
        docs: &str,
        notes: &mut Vec<String>,
    ) -> ServiceResult<()> {
        if self.request.mode != Mode::Bootstrap {
            return Ok(());
        }
        let known = KnownTicket {
            id: found.id.clone(),
            title: found.title.clone(),
            status: found.status.clone(),
            closed: found.is_closed(),
        };
        if self.request.meant == TicketMeant::New {
            // Off a terminal nobody is asked for them again.
            let Brief { goal, done_criteria, .. } = &self.request.brief;
            let brief = format!("--goal {} --done {}", quoted(goal), quoted(done_criteria));
            let hints = [
                &format!("git metawsm bootstrap --existing --ticket {} {brief}", quoted(&known.id)),
                &format!("git metawsm bootstrap --ticket '<a new one>' {brief}"),
            ];
            return Err(ServiceError::failed(format!("{known}."), &hints.map(|hint: &String| hint.as_str())));
        }
        let index = format!("{docs}/index.md");
        if !is_seeded && self.home.repo.path_id(&self.home.base.id, &index)?.is_none() {
            notes.push(format!(
                "{index} does not stand in '{}' of {}, so the brief stands in the record and in the prompt only",
                self.home.base.branch, self.home.name
            ));
        }
        self.known.replace(Some(known));
        Ok(())
    }
}

/// A ticket whose index cannot be read is neither missing nor to be made anew.
fn refuse_broken(root: &tickets::DocsRoot, id: &TicketId) -> ServiceResult<()> {
    let problems = tickets::list(root)?.problems;
    let Some((path, why)) = tickets::broken(id.as_str(), &problems) else { return Ok(()) };
    let (path, why) = (plain_line(path), plain_line(why.trim_end_matches('.')));
    let message = format!("The ticket '{id}' cannot be read: {path}: {why}.");
    let top = quoted(&root.top.to_string_lossy());
    Err(ServiceError::failed(message, &[&format!("git -C {top} log -p -- {}", quoted(&path))]))
}

fn not_there(id: &TicketId, near: &[String]) -> ServiceError {
    let mut hints: Vec<String> = near
        .iter()
        .take(3)
        .map(|near| format!("git metawsm bootstrap --existing --ticket {}", quoted(near)))
        .collect();
    hints.push(format!("git metawsm bootstrap --ticket {id}"));
    let near = if near.is_empty() { String::new() } else { format!(" Near to it: {}.", near.join(", ")) };
    ServiceError::Failed { message: format!("The ticket '{id}' does not exist.{near}"), hints }
}

/// Where tickets are looked for: the control repository, then the doc home's worktree.
fn doc_places<'a>(control: &'a Control, home: &'a Chosen) -> impl Iterator<Item = &'a Repository> {
    let is_other =
        |home: &&Repository| home.worktree().is_some_and(|top| control.repo.worktree() != Some(top));
    std::iter::once(&control.repo).chain(Some(&home.repo).filter(is_other))
}

/// Where a bare repository keeps its tickets.
const BARE_ROOT: &str = "ttmp";

fn missing(id: &TicketId, near: &[String]) -> ServiceError {
    let create = format!("git metawsm run --ticket {id} --create");
    let mut hints: Vec<String> =
        near.iter().take(3).map(|n| format!("git metawsm run --ticket {n}")).collect();
    hints.push(create);
    let near = if near.is_empty() { String::new() } else { format!(" Near to it: {}.", near.join(", ")) };
    ServiceError::Failed { message: format!("The ticket '{id}' does not exist.{near}"), hints }
}
