//! Merges that stop half way, that are squashed, and that are pushed.

use crate::kit::{Output, Repo};
use crate::stage::{Stage, WORKER, holds, id, needs, tree};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;

/// A completed run over `api` and `web`.
fn two_repositories(more: &Value) -> (Stage, Repo, Value) {
    let stage = Stage::with(&[("coder", WORKER)], "process", more);
    let web = stage.repo_on("web", "main");
    let run = stage.run(&["--repos", "api,web", "Go ahead"]);
    stage.wait_state(id(&run), "completed");
    (stage, web, run)
}

fn hook(repo: &Repo, name: &str, body: &str) {
    let file = repo.common_dir().join("hooks").join(name);
    std::fs::create_dir_all(file.parent().expect("a folder")).expect("hooks");
    std::fs::write(&file, format!("#!/bin/sh\n{body}\n")).expect("a hook");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("executable");
}

fn unhook(repo: &Repo, name: &str) {
    std::fs::remove_file(repo.common_dir().join("hooks").join(name)).expect("it was there");
}

fn work(repo: &Repo) -> bool {
    repo.rev("main:coder-go-ahead.txt").is_some()
}

/// In the middle of the move of a base: git refuses, and its parent, our program, is killed.
const KILLS: &str = "[ \"$1\" = prepared ] && grep -q refs/heads/main || exit 0
parent=$(awk '{ print $4 }' /proc/$PPID/stat)
kill -9 \"$parent\"
exit 1";

const REFUSES: &str =
    "[ \"$1\" = prepared ] && grep -q refs/heads/main || exit 0\necho 'not on a Friday' >&2\nexit 1";

/// A merge of both repositories that was killed when the first base had moved and the second had not. `api` holds the
/// records and moves last.
pub fn half_merged(verb: &str) -> (Stage, Repo, Value) {
    let (stage, web, run) = two_repositories(&json!({ "hooks": { "install": "manual" } }));
    hook(&stage.api, "reference-transaction", KILLS);
    let output = stage.do_([verb, id(&run)]).output();
    assert_eq!(output.status, None, "it was killed: {output}");
    unhook(&stage.api, "reference-transaction");
    assert_eq!((work(&web), work(&stage.api)), (true, false));
    (stage, web, run)
}

#[test]
fn a_merge_that_a_hook_refuses_in_the_last_repository_is_taken_back_in_the_first() {
    let (stage, web, run) = two_repositories(&json!({ "hooks": { "install": "manual" } }));
    let before = (web.rev("main"), stage.api.rev("main"));
    hook(&stage.api, "reference-transaction", REFUSES);
    for verb in ["merge", "close"] {
        let said = stage.do_([verb, id(&run)]).output();
        assert!(said.status != Some(0) && said.stderr.contains("not on a Friday"), "{said}");
        assert_eq!((web.rev("main"), stage.api.rev("main")), before);
        assert_eq!(stage.look(id(&run))["state"], "completed");
        assert!(!needs(&stage.look(id(&run))).contains("--continue"));
        for repo in [&web, &stage.api] {
            assert_eq!(repo.git(["status", "--porcelain"]), "");
        }
    }
    unhook(&stage.api, "reference-transaction");
    stage.do_(["close", id(&run)]).ok();
    assert!(work(&web) && work(&stage.api));
}

#[test]
fn a_merge_that_was_stopped_half_way_is_named_by_every_command_and_finished() {
    for verb in ["merge", "close"] {
        let (stage, web, run) = half_merged(verb);
        let (on, back) = (format!("git metawsm {verb} --continue"), format!("git metawsm {verb} --abort"));
        holds(&needs(&stage.look(id(&run))), &["was stopped while it moved", &on, &back]);
        let refused: [&[&str]; 6] =
            [&["merge"], &["close"], &["check"], &["discard"], &["update"], &["close", "--dry-run"]];
        for words in refused {
            let said = stage.world.run(words).at(&stage.api).output();
            assert_eq!(said.status, Some(1), "{said}");
            holds(&said.stderr, &["was stopped while it moved", &on, &back]);
        }
        for _ in 0..2 {
            stage.do_([verb, "--continue", id(&run)]).ok();
            assert!(work(&web) && work(&stage.api));
        }
        stage.do_(["close", id(&run)]).ok();
        let record = stage.do_(["list", "--all", "--json"]).ok().json()["runs"][0].clone();
        assert_eq!(record["state"], "closed");
        let lines = stage.do_(["log", "--json", id(&run)]).ok().json();
        let merged = lines["entries"].as_array().expect("lines").iter().filter(|l| l["event"] == "merged");
        assert_eq!(merged.count(), 2, "{lines}");
    }
}

#[test]
fn a_merge_that_was_stopped_half_way_is_taken_back_behind_a_rescue_ref() {
    let (stage, web, run) = half_merged("close");
    let (merge, old) = (web.rev("main").expect("a merge"), web.rev("main~1"));
    for _ in 0..2 {
        stage.do_(["close", "--abort", id(&run)]).ok();
        assert_eq!(web.rev("main"), old);
        assert_eq!(stage.look(id(&run))["state"], "completed");
    }
    let kept = web.git(["for-each-ref", "--format=%(refname)", "refs/metawsm/rescue"]);
    assert_eq!(web.rev(&format!("{kept}^{{commit}}")), Some(merge), "{kept}");
    assert_eq!(web.git(["status", "--porcelain"]), "");
    stage.do_(["close", id(&run)]).ok();
    assert!(work(&web) && work(&stage.api));
}

#[test]
fn what_somebody_did_meanwhile_is_left_alone_and_one_of_the_two_ways_stays_open() {
    // Somebody went on from the merge: it cannot be taken back, only finished.
    let (stage, web, run) = half_merged("merge");
    let theirs = web.commit("theirs.txt", "theirs\n");
    let said = stage.do_(["merge", "--abort", id(&run)]).code(1);
    holds(&said.stderr, &["'main' of web holds the merge and went on", "revert -m 1", "--continue"]);
    assert_eq!(web.rev("main"), Some(theirs.clone()));
    stage.do_(["merge", "--continue", id(&run)]).ok();
    assert!(work(&stage.api));
    assert_eq!(web.rev("main"), Some(theirs));
    // Somebody moved the base that had not moved yet: the merge cannot go on, only be taken back.
    let (stage, web, run) = half_merged("merge");
    let theirs = stage.api.commit("theirs.txt", "theirs\n");
    let said = stage.do_(["merge", "--continue", id(&run)]).code(1);
    holds(&said.stderr, &["'main' of api", "--abort"]);
    stage.do_(["merge", "--abort", id(&run)]).ok();
    assert_eq!((work(&web), stage.api.rev("main")), (false, Some(theirs)));
    stage.do_(["close", id(&run)]).ok();
    assert!(work(&web) && work(&stage.api));
}

#[test]
fn a_half_done_merge_that_was_pushed_is_not_taken_back() {
    let (stage, web, run) = half_merged("merge");
    web.with_origin();
    web.git(["branch", "-q", "--set-upstream-to=origin/main", "main"]);
    let said = stage.do_(["merge", "--abort", id(&run)]).code(1);
    holds(&said.stderr, &["was pushed already", "revert -m 1", "--continue"]);
    assert!(work(&web));
    stage.do_(["merge", "--continue", id(&run)]).ok();
}

const TWO_AUTHORS: &str = r#"cd "$METAWSM_WORKSPACE/api"
echo one > one.txt; git add .; git commit -qm "First: do one"
echo two > two.txt; git add .; git -c user.name=Bea -c user.email=bea@example.org commit -qm "Then two""#;

#[test]
fn a_squash_is_one_commit_of_the_person_that_names_everybody_and_both_trailers() {
    let stage = Stage::with(&[("coder", TWO_AUTHORS)], "process", &json!({ "merge": { "style": "squash" } }));
    let run = stage.run(&["--run-id", "one", "Go ahead"]);
    stage.wait_state(id(&run), "completed");
    stage.do_(["merge"]).ok();
    assert_eq!(
        stage
            .api
            .git(["log", "-1", "--format=%an <%ae>|%P|%B"])
            .replace(&stage.api.rev("main~1").expect("it"), "OLD"),
        "Ada Tester <ada@example.org>|OLD|go-ahead: Go ahead\n\n* First: do one\n* Then two\n\n\
         Metawsm-Run: one\nMetawsm-Merged: one\nMetawsm-Ticket: go-ahead\nCo-authored-by: Bea <bea@example.org>"
    );
    let landed = stage.api.rev("main");
    stage.do_(["merge"]).ok().says("nothing to merge");
    assert_eq!(stage.api.rev("main"), landed);
    let closed = stage.do_(["close", "--json"]).ok().json();
    assert_eq!(closed["receipt"]["repos"][0]["merges"][0].as_str(), landed.as_deref(), "{closed}");
    assert_eq!(stage.api.git(["status", "--porcelain"]), "");
}

#[test]
fn hooks_of_the_user_see_a_squash_and_may_refuse_it() {
    let stage = Stage::with(&[("coder", WORKER)], "process", &json!({ "merge": { "style": "squash" } }));
    hook(
        &stage.api,
        "pre-commit",
        "git diff --cached --name-only | grep -q coder || exit 0\n[ -f ../allowed ] || [ -f \"$HOME/allowed\" ] || { echo 'say please' >&2; exit 1; }",
    );
    hook(&stage.api, "commit-msg", "echo 'Seen-by: a hook' >> \"$1\"");
    std::fs::write(stage.world.home().join("allowed"), "").expect("a file");
    let run = stage.run(&["Go ahead"]);
    stage.wait_state(id(&run), "completed");
    std::fs::remove_file(stage.world.home().join("allowed")).expect("it was there");
    let before = stage.api.rev("main");
    stage.do_(["merge"]).code(1).tells("say please");
    assert_eq!(stage.api.rev("main"), before);
    std::fs::write(stage.world.home().join("allowed"), "").expect("a file");
    stage.do_(["merge"]).ok();
    holds(&stage.api.git(["log", "-1", "--format=%B"]), &["Seen-by: a hook", "Metawsm-Merged: "]);
    assert_eq!(stage.api.git(["worktree", "list"]).lines().count(), 2, "nothing is left of it");
}

#[test]
fn signatures_and_odd_settings_of_the_user_hold() {
    for style in ["merge", "squash"] {
        let stage = Stage::with(&[("coder", WORKER)], "process", &json!({ "merge": { "style": style } }));
        let run = stage.run(&["Grüße"]);
        stage.wait_state(id(&run), "completed");
        let key = stage.world.home().join("key");
        let made = Output::of(
            stage.world.command("ssh-keygen").args(["-q", "-t", "ed25519", "-N", ""]).arg("-f").arg(&key),
            "ssh-keygen",
        );
        if made.status != Some(0) {
            eprintln!("skipped: {made}");
            return;
        }
        let signers = stage.world.home().join("signers");
        let public = std::fs::read_to_string(key.with_extension("pub")).expect("a key");
        std::fs::write(&signers, format!("ada@example.org {public}")).expect("signers");
        std::fs::write(stage.world.home().join("template"), "a template\n").expect("a template");
        let settings = [
            ("gpg.format", "ssh"),
            ("user.signingKey", &*key.display().to_string()),
            ("gpg.ssh.allowedSignersFile", &*signers.display().to_string()),
            ("commit.gpgSign", "true"),
            ("merge.verifySignatures", "true"),
            ("merge.autoStash", "true"),
            ("merge.ff", "false"),
            ("merge.log", "true"),
            ("commit.cleanup", "scissors"),
            ("commit.template", &*stage.world.home().join("template").display().to_string()),
            ("commit.verbose", "true"),
            ("i18n.commitEncoding", "ISO-8859-1"),
        ];
        for (name, value) in settings {
            stage.api.git(["config", name, value]);
        }
        stage.do_(["close"]).ok();
        let log = stage.api.git(["log", "-2", "--first-parent", "--encoding=UTF-8", "--format=%G? %s"]);
        let lines: Vec<_> = log.lines().collect();
        assert!(lines.iter().all(|line| line.starts_with("G ")), "{style}: {log}");
        assert!(log.contains("Grüße") && !log.contains("template"), "{style}: {log}");
        assert_eq!(stage.api.git(["status", "--porcelain"]), "");
    }
}

#[test]
fn without_a_name_nothing_is_merged_and_the_command_says_how_to_give_one() {
    let stage = Stage::new(&[("coder", WORKER)]);
    let run = stage.run(&["Go ahead"]);
    stage.wait_state(id(&run), "completed");
    let before = stage.api.rev("main");
    for key in ["user.name", "user.email"] {
        stage.api.git(["config", "--unset", key]);
    }
    stage.api.git(["config", "user.useConfigOnly", "true"]);
    stage.do_(["close"]).code(1).tells("git knows no name").tells("config user.name");
    assert_eq!((stage.api.rev("main"), &stage.look(id(&run))["state"]), (before, &json!("completed")));
    stage.api.git(["config", "user.name", "Ada Tester"]);
    stage.api.git(["config", "user.email", "ada@example.org"]);
    stage.do_(["close"]).ok();
}

#[test]
fn every_base_is_pushed_after_everything_and_one_refusal_stops_no_other() {
    let (stage, web, run) = two_repositories(&json!({}));
    let (api_origin, web_origin) = (stage.api.with_origin(), web.with_origin());
    for repo in [&stage.api, &web] {
        repo.git(["branch", "-q", "--set-upstream-to=origin/main", "main"]);
    }
    let refuse = web_origin.join("hooks/update");
    std::fs::write(&refuse, "#!/bin/sh\necho 'frozen until Monday' >&2\nexit 1\n").expect("a hook");
    std::fs::set_permissions(&refuse, std::fs::Permissions::from_mode(0o755)).expect("executable");
    let said = stage.do_(["close", "--push", "--json", id(&run)]).code(5).json();
    assert_eq!(
        (&said["state"], said["pushes"].as_array().map(Vec::len)),
        (&json!("closed"), Some(2)),
        "{said}"
    );
    let of = |name: &str| {
        let pushes = said["pushes"].as_array().expect("pushes");
        pushes.iter().find(|p| p["repo"] == name).expect("it").clone()
    };
    assert_eq!(of("api")["failure"], Value::Null);
    holds(of("web")["failure"].as_str().expect("a reason"), &["frozen until Monday"]);
    let at =
        |origin: &std::path::Path| stage.git(origin, &["rev-parse", "main"]).ok().stdout.trim().to_owned();
    assert_eq!(Some(at(&api_origin)), stage.api.rev("main"));
    assert_ne!(Some(at(&web_origin)), web.rev("main"));
    std::fs::remove_file(&refuse).expect("it was there");
    stage
        .do_(["merge", "--push", id(&run)])
        .ok()
        .says("'main' of web was pushed to origin")
        .says("is at origin already");
    assert_eq!(Some(at(&web_origin)), web.rev("main"));
    let said = stage.do_(["close", "--abort", id(&run)]).code(1);
    holds(&said.stderr, &["is closed, and that is final", "revert -m 1"]);
}

#[test]
fn somebodys_word_that_a_commit_holds_the_work_stands_in_the_receipt() {
    let (stage, web, run) = two_repositories(&json!({}));
    // Reviewed, changed on the way, and committed by hand: no merge would tell.
    for repo in [&stage.api, &web] {
        repo.commit("coder-go-ahead.txt", "the work, as it was reviewed\n");
    }
    stage.do_(["close"]).code(3);
    stage.do_(["close", "--landed", "main"]).code(2).tells("several repositories").tells("--landed web=main");
    stage.do_(["close", "--landed", "web=nothing"]).code(1).tells("names no commit in web");
    let branch = format!("web={}", web.rev("task/go-ahead").expect("a branch"));
    stage.do_(["close", "--landed", &branch]).code(1).tells("does not hold");
    let before = (stage.api.rev("main"), web.rev("main"));
    let closed = stage.do_(["close", "--json", "--landed", "web=main", "--landed", "api=main"]).ok().json();
    assert_eq!(closed["receipt"]["repos"][0]["merges"], json!([]), "{closed}");
    assert_eq!((stage.api.rev("main~1"), web.rev("main")), before, "only the record came");
    let record = stage.api.git(["show", "--format=%B", "main"]);
    holds(&record, &["Landed: ", "says Ada Tester", "[[landed]]"]);
    assert!(tree(&run, 0, "web").is_dir());
}
