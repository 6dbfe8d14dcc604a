//! The stage of the commands' tests: a world, a repository, and an agent program that does what the test says.

use crate::kit::{Output, Repo, Run, World, wait_until};
use git_metawsm::sys::procs;
use regex::Regex;
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;

/// An agent that commits one file and ends.
pub const WORKS: &str = "echo 'all is done'\necho \"work of $METAWSM_RUN\" > work.txt\ngit add work.txt\ngit commit -q -m 'Do the work'";
/// An agent that waits until somebody ends it.
pub const WAITS: &str = "echo 'waiting for you'\nexec sleep 600";
/// An agent that leaves a file uncommitted.
pub const LEAVES: &str = "echo left > left.txt";

/// A world with the repository `api`, the process backend, and `claude` as the scripted agent.
pub struct Stage {
    pub world: World,
    pub repo: Repo,
}

impl Stage {
    /// A stage whose agent does this.
    pub fn with(agent: &str) -> Self {
        Self::of(World::new(), agent)
    }

    /// A stage in a world of one's own.
    pub fn of(world: World, agent: &str) -> Self {
        let repo = world.repo("api");
        let stage = Self { world, repo };
        stage.agent(agent);
        let config = "[metawsm \"sessions\"]\n\tbackend = process\n";
        std::fs::write(stage.world.home().join(".gitconfig"), config).expect("a git configuration");
        stage
    }

    /// Changes what the agent does from its next start on.
    pub fn agent(&self, body: &str) {
        self.world.script("claude", body);
    }

    /// The program with these words, in the repository.
    pub fn run(&self, words: &[&str]) -> Run {
        self.world.run(words).at(&self.repo)
    }

    /// Starts a run of this id on this text.
    #[track_caller]
    pub fn start(&self, id: &str, text: &str) {
        self.run(&["run", text, "--run-id", id]).ok();
    }

    /// As [`Stage::start`], waiting until the run is completed.
    #[track_caller]
    pub fn finish(&self, id: &str, text: &str) {
        self.start(id, text);
        self.wait(id, "completed");
    }

    /// Waits until a run is in this state, as its record says.
    #[track_caller]
    pub fn wait(&self, id: &str, state: &str) {
        wait_until(&format!("{id} is {state}"), Duration::from_secs(60), || {
            self.json(&["status", id])["runs"][0]["state"] == state
        });
    }

    /// Waits until every agent of a run has ended, and nobody writes down any more what came of it.
    #[track_caller]
    pub fn wait_for_end(&self, id: &str) {
        wait_until(&format!("the agents of {id} have ended"), Duration::from_secs(60), || {
            let answer = self.json(&["status", "--no-ingest", id]);
            let agents = answer["runs"][0]["agents"].as_array().cloned().unwrap_or_default();
            agents.iter().all(|agent| agent["health"] == "ended")
        });
        let home = self.world.home();
        let is_wrapper = |child: &git_metawsm::model::Child| {
            let words = procs::command_words(child.pid);
            words.iter().any(|word| word == "exec")
                && words.iter().any(|word| word.contains(&format!("/{id}/")))
        };
        wait_until(&format!("the wrappers of {id} are gone"), Duration::from_secs(60), || {
            !procs::marked("HOME", &home.to_string_lossy()).iter().any(is_wrapper)
        });
    }

    /// Waits until the agent of a run has said this.
    #[track_caller]
    pub fn wait_for_words(&self, id: &str, words: &str) {
        wait_until(&format!("the agent of {id} has begun"), Duration::from_secs(60), || {
            self.run(&["logs", id]).ok().stdout.contains(words)
        });
    }

    /// The directory of the worktree of `api` in a run's workspace.
    #[track_caller]
    pub fn tree(&self, id: &str) -> PathBuf {
        let answer = self.json(&["status", "--no-ingest", id]);
        answer["runs"][0]["worktrees"][0]["path"].as_str().expect("it has a path").into()
    }

    /// The answer and, after a line, the story of words that must succeed, masked.
    #[track_caller]
    pub fn said(&self, words: &[&str]) -> String {
        self.told(&self.run(words).ok())
    }

    /// The answer and, after a line, the story, masked; what no command may print is looked for.
    #[track_caller]
    pub fn told(&self, output: &Output) -> String {
        plain(output);
        let story = if output.stderr.is_empty() { "" } else { "-- story\n" };
        self.masked(&format!("{}{story}{}", output.stdout, output.stderr))
    }

    /// The answer of words that must succeed, as JSON.
    #[track_caller]
    pub fn json(&self, words: &[&str]) -> Value {
        answer(&self.run(&[&["--json"], words].concat()).ok())
    }

    /// What words that must fail say, for people and for programs alike: the same code, a full sentence, commands to
    /// paste. Gives the masked text for people, after a line with the exit code and the kind.
    #[track_caller]
    pub fn refuses(&self, words: &[&str]) -> String {
        self.refusal(&|words| self.run(words), words)
    }

    /// As [`Stage::refuses`], for runs made in another way.
    #[track_caller]
    pub fn refusal(&self, run: &dyn Fn(&[&str]) -> Run, words: &[&str]) -> String {
        let kind = refusal_kind(&run(&[&["--json"], words].concat()).output());
        let output = run(words).output();
        plain(&output);
        let status = output.status.expect("it ends by itself");
        assert_ne!(status, 0, "expected a refusal of {output}");
        assert!(output.stderr.contains("error: "), "no sentence: {output}");
        assert!(output.stderr.contains("\nnext:\n  "), "no command to paste: {output}");
        assert_eq!(kind.1, status, "JSON ends with another code than {output}");
        self.masked(&format!("{status} {}\n{}{}", kind.0, output.stdout, output.stderr))
    }

    /// The text with everything masked that differs from day to day.
    pub fn masked(&self, text: &str) -> String {
        let masks = [
            // Columns of ages are as wide as the ages.
            (r"\b(just now|\d+ (s|min) ago) {2,}", "AGE ago  "),
            (r"\b(just now|\d+ (s|min) ago)", "AGE ago"),
            (r"since \d+ s;", "since AGE;"),
            (r"/\d{8}-\d{6}(-\d+)?\b", "/STAMP"),
            (r"\.metawsm/runs/\d{4}-\d\d/", ".metawsm/runs/MONTH/"),
            (r"(?m)[ \t]+$", ""),
        ];
        masks.iter().fold(self.world.masked(text), |text, (pattern, to)| {
            Regex::new(pattern).expect("a pattern of ours").replace_all(&text, *to).into_owned()
        })
    }
}

/// One JSON object of the first schema.
#[track_caller]
pub fn answer(output: &Output) -> Value {
    plain(output);
    assert!(output.stdout.starts_with("{\"schema\":1"), "no schema in front: {output}");
    output.json()
}

/// The kind and code of an error as JSON.
#[track_caller]
pub fn refusal_kind(output: &Output) -> (String, i32) {
    let value = answer(output);
    let error = &value["error"];
    let message = error["message"].as_str().unwrap_or_default();
    let first = message.chars().next().unwrap_or(' ');
    // A message begins with a capital letter, or with the name, place or key that it is about.
    assert!(!message.is_empty() && !first.is_whitespace(), "no message: {output}");
    assert!(!message.contains('\n'), "more than a sentence: {output}");
    let hints = error["hints"].as_array().expect("hints are a list");
    assert!(!hints.is_empty(), "no hint: {output}");
    assert_eq!(output.stderr, "", "a program reads standard output alone");
    (error["kind"].as_str().expect("a kind").to_owned(), output.status.expect("it ends by itself"))
}

/// Requires that nothing of our inside and no control character is printed.
#[track_caller]
pub fn plain(output: &Output) {
    for text in [&output.stdout, &output.stderr] {
        for word in ["panicked", "RUST_BACKTRACE", "src/", "Error {", "Some(", "Os {", "::", "\u{fffd}"] {
            assert!(!text.contains(word), "{word:?} is of no use to anybody: {output}");
        }
        let bad = |c: char| {
            (c.is_control() && c != '\n')
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        assert!(
            !text.contains(bad),
            "a foreign character came through: {:?} {:?}",
            output.stdout,
            output.stderr
        );
    }
}
