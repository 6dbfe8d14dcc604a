//! The steps of a run.

use crate::model::{Mode, Run, Step, StepKind, StepState};
use crate::policy::SeedMode;

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
        let seeds = ticket.docs.is_some() && run.doc_seed != SeedMode::None.as_str();
        if ticket.made_by_us || seeds || run.mode == Mode::Bootstrap {
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
/// and a worktree is made when no other one of its repository is being made, nor one of an earlier ticket still to
/// come. So what begins when depends on the plan alone, never on who is faster. Every other step works in its
/// ticket's own workspace and waits for nobody.
pub fn ready(steps: &[Step]) -> Vec<usize> {
    let may_begin = |(index, step): &(usize, &Step)| {
        let in_the_way = |other: &Step, is_earlier: bool| {
            other.kind == StepKind::EnsureWorktree
                && other.repo == step.repo
                && (other.state == StepState::Running || (is_earlier && is_to_come(steps, other)))
        };
        step.state == StepState::Pending
            && earlier(steps, step).all(holds)
            && (step.kind != StepKind::EnsureWorktree
                || !steps
                    .iter()
                    .enumerate()
                    .any(|(at, other)| at != *index && in_the_way(other, at < *index)))
    };
    steps.iter().enumerate().filter(may_begin).map(|(index, _)| index).collect()
}

/// The steps of the same ticket that a step depends on.
fn earlier<'a>(steps: &'a [Step], step: &'a Step) -> impl Iterator<Item = &'a Step> {
    steps.iter().filter(move |s| s.ticket == step.ticket && s.kind < step.kind)
}

fn holds(step: &Step) -> bool {
    matches!(step.state, StepState::Done | StepState::Skipped)
}

/// Whether a step is not done yet and nothing that has failed keeps it from being done.
fn is_to_come(steps: &[Step], step: &Step) -> bool {
    step.state == StepState::Pending && earlier(steps, step).all(|s| s.state != StepState::Failed)
}

/// Whether every step holds.
pub fn is_finished(steps: &[Step]) -> bool {
    steps.iter().all(holds)
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
    fn worktrees_of_a_repository_are_made_in_the_order_of_the_tickets_whoever_is_faster() {
        let mut steps = vec![
            step(StepKind::VerifyTicket, "A", None),
            step(StepKind::EnsureWorktree, "A", Some("x")),
            step(StepKind::EnsureDocs, "A", Some("x")),
            step(StepKind::VerifyTicket, "B", None),
            step(StepKind::EnsureWorktree, "B", Some("x")),
        ];
        steps[0].state = StepState::Running;
        steps[3].state = StepState::Done;
        assert_eq!(ready(&steps), [] as [usize; 0], "A comes first, though B is verified already");
        steps[0].state = StepState::Done;
        steps[1].state = StepState::Done;
        assert_eq!(ready(&steps), [2, 4]);
        steps[4].state = StepState::Running;
        assert_eq!(ready(&steps), [2], "A goes on while the worktree of B is made");
        steps[0].state = StepState::Failed;
        (steps[1].state, steps[4].state) = (StepState::Pending, StepState::Pending);
        assert_eq!(ready(&steps), [4], "A cannot come any more");
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
