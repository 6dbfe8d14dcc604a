//! Threads that wait go into history by a commit of their own: those of open runs and those about no run, too. There is
//! no run whose hold could guard it, so the repository's lock does, and the intent lies beside the forum.

use super::event::{Event, Progress};
use super::intent::{self, Deed, Intent, Move};
use super::land::{lock_all, require_identity};
use super::transaction::{await_children, ready_to_go_on, take_back};
use super::{Caller, Control, ServiceError, ServiceResult, forum, record};
use crate::git::{GitError, GitResult, Standing};
use crate::model::{Child, plain_line, title_of};
use crate::store::StoreError;
use crate::sys::clock;
use std::fmt::Write as _;

/// Most threads that a commit names.
const MOST_NAMED: usize = 50;

/// Publishes every live event that base does not hold; gives the commit, `None` where nothing waits.
pub(super) fn publish_threads(
    caller: &Caller,
    control: &Control,
    progress: Progress<'_>,
) -> ServiceResult<Option<String>> {
    let _locks = lock_all(caller, [control.repo.common_dir().to_owned()], "publish")?;
    finish(control)?;
    let waiting = forum::publishable(control, None)?;
    if waiting.is_empty() {
        return Ok(None);
    }
    let base = record::require_base(control)?;
    let landing = record::landing_on(control.repo.clone(), &base)?;
    let mut edits = Vec::new();
    for (path, bytes) in waiting.iter().flat_map(|thread| &thread.files) {
        // Base may be behind its upstream, which holds them already.
        if landing.repository.path_id(&landing.tip, path)?.is_none() {
            edits.push((path.clone(), Some(bytes.clone())));
        }
    }
    if edits.is_empty() {
        return Ok(None);
    }
    require_identity(&landing.repository)?;
    let tree = landing.repository.edit_tree(&landing.tip, &edits)?;
    let commit = landing.repository.commit_tree(&tree, &[&landing.tip], &message(&waiting, edits.len()))?;
    let ends = (base.branch.as_str(), landing.local.as_deref(), commit.as_str());
    let moves = vec![Move::of(&landing.receipt.repo, &landing.repository, ends)?];
    let intent = Intent { commit: Some(commit.clone()), ..Intent::new(Deed::Publish, clock::now(), moves) };
    perform(control, intent, progress)?;
    Ok(Some(commit))
}

fn message(threads: &[forum::Unpublished], events: usize) -> String {
    let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let mut text =
        format!("Record {} of {}\n\n", count(events, "forum event"), count(threads.len(), "thread"));
    for thread in threads.iter().take(MOST_NAMED) {
        let _ = writeln!(text, "{}: {}", thread.id, title_of(&plain_line(&thread.title), 60));
    }
    if threads.len() > MOST_NAMED {
        let _ = writeln!(text, "and {} more", threads.len() - MOST_NAMED);
    }
    text
}

fn save(control: &Control, intent: &Intent) -> ServiceResult<()> {
    let path = control.store.publication_intent_path();
    let broken = |why: String| StoreError::Broken { path, why };
    let text = toml::to_string_pretty(intent).map_err(|e| broken(format!("it cannot be written: {e}")))?;
    Ok(control.store.save_publication_intent(&text)?)
}

/// Moves base; where it cannot move, all is as before.
fn perform(control: &Control, mut intent: Intent, progress: Progress<'_>) -> ServiceResult<()> {
    save(control, &intent)?;
    let Some(first) = intent.moves.first() else { return Ok(()) };
    let (half, label) = (first.half(), format!("move {}", first.label()));
    progress(Event::Began(label.clone()));
    let mut watch = |child: Option<Child>| -> GitResult<()> {
        match child {
            None => intent.moves[0].started = Some(clock::now()),
            child => intent.moves[0].child = child,
        }
        save(control, &intent).map_err(|error| GitError::Odd { what: error.to_string() })
    };
    let moved = match half.step() {
        Some(step) => control.repo.advance_watched(&step, &mut watch),
        None => watch(None).and_then(|()| control.repo.create_branch(&half.branch, &half.new)),
    };
    let moved_move = &intent.moves[0];
    if let Err(error) = moved {
        progress(Event::Failed(label, error.to_string()));
        let back = if moved_move.started.is_some() { take_back(&control.repo, moved_move) } else { Ok(()) };
        return Err(match back.and_then(|()| Ok(control.store.forget_publication_intent()?)) {
            Ok(()) => error.into(),
            Err(why) => {
                let message = format!("{error}. It could not be taken back: {why}");
                ServiceError::failed(message, &["git metawsm publish"])
            }
        });
    }
    if let Some(started) = moved_move.started {
        // git takes its locks away itself, and says nothing where it cannot. The move is done either way.
        let _ = control.repo.remove_stale_locks(&half.branch, started);
    }
    progress(Event::Done(label));
    Ok(control.store.forget_publication_intent()?)
}

/// Finishes a publication of threads that was stopped half way: there is nothing to choose, and every event is live
/// still. Where somebody has moved base elsewhere since, it is left alone.
pub(super) fn finish_stopped(caller: &Caller, control: &Control) -> ServiceResult<()> {
    if control.store.publication_intent()?.is_none() {
        return Ok(());
    }
    let _locks = lock_all(caller, [control.repo.common_dir().to_owned()], "publish")?;
    finish(control)
}

fn finish(control: &Control) -> ServiceResult<()> {
    let Some(text) = control.store.publication_intent()? else { return Ok(()) };
    let intent = intent::parse(control.store.publication_intent_path(), &text)?;
    await_children(&intent);
    for moved in intent.moves.iter().filter(|moved| moved.started.is_some()) {
        let is_elsewhere = matches!(control.repo.standing(&moved.half())?, Standing::Elsewhere(_));
        if !is_elsewhere && ready_to_go_on(&control.repo, moved)? {
            control.repo.recover(&moved.half(), true)?;
        }
    }
    Ok(control.store.forget_publication_intent()?)
}
