//! Sections about running agents: tmux, execution, health, sessions, notify, operator.

use super::words::{Assistance, SessionsBackend};
use serde::{Deserialize, Serialize};

/// `tmux.*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TmuxPolicy {
    /// The name of a session, with `{agent}`, `{workspace}` and `{run}`.
    pub session_pattern: String,
}

impl Default for TmuxPolicy {
    fn default() -> Self {
        Self { session_pattern: "{agent}-{workspace}".to_owned() }
    }
}

/// `execution.*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExecutionPolicy {
    /// How often a failed step is tried again.
    pub step_retries: u32,
}

impl Default for ExecutionPolicy {
    fn default() -> Self {
        Self { step_retries: 1 }
    }
}

/// `health.*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HealthPolicy {
    /// Silence from which an agent is idle.
    pub idle_seconds: u64,
    /// Silence from which an agent is stalled; at least `idle_seconds`.
    pub activity_stalled_seconds: u64,
    /// Time without a change to files from which an agent is stalled.
    pub progress_stalled_seconds: u64,
}

impl Default for HealthPolicy {
    fn default() -> Self {
        Self { idle_seconds: 300, activity_stalled_seconds: 900, progress_stalled_seconds: 1200 }
    }
}

/// `sessions.*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionsPolicy {
    /// Where agents run.
    pub backend: SessionsBackend,
}

impl Default for SessionsPolicy {
    fn default() -> Self {
        Self { backend: SessionsBackend::Auto }
    }
}

/// `notify.*`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct NotifyPolicy {
    /// Argv started once per event that needs a person; empty: nothing is started.
    pub command: Vec<String>,
}

/// `operator.*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OperatorPolicy {
    /// How often in a row an agent must look unhealthy before anything is done.
    pub unhealthy_confirmations: u32,
    /// How often a run's agents may be restarted.
    pub restart_budget: u32,
    /// Least time between two restarts.
    pub restart_cooldown_seconds: u64,
    /// Age from which a run counts as stale.
    pub stale_run_age_seconds: u64,
    /// The language model that may be asked.
    pub llm: OperatorLlmPolicy,
}

impl Default for OperatorPolicy {
    fn default() -> Self {
        Self {
            unhealthy_confirmations: 2,
            restart_budget: 3,
            restart_cooldown_seconds: 60,
            stale_run_age_seconds: 3600,
            llm: OperatorLlmPolicy::default(),
        }
    }
}

/// `operator.llm.*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OperatorLlmPolicy {
    /// How much is done unasked.
    pub mode: Assistance,
    /// The program that is asked.
    pub command: String,
    /// The model's name; empty leaves the choice to the program.
    pub model: String,
    /// Limit for one answer.
    pub timeout_seconds: u64,
    /// Length limit for one answer.
    pub max_tokens: u32,
}

impl Default for OperatorLlmPolicy {
    fn default() -> Self {
        Self {
            mode: Assistance::Assist,
            command: "codex".to_owned(),
            model: String::new(),
            timeout_seconds: 30,
            max_tokens: 400,
        }
    }
}
