//! Work that does not fit together, work that base holds already, and who signs what is merged.

use crate::kit::Repo;
use crate::stage::{Stage, WORKER, blockers, holds, id, tree};
use serde_json::json;

/// Writes the ticket's name into the same line of the same file.
const RIVAL: &str = "echo \"$METAWSM_TICKET\" > line; git add line; git commit -qm line";

fn bases(repos: &[&Repo]) -> Vec<Option<String>> {
    repos.iter().map(|repo| repo.rev("HEAD")).collect()
}

#[test]
fn two_branches_of_one_run_that_fit_alone_and_not_together_are_refused() {
    let stage = Stage::new(&[("coder", RIVAL)]);
    let run = stage.run(&["--ticket", "ONE,TWO"]);
    stage.wait_state(id(&run), "completed");
    let head = stage.api.rev("main");
    let text = blockers(&stage.do_(["close", "--json"]).code(3).json());
    holds(&text, &["mergeable: ", "line", "task/two"]);
    assert_eq!(text.lines().count(), 1, "{text}");
    assert_eq!(stage.api.rev("main"), head);
    // The second gives way: it takes the first one's branch and settles the line.
    let second = stage.api.seen_from(tree(&run, 1, "api"));
    assert_eq!(second.try_git(["merge", "task/one"]).status, Some(1));
    second.write("line", "ONE and TWO\n");
    second.git(["commit", "-qam", "Both"]);
    stage.do_(["close"]).ok();
    assert_eq!(stage.api.read("line"), "ONE and TWO\n");
}

#[test]
fn a_conflict_in_the_third_of_five_repositories_leaves_all_five_as_they_were() {
    let stage = Stage::new(&[("coder", WORKER)]);
    let others: Vec<_> = ["b", "c", "d", "e"].map(|name| stage.repo_on(name, "main")).into();
    let all: Vec<&Repo> = std::iter::once(&stage.api).chain(&others).collect();
    let run = stage.run(&["--repos", "api,b,c,d,e", "Go ahead"]);
    stage.wait_state(id(&run), "completed");
    others[1].commit("coder-go-ahead.txt", "somebody else's\n");
    let heads = bases(&all);
    for verb in ["close", "merge"] {
        let before = stage.world.snapshot();
        let text = blockers(&stage.do_([verb, "--dry-run", "--json"]).code(3).json());
        before.assert_same(&stage.world.snapshot());
        holds(&text, &["mergeable: c: ", "coder-go-ahead.txt"]);
        assert_eq!(text.lines().count(), 1, "{text}");
        stage.do_([verb]).code(3);
    }
    assert_eq!(bases(&all), heads);
    assert_eq!(stage.look(id(&run))["state"], "completed");
    let third = stage.api.seen_from(tree(&run, 0, "c"));
    assert_eq!(third.try_git(["merge", "main"]).status, Some(1));
    third.write("coder-go-ahead.txt", "both\n");
    third.git(["commit", "-qam", "Both"]);
    stage.do_(["close"]).ok();
    for repo in all {
        assert_eq!(repo.git(["status", "--porcelain"]), "");
        assert!(repo.file("coder-go-ahead.txt").is_file());
    }
}

#[test]
fn squashed_rebased_and_merged_work_counts_as_held_and_is_not_merged_again() {
    let stage = Stage::new(&[("coder", WORKER)]);
    let names = ["squashed", "rebased", "merged"];
    let repos = names.map(|name| stage.repo_on(name, "main"));
    let run = stage.run(&["--repos", "squashed,rebased,merged", "Go ahead"]);
    stage.wait_state(id(&run), "completed");
    let [squashed, rebased, merged] = &repos;
    squashed.git(["merge", "-q", "--squash", "task/go-ahead"]);
    squashed.git(["commit", "-qm", "Squashed"]);
    rebased.commit("other", "first\n");
    rebased.git(["cherry-pick", "task/go-ahead"]);
    merged.git(["merge", "-q", "--no-ff", "task/go-ahead"]);
    for repo in &repos {
        repo.commit("later", "later\n");
    }
    let heads = bases(&repos.each_ref());
    let closed = stage.do_(["close"]).ok();
    for name in names {
        holds(&closed.stdout, &[&format!("'main' of {name} holds the run's branch already")]);
    }
    assert_eq!(bases(&repos.each_ref()), heads);
    let cleaned = stage.do_(["cleanup"]).ok();
    holds(&cleaned.stdout, &["saved squashed: refs/metawsm/rescue/", "saved rebased: refs/metawsm/rescue/"]);
    assert_eq!(merged.git(["for-each-ref", "refs/metawsm"]), "");
    for repo in &repos {
        assert_eq!(repo.git(["branch", "--format=%(refname:short)"]), "main");
    }
}

#[test]
fn merging_twice_merges_once() {
    let stage = Stage::new(&[("coder", WORKER)]);
    let web = stage.repo_on("web", "main");
    let run = stage.run(&["--repos", "api,web", "Go ahead"]);
    stage.wait_state(id(&run), "completed");
    stage.do_(["merge"]).ok();
    let heads = bases(&[&stage.api, &web]);
    stage.do_(["merge"]).ok().says("'main' of web holds the run's branch already");
    assert_eq!(bases(&[&stage.api, &web]), heads);
    assert_eq!(stage.look(id(&run))["state"], "completed");
    stage.do_(["close"]).ok();
    assert_eq!(web.rev("main"), heads[1]);
    assert_eq!(stage.api.git(["rev-parse", "main^"]), heads[0].clone().expect("a commit"), "the record only");
}

/// A signing program that leaves its mark: what gpg writes, as far as git looks.
const GPG: &str = r"#!/bin/sh -eu
cat > /dev/null
printf '\n[GNUPG:] SIG_CREATED D 1 8 00 1767323045 0000000000000000000000000000000000000000\n' >&2
printf -- '-----BEGIN PGP SIGNATURE-----\n\nsigned by the story\n-----END PGP SIGNATURE-----\n'
";

#[test]
fn merges_and_records_are_signed_where_the_user_signs() {
    let stage = Stage::new(&[("coder", WORKER)]);
    let gpg = stage.world.script("fake-gpg", GPG);
    let run = stage.run(&["Go ahead"]);
    stage.wait_state(id(&run), "completed");
    stage.api.git(["config", "commit.gpgSign", "true"]);
    stage.api.git(["config", "gpg.program", &gpg.display().to_string()]);
    stage.do_(["close"]).ok();
    for commit in ["main", "main^"] {
        holds(&stage.api.git(["cat-file", "commit", commit]), &["gpgsig", "signed by the story"]);
    }
}

#[test]
fn a_signature_that_fails_stops_the_close_before_anything_moves() {
    let stage = Stage::new(&[("coder", WORKER)]);
    let web = stage.repo_on("web", "main");
    let gpg = stage.world.script("fake-gpg", "echo 'no key' >&2; exit 2");
    let run = stage.run(&["--repos", "api,web", "Go ahead"]);
    stage.wait_state(id(&run), "completed");
    web.git(["config", "commit.gpgSign", "true"]);
    web.git(["config", "gpg.program", &gpg.display().to_string()]);
    let heads = bases(&[&stage.api, &web]);
    let failed = stage.do_(["close"]).output();
    assert!(matches!(failed.status, Some(1 | 5)) && failed.stderr.contains("failed to sign"), "{failed}");
    assert_eq!(bases(&[&stage.api, &web]), heads);
    assert_eq!(stage.look(id(&run))["state"], "completed", "nothing is under way");
    web.git(["config", "commit.gpgSign", "false"]);
    stage.do_(["close"]).ok();
}

#[test]
fn the_users_hooks_see_merges_and_may_refuse_them() {
    let stage = Stage::new(&[("coder", WORKER)]);
    let web = stage.repo_on("web", "main");
    let run = stage.run(&["--repos", "api,web", "Go ahead"]);
    stage.wait_state(id(&run), "completed");
    let hook = web.file(".git/hooks/commit-msg");
    let write = |body: &str| {
        let made = stage.world.script("hook", body);
        std::fs::rename(made, &hook).expect("installed");
    };
    write("echo 'this message is not allowed' >&2; exit 1");
    let heads = bases(&[&stage.api, &web]);
    let failed = stage.do_(["close"]).output();
    assert!(failed.status == Some(1) && failed.stderr.contains("this message is not allowed"), "{failed}");
    assert_eq!(bases(&[&stage.api, &web]), heads);
    assert_eq!(stage.look(id(&run))["state"], "completed");
    write("echo 'Reviewed-by: The hook' >> \"$1\"");
    stage.do_(["close"]).ok();
    let message = web.git(["log", "-1", "--format=%B", "main"]);
    holds(&message, &["Reviewed-by: The hook", &format!("Metawsm-Merged: {}", id(&run))]);
    assert_eq!(web.git(["status", "--porcelain"]), "");
    assert_eq!(web.git(["worktree", "list"]).lines().count(), 2, "no throw-away worktree is left");
}

#[test]
fn without_an_identity_nothing_moves_and_the_error_says_what_to_set() {
    let stage = Stage::with(
        &[("coder", "git -c user.name=A -c user.email=a@b commit -qm x --allow-empty")],
        "process",
        &json!({}),
    );
    let run = stage.run(&["Go ahead"]);
    stage.wait_state(id(&run), "completed");
    let head = stage.api.rev("main");
    stage.api.git(["config", "--unset", "user.name"]);
    stage.api.git(["config", "--unset", "user.email"]);
    stage.api.git(["config", "user.useConfigOnly", "true"]);
    let failed = stage.do_(["close"]).output();
    assert!(matches!(failed.status, Some(1 | 5)), "{failed}");
    holds(&failed.stderr, &["user.email"]);
    assert_eq!(stage.api.rev("main"), head);
    assert_eq!(stage.look(id(&run))["state"], "completed");
    stage.api.git(["config", "user.name", "Ada Tester"]);
    stage.api.git(["config", "user.email", "ada@example.org"]);
    stage.do_(["close"]).ok();
}
