//! Whatever lies where documents are: a clear message, no byte lost, other tickets unaffected.

use super::scene::{DIR, Home, Scene, dir_of, index, run_on_three_tickets, tree_of};
use crate::kit::{Repo, Snapshot, World};
use std::os::unix::fs::symlink;
use std::process::Command;

/// What is wrong, what the refusal says, how it comes about, and how it is mended.
type Case = (&'static str, fn(&Scene), fn(&Scene));

fn judge(cases: &[Case]) {
    for (says, spoil, mend) in cases {
        let scene = Scene::new(Home::Other);
        scene.edit_source("list.md", "theirs\n");
        spoil(&scene);
        let before = Snapshot::of(scene.copy.path());
        let ticket = scene.sync(&["one"]);
        let why = ticket["why"].as_str().unwrap_or_default();
        assert!(ticket["outcome"] == "refused" && why.contains(says), "{says}: {ticket:#}");
        before.assert_same(&Snapshot::of(scene.copy.path()));
        let output = scene.stage.run(&["docs", "sync", "one"]).code(1);
        crate::cmd::stage::plain(&output);
        assert!(output.stderr.contains("next:\n  git "), "{output}");
        mend(&scene);
        let taken = scene.sync(&["one"]);
        assert_eq!(taken["outcome"], "taken", "{says}, mended: {taken:#}");
        assert_eq!(scene.in_copy("list.md").as_deref(), Some("theirs\n"), "{says}");
    }
}

fn remove(repo: &Repo, file: &str) {
    std::fs::remove_file(repo.file(&format!("{DIR}/{file}"))).expect("removed");
}

fn git_dir(scene: &Scene) -> std::path::PathBuf {
    scene.copy.git(["rev-parse", "--absolute-git-dir"]).into()
}

#[test]
fn odd_files_in_the_documents_are_named() {
    judge(&[
        (
            "pipe is a named pipe",
            |scene| {
                let path = scene.copy.file(&format!("{DIR}/pipe"));
                assert!(Command::new("mkfifo").arg(path).status().expect("it runs").success());
            },
            |scene| remove(&scene.copy, "pipe"),
        ),
        (
            "socket is a socket",
            |scene| {
                // The path of a socket is short, so it is made elsewhere.
                let short = scene.stage.world.root().join("s");
                drop(std::os::unix::net::UnixListener::bind(&short).expect("bound"));
                std::fs::rename(short, scene.copy.file(&format!("{DIR}/socket"))).expect("moved");
            },
            |scene| remove(&scene.copy, "socket"),
        ),
        (
            "out is a link that leads out",
            |scene| symlink("/etc/passwd", scene.copy.file(&format!("{DIR}/out"))).expect("a link"),
            |scene| remove(&scene.copy, "out"),
        ),
        (
            "out is a link that leads out of it",
            |scene| {
                symlink("../../../../../README.md", scene.source.file(&format!("{DIR}/out")))
                    .expect("a link");
                scene.source.git(["add", "ttmp"]);
                scene.source.git(["commit", "-q", "-m", "A link"]);
            },
            |scene| {
                scene.source.git(["rm", "-q", &format!("{DIR}/out")]);
                scene.source.git(["commit", "-q", "-m", "No link"]);
            },
        ),
    ]);
}

#[test]
fn a_worktree_that_is_not_ready_is_told_and_left_alone() {
    judge(&[
        (
            "A merge is half done",
            |scene| {
                scene.copy.git(["switch", "-q", "-c", "side"]);
                scene.copy.commit("README.md", "side\n");
                scene.copy.git(["switch", "-q", "task/one"]);
                scene.copy.commit("README.md", "ours\n");
                assert_ne!(scene.copy.try_git(["merge", "side"]).status, Some(0));
            },
            |scene| drop(scene.copy.git(["merge", "--abort"])),
        ),
        (
            "is not on its run branch 'task/one'",
            |scene| drop(scene.copy.git(["switch", "-q", "-c", "elsewhere"])),
            |scene| drop(scene.copy.git(["switch", "-q", "task/one"])),
        ),
        (
            "index.lock behind",
            |scene| std::fs::write(git_dir(scene).join("index.lock"), "").expect("a lock"),
            |scene| std::fs::remove_file(git_dir(scene).join("index.lock")).expect("removed"),
        ),
        (
            "list.md (modified)",
            |scene| scene.copy.write(&format!("{DIR}/list.md"), "an edit\n"),
            |scene| drop(scene.copy.git(["checkout", "-q", "--", DIR])),
        ),
        (
            "are not committed",
            |scene| std::fs::remove_dir_all(scene.copy.file(DIR)).expect("removed"),
            |scene| drop(scene.copy.git(["checkout", "-q", "--", DIR])),
        ),
    ]);
}

#[test]
fn a_copy_that_is_gone_is_told_and_comes_back_when_a_person_says_so() {
    let scene = Scene::new(Home::Other);
    scene.edit_source("list.md", "theirs\n");
    scene.copy.git(["rm", "-q", "-r", DIR]);
    scene.copy.git(["commit", "-q", "-m", "Away"]);
    let refused = scene.syncs_to("refused");
    assert!(refused["why"].as_str().is_some_and(|why| why.contains("is gone from")), "{refused:#}");
    let taken = scene.sync(&["one", "--keep", "source"]);
    assert_eq!(taken["outcome"], "taken", "{taken:#}");
    assert_eq!(scene.in_copy("list.md").as_deref(), Some("theirs\n"));
    scene.syncs_to("in-sync");
    scene.source.git(["rm", "-q", "-r", DIR]);
    scene.source.git(["commit", "-q", "-m", "Away"]);
    let refused = scene.syncs_to("refused");
    assert!(
        refused["why"].as_str().is_some_and(|why| why.contains("is no longer in the last commit")),
        "{refused:#}"
    );
    assert_eq!(scene.in_copy("list.md").as_deref(), Some("theirs\n"));
    std::fs::remove_dir_all(scene.copy.path()).expect("removed");
    let refused = scene.syncs_to("refused");
    assert!(!refused["why"].as_str().unwrap_or_default().is_empty(), "{refused:#}");
}

#[test]
fn a_copy_that_is_gone_is_told_also_where_the_source_has_nothing_new() {
    let scene = Scene::new(Home::Other);
    let before = scene.in_copy("list.md");
    scene.copy.git(["rm", "-q", "-r", DIR]);
    scene.copy.git(["commit", "-q", "-m", "Away"]);
    let refused = scene.syncs_to("refused");
    assert!(refused["why"].as_str().is_some_and(|why| why.contains("is gone from")), "{refused:#}");
    assert!(refused["hints"][0].as_str().is_some_and(|hint| hint.ends_with("--keep source")), "{refused:#}");
    let taken = scene.sync(&["one", "--keep", "source"]);
    assert_eq!(taken["outcome"], "taken", "{taken:#}");
    assert!(before.is_some() && scene.in_copy("list.md") == before);
}

#[test]
fn bytes_move_as_they_are_whatever_they_say() {
    let hostile: [(&str, Vec<u8>); 6] = [
        ("index.md", b"---\nTitle: [unclosed\nTicket: : :\n  - bad\n---\n".to_vec()),
        ("bom.md", b"\xef\xbb\xbf---\r\nTitle: x\r\n---\r\n\r\ntext".to_vec()),
        ("not-text.md", (0..=255).collect()),
        ("long.md", [b"x".repeat(64 << 10), b"\n".to_vec()].concat()),
        ("empty.md", Vec::new()),
        ("conflict-marks.md", b"<<<<<<< ours\n=======\n>>>>>>> theirs\n".to_vec()),
    ];
    for home in [Home::Control, Home::Other] {
        let scene = Scene::new(home);
        for (file, bytes) in &hostile {
            std::fs::write(scene.source.file(&format!("{DIR}/{file}")), bytes).expect("written");
        }
        scene.source.git(["add", "--all", "ttmp"]);
        scene.source.git(["commit", "-q", "-m", "Hostile"]);
        scene.edit_copy("mine.md", "mine\n");
        scene.syncs_to("taken");
        for (file, bytes) in &hostile {
            let found = std::fs::read(scene.copy.file(&format!("{DIR}/{file}"))).expect("read");
            assert_eq!(&found, bytes, "{file}");
        }
        scene.is_tidy();
        scene.syncs_to("nothing-new");
    }
}

#[test]
fn a_source_that_became_a_link_and_a_damaged_record_keep_no_other_ticket_from_it() {
    let stage = run_on_three_tickets();
    stage.repo.git(["mv", &dir_of("A-1"), "ttmp/elsewhere"]);
    symlink("../../../elsewhere", stage.repo.file(&dir_of("A-1"))).expect("a link");
    stage.repo.git(["add", "--all", "ttmp"]);
    stage.repo.git(["commit", "-q", "-m", "A link"]);
    stage.repo.commit(&format!("{}/list.md", dir_of("C-3")), "theirs\n");
    let record = stage.repo.common_dir().join("metawsm/runs/one/docs/B-2.toml");
    std::fs::write(&record, "format = [").expect("written");
    let answer = stage.run(&["docs", "sync", "one", "--json"]).code(1).json();
    let outcome = |at: usize| answer["tickets"][at]["outcome"].clone();
    assert_eq!((outcome(0), outcome(1), outcome(2)), ("refused".into(), "refused".into(), "taken".into()));
    let why = |at: usize| answer["tickets"][at]["why"].as_str().unwrap_or_default().to_owned();
    assert!(why(0).contains("is no directory but a link"), "{answer:#}");
    assert!(why(1).contains("B-2.toml"), "{answer:#}");
    let copy = stage.repo.seen_from(tree_of(&stage, "one", "C-3", "api"));
    assert_eq!(copy.read(&format!("{}/list.md", dir_of("C-3"))), "theirs\n");
    let output = stage.run(&["docs", "diff", "one"]).code(1);
    output.says("== C-3 (in-sync)");
}

#[test]
fn settings_above_the_repository_and_a_second_directory_of_the_ticket_change_nothing() {
    let world = World::new();
    std::fs::write(world.root().join("repos/.ttmp.yaml"), "root: elsewhere\n").expect("written");
    let scene = Scene::of(world, Home::Other, &|_| {});
    scene.edit_source("list.md", "theirs\n");
    scene.source.commit("ttmp/2026/03/04/ONE--again/index.md", &index("ONE"));
    scene.syncs_to("taken");
    assert_eq!(scene.in_copy("list.md").as_deref(), Some("theirs\n"));
    scene.is_tidy();
}
