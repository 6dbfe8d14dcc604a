//! A bootstrap run, whole: what people and an agent say to each other, from intake to a record that tells it.

use crate::kit::{Output, Repo, require, wait_for, wait_until};
use crate::stage::{PATIENCE, Stage, blockers, holds, id, needs};
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;

/// An agent program with a memory: it writes down what it is given, asks and ends; continued with the answer it works
/// and finds its own work wanting; continued with feedback it mends it.
const AGENT: &str = r#"#!/bin/sh -eu
out=$(dirname "$0")/../seen
mkdir -p "$out"
n=$(ls "$out" | grep -c '^argv-' || true)
cp "$METAWSM_WORKSPACE/.metawsm/brief.md" "$out/brief"
printf '%s\0' "$@" > "$out/new"
mv "$out/new" "$out/argv-$n"
case $n in
0)
  git metawsm signal question --question 'Which colour has the page?' --context 'The ticket names none.'
  ;;
1)
  echo "colour: ${COLOUR:-blue}" > page.txt
  git add page.txt
  git commit -qm 'Add the page'
  git metawsm signal complete --summary 'The page is there'
  git metawsm signal validate --status failed --summary 'the contrast test fails'
  ;;
*)
  echo 'contrast: high' >> page.txt
  git commit -qam 'Raise the contrast'
  git metawsm signal complete --summary 'The contrast is high'
  git metawsm signal validate --status passed --summary 'all tests pass'
  ;;
esac
"#;

struct Story {
    stage: Stage,
    run: String,
}

impl Story {
    /// The arguments of the agent's nth start, once it was started so often.
    fn argv(&self, nth: usize) -> Vec<String> {
        let file = self.stage.world.root().join(format!("seen/argv-{nth}"));
        let text =
            wait_for(&format!("start {nth} of the agent"), PATIENCE, || std::fs::read_to_string(&file).ok());
        text.trim_end_matches('\0').split('\0').map(str::to_owned).collect()
    }

    fn told(&self) -> String {
        std::fs::read_to_string(self.told_file()).unwrap_or_default()
    }

    fn told_file(&self) -> PathBuf {
        self.stage.world.root().join("told")
    }

    /// What was told of one sort, once there is any.
    fn told_of(&self, event: &str) -> String {
        wait_for(&format!("the person hears of {event}"), PATIENCE, || {
            self.told().lines().find(|line| line.starts_with(event)).map(str::to_owned)
        })
    }

    fn do_(&self, args: &[&str]) -> Output {
        self.stage.world.run(args.to_vec()).at(&self.stage.api).output()
    }
}

fn bootstrap(stage: Stage) -> Story {
    let args = [
        "bootstrap",
        "--json",
        "--ticket",
        "PAGE-1",
        "--repos",
        "api",
        "--goal",
        "Make the landing page",
        "--scope",
        "the page only",
        "--done",
        "the page exists and its contrast is high",
        "--constraints",
        "no scripts",
        "--merge-intent",
        "after a look",
    ];
    let run = stage.world.run(args.to_vec()).at(&stage.api).ok().json();
    let run = id(&run).to_owned();
    Story { stage, run }
}

/// The stage with an agent program `claude` on PATH, a person who is told, and answers that are late after a minute.
fn stage() -> Stage {
    let told = json!({ "forum": { "sla": { "escalation_minutes": 1 } } });
    let stage = Stage::with(&[("unused", "true")], "tmux", &told);
    stage.world.script("claude", AGENT);
    let tell = stage.world.root().join("agents/tell.sh");
    let file = stage.world.root().join("told");
    let script =
        format!("printf '%s: %s\\n' \"$METAWSM_EVENT\" \"$METAWSM_MESSAGE\" >> '{}'\n", file.display());
    std::fs::write(&tell, script).expect("a script");
    let mut rules = stage.rules();
    rules["notify"] = json!({ "command": ["sh", tell] });
    rules["agents"] = json!([{ "name": "coder", "profile": "claude" }]);
    stage.set_policy(&stage.api, &rules);
    stage
}

#[test]
fn a_bootstrap_run_is_asked_answered_sent_back_and_closed_and_its_record_tells_it() {
    if require("tmux").is_none() {
        return;
    }
    let story = bootstrap(stage());
    let (stage, run) = (&story.stage, story.run.clone());

    // Intake: the brief is in the record, in the ticket's documents, and before the agent's eyes when it starts.
    let first = story.argv(0);
    assert!(first.contains(&"--session-id".to_owned()), "{first:?}");
    let criteria = "the page exists and its contrast is high";
    holds(first.last().expect("a prompt"), &["Make the landing page", criteria, "no scripts", "PAGE-1"]);
    let brief = std::fs::read_to_string(stage.world.root().join("seen/brief")).expect("a brief");
    holds(&brief, &["Make the landing page", criteria, "brief-"]);

    // Question: the run waits, and the person hears of it once.
    stage.wait_state(&run, "awaiting_guidance");
    holds(&story.told_of("guidance_needed"), &["Which colour has the page?"]);
    let view = stage.status(&run);
    holds(&needs(&view), &["Which colour has the page?", "git metawsm guide"]);

    // Nobody answers: it is escalated.
    wait_until("the question is escalated", Duration::from_secs(150), || {
        let listed = stage.do_(["forum", "list", "--escalated", "--json"]).ok().json();
        listed["threads"].as_array().is_some_and(|threads| !threads.is_empty())
    });
    holds(&needs(&stage.status(&run)), &["escalated"]);
    story.told_of("thread_escalated");
    holds(&story.do_(&["check", &run]).stdout, &["forum-quiet", "guidance"]);

    // The answer continues the conversation.
    stage.do_(["guide", &run, "--answer", "Blue, like the logo."]).ok();
    let second = story.argv(1);
    let conversation = &first[first.iter().position(|w| w == "--session-id").expect("an id") + 1];
    let at = second.iter().position(|w| w == "--resume").expect("it is continued");
    assert_eq!(&second[at + 1], conversation);
    holds(second.last().expect("a prompt"), &["Blue, like the logo.", "Which colour has the page?"]);

    // Completion; the agent's own validation failed, and that blocks the close with its reason.
    stage.wait_state(&run, "completed");
    let refused = stage.do_(["close", &run, "--json"]).code(3).json();
    holds(&blockers(&refused), &["validation", "the contrast test fails", "git metawsm iterate"]);
    let needed = needs(&stage.status(&run));
    assert!(needed.contains("the contrast test fails") && !needed.contains("The work is done"), "{needed}");

    // Feedback goes into the documents and into the same conversation.
    stage.do_(["iterate", &run, "--feedback", "Raise the contrast, please."]).ok();
    let third = story.argv(2);
    assert!(third.contains(conversation), "{third:?}");
    holds(third.last().expect("a prompt"), &["Raise the contrast, please."]);
    stage.wait_state(&run, "completed");
    let heard = story.told();
    assert_eq!(heard.lines().filter(|line| line.starts_with("guidance_needed")).count(), 1, "{heard}");

    stage.do_(["check", &run]).ok();
    let closed = stage.do_(["close", &run, "--json"]).ok().json();
    assert_eq!(closed["state"], "closed", "{closed:#}");
    record_tells_it(&stage.api, &run);
    documents_tell_it(&stage.api);
}

fn file_in_main(repo: &Repo, path: &str) -> String {
    repo.git(["show", &format!("main:{path}")])
}

fn names_in_main(repo: &Repo, below: &str) -> Vec<String> {
    repo.git(["ls-tree", "-r", "--name-only", "main", below]).lines().map(str::to_owned).collect()
}

/// The record and the threads that were published with it.
fn record_tells_it(repo: &Repo, run: &str) {
    let names = names_in_main(repo, ".metawsm/runs");
    let name = names.iter().find(|name| name.ends_with(&format!("{run}.toml"))).expect("a record");
    let record = file_in_main(repo, name);
    let told = [
        "Make the landing page",
        "the page exists and its contrast is high",
        "Which colour has the page?",
        "Raise the contrast, please.",
        "all tests pass",
        "status = \"passed\"",
        "[[receipt.gates]]",
    ];
    holds(&record, &told);
    assert!(!record.contains("/tmp") && record.len() < 12 << 10, "{record}");
    let threads: Vec<_> =
        names_in_main(repo, ".metawsm/forum").iter().map(|name| file_in_main(repo, name)).collect();
    let threads = threads.join("\n");
    holds(&threads, &["Which colour has the page?", "The ticket names none.", "Blue, like the logo."]);
}

/// Brief, decision and feedback, each once, with frontmatter that docmgr reads.
fn documents_tell_it(repo: &Repo) {
    let names = names_in_main(repo, "ttmp");
    let documents: Vec<_> = names.iter().filter(|name| name.contains("/reference/")).collect();
    let texts: Vec<_> = documents.iter().map(|name| file_in_main(repo, name)).collect();
    for words in ["no scripts", "Blue, like the logo.", "Raise the contrast, please."] {
        let with: Vec<_> = texts.iter().filter(|text| text.contains(words)).collect();
        assert_eq!(with.len(), 1, "{words:?} stands once in {documents:?}: {texts:#?}");
        assert!(with[0].starts_with("---\n") && with[0].contains("Ticket: PAGE-1"), "{}", with[0]);
    }
    let index = names.iter().find(|name| name.ends_with("/index.md")).expect("a ticket");
    holds(&file_in_main(repo, index), &["Status: complete"]);
}
