//! The publication commit: the records of decided runs and the closing of tickets, on the control repository's
//! own base.

use super::closing::Closer;
use super::doc_sync::{self, Home, Homecoming};
use super::land::{Landing, require_identity};
use super::{Control, ServiceResult, forum};
use crate::git::Repository;
use crate::model::{Receipt, Run, RunId, RunState, RunTicket, plain_line, title_of};
use crate::store;
use jiff::Timestamp;
use std::fmt::Write as _;

/// The part of a run that keeps the words of `--changelog-entry` for the commit that closes its tickets, which may
/// have to wait.
pub(super) const ENTRY: &str = "changelog-entry";

/// The paths that publishing this run writes in the control repository's tree, for the gate `base-ready`.
pub(super) fn touched(control: &Control, run: &Run) -> ServiceResult<Vec<String>> {
    let mut paths = vec![store::published_path(run)];
    paths.extend(doc_sync::homecoming_paths(control, run)?);
    paths.extend(touched_of(run.tickets.iter().filter(|ticket| is_closed_here(control, run, ticket))));
    Ok(paths)
}

/// The paths that closing this run's tickets writes in the doc home's tree.
pub(super) fn touched_in_home(run: &Run) -> Vec<String> {
    touched_of(run.tickets.iter())
}

fn touched_of<'a>(tickets: impl Iterator<Item = &'a RunTicket>) -> Vec<String> {
    let dirs = tickets.filter_map(|t| t.docs.as_ref());
    dirs.flat_map(|dir| ["index.md", "changelog.md"].map(|name| format!("{dir}/{name}"))).collect()
}

/// Whether a ticket's documents are closed in the control repository's own tree: where they lie in another doc home,
/// the closed ones are brought along instead.
fn is_closed_here(control: &Control, run: &Run, ticket: &RunTicket) -> bool {
    let is_seeded = || control.store.find_doc_sync(&run.id, &ticket.id).map_or(true, |known| known.is_some());
    !doc_sync::is_foreign(control, run) || !is_seeded()
}

type Edits = Vec<(String, Option<Vec<u8>>)>;

/// The tickets whose documents this close may close: those that no other open run works on.
pub(super) fn closable<'a>(control: &Control, run: &'a Run) -> ServiceResult<Vec<&'a RunTicket>> {
    let others: Vec<_> = control.store.open_runs()?;
    let is_free = |ticket: &&RunTicket| {
        let same = |other: &Run| {
            other.id != run.id
                && other.tickets.iter().any(|t| t.id.as_str().eq_ignore_ascii_case(ticket.id.as_str()))
        };
        !others.iter().filter_map(store::Entry::run).any(same)
    };
    Ok(run.tickets.iter().filter(is_free).collect())
}

/// What a run's tickets get as the entry of their changelog.
fn entry_of(control: &Control, run: &Run) -> ServiceResult<String> {
    let said = control.store.find_part(&run.id, ENTRY)?.filter(|text| !text.trim().is_empty());
    Ok(said.unwrap_or_else(|| format!("Closed by {}.", run.id)))
}

/// The edits that close the tickets whose documents lie in this tree; a closed ticket is left as it is.
fn ticket_edits(
    repository: &Repository,
    tree: &str,
    run: &Run,
    closing: &[&RunTicket],
    entry: &str,
) -> ServiceResult<Edits> {
    let mut keeper = Closer::of(repository, tree, run)?;
    let mut edits = Vec::new();
    for ticket in closing {
        let Some(dir) = &ticket.docs else { continue };
        let (index, log) = (format!("{dir}/index.md"), format!("{dir}/changelog.md"));
        let Some(bytes) = repository.read_file(tree, &index)? else { continue };
        let changelog = repository.read_file(tree, &log)?;
        let closed = keeper.close(dir, (&bytes, changelog.as_deref()), entry)?;
        if !closed.already {
            edits.push((index, Some(closed.index)));
            edits.push((log, Some(closed.changelog)));
        }
    }
    Ok(edits)
}

pub(super) fn decided_at(run: &Run) -> Timestamp {
    run.receipt.as_ref().and_then(|receipt| receipt.at).unwrap_or(run.changed)
}

/// Puts the closing of tickets on top of a landing, as one commit; nothing where this repository holds none.
pub(super) fn close_tickets(
    control: &Control,
    landing: &mut Landing,
    run: &Run,
    closing: &[&RunTicket],
) -> ServiceResult<()> {
    let entry = entry_of(control, run)?;
    let edits = ticket_edits(&landing.repository, &landing.tip, run, closing, &entry)?;
    if edits.is_empty() {
        return Ok(());
    }
    commit(landing, &edits, &closing_message(run, closing, &entry))
}

fn closing_message(run: &Run, closing: &[&RunTicket], entry: &str) -> String {
    let ids: Vec<_> = closing.iter().map(|t| t.id.as_str()).collect();
    format!("Close {}\n\n{entry}\n\nMetawsm-Closed: {}\n", ids.join(", "), run.id)
}

/// A run that is just being decided.
pub(super) struct Deciding {
    /// As it is once it is decided.
    pub run: Run,
    /// Its doc home as it is to become, where that is not what the record goes on top of.
    pub home: Option<Home>,
    /// Whether its tickets are closed in the commit that holds its record.
    pub closes: bool,
}

/// What a publication commit holds.
#[derive(Debug, Default)]
pub(super) struct Composed {
    /// The runs whose record it holds.
    pub ids: Vec<RunId>,
    /// What else a person should know of it.
    pub said: Vec<String>,
}

/// What closing tickets changes in the control repository's own tree.
#[derive(Debug, Default)]
struct Documents {
    /// The closing of tickets whose documents lie there.
    edits: Edits,
    /// Directories that come home, each with the tree that it is to hold.
    homecomings: Vec<(String, String)>,
    /// What a person should know, as sentences.
    said: Vec<String>,
}

impl Documents {
    /// Adds those of one closed run.
    fn add(
        &mut self,
        control: &Control,
        landing: &Landing,
        run: &Run,
        deciding: Option<&Deciding>,
    ) -> ServiceResult<()> {
        let own = deciding.filter(|d| d.run.id == run.id);
        let closable = closable(control, run)?;
        let shared =
            |ticket: &&RunTicket| ticket.docs.is_some() && !closable.iter().any(|t| t.id == ticket.id);
        for ticket in run.tickets.iter().filter(shared).filter(|_| own.is_some()) {
            self.said
                .push(format!("left {} open, with its documents: another open run works on it", ticket.id));
        }
        if own.is_none_or(|own| own.closes) {
            // Where the record had to wait, so had the closing of its tickets.
            let mut closing = closable.clone();
            closing.retain(|ticket| {
                let index = ticket.docs.as_ref().map(|dir| format!("{dir}/index.md"));
                is_closed_here(control, run, ticket)
                    && index.is_some_and(|index| !self.edits.iter().any(|(path, _)| *path == index))
            });
            for ticket in closing.iter().filter(|_| own.is_some() && !doc_sync::is_foreign(control, run)) {
                let dir = ticket.docs.as_deref().unwrap_or_default();
                if landing.repository.path_id(&landing.tip, &format!("{dir}/index.md"))?.is_none() {
                    self.said.push(format!("left {} open: {dir} holds no index.md", ticket.id));
                }
            }
            let entry = entry_of(control, run)?;
            self.edits.extend(ticket_edits(&landing.repository, &landing.tip, run, &closing, &entry)?);
        }
        let home = own.and_then(|own| own.home.as_ref());
        for ticket in closable {
            match doc_sync::bring_home(control, (run, ticket), home, landing)? {
                Some(Homecoming::Put(dir, tree)) => self.bring(run, ticket, dir, tree),
                Some(Homecoming::Left(why)) => self.said.push(why),
                None => {}
            }
        }
        Ok(())
    }

    /// One directory comes home once: what a second run has of it is not put over the first.
    fn bring(&mut self, run: &Run, ticket: &RunTicket, dir: String, tree: String) {
        match self.homecomings.iter().find(|(known, _)| *known == dir) {
            Some((_, known)) if *known == tree => {}
            Some(_) => self.said.push(format!(
                "left out what {} holds of the documents of {} for {}: {dir} gets those of another run",
                run.doc_home, ticket.id, run.id
            )),
            None => {
                self.said.push(format!("brought the documents of {} home to {dir}", ticket.id));
                self.homecomings.push((dir, tree));
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.edits.is_empty() && self.homecomings.is_empty()
    }

    /// The tree of the landing with all of it.
    fn on(&self, landing: &Landing) -> ServiceResult<String> {
        let repository = &landing.repository;
        let mut tree = repository.tree_id(&landing.tip)?.unwrap_or_default();
        if !self.edits.is_empty() {
            tree = repository.edit_tree(&landing.tip, &self.edits)?;
        }
        for (dir, new) in &self.homecomings {
            tree = repository.graft(&tree, dir, Some(new))?;
        }
        Ok(tree)
    }
}

/// Closes the tickets of a run that is just being decided where no record goes into history; gives what a person
/// should know, as sentences.
pub(super) fn close_unrecorded(
    control: &Control,
    landing: &mut Landing,
    deciding: &Deciding,
) -> ServiceResult<Vec<String>> {
    let run = &deciding.run;
    let mut docs = Documents::default();
    docs.add(control, landing, run, Some(deciding))?;
    if !docs.is_empty() {
        require_identity(&landing.repository)?;
        let tree = docs.on(landing)?;
        let message = closing_message(run, &closable(control, run)?, &entry_of(control, run)?);
        landing.tip = landing.repository.commit_tree(&tree, &[&landing.tip], &message)?;
    }
    Ok(docs.said)
}

/// What a person should know of a run that is just being decided, where its record has to wait.
pub(super) fn awaited(
    control: &Control,
    landing: &Landing,
    deciding: &Deciding,
) -> ServiceResult<Vec<String>> {
    let mut docs = Documents::default();
    docs.add(control, landing, &deciding.run, Some(deciding))?;
    let later = |(dir, _): &(String, String)| format!("the documents in {dir} come home with the record");
    Ok(docs.homecomings.iter().map(later).collect())
}

/// Puts the record of a run that is just being decided, other decided records that wait, and the closing of tickets
/// on top of the control repository's landing, as one commit.
pub(super) fn publish(
    control: &Control,
    landing: &mut Landing,
    deciding: Option<&Deciding>,
) -> ServiceResult<Composed> {
    let waiting = control.store.pending_publication()?;
    let others: Vec<_> = waiting.iter().filter(|run| deciding.is_none_or(|d| d.run.id != run.id)).collect();
    let mut composed = Composed::default();
    let mut docs = Documents::default();
    let all = || deciding.map(|d| &d.run).into_iter().chain(others.iter().copied());
    for run in all().filter(|run| run.state == RunState::Closed) {
        docs.add(control, landing, run, deciding)?;
    }
    let repository = landing.repository.clone();
    let tree = docs.on(landing)?;
    let mut edits = Edits::new();
    let mut added = Vec::new();
    for run in all() {
        let path = store::published_path(run);
        if repository.path_id(&landing.tip, &path)?.is_none() {
            let home = deciding.filter(|d| d.run.id == run.id).and_then(|d| d.home.clone());
            let run = &with_revisions(control, run, home, &tree)?;
            edits.push((path, Some(store::published_form(run).into_bytes())));
            added.push(run.id.clone());
        }
        edits.extend(thread_edits(control, landing, run)?);
        composed.ids.push(run.id.clone());
    }
    if !(docs.is_empty() && edits.is_empty()) {
        let deciding = deciding.map(|d| &d.run);
        let is_added = |run: &&&Run| added.contains(&run.id);
        let runs: Vec<_> = deciding.iter().chain(&others).filter(is_added).copied().collect();
        let message = publication_message(deciding, &runs);
        require_identity(&repository)?;
        let tree = repository.edit_tree(&tree, &edits)?;
        landing.tip = repository.commit_tree(&tree, &[&landing.tip], &message)?;
    }
    composed.said = docs.said;
    Ok(composed)
}

/// The run with the revision of each ticket's documents as its close left them. `tree` is what the control repository's
/// base is to hold. A doc home that is gone by now keeps no record out of history.
fn with_revisions(control: &Control, run: &Run, home: Option<Home>, tree: &str) -> ServiceResult<Run> {
    let mut run = run.clone();
    if run.state != RunState::Closed || run.tickets.iter().all(|ticket| ticket.docs.is_none()) {
        return Ok(run);
    }
    let home = match home {
        Some(home) => Some(home),
        None if doc_sync::is_foreign(control, &run) => doc_sync::base_of_home(&run).unwrap_or_default(),
        None => Some((control.repo.clone(), tree.to_owned())),
    };
    let Some((repository, tip)) = home else { return Ok(run) };
    for ticket in &mut run.tickets {
        if let Some(dir) = &ticket.docs {
            ticket.revision = repository.path_id(&tip, dir)?.unwrap_or_default();
        }
    }
    Ok(run)
}

/// The threads of a run, as far as they are not in history yet: the same bytes as live.
fn thread_edits(control: &Control, landing: &Landing, run: &Run) -> ServiceResult<Edits> {
    let mut edits = Vec::new();
    let waiting = forum::publishable(control, Some(&run.id))?;
    for (path, bytes) in waiting.into_iter().flat_map(|thread| thread.files) {
        if landing.repository.path_id(&landing.tip, &path)?.is_none() {
            edits.push((path, Some(bytes)));
        }
    }
    Ok(edits)
}

fn publication_message(deciding: Option<&Run>, added: &[&Run]) -> String {
    let others: Vec<_> =
        added.iter().filter(|run| deciding.is_none_or(|d| d.id != run.id)).copied().collect();
    let mut text = match (deciding, others.as_slice()) {
        (Some(run), _) => format!("Close {}: {}\n\n{}", run.id, title(run), told(run)),
        (None, [only]) => {
            format!("Record {} ({}): {}\n\n{}", only.id, only.state, title(only), told(only))
        }
        (None, several) => format!("Record {} decided runs\n\n", several.len()),
    };
    if deciding.is_some() || others.len() > 1 {
        for run in &others {
            let _ = writeln!(text, "{} ({}): {}", run.id, run.state, title(run));
        }
    }
    text.push('\n');
    for run in deciding.into_iter().chain(others) {
        let word = if run.state == RunState::Discarded { "Discarded" } else { "Closed" };
        let _ = writeln!(text, "Metawsm-{word}: {}", run.id);
        for ticket in &run.tickets {
            let _ = writeln!(text, "Metawsm-Ticket: {}", ticket.id);
        }
    }
    text
}

fn title(run: &Run) -> String {
    title_of(&plain_line(&run.title()), 60)
}

/// What was merged, by whom, and why it was allowed.
fn told(run: &Run) -> String {
    let Some(receipt) = &run.receipt else {
        return format!("{}.\n", plain_line(run.reason.trim_end_matches('.')));
    };
    let mut text = String::new();
    for repo in &receipt.repos {
        let (old, new) = (short(&repo.old), short(&repo.new));
        let _ = match repo.merges.len() {
            0 => writeln!(text, "{}: nothing to merge into '{}' ({old}).", repo.repo, repo.base),
            1 => writeln!(text, "{}: 1 merge into '{}' ({old}..{new}).", repo.repo, repo.base),
            n => writeln!(text, "{}: {n} merges into '{}' ({old}..{new}).", repo.repo, repo.base),
        };
    }
    text.push_str(&allowed(run, receipt));
    text
}

fn allowed(run: &Run, receipt: &Receipt) -> String {
    let with = |verdict: &str| receipt.gates.iter().filter(|g| g.verdict == verdict).collect::<Vec<_>>();
    let passed = with("pass").len();
    let gates = if passed == 1 { "1 gate".to_owned() } else { format!("{passed} gates") };
    let mut text = format!("\nClosed by {}: {gates} passed.\n", plain_line(&receipt.actor));
    for gate in with("waived") {
        let _ = writeln!(text, "Waived: {} ({}).", gate.gate, plain_line(&gate.note));
    }
    for gate in with("warn") {
        let _ = writeln!(text, "Warning: {} ({}).", gate.gate, title_of(&plain_line(&gate.note), 160));
    }
    for bypass in &run.bypasses {
        let reason = bypass.reason.as_deref().map_or_else(|| "unanswered".to_owned(), plain_line);
        let _ = writeln!(
            text,
            "Bypass {}: {} ({reason}).",
            bypass.id,
            plain_line(bypass.what.trim_end_matches('.'))
        );
    }
    for mark in &run.landed {
        let (head, commit) = (short(&mark.head), short(&mark.commit));
        let _ =
            writeln!(text, "Landed: {head} of {} is {commit}, says {}.", mark.repo, plain_line(&mark.actor));
    }
    text
}

fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

fn commit(landing: &mut Landing, edits: &Edits, message: &str) -> ServiceResult<()> {
    require_identity(&landing.repository)?;
    let tree = landing.repository.edit_tree(&landing.tip, edits)?;
    landing.tip = landing.repository.commit_tree(&tree, &[&landing.tip], message)?;
    Ok(())
}

/// Whether a record may be committed now: it is never the only commit that puts base ahead of its upstream, unless
/// base is pushed right after.
pub(super) fn may_publish(landing: &Landing, pushes: bool) -> ServiceResult<bool> {
    if pushes || !landing.merged.is_empty() {
        return Ok(true);
    }
    Ok(!is_level(&landing.repository, &landing.receipt.base, landing.local.as_deref())?)
}

/// Whether base holds nothing that its upstream does not hold; `local` is the commit of the branch here.
pub(super) fn is_level(repository: &Repository, base: &str, local: Option<&str>) -> ServiceResult<bool> {
    let upstream = repository.upstream(base)?.and_then(|u| u.id);
    Ok(match (upstream, local) {
        (Some(upstream), Some(local)) => repository.is_ancestor(local, &upstream)?,
        _ => false,
    })
}
