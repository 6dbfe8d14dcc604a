//! Signal files: what agents say in JSON (behaviour 6). This file takes completions; a question only shows.

use super::ServiceResult;
use crate::model::{Run, RunAgent, RunTicket, SignalKind, TicketId};
use crate::sys::{clock, files, random};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// A signal file may have at most this many bytes.
const CAP: u64 = 64 * 1024;

/// A completion as agents write it; unknown keys are refused, so that a typo is seen.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Completion {
    run_id: Option<String>,
    agent: Option<String>,
    summary: Option<String>,
}

/// A completion that was found and belongs to this run.
#[derive(Debug, Clone)]
pub(super) struct Said {
    /// The index of its agent in the run.
    pub agent: usize,
    /// What it said.
    pub summary: String,
    /// The live file.
    pub path: PathBuf,
}

/// A signal file that could not be taken; it is left where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Odd {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub why: String,
}

/// What lies in the signal roots of a run.
#[derive(Debug, Clone, Default)]
pub(super) struct Signals {
    /// Completions.
    pub completions: Vec<Said>,
    /// Open questions: the file.
    pub questions: Vec<PathBuf>,
    /// What could not be taken.
    pub odd: Vec<Odd>,
}

/// The two places where agents of a ticket may write: the workspace, then the doc home.
pub(super) fn roots(run: &Run, ticket: &RunTicket) -> Vec<PathBuf> {
    let Some(workspace) = &ticket.path else { return Vec::new() };
    let home = run.worktrees_for(&ticket.id).find(|w| w.repo == run.doc_home).and_then(|w| w.path.clone());
    let mut roots = vec![workspace.join(".metawsm")];
    roots.extend(home.map(|dir| dir.join(".metawsm")).filter(|dir| *dir != roots[0]));
    roots
}

/// Looks into all signal roots; changes nothing.
pub(super) fn look(run: &Run) -> Signals {
    let mut signals = Signals::default();
    for ticket in &run.tickets {
        let agents: Vec<_> = run.agents.iter().enumerate().filter(|(_, a)| a.ticket == ticket.id).collect();
        for root in roots(run, ticket) {
            if root.is_symlink() {
                continue;
            }
            for name in files::names_in(&root).unwrap_or_default() {
                let path = root.join(&name);
                match SignalKind::of_file(&name) {
                    Some((SignalKind::Question, _)) => signals.questions.push(path),
                    Some((SignalKind::Completion, named)) => match completion(run, &agents, &path, named) {
                        Ok(Some(said)) => signals.completions.push(said),
                        Ok(None) => {}
                        Err(why) => signals.odd.push(Odd { path, why }),
                    },
                    _ => {}
                }
            }
        }
    }
    signals
}

fn completion(
    run: &Run,
    agents: &[(usize, &RunAgent)],
    path: &Path,
    named: Option<&str>,
) -> Result<Option<Said>, String> {
    let Some(bytes) = files::find_foreign(path, CAP).map_err(|e| e.to_string())? else { return Ok(None) };
    let said: Completion =
        serde_json::from_slice(&bytes).map_err(|e| format!("it is not a completion: {e}"))?;
    if let Some(other) = said.run_id.filter(|id| id != run.id.as_str()) {
        return Err(format!("it is for another run, '{other}'"));
    }
    let agent = match (said.agent.or(named.map(str::to_owned)), agents) {
        (Some(agent), _) => {
            let found = agents.iter().find(|(_, a)| a.name.as_str() == agent).map(|(index, _)| *index);
            found.ok_or_else(|| format!("this ticket has no agent '{agent}'"))?
        }
        (None, [(only, _)]) => *only,
        (None, _) => return Err("it names no agent, and several work here".to_owned()),
    };
    Ok(Some(Said { agent, summary: said.summary.unwrap_or_default(), path: path.to_owned() }))
}

/// Moves a taken signal to `seen/`, under a name of its own, so that the same words later count again.
pub(super) fn put_away(path: &Path, stamp: &str) -> ServiceResult<()> {
    let (Some(root), Some(name)) = (path.parent(), path.file_name()) else { return Ok(()) };
    let own = random::base32(4);
    let to = root.join("seen").join(format!("{stamp}-{own}-{}", name.to_string_lossy()));
    Ok(files::rename_durable(path, &to)?)
}

/// Moves the open questions of a ticket to `seen/`: they were answered, or nobody waits for the answer any more.
pub(super) fn put_away_questions(run: &Run, ticket: &TicketId) -> ServiceResult<()> {
    let stamp = clock::compact(clock::now());
    let places: Vec<_> = run.ticket(ticket).map(|t| roots(run, t)).unwrap_or_default();
    for path in look(run).questions {
        if path.parent().is_some_and(|root| places.iter().any(|place| place == root)) {
            put_away(&path, &stamp)?;
        }
    }
    Ok(())
}
