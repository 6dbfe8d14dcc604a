//! The transaction: every base moves or none does. Objects exist before it, its intent is on disk before the first
//! ref moves, and success is written down last; a stop in the middle is finished or taken back, each safe to repeat.

use super::event::{Event, Progress};
use super::intent::{self, Deed, Intent, Move};
use super::{Control, ServiceError, ServiceResult};
use crate::git::{GitError, GitResult, Repository, Standing};
use crate::model::{Child, MergeDone, RunState};
use crate::store::Hold;
use crate::sys::{clock, procs};
use crate::workspaces;
use std::time::{Duration, Instant};

/// Moves every base of the intent, as decided just now under the locks. Where one cannot move, the others are taken
/// back; where that is not possible either, the intent stays and the error says how to go on.
pub(super) fn perform(
    control: &Control,
    hold: &mut Hold,
    mut intent: Intent,
    progress: Progress<'_>,
) -> ServiceResult<()> {
    intent.save(hold)?;
    let mut moved = Ok(());
    for at in 0..intent.moves.len() {
        moved = step(hold, &mut intent, at, progress);
        if moved.is_err() {
            break;
        }
    }
    if let Err(error) = moved {
        return Err(roll_back(hold, &intent, error));
    }
    record(control, hold, &intent).map_err(|error| stuck(hold, &intent, &error.to_string()))
}

/// Moves one base, noting in the intent when the first change is about to be made, and by which process.
fn step(hold: &mut Hold, intent: &mut Intent, at: usize, progress: Progress<'_>) -> ServiceResult<()> {
    let (repository, half) = (intent.moves[at].open(hold)?, intent.moves[at].half());
    let label = format!("move {}", intent.moves[at].label());
    progress(Event::Began(label.clone()));
    let mut unsaved = None;
    let mut watch = |child: Option<Child>| -> GitResult<()> {
        match child {
            None => intent.moves[at].started = Some(clock::now()),
            child => intent.moves[at].child = child,
        }
        intent.save(hold).map_err(|error| {
            let what = error.to_string();
            unsaved = Some(error);
            GitError::Odd { what }
        })
    };
    let moved = match half.step() {
        Some(step) => repository.advance_watched(&step, &mut watch),
        None => watch(None).and_then(|()| repository.create_branch(&half.branch, &half.new)),
    };
    if let Err(error) = moved {
        progress(Event::Failed(label, error.to_string()));
        return Err(unsaved.unwrap_or_else(|| error.into()));
    }
    if let Some(started) = intent.moves[at].started {
        // git takes its locks away itself, and says nothing where it cannot. The move is done either way.
        let _ = repository.remove_stale_locks(&half.branch, started);
    }
    progress(Event::Done(label));
    Ok(())
}

/// Takes back what has moved, last first; gives the error back, with how to go on where that failed.
fn roll_back(hold: &mut Hold, intent: &Intent, error: ServiceError) -> ServiceError {
    let mut taken_back = Ok(());
    for moved in intent.moves.iter().rev().filter(|m| m.started.is_some()) {
        taken_back = moved.open(hold).and_then(|repository| take_back(&repository, moved));
        if taken_back.is_err() {
            break;
        }
    }
    let taken_back = taken_back.and_then(|()| close_intent(hold, &format!("taken back: {error}")));
    match taken_back {
        Ok(()) => error,
        Err(why) => stuck(hold, intent, &format!("{error}. It could not be taken back: {why}")),
    }
}

/// The error of a transaction that is left half done.
fn stuck(hold: &mut Hold, intent: &Intent, why: &str) -> ServiceError {
    // Only a note: the disk may be full.
    let _ = hold.note("merge stopped", why);
    let ways = intent.ways_on(&hold.run().id);
    ServiceError::failed(
        format!("The {} stopped half way: {why}.", intent.deed.word()),
        &[&ways[0], &ways[1]],
    )
}

/// Brings one base back to where it was; one that somebody moved elsewhere since, so that it does not hold the merge,
/// is left alone.
pub(super) fn take_back(repository: &Repository, moved: &Move) -> ServiceResult<()> {
    let half = moved.half();
    if let Some(started) = moved.started {
        repository.remove_stale_locks(&moved.base, started)?;
    }
    match repository.standing(&half)? {
        Standing::Elsewhere(_) => Ok(()),
        Standing::Old | Standing::New | Standing::Beyond(_) => Ok(repository.recover(&half, false)?),
    }
}

/// Forgets an intent of which nothing is left: the run is as it was before.
fn close_intent(hold: &mut Hold, why: &str) -> ServiceResult<()> {
    let mut run = hold.run().clone();
    if run.state.is_open() {
        run.receipt = None;
    }
    if run.state == RunState::Closing {
        let moved = run.go(RunState::Completed, &format!("the close was {why}"), clock::now());
        moved.map_err(|source| ServiceError::Move { run: run.id.to_string(), source })?;
    }
    hold.save(run)?;
    hold.note("merge stopped", why)?;
    Ok(hold.remove_part(intent::FILE)?)
}

/// Writes down that every base has moved, success last, and forgets the intent. Safe to repeat.
fn record(control: &Control, hold: &mut Hold, intent: &Intent) -> ServiceResult<()> {
    let known: Vec<_> = match control.store.journal(&hold.run().id) {
        Ok(journal) => journal.entries.into_iter().filter(|e| e.event == "merged").map(|e| e.text).collect(),
        Err(_) => Vec::new(),
    };
    for done in &intent.merges {
        let text = format!(
            "{}: {} into '{}' of {} as {}",
            done.ticket, done.head, done.base, done.repo, done.commit
        );
        if !known.contains(&text) {
            hold.note("merged", &text)?;
        }
    }
    let mut run = hold.run().clone();
    for done in &intent.merges {
        if !run.merges.contains(done) {
            run.merges.push(done.clone());
        }
    }
    if intent.deed == Deed::Close && run.state != RunState::Closed {
        run.receipt.clone_from(&intent.receipt);
        run.go(RunState::Closed, "closed", intent.at)
            .map_err(|source| ServiceError::Move { run: run.id.to_string(), source })?;
    }
    hold.save(run)?;
    finish_record(control, hold, intent)
}

/// What is left to do once the run's own record says it: other runs hear that their records are in history.
fn finish_record(control: &Control, hold: &mut Hold, intent: &Intent) -> ServiceResult<()> {
    for other in intent.published.iter().filter(|id| **id != hold.run().id) {
        // Whoever holds it now looks into history itself, and so does the next publication.
        if let Ok(other) = control.store.hold(other, "publish", Duration::ZERO) {
            other.mark_published(intent.commit.as_deref().unwrap_or_default())?;
        }
    }
    if let Some(commit) = intent.commit.as_deref().filter(|_| intent.deed == Deed::Publish) {
        hold.mark_published(commit)?;
    }
    Ok(hold.remove_part(intent::FILE)?)
}

/// Finishes what a kill left of a transaction of a run that is decided: nobody has to choose any more.
pub(super) fn finish_decided(control: &Control, hold: &mut Hold) -> ServiceResult<()> {
    match intent::find(&control.store, &hold.run().id)? {
        Some(intent) if intent.deed != Deed::Publish => finish_record(control, hold, &intent),
        _ => Ok(()),
    }
}

/// How long a git of ours that outlived us is waited for.
const AFTER_DEATH: Duration = Duration::from_secs(120);

/// Waits for every child of ours that outlived us, also where its lock says nothing of it.
pub(super) fn await_children(intent: &Intent) {
    let deadline = Instant::now() + AFTER_DEATH;
    for child in intent.children() {
        while procs::is_alive(child) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Finishes a transaction that was stopped half way. The caller holds the locks of its repositories. Nothing moves
/// before every base was found ready for it.
pub(super) fn go_on(
    control: &Control,
    hold: &mut Hold,
    mut intent: Intent,
    progress: Progress<'_>,
) -> ServiceResult<()> {
    await_children(&intent);
    let mut wrong = Vec::new();
    let mut left = Vec::new();
    for (at, moved) in intent.moves.iter().enumerate() {
        let ready = moved.open(hold).and_then(|repository| ready_to_go_on(&repository, moved));
        match ready {
            Ok(true) => left.push(at),
            Ok(false) => {}
            Err(error) => wrong.push(format!("{}: {error}", moved.label())),
        }
    }
    if !wrong.is_empty() {
        let message = format!("The {} cannot go on yet: {}.", intent.deed.word(), wrong.join("; "));
        return Err(ServiceError::failed(message, &ways_out(&intent, hold).each_ref().map(String::as_str)));
    }
    for at in left {
        let moved = &intent.moves[at];
        let gone_on = if moved.started.is_some() {
            moved.open(hold).and_then(|repository| Ok(repository.recover(&moved.half(), true)?))
        } else {
            step(hold, &mut intent, at, progress)
        };
        gone_on.map_err(|error| stuck(hold, &intent, &error.to_string()))?;
    }
    record(control, hold, &intent).map_err(|error| stuck(hold, &intent, &error.to_string()))
}

/// Whether this base still has to move; an error where it cannot. Removes the locks of our dead child.
pub(super) fn ready_to_go_on(repository: &Repository, moved: &Move) -> ServiceResult<bool> {
    let half = moved.half();
    let Some(started) = moved.started else {
        return Ok(match (repository.standing(&half)?, half.step()) {
            (Standing::Beyond(_), _) | (Standing::New, None) => false,
            (_, Some(step)) => repository.require_advance(&step).map(|_| true)?,
            (Standing::Old, None) => true,
            (Standing::Elsewhere(_), None) => repository.require_recoverable(&half, true).map(|()| true)?,
        });
    };
    repository.remove_stale_locks(&moved.base, started)?;
    if matches!(repository.standing(&half)?, Standing::Beyond(_)) {
        // Somebody went on from our merge: it is there, and the worktree is theirs.
        return Ok(false);
    }
    repository.require_recoverable(&half, true)?;
    Ok(true)
}

/// What to look at, and the two ways on.
fn ways_out(intent: &Intent, hold: &Hold) -> [String; 3] {
    let place = intent.moves.iter().find_map(|m| m.worktrees.first().or(Some(&m.path)));
    let look = place.map(|p| format!("git -C {} status", p.display())).unwrap_or_default();
    let [on, back] = intent.ways_on(&hold.run().id);
    [look, on, back]
}

/// Takes a transaction back that was stopped half way; gives sentences about what was done. The caller holds the
/// locks of its repositories. Nothing is touched before every base was found ready for it; what the bases held is
/// kept under rescue refs.
pub(super) fn undo(hold: &mut Hold, intent: &Intent) -> ServiceResult<Vec<String>> {
    await_children(intent);
    if hold.run().state == RunState::Closed {
        let message = format!("{} is closed: every base had moved before the stop.", hold.run().id);
        return Err(ServiceError::failed(message, &[&intent.ways_on(&hold.run().id)[0]]));
    }
    let (mut wrong, mut reverts) = (Vec::new(), Vec::new());
    for moved in &intent.moves {
        match ready_to_go_back(&moved.open(hold)?, intent, moved) {
            Ok(None) => {}
            Ok(Some(why)) => {
                reverts.extend(reverts_of(intent, moved));
                wrong.push(why);
            }
            Err(error) => wrong.push(format!("{}: {error}", moved.label())),
        }
    }
    if !wrong.is_empty() {
        let message = format!("The {} cannot be taken back: {}.", intent.deed.word(), wrong.join("; "));
        let [look, on, back] = ways_out(intent, hold);
        let ways = if reverts.is_empty() { vec![look, back, on] } else { [vec![on], reverts].concat() };
        return Err(ServiceError::Failed { message, hints: ways });
    }
    let mut said = Vec::new();
    for moved in intent.moves.iter().rev().filter(|m| m.started.is_some()) {
        let repository = moved.open(hold)?;
        said.push(undo_one(hold, &repository, moved)?);
    }
    let mut run = hold.run().clone();
    run.merges.retain(|done| !intent.merges.contains(done));
    hold.save(run)?;
    close_intent(hold, "taken back by --abort")?;
    Ok(said)
}

/// Nothing, where a base can be brought back (or needs not); a sentence where it must not.
fn ready_to_go_back(repository: &Repository, intent: &Intent, moved: &Move) -> ServiceResult<Option<String>> {
    let Some(started) = moved.started else { return Ok(None) };
    let half = moved.half();
    repository.remove_stale_locks(&moved.base, started)?;
    if let Some(upstream) = repository.upstream(&moved.base)?.and_then(|u| u.id) {
        // A base that only followed its upstream was not pushed by it.
        let record = intent.commit.as_ref().filter(|commit| **commit == moved.new);
        for commit in merged_by(intent, moved).map(|done| &done.commit).chain(record) {
            if repository.is_ancestor(commit, &upstream)? {
                return Ok(Some(format!("{} was pushed already", moved.label())));
            }
        }
    }
    match repository.standing(&half)? {
        Standing::Beyond(id) => {
            let id = id.get(..12).unwrap_or(&id).to_owned();
            Ok(Some(format!("{} holds the merge and went on to {id}", moved.label())))
        }
        Standing::Elsewhere(_) => Ok(None),
        Standing::Old | Standing::New => {
            repository.require_recoverable(&half, false).map(|()| None).map_err(Into::into)
        }
    }
}

/// What the transaction merged into one base, oldest first.
fn merged_by<'a>(intent: &'a Intent, moved: &'a Move) -> impl DoubleEndedIterator<Item = &'a MergeDone> {
    intent.merges.iter().filter(move |done| done.repo == moved.repo && done.base == moved.base)
}

fn reverts_of(intent: &Intent, moved: &Move) -> Vec<String> {
    let of = merged_by(intent, moved).rev();
    of.map(|done| format!("git -C {} revert -m 1 {}", moved.path.display(), done.commit)).collect()
}

fn undo_one(hold: &Hold, repository: &Repository, moved: &Move) -> ServiceResult<String> {
    let (half, label) = (moved.half(), moved.label());
    let mut kept = String::new();
    match repository.standing(&half)? {
        Standing::Elsewhere(found) => {
            let found =
                found.map_or_else(|| "gone".to_owned(), |id| format!("at {}", id.get(..12).unwrap_or(&id)));
            return Ok(format!("{label} was moved by somebody else ({found}) and left alone"));
        }
        Standing::New => {
            let name = workspaces::free_rescue_ref(repository, &hold.run().id, "abort", &moved.repo)?;
            if repository.rescue_branch(&moved.base, &name, "--abort", false)?.is_some() {
                kept = format!("; what it held is kept as {name}");
            }
        }
        Standing::Old | Standing::Beyond(_) => {}
    }
    repository.recover(&half, false)?;
    Ok(match &moved.old {
        Some(old) => format!("{label} is back at {}{kept}", old.get(..12).unwrap_or(old)),
        None => format!("{label}, which the merge had made, is gone again{kept}"),
    })
}
