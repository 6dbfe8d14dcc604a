//! The two gates of documents.

use super::tests::{defaults, good, seeded};
use super::*;
use crate::model::{Agreement, DocSyncState};

type Parts<'a> = (&'a mut DocSyncState, &'a mut bool, &'a mut bool, &'a mut Vec<String>);

type Change = fn(&mut DocStanding);

fn known(standing: &mut DocStanding, change: fn(Parts<'_>)) {
    if let DocStanding::Known { state, has_revision, is_present, dirty, .. } = standing {
        change((state, has_revision, is_present, dirty));
    }
}

/// The blockers of both gates of documents, where this is how they stand.
fn docs_judged(is_foreign: bool, change: impl FnOnce(&mut DocStanding)) -> [Vec<(String, String)>; 2] {
    let mut fact = seeded(is_foreign);
    change(&mut fact.standing);
    let facts = Facts { docs: vec![fact], ..good() };
    let verdict = judge(Action::Close, &facts, &defaults, &[]);
    ["docs-synced", "docs-fresh"].map(|gate| {
        let line = verdict.lines.iter().find(|line| line.gate == gate).expect("asked");
        line.blockers.iter().map(|blocker| (blocker.what.clone(), blocker.command.clone())).collect()
    })
}

#[test]
fn documents_that_are_not_whole_not_committed_or_not_to_be_brought_along_block_a_close() {
    let sync = "git metawsm docs sync run-1 --ticket T-1";
    let cases: [(Change, &str, &str); 5] = [
        (|s| known(s, |parts| *parts.0 = DocSyncState::Pending), "not finished", sync),
        (|s| known(s, |parts| *parts.0 = DocSyncState::Failed), "could not be brought", sync),
        (|s| known(s, |parts| *parts.1 = false), "have no revision", sync),
        (|s| known(s, |parts| *parts.2 = false), "are gone", "git restore"),
        (
            |s| known(s, |parts| parts.3.push("ttmp/x (modified)".to_owned())),
            "not committed: ttmp/x (modified)",
            "git metawsm commit run-1",
        ),
    ];
    for (change, what, command) in cases {
        let [synced, fresh] = docs_judged(false, change);
        assert_eq!(synced.len(), 1, "{what}");
        assert!(synced[0].0.contains(what), "{synced:?}");
        assert_eq!((synced[0].1.as_str(), fresh.len()), (command, 0));
    }
    let unknown = |standing: &mut DocStanding| {
        *standing = DocStanding::Unknown { why: "It broke.".to_owned(), command: "mend".to_owned() };
    };
    let [synced, fresh] = docs_judged(true, unknown);
    assert_eq!((synced[0].1.as_str(), fresh.len()), ("mend", 0));
    assert!(synced[0].0.ends_with("cannot be told: It broke."), "{synced:?}");
}

#[test]
fn a_source_that_has_changed_is_a_warning_and_blocks_where_another_repository_holds_the_documents() {
    for (agreement, blocks) in [
        (Agreement::InSync, false),
        (Agreement::WorkspaceAhead, false),
        (Agreement::SourceAhead, true),
        (Agreement::Diverged, true),
    ] {
        let stands = |standing: &mut DocStanding| {
            if let DocStanding::Known { agreement: known, .. } = standing {
                *known = agreement;
            }
        };
        let [synced, fresh] = docs_judged(false, stands);
        assert_eq!((synced.len(), fresh.len()), (0, usize::from(blocks)), "{agreement:?} at home");
        let [synced, fresh] = docs_judged(true, stands);
        assert_eq!(
            (synced.len(), fresh.len()),
            (usize::from(blocks), usize::from(blocks)),
            "{agreement:?} abroad"
        );
    }
}
