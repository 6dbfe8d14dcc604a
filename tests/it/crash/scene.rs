//! A world that can be set back: one repository with a policy and a scripted agent, and a run that was decided long
//! ago and must never be lost.

use crate::kit::{Output, Repo, World, wait_for, wait_until};
use git_metawsm::sys::{lock, procs};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// Long enough for everything that a test waits for.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// The ticket of the run that commands work on.
pub const TICKET: &str = "T-1";

/// What the agent does where nothing else is said: one commit, and a complaint where two agents work at once.
pub const WORKS: &str = "\
mkdir ../../at-work || { echo twice >> ../../twice; exit 1; }
echo work >> WORK.txt
git add WORK.txt
git commit --quiet -m 'The work of the agent'
rmdir ../../at-work";

/// An agent that ends well and changes nothing: its run goes on until a person decides.
pub const IDLES: &str = "true";

/// A world that can be set back to how it was saved.
pub struct Scene {
    /// The world.
    pub world: World,
    /// The control repository, the only one of the run.
    pub app: Repo,
    saved: TempDir,
    /// The journals of the runs when it was saved, by run.
    known: Vec<(String, Vec<Value>)>,
}

/// The folders of a world that hold everything that commands touch.
const FOLDERS: [&str; 3] = ["home", "repos", "workspaces"];

impl Scene {
    /// A scene with one completed run, `KEPT-1`, and an agent that runs this script in its worktree.
    pub fn new(script: &str) -> Self {
        Self::on(World::new(), script)
    }

    /// The same in a world that was prepared.
    pub fn on(world: World, script: &str) -> Self {
        let app = world.repo("app");
        let scene = Self { world, app, saved: tempfile::tempdir().expect("a folder"), known: Vec::new() };
        scene.say_policy("");
        scene.app.commit(".gitignore", ".env\n");
        scene.app.write(".env", "SECRET=1\n");
        scene.metawsm(["policy", "trust"]).ok();
        std::fs::create_dir_all(scene.world.root().join("workspaces")).expect("a folder");
        scene.agent(WORKS);
        scene.metawsm(["run", "--ticket", "KEPT-1", "--create", "What must not be lost"]).ok();
        scene.wait_for_state("KEPT-1", "completed");
        scene.agent(script);
        scene
    }

    /// Commits a policy; `more` are further keys, each followed by a comma.
    pub fn say_policy(&self, more: &str) {
        let (root, script) = (self.world.root().join("workspaces"), self.world.bin().join("agent"));
        let text = format!(
            r#"{{{more}"version":2,"workspace":{{"root":"{}","copy":[".env"]}},"sessions":{{"backend":"process"}},
"agent_profiles":[{{"name":"script","runner":"command","runner_options":{{"command":["{}"]}}}}],
"agents":[{{"name":"writer","profile":"script"}}]}}
"#,
            root.display(),
            script.display()
        );
        self.app.commit(".metawsm/policy.json", &text);
    }

    /// Gives the agent another script.
    pub fn agent(&self, script: &str) {
        self.world.script("agent", script);
    }

    /// The run that commands are to work on, with its agent at its end.
    #[must_use]
    pub fn with_run(self) -> Self {
        self.metawsm(["run", "--ticket", TICKET, "--create", "Do it"]).ok();
        self.wait_until_quiet();
        self
    }

    /// Saves how everything is now.
    #[must_use]
    pub fn saved(mut self) -> Self {
        self.wait_until_quiet();
        self.known = self.journals();
        for folder in FOLDERS {
            copy(&self.world.root().join(folder), self.saved.path());
        }
        self
    }

    /// Sets everything back to how it was saved.
    pub fn set_back(&self) {
        for child in procs::marked("HOME", &self.world.home().to_string_lossy()) {
            procs::kill_hard(child);
        }
        self.wait_until_quiet();
        for folder in FOLDERS {
            std::fs::remove_dir_all(self.world.root().join(folder)).expect("it was there");
            copy(&self.saved.path().join(folder), self.world.root());
        }
    }

    /// Runs our program in the control repository.
    pub fn metawsm<const N: usize>(&self, args: [&str; N]) -> Output {
        self.world.run(args).at(&self.app).output()
    }

    /// The runs that `list` shows, decided ones too. Nothing may be broken.
    #[track_caller]
    pub fn runs(&self) -> Vec<Value> {
        let answer = self.metawsm(["list", "--all", "--json"]).ok().json();
        assert_eq!(answer["broken"], serde_json::json!([]), "{answer}");
        answer["runs"].as_array().expect("a list").clone()
    }

    /// The run of a ticket.
    #[track_caller]
    pub fn find(&self, ticket: &str) -> Option<Value> {
        self.runs().into_iter().find(|run| run["tickets"][0]["ticket"] == ticket)
    }

    /// The state of a ticket's run.
    #[track_caller]
    pub fn state(&self, ticket: &str) -> String {
        let run = self.find(ticket).unwrap_or_else(|| panic!("{ticket} has no run"));
        run["state"].as_str().expect("a state").to_owned()
    }

    /// Waits until a run is in a state; `status` is what takes it there.
    #[track_caller]
    pub fn wait_for_state(&self, ticket: &str, state: &str) {
        wait_for(&format!("{ticket} is {state}"), PATIENCE, || {
            let answer = self.metawsm(["status", "--run-id", &self.id(ticket), "--json"]).ok().json();
            (answer["runs"][0]["state"] == state).then_some(())
        });
    }

    /// The run id of a ticket's run.
    #[track_caller]
    pub fn id(&self, ticket: &str) -> String {
        let run = self.find(ticket).unwrap_or_else(|| panic!("{ticket} has no run"));
        run["run"].as_str().expect("an id").to_owned()
    }

    /// The worktree of the run under test.
    pub fn worktree(&self) -> PathBuf {
        let run = self.find(TICKET).expect("there is a run");
        PathBuf::from(run["worktrees"][0]["path"].as_str().expect("a path"))
    }

    /// Where the live state lies.
    pub fn live(&self) -> PathBuf {
        self.app.path().join(".git/metawsm")
    }

    /// Waits until no process of this world is left: the wrapper of an agent, a git that outlived us.
    #[track_caller]
    pub fn wait_until_quiet(&self) {
        wait_until("no process of this world is left", PATIENCE, || {
            procs::marked("HOME", &self.world.home().to_string_lossy()).is_empty()
        });
    }

    /// How the run under test looks now, for the message of a failure.
    pub fn described(&self) -> String {
        let status = self.metawsm(["status", TICKET]);
        let files = Output::of(
            Command::new("sh")
                .arg("-c")
                .arg("tail -n 99 */agents/T-1* */logs/T-1* */journal.jsonl")
                .current_dir(self.live().join("runs")),
            "sh",
        );
        format!("{status}\n{}", files.stdout)
    }

    fn journals(&self) -> Vec<(String, Vec<Value>)> {
        let ids = self.runs().into_iter().map(|run| run["run"].as_str().expect("an id").to_owned());
        ids.map(|id| (id.clone(), self.journal(&id))).collect()
    }

    /// The lines of a run's journal, of which none may be damaged.
    #[track_caller]
    pub fn journal(&self, id: &str) -> Vec<Value> {
        let answer = self.metawsm(["log", "--run-id", id, "--json"]).ok().json();
        answer["entries"].as_array().expect("lines").clone()
    }

    /// What holds right after a command that said this was struck, before anything was repeated.
    #[track_caller]
    pub fn require_survival(&self, said: &str) {
        let status = self.metawsm(["status", "--json"]).ok().json();
        assert_eq!(status["broken"], serde_json::json!([]), "{status}");
        self.metawsm(["status"]).ok().lacks("panicked");
        let runs = self.runs();
        let is_listed = |id: &str| runs.iter().any(|run| run["run"] == id);
        for (id, lines) in &self.known {
            assert!(is_listed(id), "{id} was acknowledged and is gone");
            let now = self.journal(id);
            assert!(now.starts_with(lines), "{id} has lost lines of its journal: {now:#?}");
        }
        for id in told(said) {
            assert!(is_listed(&id), "{id} was told to the user and is gone");
        }
        self.require_no_lock();
    }

    /// No lock is held once everything has ended that may hold one: the wrapper of an agent settles its run.
    #[track_caller]
    pub fn require_no_lock(&self) {
        let locks = self.live().join("locks");
        for name in std::fs::read_dir(&locks).into_iter().flatten().flatten().map(|e| e.path()) {
            wait_until(&format!("{} is free", name.display()), PATIENCE, || {
                lock::current_holder(&name).is_none()
            });
        }
    }

    /// The threads that `forum list` shows. Nothing may be broken.
    #[track_caller]
    pub fn threads(&self) -> Vec<Value> {
        let answer = self.metawsm(["forum", "list", "--json"]).ok().json();
        assert_eq!(answer["broken"], serde_json::json!([]), "{answer}");
        answer["threads"].as_array().expect("a list").clone()
    }

    /// What was acknowledged in the forum is there: every thread that was told, with as many posts.
    #[track_caller]
    pub fn require_threads(&self, said: &str) {
        let threads = self.threads();
        let told = regex::Regex::new(r"(?m)^(fthr-\S+) .* (\d+) posts? ").expect("a pattern of ours");
        for found in told.captures_iter(said) {
            let posts: u64 = found[2].parse().expect("a number");
            let is_there = |t: &Value| t["id"] == found[1] && t["posts"].as_u64().is_some_and(|n| n >= posts);
            assert!(threads.iter().any(is_there), "{} was told and is gone: {threads:?}", &found[0]);
        }
    }

    /// What holds when the job was finished after all: whole journals, no half-made things among the live records.
    #[track_caller]
    pub fn require_whole(&self) {
        for run in self.runs() {
            let id = run["run"].as_str().expect("an id");
            let answer = self.metawsm(["log", "--run-id", id, "--json"]).ok().json();
            assert_eq!(answer["chain"], "whole", "{answer}");
        }
        for folder in ["runs", "open"] {
            let litter = litter_in(&self.live().join(folder));
            assert!(litter.is_empty(), "left behind: {litter:?}");
        }
        assert!(!self.world.root().join("workspaces/twice").exists(), "two agents worked at once");
    }
}

fn copy(from: &Path, to: &Path) {
    Output::of(Command::new("cp").args(["-a", "--"]).arg(from).arg(to), "cp").ok();
}

/// The run ids in a text for people.
fn told(text: &str) -> Vec<String> {
    let pattern = regex::Regex::new(r"\brun-\d{8}-\d{6}-[a-z2-7]{4}\b").expect("a pattern of ours");
    pattern.find_iter(text).map(|found| found.as_str().to_owned()).collect()
}

fn litter_in(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in std::fs::read_dir(dir).into_iter().flatten().flatten().map(|e| e.path()) {
        if path.file_name().is_some_and(|n| n.to_string_lossy().starts_with(".tmp-")) {
            found.push(path);
        } else if path.is_dir() {
            found.extend(litter_in(&path));
        }
    }
    found
}
