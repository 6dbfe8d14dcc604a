//! The section `forum`.

use super::words::ForumTransport;
use serde::{Deserialize, Serialize};

/// `forum.*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ForumPolicy {
    /// Whether the forum is used.
    pub enabled: bool,
    /// How events travel.
    pub transport: ForumTransport,
    /// Names on the stream.
    pub topics: ForumTopicsPolicy,
    /// The Redis server.
    pub redis: ForumRedisPolicy,
    /// When an unanswered thread is escalated.
    pub sla: ForumSlaPolicy,
    /// Whether answers go into the ticket's documents.
    pub docs_sync: ForumDocsSyncPolicy,
}

impl Default for ForumPolicy {
    fn default() -> Self {
        Self {
            enabled: true,
            transport: ForumTransport::Files,
            topics: ForumTopicsPolicy::default(),
            redis: ForumRedisPolicy::default(),
            sla: ForumSlaPolicy::default(),
            docs_sync: ForumDocsSyncPolicy::default(),
        }
    }
}

/// `forum.topics.*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ForumTopicsPolicy {
    /// Before the names of commands.
    pub command_prefix: String,
    /// Before the names of events.
    pub event_prefix: String,
    /// Before the names of integrations.
    pub integration_prefix: String,
}

impl Default for ForumTopicsPolicy {
    fn default() -> Self {
        Self {
            command_prefix: "forum.commands".to_owned(),
            event_prefix: "forum.events".to_owned(),
            integration_prefix: "forum.integration".to_owned(),
        }
    }
}

/// `forum.redis.*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ForumRedisPolicy {
    /// Where the server answers.
    pub url: String,
    /// The stream.
    pub stream: String,
    /// The consumer group.
    pub group: String,
    /// The consumer.
    pub consumer: String,
}

impl Default for ForumRedisPolicy {
    fn default() -> Self {
        Self {
            url: "redis://127.0.0.1:6379/0".to_owned(),
            stream: "metawsm-forum".to_owned(),
            group: "metawsm-forum".to_owned(),
            consumer: "operator".to_owned(),
        }
    }
}

/// `forum.sla.*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ForumSlaPolicy {
    /// Age from which a waiting thread is escalated.
    pub escalation_minutes: u64,
}

impl Default for ForumSlaPolicy {
    fn default() -> Self {
        Self { escalation_minutes: 30 }
    }
}

/// `forum.docs_sync.*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ForumDocsSyncPolicy {
    /// Whether answering or closing a thread writes it into the ticket's documents.
    pub enabled: bool,
}

impl Default for ForumDocsSyncPolicy {
    fn default() -> Self {
        Self { enabled: true }
    }
}

/// The key whose value may hold a password.
pub(super) const URL_KEY: &str = "forum.redis.url";

/// The address of a server, or a text that holds one, without its password: for everything that people are shown.
pub fn without_password(text: &str) -> String {
    let mut shown = text.to_owned();
    if let Some((scheme, rest)) = text.split_once("://")
        && let Some((_, place)) = rest.rsplit_once('@')
    {
        shown = format!("{scheme}://***@{place}");
    }
    if let Some((before, rest)) = shown.split_once("pass=") {
        let end = rest.find(['&', '"', '#']).unwrap_or(rest.len());
        shown = format!("{before}pass=***{}", &rest[end..]);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::without_password;

    #[test]
    fn an_address_is_shown_without_its_password() {
        let cases = [
            ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
            ("redis://me:se@c/ret@h:1/0", "redis://***@h:1/0"),
            ("\"rediss://:secret@h\"", "\"rediss://***@h\""),
            ("redis+unix:///run/s?pass=secret&db=1", "redis+unix:///run/s?pass=***&db=1"),
            ("\"redis+unix:///run/s?pass=secret\"", "\"redis+unix:///run/s?pass=***\""),
            ("nothing", "nothing"),
        ];
        for (text, shown) in cases {
            assert_eq!(without_password(text), shown);
        }
    }
}
