use super::*;
use crate::tickets::docs_root;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Instant;
use tempfile::TempDir;

/// A repository with a ticket, and a program that is a script.
fn place(script: &str) -> (TempDir, DocsRoot, PathBuf) {
    let dir = tempfile::tempdir().expect("temp");
    let top = dir.path().join("repo");
    fs::create_dir_all(top.join(".git")).expect("dir");
    let at = top.join("ttmp/2026/07/06/A-1--a");
    fs::create_dir_all(&at).expect("dir");
    fs::write(at.join("index.md"), "---\nTitle: T\nTicket: A-1\nStatus: active\nDocType: index\n---\n")
        .expect("write");
    let program = dir.path().join("docmgr");
    fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("write");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("executable");
    let root = docs_root(&top).expect("look").expect("a root");
    (dir, root, program)
}

fn find(script: &str, id: &str, limit: Duration) -> TicketResult<Found> {
    let (_dir, root, program) = place(script);
    Docmgr { program, root: &root, limit, in_passing: false }.find(id)
}

fn why(script: &str, limit: Duration) -> String {
    find(script, "A-1", limit).expect_err("it cannot be used").to_string()
}

#[test]
fn a_docmgr_that_hangs_is_ended_within_its_limit() {
    let began = Instant::now();
    let why = why("echo '['; exec sleep 600", Duration::from_millis(100));
    assert!(why.contains("'docmgr list tickets' took longer than 0 seconds and was ended"), "{why}");
    assert!(began.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_row_is_followed_only_to_an_index_that_names_the_ticket() {
    let row = |path: &str| {
        format!(r#"echo '[{{"ticket":"A-1","title":"x","status":"y","topics":"","path":"{path}"}}]'"#)
    };
    let found = find(&row("2026/07/06/A-1--a"), "a-1", LIMIT).expect("it is there");
    assert!(matches!(&found, Found::One(t) if t.title == "T" && t.status == "active"), "{found:?}");
    for path in ["2026/07/06/B-2--b", "2026", "2026/07/06/A-1--a/reference"] {
        let why = find(&row(path), "A-1", LIMIT).expect_err("no index").to_string();
        assert!(why.contains("no index.md there names it"), "{path}: {why}");
    }
    for path in ["/etc", "..", "../ttmp", "../../x", "."] {
        let why = find(&row(path), "A-1", LIMIT).expect_err("outside").to_string();
        assert!(why.contains("outside of the docs root"), "{path}: {why}");
    }
}

#[test]
fn the_flag_for_rows_is_left_away_where_a_verb_does_not_know_it() {
    let (_dir, root, program) = place(
        "case $* in *--with-glaze-output*) echo 'Error: unknown flag: --with-glaze-output' >&2; exit 1;; esac\necho done",
    );
    let docmgr = Docmgr { program, root: &root, limit: LIMIT, in_passing: false };
    assert_eq!(docmgr.run("changelog update", &[("entry", "-x y")]).expect("done").text(), "done");
}

#[test]
fn what_it_prints_is_one_plain_line_of_an_error() {
    let why = why(r"printf 'warning: x\n\033[31mError: it is \033[0mbroken\n' >&2; exit 1", LIMIT);
    assert!(why.contains("ended with exit 1: "), "{why}");
    assert!(!why.contains('\u{1b}') && !why.contains('\n'), "{why:?}");
}
