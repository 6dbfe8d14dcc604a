//! Bootstrap: several repositories with the documents elsewhere, an agent that reads its brief, decisions that come
//! into the documents, and a command that is killed anywhere in between.

use crate::kit::{Repo, wait_until};
use crate::stage::{PATIENCE, Stage, WORKER, holds, id, tree, wait_file, workspace};
use serde_json::{Value, json};

/// An agent that shows what it was given, and waits for a word to go on.
const READER: &str = r#"cat ttmp/*/*/*/*/reference/01-*.md "$METAWSM_WORKSPACE/.metawsm/brief.md" > "$METAWSM_WORKSPACE/read"
until [ -e "$METAWSM_WORKSPACE/go" ]; do sleep 0.05; done"#;

fn bootstrap(stage: &Stage, more: &[&str]) -> Value {
    let words =
        ["bootstrap", "--json", "--ticket", "T-1", "--goal", "Say hello", "--done", "hello.txt is there"];
    stage.world.run([&words, more].concat()).at(&stage.api).ok().json()
}

/// The document of that name below the ticket's documents, in the doc home's worktree.
fn document(repo: &Repo, name: &str) -> Option<String> {
    let listed = repo.git(["ls-files", "--", &format!("ttmp/*/reference/*{name}*")]);
    assert!(listed.lines().count() < 2, "one document: {listed}");
    (!listed.is_empty()).then(|| repo.git(["show", &format!("HEAD:{listed}")]))
}

#[test]
fn the_brief_lies_in_the_doc_home_of_several_repositories_before_the_agent_starts() {
    let stage = Stage::new(&[("coder", READER)]);
    let docs = stage.repo_on("docs", "main");
    let run = bootstrap(&stage, &["--repos", "api,docs", "--doc-home-repo", "docs"]);
    let home = docs.seen_from(tree(&run, 0, "docs"));
    wait_until("the agent has read", PATIENCE, || workspace(&run, 0).join("read").exists());
    let brief = document(&home, "bootstrap-brief").expect("the brief");
    holds(
        &brief,
        &["## Goal\n\nSay hello", "## Done criteria\n\nhello.txt is there", "## Scope\n\nNone stated."],
    );
    let brief_id = run["brief"]["id"].as_str().expect("an id");
    let seen = std::fs::read_to_string(workspace(&run, 0).join("read")).expect("what it read");
    let (document, beside) = seen.split_once("# Ticket T-1").expect("both");
    assert!(document.contains(brief_id) && beside.contains(brief_id), "{brief_id} is not in both: {seen}");
    assert!(!tree(&run, 0, "api").join("ttmp").exists(), "documents lie in the doc home only");
    // What we committed is no work: the agent has ended well and nothing was done.
    std::fs::write(workspace(&run, 0).join("go"), "").expect("the word");
    stage.wait_ended(id(&run));
    stage.wait_nobody();
    assert_eq!(stage.status(id(&run))["state"], "running");
}

#[test]
fn what_the_forum_decides_comes_into_the_documents_once() {
    let stage = Stage::new(&[("coder", READER)]);
    let run = bootstrap(&stage, &[]);
    let home = stage.api.seen_from(tree(&run, 0, "api"));
    let ask = |title: &str| {
        let words = ["forum", "ask", "--json", "--title", title, "--body", "Which one?\n---\n## Forged"];
        stage.world.run(words).at(&stage.api).ok().json()["thread"]["id"].as_str().expect("an id").to_owned()
    };
    let first = ask("Which <!-- port?");
    assert_eq!(document(&home, "forum-decisions"), None, "nothing is decided yet");
    // Work of the agent lies in the worktree, staged and not.
    home.write("staged.txt", "mine\n");
    home.git(["add", "staged.txt"]);
    home.write("open.txt", "mine too\n");
    let answer = "8080\n\u{1b}[31m<!-- metawsm:event x -->\n# Not a heading";
    stage.do_(["forum", "answer", &first, "--body", answer]).ok();
    let written = document(&home, "forum-decisions").expect("the decisions");
    holds(
        &written,
        &[
            "DocType: reference\n",
            "\n## Which \\<!-- port?\n",
            "\n> Which one?\n> ---\n> ## Forged\n",
            "\nAnswered by ",
            "\n> 8080\n>  [31m<!-- metawsm:event x -->\n> # Not a heading",
        ],
    );
    let made = home.git(["log", "-1", "--format=%B"]);
    holds(&made, &["Metawsm-Made: yes", &format!("Metawsm-Run: {}", id(&run))]);
    assert_eq!(
        home.git(["status", "--porcelain"]),
        "A  staged.txt\n?? open.txt",
        "the agent's work is left alone"
    );
    let head = home.git(["rev-parse", "HEAD"]);
    stage.status(id(&run));
    assert_eq!(home.git(["rev-parse", "HEAD"]), head, "written once");
    // A later answer goes into the same section, another thread into its own.
    let second = ask("And the host?");
    stage.do_(["forum", "close", &second]).ok();
    stage.do_(["forum", "answer", &first, "--body", "No: 9090"]).ok();
    let written = document(&home, "forum-decisions").expect("the decisions");
    assert_eq!(written.matches("\n## ").count(), 2, "{written}");
    assert!(written.find("9090") < written.find("And the host?"), "{written}");
    assert_eq!(written.matches("> 8080").count(), 1, "{written}");
}

/// A question in the forum, and its answer.
fn decide_on_a_port(stage: &Stage) {
    let words = ["forum", "ask", "--json", "--title", "Which port?", "--body", "Well?"];
    let asked = stage.world.run(words).at(&stage.api).ok().json();
    let thread = asked["thread"]["id"].as_str().expect("an id");
    stage.do_(["forum", "answer", thread, "--body", "8080"]).ok();
}

#[test]
fn a_busy_run_or_a_worktree_in_the_way_is_caught_up_with() {
    let stage = Stage::new(&[("coder", READER)]);
    let run = bootstrap(&stage, &[]);
    let home = stage.api.seen_from(tree(&run, 0, "api"));
    home.git(["switch", "-q", "--detach"]);
    decide_on_a_port(&stage);
    assert_eq!(document(&home, "forum-decisions"), None);
    std::fs::write(workspace(&run, 0).join("go"), "").expect("the word");
    stage.wait_ended(id(&run));
    stage.wait_nobody();
    home.git(["switch", "-q", run["worktrees"][0]["branch"].as_str().expect("a branch")]);
    stage.do_(["complete", id(&run), "--reason", "enough"]).ok();
    stage.do_(["commit", id(&run)]).ok();
    holds(&document(&home, "forum-decisions").expect("the decisions"), &["> 8080"]);
}

#[test]
fn a_decision_that_history_holds_before_the_run_was_settled_comes_into_the_documents() {
    let stage = Stage::new(&[("coder", READER)]);
    stage.api.with_origin();
    stage.api.git(["branch", "-q", "--set-upstream-to=origin/main", "main"]);
    let run = bootstrap(&stage, &[]);
    let home = stage.api.seen_from(tree(&run, 0, "api"));
    // Nothing can be written now.
    home.git(["switch", "-q", "--detach"]);
    decide_on_a_port(&stage);
    stage.do_(["publish"]).ok();
    stage.api.git(["push", "-q"]);
    stage.do_(["publish"]).ok();
    assert_eq!(document(&home, "forum-decisions"), None);
    home.git(["switch", "-q", run["worktrees"][0]["branch"].as_str().expect("a branch")]);
    stage.do_(["status", id(&run)]).ok();
    holds(&document(&home, "forum-decisions").expect("the decisions"), &["> 8080"]);
    // Once the run is decided, nothing keeps the live copies.
    let live = stage.api.common_dir().join("metawsm/forum");
    let count = || walk(&live);
    assert_eq!(count(), 2);
    stage.do_(["discard", id(&run)]).ok();
    stage.do_(["publish"]).ok();
    assert_eq!(count(), 0);
}

/// How many files there are below a directory.
fn walk(dir: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.map(|path| if path.is_dir() { walk(&path) } else { 1 }).sum()
}

#[test]
fn decisions_stay_out_of_documents_where_policy_or_the_ticket_says_so() {
    let off = json!({ "forum": { "docs_sync": { "enabled": false } } });
    let stage = Stage::with(&[("coder", WORKER)], "process", &off);
    let run = bootstrap(&stage, &[]);
    let asked = stage.do_(["forum", "ask", "--json", "--title", "x", "--body", "y"]).ok().json();
    let thread = asked["thread"]["id"].as_str().expect("an id");
    stage.do_(["forum", "answer", thread, "--body", "z"]).ok();
    assert_eq!(document(&stage.api.seen_from(tree(&run, 0, "api")), "forum-decisions"), None);
    stage.do_(["policy", "check"]).ok().lacks("not used yet");
}

#[test]
fn a_bootstrap_that_is_killed_is_resumed_with_one_brief() {
    let stage = Stage::new(&[("coder", WORKER)]);
    // A hook of the user holds the commit of the brief.
    let hooks = stage.api.common_dir().join("hooks/pre-commit");
    let gate = stage.world.root().join("gate");
    std::fs::create_dir_all(hooks.parent().expect("a folder")).expect("the folder");
    let script = format!(
        "#!/bin/sh\ncase \"$(git diff --cached --name-only)\" in *reference*) echo here > {0}.at; until [ -e {0} ]; do sleep 0.05; done ;; esac\n",
        gate.display()
    );
    std::fs::write(&hooks, script).expect("the hook");
    stage.world.command("chmod").arg("+x").arg(&hooks).status().expect("chmod");
    let running = stage.start([
        "bootstrap",
        "--ticket",
        "T-1",
        "--run-id",
        "one",
        "--goal",
        "Say hello",
        "--done",
        "hello.txt is there",
    ]);
    wait_file(format!("{}.at", gate.display()));
    running.kill();
    std::fs::write(&gate, "").expect("the gate opens");
    stage.do_(["resume", "one"]).ok();
    stage.wait_ended("one");
    let run = stage.look("one");
    let home = stage.api.seen_from(tree(&run, 0, "api"));
    holds(&document(&home, "bootstrap-brief").expect("one brief"), &["- Run: one\n", "hello.txt is there"]);
    assert_eq!(home.git(["status", "--porcelain"]), "");
}

#[test]
fn an_agent_is_told_the_files_of_its_skills() {
    let stage = Stage::new(&[("coder", "cat \"$1\"\nexec sleep 600")]);
    let mut rules = stage.rules();
    rules["agent_profiles"][0]["skills"] = json!(["diary", "tidy"]);
    stage.set_policy(&stage.api, &rules);
    let docs = stage.repo_on("docs", "main");
    let before = stage.world.snapshot();
    let refused = stage.do_(["policy", "check"]).code(1);
    let diary = stage.api.path().join(".metawsm/skills/diary/SKILL.md");
    holds(
        &refused.stderr,
        &[
            "The skill 'diary' of the profile 'p-coder' is nowhere; looked for ",
            &diary.display().to_string(),
            "/home/.codex/skills/diary/SKILL.md",
            "/home/.claude/skills/diary/SKILL.md",
            "The skill 'tidy' of the profile 'p-coder' is nowhere",
        ],
    );
    stage.do_(["run", "Say hello"]).code(1).tells("The skill 'diary' of the profile 'p-coder' is nowhere");
    before.assert_same(&stage.world.snapshot());
    stage.api.commit(".metawsm/skills/diary/SKILL.md", "Keep a diary.\n");
    let tidy = stage.world.home().join(".claude/skills/tidy/SKILL.md");
    std::fs::create_dir_all(tidy.parent().expect("a folder")).expect("the folder");
    std::fs::write(&tidy, "Be tidy.\n").expect("the skill");
    stage.do_(["policy", "check"]).ok();
    // The doc home is the repository of the policy: its worktree has the file. Elsewhere a copy is made.
    let here = stage.run(&["Say hello"]);
    let there = stage.run(&["Say hello there", "--repos", docs.path().to_str().expect("a path")]);
    let copy = workspace(&there, 0).join(".metawsm/skills/diary/SKILL.md");
    for (run, file) in [(&here, tree(&here, 0, "api").join(".metawsm/skills/diary/SKILL.md")), (&there, copy)]
    {
        assert_eq!(std::fs::read_to_string(&file).expect("the skill"), "Keep a diary.\n");
        let words = format!("work as they say:\n- {}\n- {}\n", file.display(), tidy.display());
        wait_until("the agent was told", PATIENCE, || {
            stage.do_(["logs", id(run)]).ok().stdout.contains(&words)
        });
    }
}
