//! A run's branch deleted, renamed, rebased, reset or moved behind our back: every command says what it finds, and
//! what refuses touches nothing.

use crate::cmd::stage::{Stage, WORKS, plain};
use crate::kit::Repo;
use std::fmt::Write as _;

/// A case: its name, and what is done in the worktree of the run.
type Case = (&'static str, fn(&Stage, &Repo));

const CASES: [Case; 6] = [
    ("deleted", |stage, _| {
        stage.repo.git(["update-ref", "-d", "refs/heads/task/do-the-work"]);
    }),
    ("renamed", |_, tree| {
        tree.git(["branch", "-m", "task/do-the-work", "mine"]);
    }),
    ("rebased", |stage, tree| {
        stage.repo.commit("base.txt", "base moved on\n");
        tree.git(["rebase", "-q", "main"]);
    }),
    ("reset to base", |_, tree| {
        tree.git(["reset", "-q", "--hard", "main"]);
    }),
    ("moved to unrelated history", |_, tree| {
        tree.git(["switch", "-q", "--orphan", "other"]);
        tree.commit("other.txt", "other\n");
        tree.git(["switch", "-q", "-C", "task/do-the-work"]);
    }),
    ("worktree removed with it", |stage, tree| {
        stage.repo.git(["worktree", "remove", "--force", tree.path().to_str().expect("text")]);
        stage.repo.git(["branch", "-q", "-D", "task/do-the-work"]);
    }),
];

/// What only looks, and what refuses or says that nothing is there to be done.
const COMMANDS: [&[&str]; 8] = [
    &["status", "one"],
    &["status", "one", "--git"],
    &["diff", "one", "--stat"],
    &["check", "one"],
    &["merge", "one", "--dry-run"],
    &["merge", "one"],
    &["close", "one"],
    &["cleanup", "one"],
];

fn first_line(text: &str) -> &str {
    text.lines().find(|line| line.contains("error: ")).or(text.lines().last()).unwrap_or_default()
}

/// Each command in one case: its exit status and what it says first.
fn judge((name, spoil): Case) -> String {
    let mut text = String::new();
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    let tree = stage.repo.seen_from(stage.tree("one"));
    let head = tree.git(["rev-parse", "HEAD"]);
    spoil(&stage, &tree);
    let _ = writeln!(text, "== {name}");
    for words in COMMANDS {
        let (main, files) = (stage.repo.rev("main"), tree.path().exists().then(|| tree.snapshot()));
        let output = stage.run(words).output();
        plain(&output);
        let status = output.status.expect("it ends by itself");
        let _ = writeln!(
            text,
            "{status} {}: {}",
            words.join(" "),
            first_line(&format!("{}{}", output.stdout, output.stderr))
        );
        if status != 0 {
            assert_eq!(stage.repo.rev("main"), main, "{output}");
            assert!(output.stderr.contains("next:\n  git ") || words[0] == "check", "no command: {output}");
            if let Some(files) = files {
                let changes = files.changes(&tree.snapshot());
                let outside = changes.iter().filter(|line| !line.contains("/.git/metawsm/"));
                assert_eq!(outside.count(), 0, "{words:?} {changes:?}");
            }
        }
        if status == 0 && matches!(words[0], "merge" | "close") && !words.contains(&"--dry-run") {
            break;
        }
    }
    if name == "deleted" {
        stage.run(&["status", "one", "--git"]).ok().says("no longer exists");
    }
    // Whatever became of the branch: what the agent did can be had back.
    let output = stage.run(&["discard", "one"]).output();
    plain(&output);
    let _ = writeln!(
        text,
        "{:?} discard one: {}",
        output.status,
        first_line(&format!("{}{}", output.stdout, output.stderr))
    );
    let contains = format!("--contains={head}");
    let refs = stage.repo.git(["for-each-ref", "--format=%(refname)", &contains]);
    let _ =
        writeln!(text, "the agent's commit is {}", if refs.is_empty() { "named by nothing" } else { "kept" });
    text
}

#[test]
fn every_command_says_what_became_of_a_branch_and_what_refuses_touches_nothing() {
    let text = CASES.map(judge).concat();
    insta::assert_snapshot!(stage_free(&text), @"
    == deleted
    0 status one:   git metawsm close one
    0 status one --git:   git metawsm close one
    1 diff one --stat: error: The run branch 'task/do-the-work' of api no longer exists.
    3 check one: one: refused
    3 merge one --dry-run: error: one refuses to merge: 2 things are in the way.
    3 merge one: error: one refuses to merge: 2 things are in the way.
    3 close one: error: one refuses to close: 2 things are in the way.
    3 cleanup one: error: Cleaning up one would lose work: not committed in $WORLD/home/workspaces/DATE/do-the-work/api: README.md, work.txt.
    Some(0) discard one:   git metawsm rescue show OID
    the agent's commit is kept
    == renamed
    0 status one:   git metawsm close one
    0 status one --git:   git metawsm close one
    1 diff one --stat: error: The run branch 'task/do-the-work' of api no longer exists.
    3 check one: one: refused
    3 merge one --dry-run: error: one refuses to merge: 2 things are in the way.
    3 merge one: error: one refuses to merge: 2 things are in the way.
    3 close one: error: one refuses to close: 2 things are in the way.
    0 cleanup one:   ok     remove workspace do-the-work
    Some(0) discard one: one discarded
    the agent's commit is kept
    == rebased
    0 status one:   git metawsm close one
    0 status one --git:   git metawsm close one
    0 diff one --stat:  1 file changed, 1 insertion(+)
    0 check one: one: passes
    0 merge one --dry-run:   ok     policy-drift
    0 merge one:   git metawsm close one
    Some(0) discard one:   git metawsm rescue show OID
    the agent's commit is kept
    == reset to base
    0 status one:   git metawsm close one
    0 status one --git:   git metawsm close one
    0 diff one --stat: == do-the-work/api (nothing changed)
    0 check one: one: passes
    0 merge one --dry-run:   ok     policy-drift
    0 merge one:   git metawsm close one
    Some(0) discard one:   git metawsm rescue show OID
    the agent's commit is kept
    == moved to unrelated history
    0 status one:   git metawsm close one
    0 status one --git:   git metawsm close one
    0 diff one --stat:  2 files changed, 1 insertion(+), 1 deletion(-)
    3 check one: one: refused
    3 merge one --dry-run: error: one refuses to merge: 1 thing is in the way.
    3 merge one: error: one refuses to merge: 1 thing is in the way.
    3 close one: error: one refuses to close: 1 thing is in the way.
    3 cleanup one: error: Cleaning up one would lose work: 1 commit of 'task/do-the-work' that 'main' of api does not hold.
    Some(0) discard one:   git metawsm rescue list one
    the agent's commit is kept
    == worktree removed with it
    0 status one:   git metawsm close one
    0 status one --git:   git metawsm close one
    1 diff one --stat: error: The run branch 'task/do-the-work' of api no longer exists.
    3 check one: one: refused
    3 merge one --dry-run: error: one refuses to merge: 2 things are in the way.
    3 merge one: error: one refuses to merge: 2 things are in the way.
    3 close one: error: one refuses to close: 2 things are in the way.
    0 cleanup one:   ok     remove workspace do-the-work
    Some(0) discard one: one discarded
    the agent's commit is named by nothing
    ");
}

/// Masks what differs from day to day.
fn stage_free(text: &str) -> String {
    let masks = [(r"/tmp/mw-\w+", "$WORLD"), (r"\d{4}-\d\d-\d\d", "DATE"), (r"\b[0-9a-f]{10,40}\b", "OID")];
    masks.iter().fold(text.to_owned(), |text, (pattern, to)| {
        regex::Regex::new(pattern)
            .expect("a pattern of ours")
            .replace_all(&text, regex::NoExpand(to))
            .into_owned()
    })
}
