//! `forum-quiet`: no thread of the run should have been answered by now.

use super::{Blocker, Facts};

pub(super) fn judge(facts: &Facts) -> Vec<Blocker> {
    let blocker = |thread: &super::ThreadFact| Blocker {
        what: format!("The {} thread '{}' is escalated.", thread.priority, thread.title),
        place: String::new(),
        command: format!("git metawsm forum thread {}", thread.id),
    };
    facts.escalated.iter().map(blocker).collect()
}
