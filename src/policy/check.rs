//! The walk over a written policy: unknown keys, wrong kinds and wrong values, all of them at once.

use super::command::EVERY_REPO;
use super::nearest::nearest;
use super::node::Node;
use super::problem::{Problem, ProblemKind, short};
use super::rules::{LARGEST, Rule, key_rule_of, required_of, rule_of};
use super::schema::GATES;
use super::shape::{Shape, joined};
use std::collections::BTreeSet;

/// Where the walk stands: as people see it (`agents[1].name`) and as the rules name it (`agents[].name`).
#[derive(Clone)]
struct At {
    shown: String,
    rule: String,
}

impl At {
    fn key(&self, key: &str) -> Self {
        Self { shown: joined(&self.shown, key), rule: joined(&self.rule, key) }
    }

    fn entry(&self, key: &str) -> Self {
        Self { shown: joined(&self.shown, key), rule: format!("{}{{}}", self.rule) }
    }

    fn item(&self, index: usize) -> Self {
        Self { shown: format!("{}[{index}]", self.shown), rule: format!("{}[]", self.rule) }
    }
}

/// Checks a written policy against the schema and brings words into their one spelling.
pub(super) fn check(root: &mut Node) -> Vec<Problem> {
    let shape = Shape::of_policy();
    let mut walk = Walk { problems: Vec::new(), paths: shape.paths() };
    walk.node(root, &shape, &At { shown: String::new(), rule: String::new() });
    walk.problems
}

/// The known key that an unknown one may have meant: beside it, or of the very same name elsewhere.
pub(super) fn meant(key: &str, at: &str, shape: &Shape, paths: &[String]) -> Option<String> {
    if let Some(near) = nearest(key, shape.keys()) {
        return Some(joined(at, near));
    }
    paths.iter().find(|path| path.rsplit('.').next() == Some(key)).cloned()
}

struct Walk {
    problems: Vec<Problem>,
    paths: Vec<String>,
}

impl Walk {
    fn node(&mut self, node: &mut Node, shape: &Shape, at: &At) {
        match (&mut *node, shape) {
            (Node::Table(entries), Shape::Table(_)) => self.table(entries, shape, at),
            (Node::Table(entries), Shape::Map(value)) => self.map(entries, value, at),
            (Node::List(items), Shape::List(item)) => {
                for (i, node) in items.iter_mut().enumerate() {
                    self.node(node, item, &at.item(i));
                }
                self.rule(node, at);
            }
            (Node::Flag(_), Shape::Flag)
            | (Node::Number(_), Shape::Number)
            | (Node::Text(_), Shape::Text) => {
                self.rule(node, at);
            }
            (Node::Text(_) | Node::List(_), Shape::Command) => self.command(node, at),
            (Node::List(items), Shape::Commands) => self.commands(items, at),
            (Node::Table(entries), Shape::Commands) => self.commands_by_repo(entries, at),
            _ => self.problems.push(Problem::wrong(&at.shown, &*node, shape.words())),
        }
    }

    fn table(&mut self, entries: &mut [(String, Node)], shape: &Shape, at: &At) {
        self.repeated(entries, at);
        for (key, node) in entries.iter_mut() {
            match shape.key(key) {
                Some(_) if *node == Node::Null => {}
                Some(below) => self.node(node, below, &at.key(key)),
                None => {
                    let nearest = meant(key, &at.shown, shape, &self.paths);
                    self.problems.push(Problem {
                        key: joined(&at.shown, key),
                        kind: ProblemKind::UnknownKey { nearest },
                    });
                }
            }
        }
        for &required in required_of(&at.rule) {
            if !entries.iter().any(|(key, node)| key == required && *node != Node::Null) {
                self.problems.push(Problem::wrong(&at.key(required).shown, "missing", "set"));
            }
        }
    }

    fn map(&mut self, entries: &mut [(String, Node)], value: &Shape, at: &At) {
        self.repeated(entries, at);
        for (key, node) in entries.iter_mut() {
            if at.rule == "close.gates" {
                self.gate(key, at);
            } else {
                self.key(key, at);
            }
            if *node != Node::Null {
                self.node(node, value, &at.entry(key));
            }
        }
    }

    fn gate(&mut self, id: &str, at: &At) {
        let known = || GATES.iter().map(|(gate, _)| *gate);
        if !known().any(|gate| gate == id) {
            let nearest = nearest(id, known()).map(|near| joined(&at.shown, near));
            self.problems
                .push(Problem { key: joined(&at.shown, id), kind: ProblemKind::UnknownKey { nearest } });
        }
    }

    fn key(&mut self, key: &str, at: &At) {
        if let Some(Rule::Text(passes, allowed)) = key_rule_of(&at.rule)
            && !passes(key)
        {
            let shown = format!("{:?}", short(key));
            self.problems.push(Problem::wrong(&joined(&at.shown, key), shown, allowed));
        }
    }

    fn command(&mut self, node: &Node, at: &At) {
        let allowed = match node {
            Node::List(words) => {
                let text = |word: &Node| matches!(word, Node::Text(word) if !word.contains('\0'));
                let first = matches!(words.first(), Some(Node::Text(word)) if !word.trim().is_empty());
                (!first || !words.iter().all(text)).then_some("a list of texts that starts with a program")
            }
            Node::Text(line) => line.contains('\0').then_some("a shell line without a zero byte"),
            _ => Some(Shape::Command.words()),
        };
        if let Some(allowed) = allowed {
            self.problems.push(Problem::wrong(&at.shown, node, allowed));
        }
    }

    fn commands(&mut self, items: &[Node], at: &At) {
        for (i, item) in items.iter().enumerate() {
            let at = at.item(i);
            match item {
                Node::Text(line) if line.trim().is_empty() => {
                    self.problems.push(Problem::wrong(&at.shown, item, "a command"));
                }
                Node::Text(_) | Node::List(_) => self.command(item, &at),
                _ => self.problems.push(Problem::wrong(&at.shown, item, Shape::Command.words())),
            }
        }
    }

    fn commands_by_repo(&mut self, entries: &[(String, Node)], at: &At) {
        self.repeated(entries, at);
        for (repo, node) in entries {
            if repo != EVERY_REPO {
                self.key(repo, at);
            }
            match node {
                Node::Null => {}
                Node::List(items) => self.commands(items, &at.entry(repo)),
                _ => self.problems.push(Problem::wrong(&at.entry(repo).shown, node, "a list of commands")),
            }
        }
    }

    /// JSON takes a key twice and the last one wins, so that a reader may see another policy than the program.
    fn repeated(&mut self, entries: &[(String, Node)], at: &At) {
        let mut seen = BTreeSet::new();
        for (key, _) in entries {
            if !seen.insert(key) {
                let shown = joined(&at.shown, key);
                self.problems.push(Problem::duplicate(shown.clone(), key, shown));
            }
        }
    }

    fn rule(&mut self, node: &mut Node, at: &At) {
        let rule = rule_of(&at.rule);
        let allowed = match (&mut *node, rule) {
            (Node::Number(number), _) => {
                let range = if let Some(Rule::Range(from, to)) = rule { from..=to } else { 0..=LARGEST };
                let fits = number.as_u64().is_some_and(|n| range.contains(&n));
                (!fits).then(|| format!("a whole number from {} to {}", range.start(), range.end()))
            }
            (Node::Text(text), Some(Rule::OneOf(words))) => {
                let plain = text.trim().to_ascii_lowercase();
                let found = words.iter().find(|word| **word == plain);
                if let Some(word) = found {
                    (*word).clone_into(text);
                }
                found.is_none().then(|| format!("one of {}", words.join(", ")))
            }
            (Node::Text(text), Some(Rule::Filled)) => {
                text.trim().is_empty().then(|| "a text that is not empty".to_owned())
            }
            (Node::List(items), Some(Rule::Filled)) => {
                items.is_empty().then(|| "a list with at least one entry".to_owned())
            }
            (Node::Text(text), Some(Rule::Text(passes, allowed))) => {
                (!passes(text)).then(|| allowed.to_owned())
            }
            (Node::Flag(false), Some(Rule::True)) => Some("true".to_owned()),
            _ => None,
        };
        if let Some(allowed) = allowed {
            self.problems.push(Problem::wrong(&at.shown, &*node, allowed));
        }
    }
}
