//! Which keys there are and what kind of value each takes, read off the serialized defaults. Only what a default
//! cannot show (lists of tables, free tables, unset keys) is listed here.

use super::agent::built_in_profiles;
use super::schema::Policy;
use super::work::DocsEndpoint;
use serde::Serialize;
use serde_json::Value;

/// What kind of value a key takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    Flag,
    Number,
    Text,
    List(Box<Shape>),
    /// The keys of the schema, and no others.
    Table(Vec<(String, Shape)>),
    /// Keys are the user's: names of repositories, ids of gates.
    Map(Box<Shape>),
    /// One shell line or an argv list.
    Command,
    /// A list of commands, or a table from repository to such a list.
    Commands,
}

impl Shape {
    /// The shape of a whole policy.
    pub(super) fn of_policy() -> Self {
        let mut root = derived(&plain(&Policy::default()), "");
        if let Self::Table(sections) = &mut root
            && let Some((_, Self::Table(keys))) = sections.iter_mut().find(|(key, _)| key == "workspace")
        {
            keys.push(("base_branch".to_owned(), Self::Text));
        }
        root
    }

    /// The shape below a key of a table.
    pub(super) fn key(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Table(keys) => keys.iter().find(|(known, _)| known == key).map(|(_, shape)| shape),
            _ => None,
        }
    }

    /// The keys of a table; none for anything else.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        let keys: &[(String, Self)] = if let Self::Table(keys) = self { keys } else { &[] };
        keys.iter().map(|(key, _)| key.as_str())
    }

    /// Every key of the schema, dotted, tables left out.
    pub(super) fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        self.collect_paths("", &mut paths);
        paths
    }

    fn collect_paths(&self, at: &str, paths: &mut Vec<String>) {
        match self {
            Self::Table(keys) => {
                for (key, shape) in keys {
                    shape.collect_paths(&joined(at, key), paths);
                }
            }
            Self::List(item) if matches!(**item, Self::Table(_)) => {
                item.collect_paths(&format!("{at}[]"), paths);
            }
            _ => paths.push(at.to_owned()),
        }
    }

    /// What the key takes, as the end of "it must be ...".
    pub(super) fn words(&self) -> &'static str {
        match self {
            Self::Flag => "true or false",
            Self::Number => "a whole number",
            Self::Text => "a text in quotes",
            Self::List(item) => match **item {
                Self::Table(_) => "a list of tables",
                Self::Command => "a list of commands",
                _ => "a list of texts",
            },
            Self::Table(_) | Self::Map(_) => "a table of keys",
            Self::Command => "a shell line, or a list of program and arguments",
            Self::Commands => "a list of commands, or a table from repository to such a list",
        }
    }
}

/// A dotted path; a key that is no plain word is quoted.
pub(super) fn joined(at: &str, key: &str) -> String {
    let word = |b: u8| b.is_ascii_alphanumeric() || b"_-*{}".contains(&b);
    let key = if !key.is_empty() && key.bytes().all(word) {
        key.to_owned()
    } else {
        format!("{:?}", super::problem::short(key))
    };
    if at.is_empty() { key } else { format!("{at}.{key}") }
}

/// A value of ours as a plain tree.
pub(super) fn plain(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("policies hold texts, numbers and lists only, which always serialize")
}

fn derived(value: &Value, at: &str) -> Shape {
    match at {
        "workspace.repos" | "workspace.bases" | "close.gates" => return Shape::Map(Box::new(Shape::Text)),
        "workspace.setup_commands" => return Shape::List(Box::new(Shape::Command)),
        "git_pr.test_commands" => return Shape::Commands,
        "docs.api.workspace_endpoints" | "docs.api.repo_endpoints" => {
            return listed(&plain(&DocsEndpoint::default()), at);
        }
        "agent_profiles" => return listed(&plain(&built_in_profiles()[0]), at),
        "agents" => {
            let role = |key: &str| (key.to_owned(), Shape::Text);
            return Shape::List(Box::new(Shape::Table(vec![role("name"), role("profile")])));
        }
        "agent_profiles[].runner_options.command" => return Shape::Command,
        _ => {}
    }
    match value {
        Value::Bool(_) => Shape::Flag,
        Value::Number(_) => Shape::Number,
        Value::Null | Value::String(_) => Shape::Text,
        Value::Array(_) => Shape::List(Box::new(Shape::Text)),
        Value::Object(entries) => Shape::Table(
            entries.iter().map(|(key, value)| (key.clone(), derived(value, &joined(at, key)))).collect(),
        ),
    }
}

fn listed(item: &Value, at: &str) -> Shape {
    Shape::List(Box::new(derived(item, &format!("{at}[]"))))
}
