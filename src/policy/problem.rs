//! What can be wrong with a policy, as values and as sentences.

use super::forum::{URL_KEY, without_password};
use super::work::{is_endpoint_url, without_user};
use std::fmt;

/// One thing that is wrong with a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key, dotted, list entries by number: `agents[1].name`. Empty where the whole text is meant.
    pub key: String,
    /// What is wrong with it.
    pub kind: ProblemKind,
}

/// The kinds of [`Problem`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProblemKind {
    /// The schema has no such key.
    UnknownKey {
        /// The nearest key that it has, dotted.
        nearest: Option<String>,
    },
    /// The key does not take such a value.
    WrongValue {
        /// The value as written, cut short.
        value: String,
        /// What it takes, as the end of "it must be ...".
        allowed: String,
    },
    /// A name or key that must be unique stands twice.
    Duplicate {
        /// The name.
        name: String,
        /// The key where it stood first.
        first: String,
    },
    /// The text is not JSON or not TOML.
    Syntax {
        /// What the parser said, with line and column.
        message: String,
    },
    /// The policy was written for a newer program.
    Version {
        /// Its version.
        found: u64,
        /// The newest version that is known here.
        newest: u32,
    },
}

impl Problem {
    pub(super) fn wrong(key: &str, value: impl fmt::Display, allowed: impl Into<String>) -> Self {
        let value = value.to_string();
        let value = short(&match key {
            URL_KEY => without_password(&value),
            key if is_endpoint_url(key) => without_user(&value),
            _ => value,
        });
        Self { key: key.to_owned(), kind: ProblemKind::WrongValue { value, allowed: allowed.into() } }
    }

    pub(super) fn duplicate(key: String, name: &str, first: String) -> Self {
        Self { key, kind: ProblemKind::Duplicate { name: short(name), first } }
    }

    pub(super) fn syntax(message: impl fmt::Display) -> Self {
        Self { key: String::new(), kind: ProblemKind::Syntax { message: message.to_string() } }
    }
}

impl std::error::Error for Problem {}

impl fmt::Display for Problem {
    /// A full sentence.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        match &self.kind {
            ProblemKind::UnknownKey { nearest: Some(nearest) } => {
                write!(f, "The policy has no key {key}; did you mean {nearest}?")
            }
            ProblemKind::UnknownKey { nearest: None } => write!(f, "The policy has no key {key}."),
            ProblemKind::WrongValue { value, allowed } => {
                write!(f, "{key} is {value}, but it must be {allowed}.")
            }
            ProblemKind::Duplicate { first, .. } if first == key => {
                write!(f, "The key {key} stands more than once; only one can hold.")
            }
            ProblemKind::Duplicate { name, first } => {
                write!(f, "{key} is {name:?}, which {first} is already; each may stand once only.")
            }
            ProblemKind::Syntax { message } => {
                write!(f, "The policy cannot be read: {}.", message.trim_end().trim_end_matches('.'))
            }
            ProblemKind::Version { found, newest } => write!(
                f,
                "The policy has version {found}, but this program knows versions up to {newest}; a newer program is needed."
            ),
        }
    }
}

/// A foreign text cut to 80 characters.
pub(super) fn short(text: &str) -> String {
    if text.chars().count() <= 80 {
        return text.to_owned();
    }
    text.chars().take(79).chain(['…']).collect()
}
