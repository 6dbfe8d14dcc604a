//! `docs sync`: what it takes, and what it leaves alone.

use crate::cmd::stage::Stage;
use crate::docs_sync::scene::{DIR, Home, Scene, TEN, dir_of, index, run_on_three_tickets, tree_of};

const HOMES: [Home; 2] = [Home::Control, Home::Other];

#[test]
fn changes_of_the_source_come_into_the_workspace_copy_with_one_commit_of_ours() {
    for home in HOMES {
        let scene = Scene::new(home);
        assert_eq!(scene.syncs_to("in-sync")["commit"], serde_json::Value::Null);
        scene.edit_copy("list.md", &TEN.replace("2\n", "two\n"));
        scene.syncs_to("nothing-new");
        scene.edit_source("list.md", &TEN.replace("9\n", "nine\n"));
        scene.edit_source("design/01-new.md", "new\n");
        let before = scene.stage.world.snapshot();
        let would = scene.sync(&["one", "--dry-run"]);
        assert_eq!(would["outcome"], "taken", "{would:#}");
        before.assert_same(&scene.stage.world.snapshot());
        let head = scene.copy.git(["rev-parse", "HEAD"]);
        let taken = scene.syncs_to("taken");
        assert_eq!(taken["files"], serde_json::json!(["design/01-new.md", "list.md"]));
        assert_eq!(scene.copy.git(["rev-parse", "HEAD~1"]), head);
        assert_eq!(taken["commit"], scene.copy.git(["rev-parse", "HEAD"]));
        let both = TEN.replace("2\n", "two\n").replace("9\n", "nine\n");
        assert_eq!(scene.in_copy("list.md"), Some(both));
        assert_eq!(scene.in_copy("design/01-new.md").as_deref(), Some("new\n"));
        let message = scene.copy.git(["log", "-1", "--format=%B"]);
        assert!(message.contains("\nMetawsm-Run: one\nMetawsm-Made: yes"), "{message}");
        scene.is_tidy();
        let record = scene.record();
        assert_eq!(
            record["base"].as_str(),
            Some(scene.source.git(["rev-parse", &format!("HEAD:{DIR}")]).as_str())
        );
        assert_eq!(
            record["revision"].as_str(),
            Some(scene.copy.git(["rev-parse", &format!("HEAD:{DIR}")]).as_str())
        );
        assert_eq!(scene.syncs_to("nothing-new")["commit"], serde_json::Value::Null);
        assert_eq!(scene.copy.git(["rev-parse", "HEAD"]), taken["commit"], "a second time changes nothing");
        scene.stage.run(&["log", "one"]).ok().says("docs synced");
    }
}

#[test]
fn a_source_that_alone_has_changed_is_taken_as_it_is() {
    for home in HOMES {
        let scene = Scene::new(home);
        scene.edit_source("list.md", "wholly new\n");
        scene.source.git(["rm", "-q", &format!("{DIR}/index.md")]);
        scene.source.git(["commit", "-q", "-m", "Away"]);
        scene.edit_source("index.md", &index("ONE").replace("Body.", "Another body."));
        scene.syncs_to("taken");
        let tree = |repo: &crate::kit::Repo| repo.git(["rev-parse", &format!("HEAD:{DIR}")]);
        assert_eq!(tree(&scene.source), tree(&scene.copy));
        scene.syncs_to("in-sync");
        scene.is_tidy();
    }
}

#[test]
fn what_both_changed_alike_is_no_conflict_and_needs_no_commit() {
    let scene = Scene::new(Home::Other);
    scene.edit_copy("list.md", "the same\n");
    scene.edit_copy("more.md", "mine\n");
    scene.edit_source("list.md", "the same\n");
    let head = scene.copy.git(["rev-parse", "HEAD"]);
    assert_eq!(scene.syncs_to("taken")["commit"], serde_json::Value::Null);
    assert_eq!(scene.copy.git(["rev-parse", "HEAD"]), head);
    scene.syncs_to("nothing-new");
}

#[test]
fn what_is_not_committed_in_the_documents_stops_a_sync_and_other_work_does_not() {
    let scene = Scene::new(Home::Other);
    scene.edit_source("list.md", "theirs\n");
    scene.copy.write("src/work.txt", "an agent at work\n");
    scene.copy.write("README.md", "staged\n");
    scene.copy.git(["add", "README.md"]);
    scene.copy.write(&format!("{DIR}/draft.md"), "a draft\n");
    let refused = scene.syncs_to("refused");
    let why = refused["why"].as_str().expect("words");
    assert!(why.contains("not committed") && why.contains("draft.md (untracked)"), "{why}");
    insta::assert_snapshot!(scene.stage.told(&scene.stage.run(&["docs", "sync", "one"]).code(1)), @"
      ONE: The documents of ONE in $WORLD/home/workspaces/DATE/one/web are not committed, and a sync would have to write over them: ttmp/2026/01/02/ONE--the-first/draft.md (untracked).
    -- story
    next:
      git metawsm commit one
      git -C $WORLD/home/workspaces/DATE/one/web status
    ");
    std::fs::remove_file(scene.copy.file(&format!("{DIR}/draft.md"))).expect("removed");
    scene.syncs_to("taken");
    assert_eq!(scene.copy.git(["status", "--porcelain"]), "M  README.md\n?? src/");
    assert_eq!(scene.in_copy("list.md").as_deref(), Some("theirs\n"));
}

#[test]
fn each_ticket_of_a_run_is_synced_by_itself() {
    let stage = run_on_three_tickets();
    let copies = ["A-1", "B-2", "C-3"].map(|t| stage.repo.seen_from(tree_of(&stage, "one", t, "api")));
    for ticket in ["A-1", "B-2"] {
        stage.repo.commit(&format!("{}/list.md", dir_of(ticket)), "theirs\n");
    }
    copies[0].commit(&format!("{}/list.md", dir_of("A-1")), "ours\n");
    insta::assert_snapshot!(stage.told(&stage.run(&["docs", "sync", "one"]).code(1)), @"
      A-1: both copies changed list.md, each in its own way, so nothing was taken
      B-2: took list.md: OID
      C-3: in-sync
    -- story
    next:
      git metawsm docs diff one --ticket A-1
      git metawsm docs sync one --ticket A-1 --keep workspace
      git metawsm docs sync one --ticket A-1 --keep source
    ");
    assert_eq!(copies[0].read(&format!("{}/list.md", dir_of("A-1"))), "ours\n");
    assert_eq!(copies[1].read(&format!("{}/list.md", dir_of("B-2"))), "theirs\n");
    stage.run(&["docs", "sync", "one", "--ticket", "c-3", "--ticket", "B-2"]).ok();
    let refused = stage.refuses(&["docs", "sync", "one", "--ticket", "D-4"]);
    assert!(refused.contains("one has no ticket 'D-4'; it has A-1, B-2, C-3."), "{refused}");
    stage.run(&["docs", "sync", "--ticket", "A-1", "--keep", "source"]).ok();
    assert_eq!(copies[0].read(&format!("{}/list.md", dir_of("A-1"))), "theirs\n");
}

#[test]
fn a_run_without_documents_and_a_run_that_is_over_say_so() {
    let stage = Stage::with(crate::cmd::stage::WORKS);
    stage.finish("one", "Do the work");
    insta::assert_snapshot!(stage.said(&["docs", "sync", "one"]), @"  do-the-work: nothing was seeded, so there is nothing to sync");
    insta::assert_snapshot!(stage.said(&["docs", "diff", "one"]), @"== do-the-work (nothing was seeded)");
    stage.run(&["close", "one"]).ok();
    insta::assert_snapshot!(stage.refuses(&["docs", "sync", "one"]), @"
    1 failed
    error: The run one is closed, and that is final.
    next:
      git metawsm log one
      git metawsm list --all
    ");
    insta::assert_snapshot!(stage.refuses(&["docs", "diff", "one"]), @"
    1 failed
    error: The run one is closed, and its documents are in history.
    next:
      git metawsm diff one
    ");
}
