//! `workspace.provider = wsm`: workspaces that wsm makes and deletes, and everything that it does otherwise.

use super::stand_in::{calls, config, even, install, odd};
use crate::kit::{Repo, World, wait_until};
use crate::stage::{PATIENCE, Stage, WORKER, holds, id, tree, workspace};
use serde_json::{Value, json};
use std::fs;

/// An agent that commits its work and leaves a file.
const LEAVES: &str = r#"for tree in "$METAWSM_WORKSPACE"/*/; do
  echo work > "$tree/work.txt"
  git -C "$tree" add work.txt && git -C "$tree" commit -qm Work
  echo loose > "$tree/loose.txt"
done"#;

fn by_wsm(agent: &str, more: &Value) -> (Stage, Repo) {
    let mut keys = json!({ "workspace": { "provider": "wsm" } });
    for (key, value) in more.as_object().expect("an object") {
        keys["workspace"][key] = value.clone();
    }
    let stage = Stage::with(&[("coder", agent)], "process", &keys);
    let web = stage.repo_on("web", "main");
    install(&stage.world, &[&stage.api, &web]);
    (stage, web)
}

fn run(stage: &Stage, text: &str) -> Value {
    stage.run(&["--repos", "api,web", text])
}

fn refused(stage: &Stage, parts: &[&str]) {
    let output = stage.do_(["run", "--repos", "api,web", "Do it"]).output();
    assert_ne!(output.status, Some(0), "{output}");
    holds(&output.stderr, parts);
}

/// Nothing of a run is left: no branch, no worktree, no workspace.
fn assert_nothing(stage: &Stage, repos: [&Repo; 2]) {
    for repo in repos {
        assert_eq!(repo.git(["for-each-ref", "--format=%(refname)", "refs/heads"]), "refs/heads/main");
        assert_eq!(repo.git(["worktree", "list"]).lines().count(), 1);
    }
    assert_eq!(fs::read_dir(config(&stage.world).join("workspaces")).expect("wsm's").count(), 0);
}

#[test]
fn wsm_makes_the_workspace_and_deletes_it_after_everything_was_saved() {
    let (stage, web) = by_wsm(LEAVES, &json!({}));
    let run = run(&stage, "First part");
    let (name, dir) = ("first-part", workspace(&run, 0));
    let create = format!("create {name} --repos api,web --branch task/{name} --base-branch main");
    assert_eq!(
        calls(&stage.world).lines().filter(|line| line.starts_with("create")).collect::<Vec<_>>(),
        [create]
    );
    let file = config(&stage.world).join(format!("workspaces/{name}.json"));
    let text = fs::read_to_string(&file).expect("wsm's file");
    assert!(text.contains("10:00:00.5+01:00"), "it is wsm's own: {text}");
    assert!(dir.starts_with(stage.world.home().join("workspaces")), "{}", dir.display());
    stage.wait_ended(id(&run));
    stage.do_(["discard", id(&run)]).ok();
    let calls = calls(&stage.world);
    holds(&calls, &[&format!("delete {name} --force --force-worktrees --remove-files")]);
    assert!(!dir.exists() && !file.exists());
    assert_nothing(&stage, [&stage.api, &web]);
    for repo in [&stage.api, &web] {
        let rescues = repo.git(["for-each-ref", "--format=%(refname)", "refs/metawsm/rescue"]);
        let files: String = rescues.lines().map(|r| repo.git(["ls-tree", "--name-only", r])).collect();
        holds(&files, &["work.txt", "loose.txt"]);
    }
}

#[test]
fn a_run_by_wsm_closes_as_any_other() {
    let (stage, web) = by_wsm(WORKER, &json!({}));
    let made = run(&stage, "First part");
    stage.wait_state(id(&made), "completed");
    stage.do_(["close", id(&made)]).ok();
    stage.do_(["cleanup", id(&made)]).ok().says("workspace");
    for repo in [&stage.api, &web] {
        repo.git(["cat-file", "-e", "main:coder-first-part.txt"]);
    }
    assert_nothing(&stage, [&stage.api, &web]);
    // A fork is made by us, and wsm sees it all the same.
    let first = run(&stage, "Next part");
    stage.wait_state(id(&first), "completed");
    let fork = stage.run(&["--workspace-strategy", "fork", "--from", id(&first), "Third part"]);
    assert!(!calls(&stage.world).contains("create third-part"));
    super::wsm(&stage.world, &["info", "third-part", "--field", "branch"]).says("task/third-part");
    stage.wait_state(id(&fork), "completed");
    stage.do_(["discard", id(&fork)]).ok();
    stage.do_(["discard", id(&first)]).ok();
    assert_nothing(&stage, [&stage.api, &web]);
}

#[test]
fn what_wsm_could_not_make_is_refused_before_anything_is_made() {
    let (stage, web) = by_wsm(WORKER, &json!({}));
    let registry = config(&stage.world).join("registry.json");
    let known = fs::read_to_string(&registry).expect("a registry");
    let before = (stage.api.snapshot(), web.snapshot());
    fs::remove_file(&registry).expect("removed");
    let api = stage.api.path().display().to_string();
    refused(
        &stage,
        &["repository 'api'", "holds no repository of that name", &format!("wsm discover {api}")],
    );
    stage.do_(["run", "--dry-run", "x"]).code(1).tells("wsm discover");
    fs::write(&registry, known.replace(&api, "/nowhere/api")).expect("written");
    refused(&stage, &["/nowhere/api, where nothing is", "registry.json"]);
    fs::write(&registry, known.replace(&api, web.path().to_str().expect("UTF-8"))).expect("written");
    refused(&stage, &["another repository by that name"]);
    fs::write(&registry, "{").expect("written");
    refused(&stage, &["registry.json could not be understood"]);
    fs::write(&registry, &known).expect("written");
    before.0.assert_same(&stage.api.snapshot());
    before.1.assert_same(&web.snapshot());
    web.git(["branch", "-m", "main", "trunk"]);
    refused(&stage, &["wsm knows one base", "'main' of api, 'trunk' of web", "builtin"]);
    let (elsewhere, _) = by_wsm(WORKER, &json!({ "root": "/tmp/elsewhere" }));
    refused(&elsewhere, &["workspace.root is /tmp/elsewhere", "alone"]);
    assert!(!calls(&stage.world).contains("create") && !calls(&elsewhere.world).contains("create"));
}

#[test]
fn a_missing_wsm_is_named_before_anything_is_made() {
    let world = World::with_only(&["git", "sh", "sleep", "uname", "cat"]);
    let repo = world.repo("api");
    repo.commit(".metawsm/policy.json", "{\"version\": 2, \"workspace\": {\"provider\": \"wsm\"}}\n");
    world.script("claude", "exit 0");
    let before = repo.snapshot();
    let refused = world.run(["run", "--json", "x"]).at(&repo).code(5);
    holds(&refused.stdout, &["no program wsm is on PATH", "\"outside\""]);
    before.assert_same(&repo.snapshot());
}

#[test]
fn a_wsm_that_fails_leaves_nothing_and_the_next_attempt_succeeds() {
    let cases = [
        ("old", "", "too old: it knows no --base-branch"),
        ("mute", "", "ended with exit 0 and did not do it: ✗ Error: the disk is full"),
        ("fail", "1", "failed to create worktree for web"),
        ("no-json", "", "failed to save workspace configuration"),
    ];
    for (what, text, told) in cases {
        let (stage, web) = by_wsm(WORKER, &json!({}));
        odd(&stage.world, what, text);
        if what == "fail" {
            odd(&stage.world, "left", "");
        }
        let failed = stage.do_(["run", "--repos", "api,web", "--run-id", "one", "Do it"]).code(1);
        holds(&failed.stderr, &[told, "git metawsm resume one"]);
        for repo in [&stage.api, &web] {
            assert_eq!(repo.git(["branch", "--list", "task/*"]), "", "{what}");
            assert_eq!(repo.git(["worktree", "list"]).lines().count(), 1, "{what}");
        }
        even(&stage.world);
        stage.do_(["resume", "one"]).ok();
        stage.wait_state("one", "completed");
        stage.do_(["discard", "one"]).ok();
        assert_nothing(&stage, [&stage.api, &web]);
    }
}

#[test]
fn wsm_is_never_asked_about_a_branch_that_holds_work() {
    let (stage, web) = by_wsm(WORKER, &json!({}));
    let run = run(&stage, "First part");
    stage.wait_state(id(&run), "completed");
    // Somebody deletes the workspace with wsm, which leaves the branches, and goes on.
    super::wsm(&stage.world, &["delete", "first-part", "--force", "--force-worktrees", "--remove-files"]);
    assert!(!workspace(&run, 0).exists());
    stage.do_(["iterate", id(&run), "--feedback", "Once more"]).output();
    stage.do_(["resume", id(&run)]).output();
    assert_eq!(calls(&stage.world).matches("create ").count(), 1);
    for repo in [&stage.api, &web] {
        assert_eq!(repo.git(["log", "-1", "--format=%s", "task/first-part"]), "Work of coder");
    }
    stage.do_(["discard", id(&run)]).ok();
    assert_nothing(&stage, [&stage.api, &web]);
}

#[test]
fn a_day_that_ends_between_plan_and_act_is_no_error() {
    let (stage, web) = by_wsm(WORKER, &json!({}));
    odd(&stage.world, "date", "2031-02-03\n");
    let run = run(&stage, "First part");
    let dir = stage.world.home().join("workspaces/2031-02-03/first-part");
    assert_eq!((workspace(&run, 0), tree(&run, 0, "web")), (dir.clone(), dir.join("web")));
    stage.wait_state(id(&run), "completed");
    // The hooks know the place too.
    for repo in [&stage.api, &web] {
        let entry =
            fs::read_to_string(repo.common_dir().join("metawsm/open").join(id(&run))).expect("an entry");
        holds(&entry, &["workspaces/2031-02-03/first-part"]);
    }
    stage.do_(["close", id(&run)]).ok();
    stage.do_(["cleanup", id(&run)]).ok();
    assert!(!dir.exists());
    assert_nothing(&stage, [&stage.api, &web]);
}

#[test]
fn a_kill_while_wsm_works_is_made_good() {
    for with_children in [false, true] {
        let (stage, web) = by_wsm(WORKER, &json!({}));
        odd(&stage.world, "slow", "");
        let running = stage.start(["run", "--repos", "api,web", "--run-id", "one", "Do it"]);
        let begun = stage.world.home().join(".stand-in/begun");
        wait_until("wsm has made the first worktree", PATIENCE, || begun.exists());
        running.kill();
        if with_children {
            let is_wsm = |child: &git_metawsm::model::Child| {
                git_metawsm::sys::procs::command_words(child.pid).iter().any(|word| word == "create")
            };
            let all = git_metawsm::sys::procs::marked("METAWSM_STEP", "one");
            let ours: Vec<_> = all.into_iter().filter(is_wsm).collect();
            assert!(!ours.is_empty(), "wsm works on without us");
            ours.into_iter().for_each(git_metawsm::sys::procs::kill_hard);
        }
        // Whoever comes next waits for a wsm that is still at work.
        let resumed = stage.start(["resume", "one"]);
        odd(&stage.world, "go", "");
        resumed.end().ok();
        stage.wait_state("one", "completed");
        // One that goes on without us may end when it next speaks to nobody.
        assert!(calls(&stage.world).matches("create ").count() <= 2);
        stage.do_(["close", "one"]).ok();
        stage.do_(["cleanup", "one"]).ok();
        assert_nothing(&stage, [&stage.api, &web]);
    }
}

#[test]
fn what_wsm_does_not_know_is_kept_and_what_it_cannot_delete_is_removed() {
    let (stage, web) = by_wsm(WORKER, &json!({}));
    let first = run(&stage, "First part");
    stage.wait_state(id(&first), "completed");
    let notes = workspace(&first, 0).join("notes.md");
    fs::write(&notes, "mine\n").expect("written");
    let said = stage.do_(["discard", id(&first)]).ok();
    holds(&said.stderr, &["wsm was not asked to delete 'first-part'", "notes.md"]);
    assert_eq!(fs::read_to_string(&notes).expect("kept"), "mine\n");
    assert!(!calls(&stage.world).contains("delete first-part"));
    assert_nothing(&stage, [&stage.api, &web]);

    odd(&stage.world, "refuses", "");
    let second = run(&stage, "Second part");
    stage.wait_state(id(&second), "completed");
    let said = stage.do_(["discard", id(&second)]).ok();
    holds(&said.stderr, &["'wsm delete second-part", "failed to remove worktrees", "removed without it"]);
    assert!(!workspace(&second, 0).exists());
    assert_nothing(&stage, [&stage.api, &web]);
    even(&stage.world);

    for gone in ["directory", "file", "worktree"] {
        let run = run(&stage, &format!("Without its {gone}"));
        stage.wait_state(id(&run), "completed");
        let dir = workspace(&run, 0);
        match gone {
            "directory" => fs::remove_dir_all(&dir).expect("removed"),
            "worktree" => fs::remove_dir_all(dir.join("web")).expect("removed"),
            _ => {
                let name = dir.file_name().expect("a name").to_string_lossy().into_owned();
                fs::remove_file(config(&stage.world).join(format!("workspaces/{name}.json")))
                    .expect("removed");
            }
        }
        stage.do_(["discard", id(&run)]).ok();
        assert!(!dir.exists(), "{gone}");
        assert_nothing(&stage, [&stage.api, &web]);
    }
}

#[test]
fn a_base_that_is_newer_upstream_is_where_the_work_begins() {
    let (stage, web) = by_wsm(WORKER, &json!({}));
    let origin = stage.api.with_origin();
    let clone = stage.world.root().join("clone");
    let (origin, clone) = (origin.display().to_string(), clone.display().to_string());
    stage.git(stage.world.root(), &["clone", "-q", &origin, &clone]).ok();
    let identity =
        ["-c", "user.name=A", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "Newer"];
    stage.git(&clone, &identity).ok();
    stage.git(&clone, &["push", "-q", "origin", "main"]).ok();
    let run = run(&stage, "First part");
    let api = tree(&run, 0, "api");
    assert_eq!(stage.git(&api, &["log", "--format=%s", "--grep", "Newer"]).ok().stdout, "Newer\n");
    stage.wait_state(id(&run), "completed");
    stage.do_(["close", id(&run)]).ok();
    stage.do_(["cleanup", id(&run)]).ok();
    assert_nothing(&stage, [&stage.api, &web]);
}
