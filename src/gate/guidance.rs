//! `guidance`: no question of an agent waits for an answer.

use super::{Blocker, Facts};

pub(super) fn judge(facts: &Facts) -> Vec<Blocker> {
    let run = &facts.run;
    let blocker = |asked: &super::QuestionFact| {
        let which = match facts.questions.len() {
            1 => String::new(),
            _ => format!(" --question {}", asked.thread),
        };
        Blocker {
            what: format!("The question '{}' is not answered.", asked.question),
            place: asked.agent.clone(),
            command: if asked.is_taken {
                format!("git metawsm guide {run}{which} --answer '<the answer>'")
            } else {
                format!("git metawsm status {run}")
            },
        }
    };
    facts.questions.iter().map(blocker).collect()
}
