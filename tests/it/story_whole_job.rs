//! The main job, whole: two tickets, three repositories, two agents each, in real tmux, from `run` to `cleanup`.

use crate::kit::{Repo, require};
use crate::stage::{Stage, holds, id, tree, workspace};
use serde_json::{Value, json};

/// Writes one file per worktree and commits it; another agent commits in the same worktrees at the same time.
const BUSY: &str = r#"for tree in "$METAWSM_WORKSPACE"/*/; do
  file=$METAWSM_AGENT-$METAWSM_TICKET.txt
  echo "$METAWSM_AGENT was here" > "$tree/$file"
  until git -C "$tree" add "$file" && git -C "$tree" commit -qm "Work of $METAWSM_AGENT" -- "$file"; do sleep 0.1; done
done"#;

const INDEX: &str = "---\nTitle: The first ticket\nTicket: ONE\nStatus: active\nTopics:\n    - backend\nDocType: index\nIntent: long-term\nOwners: []\nRelatedFiles: []\nExternalSources: []\nSummary: \"kept\"\nLastUpdated: 2026-01-02T03:04:05Z\nMood: \"ours\" # a key that nobody knows\n---\n\n# The first ticket\n\nBody, kept.\n";

const DIR: &str = "ttmp/2026/01/02/ONE--the-first-ticket";

fn is_merge(repo: &Repo, commit: &str) -> bool {
    repo.git(["rev-list", "--parents", "-n1", commit]).split(' ').count() == 3
}

/// The merge commits that the first parents of base got since `old`: ticket and message.
fn merges(repo: &Repo, base: &str, old: &str) -> Vec<String> {
    let list = repo.git(["rev-list", "--first-parent", "--reverse", &format!("{old}..{base}")]);
    let merges = list.lines().filter(|c| is_merge(repo, c));
    merges.map(|c| repo.git(["show", "-s", "--format=%B", c])).collect()
}

#[test]
fn two_tickets_three_repositories_and_two_agents_each_go_from_run_to_cleanup_in_tmux() {
    if require("tmux").is_none() {
        return;
    }
    let stage = Stage::with(&[("coder", BUSY), ("tester", BUSY)], "tmux", &json!({}));
    let (api, web, core) = (&stage.api, stage.repo_on("web", "main"), stage.repo_on("core", "master"));
    api.commit(&format!("{DIR}/index.md"), INDEX);
    api.commit(&format!("{DIR}/changelog.md"), "# Changelog\n\n## 2026-01-02\n\n- Opened\n");
    let repos = [(api, "main"), (&web, "main"), (&core, "master")];
    let olds: Vec<_> = repos.iter().map(|(repo, base)| repo.git(["rev-parse", base])).collect();

    let args = ["--ticket", "ONE,TWO", "--create", "--repos", "api,web,core", "Write it down"];
    let run = stage.run(&args);
    let run_id = id(&run).to_owned();
    assert_eq!(run["worktrees"].as_array().map(Vec::len), Some(6), "{run:#}");
    let listed = stage.world.tmux(["list-sessions", "-F", "#{session_name}"]).ok().stdout;
    for name in ["coder-one", "tester-one", "coder-two", "tester-two"] {
        assert!(listed.lines().any(|l| l == name), "{name} is not in {listed}");
    }
    stage.wait_state(&run_id, "completed");
    let places = [workspace(&run, 0), workspace(&run, 1)];

    stage.do_(["check"]).ok().says("passes");
    let diff = stage.do_(["diff", "--stat"]).ok().stdout;
    holds(&diff, &["coder-ONE.txt", "tester-TWO.txt", "core"]);
    let before = stage.world.snapshot();
    stage.do_(["close", "--dry-run"]).ok().says("Dry run: nothing was changed");
    before.assert_same(&stage.world.snapshot());

    let closed = stage.do_(["close", "--json", "--changelog-entry", "Both written down."]).ok().json();
    assert_eq!(closed["state"], "closed", "{closed:#}");
    for ((repo, base), old) in repos.iter().zip(&olds) {
        let merges = merges(repo, base, old);
        assert_eq!(merges.len(), 2, "{merges:#?}");
        for (message, ticket) in merges.iter().zip(["ONE", "TWO"]) {
            holds(message, &[&format!("Metawsm-Merged: {run_id}"), &format!("Metawsm-Ticket: {ticket}")]);
        }
        for file in ["coder-ONE.txt", "tester-ONE.txt", "coder-TWO.txt", "tester-TWO.txt"] {
            assert!(repo.file(file).is_file(), "{file} is not on disk in {}", repo.path().display());
        }
        assert_eq!(repo.git(["status", "--porcelain"]), "");
        assert_eq!(repo.git(["branch", "--show-current"]), *base);
    }
    record_is_published(api, &run_id, &closed);
    tickets_are_closed(api);

    stage.do_(["close", &run_id]).ok().says("closed already");
    stage.do_(["cleanup"]).ok();
    for place in &places {
        assert!(!place.exists(), "{} is still there", place.display());
    }
    for (repo, base) in &repos {
        assert_eq!(repo.git(["status", "--porcelain"]), "");
        assert_eq!(repo.git(["for-each-ref", "--format=%(refname)"]), format!("refs/heads/{base}"));
        assert_eq!(repo.git(["worktree", "list"]).lines().count(), 1);
        repo.git(["fsck", "--strict"]);
    }
    let left = stage.world.tmux(["list-sessions"]);
    assert!(!left.stdout.contains("one") && !left.stdout.contains("two"), "{left}");
    stage.do_(["list", "--all"]).ok().says(&run_id);
    stage.do_(["status"]).ok().says("No open runs here");
}

fn record_is_published(api: &Repo, run_id: &str, closed: &Value) {
    let commit = closed["published"].as_str().expect("a commit");
    let head = api.git(["rev-parse", "main"]);
    assert_eq!(head, commit, "the record is the last commit");
    let names = api.git(["ls-tree", "-r", "--name-only", "main", ".metawsm/runs"]);
    assert_eq!(names.lines().count(), 1);
    assert!(names.ends_with(&format!("{run_id}.toml")), "{names}");
    let record = api.git(["show", &format!("main:{names}")]);
    holds(&record, &["format = 4", "kind = \"run\"", "state = \"closed\"", "[[receipt", "ONE", "TWO"]);
    assert!(!record.contains("/tmp") && !record.contains("/home"), "no absolute path: {record}");
    assert!(record.len() < 12 << 10, "{} bytes", record.len());
    for repo in closed["receipt"]["repos"].as_array().expect("repositories") {
        assert_eq!(repo["merges"].as_array().map(Vec::len), Some(2), "{repo}");
    }
}

fn tickets_are_closed(api: &Repo) {
    let index = api.git(["show", &format!("main:{DIR}/index.md")]) + "\n";
    let expected = INDEX.replace("Status: active", "Status: complete");
    let without_time = |text: &str| -> Vec<String> {
        text.lines().filter(|l| !l.starts_with("LastUpdated:")).map(str::to_owned).collect()
    };
    assert_eq!(without_time(&index), without_time(&expected));
    let log = api.git(["show", &format!("main:{DIR}/changelog.md")]);
    holds(&log, &["- Opened", "Both written down."]);
    let names = api.git(["ls-tree", "-r", "--name-only", "main", "ttmp"]);
    let two = names.lines().find(|n| n.contains("/TWO--") && n.ends_with("/index.md")).expect("a ticket");
    holds(&api.git(["show", &format!("main:{two}")]), &["Ticket: TWO", "Status: complete"]);
    holds(
        &api.git(["show", &format!("main:{}", two.replace("index", "changelog"))]),
        &["Both written down."],
    );
}

#[test]
fn two_tickets_made_at_once_in_a_repository_without_documents_merge_without_a_conflict() {
    let stage = Stage::new(&[("coder", BUSY)]);
    let run = stage.run(&["--ticket", "A-1,A-2", "--create"]);
    stage.wait_state(id(&run), "completed");
    stage.do_(["close"]).ok();
    let names = stage.api.git(["ls-tree", "-r", "--name-only", "main", "ttmp"]);
    for ticket in ["A-1", "A-2"] {
        let index = names.lines().find(|n| n.contains(&format!("/{ticket}--")) && n.ends_with("index.md"));
        let index = index.unwrap_or_else(|| panic!("{ticket} is not in {names}"));
        holds(&stage.api.git(["show", &format!("main:{index}")]), &["Status: complete"]);
    }
    stage.do_(["cleanup"]).ok();
    assert_eq!(stage.api.git(["status", "--porcelain"]), "");
}

#[test]
fn what_was_not_committed_is_behind_a_rescue_ref_after_a_forced_cleanup_and_nothing_else_is() {
    let stage = Stage::new(&[("coder", BUSY)]);
    let web = stage.repo_on("web", "main");
    let run = stage.run(&["--repos", "api,web", "Leave something"]);
    stage.wait_state(id(&run), "completed");
    stage.do_(["close"]).ok();
    let place = tree(&run, 0, "api");
    std::fs::write(place.join("late.txt"), "written after the close\n").expect("a file");
    let refused = stage.do_(["cleanup"]).code(3);
    refused.tells("late").tells("--force");
    assert!(place.join("late.txt").is_file());
    stage.do_(["cleanup", id(&run), "--force"]).ok();
    let rescued = stage.api.git(["for-each-ref", "--format=%(refname)", "refs/metawsm"]);
    assert_eq!(rescued.lines().count(), 1, "{rescued}");
    assert!(rescued.starts_with(&format!("refs/metawsm/rescue/{}/", id(&run))), "{rescued}");
    assert_eq!(stage.api.git(["show", &format!("{rescued}:late.txt")]), "written after the close");
    assert_eq!(web.git(["for-each-ref", "refs/metawsm"]), "");
}
