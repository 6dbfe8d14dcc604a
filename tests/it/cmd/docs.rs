//! `docs`: tickets of every known tree of documents.

use super::stage::{Stage, WORKS};

#[test]
fn without_any_tree_there_are_no_tickets() {
    let stage = Stage::with(WORKS);
    insta::assert_snapshot!(stage.said(&["docs"]), @"No tickets.");
}
