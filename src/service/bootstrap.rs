//! `bootstrap`: one ticket, a brief that says when it is done, and then a run like any other.

use crate::model::{Brief, Run};
use std::fmt::Write as _;

/// The parts of a brief, in the order in which people are asked for them, under the names that documents give them.
fn parts(brief: &Brief) -> [(&'static str, &str); 5] {
    [
        ("Goal", &brief.goal),
        ("Scope", &brief.scope),
        ("Done criteria", &brief.done_criteria),
        ("Constraints", &brief.constraints),
        ("Merge intent", &brief.merge_intent),
    ]
}

/// The brief of a run as the text of a document, Markdown.
pub(super) fn brief_document(run: &Run) -> String {
    let mut text = format!("- Run: {}\n- Brief: {}\n", run.id, run.brief.id());
    for (name, part) in parts(&run.brief) {
        let part = part.trim();
        let _ = write!(text, "\n## {name}\n\n{}\n", if part.is_empty() { "None stated." } else { part });
    }
    text
}
