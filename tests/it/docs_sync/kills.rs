//! A sync that is killed at the worst moments of git is finished by the next one. (At every call of our own process: the
//! strikes on commands.)

use super::scene::{DIR, Home, Scene, TEN};
use crate::kit::find;

/// What is done in the middle of a call of git, before everything is killed: `$tree` is the worktree, `$git` the real
/// program.
const MOMENTS: [(&str, &str, &str); 5] = [
    ("restore", "before anything", ""),
    ("restore", "with half a file and a lock", "printf '1\\ntwo' > \"$tree/$dir/list.md\"; : > \"$lock\""),
    ("restore", "with files and index done", "\"$git\" \"$@\""),
    ("update-ref", "with files and index done, and a lock", ": > \"$lock\""),
    ("update-ref", "with everything done", "\"$git\" \"$@\""),
];

#[test]
fn what_a_killed_git_left_is_finished_by_the_next_sync() {
    let real = find("git").expect("git is installed");
    for (call, what, deed) in MOMENTS {
        let scene = Scene::new(Home::Other);
        scene.edit_copy("list.md", &TEN.replace("2\n", "two\n"));
        scene.edit_source("list.md", &TEN.replace("9\n", "nine\n"));
        scene.edit_source("new/file.md", "new\n");
        let lock = scene.copy.git(["rev-parse", "--path-format=absolute", "--git-path", "index.lock"]);
        let tree = scene.copy.path().display();
        let script = format!(
            "git='{}'; tree='{tree}'; dir='{DIR}'; lock='{lock}'\nfor word in \"$@\"; do\n  if [ \"$word\" = {call} ]; \
             then {deed}\n    kill -9 $PPID; exit 1; fi\ndone\nexec \"$git\" \"$@\"",
            real.display()
        );
        scene.stage.world.script("git", &script);
        let killed = scene.stage.run(&["docs", "sync", "one"]).output();
        assert_eq!(killed.status, None, "{call} {what}: it was not killed: {killed}");
        scene.stage.world.unscript("git");
        scene.stage.run(&["status"]).ok();
        let refused = scene.stage.refuses(&["commit", "one"]);
        assert!(refused.contains("was stopped half way"), "{call} {what}: {refused}");
        let taken = scene.sync(&["one"]);
        assert_eq!(taken["outcome"], "taken", "{call} {what}: {taken:#}");
        let both = TEN.replace("2\n", "two\n").replace("9\n", "nine\n");
        assert_eq!(scene.in_copy("list.md"), Some(both), "{call} {what}");
        assert_eq!(scene.in_copy("new/file.md").as_deref(), Some("new\n"));
        let made = scene.copy.git(["rev-list", "--count", "--grep=Take the changes", "HEAD"]);
        assert_eq!(made, "1", "{call} {what}");
        scene.is_tidy();
        scene.syncs_to("nothing-new");
    }
}

#[test]
fn what_somebody_edited_after_a_kill_is_kept_and_merged_once_it_is_committed() {
    let real = find("git").expect("git is installed");
    let scene = Scene::new(Home::Control);
    scene.edit_source("list.md", &TEN.replace("9\n", "nine\n"));
    let script = format!(
        "for word in \"$@\"; do [ \"$word\" = update-ref ] && kill -9 $PPID && exit 1; done\nexec '{}' \"$@\"",
        real.display()
    );
    scene.stage.world.script("git", &script);
    assert_eq!(scene.stage.run(&["docs", "sync", "one"]).output().status, None, "it was killed");
    scene.stage.world.unscript("git");
    let edited = TEN.replace("9\n", "nine\n").replace("2\n", "two\n");
    scene.copy.write(&format!("{DIR}/list.md"), &edited);
    let refused = scene.syncs_to("refused");
    let why = refused["why"].as_str().expect("words");
    assert!(why.contains("changed meanwhile and were left alone"), "{why}");
    assert_eq!(scene.in_copy("list.md").as_deref(), Some(edited.as_str()));
    scene.copy.git(["commit", "-q", "-a", "-m", "Edited"]);
    scene.syncs_to("taken");
    assert_eq!(scene.in_copy("list.md"), Some(edited));
    scene.is_tidy();
}
