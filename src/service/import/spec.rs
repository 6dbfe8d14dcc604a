//! What the run's spec says: JSON that may hold anything.

use crate::store::{OldRun, OldStep};
use serde_json::Value;

/// The most tickets, repositories or agents of a run that are taken.
const MANY: usize = 100;

/// The spec of an old run, as far as it could be read.
#[derive(Debug, Default)]
pub(super) struct Spec {
    pub is_bootstrap: bool,
    pub tickets: Vec<String>,
    pub repos: Vec<String>,
    pub doc_home: String,
    pub doc_seed: String,
    pub base: String,
    pub strategy: String,
    pub agents: Vec<AgentSpec>,
    pub is_dry: bool,
}

/// An agent of the spec.
#[derive(Debug, Default)]
pub(super) struct AgentSpec {
    pub name: String,
    pub profile: String,
    pub runner: String,
    pub command: String,
}

/// Reads the spec; what it does not say is taken from the rows of the run. Notes say what was odd.
pub(super) fn spec(old: &OldRun, notes: &mut Vec<String>) -> Spec {
    let value: Value = serde_json::from_str(&old.spec).unwrap_or_else(|error| {
        let why = crate::model::plain_line(&error.to_string());
        notes.push(format!("Its spec could not be read ({why}), so it is put together from its steps."));
        Value::Null
    });
    let text = |key: &str| word(&value, key);
    let mut spec = Spec {
        is_bootstrap: text("mode") == "bootstrap" || (value.is_null() && old.brief.is_some()),
        tickets: words(&value, "tickets", notes),
        repos: words(&value, "repos", notes),
        doc_home: text("doc_home_repo"),
        doc_seed: text("doc_seed_mode"),
        base: text("base_branch").trim_start_matches("origin/").to_owned(),
        strategy: text("workspace_strategy"),
        agents: agents(&value),
        is_dry: value.get("dry_run").and_then(Value::as_bool).unwrap_or(false),
    };
    if spec.doc_home.is_empty() {
        spec.doc_home = text("doc_repo");
    }
    if spec.tickets.is_empty() {
        spec.tickets = old.tickets.iter().take(MANY).cloned().collect();
    }
    if spec.repos.is_empty() {
        spec.repos = created(old, None, "--repos").map(|repos| split(&repos)).unwrap_or_default();
    }
    if spec.agents.is_empty() {
        for agent in old.agents.iter().take(MANY) {
            if !spec.agents.iter().any(|known| known.name == agent.name) {
                spec.agents.push(AgentSpec { name: agent.name.clone(), ..AgentSpec::default() });
            }
        }
    }
    spec
}

fn word(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().trim().to_owned()
}

fn words(value: &Value, key: &str, notes: &mut Vec<String>) -> Vec<String> {
    let Some(list) = value.get(key).and_then(Value::as_array) else { return Vec::new() };
    if list.len() > MANY {
        notes.push(format!("It names {} {key}; the first {MANY} were taken.", list.len()));
    }
    let mut found: Vec<String> = Vec::new();
    for word in list.iter().take(MANY).filter_map(Value::as_str).map(str::trim) {
        if !word.is_empty() && !found.iter().any(|known| known.eq_ignore_ascii_case(word)) {
            found.push(word.to_owned());
        }
    }
    found
}

fn agents(value: &Value) -> Vec<AgentSpec> {
    let list = value.get("agents").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let agent = |value: &Value| AgentSpec {
        name: word(value, "name"),
        profile: word(value, "profile"),
        runner: word(value, "runner"),
        command: word(value, "command"),
    };
    list.iter().take(MANY).map(agent).filter(|agent| !agent.name.is_empty()).collect()
}

fn split(list: &str) -> Vec<String> {
    list.split(',').map(str::trim).filter(|word| !word.is_empty()).take(MANY).map(str::to_owned).collect()
}

/// What the step that made a workspace (this one, else any) said after an option; its words stand in single quotes.
pub(super) fn created(old: &OldRun, workspace: Option<&str>, option: &str) -> Option<String> {
    let is_its = |step: &&OldStep| workspace.is_none_or(|name| super::names::mended(&step.workspace) == name);
    let steps = old.steps.iter().filter(|step| step.command.starts_with("wsm ")).filter(is_its);
    let mut said = steps.filter_map(|step| {
        let (_, rest) = step.command.split_once(&format!("{option} '"))?;
        rest.split_once('\'').map(|(word, _)| word.to_owned())
    });
    said.next().filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_spec_does_not_say_the_steps_do() {
        let step = |command: &str| OldStep { command: command.to_owned(), ..OldStep::default() };
        let old = OldRun {
            spec: "[".repeat(100_000),
            tickets: vec!["T-1".to_owned()],
            steps: vec![
                step("docmgr ticket list --ticket 'T-1'"),
                step("wsm create 't-1-x' --repos 'a,b' --branch 'task/t-1-x'"),
            ],
            ..OldRun::default()
        };
        let mut notes = Vec::new();
        let spec = spec(&old, &mut notes);
        assert_eq!(
            (spec.tickets, spec.repos),
            (vec!["T-1".to_owned()], vec!["a".to_owned(), "b".to_owned()])
        );
        assert_eq!(created(&old, None, "--branch").as_deref(), Some("task/t-1-x"));
        assert!(notes[0].starts_with("Its spec could not be read (recursion limit exceeded"), "{notes:?}");
    }

    #[test]
    fn a_spec_of_the_wrong_shape_is_as_good_as_none() {
        for text in
            ["null", "[]", "7", r#"{"tickets":{"a":1},"repos":"a","agents":[7,{"name":3}],"dry_run":"x"}"#]
        {
            let old = OldRun { spec: text.to_owned(), ..OldRun::default() };
            let spec = spec(&old, &mut Vec::new());
            assert!(
                spec.tickets.is_empty() && spec.repos.is_empty() && spec.agents.is_empty() && !spec.is_dry
            );
        }
    }
}
