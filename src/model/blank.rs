//! A run before anything is known of it.

use super::{Brief, Mode, RECORD_FORMAT, RepoName, Run, RunId, RunState, StoredPolicy, Strategy};
use jiff::Timestamp;

impl Run {
    /// A standard run that has only just been thought of: no ticket, repo, agent or step yet.
    pub fn blank(id: RunId, doc_home: RepoName, made: Timestamp, actor: String) -> Self {
        Self {
            format: RECORD_FORMAT,
            kind: "run".to_owned(),
            id,
            state: RunState::Created,
            reason: String::new(),
            created: made,
            changed: made,
            actor,
            mode: Mode::Standard,
            strategy: Strategy::Create,
            from: None,
            doc_home,
            doc_authority: String::new(),
            doc_seed: String::new(),
            brief: Brief::default(),
            tickets: Vec::new(),
            repos: Vec::new(),
            worktrees: Vec::new(),
            agents: Vec::new(),
            guidance: Vec::new(),
            feedback: Vec::new(),
            steps: Vec::new(),
            merges: Vec::new(),
            landed: Vec::new(),
            checks: Vec::new(),
            bypasses: Vec::new(),
            receipt: None,
            policy: StoredPolicy::default(),
        }
    }
}
