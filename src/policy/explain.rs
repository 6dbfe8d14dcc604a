//! Every key in words, read off the commented template and the schema: one text for the file that `policy-init` writes
//! and for the manual.

use super::rules::{LARGEST, Rule, rule_of};
use super::shape::Shape;

/// A key in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyWords {
    /// The key, dotted; `[]` stands for the entries of a list.
    pub key: String,
    /// What it is for, a sentence.
    pub what: String,
    /// What kind of value it takes.
    pub kind: &'static str,
    /// Its default, as it stands in TOML; `None` where it has none.
    pub default: Option<String>,
    /// What is allowed beyond the kind; empty where everything is.
    pub allowed: String,
    /// A value, as it could stand in TOML.
    pub example: Option<String>,
    /// Whether a command that is built looks at it.
    pub is_used: bool,
}

const TEMPLATE: &str = include_str!("template.toml");

/// Every key of the schema, in the order of the template.
pub fn explained() -> Vec<KeyWords> {
    let shape = Shape::of_policy();
    let known = shape.paths();
    let mut reader = Reader { known: &known, ..Reader::default() };
    TEMPLATE.lines().for_each(|line| reader.line(line));
    let mut keys = reader.keys;
    alike(&known, &mut keys);
    for key in &mut keys {
        key.kind = kind_of(&shape, &key.key);
        key.allowed = allowed(&key.key);
        key.is_used = !super::report::is_not_built(&key.key);
    }
    keys
}

/// Reads the template line by line.
#[derive(Default)]
struct Reader<'a> {
    known: &'a [String],
    section: String,
    /// The list of tables that an example is in.
    inside: String,
    words: Vec<String>,
    keys: Vec<KeyWords>,
}

impl Reader<'_> {
    fn line(&mut self, line: &str) {
        let (is_example, body) = match (line.strip_prefix("#     "), line.strip_prefix("# ")) {
            (Some(body), _) => (true, body),
            (_, Some(body)) => (false, body),
            _ => (false, line),
        };
        if let Some(name) = body.strip_prefix('[').and_then(|body| body.strip_suffix(']')) {
            self.words.clear();
            if is_example {
                let list = name.trim_matches(['[', ']']);
                self.inside = match (name.starts_with('['), list.split_once('.')) {
                    (false, Some((list, rest))) => format!("{list}[].{rest}"),
                    _ => format!("{list}[]"),
                };
            } else {
                name.clone_into(&mut self.section);
                self.inside.clear();
            }
            return;
        }
        if line.is_empty() {
            self.words.clear();
            self.inside.clear();
            return;
        }
        match body.split_once(" = ").map(|(key, value)| (self.path(is_example, key), value)) {
            Some((path, value)) if self.known.contains(&path) => self.key(is_example, path, value),
            _ => self.words.push(body.trim_start_matches("# ").to_owned()),
        }
    }

    fn path(&self, is_example: bool, key: &str) -> String {
        let above = if is_example && !self.inside.is_empty() { &self.inside } else { &self.section };
        if above.is_empty() { key.to_owned() } else { format!("{above}.{key}") }
    }

    fn key(&mut self, is_example: bool, key: String, value: &str) {
        let value = value.to_owned();
        if let Some(known) = self.keys.iter_mut().find(|known| known.key == key) {
            known.example = Some(value);
            return;
        }
        let (default, example) = if is_example { (None, Some(value)) } else { (Some(value), None) };
        let what = std::mem::take(&mut self.words).join(" ");
        let (kind, allowed) = ("", String::new());
        self.keys.push(KeyWords { key, what, kind, default, allowed, example, is_used: true });
    }
}

/// The servers of workspaces take what those of repositories take.
fn alike(known: &[String], keys: &mut Vec<KeyWords>) {
    const TOLD: &str = "docs.api.repo_endpoints[].";
    const OTHER: &str = "docs.api.workspace_endpoints[].";
    let missing = known.iter().filter_map(|path| path.strip_prefix(OTHER));
    let mut copies = Vec::new();
    for name in missing {
        if let Some(told) = keys.iter().find(|key| key.key.strip_prefix(TOLD) == Some(name)) {
            copies.push(KeyWords { key: format!("{OTHER}{name}"), ..told.clone() });
        }
    }
    let at = keys.iter().position(|key| key.key.starts_with(TOLD)).unwrap_or(keys.len());
    keys.splice(at..at, copies);
}

fn kind_of(shape: &Shape, path: &str) -> &'static str {
    let mut at = Some(shape);
    for part in path.split('.') {
        let (name, is_list) = part.strip_suffix("[]").map_or((part, false), |name| (name, true));
        at = at.and_then(|shape| shape.key(name));
        if is_list {
            at = match at {
                Some(Shape::List(item)) => Some(item),
                _ => None,
            };
        }
    }
    at.map_or("", Shape::words)
}

fn allowed(path: &str) -> String {
    let rules = ["", "[]", "{}"].map(|end| rule_of(&format!("{path}{end}")));
    let words = rules.into_iter().flatten().map(|rule| match rule {
        Rule::OneOf(words) => words.join(", "),
        Rule::Range(0, LARGEST) => "0 or more".to_owned(),
        Rule::Range(low, LARGEST) => format!("{low} or more"),
        Rule::Range(low, high) => format!("{low} to {high}"),
        Rule::Filled => "not empty".to_owned(),
        Rule::True => "true alone".to_owned(),
        Rule::Text(_, words) => words.to_owned(),
    });
    words.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_key_is_explained_once_and_nothing_else() {
        let keys = explained();
        let said: BTreeSet<_> = keys.iter().map(|key| key.key.clone()).collect();
        let known: BTreeSet<_> = Shape::of_policy().paths().into_iter().collect();
        assert_eq!(said, known);
        assert_eq!(said.len(), keys.len());
        for key in keys {
            let is_sentence = key.what.ends_with('.') && key.what.starts_with(|c: char| c.is_uppercase());
            // Program names stand in small letters.
            assert!(is_sentence && key.what.len() > 12, "{}: {:?}", key.key, key.what);
            assert!(!key.kind.is_empty(), "{}", key.key);
            let is_bare = key.key.contains("[]") || key.key == "workspace.base_branch";
            assert_eq!(key.default.is_none(), is_bare, "{}", key.key);
        }
    }

    #[test]
    fn a_key_tells_kind_default_and_what_is_allowed() {
        let keys = explained();
        let of = |name: &str| keys.iter().find(|key| key.key == name).expect("a key").clone();
        let key = of("merge.style");
        assert_eq!((key.default.as_deref(), key.allowed.as_str()), (Some("\"merge\""), "merge, squash"));
        assert_eq!(of("workspace.fetch_seconds").allowed, "0 or more");
        assert_eq!(of("workspace.bases").example.as_deref(), Some("{ api = \"develop\" }"));
        assert_eq!(of("close.gates").allowed, "off, warn, block");
        assert_eq!(of("agent_profiles[].runner_options.mode").allowed, "auto, interactive, headless");
        assert!(!of("operator.restart_budget").is_used && of("merge.push").is_used);
    }
}
