//! `import`: what the first metawsm kept. The databases are made by the real `sqlite3`.

use super::stage::{Stage, WORKS, plain};
use crate::kit::{Repo, Snapshot, require, wait_until};
use serde_json::json;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

pub const SCHEMA: &str = include_str!("../../../fixtures/import/schema.sql");
const LATER: &str = include_str!("../../../fixtures/import/later.sql");
pub const PROJECT: &str = include_str!("../../../fixtures/import/project.sql");

/// A project of the first metawsm: `api` with its database, `web` beside it.
pub struct Old {
    pub stage: Stage,
    pub web: Repo,
}

impl Old {
    /// The project with 23 runs; `None` where there is no `sqlite3`.
    pub fn project() -> Option<Self> {
        Self::of(&[SCHEMA, PROJECT])
    }

    pub fn of(sql: &[&str]) -> Option<Self> {
        require("sqlite3")?;
        let stage = Stage::with(WORKS);
        let web = stage.world.repo("web");
        stage.world.script("old-agent", WORKS);
        let old = Self { stage, web };
        fs::create_dir_all(old.database().parent().expect("a folder")).expect("the old folder");
        // The first program asked its users to ignore it.
        old.stage.repo.commit(".gitignore", ".metawsm/metawsm.db*\n");
        old.sql(&sql.concat());
        Some(old)
    }

    pub fn database(&self) -> PathBuf {
        self.stage.repo.file(".metawsm/metawsm.db")
    }

    pub fn sql(&self, sql: &str) {
        let mut command = self.stage.world.command("sqlite3");
        let child =
            command.arg("-bail").arg(self.database()).stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
        let mut child = child.expect("sqlite3 starts");
        child.stdin.take().expect("a pipe").write_all(sql.as_bytes()).expect("it reads");
        assert!(child.wait().expect("it ends").success(), "sqlite3 took it");
    }

    /// A workspace as wsm made it, with a commit of the old agent in it.
    pub fn workspace(&self, name: &str) -> PathBuf {
        let dir = self.stage.world.root().join("old-workspaces/2026-02-01").join(name);
        fs::create_dir_all(&dir).expect("a folder");
        let tree = dir.join("api");
        let branch = format!("task/{name}");
        self.stage.repo.git(["worktree", "add", "-q", "-b", &branch, &tree.to_string_lossy(), "main"]);
        self.stage.repo.seen_from(&tree).commit("old.txt", "what the old agent did\n");
        let file = self.stage.world.home().join(".config/workspace-manager/workspaces");
        fs::create_dir_all(&file).expect("a folder");
        let known = json!({
            "name": name, "path": dir, "branch": branch, "base_branch": "", "go_workspace": false, "agent_md": "",
            "created": "2026-02-01T10:15:00-08:00",
            "repositories": [{ "name": "api", "path": self.stage.repo.path(), "remote_url": "", "current_branch": "main",
                "branches": ["main"], "tags": null, "last_commit": "", "last_updated": "2026-02-01T10:15:00-08:00",
                "categories": null }],
        });
        fs::write(file.join(format!("{name}.json")), known.to_string()).expect("written");
        dir
    }

    pub fn state(&self, run: &str) -> String {
        let answer = self.stage.json(&["status", "--no-ingest", run]);
        answer["runs"][0]["state"].as_str().expect("a state").to_owned()
    }

    /// The old installation, byte for byte, with the times of its files.
    fn installation(&self) -> (Snapshot, std::time::SystemTime) {
        let config = Snapshot::of(&self.stage.world.home().join(".config"));
        let dir = Snapshot::of(&self.stage.repo.file(".metawsm")).without("live");
        let modified = self.database().metadata().and_then(|meta| meta.modified()).expect("a time");
        (config.and(dir), modified)
    }
}

#[test]
fn a_project_with_23_old_runs_is_imported_and_its_database_stays_as_it_is() {
    let Some(old) = Old::project() else { return };
    old.workspace("new-3-0260203-101500");
    let before = old.installation();
    let untouched = old.stage.repo.snapshot();
    let dry = old.stage.said(&["import", "--dry-run"]);
    assert!(
        dry.contains("would import 21 runs, and 10 events of 4 threads\nDry run: nothing was changed."),
        "{dry}"
    );
    untouched.assert_same(&old.stage.repo.snapshot());

    let output = old.stage.run(&["import"]).ok();
    plain(&output);
    let said = old.stage.masked(&output.stdout);
    for line in [
        "run-20260110-101500  closed    OLD-1  Do the work of OLD-1\n",
        "note: The ticket 'OLD/10: x' is called 'OLD-10--x-e5ce6e42' here.\n",
        "run-20260202-101500  completed NEW-2  Add a menu\n",
        "run-20260201-101500  stopped   NEW-1  NEW-1\n",
        "run-20260205-101500  failed    NEW-5  NEW-5\n",
        "run-20260212-101500  stopped   NEW-10,NEW-11  NEW-10, NEW-11\n",
        "my-run-8700333a (was '../my run')  stopped   NEW-12  NEW-12\n",
        "note: Nothing is known of what it calls gone: it goes on without.\n",
        "left out  run-20260210-101500: it was a dry run\n",
        "left out  run-20260211-101500: it was a dry run\n",
        "left out  1 state(s) of documents: they hold a time and no version\n",
        "imported 21 runs, and 10 events of 4 threads\n",
    ] {
        assert!(said.contains(line), "{line:?} is missing:\n{said}");
    }
    assert!(!said.contains("'new-3-0260203-101500' is not there"), "wsm knows it: {said}");
    let after = old.installation();
    before.0.assert_same(&after.0);
    assert_eq!(before.1, after.1);

    let again = old.stage.said(&["import"]);
    assert!(
        again.contains("imported 0 runs, and 0 events of 0 threads\n21 runs were here already\n"),
        "{again}"
    );
    let log = old.stage.said(&["log", "run-20260204-101500"]);
    assert!(log.contains("run transition planning -> awaiting_guidance"), "{log}");
    assert!(log.contains("imported: it was awaiting_guidance, and its agents are not ours"), "{log}");
    let log = old.stage.said(&["log", "run-20260110-101500"]);
    assert!(
        log.contains("OLD-1/api: old-1/api/run-20260110-101500 (open) https://example.org/o/api/pull/5"),
        "{log}"
    );
    let all = old.stage.json(&["list", "--all"]);
    assert_eq!(all["runs"].as_array().map(Vec::len), Some(21));
    assert_eq!(all["broken"], json!([]));
}

#[test]
fn open_runs_are_resumed_where_the_old_agents_left_them_or_discarded() {
    let Some(old) = Old::project() else { return };
    let dir = old.workspace("new-3-0260203-101500");
    old.stage.run(&["import"]).ok();
    let refusal = old.stage.refuses(&["resume", "run-20260203-101500"]);
    assert!(refusal.contains("git metawsm policy trust run-20260203-101500"), "{refusal}");
    old.stage.run(&["policy", "trust", "run-20260203-101500"]).ok().says("shell: old-agent");

    // The one whose workspace is there goes on in it, on top of what was done.
    old.stage.run(&["resume", "run-20260203-101500"]).ok();
    old.stage.wait("run-20260203-101500", "completed");
    assert!(dir.join("api/work.txt").exists() && dir.join("api/old.txt").exists());
    let status = old.stage.json(&["status", "run-20260203-101500"]);
    let path = status["runs"][0]["worktrees"][0]["path"].as_str().expect("a path");
    assert_eq!(Path::new(path), dir.join("api"));
    old.stage.run(&["close", "run-20260203-101500"]).ok();
    assert_eq!(old.stage.repo.read("old.txt"), "what the old agent did\n");
    assert_eq!(old.state("run-20260203-101500"), "closed");

    // The one whose workspaces are gone gets them anew, in both repositories.
    old.stage.run(&["resume", "run-20260212-101500"]).ok();
    wait_until("both agents have worked", Duration::from_secs(60), || {
        old.stage.run(&["status", "run-20260212-101500"]).output();
        old.state("run-20260212-101500") == "completed"
    });
    assert!(old.web.rev("task/new-10-0260212-101500").is_some());

    for run in ["run-20260205-101500", "run-20260206-101500", "my-run-8700333a", "run-20260202-101500"] {
        old.stage.run(&["discard", run]).ok();
        assert_eq!(old.state(run), "discarded");
    }
    let again = old.stage.run(&["import"]).ok();
    again.says("imported 0 runs").says("21 runs were here already");
}

#[test]
fn what_was_discarded_by_hand_keeps_the_work_of_the_old_agent() {
    let Some(old) = Old::project() else { return };
    let dir = old.workspace("new-6-0260206-101500");
    fs::write(dir.join("api/half.txt"), "half done\n").expect("written");
    old.stage.run(&["import"]).ok();
    old.stage.run(&["discard", "run-20260206-101500"]).ok();
    assert!(!dir.join("api").exists());
    assert!(old.stage.repo.rev("task/new-6-0260206-101500").is_none());
    let saved = old.stage.repo.git([
        "for-each-ref",
        "--format=%(refname)",
        "refs/metawsm/rescue/run-20260206-101500",
    ]);
    let files: Vec<_> =
        saved.lines().map(|name| old.stage.repo.git(["ls-tree", "-r", "--name-only", name])).collect();
    assert!(files.concat().contains("old.txt") && files.concat().contains("half.txt"), "{saved}\n{files:?}");
}

#[test]
fn a_question_that_waited_waits_here_too_and_its_answer_reaches_the_agent() {
    let Some(old) = Old::project() else { return };
    old.workspace("new-4-0260204-101500");
    let asks = "cp \"$METAWSM_WORKSPACE/.metawsm/prompt-agent.md\" \"$METAWSM_WORKSPACE/told.md\"\n";
    old.stage.world.script(
        "old-agent",
        &format!("{asks}{WORKS}\necho '{{}}' > ../.metawsm/implementation-complete.json"),
    );
    old.stage.run(&["import"]).ok();
    let answered = old.stage.said(&["forum", "list", "--ticket", "NEW-4"]);
    assert!(answered.contains("Which colour?") && answered.contains("waiting_human"), "{answered}");
    let run = "run-20260204-101500";
    old.stage.run(&["guide", run, "--answer", "Take 8080."]).ok();
    old.stage.run(&["policy", "trust", run]).ok();
    old.stage.run(&["resume", run]).ok();
    old.stage.wait(run, "completed");
    let told = old.stage.tree(run).parent().expect("a workspace").join("told.md");
    let told = fs::read_to_string(told).expect("it was told");
    for words in ["Which port?", "Take 8080.", "all tests of NEW-4 pass"] {
        assert!(told.contains(words), "{words:?} is missing:\n{told}");
    }
    // The brief of an old bootstrap holds: it closes only when its done criteria are said to hold.
    let refusal = old.stage.refuses(&["close", run]);
    assert!(refusal.contains("BLOCK  validation"), "{refusal}");
}

#[test]
fn closed_runs_go_into_history_with_the_same_bytes_in_two_clones() {
    let Some(old) = Old::project() else { return };
    old.stage.run(&["import"]).ok();
    let path = old.stage.world.root().join("repos/clone");
    old.stage.repo.git(["clone", "-q", ".", &path.to_string_lossy()]);
    let clone = old.stage.repo.seen_from(&path);
    clone.git(["config", "user.name", "Ada Tester"]);
    clone.git(["config", "user.email", "ada@example.org"]);
    let database = old.database();
    old.stage.world.run(["import", &database.to_string_lossy()]).at(&clone).ok().says("imported 21 runs");
    for repo in [&old.stage.repo, &clone] {
        old.stage.world.run(["publish"]).at(repo).ok();
    }
    let tree = |repo: &Repo, dir: &str| repo.git(["ls-tree", "-r", "main", &format!(".metawsm/{dir}")]);
    assert_eq!(tree(&old.stage.repo, "runs").lines().count(), 10);
    assert_eq!(tree(&old.stage.repo, "runs"), tree(&clone, "runs"));
    let record = old.stage.repo.git(["show", "main:.metawsm/runs/2026-01/run-20260110-101500.toml"]);
    assert!(record.contains("goal = \"Do the work of OLD-1\""), "{record}");
    assert!(!record.contains(&old.stage.world.root().display().to_string()), "a place: {record}");
    let threads = |repo: &Repo| tree(repo, "forum");
    assert!(threads(&old.stage.repo).contains("fthr-1770574502000000001/fevt-000001-"));
    assert_eq!(threads(&old.stage.repo), threads(&clone));
    // What history holds is not imported once more.
    old.stage.run(&["import"]).ok().says("imported 0 runs, and 0 events of 0 threads");
}

#[test]
fn a_thread_goes_on_there_and_the_next_import_brings_what_is_new() {
    let Some(old) = Old::project() else { return };
    old.stage.run(&["import"]).ok();
    let id = "fthr-1770574502000000001";
    let before = old.stage.json(&["forum", "thread", id]);
    assert_eq!(
        (&before["thread"]["state"], &before["thread"]["priority"]),
        (&json!("answered"), &json!("high"))
    );
    old.sql(&format!(
        "INSERT INTO forum_events (event_id, event_type, event_version, occurred_at, thread_id, ticket, actor_type,
            actor_name, payload_json) VALUES ('fevt-99', 'forum.thread.closed', 1, '2026-02-03T11:00:00-08:00', '{id}',
            'NEW-3', 'operator', 'kim', '{{}}');"
    ));
    old.stage.run(&["import"]).ok().says("imported 0 runs, and 1 event of 1 thread");
    let after = old.stage.json(&["forum", "thread", id]);
    assert_eq!(after["thread"]["state"], "closed");
}

#[test]
fn signals_that_were_posts_become_questions_and_words_of_the_agents() {
    let posts = "
INSERT INTO forum_threads (thread_id, ticket, run_id, agent_name, title, state, priority, opened_by_type, opened_by_name,
  opened_at, updated_at) VALUES ('fctrl-run-20260202-101500-agent', 'NEW-2', 'run-20260202-101500', 'agent', 'Control',
  'new', 'normal', 'system', 'metawsm', '2026-02-02T10:15:00-08:00', '2026-02-02T10:15:00-08:00');
INSERT INTO forum_control_threads VALUES ('run-20260202-101500', 'agent', 'NEW-2', 'fctrl-run-20260202-101500-agent',
  '2026-02-02T10:15:00-08:00', '2026-02-02T10:15:00-08:00');
INSERT INTO forum_outbox (message_id, topic, message_key, payload_json, status, created_at, updated_at)
  VALUES ('m', 't', 'k', '{}', 'pending', '', '');
";
    let bodies = [
        r#"{"schema_version":1,"control_type":"guidance_request","question":"Tabs?","context":"Or spaces."}"#,
        r#"{"schema_version":1,"control_type":"guidance_answer","answer":"Spaces."}"#,
        r#"{"schema_version":1,"control_type":"completion","summary":"A menu is there."}"#,
        r#"{"schema_version":1,"control_type":"validation","status":"passed","done_criteria":"all tests of NEW-2 pass"}"#,
    ];
    let rows: Vec<String> = bodies
        .iter()
        .enumerate()
        .map(|(at, body)| {
            let payload = json!({ "body": body }).to_string();
            format!(
                "INSERT INTO forum_events (event_id, event_type, event_version, occurred_at, thread_id, ticket,
                   actor_type, actor_name, payload_json) VALUES ('c{at}', 'forum.post.added', 1,
                   '2026-02-02T10:1{at}:00-08:00', 'fctrl-run-20260202-101500-agent', 'NEW-2', 'agent', 'agent', '{payload}');"
            )
        })
        .collect();
    let Some(old) = Old::of(&[SCHEMA, LATER, PROJECT, posts, &rows.concat()]) else { return };
    old.stage.run(&["import"]).ok().says("left out  1 message(s) of the bus");
    let thread = old.stage.said(&["forum", "thread", "fctrl-run-20260202-101500-agent"]);
    for words in ["Question: Tabs?", "Answer: Spaces.", "The work is done.", "Validation: passed"] {
        assert!(thread.contains(words), "{words:?} is missing:\n{thread}");
    }
    let record =
        fs::read_to_string(old.stage.repo.common_dir().join("metawsm/runs/run-20260202-101500/run.toml"));
    let record = record.expect("the record");
    assert!(
        record.contains("completed = \"A menu is there.\"") && record.contains("question = \"Tabs?\""),
        "{record}"
    );
    assert!(record.contains("status = \"passed\""), "{record}");
}

#[test]
fn a_completed_run_is_closed_without_its_agents_starting_once_more() {
    let Some(old) = Old::project() else { return };
    let run = "run-20260202-101500";
    let dir = old.workspace("new-2-0260202-101500");
    old.stage.run(&["import"]).ok();
    let refusal = old.stage.refuses(&["close", run]);
    assert!(refusal.contains(&format!("git metawsm resume {run}")), "{refusal}");
    assert!(!refusal.contains("start agent"), "{refusal}");
    old.stage.run(&["policy", "trust", run]).ok();
    old.stage.run(&["resume", run]).ok().says("completed");
    assert!(!dir.join("api/work.txt").exists(), "no agent worked");
    old.stage.run(&["close", run, "--waive", "validation=it was seen to hold"]).ok();
    assert_eq!(old.state(run), "closed");
    assert_eq!(old.stage.repo.read("old.txt"), "what the old agent did\n");
}

#[test]
fn a_person_may_complete_and_close_a_run_whose_agents_never_started_here() {
    let Some(old) = Old::project() else { return };
    let run = "run-20260203-101500";
    let dir = old.workspace("new-3-0260203-101500");
    old.stage.run(&["import"]).ok();
    old.stage.run(&["complete", run, "--reason", "it was done before"]).ok();
    old.stage.run(&["policy", "trust", run]).ok();
    old.stage.run(&["resume", run]).ok();
    assert!(!dir.join("api/work.txt").exists(), "no agent worked");
    old.stage.run(&["close", run]).ok();
    assert_eq!(old.stage.repo.read("old.txt"), "what the old agent did\n");
}

#[test]
fn a_run_whose_base_is_not_there_goes_on_from_the_base_of_its_repository() {
    let Some(old) = Old::project() else { return };
    old.stage.repo.git(["branch", "-m", "main", "trunk"]);
    let said = old.stage.said(&["import"]);
    assert!(said.contains("note: 'api' has no branch 'main'; its base is 'trunk' now.\n"), "{said}");
    let run = "run-20260206-101500";
    old.stage.run(&["policy", "trust", run]).ok();
    old.stage.run(&["resume", run]).ok();
    old.stage.wait(run, "completed");
}

#[test]
fn the_branch_of_a_workspace_that_was_reused_is_never_removed() {
    let Some(old) = Old::project() else { return };
    let run = "run-20260203-101500";
    let name = "new-3-0260203-101500";
    let dir = old.workspace(name);
    old.sql(&format!(
        "UPDATE runs SET spec_json = json_set(spec_json, '$.workspace_strategy', 'reuse') WHERE run_id = '{run}';
         UPDATE steps SET command_text = 'wsm info ''{name}''' WHERE run_id = '{run}' AND command_text LIKE 'wsm %';"
    ));
    old.stage.run(&["import"]).ok();
    old.stage.repo.git(["worktree", "remove", &dir.join("api").to_string_lossy()]);
    old.stage.run(&["discard", run]).ok();
    assert!(old.stage.repo.rev(&format!("task/{name}")).is_some(), "it was there before the run");
}
