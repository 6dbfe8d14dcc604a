//! What both sides changed stops a sync, is named, and is settled as a person says.

use super::scene::{DIR, Home, Scene, TEN, index};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

/// A file of the ticket, and what each of the three states makes of it; `None`: it is not there.
struct Case {
    file: &'static str,
    base: Option<&'static [u8]>,
    workspace: Option<&'static [u8]>,
    source: Option<&'static [u8]>,
}

const CASES: [Case; 6] = [
    Case { file: "edited.md", base: Some(b"base\n"), workspace: Some(b"mine\n"), source: Some(b"theirs\n") },
    Case { file: "added.md", base: None, workspace: Some(b"mine\n"), source: Some(b"theirs\n") },
    Case { file: "gone-here.md", base: Some(b"base\n"), workspace: None, source: Some(b"theirs\n") },
    Case { file: "gone-there.md", base: Some(b"base\n"), workspace: Some(b"mine\n"), source: None },
    Case {
        file: "picture.png",
        base: Some(b"\0base"),
        workspace: Some(b"\0mine"),
        source: Some(b"\0theirs"),
    },
    Case {
        file: "n\u{f6}me \"odd\"\t.md",
        base: Some(b"base\n"),
        workspace: Some(b"mine\n"),
        source: Some(b"th\n"),
    },
];

fn put(top: &Path, file: &str, bytes: Option<&[u8]>) {
    let path = top.join(DIR).join(file);
    match bytes {
        Some(bytes) => {
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(path, bytes).expect("written");
        }
        None => drop(std::fs::remove_file(path)),
    }
}

fn all(repo: &crate::kit::Repo, state: fn(&Case) -> Option<&'static [u8]>) {
    for case in &CASES {
        put(repo.path(), case.file, state(case));
    }
}

fn save(repo: &crate::kit::Repo) {
    repo.git(["add", "--all", "."]);
    repo.git(["commit", "-q", "-m", "Documents"]);
}

fn conflicted(home: Home) -> Scene {
    let scene = Scene::of(crate::kit::World::new(), home, &|source| {
        all(source, |case| case.base);
        put(source.path(), "place", None);
        save(source);
    });
    all(&scene.copy, |case| case.workspace);
    put(scene.copy.path(), "place", Some(b"a file here\n"));
    scene.copy.write(&format!("{DIR}/list.md"), &TEN.replace("2\n", "two\n"));
    save(&scene.copy);
    all(&scene.source, |case| case.source);
    put(scene.source.path(), "place/below.md", Some(b"a directory there\n"));
    scene.source.write(&format!("{DIR}/list.md"), &TEN.replace("9\n", "nine\n"));
    save(&scene.source);
    scene
}

#[test]
fn a_conflict_names_every_file_and_changes_nothing() {
    let scene = conflicted(Home::Other);
    let before = scene.copy.snapshot();
    let record = scene.record();
    let found = scene.syncs_to("conflict");
    let mut named: Vec<_> = CASES.iter().map(|case| case.file).chain(["place"]).collect();
    named.sort_unstable();
    let mut files: Vec<_> =
        found["files"].as_array().expect("files").iter().filter_map(|f| f.as_str()).collect();
    files.sort_unstable();
    assert_eq!(files, named);
    before.assert_same(&scene.copy.snapshot());
    assert_eq!(scene.record(), record);
    scene.is_tidy();
    let output = scene.stage.run(&["docs", "sync", "one", "--dry-run"]).code(1);
    let output = output.says("each in its own way, so nothing would be taken");
    assert!(output.stderr.contains("--keep workspace"), "{output}");
    before.assert_same(&scene.copy.snapshot());
}

#[test]
fn a_kept_side_wins_in_the_files_in_conflict_and_the_rest_is_merged() {
    for (home, side) in [(Home::Other, "workspace"), (Home::Control, "source")] {
        let scene = conflicted(home);
        let taken = scene.sync(&["one", "--keep", side]);
        assert_eq!(taken["outcome"], "taken", "{taken:#}");
        for case in &CASES {
            let kept = if side == "workspace" { case.workspace } else { case.source };
            let kept = kept.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
            assert_eq!(scene.in_copy(case.file), kept, "{} with {side}", case.file);
        }
        if side == "workspace" {
            assert_eq!(scene.in_copy("place").as_deref(), Some("a file here\n"));
        } else {
            assert_eq!(scene.in_copy("place/below.md").as_deref(), Some("a directory there\n"));
        }
        assert_eq!(scene.in_copy("list.md"), Some(TEN.replace("2\n", "two\n").replace("9\n", "nine\n")));
        scene.is_tidy();
        scene.syncs_to("nothing-new");
    }
}

#[test]
fn renames_modes_and_links_are_followed() {
    let scene = Scene::of(crate::kit::World::new(), Home::Other, &|source| {
        put(source.path(), "run.sh", Some(b"#!/bin/sh\n"));
        put(source.path(), "old-name.md", Some(TEN.as_bytes()));
        save(source);
    });
    scene.copy.git(["mv", &format!("{DIR}/old-name.md"), &format!("{DIR}/new-name.md")]);
    scene.edit_copy("run.sh", "#!/bin/sh\necho hello\n");
    scene.edit_source("old-name.md", &TEN.replace("9\n", "nine\n"));
    let script = scene.source.file(&format!("{DIR}/run.sh"));
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("mode");
    symlink("index.md", scene.source.file(&format!("{DIR}/link"))).expect("a link");
    save(&scene.source);
    scene.syncs_to("taken");
    assert_eq!(scene.in_copy("old-name.md"), None);
    assert_eq!(scene.in_copy("new-name.md"), Some(TEN.replace("9\n", "nine\n")));
    let script = scene.copy.file(&format!("{DIR}/run.sh"));
    let mode = script.metadata().expect("there").permissions().mode();
    assert_eq!(
        (mode & 0o111 != 0, scene.in_copy("run.sh").as_deref()),
        (true, Some("#!/bin/sh\necho hello\n"))
    );
    assert!(scene.copy.file(&format!("{DIR}/link")).is_symlink());
    assert_eq!(scene.in_copy("link"), Some(index("ONE")));
    scene.is_tidy();
}
