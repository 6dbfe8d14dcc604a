//! What people and agents have said to each other about a run, as its record keeps it: questions, answers, feedback,
//! validations. The words of a question and of its answer stand in the forum thread that the record names.

use super::{AgentName, Brief, ThreadId, TicketId, sha256_hex};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A question of an agent that keeps the run waiting until a person answers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guidance {
    /// The forum thread, of kind guidance.
    pub thread: ThreadId,
    /// The ticket.
    pub ticket: TicketId,
    /// Who asks.
    pub agent: AgentName,
    /// The question, cut to one line.
    pub question: String,
    /// When it was taken in.
    pub asked: Timestamp,
    /// Whether its file lay in the doc home and not in the workspace: the response goes where it came from.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub from_doc_home: bool,
    /// The digest of its file until that lies in `seen/`: who was stopped in between goes on, and asks nothing twice.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub file: String,
    /// When its answer was taken in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<Timestamp>,
    /// How the answer got to the agent: `typed` into its session, `continued` with it, `left` for it in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered: Option<Delivery>,
}

impl Guidance {
    /// Whether nobody has answered yet.
    pub fn is_open(&self) -> bool {
        self.answered.is_none()
    }
}

/// How an answer got to its agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// Typed into its live session.
    Typed,
    /// Its session was started again with it.
    Continued,
    /// Left for it in the response file.
    Left,
}

/// What a person said about finished work: the run goes on with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feedback {
    /// When.
    pub at: Timestamp,
    /// Who, `Name <mail>`.
    pub actor: String,
    /// The words.
    pub text: String,
}

/// What an agent says that its validation came to: a claim, and shown as such.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validation {
    /// What it came to.
    pub status: ValidationStatus,
    /// When it was taken in.
    pub at: Timestamp,
    /// The brief that it was made against, by its id.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub brief_id: String,
    /// The done criteria that it was made against.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub done_criteria: String,
    /// Its words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
}

impl Validation {
    /// Whether it names the brief: by id, or by its done criteria (white space at the ends and between words does
    /// not count).
    pub fn is_of(&self, brief: &Brief) -> bool {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let criteria = words(&brief.done_criteria);
        self.brief_id == brief.id() || (!criteria.is_empty() && words(&self.done_criteria) == criteria)
    }
}

/// What a validation came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValidationStatus {
    /// The done criteria hold.
    Passed,
    /// They do not.
    Failed,
}

impl Brief {
    /// The id of what was said: the same words have the same id, other words have another.
    pub fn id(&self) -> String {
        let parts = [&self.goal, &self.scope, &self.done_criteria, &self.constraints, &self.merge_intent]
            .map(|part| {
                // The length keeps words from moving from one part into the next unseen.
                format!("{}:{part}", part.len())
            });
        let hash = sha256_hex(parts.concat().as_bytes());
        format!("brief-{}", hash.get(..12).unwrap_or(&hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brief() -> Brief {
        Brief { goal: "a".to_owned(), done_criteria: "all  tests\npass".to_owned(), ..Brief::default() }
    }

    #[test]
    fn a_brief_is_known_by_its_words() {
        assert_eq!(brief().id(), brief().id());
        let moved = Brief { goal: String::new(), scope: "a".to_owned(), ..brief() };
        assert_ne!(brief().id(), moved.id());
    }

    #[test]
    fn a_validation_names_its_brief_by_id_or_by_its_criteria() {
        let said = |brief_id: &str, done_criteria: &str| Validation {
            status: ValidationStatus::Passed,
            at: Timestamp::UNIX_EPOCH,
            brief_id: brief_id.to_owned(),
            done_criteria: done_criteria.to_owned(),
            summary: String::new(),
        };
        assert!(said(&brief().id(), "").is_of(&brief()));
        assert!(said("", " all tests pass\n").is_of(&brief()));
        assert!(!said("", "all tests").is_of(&brief()) && !said("brief-0", "").is_of(&brief()));
        assert!(!said("", "").is_of(&Brief::default()));
    }
}
