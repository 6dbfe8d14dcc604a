//! `path`: where a run's work lies.

use super::stage::{Stage, WORKS};

#[test]
fn the_directory_is_printed_alone_so_that_a_shell_can_go_there() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    insta::assert_snapshot!(stage.said(&["path"]), @"$WORLD/home/workspaces/DATE/do-the-work");
    insta::assert_snapshot!(stage.said(&["path", "do-the-work", "api"]), @"$WORLD/home/workspaces/DATE/do-the-work/api");
    let answer = stage.json(&["path", "--ticket", "Do-The-Work"]);
    assert!(answer["path"].as_str().is_some_and(|p| std::path::Path::new(p).is_dir()), "{answer}");
    insta::assert_snapshot!(stage.refuses(&["path", "one", "nope"]), @"
    2 usage
    error: one has no repository 'nope'; it has api.
    next:
      git metawsm path one api
    ");
}

#[test]
fn of_several_workspaces_a_ticket_names_one() {
    let stage = Stage::with(WORKS);
    stage.run(&["run", "Do both", "--ticket", "T-1,T-2", "--run-id", "one"]).ok();
    insta::assert_snapshot!(stage.refuses(&["path", "one"]), @"
    2 usage
    error: one has several workspaces; name a ticket.
    next:
      git metawsm path --run-id one --ticket T-1
      git metawsm path --run-id one --ticket T-2
    ");
    let second = stage.said(&["path", "t-2"]);
    assert!(second.ends_with("/t-2\n"), "{second}");
    assert_eq!(stage.said(&["path", "--run-id", "one", "--ticket", "T-2"]), second);
    assert_eq!(stage.said(&["path", "one", "--ticket", "T-2"]), second);
}

#[test]
fn a_workspace_that_is_gone_is_said_to_be() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    stage.run(&["close"]).ok();
    stage.run(&["cleanup"]).ok();
    insta::assert_snapshot!(stage.refuses(&["path", "one"]), @"
    1 failed
    error: The workspace $WORLD/home/workspaces/DATE/do-the-work is not there any more.
    next:
      git metawsm status one
    ");
}
