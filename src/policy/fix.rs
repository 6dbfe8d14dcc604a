//! `policy check --fix`: unknown keys are renamed or removed. Values are left alone.

use super::fix_toml::fix_toml;
use super::nearest::nearest;
use super::node::{Format, Node};
use super::schema::GATES;
use super::shape::{Shape, joined};
use std::fmt::Display;

/// What [`fix`] made of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fixed {
    /// The text, byte for byte as it was where nothing changed.
    pub text: String,
    /// What was changed, a sentence each.
    pub changes: Vec<String>,
}

/// Renames unknown keys to the nearest known one where that is close and free, and removes the others. The order of
/// keys stays, and in TOML all comments that do not stand right above a removed key; JSON is indented anew where
/// anything changes. A text that cannot be parsed is given back as it is.
pub fn fix(text: &str, format: Format) -> Fixed {
    let mut changes = Vec::new();
    let fixed = match format {
        Format::Json => fix_json(text, &mut changes),
        Format::Toml => fix_toml(text, &mut changes),
    };
    let text = fixed.filter(|_| !changes.is_empty()).unwrap_or_else(|| text.to_owned());
    Fixed { text, changes }
}

fn fix_json(text: &str, changes: &mut Vec<String>) -> Option<String> {
    let mut root = Node::parse(text, Format::Json).ok()?;
    fix_node(&mut root, &Shape::of_policy(), "", changes);
    Some(serde_json::to_string_pretty(&root).ok()? + "\n")
}

fn fix_node(node: &mut Node, shape: &Shape, at: &str, changes: &mut Vec<String>) {
    match (node, shape) {
        (Node::List(items), Shape::List(item)) => {
            for (i, node) in items.iter_mut().enumerate() {
                fix_node(node, item, &format!("{at}[{i}]"), changes);
            }
        }
        (Node::Table(entries), _) => {
            let found: Vec<_> =
                entries.iter().map(|(key, node)| (key.clone(), Kind::of(node), node.to_string())).collect();
            let mut fates = fates(&found, shape, at, changes).into_iter();
            entries.retain_mut(|(key, _)| match fates.next() {
                Some(Fate::Rename(name)) => {
                    *key = name;
                    true
                }
                Some(Fate::Remove) => false,
                _ => true,
            });
            for (key, node) in entries {
                if let Some(below) = shape.key(key) {
                    fix_node(node, below, &joined(at, key), changes);
                }
            }
        }
        _ => {}
    }
}

/// The kind of a written value, so that no key is renamed to one that cannot take its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Flag,
    Number,
    Text,
    List,
    Table,
    Null,
    Other,
}

impl Kind {
    fn of(node: &Node) -> Self {
        match node {
            Node::Null => Self::Null,
            Node::Flag(_) => Self::Flag,
            Node::Number(_) => Self::Number,
            Node::Text(_) => Self::Text,
            Node::Other(_) => Self::Other,
            Node::List(_) => Self::List,
            Node::Table(_) => Self::Table,
        }
    }

    fn fits(self, shape: &Shape) -> bool {
        match self {
            Self::Null => true,
            Self::Flag => *shape == Shape::Flag,
            Self::Number => *shape == Shape::Number,
            Self::Text => matches!(shape, Shape::Text | Shape::Command),
            Self::List => matches!(shape, Shape::List(_) | Shape::Command | Shape::Commands),
            Self::Table => matches!(shape, Shape::Table(_) | Shape::Map(_) | Shape::Commands),
            Self::Other => false,
        }
    }
}

/// What becomes of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    Keep,
    Rename(String),
    Remove,
}

/// Decides over the keys of one table, given with the kind and the look of their values, and notes the changes.
pub(super) fn fates(
    entries: &[(String, Kind, impl Display)],
    shape: &Shape,
    at: &str,
    changes: &mut Vec<String>,
) -> Vec<Fate> {
    let known: Vec<(&str, &Shape)> = match shape {
        Shape::Table(keys) => keys.iter().map(|(key, shape)| (key.as_str(), shape)).collect(),
        Shape::Map(level) if at == "close.gates" => GATES.map(|(gate, _)| (gate, &**level)).to_vec(),
        _ => return vec![Fate::Keep; entries.len()],
    };
    let is_known = |key: &str| known.iter().any(|(name, _)| *name == key);
    let mut taken: Vec<String> =
        entries.iter().map(|(key, ..)| key.clone()).filter(|k| is_known(k)).collect();
    let mut fates = Vec::new();
    for (key, kind, value) in entries {
        if is_known(key) {
            fates.push(Fate::Keep);
            continue;
        }
        let free = known.iter().filter(|(name, shape)| kind.fits(shape) && !taken.iter().any(|t| t == name));
        let (from, near) = (joined(at, key), nearest(key, free.map(|(name, _)| *name)));
        if let Some(name) = near {
            changes.push(format!("Renamed {from} to {}.", joined(at, name)));
            taken.push(name.to_owned());
            fates.push(Fate::Rename(name.to_owned()));
        } else {
            changes.push(format!("Removed {from}, which was {value}."));
            fates.push(Fate::Remove);
        }
    }
    fates
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Policy, parse};
    use proptest::prelude::*;

    #[test]
    fn json_keeps_its_order_and_loses_unknown_keys_only() {
        let text = r#"{
    "helth": {"idel_seconds": 5, "progress_stalled_seconds": 9},
    "version": 2,
    "colour": "red",
    "agents": [{"nam": "a", "profile": "shell"}],
    "close": {"gates": {"check": "warn", "nonsense": "off"}}
}"#;
        let fixed = fix(text, Format::Json);
        assert_eq!(
            fixed.changes,
            [
                "Renamed helth to health.",
                "Removed colour, which was \"red\".",
                "Renamed health.idel_seconds to health.idle_seconds.",
                "Renamed agents[0].nam to agents[0].name.",
                "Renamed close.gates.check to close.gates.checks.",
                "Removed close.gates.nonsense, which was \"off\".",
            ]
        );
        let policy = parse(&fixed.text, Format::Json).expect("the fixed text is valid");
        assert_eq!(policy.health.idle_seconds, 5);
        let order: Vec<_> = ["health", "version", "agents", "close"]
            .iter()
            .map(|key| fixed.text.find(&format!("\"{key}\"")).expect("the key is there"))
            .collect();
        assert!(order.is_sorted(), "{}", fixed.text);
    }

    #[test]
    fn a_known_key_is_never_overwritten_nor_given_a_foreign_kind() {
        let text = r#"{"health": {"idle_seconds": 7, "idle_second": 8}, "forun": true}"#;
        let fixed = fix(text, Format::Json);
        assert_eq!(
            fixed.changes,
            ["Removed forun, which was true.", "Removed health.idle_second, which was 8."]
        );
        assert_eq!(parse(&fixed.text, Format::Json).map(|p| p.health.idle_seconds), Ok(7));
    }

    #[test]
    fn a_sound_or_unreadable_text_is_left_as_it_is() {
        for (text, format) in [
            ("{ \"version\":2 }", Format::Json),
            ("{", Format::Json),
            ("version = 2 # two", Format::Toml),
            ("version = = 2", Format::Toml),
            ("", Format::Toml),
        ] {
            assert_eq!(fix(text, format), Fixed { text: text.to_owned(), changes: Vec::new() });
        }
    }

    #[test]
    fn toml_keeps_order_and_comments() {
        let text = "\
# Our policy.

# Which schema.
versoin = 2 # two
# A leftover.
colour = \"red\"

# How long.
[helth]
# Quiet.
idel_seconds = 5
unknown = [1]

# Who works.
[[agents]]
nam = \"a\" # the first
profile = \"shell\"

[close]
gates = { check = \"warn\", nonsense = \"off\" }
# The end.
";
        let expected = "\
# Our policy.

# Which schema.
version = 2 # two

# How long.
[health]
# Quiet.
idle_seconds = 5

# Who works.
[[agents]]
name = \"a\" # the first
profile = \"shell\"

[close]
gates = { checks = \"warn\"}
# The end.
";
        let fixed = fix(text, Format::Toml);
        assert_eq!(fixed.text.replace(" }", "}"), expected);
        assert_eq!(fixed.changes.len(), 8, "{:?}", fixed.changes);
        assert!(parse(&fixed.text, Format::Toml).is_ok());
    }

    #[test]
    fn comments_of_their_own_outlive_a_removed_key() {
        let text = "# Our policy.\n\n# Mine.\ncolour = 1\n\n# Late words.\n\nlast_unknown = { a = 1 }\n";
        let fixed = fix(text, Format::Toml);
        assert_eq!(fixed.text, "# Our policy.\n\n\n# Late words.\n\n");
        let text = "# Our policy.\n\ncolour = 1\n[health]\nidle_seconds = 3\n";
        assert_eq!(fix(text, Format::Toml).text, "# Our policy.\n\n[health]\nidle_seconds = 3\n");
    }

    #[test]
    fn a_removed_section_goes_with_all_that_is_below_it() {
        let text = "[zzz]\na = 1\n[zzz.b]\nc = 2\n[health]\nidle_seconds = 3\n[[yyyy]]\nd = 4\n";
        let fixed = fix(text, Format::Toml);
        assert_eq!(fixed.text, "[health]\nidle_seconds = 3\n");
        assert_eq!(fixed.changes.len(), 2);
    }

    #[test]
    fn dotted_keys_are_renamed_where_they_stand() {
        let fixed = fix("health.idel_seconds = 5\nhelth.x = 1\nmerge.sytle = \"squash\"\n", Format::Toml);
        assert_eq!(fixed.text, "health.idle_seconds = 5\nmerge.style = \"squash\"\n");
    }

    #[test]
    fn names_of_the_user_are_no_unknown_keys() {
        let text = "workspace.repos = { anything = \"x\" }\ngit_pr.test_commands = { api = [\"make\"] }\n";
        assert!(fix(text, Format::Toml).changes.is_empty());
    }

    proptest! {
        #[test]
        fn any_text_is_fixed_without_a_panic(text in "[\\[\\]{}a-z_.=\", \n#0-9:]{0,80}") {
            for format in [Format::Json, Format::Toml] {
                let fixed = fix(&text, format);
                let again = fix(&fixed.text, format);
                prop_assert!(again.changes.is_empty(), "{:?} then {:?}", fixed, again);
            }
        }

        #[test]
        fn a_fixed_policy_has_no_unknown_keys(keys in proptest::collection::vec("[a-z_]{1,12}", 0..6)) {
            let body: Vec<_> = keys.iter().map(|key| format!("{key:?}: {{{key:?}: 1}}")).collect();
            let text = format!("{{{}}}", body.join(","));
            let fixed = fix(&text, Format::Json);
            if let Err(problems) = parse(&fixed.text, Format::Json) {
                for problem in problems {
                    let unknown = matches!(problem.kind, crate::policy::ProblemKind::UnknownKey { .. });
                    prop_assert!(!unknown, "{problem}");
                }
            }
        }
    }

    #[test]
    fn the_templates_need_no_fix() {
        for format in [Format::Json, Format::Toml] {
            let text = crate::policy::template(format);
            assert!(fix(&text, format).changes.is_empty());
            assert_eq!(parse(&text, format), Ok(Policy::default()));
        }
    }
}
