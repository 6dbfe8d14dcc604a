//! Agent profiles (what kind of program) and roles (who takes part).

use super::command::Command;
use super::problem::Problem;
use super::schema::Policy;
use super::words::{Permissions, RunMode, Runner};
use crate::model::AgentName;
use serde::{Deserialize, Serialize};

/// What the built-in profiles tell an agent before the brief.
const BASE_PROMPT: &str = "Work on the ticket described below until its done criteria hold. Commit your work on \
the branches that are checked out. Ask when something is unclear instead of guessing.";

/// `agent_profiles[]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentProfile {
    /// Its name, unique.
    pub name: String,
    /// What kind of program it is.
    pub runner: Runner,
    /// Stands before the brief in the prompt.
    #[serde(default)]
    pub base_prompt: String,
    /// Names of skills that the agent reads first.
    #[serde(default)]
    pub skills: Vec<String>,
    /// How the program is started.
    #[serde(default)]
    pub runner_options: RunnerOptions,
}

/// `agent_profiles[].runner_options.*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunnerOptions {
    /// Accepted for the first program's sake: what codex did with `--full-auto` is what it may do by default.
    pub full_auto: bool,
    /// Runner shell: the command. Runner command: the argv template with `{prompt_file}`. Runners codex and claude:
    /// what to start instead of the program on PATH; may be empty.
    pub command: Command,
    /// Whether codex and claude get a screen.
    pub mode: RunMode,
    /// What the agent may do unasked.
    pub permissions: Permissions,
}

impl Default for RunnerOptions {
    fn default() -> Self {
        Self {
            full_auto: false,
            command: Command::default(),
            mode: RunMode::Auto,
            permissions: Permissions::Edit,
        }
    }
}

/// `agents[]`: one role of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentRole {
    /// Its name, unique.
    pub name: AgentName,
    /// The profile that plays it.
    pub profile: String,
}

/// The profiles that exist in every policy, whatever its file says; a profile of the same name in the file
/// replaces one. `auto` is the first of claude and codex that is installed. `default-shell` is the name that the
/// first program's default policy used.
pub(super) fn built_in_profiles() -> Vec<AgentProfile> {
    let model = |name: &str, runner| AgentProfile {
        name: name.to_owned(),
        runner,
        base_prompt: BASE_PROMPT.to_owned(),
        skills: Vec::new(),
        runner_options: RunnerOptions::default(),
    };
    let shell = |name: &str| AgentProfile {
        name: name.to_owned(),
        runner: Runner::Shell,
        base_prompt: String::new(),
        skills: Vec::new(),
        runner_options: RunnerOptions {
            command: Command::Shell("bash".to_owned()),
            ..RunnerOptions::default()
        },
    };
    vec![
        model("auto", Runner::Auto),
        model("claude", Runner::Claude),
        model("codex", Runner::Codex),
        shell("shell"),
        shell("default-shell"),
    ]
}

/// The roles of a policy that names none: one agent, by the program that is installed.
pub(super) fn default_roles() -> Vec<AgentRole> {
    AgentName::parse("agent").map(|name| AgentRole { name, profile: "auto".to_owned() }).into_iter().collect()
}

impl Policy {
    /// The profile of that name, from the file or built in.
    pub fn profile(&self, name: &str) -> Option<&AgentProfile> {
        self.agent_profiles.iter().find(|profile| profile.name == name)
    }

    /// The roles that were asked for, by role name or else by profile name (the role is then named like the
    /// profile); without a name all roles of the policy. `source` names the flag or key in problems.
    pub fn choose_agents(&self, names: &[String], source: &str) -> Result<Vec<AgentRole>, Vec<Problem>> {
        if names.is_empty() {
            return Ok(self.agents.clone());
        }
        let mut roles: Vec<AgentRole> = Vec::new();
        let mut problems = Vec::new();
        for name in names {
            match self.role(name) {
                Some(role) if !roles.contains(&role) => roles.push(role),
                Some(_) => {}
                None => problems.push(self.unknown_agent(name, source)),
            }
        }
        if problems.is_empty() { Ok(roles) } else { Err(problems) }
    }

    fn role(&self, name: &str) -> Option<AgentRole> {
        if let Some(role) = self.agents.iter().find(|role| role.name.as_str() == name) {
            return Some(role.clone());
        }
        let profile = self.profile(name)?;
        let name = AgentName::parse(name).ok()?;
        Some(AgentRole { name, profile: profile.name.clone() })
    }

    fn unknown_agent(&self, name: &str, source: &str) -> Problem {
        let roles: Vec<_> = self.agents.iter().map(|role| role.name.as_str()).collect();
        let profiles: Vec<_> = self.agent_profiles.iter().map(|profile| profile.name.as_str()).collect();
        let allowed = format!(
            "one of the agents ({}) or of the profiles ({}) of the policy",
            roles.join(", "),
            profiles.join(", ")
        );
        Problem::wrong(source, format!("{name:?}"), allowed)
    }
}
