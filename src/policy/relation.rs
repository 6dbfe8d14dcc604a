//! What must hold between several keys. Looks at the plain tree, so that it reports beside all other problems.

use super::agent::built_in_profiles;
use super::problem::Problem;
use serde_json::Value;

/// Checks the relations of a policy laid over the defaults.
pub(super) fn relations(policy: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    health(policy, &mut problems);
    let endpoints = ["/docs/api/workspace_endpoints", "/docs/api/repo_endpoints"];
    unique(&endpoints.map(|at| (at, list(policy, at))), &mut problems);
    let profiles = list(policy, "/agent_profiles");
    unique(&[("/agent_profiles", profiles)], &mut problems);
    for (i, profile) in profiles.iter().enumerate() {
        runner(profile, &format!("agent_profiles[{i}]"), &mut problems);
    }
    let agents = list(policy, "/agents");
    unique(&[("/agents", agents)], &mut problems);
    for (i, agent) in agents.iter().enumerate() {
        profile_exists(agent, i, profiles, &mut problems);
    }
    problems
}

fn list<'a>(policy: &'a Value, at: &str) -> &'a [Value] {
    policy.pointer(at).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, at: &str) -> &'a str {
    value.pointer(at).and_then(Value::as_str).unwrap_or_default()
}

fn health(policy: &Value, problems: &mut Vec<Problem>) {
    let seconds = |key: &str| policy.pointer(key).and_then(Value::as_u64);
    if let (Some(idle), Some(stalled)) =
        (seconds("/health/idle_seconds"), seconds("/health/activity_stalled_seconds"))
        && stalled < idle
    {
        let allowed = format!("at least health.idle_seconds, which is {idle}");
        problems.push(Problem::wrong("health.activity_stalled_seconds", stalled, allowed));
    }
}

fn unique(lists: &[(&str, &[Value])], problems: &mut Vec<Problem>) {
    let mut seen: Vec<(&str, String)> = Vec::new();
    for (at, items) in lists {
        let at = at.trim_start_matches('/').replace('/', ".");
        for (i, item) in items.iter().enumerate() {
            let (name, key) = (text(item, "/name").trim(), format!("{at}[{i}].name"));
            match seen.iter().find(|(earlier, _)| *earlier == name) {
                _ if name.is_empty() => {}
                Some((_, first)) => problems.push(Problem::duplicate(key, name, first.clone())),
                None => seen.push((name, key)),
            }
        }
    }
}

fn runner(profile: &Value, at: &str, problems: &mut Vec<Problem>) {
    let command = profile.pointer("/runner_options/command");
    let empty = match command {
        Some(Value::String(line)) => line.trim().is_empty(),
        Some(Value::Array(words)) => words.is_empty(),
        _ => true,
    };
    let command_key = || format!("{at}.runner_options.command");
    match text(profile, "/runner") {
        "shell" if empty => {
            problems.push(Problem::wrong(&command_key(), "empty", "a command, because the runner is shell"));
        }
        "command" if !matches!(command, Some(Value::Array(words)) if !words.is_empty()) => {
            let value = command.map_or_else(|| "empty".to_owned(), ToString::to_string);
            let allowed = "a list of program and arguments, in which {prompt_file} stands for the prompt's file, because the runner is command";
            problems.push(Problem::wrong(&command_key(), value, allowed));
        }
        "codex" if text(profile, "/base_prompt").trim().is_empty() => {
            let allowed = "a text that is not empty, because the runner is codex";
            problems.push(Problem::wrong(&format!("{at}.base_prompt"), "empty", allowed));
        }
        _ => {}
    }
}

fn profile_exists(agent: &Value, index: usize, profiles: &[Value], problems: &mut Vec<Problem>) {
    let wanted = text(agent, "/profile");
    let built_in = built_in_profiles();
    let mut known: Vec<&str> = profiles.iter().map(|profile| text(profile, "/name")).collect();
    known.extend(built_in.iter().map(|profile| profile.name.as_str()));
    if !wanted.trim().is_empty() && !known.contains(&wanted) {
        let mut names: Vec<&str> = Vec::new();
        for name in known {
            if !name.is_empty() && !names.contains(&name) {
                names.push(name);
            }
        }
        let allowed = format!("the name of a profile: {}", names.join(", "));
        problems.push(Problem::wrong(&format!("agents[{index}].profile"), format!("{wanted:?}"), allowed));
    }
}
