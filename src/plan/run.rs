//! The steps of a run.

use crate::model::{Run, Step, StepKind, StepState};

/// What a run needs beyond worktrees and agents.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wants {
    /// Its tickets must exist (or be made by us).
    pub tickets: bool,
}

/// The steps of a run, ticket by ticket: verify the ticket, ensure each worktree, its documents, the workspace,
/// start each agent.
pub fn run_steps(run: &Run, wants: Wants) -> Vec<Step> {
    let mut steps = Vec::new();
    for ticket in &run.tickets {
        let step = |kind| Step::new(kind, ticket.id.clone());
        if wants.tickets {
            steps.push(step(StepKind::VerifyTicket));
        }
        for repo in &run.repos {
            steps.push(Step { repo: Some(repo.name.clone()), ..step(StepKind::EnsureWorktree) });
        }
        if ticket.made_by_us {
            steps.push(Step { repo: Some(run.doc_home.clone()), ..step(StepKind::EnsureDocs) });
        }
        steps.push(step(StepKind::FinishWorkspace));
        for agent in run.agents.iter().filter(|a| a.ticket == ticket.id) {
            steps.push(Step { agent: Some(agent.name.clone()), ..step(StepKind::StartAgent) });
        }
    }
    steps
}

/// The indices of the pending steps that can begin now: everything of an earlier kind for the same ticket holds,
/// and no running step is at work in the same repository.
pub fn ready(steps: &[Step]) -> Vec<usize> {
    let holds = |s: &Step| matches!(s.state, StepState::Done | StepState::Skipped);
    let mut busy: Vec<_> =
        steps.iter().filter(|s| s.state == StepState::Running).filter_map(|s| s.repo.clone()).collect();
    let mut found = Vec::new();
    for (index, step) in steps.iter().enumerate().filter(|(_, s)| s.state == StepState::Pending) {
        let earlier = |s: &&Step| s.ticket == step.ticket && s.kind < step.kind;
        if !steps.iter().filter(earlier).all(holds) {
            continue;
        }
        if let Some(repo) = &step.repo {
            if busy.contains(repo) {
                continue;
            }
            busy.push(repo.clone());
        }
        found.push(index);
    }
    found
}

/// Whether every step holds.
pub fn is_finished(steps: &[Step]) -> bool {
    steps.iter().all(|s| matches!(s.state, StepState::Done | StepState::Skipped))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{RepoName, TicketId};

    fn step(kind: StepKind, ticket: &str, repo: Option<&str>) -> Step {
        let repo = repo.map(|r| RepoName::parse(r).expect("name"));
        Step { repo, ..Step::new(kind, TicketId::parse(ticket).expect("name")) }
    }

    #[test]
    fn tickets_go_in_parallel_and_one_repository_one_after_the_other() {
        let mut steps = vec![
            step(StepKind::EnsureWorktree, "A", Some("x")),
            step(StepKind::EnsureWorktree, "A", Some("y")),
            step(StepKind::FinishWorkspace, "A", None),
            step(StepKind::EnsureWorktree, "B", Some("x")),
            step(StepKind::EnsureWorktree, "B", Some("y")),
        ];
        assert_eq!(ready(&steps), [0, 1]);
        steps[0].state = StepState::Running;
        assert_eq!(ready(&steps), [1]);
        steps[0].state = StepState::Done;
        steps[1].state = StepState::Running;
        assert_eq!(ready(&steps), [3]);
        steps[1].state = StepState::Done;
        assert_eq!(ready(&steps), [2, 3, 4]);
    }

    #[test]
    fn a_failed_step_holds_back_what_depends_on_it_and_nothing_else() {
        let mut steps = vec![
            step(StepKind::EnsureWorktree, "A", Some("x")),
            step(StepKind::FinishWorkspace, "A", None),
            step(StepKind::FinishWorkspace, "B", None),
        ];
        steps[0].state = StepState::Failed;
        assert_eq!(ready(&steps), [2]);
        assert!(!is_finished(&steps));
    }
}
