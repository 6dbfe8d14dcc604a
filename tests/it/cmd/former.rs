//! The habits of the first metawsm's users: every command with every option that it had, in both spellings, is taken or
//! answered by a sentence that says what it means now. Each row is one line as somebody would have typed it.

use super::stage::{Stage, WORKS, plain};
use crate::kit::World;
use serde_json::json;
use std::os::unix::fs::symlink;

/// What an old line comes to.
#[derive(Debug, Clone, Copy)]
enum Now {
    /// It does what it did.
    Works,
    /// It is understood and refused for this reason, which is not how it was typed.
    Refused(&'static str),
    /// It works, and says what an option means now.
    Notes(&'static str),
    /// It is no more; the sentence says so.
    Gone(&'static str),
}

use Now::{Gone, Notes, Refused, Works};

/// Lines for a run `old-1` of the ticket `T-1` that is completed.
const LINES: [(&str, Now); 54] = [
    ("status --run-id old-1", Works),
    ("status -ticket T-1 -db .metawsm/metawsm.db", Notes("--db is not needed")),
    ("list", Works),
    ("run --ticket T-9 --repos api --dry-run --policy .metawsm/policy.json", Works),
    (
        "run -ticket T-9 -repos api -agent agent -base-branch main -workspace-strategy create -run-id r-9 -dry-run",
        Works,
    ),
    ("run --ticket T-9 --repos api --doc-repo api --doc-seed-mode none --dry-run=true", Works),
    ("run --ticket T-9 --repos api --doc-home-repo api --doc-repo api --dry-run", Works),
    ("run --ticket T-9 --repos api --doc-authority-mode workspace_active --dry-run", Works),
    (
        "bootstrap --ticket T-9 --repos api --goal g --scope s --done-criteria d --constraints c --merge-intent default --dry-run",
        Works,
    ),
    ("guide --run-id old-1 --answer yes", Refused("has no open question")),
    ("resume --ticket T-1", Works),
    ("stop --ticket T-1", Works),
    ("restart --ticket T-1 --dry-run", Gone("'restart' has no dry run")),
    ("iterate --ticket T-1 --feedback better --dry-run", Works),
    ("cleanup --ticket T-1 --dry-run --keep-workspaces", Gone("'cleanup' has no dry run")),
    ("commit --run-id old-1 --message m --actor me", Gone("'commit' has no '--actor'")),
    ("merge --ticket T-1 --dry-run --human", Notes("--human is not needed")),
    ("merge --ticket T-1 --dry-run=true --human=false", Works),
    ("close --ticket T-1 --dry-run --changelog-entry done", Works),
    ("pr --ticket T-1 --title t --body b --actor me", Gone("'pr' is no more")),
    ("auth check --ticket T-1", Gone("'auth check' is no more")),
    ("auth --run-id old-1 check", Gone("'auth check' is no more")),
    ("review sync --ticket T-1 --max-items 5 --dispatch --dry-run", Gone("'review sync' is no more")),
    ("operator --all --interval 15 --llm-mode assist --notify-cmd x", Gone("'operator' is no more")),
    ("serve --addr :3001 --worker-interval 500ms", Gone("'serve' is no more")),
    ("watch --all --interval 15 --bell=false --notify-cmd x", Refused("is not found")),
    ("watch -ticket T-1 -bell=true -notify-cmd no-such-program", Refused("is not found")),
    ("tui --interval 2", Refused("The screen needs a terminal")),
    ("tui --run-id old-1", Refused("The screen needs a terminal")),
    ("docs", Works),
    ("docs --refresh --ticket T-1 --endpoint x", Refused("No server of documents is called 'x'")),
    ("policy-init", Refused("exists and is not overwritten")),
    ("policy-init --path elsewhere.json", Works),
    ("policy-init -path=other.json", Works),
    (
        "forum ask --ticket T-1 --run-id old-1 --agent agent --title t --body b --priority high --actor-type human --actor-name kim",
        Works,
    ),
    ("forum ask -ticket T-1 -title t -body b", Works),
    ("forum list --ticket T-1 --run-id old-1 --state new --priority high --assignee kim --limit 5", Works),
    ("forum thread --thread-id THREAD", Works),
    (
        "forum assign --thread-id THREAD --assignee-type operator --assignee kim --note n --actor-type human --actor-name kim",
        Works,
    ),
    ("forum state --thread-id THREAD --state triaged", Works),
    ("forum priority --thread-id THREAD --priority urgent", Works),
    ("forum answer --thread-id THREAD --body 8080 --actor-type operator --actor-name kim", Works),
    ("forum close --thread-id THREAD --actor-type operator --actor-name kim", Works),
    ("forum watch --ticket T-1 --cursor 0 --limit 50", Works),
    ("forum search --query port", Gone("without '--query'")),
    (
        "forum signal --run-id old-1 --agent-name agent --type completion --summary s",
        Gone("'forum signal' is no more"),
    ),
    ("forum debug --ticket T-1 --limit 5", Gone("'forum debug' is no more")),
    ("forum list --server http://127.0.0.1:3001", Gone("'--server' is no more")),
    ("help", Works),
    ("--help", Works),
    ("-h", Works),
    ("close -h", Works),
    ("nonsense", Refused("Unrecognized subcommand 'nonsense'")),
    ("import --db .metawsm/metawsm.db", Refused("cannot be imported: it does not exist")),
];

#[test]
fn every_old_line_works_or_says_what_it_means_now() {
    let stage = Stage::with(WORKS);
    stage
        .repo
        .commit(".metawsm/policy.json", include_str!("../../../fixtures/policy/first-program-default.json"));
    stage.run(&["run", "--ticket", "T-1", "--run-id", "old-1", "--agent", "claude"]).ok();
    stage.wait("old-1", "completed");
    let asked =
        stage.json(&["forum", "ask", "--ticket", "T-1", "--title", "Which port?", "--body", "The old one?"]);
    let thread = asked["thread"]["id"].as_str().or(asked["id"].as_str()).expect("an id").to_owned();
    for (line, now) in LINES {
        let line = line.replace("THREAD", &thread);
        let words: Vec<_> = line.split(' ').collect();
        let output = stage.run(&words).output();
        plain(&output);
        match now {
            Works => assert_eq!(output.status, Some(0), "{output}"),
            Notes(note) => assert!(output.status == Some(0) && output.stderr.contains(note), "{output}"),
            Refused(why) | Gone(why) => {
                assert!(output.status != Some(0) && output.stderr.contains(why), "{output}");
                assert!(output.stderr.contains("\nnext:\n  git "), "no command to paste: {output}");
            }
        }
    }
    assert_eq!(stage.json(&["status", "old-1"])["runs"][0]["state"], "completed", "nothing of it has acted");
}

/// What the first program's example told an agent to do, word by word: files without run and agent in `.metawsm/` of the
/// repository where it starts, and the done criteria said again.
const OLD_AGENT: &str = r#"
mkdir -p .metawsm
if [ -f .metawsm/guidance-response.json ]; then
  echo work > work.txt && git add work.txt && git commit -qm 'Do the work'
  echo '{}' > .metawsm/implementation-complete.json
  echo '{"status": "passed", "done_criteria": "all tests pass"}' > .metawsm/validation-result.json
else
  echo '{"question": "Which port?"}' > .metawsm/guidance-request.json
fi"#;

#[test]
fn the_old_example_policy_and_its_prompt_carry_a_bootstrap_to_its_close() {
    let stage = Stage::with(WORKS);
    stage.world.script("codex", OLD_AGENT);
    for skill in ["docmgr", "diary"] {
        stage.repo.commit(&format!(".metawsm/skills/{skill}/SKILL.md"), "# A skill\n");
    }
    let example = include_str!("../../../fixtures/policy/first-program-example.json");
    stage.repo.commit(".metawsm/policy.json", example);
    stage.run(&["policy", "check"]).ok();
    stage.run(&["policy", "trust"]).ok();
    let brief = [
        "--goal",
        "Pick a port",
        "--scope",
        "api",
        "--done-criteria",
        "all tests pass",
        "--merge-intent",
        "default",
    ];
    let words = [&["bootstrap", "--ticket", "T-1", "--repos", "api", "--run-id", "one"][..], &brief].concat();
    stage.run(&words).ok();
    stage.wait("one", "awaiting_guidance");
    stage.wait_for_end("one");
    stage.run(&["guide", "--run-id", "one", "--answer", "8080"]).ok();
    stage.wait("one", "completed");
    stage.wait_for_end("one");
    stage.run(&["close", "--run-id", "one", "--changelog-entry", "done"]).ok();
    assert_eq!(stage.repo.read("work.txt"), "work\n");
}

/// What the README of the first program told people to write.
#[test]
fn a_line_that_hides_our_folder_is_named_where_it_matters() {
    let stage = Stage::with(WORKS);
    stage.repo.commit(".gitignore", "target/\n.metawsm/\n");
    let words = ".gitignore:2 '.metawsm/' makes git ignore .metawsm/: ";
    stage.run(&["policy-init"]).ok().tells(words);
    let output = stage.run(&["run", "x", "--run-id", "one"]).ok();
    assert!(format!("{}{}", output.stdout, output.stderr).contains(words), "{output}");
    stage.wait("one", "completed");
    let answer = stage.json(&["publish", "--dry-run"]);
    assert!(answer["hidden"].as_str().is_some_and(|said| said.starts_with(words)), "{answer}");
    // What is said is true: the record is committed all the same.
    stage.run(&["close", "one"]).ok();
    assert!(stage.repo.git(["ls-tree", "-r", "--name-only", "main"]).contains("/one.toml"));
    stage.repo.commit(".gitignore", "target/\n.metawsm/metawsm.db*\n");
    assert_eq!(stage.json(&["publish", "--dry-run"])["hidden"], json!(null));
}

#[test]
fn a_world_without_docmgr_wsm_and_tmux_imports_too() {
    let world = World::with_only(&["git", "sh"]);
    symlink(crate::kit::BINARY, world.bin().join("git-metawsm")).expect("a link in bin");
    let repo = world.repo("api");
    repo.write(".metawsm/metawsm.db", "");
    world.run(["import"]).at(&repo).code(1).tells("it is empty: no program has made a table in it");
}
