//! The stage of the stories: repositories with a policy whose agents are shell scripts, and runs followed from outside.

use crate::kit::{Output, Repo, Running, World, wait_for, wait_until};
use git_metawsm::sys::procs;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long an agent may take to get where a story wants it.
pub const PATIENCE: Duration = Duration::from_secs(40);

/// An agent that commits one file in each worktree of its workspace.
pub const WORKER: &str = r#"for tree in "$METAWSM_WORKSPACE"/*/; do
  echo "work of $METAWSM_AGENT on $METAWSM_TICKET" > "$tree/$METAWSM_AGENT-$METAWSM_TICKET.txt"
  git -C "$tree" add . && git -C "$tree" commit -qm "Work of $METAWSM_AGENT"
done"#;

/// A world with a policy of scripted agents.
pub struct Stage {
    /// The world.
    pub world: World,
    /// The control repository.
    pub api: Repo,
    rules: Value,
}

impl Stage {
    /// A control repository `api` whose agents run these scripts as plain processes; the policy is trusted.
    pub fn new(agents: &[(&str, &str)]) -> Self {
        Self::with(agents, "process", &json!({}))
    }

    /// As [`Stage::new`], with a backend and more keys of policy.
    pub fn with(agents: &[(&str, &str)], backend: &str, more: &Value) -> Self {
        let world = World::new();
        let api = world.repo("api");
        let stage = Self { rules: rules(&world, agents, backend, more), world, api };
        stage.set_policy(&stage.api, &stage.rules);
        stage
    }

    /// Commits a policy in a repository and trusts it.
    pub fn set_policy(&self, repo: &Repo, rules: &Value) {
        let text = serde_json::to_string_pretty(rules).expect("JSON") + "\n";
        repo.commit(".metawsm/policy.json", &text);
        self.at(repo, ["policy", "trust"]).ok();
    }

    /// The policy of the control repository.
    pub fn rules(&self) -> Value {
        self.rules.clone()
    }

    /// A command in this directory.
    pub fn at<const N: usize>(&self, dir: impl AsRef<Path>, args: [&str; N]) -> crate::kit::Run {
        self.world.run(args).at(dir)
    }

    /// A command in the control repository.
    pub fn do_<const N: usize>(&self, args: [&str; N]) -> crate::kit::Run {
        self.at(&self.api, args)
    }

    /// `run` in the control repository; the answer as JSON.
    pub fn run(&self, args: &[&str]) -> Value {
        let all = [&["run", "--json"], args].concat();
        self.world.run(all).at(&self.api).ok().json()
    }

    /// What `status --no-ingest` says of the only open run, or the one with this id or ticket.
    pub fn look(&self, run: &str) -> Value {
        self.do_(["status", "--no-ingest", "--json", run]).ok().json()["runs"][0].clone()
    }

    /// As [`Stage::look`], after settling.
    pub fn status(&self, run: &str) -> Value {
        self.do_(["status", "--json", run]).ok().json()["runs"][0].clone()
    }

    /// Waits until a run is in a state, only looking: nobody but the agents' wrappers takes signals.
    pub fn wait_state(&self, run: &str, state: &str) {
        let mut last = Value::Null;
        let deadline = std::time::Instant::now() + PATIENCE;
        wait_until(&format!("{run} becomes {state}"), PATIENCE + Duration::from_secs(5), || {
            last = self.look(run);
            assert!(std::time::Instant::now() < deadline, "{run} is not {state}: {last:#}");
            last["state"] == state
        });
    }

    /// Waits until an agent is in this health, only looking; gives the run.
    pub fn wait_health(&self, run: &str, at: usize, health: &str) -> Value {
        let what = format!("agent {at} of {run} is {health}");
        wait_for(&what, PATIENCE, || Some(self.look(run)).filter(|v| v["agents"][at]["health"] == health))
    }

    /// Waits until every agent of a run has ended, only looking.
    pub fn wait_ended(&self, run: &str) -> Value {
        wait_for(&format!("all agents of {run} end"), PATIENCE, || {
            let view = self.look(run);
            let all = view["agents"].as_array().is_some_and(|a| a.iter().all(|a| a["health"] == "ended"));
            all.then_some(view)
        })
    }

    /// Waits until no process of this world is left: wrappers have said their last word.
    pub fn wait_nobody(&self) {
        let home = self.world.home();
        wait_until("every process of this world is gone", PATIENCE, || {
            procs::marked("HOME", &home.to_string_lossy()).is_empty()
        });
    }

    /// A repository on `branch` beside the control repository.
    pub fn repo_on(&self, name: &str, branch: &str) -> Repo {
        self.world.repo_on(name, branch)
    }

    /// A process in the background of this world.
    pub fn start<const N: usize>(&self, args: [&str; N]) -> Running {
        self.do_(args).start()
    }

    /// git anywhere in this world, whatever comes of it.
    pub fn git(&self, dir: impl AsRef<Path>, args: &[&str]) -> Output {
        Output::of(self.world.command("git").arg("-C").arg(dir.as_ref()).args(args), "git")
    }
}

/// A policy whose agents run scripts of this world, by the runner `command`.
pub fn rules(world: &World, agents: &[(&str, &str)], backend: &str, more: &Value) -> Value {
    let dir = world.root().join("agents");
    std::fs::create_dir_all(&dir).expect("a folder");
    let mut profiles = Vec::new();
    let mut takes_part = Vec::new();
    for (name, script) in agents {
        let file = dir.join(format!("{name}.sh"));
        std::fs::write(&file, format!("set -eu\n{script}\n")).expect("the script is written");
        let argv = json!(["sh", file, "{prompt_file}"]);
        profiles.push(
            json!({ "name": format!("p-{name}"), "runner": "command", "runner_options": { "command": argv } }),
        );
        takes_part.push(json!({ "name": name, "profile": format!("p-{name}") }));
    }
    let mut rules = json!({
        "version": 2,
        "sessions": { "backend": backend },
        "agent_profiles": profiles,
        "agents": takes_part,
    });
    for (key, value) in more.as_object().expect("an object") {
        rules[key] = value.clone();
    }
    rules
}

/// Waits until a file is there and ends with a line, and reads it.
pub fn wait_file(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    wait_for(&format!("{} appears", path.display()), PATIENCE, || {
        std::fs::read_to_string(path).ok().filter(|text| text.ends_with('\n'))
    })
}

/// The id of a run in an answer.
pub fn id(run: &Value) -> &str {
    run["run"].as_str().expect("an id")
}

/// The worktree of a repository for the ticket at this place.
pub fn tree(run: &Value, ticket: usize, repo: &str) -> PathBuf {
    let ticket = &run["tickets"][ticket]["ticket"];
    let trees = run["worktrees"].as_array().expect("worktrees");
    let found = trees.iter().find(|t| t["ticket"] == *ticket && t["repo"] == repo);
    path(&found.unwrap_or_else(|| panic!("no worktree of {repo} in {run:#}"))["path"])
}

/// The workspace of the ticket at this place.
pub fn workspace(run: &Value, ticket: usize) -> PathBuf {
    path(&run["tickets"][ticket]["path"])
}

fn path(value: &Value) -> PathBuf {
    value.as_str().unwrap_or_else(|| panic!("{value} is a path")).into()
}

/// What a person is needed for, one line each with its command.
pub fn needs(view: &Value) -> String {
    let line = |n: &Value| {
        format!("{} -> {}", n["what"].as_str().unwrap_or("?"), n["command"].as_str().unwrap_or("?"))
    };
    let lines: Vec<_> = view["needs"].as_array().expect("needs").iter().map(line).collect();
    lines.join("\n")
}

/// Requires that a text holds all of these.
#[track_caller]
pub fn holds(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing in:\n{text}");
    }
}

/// The blockers of a refused answer in JSON: `gate: place: what`, one line each.
pub fn blockers(answer: &Value) -> String {
    let gates = answer["error"]["gates"].as_array().or(answer["gates"].as_array()).expect("gates");
    let mut lines = Vec::new();
    for gate in gates {
        for b in gate["blockers"].as_array().expect("blockers") {
            let text = |key: &str| b[key].as_str().unwrap_or("?").to_owned();
            let gate = gate["gate"].as_str().unwrap_or("?");
            lines.push(format!("{gate}: {}: {} -> {}", text("place"), text("what"), text("command")));
        }
    }
    lines.join("\n")
}
