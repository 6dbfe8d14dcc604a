//! From text to a policy and back: defaults, the file over them, a person's own keys over that.

use super::agent::built_in_profiles;
use super::check::check;
use super::closing::{GitPrPolicy, HooksPolicy};
use super::node::{Format, Node};
use super::problem::{Problem, ProblemKind};
use super::relation::relations;
use super::running::HealthPolicy;
use super::schema::{POLICY_VERSION, Policy};
use super::shape::{Shape, plain};
use super::words::SessionsBackend;
use super::work::DocsPolicy;
use crate::model::content_hash;
use serde_json::Value;

/// Reads a policy: the text laid over the defaults, in which lists replace lists. All problems are reported at once.
pub fn parse(text: &str, format: Format) -> Result<Policy, Vec<Problem>> {
    of_node(Node::parse(text, format).map_err(|problem| vec![problem])?)
}

/// Reads the policy that a run's record holds.
pub fn from_table(table: &toml::Table) -> Result<Policy, Vec<Problem>> {
    of_node(Node::of_toml(table))
}

/// The thresholds in the policy that a run's record holds, which was checked when it was stored: reading them alone
/// costs a fiftieth of reading it whole, and `status` asks for every run. The defaults where they cannot be read.
pub fn health_from_table(table: &toml::Table) -> HealthPolicy {
    let section = table.get("health").cloned();
    section.and_then(|section| section.try_into().ok()).unwrap_or_default()
}

/// The section `docs` alone of the policy that a run holds; the default one where it cannot be read.
pub fn docs_from_table(table: &toml::Table) -> DocsPolicy {
    let section = table.get("docs").cloned();
    section.and_then(|section| section.try_into().ok()).unwrap_or_default()
}

/// Whether the policy that a run holds names a command that tells a person.
pub fn notifies(table: &toml::Table) -> bool {
    let command = table.get("notify").and_then(|section| section.get("command")).and_then(|v| v.as_array());
    command.is_some_and(|words| !words.is_empty())
}

/// The section `hooks` alone of the policy that a run holds; hooks have no time to read the rest.
pub fn hooks_from_table(table: &toml::Table) -> HooksPolicy {
    let section = table.get("hooks").cloned();
    section.and_then(|section| section.try_into().ok()).unwrap_or_default()
}

/// The forbidden patterns alone of the policy that a run holds; the default ones where they cannot be read.
pub fn forbidden_from_table(table: &toml::Table) -> Vec<String> {
    let section = table.get("git_pr").cloned();
    let section: Option<GitPrPolicy> = section.and_then(|section| section.try_into().ok());
    section.unwrap_or_default().forbidden_file_patterns
}

/// The whole policy as a run's record holds it.
pub fn to_table(policy: &Policy) -> toml::Table {
    match to_toml(&plain(policy)) {
        Some(toml::Value::Table(table)) => table,
        _ => toml::Table::new(),
    }
}

/// The content hash of a policy, the same for every way to write the same policy.
pub fn hash(policy: &Policy) -> String {
    content_hash(plain(policy).to_string().as_bytes())
}

fn of_node(mut root: Node) -> Result<Policy, Vec<Problem>> {
    if let Some(found) = newer_version(&root) {
        let kind = ProblemKind::Version { found, newest: POLICY_VERSION };
        return Err(vec![Problem { key: "version".to_owned(), kind }]);
    }
    let mut problems = check(&mut root);
    let mut value = plain(&Policy::default());
    lay_over(&mut value, &root, &Shape::of_policy());
    problems.extend(relations(&value));
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut policy: Policy = serde_json::from_value(value).map_err(|source| vec![Problem::syntax(source)])?;
    for profile in built_in_profiles() {
        if policy.profile(&profile.name).is_none() {
            policy.agent_profiles.push(profile);
        }
    }
    Ok(policy)
}

fn newer_version(root: &Node) -> Option<u64> {
    let Node::Table(entries) = root else { return None };
    entries.iter().filter(|(key, _)| key == "version").find_map(|(_, node)| match node {
        Node::Number(number) => number.as_u64().filter(|version| *version > u64::from(POLICY_VERSION)),
        _ => None,
    })
}

fn lay_over(base: &mut Value, node: &Node, shape: &Shape) {
    let (Value::Object(base), Node::Table(entries)) = (base, node) else { return };
    for (key, node) in entries.iter().filter(|(_, node)| *node != Node::Null) {
        match (shape.key(key), base.get_mut(key)) {
            (Some(below @ Shape::Table(_)), Some(value)) => lay_over(value, node, below),
            (Some(_), _) => {
                base.insert(key.clone(), node.to_value());
            }
            (None, _) => {}
        }
    }
}

fn to_toml(value: &Value) -> Option<toml::Value> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(flag) => toml::Value::Boolean(*flag),
        Value::Number(number) => {
            number.as_i64().map(toml::Value::Integer).or_else(|| number.as_f64().map(toml::Value::Float))?
        }
        Value::String(text) => toml::Value::String(text.clone()),
        Value::Array(items) => toml::Value::Array(items.iter().filter_map(to_toml).collect()),
        Value::Object(entries) => toml::Value::Table(
            entries.iter().filter_map(|(key, value)| Some((key.clone(), to_toml(value)?))).collect(),
        ),
    })
}

/// What a person set for all policies, in git config `metawsm.*`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Personal {
    /// `metawsm.agent`: the role or profile that works where no flag names one.
    pub agent: Option<String>,
    /// `metawsm.workspace.root`.
    pub workspace_root: Option<String>,
    /// `metawsm.sessions.backend`.
    pub sessions_backend: Option<String>,
    /// `metawsm.notify.command`, split into argv.
    pub notify_command: Option<Vec<String>>,
    /// `metawsm.color`: `auto`, `always` or `never`; checked here, used where text is printed.
    pub color: Option<String>,
}

/// Lays a person's own keys over a policy. `personal.agent` narrows the roles to that one; where a flag names
/// agents it wins, so leave it out then and use [`Policy::choose_agents`].
pub fn layer(mut policy: Policy, personal: &Personal) -> Result<Policy, Vec<Problem>> {
    let mut problems = Vec::new();
    if let Some(agent) = &personal.agent {
        match policy.choose_agents(std::slice::from_ref(agent), "metawsm.agent") {
            Ok(roles) => policy.agents = roles,
            Err(found) => problems.extend(found),
        }
    }
    if let Some(root) = &personal.workspace_root {
        if root.trim().is_empty() {
            problems.push(Problem::wrong("metawsm.workspace.root", "empty", "a path"));
        }
        policy.workspace.root.clone_from(root);
    }
    if let Some(word) = &personal.sessions_backend {
        match word.trim().to_ascii_lowercase().as_str() {
            "auto" => policy.sessions.backend = SessionsBackend::Auto,
            "tmux" => policy.sessions.backend = SessionsBackend::Tmux,
            "process" => policy.sessions.backend = SessionsBackend::Process,
            _ => problems.push(unknown_word("metawsm.sessions.backend", word, SessionsBackend::WORDS)),
        }
    }
    if let Some(command) = &personal.notify_command {
        if command.iter().any(|word| word.trim().is_empty()) {
            let value = format!("{command:?}");
            problems.push(Problem::wrong("metawsm.notify.command", value, "a command without empty words"));
        }
        policy.notify.command.clone_from(command);
    }
    let colors = ["auto", "always", "never"];
    if let Some(word) = personal.color.as_deref().filter(|word| !colors.contains(word)) {
        problems.push(unknown_word("metawsm.color", word, &colors));
    }
    if problems.is_empty() { Ok(policy) } else { Err(problems) }
}

fn unknown_word(key: &str, word: &str, words: &[&str]) -> Problem {
    Problem::wrong(key, format!("{word:?}"), format!("one of {}", words.join(", ")))
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
