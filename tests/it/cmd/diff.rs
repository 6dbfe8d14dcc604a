//! `diff`: what a run changed in all its repositories.

use super::stage::{Stage, WORKS};

#[test]
fn every_repository_has_its_part_and_what_is_not_committed_is_shown_too() {
    let agent = "for repo in \"$METAWSM_WORKSPACE\"/*/; do echo work > \"$repo/work.txt\"; git -C \"$repo\" add work.txt;\n\
                 git -C \"$repo\" commit -q -m Work; done";
    let stage = Stage::with(agent);
    stage.world.repo("web");
    stage.run(&["run", "Do the work", "--run-id", "one", "--repos", "api,web"]).ok();
    stage.wait("one", "completed");
    std::fs::write(stage.tree("one").join("loose.txt"), "loose\n").expect("a file");
    insta::assert_snapshot!(stage.said(&["diff"]), @"
    == do-the-work/api
    diff --git a/loose.txt b/loose.txt
    new file mode 100644
    index 0000000..b658666
    --- /dev/null
    +++ b/loose.txt
    @@ -0,0 +1 @@
    +loose
    diff --git a/work.txt b/work.txt
    new file mode 100644
    index 0000000..OID
    --- /dev/null
    +++ b/work.txt
    @@ -0,0 +1 @@
    +work
    == do-the-work/web
    diff --git a/work.txt b/work.txt
    new file mode 100644
    index 0000000..OID
    --- /dev/null
    +++ b/work.txt
    @@ -0,0 +1 @@
    +work
    ");
    insta::assert_snapshot!(stage.said(&["diff", "one", "--stat"]), @"
    == do-the-work/api
     loose.txt | 1 +
     work.txt  | 1 +
     2 files changed, 2 insertions(+)
    == do-the-work/web
     work.txt | 1 +
     1 file changed, 1 insertion(+)
    ");
    insta::assert_snapshot!(stage.said(&["diff", "do-the-work", "web"]), @"
    == do-the-work/web
    diff --git a/work.txt b/work.txt
    new file mode 100644
    index 0000000..OID
    --- /dev/null
    +++ b/work.txt
    @@ -0,0 +1 @@
    +work
    ");
    insta::assert_snapshot!(stage.refuses(&["diff", "one", "nope"]), @"
    2 usage
    error: one has no repository 'nope'; it has api, web.
    next:
      git metawsm diff one api
      git metawsm diff one web
    ");
    let answer = stage.json(&["diff", "--run-id", "one"]);
    let parts: Vec<_> =
        answer["diffs"].as_array().expect("a list").iter().map(|d| d["repo"].as_str()).collect();
    assert_eq!((&answer["run"], parts), (&"one".into(), vec![Some("api"), Some("web")]));
    assert!(answer["diffs"][1]["diff"].as_str().is_some_and(|d| d.contains("+work\n")), "{answer}");
}

#[test]
fn an_agents_escape_sequences_are_shown_with_and_without_colour() {
    let stage =
        Stage::with("printf 'x\\033[8mhidden\\033[m\\n' > work.txt\ngit add work.txt\ngit commit -q -m Work");
    stage.finish("one", "Do the work");
    let hidden = "+x\\x1b[8mhidden\\x1b[m";
    assert!(stage.said(&["diff"]).contains(&format!("\n{hidden}\n")));
    let painted = stage.run(&["--color", "always", "diff"]).ok();
    assert!(painted.stdout.contains(&format!("\u{1b}[32m{hidden}\u{1b}[0m\n")), "{painted}");
}

#[test]
fn a_run_whose_workspace_is_gone_still_shows_its_commits() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    let before = stage.said(&["diff", "one"]);
    stage.run(&["close"]).ok();
    assert_eq!(stage.said(&["diff", "one"]), before, "closed");
    stage.run(&["cleanup"]).ok();
    insta::assert_snapshot!(stage.said(&["diff", "one"]), @"
    == do-the-work/api
    diff --git a/work.txt b/work.txt
    new file mode 100644
    index 0000000..OID
    --- /dev/null
    +++ b/work.txt
    @@ -0,0 +1 @@
    +work of one
    ");
}
