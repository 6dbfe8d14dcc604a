//! The published schemas of answers in `fixtures/schema`, and what they say of an answer.

use clap::CommandFactory;
use git_metawsm::cmd::Cli;
use jsonschema::{Retrieve, Uri, Validator};
use serde_json::Value;
use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Answers above this are so many of the same that they are not looked at.
const LARGE: usize = 1 << 20;

/// The schema of what several answers share.
pub const SHARED: &str = "defs";
/// The schema of errors.
pub const ERROR: &str = "error";

/// Every schema by its name, read once.
pub fn schemas() -> &'static BTreeMap<String, Value> {
    static SCHEMAS: OnceLock<BTreeMap<String, Value>> = OnceLock::new();
    SCHEMAS.get_or_init(|| {
        let read = |path: PathBuf| {
            let name = path.file_stem()?.to_str()?.to_owned();
            let text = std::fs::read_to_string(&path).expect("a schema is text");
            let schema = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            Some((name, schema))
        };
        let entries = schema_dir().read_dir().expect("the folder of schemas").flatten();
        let files =
            entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "json"));
        files.filter_map(read).collect()
    })
}

/// Where they are.
pub fn schema_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/schema")
}

/// Gives the schema that others refer to.
struct Shared;

impl Retrieve for Shared {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn Error + Send + Sync>> {
        let name = uri.path().as_str().trim_start_matches('/').trim_end_matches(".json");
        schemas().get(name).cloned().ok_or_else(|| format!("there is no schema {name}").into())
    }
}

fn validators() -> &'static BTreeMap<String, Validator> {
    static VALIDATORS: OnceLock<BTreeMap<String, Validator>> = OnceLock::new();
    VALIDATORS.get_or_init(|| {
        let made = |(name, schema): (&String, &Value)| {
            let made = jsonschema::options().with_retriever(Shared).build(schema);
            (name.clone(), made.unwrap_or_else(|e| panic!("{name}.json is no schema: {e}")))
        };
        schemas().iter().map(made).collect()
    })
}

/// What a value has that its schema does not allow.
pub fn faults(name: &str, value: &Value) -> Vec<String> {
    let Some(validator) = validators().get(name) else {
        return vec![format!("there is no fixtures/schema/{name}.json")];
    };
    let said = |fault: jsonschema::ValidationError<'_>| format!("at '{}': {fault}", fault.instance_path());
    validator.iter_errors(value).take(5).map(said).collect()
}

/// The schema of what a command line answers: its command's words, with `-` between them. `None` where none of the words
/// is a command.
pub fn schema_of(words: &[String]) -> Option<String> {
    static PROGRAM: OnceLock<clap::Command> = OnceLock::new();
    let mut known = PROGRAM.get_or_init(Cli::command);
    let mut path = Vec::new();
    for word in words {
        if let Some(below) = known.find_subcommand(word) {
            path.push(below.get_name());
            known = below;
        }
    }
    (!path.is_empty()).then(|| path.join("-"))
}

/// Requires that what was answered to a command line with `--json` is what its schema says, each line of it.
#[track_caller]
pub fn require_valid(words: &[String], answer: &str) {
    if !words.iter().any(|word| word == "--json") || answer.len() > LARGE {
        return;
    }
    for line in answer.lines().filter(|line| line.starts_with("{\"schema\":")) {
        // One that was killed has not finished its line.
        let Ok(value) = serde_json::from_str::<Value>(line) else { continue };
        let name = if value["error"].is_object() { Some(ERROR.to_owned()) } else { schema_of(words) };
        let name = name.unwrap_or_else(|| "status".to_owned());
        let faults = faults(&name, &value);
        assert!(
            faults.is_empty(),
            "`{}` does not answer as fixtures/schema/{name}.json says:\n{}\n{value:#}",
            words.join(" "),
            faults.join("\n")
        );
    }
}
