//! What a new thread is about: a run, a ticket, an agent, or the project as a whole.

use super::super::select::{Selector, has_ticket, require_run, select};
use super::super::{Caller, Control, ServiceError, ServiceResult};
use crate::model::{AgentName, Run, RunId, TicketId};
use crate::sys::env;
use crate::workspaces;

/// What a thread is said to be about.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// `--run-id`.
    pub run: Option<String>,
    /// `--ticket`.
    pub ticket: Option<String>,
    /// `--agent`.
    pub agent: Option<String>,
    /// The project, no run: nothing is looked for.
    pub project: bool,
}

/// What a thread is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Subject {
    pub run: Option<RunId>,
    pub ticket: Option<TicketId>,
    pub agent: Option<AgentName>,
}

/// What the words, the session and the workspace around us say. Where nothing does, the only open run; where none is
/// open, the project.
pub(super) fn subject(caller: &Caller, control: &Control, about: &About) -> ServiceResult<Subject> {
    let mut subject = Subject {
        run: None,
        ticket: about.ticket.as_deref().map(TicketId::parse).transpose()?,
        agent: about.agent.as_deref().map(AgentName::parse).transpose()?,
    };
    let run = if about.project { None } else { find_run(caller, control, about)? };
    let Some(run) = run else { return Ok(subject) };
    let around = workspaces::find_context(&caller.cwd)?.filter(|found| found.context.run == run.id);
    let in_session = caller.run_hint.as_deref() == Some(run.id.as_str());
    let session = |name: &str| if in_session { env::text(name) } else { None };
    let known = |ticket: &TicketId| run.tickets.iter().any(|t| t.id == *ticket);
    if let Some(ticket) = &mut subject.ticket {
        // In the letters of the record.
        let same = run.tickets.iter().find(|t| t.id.as_str().eq_ignore_ascii_case(ticket.as_str()));
        *ticket = same.map_or_else(|| ticket.clone(), |t| t.id.clone());
    } else {
        let named = session(env::TICKET).and_then(|text| TicketId::parse(&text).ok());
        let named = named.or_else(|| around.map(|found| found.context.ticket)).filter(known);
        let only = (run.tickets.len() == 1).then(|| run.tickets[0].id.clone());
        subject.ticket = named.or(only);
    }
    if subject.agent.is_none() {
        subject.agent = session(env::AGENT).and_then(|text| AgentName::parse(&text).ok());
    }
    subject.run = Some(run.id);
    Ok(subject)
}

fn find_run(caller: &Caller, control: &Control, about: &About) -> ServiceResult<Option<Run>> {
    let selector = Selector { word: None, run_id: about.run.clone(), ticket: about.ticket.clone() };
    let is_ticket_alone = about.run.is_none() && about.ticket.is_some();
    if is_ticket_alone && let Some(run) = of_session(caller, control, about)? {
        return Ok(Some(run));
    }
    match select(caller, control, &selector, |_| true) {
        Ok(id) => Ok(Some(require_run(control, &id)?)),
        // A ticket may be talked about before anybody works on it.
        Err(ServiceError::Failed { .. }) if is_ticket_alone => Ok(None),
        Err(ServiceError::Failed { .. }) if selector.is_empty() => Ok(None),
        Err(ServiceError::Several { message, words }) => {
            let mut hints: Vec<_> =
                words.iter().take(5).map(|id| format!("git metawsm forum ask --run-id {id}")).collect();
            hints.push("git metawsm forum ask --project".to_owned());
            Err(ServiceError::Wrong { message, hints })
        }
        Err(error) => Err(error),
    }
}

/// The run of the session, where it is for the ticket that was named: its newest open run need not be it.
fn of_session(caller: &Caller, control: &Control, about: &About) -> ServiceResult<Option<Run>> {
    let Some(id) = caller.run_hint.as_deref().and_then(|id| RunId::parse(id).ok()) else { return Ok(None) };
    let run = control.store.find_run(&id)?;
    Ok(run.filter(|run| about.ticket.as_deref().is_none_or(|ticket| has_ticket(run, ticket))))
}
