//! A run with everything that is told of it.

use super::columns::{Ask, Cells};
use super::{OldDatabase, StoreResult};
use rusqlite::types::Value;

/// A run as it stands there; every text is foreign.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OldRun {
    /// `run_id`.
    pub id: String,
    /// `status`.
    pub status: String,
    /// `created_at`, RFC 3339 with the offset of its machine.
    pub created: String,
    /// `updated_at`.
    pub updated: String,
    /// `spec_json`.
    pub spec: String,
    /// `policy_json`.
    pub policy: String,
    /// `error_text`: what the last transition said.
    pub said: String,
    /// The tickets of `run_tickets`.
    pub tickets: Vec<String>,
    /// The steps in their order.
    pub steps: Vec<OldStep>,
    /// The agents.
    pub agents: Vec<OldAgent>,
    /// The brief, where it had one.
    pub brief: Option<OldBrief>,
    /// The questions, oldest first.
    pub questions: Vec<OldQuestion>,
    /// What happened, oldest first.
    pub past: Vec<OldPast>,
    /// The pull requests.
    pub pulls: Vec<OldPull>,
    /// How many comments of reviewers were kept.
    pub feedback: usize,
    /// What was odd about its rows, as sentences without a dot.
    pub odd: Vec<String>,
}

/// A step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OldStep {
    /// `kind`: `shell`, `ticket_context_sync` or `tmux_start`.
    pub kind: String,
    /// `command_text`.
    pub command: String,
    /// `ticket`.
    pub ticket: String,
    /// `workspace_name`.
    pub workspace: String,
}

/// An agent in a workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OldAgent {
    /// `agent_name`.
    pub name: String,
    /// `workspace_name`.
    pub workspace: String,
    /// `session_name`.
    pub session: String,
    /// `status`.
    pub status: String,
}

/// A brief.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OldBrief {
    /// `goal`.
    pub goal: String,
    /// `scope`.
    pub scope: String,
    /// `done_criteria`.
    pub done_criteria: String,
    /// `constraints_text`.
    pub constraints: String,
    /// `merge_intent`.
    pub merge_intent: String,
}

/// A question of an agent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OldQuestion {
    /// What tells it from others, in its whole database.
    pub key: String,
    /// `workspace_name`; empty where it is not told.
    pub workspace: String,
    /// `agent_name`.
    pub agent: String,
    /// `question`.
    pub question: String,
    /// `context_text`.
    pub context: String,
    /// `answer_text`; `None` while nobody has answered.
    pub answer: Option<String>,
    /// `created_at`.
    pub asked: String,
    /// `answered_at`.
    pub answered: String,
}

/// Something that happened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OldPast {
    /// `created_at`.
    pub at: String,
    /// `entity_type` and `event_type`, and the states where it moved.
    pub what: String,
    /// `entity_id` and `message`.
    pub text: String,
}

/// A pull request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OldPull {
    /// `ticket`.
    pub ticket: String,
    /// `repo`.
    pub repo: String,
    /// `head_branch`.
    pub head: String,
    /// `pr_url`.
    pub url: String,
    /// `pr_state`.
    pub state: String,
}

impl OldDatabase {
    /// Where the runs stand in their table, oldest first.
    pub fn runs(&self) -> StoreResult<Vec<i64>> {
        let ask = "SELECT rowid FROM main.runs ORDER BY created_at, run_id";
        let mut query = self.conn.prepare(ask).map_err(|e| self.failed(&e))?;
        let found = query.query_map([], |row| row.get(0)).and_then(Iterator::collect);
        found.map_err(|e| self.failed(&e))
    }

    /// One run with all that is told of it.
    pub fn run(&self, at: i64) -> StoreResult<OldRun> {
        let mut odd = Vec::new();
        let columns: &'static [&'static str] =
            &["run_id", "status", "created_at", "updated_at", "spec_json", "policy_json", "error_text"];
        let found = self.cells(
            Ask { table: "runs", columns, key: "run_id", is: &self.key(at)?, order: "run_id" },
            &mut odd,
        )?;
        let Some(row) = found.first() else { return Ok(OldRun::default()) };
        let mut run = OldRun {
            id: row.text("run_id"),
            status: row.text("status"),
            created: row.text("created_at"),
            updated: row.text("updated_at"),
            spec: row.text("spec_json"),
            policy: row.text("policy_json"),
            said: row.text("error_text"),
            ..OldRun::default()
        };
        self.fill(&mut run, &self.key(at)?, &mut odd)?;
        run.odd = odd;
        Ok(run)
    }

    /// The id as it is stored, whatever its type.
    fn key(&self, at: i64) -> StoreResult<Value> {
        let found =
            self.conn.query_row("SELECT run_id FROM main.runs WHERE rowid = ?1", [at], |row| row.get(0));
        found.map_err(|e| self.failed(&e))
    }

    fn fill(&self, run: &mut OldRun, key: &Value, odd: &mut Vec<String>) -> StoreResult<()> {
        let ask = |table, columns, order| Ask { table, columns, key: "run_id", is: key, order };
        let tickets = self.cells(ask("run_tickets", &["ticket"], "ticket"), odd)?;
        run.tickets = tickets.iter().map(|row| row.text("ticket")).collect();
        let columns: &'static [&'static str] = &["kind", "command_text", "ticket", "workspace_name"];
        run.steps = self.cells(ask("steps", columns, "step_index"), odd)?.iter().map(step).collect();
        let columns: &'static [&'static str] = &["agent_name", "workspace_name", "session_name", "status"];
        run.agents = self.cells(ask("agents", columns, "workspace_name"), odd)?.iter().map(agent).collect();
        let columns: &'static [&'static str] =
            &["goal", "scope", "done_criteria", "constraints_text", "merge_intent"];
        run.brief = self.cells(ask("run_briefs", columns, "run_id"), odd)?.first().map(brief);
        let columns: &'static [&'static str] = &[
            "id",
            "workspace_name",
            "agent_name",
            "question",
            "context_text",
            "answer_text",
            "status",
            "created_at",
            "answered_at",
        ];
        let asked = self.cells(ask("guidance_requests", columns, "id"), odd)?;
        run.questions = asked.iter().map(question).collect();
        let columns: &'static [&'static str] =
            &["entity_type", "entity_id", "event_type", "from_state", "to_state", "message", "created_at"];
        run.past = self.cells(ask("events", columns, "id"), odd)?.iter().map(past).collect();
        let columns: &'static [&'static str] = &["ticket", "repo", "head_branch", "pr_url", "pr_state"];
        run.pulls = self.cells(ask("run_pull_requests", columns, "ticket"), odd)?.iter().map(pull).collect();
        run.feedback = self.cells(ask("run_review_feedback", &["status"], "status"), odd)?.len();
        Ok(())
    }
}

fn step(row: &Cells) -> OldStep {
    OldStep {
        kind: row.text("kind"),
        command: row.text("command_text"),
        ticket: row.text("ticket"),
        workspace: row.text("workspace_name"),
    }
}

fn agent(row: &Cells) -> OldAgent {
    OldAgent {
        name: row.text("agent_name"),
        workspace: row.text("workspace_name"),
        session: row.text("session_name"),
        status: row.text("status"),
    }
}

fn brief(row: &Cells) -> OldBrief {
    OldBrief {
        goal: row.text("goal"),
        scope: row.text("scope"),
        done_criteria: row.text("done_criteria"),
        constraints: row.text("constraints_text"),
        merge_intent: row.text("merge_intent"),
    }
}

fn question(row: &Cells) -> OldQuestion {
    let is_answered = row.text("status").trim() == "answered";
    OldQuestion {
        key: format!("guidance {}", row.number("id")),
        workspace: row.text("workspace_name"),
        agent: row.text("agent_name"),
        question: row.text("question"),
        context: row.text("context_text"),
        answer: is_answered.then(|| row.text("answer_text")),
        asked: row.text("created_at"),
        answered: row.text("answered_at"),
    }
}

fn past(row: &Cells) -> OldPast {
    let (from, to) = (row.text("from_state"), row.text("to_state"));
    let moved = if from.is_empty() && to.is_empty() { String::new() } else { format!(" {from} -> {to}") };
    let words = [row.text("entity_id"), row.text("message")];
    let words: Vec<_> = words.iter().map(|word| word.trim()).filter(|word| !word.is_empty()).collect();
    OldPast {
        at: row.text("created_at"),
        what: format!("{} {}{moved}", row.text("entity_type"), row.text("event_type")),
        text: words.join(": "),
    }
}

fn pull(row: &Cells) -> OldPull {
    OldPull {
        ticket: row.text("ticket"),
        repo: row.text("repo"),
        head: row.text("head_branch"),
        url: row.text("pr_url"),
        state: row.text("pr_state"),
    }
}
