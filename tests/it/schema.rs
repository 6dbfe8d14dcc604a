//! The answers of `--json` and their published schemas: what every test of this program sees is looked at by the kit;
//! here each command is made to answer, and the schemas themselves are looked at.

mod facts;
mod walk;

use crate::kit::schema::{ERROR, SHARED, faults, schema_dir, schema_of, schemas};
use clap::CommandFactory;
use git_metawsm::cmd::Cli;
use git_metawsm::gate;
use git_metawsm::model::{ActorKind, EventWhat, Priority, RunState, StepState, ThreadKind, ThreadState};
use git_metawsm::service::NeedKind;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Commands that answer nothing in JSON.
const SILENT: [&str; 4] = ["agent", "hooks-run", "hooks-probe", "tui"];

/// Every command that has an answer, as its schema is called.
fn commands() -> BTreeSet<String> {
    fn below(command: &clap::Command, path: &[&str], found: &mut BTreeSet<String>) {
        let verbs: Vec<_> = command.get_subcommands().filter(|verb| verb.get_name() != "help").collect();
        // `docs` is a command of its own beside `docs sync`.
        if !path.is_empty() && !command.is_subcommand_required_set() {
            found.insert(path.join("-"));
        }
        for verb in verbs.into_iter().filter(|verb| !verb.is_hide_set()) {
            below(verb, &[path, &[verb.get_name()]].concat(), found);
        }
    }
    let mut found = BTreeSet::new();
    below(&Cli::command(), &[], &mut found);
    found.retain(|name| !SILENT.contains(&name.as_str()));
    found
}

#[test]
fn every_command_has_a_schema_and_every_schema_a_command() {
    let named: BTreeSet<_> =
        schemas().keys().filter(|name| ![SHARED, ERROR].contains(&name.as_str())).cloned().collect();
    let commands = commands();
    let missing: Vec<_> = commands.difference(&named).collect();
    assert!(missing.is_empty(), "write what {missing:?} answer into fixtures/schema");
    let spare: Vec<_> = named.difference(&commands).collect();
    assert!(spare.is_empty(), "no command answers as {spare:?} say");
}

#[test]
fn every_command_answers_as_its_schema_says() {
    let (answered, faults) = walk::answered();
    assert!(faults.is_empty(), "answers are not what fixtures/schema says:\n{}", faults.join("\n"));
    let silent: Vec<_> = commands().difference(&answered).cloned().collect();
    assert!(
        silent.is_empty(),
        "no answer of {silent:?} was looked at: let tests/it/schema/walk.rs ask for one"
    );
}

#[test]
fn schemas_are_strict_and_say_what_each_field_is() {
    fn look(place: &str, schema: &Value) {
        let Some(fields) = schema.as_object() else { return };
        if let Some(properties) = fields.get("properties").and_then(Value::as_object) {
            assert_eq!(fields.get("additionalProperties"), Some(&json!(false)), "{place} takes anything");
            for (name, property) in properties {
                let said = property["description"].as_str().unwrap_or_default();
                assert!(
                    said.ends_with('.') && !said.contains('\n'),
                    "{place}.{name} does not say what it is"
                );
                look(&format!("{place}.{name}"), property);
            }
        }
        for key in ["items", "$defs"] {
            fields.get(key).into_iter().for_each(|below| look(&format!("{place}/{key}"), below));
        }
        for below in ["oneOf", "anyOf"].iter().filter_map(|key| fields.get(*key)?.as_array()).flatten() {
            look(place, below);
        }
        if place.ends_with("/$defs") {
            fields.iter().for_each(|(name, below)| look(&format!("{place}/{name}"), below));
        }
    }
    let mut numbers = BTreeSet::new();
    for (name, schema) in schemas() {
        assert!(jsonschema::meta::is_valid(schema), "{name}.json is no JSON schema");
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema", "{name}");
        assert!(schema["title"].is_string() && schema["description"].is_string(), "{name} has no title");
        look(name, schema);
        let alone = [schema.clone()];
        for answer in
            schema["oneOf"].as_array().map_or(&alone[..], Vec::as_slice).iter().filter(|_| name != SHARED)
        {
            numbers.insert(answer["properties"]["schema"]["const"].to_string());
        }
    }
    assert_eq!(numbers.into_iter().collect::<Vec<_>>(), ["1"], "all answers are of one version");
}

#[test]
fn the_words_of_schemas_are_those_of_the_program() {
    fn words<T: Copy>(all: &[T], word: fn(T) -> &'static str) -> Value {
        all.iter().map(|one| word(*one)).collect()
    }
    let defs = &schemas()[SHARED]["$defs"];
    let gates: Value = gate::ALL.iter().map(|gate| gate.id).collect();
    for (name, words) in [
        ("runState", words(RunState::ALL, RunState::as_str)),
        ("stepState", words(StepState::ALL, StepState::as_str)),
        ("threadState", words(ThreadState::ALL, ThreadState::as_str)),
        ("threadKind", words(ThreadKind::ALL, ThreadKind::as_str)),
        ("priority", words(Priority::ALL, Priority::as_str)),
        ("actorType", words(ActorKind::ALL, ActorKind::as_str)),
        ("needKind", words(&NeedKind::ALL, NeedKind::as_str)),
    ] {
        assert_eq!(defs[name]["enum"], words, "{name}");
    }
    assert_eq!(defs["event"]["properties"]["event"]["enum"], words(EventWhat::ALL, EventWhat::as_str));
    assert_eq!(defs["gate"]["properties"]["gate"]["enum"], gates);
}

#[test]
fn an_answer_of_another_shape_is_refused() {
    let good = json!({ "schema": 1, "error": { "kind": "busy", "message": "It is held.", "hints": ["git status"] } });
    assert_eq!(faults(ERROR, &good), Vec::<String>::new());
    let bad: [fn(&mut Value); 6] = [
        |value| value["schema"] = json!(2),
        |value| value["error"]["kind"] = json!("other"),
        |value| value["error"]["message"] = json!(""),
        |value| value["error"]["hints"] = json!("git status"),
        |value| value["error"]["code"] = json!(4),
        |value| value["error"] = json!({ "kind": "busy" }),
    ];
    for (at, spoil) in bad.iter().enumerate() {
        let mut value = good.clone();
        spoil(&mut value);
        assert!(!faults(ERROR, &value).is_empty(), "change {at} is not seen");
    }
    let path = |words: &[&str]| schema_of(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
    assert_eq!(path(&["--json", "docs", "diff", "one"]).as_deref(), Some("docs-diff"));
    assert_eq!(path(&["forum", "ask", "--body", "list"]).as_deref(), Some("forum-ask"));
    assert_eq!(path(&["--json"]), None);
}

/// A script that reads an answer today must understand tomorrow's: what the lock of this version names stays, with its
/// type; more may come. With METAWSM_BLESS=1 what is new is added to the lock.
#[test]
fn what_scripts_rely_on_stays() {
    let number = &schemas()[ERROR]["properties"]["schema"]["const"];
    let path = schema_dir().join(format!("v{number}.lock"));
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let kept: BTreeSet<String> =
        kept.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect();
    let now = facts::facts(schemas());
    let gone: Vec<_> = kept.difference(&now).collect();
    assert!(
        gone.is_empty(),
        "These were promised to scripts, and are no more:\n{gone:#?}\nGive the answers another number: raise SCHEMA in \
         src/render/screen.rs and the 'schema' of every file in fixtures/schema; its lock begins anew."
    );
    let new: Vec<_> = now.difference(&kept).collect();
    if std::env::var_os("METAWSM_BLESS").is_some_and(|v| v == "1") {
        let lines: Vec<_> = now.iter().map(String::as_str).collect();
        let head = "# What answers of this version promise to scripts. Lines are added, never changed or taken away.\n";
        std::fs::write(&path, format!("{head}{}\n", lines.join("\n"))).expect("it is written");
        return;
    }
    assert!(new.is_empty(), "promise what is new: METAWSM_BLESS=1 cargo test --test it schema::\n{new:#?}");
}
