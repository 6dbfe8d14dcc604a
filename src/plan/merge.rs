//! What a merge or a close will do.

use crate::gate::{Action, BaseFact, ChainFact, Facts, Outcome, Pass};
use crate::model::{GateLine, RepoName, TicketId};

/// Why a passed verdict still cannot be turned into a plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The chain of a repository was not computed.
    #[error("The merge into {repo} cannot be planned: {why}")]
    NoChain {
        /// The repository.
        repo: RepoName,
        /// A full sentence.
        why: String,
    },
}

/// A merge or close, frozen: the executor cannot decide again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergePlan {
    /// Merge or close.
    pub action: Action,
    /// What happens in each repository, sorted as given.
    pub repos: Vec<RepoMerge>,
    /// Keys of agents whose session is ended first.
    pub end_sessions: Vec<String>,
    /// The gates, for the receipt.
    pub gates: Vec<GateLine>,
}

/// What happens in one repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepoMerge {
    /// The repository.
    pub repo: RepoName,
    /// The branch merged into.
    pub base: String,
    /// The commit that the chain starts from.
    pub onto: String,
    /// The branches, in ticket order.
    pub links: Vec<Link>,
}

/// One branch of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The ticket.
    pub ticket: TicketId,
    /// The branch.
    pub branch: String,
    /// Its head as judged.
    pub head: String,
    /// The tree that the merge yields; `None` where base holds the work already.
    pub tree: Option<String>,
}

impl RepoMerge {
    /// Whether anything is merged here.
    pub fn merges(&self) -> bool {
        self.links.iter().any(|link| link.tree.is_some())
    }
}

/// Plans a merge; needs the proof that its gates passed.
pub fn merge(pass: &Pass, facts: &Facts) -> Result<MergePlan, PlanError> {
    plan(Action::Merge, pass, facts)
}

/// Plans a close; needs the proof that its gates passed: closing unjudged does not compile.
pub fn close(pass: &Pass, facts: &Facts) -> Result<MergePlan, PlanError> {
    plan(Action::Close, pass, facts)
}

fn plan(action: Action, pass: &Pass, facts: &Facts) -> Result<MergePlan, PlanError> {
    let end_sessions = match action {
        Action::Close => facts.agents.iter().map(|a| a.key.clone()).collect(),
        Action::Merge | Action::Hook => Vec::new(),
    };
    let gates = pass.verdict().lines.iter().map(|line| GateLine {
        gate: line.gate.to_owned(),
        verdict: line.standing.as_str().to_owned(),
        judge: line.judge.clone(),
        note: note(line),
    });
    let repos = facts.bases.iter().map(repo_merge).collect::<Result<_, _>>()?;
    Ok(MergePlan { action, repos, end_sessions, gates: gates.collect() })
}

fn note(line: &crate::gate::Line) -> String {
    use crate::gate::Standing;
    match &line.standing {
        Standing::Waived(reason) => reason.clone(),
        Standing::Warn => line.blockers.iter().map(|b| b.what.as_str()).collect::<Vec<_>>().join(" "),
        _ => String::new(),
    }
}

fn repo_merge(fact: &BaseFact) -> Result<RepoMerge, PlanError> {
    let impossible = |why: String| PlanError::NoChain { repo: fact.repo.clone(), why };
    let (onto, links) = match &fact.chain {
        ChainFact::Computed { onto, links } => (onto, links),
        ChainFact::Impossible { why, .. } => return Err(impossible(why.clone())),
    };
    let link = |link: &crate::gate::ChainLink| {
        let tree = match &link.outcome {
            Outcome::Contained => None,
            Outcome::Merges { tree } => Some(tree.clone()),
            Outcome::Conflicts { files } => {
                return Err(impossible(format!("'{}' conflicts in {}.", link.branch, files.join(", "))));
            }
            Outcome::Unrelated => {
                return Err(impossible(format!("'{}' shares no history with base.", link.branch)));
            }
            Outcome::Reverted { by, .. } => {
                return Err(impossible(format!("base holds {by}, which reverts '{}'.", link.branch)));
            }
        };
        Ok(Link { ticket: link.ticket.clone(), branch: link.branch.clone(), head: link.head.clone(), tree })
    };
    let links = links.iter().map(link).collect::<Result<_, _>>()?;
    Ok(RepoMerge { repo: fact.repo.clone(), base: fact.base.clone(), onto: onto.clone(), links })
}
