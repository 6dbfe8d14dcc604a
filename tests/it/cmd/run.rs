//! `run`: start agents on a text or on tickets.

use super::stage::{Stage, WAITS, WORKS, answer, plain};
use crate::kit::World;

#[test]
fn a_text_in_any_repository_is_enough() {
    let stage = Stage::with("cat > prompt.txt || true\nprintf '%s\\n' \"$@\" > args.txt");
    insta::assert_snapshot!(stage.said(&["run", "Fix the parser, please", "--run-id", "one"]), @"
    one running
      ticket     fix-the-parser-please  $WORLD/home/workspaces/DATE/fix-the-parser-please
      agent      fix-the-parser-please.agent  claude (process: agent-fix-the-parser-please)
    next:
      git metawsm status one
      git metawsm logs -f one
      git metawsm diff one
    -- story
    hooks: api: installed pre-commit, commit-msg, pre-merge-commit, pre-push, reference-transaction
      ok     worktree of api for fix-the-parser-please
      ok     set up the workspace of fix-the-parser-please
      ok     start agent on fix-the-parser-please
    ");
    stage.wait_for_end("one");
    let tree = stage.tree("one");
    let told =
        ["prompt.txt", "args.txt"].map(|file| std::fs::read_to_string(tree.join(file)).unwrap_or_default());
    assert!(told.concat().contains("Fix the parser, please"), "the agent was told its goal: {told:?}");
    assert_eq!(stage.repo.seen_from(&tree).git(["branch", "--show-current"]), "task/fix-the-parser-please");
}

#[test]
fn a_dry_run_shows_the_plan_and_changes_nothing() {
    let stage = Stage::with(WORKS);
    let before = stage.world.snapshot();
    insta::assert_snapshot!(stage.said(&["run", "Do the work", "--ticket", "T-1,T-2", "--run-id", "one", "--dry-run"]), @"
    plan Do the work
      repository api from 'main' (OID)
      workspace $WORLD/home/workspaces/DATE/t-1
      workspace $WORLD/home/workspaces/DATE/t-2
      step worktree of api for T-1
      step set up the workspace of T-1
      step start agent on T-1
      step worktree of api for T-2
      step set up the workspace of T-2
      step start agent on T-2
    Dry run: nothing was changed.
    -- story
    note: no ticket documents are kept here, so 'T-1' is only a name
    note: no ticket documents are kept here, so 'T-2' is only a name
    ");
    let answer = stage.json(&["run", "Do the work", "--dry-run"]);
    assert_eq!((&answer["dry_run"], &answer["state"]), (&true.into(), &"created".into()));
    before.assert_same(&stage.world.snapshot());
}

#[test]
fn programs_get_the_whole_run() {
    let stage = Stage::with(WAITS);
    let value = stage.json(&["run", "Do the work"]);
    let id = value["run"].as_str().expect("an id").to_owned();
    assert!(id.starts_with("run-2"), "{id}");
    assert_eq!(
        (&value["state"], &value["title"], &value["goal"]),
        (&"running".into(), &"Do the work".into(), &"Do the work".into())
    );
    assert_eq!(value["tickets"][0]["workspace"], "do-the-work");
    assert_eq!((&value["repos"][0]["repo"], &value["repos"][0]["base"]), (&"api".into(), &"main".into()));
    assert_eq!(value["worktrees"][0]["branch"], "task/do-the-work");
    assert!(value["steps"].as_array().expect("steps").iter().all(|s| s["state"] == "done"), "{value}");
    assert_eq!(value["next"][0], format!("git metawsm status {id}"));
}

#[test]
fn the_text_can_come_from_standard_input() {
    let stage = Stage::with(WORKS);
    let output = stage.run(&["run", "-", "--json", "--dry-run"]).stdin("Do it\nin two lines\n").ok();
    assert_eq!(answer(&output)["goal"], "Do it\nin two lines");
    let output = stage.run(&["run", "-"]).stdin(vec![0xff, 0xfe]).code(2);
    plain(&output);
    output.tells("error: The text on standard input is not UTF-8.");
    insta::assert_snapshot!(stage.refuses(&["run", "-"]), @"
    2 usage
    error: Nothing says what to do: give a text or a ticket.
    next:
      git metawsm run '<what to do>'
      git metawsm run --ticket <id>
    ");
    insta::assert_snapshot!(stage.refuses(&["run"]), @"
    2 usage
    error: Nothing says what to do: give a text or a ticket.
    next:
      git metawsm run '<what to do>'
      git metawsm run --ticket <id>
    ");
}

#[test]
fn a_ticket_with_an_open_run_stops_unless_asked_again() {
    let stage = Stage::with(WAITS);
    stage.start("one", "Do the work");
    insta::assert_snapshot!(stage.refuses(&["run", "Do the work"]), @"
    1 failed
    error: The ticket do-the-work has an open run already: one (running).
    next:
      git metawsm resume one
      git metawsm status one
      git metawsm run --again 'Do the work'
    ");
    insta::assert_snapshot!(stage.refuses(&["run", "--ticket", "DO-the-work"]), @"
    1 failed
    error: The ticket do-the-work has an open run already: one (running).
    next:
      git metawsm resume one
      git metawsm status one
      git metawsm run --again --ticket DO-the-work
    ");
    insta::assert_snapshot!(stage.refuses(&["run", "Other work", "--run-id", "one"]), @"
    1 failed
    error: There is a run one already; run ids are used once.
    next:
      git metawsm status one
      git metawsm list --all
    ");
    let second = stage.json(&["run", "Do the work", "--again", "--run-id", "two"]);
    assert_eq!(second["tickets"][0]["workspace"], "do-the-work-2");
    assert_eq!(second["worktrees"][0]["branch"], "task/do-the-work-2");
}

#[test]
fn a_missing_ticket_names_near_ones_and_how_to_make_it() {
    let stage = Stage::with(WORKS);
    let index = "---\nTitle: Fix the parser\nTicket: API-12\nStatus: active\nDocType: index\n---\n\n# Fix the parser\n";
    stage.repo.commit("ttmp/2026/01/02/API-12--fix-the-parser/index.md", index);
    insta::assert_snapshot!(stage.refuses(&["run", "--ticket", "API-13"]), @"
    1 failed
    error: The ticket 'API-13' does not exist. Near to it: API-12.
    next:
      git metawsm run --ticket API-12
      git metawsm run --ticket API-13 --create
    ");
    let found = stage.json(&["run", "--ticket", "api-12", "--dry-run"]);
    assert_eq!(
        (&found["tickets"][0]["ticket"], &found["tickets"][0]["title"]),
        (&"API-12".into(), &"Fix the parser".into())
    );
    let made = stage.json(&["run", "--ticket", "API-13", "--create", "--run-id", "one"]);
    assert_eq!(made["tickets"][0]["ticket"], "API-13");
    assert!(made["tickets"][0]["docs"].as_str().is_some_and(|dir| dir.contains("API-13")), "{made}");
}

#[test]
fn words_that_do_not_go_together_are_refused() {
    let stage = Stage::with(WORKS);
    insta::assert_snapshot!(stage.refuses(&["run", "x", "--agent", "nobody"]), @r#"
    2 usage
    error: --agent is "nobody", but it must be one of the agents (agent) or of the profiles (auto, claude, codex, shell, default-shell) of the policy.
    next:
      git metawsm policy show
    "#);
    insta::assert_snapshot!(stage.refuses(&["run", "x", "--doc-home-repo", "web"]), @"
    2 usage
    error: The doc home 'web' is not one of the repositories of this run (api).
    next:
      git metawsm run --doc-home-repo api ...
    ");
    insta::assert_snapshot!(stage.refuses(&["run", "x", "--from", "one"]), @"
    2 usage
    error: --from goes with the strategies fork and reuse.
    next:
      git metawsm run --workspace-strategy fork --from <workspace or run> ...
    ");
    insta::assert_snapshot!(stage.refuses(&["run", "x", "--workspace-strategy", "fork"]), @"
    2 usage
    error: The strategy fork needs --from <workspace or run>.
    next:
      git metawsm list
    ");
    insta::assert_snapshot!(stage.refuses(&["run", "x", "--workspace-strategy", "reuse", "--from", "one"]), @"
    1 failed
    error: Nothing is called 'one': no open run, no workspace of one, none that wsm knows.
    next:
      git metawsm list
    ");
    insta::assert_snapshot!(stage.refuses(&["run", "x", "--doc-seed-mode", "sometimes"]), @"
    2 usage
    error: Invalid value 'sometimes' for '--doc-seed-mode <MODE>' [possible values: none, copy_from_repo_on_start].
    next:
      git metawsm run -h
    ");
}

#[test]
fn an_agent_that_cannot_be_found_is_told_before_anything_is_made() {
    let world = World::with_only(&["git", "sh", "cat"]);
    let stage = Stage::of(world, WORKS);
    stage.world.unscript("claude");
    let before = stage.world.snapshot();
    insta::assert_snapshot!(stage.refuses(&["run", "Do the work"]), @"
    5 outside
    error: No agent is named, and neither claude nor codex is on PATH; install one, or name another with --agent, with 'git config metawsm.agent', or in agent_profiles of the policy ('--agent shell' is a shell for you).
    next:
      git metawsm run 'Do the work' --agent shell
    ");
    let agreed = ["bootstrap", "--ticket", "T-1", "--goal", "it works", "--done", "it does"];
    let refused = stage.refuses(&agreed);
    let hint = "git metawsm bootstrap --ticket T-1 --goal 'it works' --done 'it does' --agent shell";
    assert!(refused.contains(hint), "{refused}");
    before.assert_same(&stage.world.snapshot());
    let shell = stage.json(&["run", "Do the work", "--agent", "shell", "--dry-run"]);
    assert_eq!(shell["steps"].as_array().map(Vec::len), Some(3), "another agent can be named: {shell}");
}
