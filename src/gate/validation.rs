//! `validation`: the agents of a bootstrap run say that the result holds against its brief. It is their claim.

use super::{Blocker, Claim, Facts};

/// Who judges what nobody but the agent itself has looked at.
pub const AGENTS_WORD: &str = "the agent says";

pub(super) fn judge(facts: &Facts) -> Vec<Blocker> {
    let Some(bootstrap) = &facts.bootstrap else { return Vec::new() };
    let blocker = |what: String, place: &str, feedback: &str| Blocker {
        what,
        place: place.to_owned(),
        command: format!("git metawsm iterate {} --feedback '<{feedback}>'", facts.run),
    };
    let mut blockers = Vec::new();
    for said in &bootstrap.validations {
        let agent = &said.agent;
        match &said.claim {
            Claim::Failed(why) if why.is_empty() => {
                let what = "The agent says that its validation failed, and not why.".to_owned();
                blockers.push(blocker(what, agent, "what is to be mended"));
            }
            Claim::Failed(why) => {
                let what = format!("The agent says that its validation failed: {why}.");
                blockers.push(blocker(what, agent, "what is to be mended"));
            }
            Claim::OfOther => {
                let what = "The agent says that its validation passed, but against something else than the brief of this run.";
                blockers.push(blocker(what.to_owned(), agent, "validate the result against the brief"));
            }
            Claim::Passed | Claim::None => {}
        }
    }
    let has_passed = |ticket: &str| {
        let of_ticket = |said: &&super::ValidationFact| said.ticket == ticket;
        bootstrap.validations.iter().filter(of_ticket).any(|said| said.claim == Claim::Passed)
    };
    let mut silent: Vec<_> = bootstrap.validations.iter().map(|said| said.ticket.as_str()).collect();
    silent.dedup();
    if blockers.is_empty() {
        for ticket in silent.into_iter().filter(|ticket| !has_passed(ticket)) {
            let what = "No agent has validated the result against the brief.".to_owned();
            blockers.push(blocker(what, ticket, "validate the result against the brief"));
        }
    }
    blockers
}

pub(super) fn judged_by(facts: &Facts) -> String {
    if facts.bootstrap.is_some() { AGENTS_WORD.to_owned() } else { "us".to_owned() }
}
