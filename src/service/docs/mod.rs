//! `docs`: the tickets of every known tree of documents, merged into one view.

mod local;

use super::repos::expand_home;
use super::{Caller, Control, ServiceError, ServiceResult, control, policies};
use crate::federation::{
    self, Answer, DocCopy, Endpoint, FederationError, Freshness, Kind, Origin, Question, Rank, time_of,
};
use crate::model::{Run, RunId, TicketId};
use crate::policy::{DocsApiPolicy, Policy};
use crate::sys::clock;
use crate::sys::process::quoted;
use crate::workspaces;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The most servers that are asked at once; each costs two threads.
const SERVERS: usize = 256;

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
#[derive(Debug, Clone)]
pub struct DocsView {
    /// The servers that were asked, those of workspaces first, then by name.
    pub endpoints: Vec<EndpointView>,
    /// How many servers the policy names.
    pub configured: usize,
    /// The tickets, those of open runs first.
    pub tickets: Vec<DocsTicket>,
    /// What here could not be read, as sentences.
    pub problems: Vec<String>,
}

/// One server as it answered. Texts of an answer are foreign.
#[derive(Debug, Clone)]
pub struct EndpointView {
    /// Where it is and what it serves.
    pub endpoint: Endpoint,
    /// The open runs of its workspace.
    pub runs: Vec<RunId>,
    /// Whether its workspace is not there any more.
    pub gone: bool,
    /// Whether nothing at all came from it.
    pub down: bool,
    /// What came of the refresh, if one was asked for.
    pub refresh: Option<Result<Freshness, String>>,
    /// How fresh its index is, if it said.
    pub freshness: Option<Freshness>,
    /// How many seconds ago it read its tree.
    pub age: Option<u64>,
    /// Whether that is longer ago than the policy takes for fresh.
    pub stale: bool,
    /// How many tickets came from it.
    pub tickets: usize,
    /// What went wrong, as sentences.
    pub problems: Vec<String>,
}

/// One ticket of the view.
#[derive(Debug, Clone)]
pub struct DocsTicket {
    /// The copy that counts, and what is known of the others.
    pub entry: federation::Entry,
    /// The open runs that work on it.
    pub runs: Vec<RunId>,
    /// Where people look at it; may be empty.
    pub link: String,
}

impl DocsView {
    /// Whether servers were asked and nothing came from any.
    pub fn all_down(&self) -> bool {
        !self.endpoints.is_empty() && self.endpoints.iter().all(|endpoint| endpoint.down)
    }
}

/// Which open runs work on which ticket, by upper-case ticket and lower-case doc home.
type Active = BTreeMap<(String, String), Vec<RunId>>;

/// Gathers the tickets of every known tree: what the servers of the policy serve, the doc homes of open runs and the
/// control repository. Changes nothing.
pub fn docs(caller: &Caller, request: &DocsRequest) -> ServiceResult<DocsView> {
    for ticket in &request.tickets {
        TicketId::parse(ticket)?;
    }
    let control = control(caller)?.frozen();
    let policy = policies::present(caller, &control)?.policy;
    let chosen = chosen(&policy.docs.api, &request.endpoints)?;
    let question = Question {
        refresh: request.refresh,
        tickets: request.tickets.clone(),
        seconds: policy.docs.api.request_timeout_seconds,
    };
    // The servers think while we look around here.
    let asking = federation::ask(chosen, &question);
    let mut problems = Vec::new();
    let runs = open_runs(&control, &mut problems)?;
    let active = active(&runs);
    let mut copies = local::copies(&control, &policy, &runs, &request.tickets, &mut problems)?;
    let mut endpoints = Vec::new();
    for answer in asking.end() {
        let (view, found) = answered(answer, &runs, &policy)?;
        endpoints.push(view);
        copies.extend(found);
    }
    endpoints.sort_by(|a, b| (a.endpoint.kind, &a.endpoint.name).cmp(&(b.endpoint.kind, &b.endpoint.name)));
    let keys: BTreeSet<_> = active.keys().cloned().collect();
    let tickets = federation::merge(copies, &keys)
        .into_iter()
        .map(|entry| ticket_of(entry, &active, &endpoints))
        .collect();
    let api = &policy.docs.api;
    let configured = api.workspace_endpoints.len() + api.repo_endpoints.len();
    Ok(DocsView { endpoints, configured, tickets, problems })
}

/// The servers of the policy, or those that were named.
fn chosen(api: &DocsApiPolicy, named: &[String]) -> ServiceResult<Vec<Endpoint>> {
    let of = |kind: Kind| move |endpoint| Endpoint::of(kind, endpoint);
    let mut all: Vec<_> = api.workspace_endpoints.iter().map(of(Kind::Workspace)).collect();
    all.extend(api.repo_endpoints.iter().map(of(Kind::Repo)));
    for name in named {
        if !all.iter().any(|endpoint| endpoint.name == *name) {
            return Err(unknown(name, &all));
        }
    }
    all.retain(|endpoint| named.is_empty() || named.contains(&endpoint.name));
    if all.len() > SERVERS {
        let message = format!(
            "The policy names {} servers of documents, and at most {SERVERS} are asked at once.",
            all.len()
        );
        return Err(ServiceError::wrong(message, &[&format!("git metawsm docs --endpoint {}", hint(&all))]));
    }
    Ok(all)
}

fn unknown(name: &str, all: &[Endpoint]) -> ServiceError {
    let names: Vec<_> = all.iter().map(|endpoint| endpoint.name.as_str()).collect();
    if names.is_empty() {
        let message =
            format!("No server of documents is called '{name}': docs.api of the policy names none.");
        return ServiceError::wrong(message, &["git metawsm docs", "git metawsm policy show"]);
    }
    let message =
        format!("No server of documents is called '{name}'; the policy names {}.", names.join(", "));
    ServiceError::wrong(message, &[&format!("git metawsm docs --endpoint {}", hint(all))])
}

fn hint(all: &[Endpoint]) -> String {
    all.first().map(|endpoint| quoted(&endpoint.name)).unwrap_or_default()
}

fn open_runs(control: &Control, problems: &mut Vec<String>) -> ServiceResult<Vec<Run>> {
    let mut runs = Vec::new();
    for entry in control.store.open_runs()? {
        match entry {
            crate::store::Entry::Run(run) => runs.push(*run),
            crate::store::Entry::Broken { why, .. } => problems.push(why),
        }
    }
    Ok(runs)
}

fn active(runs: &[Run]) -> Active {
    let mut active = Active::new();
    for run in runs {
        for ticket in &run.tickets {
            let key = (ticket.id.as_str().to_ascii_uppercase(), run.doc_home.as_str().to_lowercase());
            active.entry(key).or_default().push(run.id.clone());
        }
    }
    active
}

fn ticket_of(entry: federation::Entry, active: &Active, endpoints: &[EndpointView]) -> DocsTicket {
    let runs = active.get(&entry.copy.key()).cloned().unwrap_or_default();
    let origin = &entry.copy.origin;
    let server = endpoints.iter().find(|view| view.endpoint.name == origin.source && !origin.rank.is_files());
    let link = server.map(|view| view.endpoint.link(entry.copy.found.ticket.as_str())).unwrap_or_default();
    DocsTicket { entry, runs, link }
}

/// What a server said, as a row and as copies.
fn answered(answer: Answer, runs: &[Run], policy: &Policy) -> ServiceResult<(EndpointView, Vec<DocCopy>)> {
    let problems = problems_of(&answer);
    let down = answer.is_down();
    let Answer { endpoint, refresh, freshness, tickets, .. } = answer;
    let its: Vec<RunId> = runs
        .iter()
        .filter(|run| run.tickets.iter().any(|t| t.workspace.as_str() == endpoint.workspace))
        .map(|run| run.id.clone())
        .collect();
    let gone = endpoint.kind == Kind::Workspace
        && its.is_empty()
        && !workspaces::dir_taken(&expand_home(&policy.workspace.root), &endpoint.workspace)?;
    let rank = match endpoint.kind {
        Kind::Workspace if gone => Rank::Gone,
        Kind::Workspace => Rank::WorkspaceServer,
        Kind::Repo => Rank::RepoServer,
    };
    // Where the status did not come, the refresh said the same.
    let refreshed = refresh.as_ref().and_then(|refresh| refresh.as_ref().ok());
    let freshness = freshness.ok().or_else(|| refreshed.cloned());
    let indexed_at = freshness.as_ref().map(|f| f.indexed_at.clone()).unwrap_or_default();
    let age = time_of(&indexed_at)
        .map(|at| u64::try_from(at.duration_until(clock::precise()).as_secs()).unwrap_or_default());
    let count = tickets.len();
    let origin = Arc::new(Origin {
        rank,
        source: endpoint.name.clone(),
        repo: endpoint.repo.clone(),
        workspace: endpoint.workspace.clone(),
        indexed_at,
    });
    let copies = tickets.into_iter().map(|found| DocCopy { found, origin: Arc::clone(&origin) }).collect();
    let view = EndpointView {
        runs: its,
        gone,
        down,
        refresh: refresh.map(|refresh| refresh.map_err(|error| error.to_string())),
        freshness,
        age,
        stale: age.is_some_and(|age| age > policy.docs.stale_warning_seconds),
        tickets: count,
        problems,
        endpoint,
    };
    Ok((view, copies))
}

/// What went wrong with a server, the same said once.
fn problems_of(answer: &Answer) -> Vec<String> {
    let sentence = |what: &str, error: &FederationError| format!("{what}: {error}.");
    let mut problems = Vec::new();
    match (&answer.freshness, &answer.fault) {
        (Err(status), Some(fault)) if status == fault && answer.tickets.is_empty() => {
            problems.push(format!("{fault}."));
        }
        (status, fault) => {
            problems.extend(status.as_ref().err().map(|error| sentence("status", error)));
            problems.extend(fault.as_ref().map(|error| sentence("tickets", error)));
        }
    }
    if answer.unusable > 0 {
        problems.push(format!("{} of its tickets have no usable id and are left out.", answer.unusable));
    }
    if answer.cut {
        let held = answer.tickets.len();
        problems.push(format!(
            "It has more tickets than are held at once: only {held} are shown; ask for single ones with --ticket."
        ));
    }
    problems
}
