//! What `docs diff` shows, and that git takes it.

use super::scene::{DIR, Home, Scene, TEN};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;

#[test]
fn the_difference_is_shown_file_by_file_from_the_source_to_the_files_as_they_are() {
    let scene = Scene::new(Home::Other);
    insta::assert_snapshot!(scene.stage.said(&["docs", "diff", "one"]), @"== ONE (in-sync)");
    scene.edit_copy("list.md", &TEN.replace("2\n", "two\n"));
    scene.copy.write(&format!("{DIR}/draft.md"), "not committed\nno end");
    scene.edit_source("theirs.md", "theirs\n");
    scene.edit_copy("picture.png", "\0binary");
    let text = scene.stage.said(&["docs", "diff"]);
    insta::assert_snapshot!(text, @r"
    == ONE (diverged)
    diff --git a/ttmp/2026/01/02/ONE--the-first/draft.md b/ttmp/2026/01/02/ONE--the-first/draft.md
    new file mode 100644
    index OID..OID
    --- /dev/null
    +++ b/ttmp/2026/01/02/ONE--the-first/draft.md
    @@ -0,0 +1,2 @@
    +not committed
    +no end
    \ No newline at end of file
    diff --git a/ttmp/2026/01/02/ONE--the-first/list.md b/ttmp/2026/01/02/ONE--the-first/list.md
    index OID..OID 100644
    --- a/ttmp/2026/01/02/ONE--the-first/list.md
    +++ b/ttmp/2026/01/02/ONE--the-first/list.md
    @@ -1,5 +1,5 @@
     1
    -2
    +two
     3
     4
     5
    diff --git a/ttmp/2026/01/02/ONE--the-first/picture.png b/ttmp/2026/01/02/ONE--the-first/picture.png
    new file mode 100644
    index OID..OID
    Binary files /dev/null and b/ttmp/2026/01/02/ONE--the-first/picture.png differ
    diff --git a/ttmp/2026/01/02/ONE--the-first/theirs.md b/ttmp/2026/01/02/ONE--the-first/theirs.md
    deleted file mode 100644
    index OID..OID
    --- a/ttmp/2026/01/02/ONE--the-first/theirs.md
    +++ /dev/null
    @@ -1 +0,0 @@
    -theirs
    ");
    insta::assert_snapshot!(scene.stage.said(&["docs", "diff", "--stat"]), @"
    == ONE (diverged)
     ttmp/2026/01/02/ONE--the-first/draft.md | +2 -0
     ttmp/2026/01/02/ONE--the-first/list.md | +1 -1
     ttmp/2026/01/02/ONE--the-first/picture.png | binary
     ttmp/2026/01/02/ONE--the-first/theirs.md | +0 -1
     4 files differ, +3 -2
    ");
    let files = scene.stage.json(&["docs", "diff", "one"])["tickets"][0]["files"].clone();
    let told: Vec<(serde_json::Value, serde_json::Value)> =
        files.as_array().expect("files").iter().map(|f| (f["change"].clone(), f["binary"].clone())).collect();
    let expected = [("added", false), ("modified", false), ("added", true), ("deleted", false)];
    assert_eq!(told, expected.map(|(change, binary)| (change.into(), binary.into())));
    let painted = scene.stage.run(&["docs", "diff", "--color", "always"]).ok().stdout;
    assert!(painted.contains("\u{1b}[32m+two"), "{painted:?}");
}

#[test]
fn git_applies_what_is_shown_of_text() {
    for home in [Home::Other, Home::Control] {
        let scene = Scene::new(home);
        scene.edit_source("gone.md", "gone\nfor good\n");
        scene.edit_source("run.sh", "#!/bin/sh\n");
        scene.edit_source("crlf.md", "one\r\ntwo\r\n");
        scene.edit_source("no-end.md", "a\nb");
        scene.edit_source("both.sh", "#!/bin/sh\n");
        scene.edit_source("emptied.md", "full\n");
        scene.sync(&["one"]);
        let change = |file: &str, text: &str| scene.copy.write(&format!("{DIR}/{file}"), text);
        std::fs::remove_file(scene.copy.file(&format!("{DIR}/gone.md"))).expect("removed");
        for file in ["run.sh", "both.sh"] {
            let script = scene.copy.file(&format!("{DIR}/{file}"));
            std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("mode");
        }
        change("both.sh", "#!/bin/sh\necho\n");
        change("crlf.md", "one\r\nzwei\r\n");
        change("no-end.md", "a\nc");
        change("emptied.md", "");
        change("empty-new.md", "");
        change("list.md", &TEN.replace("1\n", "one\n").replace("10\n", "ten"));
        change("n\u{f6}me \"odd\"\t\\.md", "odd\n");
        change("deep/er/new.md", "new\n");
        let diff = scene.stage.json(&["docs", "diff", "one"]);
        let files = diff["tickets"][0]["files"].as_array().expect("files").clone();
        let patch: String = files.iter().map(|f| f["diff"].as_str().expect("text")).collect();
        let target = scene.source.seen_from(scene.stage.world.root().join("repos/target"));
        scene.source.git(["clone", "-q", ".", target.path().to_str().expect("text")]);
        target.write("the.patch", &patch);
        target.git(["apply", "--index", "the.patch"]);
        std::fs::remove_file(target.file("the.patch")).expect("removed");
        scene.copy.git(["add", "--all", "."]);
        let tree = |repo: &crate::kit::Repo| {
            let top = repo.git(["write-tree"]);
            repo.git(["rev-parse", &format!("{top}:{DIR}")])
        };
        assert_eq!(tree(&target), tree(&scene.copy), "{patch}");
    }
}

#[test]
fn hostile_documents_are_shown_and_not_obeyed() {
    let scene = Scene::new(Home::Other);
    scene.edit_copy("hostile.md", "\u{1b}]0;title\u{7}\u{1b}[8mhidden\u{1b}[m\n\u{202e}backwards\n");
    let odd = scene.copy.path().join(DIR).join(OsStr::from_bytes(b"n\xff\x1b[2J.md"));
    std::fs::write(odd, b"bytes \xfe\n").expect("written");
    scene.copy.write(&format!("{DIR}/long.md"), &"x".repeat(64 << 10));
    scene.copy.write(&format!("{DIR}/large.md"), &"many lines\n".repeat(500_000));
    let output = scene.stage.run(&["docs", "diff", "one"]).ok();
    assert!(!output.stdout.contains(['\u{1b}', '\u{7}', '\u{202e}']), "an escape came through");
    let output = output.says("\\x1b[8mhidden").says("\"b/ttmp/2026/01/02/ONE--the-first/n\\377\\033[2J.md\"");
    output.says("5500000 bytes are too many to compare line by line");
    let answer = scene.stage.run(&["docs", "diff", "one", "--json"]).ok().json();
    let files = answer["tickets"][0]["files"].as_array().expect("files").clone();
    let hostile = files.iter().find(|f| f["path"].as_str().is_some_and(|p| p.ends_with("hostile.md")));
    let text = hostile.expect("it is there")["diff"].as_str().expect("text").to_owned();
    assert!(text.contains("\u{1b}[8mhidden"), "JSON gives the text as it is");
}

#[test]
fn a_side_that_is_missing_is_shown_whole() {
    let scene = Scene::new(Home::Other);
    std::fs::remove_dir_all(scene.copy.file(DIR)).expect("removed");
    scene.stage.run(&["docs", "diff", "one"]).ok().says("deleted file mode 100644").says("-# The first");
    scene.copy.git(["checkout", "-q", "--", DIR]);
    scene.source.git(["rm", "-q", "-r", DIR]);
    scene.source.git(["commit", "-q", "-m", "Away"]);
    scene.stage.run(&["docs", "diff", "one"]).ok().says("new file mode 100644").says("+# The first");
}
