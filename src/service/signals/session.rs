//! Whose session this is: from the environment of a session, else from the workspace around the working directory.

use crate::git::Repository;
use crate::model::{Mode, Run, RunAgent, RunId, RunTicket, TicketId};
use crate::service::{Caller, Control, ServiceError, ServiceResult};
use crate::sys::env;
use crate::workspaces::{self, Context};
use std::path::{Path, PathBuf};

/// What is known of a session. The record has the last word, where it can be read: a sandbox may hide it.
#[derive(Debug)]
pub(super) struct Session {
    /// The run.
    pub run: String,
    /// The agent.
    pub agent: Option<String>,
    /// Whether other agents may work in the same workspace.
    pub is_shared: bool,
    /// The signal roots, the workspace's first.
    pub roots: Vec<PathBuf>,
    /// The brief that a validation is made against.
    pub brief_id: Option<String>,
}

fn outside() -> ServiceError {
    let message = "This is no session of an agent: neither METAWSM_WORKSPACE nor a workspace around this directory says \
                   which run is meant.";
    ServiceError::wrong(message, &["git metawsm status", "git metawsm forum ask --body '<the words>'"])
}

impl Session {
    /// The session around whoever calls; a usage error outside of any. `named` is `--agent`.
    pub fn around(caller: &Caller, named: Option<&str>) -> ServiceResult<Self> {
        let told =
            env::text(env::WORKSPACE).map(PathBuf::from).filter(|dir| dir.is_absolute() && dir.is_dir());
        let found = match &told {
            // What an agent made of the file of its own workspace keeps it from nothing.
            Some(dir) => workspaces::find_context(dir).ok().flatten().filter(|found| found.dir == *dir),
            None => workspaces::find_context(&caller.cwd)?,
        };
        let workspace = told.or_else(|| found.as_ref().map(|found| found.dir.clone())).ok_or_else(outside)?;
        let context = found.map(|found| found.context);
        let run = caller.run_hint.clone().or_else(|| context.as_ref().map(|c| c.run.to_string()));
        let run = run.ok_or_else(outside)?;
        if let Some(other) = context.as_ref().filter(|c| c.run.as_str() != run) {
            let message = format!("This session is of {run}, and the workspace here is of {}.", other.run);
            return Err(ServiceError::wrong(message, &["git metawsm status"]));
        }
        let record = record(context.as_ref(), &run);
        if let Some(decided) = record.as_ref().filter(|record| !record.state.is_open()) {
            let message = format!("{run} is {}: nobody listens any more.", decided.state);
            return Err(ServiceError::failed(message, &[&format!("git metawsm log {run}")]));
        }
        let ticket = ticket(record.as_ref(), context.as_ref(), &workspace);
        let agents: Vec<_> =
            record.iter().flat_map(|r| &r.agents).filter(|a| Some(&a.ticket) == ticket.as_ref()).collect();
        let agent = agent(caller, named, &agents)?;
        let home = doc_home(record.as_ref(), ticket.as_ref(), context.as_ref(), &workspace, &caller.cwd);
        let mut roots = vec![workspace.join(workspaces::OWN_DIR)];
        roots.extend(home.map(|dir| dir.join(workspaces::OWN_DIR)).filter(|root| *root != roots[0]));
        let of_record = record.as_ref().filter(|r| r.mode == Mode::Bootstrap).map(|r| r.brief.id());
        let brief_id = of_record.or_else(|| context.and_then(|c| c.brief_id));
        Ok(Self { run, agent, is_shared: agents.len() != 1, roots, brief_id })
    }
}

/// The run's record, where it can be read.
fn record(context: Option<&Context>, run: &str) -> Option<Run> {
    let root = env::text(env::ROOT).map(PathBuf::from).or_else(|| context.map(|c| c.root.clone()))?;
    let control = Control::of(Repository::discover(&root).ok().flatten()?).frozen();
    control.store.find_run(&RunId::parse(run).ok()?).ok().flatten()
}

fn ticket(record: Option<&Run>, context: Option<&Context>, workspace: &Path) -> Option<TicketId> {
    let is_here = |ticket: &&RunTicket| ticket.path.as_deref() == Some(workspace);
    let by_place =
        record.and_then(|record| record.tickets.iter().find(is_here)).map(|ticket| ticket.id.clone());
    let told = || env::text(env::TICKET).and_then(|text| TicketId::parse(&text).ok());
    by_place.or_else(|| context.map(|c| c.ticket.clone())).or_else(told)
}

/// Who speaks: the agent whose session it is, else who is named, else the only one of the ticket.
fn agent(caller: &Caller, named: Option<&str>, agents: &[&RunAgent]) -> ServiceResult<Option<String>> {
    let own = env::text(env::AGENT).or_else(|| caller.below_agent.clone().filter(|name| !name.contains(' ')));
    if let (Some(own), Some(named)) = (&own, named)
        && own != named
    {
        let message = format!("The agent '{own}' speaks for itself only.");
        return Err(ServiceError::forbidden(message, &["git metawsm signal -h"]));
    }
    let known: Vec<_> = agents.iter().map(|agent| agent.name.as_str()).collect();
    let wrong = |message: String| Err(ServiceError::wrong(message, &["git metawsm signal -h"]));
    match (own.as_deref().or(named), known.as_slice()) {
        (Some(agent), known) if !known.is_empty() && !known.contains(&agent) => {
            wrong(format!("This ticket has no agent '{agent}'; it has {}.", known.join(", ")))
        }
        (Some(agent), _) => Ok(Some(agent.to_owned())),
        (None, [only]) => Ok(Some((*only).to_owned())),
        (None, []) => Ok(None),
        (None, several) => {
            wrong(format!("Several agents work here, so name one by --agent: {}.", several.join(", ")))
        }
    }
}

/// The worktree of the doc home: as the record, else the workspace says, else the repository around the working
/// directory.
fn doc_home(
    record: Option<&Run>,
    ticket: Option<&TicketId>,
    context: Option<&Context>,
    workspace: &Path,
    cwd: &Path,
) -> Option<PathBuf> {
    let recorded = record.zip(ticket).and_then(|(record, ticket)| {
        record.worktrees_for(ticket).find(|tree| tree.repo == record.doc_home)?.path.clone()
    });
    let told = || context?.doc_home.as_ref().map(|repo| workspace.join(repo.as_str()));
    let around = || {
        let first = cwd.strip_prefix(workspace).ok()?.components().next()?;
        Some(workspace.join(first)).filter(|dir| dir.join(".git").exists())
    };
    let home = recorded.or_else(told).or_else(around)?;
    home.symlink_metadata().is_ok_and(|meta| meta.is_dir()).then_some(home)
}
