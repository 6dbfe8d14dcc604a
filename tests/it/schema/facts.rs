//! What a schema promises, a line for each thing, so that two versions of it can be compared.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Every promise of these schemas: which fields there always are, of which type, and with which words.
pub fn facts(schemas: &BTreeMap<String, Value>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (name, schema) in schemas {
        of(&mut found, name, schema);
        for (shared, below) in schema["$defs"].as_object().into_iter().flatten() {
            of(&mut found, &format!("{name}/{shared}"), below);
        }
    }
    found
}

fn of(found: &mut BTreeSet<String>, place: &str, schema: &Value) {
    if let Some(target) = schema["$ref"].as_str() {
        found.insert(format!("{place} is {}", target.rsplit('/').next().unwrap_or(target)));
    }
    match &schema["type"] {
        Value::String(word) => _ = found.insert(format!("{place} is {word}")),
        Value::Array(words) => found.extend(words.iter().map(|word| format!("{place} may be {word}"))),
        _ => {}
    }
    if !schema["const"].is_null() {
        found.insert(format!("{place} is {}", schema["const"]));
    }
    for word in schema["enum"].as_array().into_iter().flatten() {
        found.insert(format!("{place} may be {word}"));
    }
    for (name, below) in schema["properties"].as_object().into_iter().flatten() {
        of(found, &format!("{place}.{name}"), below);
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        found.insert(format!("{place}.{name} is always there"));
    }
    if schema["items"].is_object() {
        of(found, &format!("{place}[]"), &schema["items"]);
    }
    for key in ["oneOf", "anyOf"] {
        for (at, below) in schema[key].as_array().into_iter().flatten().enumerate() {
            of(found, &format!("{place}|{at}"), below);
        }
    }
}

#[test]
fn a_field_that_goes_or_changes_its_type_is_seen() {
    let facts_of = |text: &str| {
        let schema = serde_json::from_str(text).expect("JSON");
        facts(&BTreeMap::from([("x".to_owned(), schema)]))
    };
    let before = facts_of(
        r#"{"type":"object","properties":{"a":{"type":"string"},"b":{"enum":["one"]}},"required":["a"]}"#,
    );
    assert_eq!(
        before.iter().map(String::as_str).collect::<Vec<_>>(),
        ["x is object", "x.a is always there", "x.a is string", "x.b may be \"one\""]
    );
    for (after, gone) in [
        (r#"{"type":"object","properties":{"b":{"enum":["one"]}}}"#, 2),
        (
            r#"{"type":"object","properties":{"a":{"type":"integer"},"b":{"enum":["one"]}},"required":["a"]}"#,
            1,
        ),
        (
            r#"{"type":"object","properties":{"a":{"type":"string"},"b":{"enum":["two"]}},"required":["a"]}"#,
            1,
        ),
        (
            r#"{"type":"object","properties":{"a":{"type":"string"},"b":{"enum":["one","two"]},"c":{"type":"null"}},"required":["a","c"]}"#,
            0,
        ),
    ] {
        assert_eq!(before.difference(&facts_of(after)).count(), gone, "{after}");
    }
}
