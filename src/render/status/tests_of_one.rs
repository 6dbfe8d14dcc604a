//! The page of one run in full.

use super::scene::{in_full, page};

#[test]
fn one_run_at_80_columns() {
    insta::assert_snapshot!(page(&in_full(), Some(80)), @"
    Let people log in with a passkey, and keep the password for those who…
    run-20260102-150405-k3vq  awaiting_guidance  3 min ago  by Ada

    needs you
      T-1.coder has asked (3 minutes ago): Which library: webauthn-rs, or one of our
      own?
        git metawsm guide run-20260102-150405-k3vq --answer '<the answer>'

    goal       Let people log in with a passkey, and keep the password for those who
               want it
    tickets    T-1  /home/ada/workspaces/2026-01-02/t-1
                 api         task/t-1 into main  7 commits  3 files  +120  -4
                   5 not committed
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
                 web-client  task/t-1 into main
               T-2  /home/ada/workspaces/2026-01-02/t-2
                 api         task/t-2 into main
                 web-client  task/t-2 into main  0 commits  clean
    steps      2 of 2 done
    agents     T-1.coder     working  printed just now  work moved 6 min ago
                 claude in tmux coder-t-1
               T-1.reviewer  working  last print unknown  work moved 6 min ago
                 claude in tmux reviewer-t-1
               T-2.coder     working  printed just now  work moved 6 min ago
                 claude in tmux coder-t-2
               T-2.reviewer  working  last print unknown  work moved 6 min ago
                 claude in tmux reviewer-t-2
    guidance   T-1.coder  asked 3 min ago  waits for an answer
                 Which library: webauthn-rs, or one of our own?
    journal    3 min ago     awaiting_guidance  a question is open

    unreadable
      The record /home/ada/api/.git/metawsm/runs/x/run.toml cannot be read: it is
      empty.

    next
      git metawsm attach run-20260102-150405-k3vq:T-1.coder
      git metawsm logs -f run-20260102-150405-k3vq:T-1.coder
      git metawsm diff run-20260102-150405-k3vq
    ");
}

#[test]
fn one_run_at_40_columns() {
    insta::assert_snapshot!(page(&in_full(), Some(40)), @r"
    Let people log in with a passkey, and k…
    run-20260102-150405-k3vq
      awaiting_guidance  3 min ago  by Ada

    needs you
      T-1.coder has asked (3 minutes ago):
      Which library: webauthn-rs, or one of
      our own?
        git metawsm guide \
        run-20260102-150405-k3vq --answer \
        '<the answer>'

    goal
      Let people log in with a passkey, and
      keep the password for those who want
      it
    tickets
      T-1  /home/ada/workspaces/2026-01-02/…
        api  task/t-1 into main  7 commits
          3 files  +120  -4  5 not committed
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
        web-client  task/t-1 into main
      T-2  /home/ada/workspaces/2026-01-02/…
        api  task/t-2 into main
        web-client  task/t-2 into main
          0 commits  clean
    steps
      2 of 2 done
    agents
      T-1.coder  working  printed just now
        work moved 6 min ago
        claude in tmux coder-t-1
      T-1.reviewer  working
        last print unknown
        work moved 6 min ago
        claude in tmux reviewer-t-1
      T-2.coder  working  printed just now
        work moved 6 min ago
        claude in tmux coder-t-2
      T-2.reviewer  working
        last print unknown
        work moved 6 min ago
        claude in tmux reviewer-t-2
    guidance
      T-1.coder  asked 3 min ago
        waits for an answer
        Which library: webauthn-rs, or one
        of our own?
    journal
      3 min ago  awaiting_guidance
        a question is open

    unreadable
      The record
      /home/ada/api/.git/metawsm/runs/x/run.
      toml cannot be read: it is empty.

    next
      git metawsm attach \
      run-20260102-150405-k3vq:T-1.coder
      git metawsm logs -f \
      run-20260102-150405-k3vq:T-1.coder
      git metawsm diff \
      run-20260102-150405-k3vq
    ");
}

#[test]
fn in_a_pipe_nothing_is_cut_or_wrapped() {
    let mut report = in_full();
    let long = "word ".repeat(500) + "漢";
    report.runs[0].run.brief.goal = format!("{long}\nsecond");
    report.runs[0].changes[0].subjects[0].clone_from(&long);
    let text = page(&report, None);
    assert_eq!(text.lines().filter(|line| line.ends_with(&long)).count(), 2, "{text}");
    assert!(!text.contains('…') || report.runs[0].run.title().contains('…'), "{text}");
}
