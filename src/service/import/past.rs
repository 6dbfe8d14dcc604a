//! What happened to a run before it came here, as lines of its journal.

use super::names::{shown, time};
use crate::model::plain_line;
use crate::store::{OldRun, PastLine};
use jiff::Timestamp;

/// The most events that are kept of one run: its last ones.
const MOST: usize = 500;

/// The most characters of one line.
const LINE: usize = 300;

fn line(text: &str) -> String {
    plain_line(text).trim().chars().take(LINE).collect()
}

/// The events of a run and its pull requests; those without a time have that of the one before, the pull requests that
/// of the end.
pub(super) fn lines(old: &OldRun, end: Timestamp) -> Vec<PastLine> {
    let mut lines = Vec::new();
    let mut last = time(&old.created).unwrap_or(end);
    let left_out = old.past.len().saturating_sub(MOST);
    if left_out > 0 {
        let text = format!("{left_out} earlier events were not imported");
        lines.push(PastLine { at: last, event: "past".to_owned(), text });
    }
    for past in &old.past[left_out..] {
        last = time(&past.at).unwrap_or(last);
        lines.push(PastLine { at: last, event: line(&past.what), text: line(&past.text) });
    }
    for pull in &old.pulls {
        let (ticket, repo, state) = (shown(&pull.ticket), shown(&pull.repo), shown(&pull.state));
        let text = format!("{ticket}/{repo}: {} ({state}) {}", line(&pull.head), line(&pull.url));
        lines.push(PastLine { at: end, event: "pull request".to_owned(), text: text.trim_end().to_owned() });
    }
    if old.feedback > 0 {
        let text = format!("{} comments of reviewers were not imported", old.feedback);
        lines.push(PastLine { at: end, event: "past".to_owned(), text });
    }
    lines
}
