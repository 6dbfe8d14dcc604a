//! `docs sync`: the source's changes come into the workspace copy, as one commit on the run's branch.

use super::super::select::{Selector, require_open, require_run, select};
use super::super::steps::{damaged, open_repo};
use super::super::{Caller, Control, ServiceError, ServiceResult, control, documents, intent, settle};
use super::merge::{Joined, join};
use super::order::Order;
use super::{DocView, look};
use crate::git::{DirOrder, GitError, Repository, Side};
use crate::model::{Agreement, DocSync, DocSyncState, Run, RunId, RunWorktree, TicketId};
use crate::store::{self, Hold};
use crate::sys::{clock, process::quoted};
use std::path::Path;

/// Which copy wins where both changed the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// The workspace copy.
    Workspace,
    /// The source.
    Source,
}

/// What `docs sync` was asked.
#[derive(Debug, Clone, Default)]
pub struct DocSyncRequest {
    /// Which run.
    pub selector: Selector,
    /// Only these tickets of it; all where empty.
    pub tickets: Vec<String>,
    /// Which copy wins in a conflict; without it a conflict stops.
    pub keep: Option<Keep>,
    /// Say what would come of it, and change nothing.
    pub dry_run: bool,
}

/// What came of one ticket.
#[derive(Debug)]
pub enum DocSynced {
    /// Nothing was seeded: the documents are where they always were.
    NotSeeded,
    /// Both copies hold the same.
    InSync,
    /// The source has nothing that the workspace copy does not have.
    NothingNew,
    /// The source's changes are in the workspace copy, or would be.
    Taken {
        /// The files of the workspace copy that change, relative to the ticket's directory.
        files: Vec<String>,
        /// The commit on the run's branch; `None` in a dry run, and where no file changes.
        commit: Option<String>,
    },
    /// Both changed the same, so nothing was changed.
    Conflict {
        /// The files, relative to the ticket's directory.
        files: Vec<String>,
    },
    /// It cannot be done now; nothing was changed.
    Refused(ServiceError),
}

/// One ticket, and what came of it.
#[derive(Debug)]
pub struct DocSyncLine {
    /// The ticket.
    pub ticket: TicketId,
    /// Its directory in the doc home; empty where nothing was seeded.
    pub dir: String,
    /// What came of it.
    pub outcome: DocSynced,
}

/// What `docs sync` came to.
#[derive(Debug)]
pub struct DocSyncReport {
    /// The run.
    pub run: Run,
    /// Whether nothing was done.
    pub dry_run: bool,
    /// Its tickets, each by itself.
    pub tickets: Vec<DocSyncLine>,
}

impl DocSyncReport {
    /// Whether a ticket is left out of step.
    pub fn is_partial(&self) -> bool {
        let left =
            |line: &DocSyncLine| matches!(line.outcome, DocSynced::Conflict { .. } | DocSynced::Refused(_));
        self.tickets.iter().any(left)
    }
}

/// Takes the source's changes into the workspace copies of a run's tickets. Each ticket is judged by itself: what keeps
/// one from it does not keep the others. Stopped at any point it can be asked again.
pub fn sync(caller: &Caller, request: &DocSyncRequest) -> ServiceResult<DocSyncReport> {
    let mut control = control(caller)?;
    if request.dry_run {
        control = control.frozen();
    }
    let id = selected(caller, &control, &request.selector, "docs sync")?;
    let run = require_run(&control, &id)?;
    require_open(&run)?;
    intent::require_none(&control, &id)?;
    let wanted = wanted(&run, &request.tickets, "docs sync")?;
    let mut tickets = Vec::new();
    if request.dry_run {
        for ticket in wanted {
            let looked = foresee(&control, &run, &ticket, request.keep);
            tickets.push(line(&control, &run, ticket, looked));
        }
        return Ok(DocSyncReport { run, dry_run: true, tickets });
    }
    let mut hold = control.hold(&id, "docs sync", caller)?;
    require_open(hold.run())?;
    intent::require_none(&control, &id)?;
    for ticket in wanted {
        let done = sync_one(caller, &control, &mut hold, &ticket, request.keep);
        tickets.push(line(&control, hold.run(), ticket, done));
    }
    settle::settle(&control, &mut hold)?;
    Ok(DocSyncReport { run: hold.run().clone(), dry_run: false, tickets })
}

/// The run that is meant; where several could be, they are named for this command.
pub(super) fn selected(
    caller: &Caller,
    control: &Control,
    selector: &Selector,
    command: &str,
) -> ServiceResult<RunId> {
    select(caller, control, selector, |run| run.state.is_open()).map_err(|error| match error {
        ServiceError::Several { message, words } => {
            let hints = words.iter().take(5).map(|word| format!("git metawsm {command} {word}")).collect();
            ServiceError::Wrong { message, hints }
        }
        error => error,
    })
}

/// The tickets of a run that these words name, whatever the case of their letters; all where there are none.
pub(super) fn wanted(run: &Run, words: &[String], command: &str) -> ServiceResult<Vec<TicketId>> {
    let all = || run.tickets.iter().map(|ticket| ticket.id.clone());
    if words.is_empty() {
        return Ok(all().collect());
    }
    let mut found = Vec::new();
    for word in words {
        let Some(ticket) = all().find(|id| id.as_str().eq_ignore_ascii_case(word)) else {
            let names: Vec<_> = all().map(|id| id.to_string()).collect();
            let message = format!("{} has no ticket '{word}'; it has {}.", run.id, names.join(", "));
            let hints = vec![format!("git metawsm {command} {}", run.id)];
            return Err(ServiceError::Wrong { message, hints });
        };
        if !found.contains(&ticket) {
            found.push(ticket);
        }
    }
    Ok(found)
}

fn line(control: &Control, run: &Run, ticket: TicketId, outcome: ServiceResult<DocSynced>) -> DocSyncLine {
    let record = control.store.find_doc_sync(&run.id, &ticket).ok().flatten();
    let dir = record.map(|record| record.dir).unwrap_or_default();
    DocSyncLine { ticket, dir, outcome: outcome.unwrap_or_else(DocSynced::Refused) }
}

/// What a sync of one ticket would come to.
fn foresee(control: &Control, run: &Run, ticket: &TicketId, keep: Option<Keep>) -> ServiceResult<DocSynced> {
    if Order::find(&control.store, &run.id, ticket)?.is_some() {
        let message = format!("A sync of the documents of {ticket} was stopped half way.");
        return Err(ServiceError::failed(message, &[&format!("git metawsm docs sync {}", run.id)]));
    }
    let Some(view) = look(control, run, ticket)? else { return Ok(DocSynced::NotSeeded) };
    let home = open_repo(run, &view.record.repo)?.at(&view.worktree)?;
    Ok(match judge(control, run, ticket, (&view, &home), keep)? {
        Judged::Done(outcome) => outcome,
        Judged::Take(Take { files, .. }) => DocSynced::Taken { files, commit: None },
    })
}

/// What is to be taken.
struct Take {
    tree: String,
    source: String,
    files: Vec<String>,
}

enum Judged {
    Done(DocSynced),
    Take(Take),
}

/// What is to be done for a ticket: refusals are errors. Writes objects alone.
fn judge(
    control: &Control,
    run: &Run,
    ticket: &TicketId,
    (view, home): (&DocView, &Repository),
    keep: Option<Keep>,
) -> ServiceResult<Judged> {
    if !view.has_source() {
        return Ok(Judged::Done(DocSynced::NothingNew));
    }
    if view.agreement == Agreement::InSync {
        return Ok(Judged::Done(DocSynced::InSync));
    }
    let Some(source) = view.source.clone() else {
        let message = format!(
            "{} is no longer in the last commit of the control repository, so there is nothing to take for {ticket}.",
            view.record.source
        );
        let hint = format!("git -C {} log -1 -- {}", shown(control.root()), quoted(&view.record.source));
        return Err(ServiceError::failed(message, &[&hint]));
    };
    if view.agreement == Agreement::WorkspaceAhead && view.workspace.is_some() {
        return Ok(Judged::Done(DocSynced::NothingNew));
    }
    require_ready(run, ticket, view, home)?;
    if view.workspace.is_none() && keep != Some(Keep::Source) {
        let message = format!(
            "{} is gone from {}, and the source of {ticket} is not.",
            view.record.dir,
            view.worktree.display()
        );
        let hints = [
            format!("git metawsm docs sync {} --ticket {ticket} --keep source", run.id),
            format!("git -C {} log -1 -- {}", shown(&view.worktree), quoted(&view.record.dir)),
        ];
        return Err(ServiceError::failed(message, &[&hints[0], &hints[1]]));
    }
    let favour = keep.map(|keep| match keep {
        Keep::Workspace => Side::Ours,
        Keep::Source => Side::Theirs,
    });
    Ok(match join(control, view, home, &source, favour)? {
        Joined::Clean { tree, files } => Judged::Take(Take { tree, source, files }),
        Joined::Conflict(files) => Judged::Done(DocSynced::Conflict { files }),
    })
}

fn shown(path: &Path) -> String {
    quoted(&path.to_string_lossy())
}

/// Refuses what is not committed, another branch, and an operation half done: nothing of it may be written over.
fn require_ready(run: &Run, ticket: &TicketId, view: &DocView, home: &Repository) -> ServiceResult<()> {
    documents::require_ready(home, worktree_of(run, view)?, &view.worktree)?;
    let dirty = view.dirty()?;
    let [first, more @ ..] = dirty.as_slice() else { return Ok(()) };
    let what = if more.is_empty() { first.clone() } else { format!("{first} and {} more", more.len()) };
    let message = format!(
        "The documents of {ticket} in {} are not committed, and a sync would have to write over them: {what}.",
        view.worktree.display()
    );
    let hints =
        [format!("git metawsm commit {}", run.id), format!("git -C {} status", shown(&view.worktree))];
    Err(ServiceError::failed(message, &[&hints[0], &hints[1]]))
}

fn worktree_of<'a>(run: &'a Run, view: &DocView) -> ServiceResult<&'a RunWorktree> {
    let (ticket, repo) = (&view.record.ticket, &view.record.repo);
    let found = run.worktrees.iter().find(|tree| tree.ticket == *ticket && tree.repo == *repo);
    match found {
        Some(tree) => Ok(tree),
        None => Err(damaged(run, "the documents of a ticket have no worktree")),
    }
}

fn sync_one(
    caller: &Caller,
    control: &Control,
    hold: &mut Hold,
    ticket: &TicketId,
    keep: Option<Keep>,
) -> ServiceResult<DocSynced> {
    let run = hold.run().clone();
    let Some(record) = control.store.find_doc_sync(&run.id, ticket)? else { return Ok(DocSynced::NotSeeded) };
    let home = open_repo(&run, &record.repo)?.with_hold(hold.token(), run.id.as_str());
    let _lock = store::lock_repo(home.common_dir(), "docs sync", caller.wait)?;
    let finished = finish(control, hold, ticket, &home)?;
    let Some(view) = look(control, &run, ticket)? else { return Ok(DocSynced::NotSeeded) };
    let home = home.at(&view.worktree)?;
    let judged = judge(control, &run, ticket, (&view, &home), keep)?;
    match judged {
        Judged::Done(outcome) => {
            if matches!(outcome, DocSynced::InSync | DocSynced::NothingNew) {
                settle_record(hold, &view, outcome_base(&view, &outcome))?;
            }
            Ok(match (outcome, finished) {
                (DocSynced::InSync | DocSynced::NothingNew, Some(commit)) => {
                    DocSynced::Taken { files: Vec::new(), commit: Some(commit) }
                }
                (outcome, _) => outcome,
            })
        }
        Judged::Take(take) => carry_out(hold, &view, &home, take),
    }
}

/// The tree that both copies have in common once a ticket is known to be in step.
fn outcome_base(view: &DocView, outcome: &DocSynced) -> String {
    match outcome {
        DocSynced::InSync => view.source.clone().unwrap_or_default(),
        _ => view.record.base.clone(),
    }
}

/// Writes down that a ticket's copies are in step; nothing where the record says so already.
fn settle_record(hold: &mut Hold, view: &DocView, base: String) -> ServiceResult<()> {
    let revision = view.workspace.clone().unwrap_or_default();
    let known = &view.record;
    if known.state == DocSyncState::Synced && known.base == base && known.error.is_empty() {
        return Ok(());
    }
    save(hold, DocSync { base, revision, ..known.clone() })
}

fn save(hold: &mut Hold, record: DocSync) -> ServiceResult<()> {
    let record = DocSync { state: DocSyncState::Synced, at: clock::now(), error: String::new(), ..record };
    Ok(hold.save_doc_sync(&record)?)
}

fn carry_out(hold: &mut Hold, view: &DocView, home: &Repository, take: Take) -> ServiceResult<DocSynced> {
    let (run, ticket) = (hold.run().clone(), view.record.ticket.clone());
    if view.workspace.as_deref() == Some(&take.tree) {
        // The workspace copy has all of it already.
        save(hold, DocSync { base: take.source, revision: take.tree, ..view.record.clone() })?;
        return Ok(DocSynced::Taken { files: Vec::new(), commit: None });
    }
    if !home.has_identity() {
        let message = "git knows no name and mail address for commits there, so nothing was taken.";
        let hint = format!("git -C {} config user.name '<your name>'", shown(&view.worktree));
        return Err(ServiceError::failed(message, &[&hint]));
    }
    let message = format!(
        "Take the changes of the control repository into the documents of {ticket}\n\nMetawsm-Run: {}\n{}\n",
        run.id,
        documents::MADE
    );
    let head = home.head()?.id().map(str::to_owned).unwrap_or_default();
    let order = Order::new(clock::now(), [&head, &take.tree, &take.source], message);
    order.save(hold, &ticket)?;
    let branch = worktree_of(&run, view)?.branch.clone();
    let put = put(home, view, (&branch, &order), false);
    let commit = match put {
        Ok(commit) => commit,
        Err(error) => {
            // Where files are on the way, who asks next finishes them.
            if view.dirty().is_ok_and(|dirty| dirty.is_empty()) {
                Order::remove(hold, &ticket)?;
            }
            return Err(explained(error, &run, view));
        }
    };
    done(hold, &view.record, home, &order)?;
    Ok(DocSynced::Taken { files: take.files, commit })
}

fn put(
    home: &Repository,
    view: &DocView,
    (branch, order): (&str, &Order),
    again: bool,
) -> Result<Option<String>, GitError> {
    home.put_dir(&DirOrder {
        worktree: &view.worktree,
        branch,
        dir: &view.record.dir,
        tree: &order.tree,
        message: &order.message,
        since: again.then_some(order.at),
    })
}

/// Writes down what was done, success last.
fn done(hold: &mut Hold, record: &DocSync, home: &Repository, order: &Order) -> ServiceResult<()> {
    let revision = home.path_id("HEAD", &record.dir)?.unwrap_or_default();
    save(hold, DocSync { base: order.source.clone(), revision, ..record.clone() })?;
    hold.note("docs synced", &format!("{}: {}", record.ticket, record.dir))?;
    Order::remove(hold, &record.ticket)
}

/// Finishes a sync that was stopped half way; gives the commit that holds it.
fn finish(
    control: &Control,
    hold: &mut Hold,
    ticket: &TicketId,
    home: &Repository,
) -> ServiceResult<Option<String>> {
    let run = hold.run().clone();
    let Some(order) = Order::find(&control.store, &run.id, ticket)? else { return Ok(None) };
    let Some(view) = look(control, &run, ticket)? else { return Ok(None) };
    let home = home.at(&view.worktree)?;
    let head = home.head()?.id().map(str::to_owned).unwrap_or_default();
    if head == order.head {
        let branch = worktree_of(&run, &view)?.branch.clone();
        put(&home, &view, (&branch, &order), true).map_err(|error| explained(error, &run, &view))?;
        done(hold, &view.record, &home, &order)?;
        return Ok(home.head()?.id().map(str::to_owned));
    }
    if home.dir_has_held(&head, &view.record.dir, &order.tree)? {
        done(hold, &view.record, &home, &order)?;
        return Ok(Some(head));
    }
    // Somebody committed before it did: what is there now is theirs, and is merged anew.
    hold.note("docs sync dropped", &format!("{ticket}: somebody committed before it was done"))?;
    Order::remove(hold, ticket)?;
    Ok(None)
}

/// What kept git from it, with what to do.
fn explained(error: GitError, run: &Run, view: &DocView) -> ServiceError {
    let place = shown(&view.worktree);
    let again = format!("git metawsm docs sync {} --ticket {}", run.id, view.record.ticket);
    match &error {
        GitError::Foreign { .. } | GitError::Obstructed { .. } | GitError::Busy { .. } => {
            ServiceError::failed(format!("{error}."), &[&format!("git -C {place} status"), &again])
        }
        GitError::NotOnBranch { branch, .. } => {
            ServiceError::failed(format!("{error}."), &[&format!("git -C {place} switch {branch}"), &again])
        }
        _ => error.into(),
    }
}
