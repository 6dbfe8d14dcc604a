//! What an agent prints, while somebody looks at it.

use super::message::{Message, Watched};
use super::work::{Asker, selector_of};
use crate::model::SessionBackend;
use crate::render::escape_lines;
use crate::service;
use crate::sys::watch::{Waker, Watch};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The most lines that are kept for the screen.
const LINES: usize = 2000;
/// Output is looked at no more often than this.
const PAUSE: Duration = Duration::from_millis(500);
/// A pane tells nobody that it has changed: one that stays as it is is looked at less and less often, up to this.
const LONG: Duration = Duration::from_secs(4);
/// A file that changes says so; this only catches what a lost event hides.
const QUIET: Duration = Duration::from_secs(60);

/// Looks at one agent until it is dropped.
pub(super) struct Listener {
    is_over: Arc<AtomicBool>,
    waker: Waker,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        self.waker.wake();
    }
}

impl Listener {
    /// Begins to look, on a thread of its own.
    pub fn start(asker: Asker, of: Watched) -> Self {
        let mut watch = Watch::new();
        let listener = Self { is_over: Arc::default(), waker: watch.waker() };
        let is_over = Arc::clone(&listener.is_over);
        std::thread::spawn(move || {
            let caller = asker.at(&of.run);
            let selector = selector_of(&of.run, Some(&of.agent));
            if let Some(dir) =
                service::log_file(&caller, &selector).ok().as_deref().and_then(|log| log.parent())
            {
                watch.add(dir);
            }
            let is_polled = of.backend == SessionBackend::Tmux && of.is_alive;
            let (mut shown, mut pause) = (None, PAUSE);
            while !is_over.load(Ordering::SeqCst) {
                let answer = service::logs(&caller, &selector, LINES)
                    .map(|text| escape_lines(&text.replace("\r\n", "\n")))
                    .map_err(|error| asker.told(&error, "logs", &["logs".into()]));
                let is_new = shown.as_ref() != Some(&answer);
                if is_new {
                    shown = Some(answer.clone());
                    if asker.sender.send(Message::Output(of.clone(), answer)).is_err() {
                        return;
                    }
                }
                pause = if is_new { PAUSE } else { (pause * 2).min(LONG) };
                rest(&mut watch, &is_over, if is_polled { pause } else { QUIET });
            }
        });
        listener
    }
}

/// Waits for a change, at most `limit`, and at least as long as output rests between two looks.
fn rest(watch: &mut Watch, is_over: &AtomicBool, limit: Duration) {
    let begun = Instant::now();
    watch.wait(limit);
    while !is_over.load(Ordering::SeqCst) {
        let left = PAUSE.saturating_sub(begun.elapsed());
        if left.is_zero() {
            return;
        }
        watch.wait(left);
    }
}
