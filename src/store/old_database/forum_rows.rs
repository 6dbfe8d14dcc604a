//! Threads of the old forum and what happened in them.

use super::columns::{Ask, Cells, ROWS_BYTES, tell};
use super::{OldDatabase, StoreResult};
use rusqlite::types::Value;

/// A thread as its own row tells it; every text is foreign.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OldThread {
    /// `thread_id`.
    pub id: String,
    /// `ticket`.
    pub ticket: String,
    /// `run_id`; empty where it is about none.
    pub run: String,
    /// `agent_name`.
    pub agent: String,
    /// `title`.
    pub title: String,
    /// `priority`.
    pub priority: String,
    /// `state`.
    pub state: String,
    /// `opened_by_type` and `opened_by_name`.
    pub opened_by: (String, String),
    /// `opened_at`.
    pub opened: String,
    /// What happened in it, in order.
    pub events: Vec<OldForumEvent>,
    /// What was odd about its rows, as sentences without a dot.
    pub odd: Vec<String>,
}

/// One event of a thread.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OldForumEvent {
    /// `event_id`.
    pub id: String,
    /// `event_type`, such as `forum.post.added`.
    pub what: String,
    /// `occurred_at`.
    pub at: String,
    /// `actor_type` and `actor_name`.
    pub actor: (String, String),
    /// `causation_id`: the event that it follows from.
    pub cause: String,
    /// `payload_json`.
    pub payload: String,
    /// The words of the post that belongs to it; empty where it is none.
    pub body: String,
}

const THREAD: &[&str] = &[
    "thread_id",
    "ticket",
    "run_id",
    "agent_name",
    "title",
    "priority",
    "state",
    "opened_by_type",
    "opened_by_name",
    "opened_at",
];
const EVENT: &[&str] =
    &["event_id", "event_type", "occurred_at", "actor_type", "actor_name", "causation_id", "payload_json"];

impl OldDatabase {
    /// Where the threads stand in their table, oldest first.
    pub fn threads(&self) -> StoreResult<Vec<i64>> {
        if !self.tables.has_column("forum_threads", "thread_id") {
            return Ok(Vec::new());
        }
        let order = if self.tables.has_column("forum_threads", "opened_at") { "opened_at, " } else { "" };
        let ask = format!("SELECT rowid FROM main.forum_threads ORDER BY {order}thread_id");
        let mut query = self.conn.prepare(&ask).map_err(|e| self.failed(&e))?;
        let found = query.query_map([], |row| row.get(0)).and_then(Iterator::collect);
        found.map_err(|e| self.failed(&e))
    }

    /// Where the threads stand in which the agents of a run signalled; none in the databases of early versions.
    pub fn control_threads(&self, run: &str) -> StoreResult<Vec<i64>> {
        if !self.tables.has_column("forum_control_threads", "run_id") {
            return Ok(Vec::new());
        }
        let ask =
            "SELECT t.rowid FROM main.forum_control_threads c JOIN main.forum_threads t USING (thread_id)
             WHERE c.run_id = ?1 ORDER BY c.agent_name";
        let mut query = self.conn.prepare_cached(ask).map_err(|e| self.failed(&e))?;
        let found = query.query_map([run], |row| row.get(0)).and_then(Iterator::collect);
        found.map_err(|e| self.failed(&e))
    }

    /// One thread with its events.
    pub fn thread(&self, at: i64) -> StoreResult<OldThread> {
        let mut odd = Vec::new();
        let ask = "SELECT thread_id FROM main.forum_threads WHERE rowid = ?1";
        let key: Value = self.conn.query_row(ask, [at], |row| row.get(0)).map_err(|e| self.failed(&e))?;
        let ask = |table, columns, order| Ask { table, columns, key: "thread_id", is: &key, order };
        let found = self.cells(ask("forum_threads", THREAD, "thread_id"), &mut odd)?;
        let mut thread = found.first().map(thread).unwrap_or_default();
        let mut size = 0;
        for row in self.cells(ask("forum_events", EVENT, "sequence"), &mut odd)? {
            let mut event = event(&row);
            let is = Value::Text(event.id.clone());
            let post = Ask {
                table: "forum_posts",
                columns: &["body_text"],
                key: "event_id",
                is: &is,
                order: "post_id",
            };
            let post = self.cells(post, &mut odd)?;
            event.body = post.first().map(|row| row.text("body_text")).unwrap_or_default();
            size += event.body.len();
            if size > ROWS_BYTES {
                tell(&mut odd, format!("its posts have more than {ROWS_BYTES} bytes; the rest was left out"));
                break;
            }
            thread.events.push(event);
        }
        thread.odd = odd;
        Ok(thread)
    }
}

fn thread(row: &Cells) -> OldThread {
    OldThread {
        id: row.text("thread_id"),
        ticket: row.text("ticket"),
        run: row.text("run_id"),
        agent: row.text("agent_name"),
        title: row.text("title"),
        priority: row.text("priority"),
        state: row.text("state"),
        opened_by: (row.text("opened_by_type"), row.text("opened_by_name")),
        opened: row.text("opened_at"),
        ..OldThread::default()
    }
}

fn event(row: &Cells) -> OldForumEvent {
    OldForumEvent {
        id: row.text("event_id"),
        what: row.text("event_type"),
        at: row.text("occurred_at"),
        actor: (row.text("actor_type"), row.text("actor_name")),
        cause: row.text("causation_id"),
        payload: row.text("payload_json"),
        body: String::new(),
    }
}
