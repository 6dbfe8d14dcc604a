//! The text of a policy as a tree, before the schema has looked at it: order kept, repeated keys kept.

use super::problem::{Problem, short};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Number, Value};
use std::fmt;
use std::path::Path;

/// How a policy is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `policy.json`.
    Json,
    /// `policy.toml`.
    Toml,
}

impl Format {
    /// The format that the file's extension stands for.
    pub fn of_path(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "json" => Some(Self::Json),
            "toml" => Some(Self::Toml),
            _ => None,
        }
    }
}

/// A value of either format.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    /// JSON's null: the key counts as not set.
    Null,
    Flag(bool),
    Number(Number),
    Text(String),
    /// What JSON cannot say: TOML's dates and its infinite numbers.
    Other(String),
    List(Vec<Node>),
    /// Entries as written; JSON may hold a key twice.
    Table(Vec<(String, Node)>),
}

impl Node {
    pub(super) fn parse(text: &str, format: Format) -> Result<Self, Problem> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let node = match format {
            Format::Json => serde_json::from_str(text).map_err(Problem::syntax)?,
            Format::Toml => Self::of_toml(&text.parse().map_err(Problem::syntax)?),
        };
        match node {
            Self::Table(_) => Ok(node),
            _ => Err(Problem::syntax("it must be an object, from '{' to '}'")),
        }
    }

    pub(super) fn of_toml(table: &toml::Table) -> Self {
        Self::Table(table.iter().map(|(key, value)| (key.clone(), Self::of_toml_value(value))).collect())
    }

    fn of_toml_value(value: &toml::Value) -> Self {
        match value {
            toml::Value::String(text) => Self::Text(text.clone()),
            toml::Value::Integer(number) => Self::Number((*number).into()),
            toml::Value::Float(number) => {
                Number::from_f64(*number).map_or_else(|| Self::Other(number.to_string()), Self::Number)
            }
            toml::Value::Boolean(flag) => Self::Flag(*flag),
            toml::Value::Datetime(time) => Self::Other(time.to_string()),
            toml::Value::Array(items) => Self::List(items.iter().map(Self::of_toml_value).collect()),
            toml::Value::Table(table) => Self::of_toml(table),
        }
    }

    /// The same as a plain value; keys that are null are left out, of repeated keys the last stays.
    pub(super) fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Flag(flag) => Value::Bool(*flag),
            Self::Number(number) => Value::Number(number.clone()),
            Self::Text(text) | Self::Other(text) => Value::String(text.clone()),
            Self::List(items) => Value::Array(items.iter().map(Self::to_value).collect()),
            Self::Table(entries) => {
                let set = entries.iter().filter(|(_, node)| *node != Self::Null);
                Value::Object(set.map(|(key, node)| (key.clone(), node.to_value())).collect())
            }
        }
    }
}

impl fmt::Display for Node {
    /// As JSON in one line, cut short.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(text) => f.write_str(&short(text)),
            _ => f.write_str(&short(&serde_json::to_string(self).map_err(|_| fmt::Error)?)),
        }
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Number(number) => number.serialize(serializer),
            Self::Text(text) | Self::Other(text) => serializer.serialize_str(text),
            Self::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(item)?;
                }
                list.end()
            }
            Self::Table(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, node) in entries {
                    map.serialize_entry(key, node)?;
                }
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Node, E> {
        Ok(Node::Flag(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Node, E> {
        Ok(Node::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Node, E> {
        Ok(Node::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Node, E> {
        Ok(Number::from_f64(number).map_or_else(|| Node::Other(number.to_string()), Node::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Node::Table(entries))
    }
}
