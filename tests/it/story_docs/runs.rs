//! Several runs on the same documents, and records that have to wait.

use super::*;

#[test]
fn a_fork_knows_what_the_run_that_it_forks_from_has_synced() {
    let stage = Stage::new(&[("coder", AGAIN)]);
    let dir = ticket(&stage.api, "MW-1");
    let docs = stage.repo_on("docs", "main");
    let (run, copy) = done_in(&stage, &docs, &[]);
    edit(&copy, &format!("{dir}/tasks.md"), "# Tasks\n\n- [x] Ours\n");
    edit(&stage.api, &format!("{dir}/tasks.md"), "# Tasks\n\n- [ ] Theirs\n");
    stage.do_(["docs", "sync", &run, "--keep", "workspace"]).ok();
    edit(&stage.api, &format!("{dir}/notes.md"), "From the source\n");
    stage.do_(["docs", "sync", &run]).ok();
    assert_eq!(state(&stage, &run, 0), "workspace-ahead");
    let (fork, copy) = done_in(&stage, &docs, &["--workspace-strategy", "fork", "--from", &run, "--again"]);
    assert_eq!(state(&stage, &fork, 0), "workspace-ahead");
    edit(&stage.api, &format!("{dir}/notes.md"), "From the source again\n");
    assert_eq!(state(&stage, &fork, 0), "diverged");
    stage.do_(["docs", "sync", &fork]).ok();
    assert_eq!(copy.read(&format!("{dir}/tasks.md")), "# Tasks\n\n- [x] Ours\n");
    assert_eq!(copy.read(&format!("{dir}/notes.md")), "From the source again\n");
}

#[test]
fn documents_come_home_with_a_record_that_has_to_wait_and_both_are_said() {
    let stage = Stage::new(&[("coder", AGAIN)]);
    let dir = ticket(&stage.api, "MW-1");
    let docs = stage.repo_on("docs", "main");
    stage.api.with_origin();
    stage.api.git(["branch", "-q", "--set-upstream-to=origin/main", "main"]);
    let (run, copy) = done_in(&stage, &docs, &[]);
    edit(&copy, &format!("{dir}/notes.md"), "Ours\n");
    edit(&copy, &format!("{dir}/tasks.md"), "# Tasks\n\n- [x] Do it\n");
    let foreseen = stage.do_(["close", &run, "--dry-run"]).ok();
    holds(&foreseen.stdout, &["close ticket MW-1\n", "the record waits for the next merge"]);
    assert!(!foreseen.stdout.contains("publish ") && !foreseen.stdout.contains("home to"), "{foreseen}");
    let closed = stage.do_(["close", &run]).ok();
    holds(&closed.stdout, &[&format!("the documents in {dir} come home with the record")]);
    holds(&stage.api.git(["show", &format!("main:{dir}/index.md")]), &["Status: active"]);
    stage.do_(["cleanup", &run]).ok();
    stage.do_(["publish"]).ok();
    is_home_once(&stage, &docs, ("MW-1", &dir), &run);
    stage.do_(["log", &run]).ok().says("brought the documents of MW-1 home");
}

#[test]
fn documents_that_are_gone_close_no_ticket_and_that_is_said() {
    for home in ["docs", "api"] {
        let stage = Stage::new(&[("coder", WORKER)]);
        let dir = ticket(&stage.api, "MW-1");
        let docs = stage.repo_on("docs", "main");
        let run = stage.run(&["--ticket", "MW-1", "--repos", "api,docs", "--doc-home-repo", home]);
        stage.wait_state(id(&run), "completed");
        let copy = if home == "docs" { &docs } else { &stage.api }.seen_from(tree(&run, 0, home));
        copy.git(["mv", &dir, &format!("{dir}-renamed")]);
        copy.git(["commit", "-qm", "Another name"]);
        stage.do_(["close", id(&run)]).code(3).tells("are gone from");
        let closed = stage.do_(["close", id(&run), "--waive", "docs-synced=it has another name"]).ok();
        let told = if home == "docs" { "MW-1 open there" } else { "left MW-1 open" };
        holds(&closed.stdout, &[told]);
    }
}

#[test]
fn a_ticket_that_another_open_run_works_on_stays_open_and_that_is_said() {
    let stage = Stage::new(&[("coder", AGAIN)]);
    let dir = ticket(&stage.api, "MW-1");
    let docs = stage.repo_on("docs", "main");
    let (first, copy) = done_in(&stage, &docs, &[]);
    edit(&copy, &format!("{dir}/notes.md"), "Ours\n");
    let (second, _) = done_in(&stage, &docs, &["--again"]);
    let closed = stage.do_(["close", &first]).ok();
    holds(&closed.stdout, &["left MW-1 open, with its documents: another open run works on it"]);
    holds(&stage.api.git(["show", &format!("main:{dir}/index.md")]), &["Status: active"]);
    stage.do_(["discard", &second]).ok();
    holds(&docs.git(["show", &format!("main:{dir}/notes.md")]), &["Ours"]);
}
