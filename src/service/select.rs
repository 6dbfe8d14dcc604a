//! Which run is meant. Nothing is guessed: what is not the only candidate is listed.

use super::history::{each_decided, find_published};
use super::{Caller, Control, ServiceError, ServiceResult};
use crate::model::{Run, RunId};
use crate::store::{Entry, StoreError, Summary};
use crate::workspaces;

/// How a run was named.
#[derive(Debug, Clone, Default)]
pub struct Selector {
    /// The positional RUN: a run id, a unique prefix of one, or a ticket.
    pub word: Option<String>,
    /// `--run-id`.
    pub run_id: Option<String>,
    /// `--ticket`.
    pub ticket: Option<String>,
}

impl Selector {
    /// Whether nothing was named.
    pub fn is_empty(&self) -> bool {
        self.word.is_none() && self.run_id.is_none() && self.ticket.is_none()
    }
}

/// What one of the words given means.
enum Meant {
    /// This run.
    Run(RunId),
    /// A ticket, and its newest open run, else its newest run.
    Ticket(String, RunId),
}

impl Meant {
    fn id(&self) -> &RunId {
        match self {
            Self::Run(id) | Self::Ticket(_, id) => id,
        }
    }
}

/// The run that is meant. `fits` tells which open runs the command can act on, where none is named.
pub(super) fn select(
    caller: &Caller,
    control: &Control,
    selector: &Selector,
    fits: fn(&Run) -> bool,
) -> ServiceResult<RunId> {
    let mut meant = Vec::new();
    if let Some(id) = &selector.run_id {
        meant.push(Meant::Run(by_id(control, id)?));
    }
    if let Some(word) = &selector.word {
        meant.push(by_word(control, word)?);
    }
    if let Some(ticket) = &selector.ticket {
        meant.push(Meant::Ticket(ticket.clone(), require_by_ticket(control, ticket)?));
    }
    let Some(first) = meant.iter().find(|m| matches!(m, Meant::Run(_))).or(meant.first()) else {
        return unnamed(caller, control, fits);
    };
    agree(control, first.id(), &meant)?;
    Ok(first.id().clone())
}

/// Every word given must mean this run; a ticket beside an id must be one of that run's, its newest run need not be
/// it.
fn agree(control: &Control, id: &RunId, meant: &[Meant]) -> ServiceResult<()> {
    for other in meant.iter().filter(|other| other.id() != id) {
        let agrees = match other {
            Meant::Run(_) => false,
            Meant::Ticket(ticket, _) => has_ticket(&require_run(control, id)?, ticket),
        };
        if !agrees {
            let message = format!("The words given mean two runs, {id} and {}.", other.id());
            let words = vec![id.to_string(), other.id().to_string()];
            return Err(ServiceError::Several { message, words });
        }
    }
    Ok(())
}

/// Whether a run is for this ticket, whatever the case of its letters.
pub(super) fn has_ticket(run: &Run, ticket: &str) -> bool {
    run.tickets.iter().any(|t| t.id.as_str().eq_ignore_ascii_case(ticket))
}

fn unnamed(caller: &Caller, control: &Control, fits: fn(&Run) -> bool) -> ServiceResult<RunId> {
    if let Some(found) = workspaces::find_context(&caller.cwd)?
        && control.store.find_run(&found.context.run)?.is_some()
    {
        return Ok(found.context.run);
    }
    if let Some(id) = caller.run_hint.as_deref().and_then(|id| RunId::parse(id).ok())
        && control.store.find_run(&id)?.is_some()
    {
        return Ok(id);
    }
    let runs = control.store.open_runs()?;
    let candidates: Vec<_> = runs.iter().filter_map(Entry::run).filter(|run| fits(run)).collect();
    match candidates.as_slice() {
        [only] => Ok(only.id.clone()),
        [] => Err(none_fits(&runs)),
        several => {
            let list: Vec<_> =
                several.iter().map(|r| format!("{} ({}, {})", r.id, r.title(), r.state)).collect();
            let message = format!("Several runs are open, so name one: {}.", list.join("; "));
            Err(ServiceError::Several { message, words: several.iter().map(|r| r.id.to_string()).collect() })
        }
    }
}

/// Nothing is open, or nothing that the command can act on.
fn none_fits(open: &[Entry]) -> ServiceError {
    let open: Vec<_> =
        open.iter().filter_map(Entry::run).map(|r| format!("{} is {}", r.id, r.state)).collect();
    if open.is_empty() {
        let hints = ["git metawsm list --all", "git metawsm run '<what to do>'"];
        return ServiceError::failed("No run is open here.", &hints);
    }
    let message = format!("No open run fits this command: {}.", open.join("; "));
    ServiceError::failed(message, &["git metawsm status"])
}

/// Refuses a run that is over, for what only open runs can do.
pub(super) fn require_open(run: &Run) -> ServiceResult<()> {
    if run.state.is_open() {
        return Ok(());
    }
    let message = format!("The run {} is {}, and that is final.", run.id, run.state);
    Err(ServiceError::failed(message, &[&format!("git metawsm log {}", run.id), "git metawsm list --all"]))
}

/// The run of this id, or an error that says where to look.
pub(super) fn require_run(control: &Control, id: &RunId) -> ServiceResult<Run> {
    find_run(control, id)?.ok_or_else(|| StoreError::NotFound { id: id.to_string() }.into())
}

/// The run of this id: live, decided, or published by anybody.
fn find_run(control: &Control, id: &RunId) -> ServiceResult<Option<Run>> {
    match control.store.find_run(id)? {
        Some(run) => Ok(Some(run)),
        None => find_published(control, id),
    }
}

/// Shows the runs that fit, of this machine; only where none does, those in history. All of history may fit: what is
/// kept of it, the caller decides.
fn each_matching(
    control: &Control,
    fits: &dyn Fn(&Summary) -> bool,
    take: &mut dyn FnMut(Summary),
) -> ServiceResult<()> {
    let mut any = false;
    let mut show = |run: Summary| {
        if fits(&run) {
            any = true;
            take(run);
        }
    };
    let live = control.store.live_runs()?;
    live.iter().filter_map(Entry::run).map(Summary::of).for_each(&mut show);
    control.store.each_decided(None, &mut |entry, _| entry.into_run().into_iter().for_each(&mut show))?;
    if !any {
        each_decided(control, &mut |entry, _| {
            entry.into_run().filter(|run| fits(run)).into_iter().for_each(&mut *take);
        })?;
    }
    Ok(())
}

fn by_id(control: &Control, text: &str) -> ServiceResult<RunId> {
    let id = RunId::parse(text)?;
    if find_run(control, &id)?.is_some() {
        return Ok(id);
    }
    find_by_prefix(control, text)?.ok_or_else(|| StoreError::NotFound { id: text.to_owned() }.into())
}

/// Most runs that a prefix is said to mean.
const NAMED: usize = 20;

fn find_by_prefix(control: &Control, text: &str) -> ServiceResult<Option<RunId>> {
    let mut found: Vec<RunId> = Vec::new();
    let mut more = 0_usize;
    each_matching(control, &|run| run.id.as_str().starts_with(text), &mut |run| {
        if found.len() < NAMED { found.push(run.id) } else { more += 1 }
    })?;
    match found.as_slice() {
        [] => Ok(None),
        [only] => Ok(Some(only.clone())),
        several => {
            let words: Vec<_> = several.iter().map(ToString::to_string).collect();
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let message = format!("'{text}' is the beginning of several runs: {}{more}.", words.join(", "));
            Err(ServiceError::Several { message, words })
        }
    }
}

/// The newest open run of a ticket, else its newest run.
fn find_by_ticket(control: &Control, ticket: &str) -> ServiceResult<Option<RunId>> {
    let mut newest = None;
    each_matching(control, &|run| run.has_ticket(ticket), &mut |run| {
        let rank = (run.state.is_open(), run.created);
        if newest.as_ref().is_none_or(|(best, _)| rank >= *best) {
            newest = Some((rank, run.id));
        }
    })?;
    Ok(newest.map(|(_, id)| id))
}

fn require_by_ticket(control: &Control, ticket: &str) -> ServiceResult<RunId> {
    find_by_ticket(control, ticket)?.ok_or_else(|| {
        let message = format!("No run is known for the ticket '{ticket}'.");
        ServiceError::failed(
            message,
            &["git metawsm list --all", &format!("git metawsm run --ticket {ticket}")],
        )
    })
}

fn by_word(control: &Control, word: &str) -> ServiceResult<Meant> {
    if let Ok(id) = RunId::parse(word)
        && control.store.find_run(&id)?.is_some()
    {
        return Ok(Meant::Run(id));
    }
    if let Some(id) = find_by_ticket(control, word)? {
        return Ok(Meant::Ticket(word.to_owned(), id));
    }
    find_by_prefix(control, word)?.map(Meant::Run).ok_or_else(|| {
        let message = format!("Neither a run nor a ticket with a run is called '{word}'.");
        ServiceError::failed(message, &["git metawsm list --all"])
    })
}
