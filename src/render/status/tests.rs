//! The page of all runs at three widths, and whatever anybody calls a run.

use super::scene::{before, failed, page, report, working};
use super::status_mark;
use crate::model::is_deceptive;
use crate::render::columns;
use crate::service::{Away, DirtyPath, StatusReport};
use proptest::prelude::*;

#[test]
fn all_runs_at_80_columns() {
    insta::assert_snapshot!(page(&report(), Some(80)), @"
    needs you
      run-20260102-150405-k3vq  T-1, T-2  Let people log in with a passkey, and kee…
        T-1.coder has asked (3 minutes ago): Which library: webauthn-rs, or one of
        our own?
          git metawsm guide run-20260102-150405-k3vq --answer '<the answer>'
      run-20260101-090000-aaaa  T-1, T-2  Tidy up
        The run failed: verify ticket T-2: The ticket T-2 does not exist.
          git metawsm resume run-20260101-090000-aaaa

    3 runs
      run-20260102-150405-k3vq  awaiting_guidance  3 min ago   Let people log in wi…
        T-1.coder     working  printed just now  work moved 6 min ago
        T-1.reviewer  working  last print unknown  work moved 6 min ago
        T-2.coder     working  printed just now  work moved 6 min ago
        T-2.reviewer  working  last print unknown  work moved 6 min ago
        2 threads wait, 1 escalated
      run-20260101-090000-aaaa  failed             2 days ago  Tidy up
        T-1.coder     ended
        T-1.reviewer  ended
        T-2.coder     ended
        T-2.reviewer  ended
        1 of 2 steps done
      run-20251224-180000-bbbb  running            3 min ago   漢字 x́ שלום: names o…
        T-1.coder     ended    exit 3, 3 days ago
        T-1.reviewer  ended    signal 9, 3 days ago
        T-2.coder     working  printed 1 min ago  work moved 6 min ago
        T-2.reviewer  ended    exit 3, 3 days ago
        T-1/api         7 commits  3 files  +120  -4  5 not committed
          Commit number 1 of the work
          Commit number 2 of the work
          Commit number 3 of the work
          Commit number 4 of the work
          Commit number 5 of the work
          and 2 more
          modified  src/file1.rs
          modified  src/file2.rs
          modified  src/file3.rs
          and 2 more not committed
        T-2/web-client  0 commits  clean

    unreadable
      The record /home/ada/api/.git/metawsm/runs/x/run.toml cannot be read: it is
      empty.

    next
      git metawsm status run-20260102-150405-k3vq
    ");
}

#[test]
fn all_runs_at_40_columns() {
    insta::assert_snapshot!(page(&report(), Some(40)), @r"
    needs you
      run-20260102-150405-k3vq  T-1, T-2
        Let people log in with a passkey, a…
        T-1.coder has asked (3 minutes ago):
        Which library: webauthn-rs, or one
        of our own?
         git metawsm guide \
         run-20260102-150405-k3vq --answer \
         '<the answer>'
      run-20260101-090000-aaaa  T-1, T-2
        Tidy up
        The run failed: verify ticket T-2:
        The ticket T-2 does not exist.
         git metawsm resume \
         run-20260101-090000-aaaa

    3 runs
      run-20260102-150405-k3vq
        awaiting_guidance  3 min ago
        Let people log in with a passkey, a…
        T-1.coder  working  printed just now
         work moved 6 min ago
        T-1.reviewer  working
         last print unknown
         work moved 6 min ago
        T-2.coder  working  printed just now
         work moved 6 min ago
        T-2.reviewer  working
         last print unknown
         work moved 6 min ago
        2 threads wait, 1 escalated
      run-20260101-090000-aaaa  failed
        2 days ago  Tidy up
        T-1.coder  ended
        T-1.reviewer  ended
        T-2.coder  ended
        T-2.reviewer  ended
        1 of 2 steps done
      run-20251224-180000-bbbb  running
        3 min ago  漢字 x́ שלום: names of al…
        T-1.coder  ended  exit 3, 3 days ago
        T-1.reviewer  ended
         signal 9, 3 days ago
        T-2.coder  working
         printed 1 min ago
         work moved 6 min ago
        T-2.reviewer  ended
         exit 3, 3 days ago
        T-1/api  7 commits  3 files  +120
         -4  5 not committed
         Commit number 1 of the work
         Commit number 2 of the work
         Commit number 3 of the work
         Commit number 4 of the work
         Commit number 5 of the work
         and 2 more
         modified  src/file1.rs
         modified  src/file2.rs
         modified  src/file3.rs
         and 2 more not committed
        T-2/web-client  0 commits  clean

    unreadable
      The record
      /home/ada/api/.git/metawsm/runs/x/run.
      toml cannot be read: it is empty.

    next
      git metawsm status \
      run-20260102-150405-k3vq
    ");
}

#[test]
fn all_runs_at_200_columns() {
    insta::assert_snapshot!(page(&report(), Some(200)), @"
    needs you
      run-20260102-150405-k3vq  T-1, T-2  Let people log in with a passkey, and keep the password for those who…
        T-1.coder has asked (3 minutes ago): Which library: webauthn-rs, or one of our own?
          git metawsm guide run-20260102-150405-k3vq --answer '<the answer>'
      run-20260101-090000-aaaa  T-1, T-2  Tidy up
        The run failed: verify ticket T-2: The ticket T-2 does not exist.
          git metawsm resume run-20260101-090000-aaaa

    3 runs
      run-20260102-150405-k3vq  awaiting_guidance  3 min ago   Let people log in with a passkey, and keep the password for those who…
        T-1.coder     working  printed just now  work moved 6 min ago
        T-1.reviewer  working  last print unknown  work moved 6 min ago
        T-2.coder     working  printed just now  work moved 6 min ago
        T-2.reviewer  working  last print unknown  work moved 6 min ago
        2 threads wait, 1 escalated
      run-20260101-090000-aaaa  failed             2 days ago  Tidy up
        T-1.coder     ended
        T-1.reviewer  ended
        T-2.coder     ended
        T-2.reviewer  ended
        1 of 2 steps done
      run-20251224-180000-bbbb  running            3 min ago   漢字 x́ שלום: names of all sorts
        T-1.coder     ended    exit 3, 3 days ago
        T-1.reviewer  ended    signal 9, 3 days ago
        T-2.coder     working  printed 1 min ago  work moved 6 min ago
        T-2.reviewer  ended    exit 3, 3 days ago
        T-1/api         7 commits  3 files  +120  -4  5 not committed
          Commit number 1 of the work
          Commit number 2 of the work
          Commit number 3 of the work
          Commit number 4 of the work
          Commit number 5 of the work
          and 2 more
          modified  src/file1.rs
          modified  src/file2.rs
          modified  src/file3.rs
          and 2 more not committed
        T-2/web-client  0 commits  clean

    unreadable
      The record /home/ada/api/.git/metawsm/runs/x/run.toml cannot be read: it is empty.

    next
      git metawsm status run-20260102-150405-k3vq
    ");
}

#[test]
fn all_control_repositories_and_those_that_are_gone() {
    let mut other = failed();
    other.root = "/srv/web".into();
    let away = vec![Away { root: "/srv/old".into(), why: "it is gone".to_owned() }];
    let report = StatusReport {
        runs: vec![other, working()],
        everywhere: true,
        roots: vec!["/home/ada/api".into(), "/srv/web".into()],
        away,
        broken: Vec::new(),
        ..report()
    };
    insta::assert_snapshot!(page(&report, Some(80)), @"
    needs you
      run-20260101-090000-aaaa  /srv/web  T-1, T-2  Tidy up
        The run failed: verify ticket T-2: The ticket T-2 does not exist.
          git metawsm resume run-20260101-090000-aaaa

    2 runs

    /home/ada/api
      run-20251224-180000-bbbb  running  3 min ago   漢字 x́ שלום: names of all sorts
        T-1.coder     ended    exit 3, 3 days ago
        T-1.reviewer  ended    signal 9, 3 days ago
        T-2.coder     working  printed 1 min ago  work moved 6 min ago
        T-2.reviewer  ended    exit 3, 3 days ago
        T-1/api         7 commits  3 files  +120  -4  5 not committed
          Commit number 1 of the work
          Commit number 2 of the work
          Commit number 3 of the work
          Commit number 4 of the work
          Commit number 5 of the work
          and 2 more
          modified  src/file1.rs
          modified  src/file2.rs
          modified  src/file3.rs
          and 2 more not committed
        T-2/web-client  0 commits  clean

    /srv/web
      run-20260101-090000-aaaa  failed   2 days ago  Tidy up
        T-1.coder     ended
        T-1.reviewer  ended
        T-2.coder     ended
        T-2.reviewer  ended
        1 of 2 steps done

    unreadable
      /srv/old: it is gone.
    ");
}

#[test]
fn time_that_passes_is_no_change_and_everything_else_is() {
    let mark = status_mark(&report());
    let mut later = report();
    later.runs[0].agents[0].health.activity = Some(before(0));
    later.runs[0].needs[0].what = "T-1.coder has asked (4 minutes ago): …".to_owned();
    assert_eq!(status_mark(&later), mark);
    later.runs[0].agents[0].health.word = "idle";
    assert_ne!(status_mark(&later), mark);
    let mut answered = report();
    answered.runs[0].needs.clear();
    assert_ne!(status_mark(&answered), mark);
}

fn with_words(words: &str) -> StatusReport {
    let mut report = report();
    for view in &mut report.runs {
        words.clone_into(&mut view.run.brief.goal);
        words.clone_into(&mut view.run.brief.scope);
        words.clone_into(&mut view.run.reason);
        words.clone_into(&mut view.run.actor);
        view.needs.iter_mut().for_each(|need| words.clone_into(&mut need.what));
        view.run.guidance.iter_mut().for_each(|asked| words.clone_into(&mut asked.question));
        for change in &mut view.changes {
            change.odd = Some(words.to_owned());
            change.subjects = vec![words.to_owned()];
            change.dirty = vec![DirtyPath { path: words.to_owned(), what: words.to_owned() }];
        }
        view.run.steps[0].error = words.to_owned();
    }
    report.broken = vec![words.to_owned()];
    report
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_line_is_wider_than_the_window_and_nothing_deceives(
        words in prop_oneof!["\\PC{0,200}", "[\\x00-\\x9f\u{200b}-\u{202e}]{0,60}", "[a漢e\u{301}ש 👩‍👩‍👧]{0,300}", "x{9000,10000}"],
        width in 30..210_usize,
        full in any::<bool>()
    ) {
        let mut report = with_words(&words);
        if full {
            report.in_full = true;
            report.runs.truncate(1);
        }
        for line in page(&report, Some(width)).lines() {
            // A word of a command cannot be broken, and stays whole to be pasted.
            prop_assert!(columns(line) <= width || line.contains("run-2"), "{width}: {line:?}");
        }
        for text in [page(&report, Some(width)), page(&report, None)] {
            prop_assert!(!text.chars().any(|c| c != '\n' && is_deceptive(c)), "{text:?}");
        }
    }
}
