//! `demo`: the main job on two throwaway repositories.

use super::stage::{answer, plain};
use crate::kit::World;

#[test]
fn it_plays_the_main_job_and_leaves_nothing() {
    let world = World::new();
    let output = world.run(["demo"]).env("TMPDIR", world.root()).ok();
    plain(&output);
    assert_eq!(output.stderr, "", "the scenes are the answer");
    for command in ["run", "status", "close", "commit", "diff", "close", "cleanup"] {
        let line = format!("$ git metawsm {command}");
        assert!(output.stdout.lines().any(|l| l.trim_start().starts_with(&line)), "{line}: {output}");
    }
    for part in [
        "$ git -C web merge --no-ff",
        "would bring unfinished work into 'main'",
        "$ git -C ~/web merge --abort",
    ] {
        assert!(output.stdout.contains(part), "{part:?}: {output}");
    }
    let left = std::fs::read_dir(world.root()).expect("it is there");
    let left = left.flatten().filter(|e| e.file_name().to_string_lossy().contains("demo")).count();
    assert_eq!(left, 0, "the folder goes at the end");
}

#[test]
fn for_programs_the_scenes_come_as_one_answer() {
    let world = World::new();
    let answer = answer(&world.run(["demo", "--json", "--keep"]).env("TMPDIR", world.root()).ok());
    let scenes = answer["scenes"].as_array().expect("a list");
    assert!(scenes.iter().any(|s| s["kind"] == "command") && scenes.iter().any(|s| s["kind"] == "story"));
    let kept = std::path::Path::new(answer["kept"].as_str().expect("a folder"));
    assert!(kept.join("api/.git").is_dir() && kept.join("web/.git").is_dir());
}
