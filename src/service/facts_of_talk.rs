//! What people and agents have said, for the gates: the brief, validations, questions, threads. Of threads only a close
//! asks: hooks read the record and the signal roots alone.

use super::facts::Look;
use super::{Control, ServiceResult, forum};
use crate::gate::{Action, BootstrapFact, Claim, QuestionFact, ThreadFact, ValidationFact};
use crate::model::{Mode, Run, RunAgent, ValidationStatus, plain_line, title_of};

/// What a bootstrap run has to show.
pub(super) fn bootstrap(run: &Run) -> Option<BootstrapFact> {
    let says = |text: &str| !text.trim().is_empty();
    (run.mode == Mode::Bootstrap).then(|| BootstrapFact {
        has_goal: says(&run.brief.goal),
        has_criteria: says(&run.brief.done_criteria),
        validations: run.agents.iter().map(|agent| validation(run, agent)).collect(),
    })
}

fn validation(run: &Run, agent: &RunAgent) -> ValidationFact {
    let claim = match &agent.validation {
        None => Claim::None,
        Some(said) if said.status == ValidationStatus::Failed => {
            Claim::Failed(title_of(&plain_line(&said.summary), 300))
        }
        Some(said) if said.is_of(&run.brief) => Claim::Passed,
        Some(_) => Claim::OfOther,
    };
    ValidationFact { agent: agent.key(), ticket: agent.ticket.to_string(), claim }
}

/// Questions that wait for an answer, those too whose file was folded in by who only looks.
pub(super) fn questions(control: &Control, run: &Run) -> Vec<QuestionFact> {
    let open = run.guidance.iter().filter(|asked| asked.is_open());
    // A file that was taken may not be put away yet; its thread is there then.
    let has_thread = |id| control.store.find_thread(id).is_ok_and(|found| found.is_some());
    open.map(|asked| QuestionFact {
        agent: format!("{}.{}", asked.ticket, asked.agent),
        question: plain_line(&asked.question),
        thread: asked.thread.to_string(),
        is_taken: asked.file.is_empty() || has_thread(&asked.thread),
    })
    .collect()
}

/// Threads of the run that should have been answered by now.
pub(super) fn escalated(look: &Look<'_>) -> ServiceResult<Vec<ThreadFact>> {
    if look.action != Action::Close {
        return Ok(Vec::new());
    }
    let fact = |thread: crate::model::Thread| ThreadFact {
        id: thread.id.to_string(),
        title: title_of(&plain_line(&thread.title), 60),
        priority: thread.priority.to_string(),
    };
    Ok(forum::escalated(look.control, &look.run.id)?.into_iter().map(fact).collect())
}
