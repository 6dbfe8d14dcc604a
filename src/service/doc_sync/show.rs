//! What `status` says of the documents of a run's tickets.

use super::super::needs::{Need, NeedKind};
use super::super::{Control, ServiceResult};
use super::{DocView, look};
use crate::model::{Agreement, DocSyncState, RepoName, Run, RunState, RunTicket, TicketId, plain_line};
use crate::policy;
use crate::sys::clock;

/// What a copy's standing is called where it cannot be told.
const UNKNOWN: &str = "unknown";

/// The documents of one ticket of an open run.
#[derive(Debug, Clone)]
pub struct DocsShown {
    /// The ticket.
    pub ticket: TicketId,
    /// The doc home.
    pub home: RepoName,
    /// The ticket's directory there.
    pub dir: String,
    /// Which copy is the truth.
    pub authority: String,
    /// How documents come into the doc home.
    pub seed: String,
    /// The tree id of the workspace copy as its files are; empty where it is not known or not there.
    pub revision: String,
    /// `in-sync`, `workspace-ahead`, `source-ahead`, `diverged` or `unknown`; empty where nothing was seeded.
    pub state: &'static str,
    /// What a person should know, each with the command that mends it.
    pub warnings: Vec<Need>,
    /// Whether a warning cannot wait until somebody looks at this very run.
    pub is_pressing: bool,
}

/// Looks at the documents of an open run's tickets. A ticket without documents costs nothing, one that was not seeded
/// one look for a file; what cannot be looked at says so and hides nothing else.
pub(in crate::service) fn show(control: &Control, run: &Run) -> Vec<DocsShown> {
    if !run.state.is_open() {
        return Vec::new();
    }
    let shown = |ticket: &RunTicket| {
        let dir = ticket.docs.clone()?;
        let blank = DocsShown {
            ticket: ticket.id.clone(),
            home: run.doc_home.clone(),
            dir,
            authority: run.doc_authority.clone(),
            seed: run.doc_seed.clone(),
            revision: String::new(),
            state: "",
            warnings: Vec::new(),
            is_pressing: false,
        };
        Some(filled(blank, run, look(control, run, &ticket.id)))
    };
    run.tickets.iter().filter_map(shown).collect()
}

fn filled(mut shown: DocsShown, run: &Run, looked: ServiceResult<Option<DocView>>) -> DocsShown {
    match looked {
        Ok(None) => {}
        Ok(Some(view)) => {
            shown.state = view.agreement.as_str();
            shown.revision = view.workspace.clone().unwrap_or_default();
            if view.record.state != DocSyncState::Synced || view.workspace.is_none() {
                shown.state = UNKNOWN;
            }
            warn(&mut shown, run, &view);
        }
        Err(error) => {
            shown.state = UNKNOWN;
            let what = format!(
                "How the documents of {} stand cannot be told: {}.",
                shown.ticket,
                plain_line(error.to_string().trim_end_matches('.'))
            );
            push(&mut shown, what, format!("git metawsm check {}", run.id));
            shown.is_pressing = true;
        }
    }
    shown
}

fn warn(shown: &mut DocsShown, run: &Run, view: &DocView) {
    let (ticket, home) = (&shown.ticket, &shown.home);
    let sync = format!("git metawsm docs sync {} --ticket {ticket}", run.id);
    let resume = format!("git metawsm resume {}", run.id);
    let (what, command) = match view.record.state {
        // The step that seeds says it already.
        DocSyncState::Failed if view.record.base.is_empty() => {
            (format!("The documents of {ticket} could not be brought into {home}."), resume)
        }
        DocSyncState::Failed => (
            format!(
                "The documents of {ticket} could not be brought into {home}: {}.",
                plain_line(view.record.error.trim_end_matches('.'))
            ),
            sync,
        ),
        DocSyncState::Pending => (
            format!("The documents of {ticket} were being brought into {home}, and that was not finished."),
            sync,
        ),
        DocSyncState::Synced if view.workspace.is_none() => (
            format!("The documents of {ticket} are gone from {home}."),
            format!("git metawsm check {}", run.id),
        ),
        DocSyncState::Synced => match changed(ticket, view.agreement) {
            Some(what) => return fade_in(shown, run, view, &what, sync),
            None => return,
        },
    };
    push(shown, what, command);
    shown.is_pressing = true;
}

fn changed(ticket: &TicketId, agreement: Agreement) -> Option<String> {
    match agreement {
        Agreement::SourceAhead => {
            Some(format!("The source of {ticket}'s documents has changed in the control repository"))
        }
        Agreement::Diverged => Some(format!(
            "The documents of {ticket} have changed in the workspace and in the control repository"
        )),
        Agreement::InSync | Agreement::WorkspaceAhead => None,
    }
}

/// A change of the source presses once the last sync is older than `docs.stale_warning_seconds`, and at once where the
/// next step is to close: that is refused, or leaves the change behind.
fn fade_in(shown: &mut DocsShown, run: &Run, view: &DocView, what: &str, command: String) {
    let age = clock::now().as_second().saturating_sub(view.record.at.as_second());
    let limit = i64::try_from(policy::docs_from_table(&run.policy).stale_warning_seconds).unwrap_or(i64::MAX);
    let is_old = age > limit;
    shown.is_pressing = is_old || run.state == RunState::Completed;
    let stale = if is_old { format!("; the last sync is {} old", rough(age)) } else { String::new() };
    push(shown, format!("{what}{stale}."), command);
}

fn push(shown: &mut DocsShown, what: String, command: String) {
    let subject = shown.ticket.to_string();
    shown.warnings.push(Need::new(NeedKind::Docs, subject, what, command));
}

fn rough(seconds: i64) -> String {
    match seconds {
        s if s < 60 => format!("{s} s"),
        s if s < 3600 => format!("{} min", s / 60),
        s if s < 86_400 => format!("{} h", s / 3600),
        s => format!("{} d", s / 86_400),
    }
}
