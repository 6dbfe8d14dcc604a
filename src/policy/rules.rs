//! What single values must satisfy beyond their kind, by key. `[]` stands for a list's entries, `{}` for a free
//! table's.

use super::schema::{GATES, POLICY_VERSION};
use super::words::{
    Assistance, AuthorityMode, CredentialMode, ForumTransport, HooksInstall, HooksStrict, MergeStyle,
    Permissions, RequiredCheck, ReviewMode, RunMode, Runner, SeedMode, SessionsBackend, TicketsProvider,
    TicketsRequired, Track, WorkspaceProvider,
};
use crate::model::GateLevel;
use crate::model::check_name;

/// A rule for one value.
#[derive(Clone, Copy)]
pub(super) enum Rule {
    /// One of these words; case and blanks around it do not matter.
    OneOf(&'static [&'static str]),
    /// A number within these bounds.
    Range(u64, u64),
    /// A text that is not blank, or a list with an entry.
    Filled,
    /// Nothing but `true`.
    True,
    /// A text that passes a test; the words say what passes.
    Text(fn(&str) -> bool, &'static str),
}

/// The largest number that any key takes; a duration of so many seconds or minutes fits every clock.
pub(super) const LARGEST: u64 = u32::MAX as u64;

const NAME: &str = "a name: a letter or digit, then letters, digits, '.', '_' or '-', at most 64 of them";
const BRANCH: &str = "a branch name that git takes";
const URL: &str = "an http:// or https:// address with a host";

const REDIS: &str = "a redis:// or redis+unix:// address (rediss:// is not spoken: go through a tunnel)";

/// The rule of a key, if it has one.
pub(super) fn rule_of(key: &str) -> Option<Rule> {
    word_rule(key).or_else(|| number_rule(key)).or_else(|| text_rule(key))
}

fn word_rule(key: &str) -> Option<Rule> {
    let words = match key {
        "workspace.default_strategy" => &["create", "fork", "reuse"],
        "workspace.provider" => WorkspaceProvider::WORDS,
        "tickets.provider" => TicketsProvider::WORDS,
        "tickets.required" => TicketsRequired::WORDS,
        "docs.authority_mode" => AuthorityMode::WORDS,
        "docs.seed_mode" => SeedMode::WORDS,
        "sessions.backend" => SessionsBackend::WORDS,
        "hooks.install" => HooksInstall::WORDS,
        "hooks.strict" => HooksStrict::WORDS,
        "close.gates{}" => GateLevel::WORDS,
        "merge.style" => MergeStyle::WORDS,
        "state.track" => Track::WORDS,
        "forum.transport" => ForumTransport::WORDS,
        "operator.llm.mode" | "git_pr.mode" => Assistance::WORDS,
        "git_pr.credential_mode" => CredentialMode::WORDS,
        "git_pr.required_checks[]" => RequiredCheck::WORDS,
        "git_pr.review_feedback.mode" => ReviewMode::WORDS,
        "agent_profiles[].runner" => Runner::WORDS,
        "agent_profiles[].runner_options.mode" => RunMode::WORDS,
        "agent_profiles[].runner_options.permissions" => Permissions::WORDS,
        _ => return None,
    };
    Some(Rule::OneOf(words))
}

fn number_rule(key: &str) -> Option<Rule> {
    match key {
        "version" => Some(Rule::Range(1, u64::from(POLICY_VERSION))),
        "docs.stale_warning_seconds"
        | "docs.api.request_timeout_seconds"
        | "health.idle_seconds"
        | "health.activity_stalled_seconds"
        | "health.progress_stalled_seconds"
        | "operator.unhealthy_confirmations"
        | "operator.restart_budget"
        | "operator.restart_cooldown_seconds"
        | "operator.stale_run_age_seconds"
        | "operator.llm.timeout_seconds"
        | "operator.llm.max_tokens"
        | "forum.sla.escalation_minutes"
        | "git_pr.review_feedback.max_items_per_sync"
        | "git_pr.review_feedback.auto_dispatch_cap_per_interval" => Some(Rule::Range(1, LARGEST)),
        "workspace.fetch_seconds" | "execution.step_retries" => Some(Rule::Range(0, LARGEST)),
        "git_pr.review_feedback.include_review_comments" => Some(Rule::True),
        _ => None,
    }
}

fn text_rule(key: &str) -> Option<Rule> {
    let rule = match key {
        "workspace.branch_prefix" => {
            Rule::Text(|text| text.is_empty() || is_branch(text), "empty, or a branch name that git takes")
        }
        "workspace.base_branch" | "workspace.bases{}" => Rule::Text(is_branch, BRANCH),
        "workspace.copy[]" => Rule::Text(is_inside, "a path or glob inside the repository"),
        "workspace.disposable[]" => Rule::Text(is_folder, "the plain name of a folder"),
        "docs.api.workspace_endpoints[].base_url" | "docs.api.repo_endpoints[].base_url" => {
            Rule::Text(is_url, URL)
        }
        "docs.api.workspace_endpoints[].web_url" | "docs.api.repo_endpoints[].web_url" => {
            Rule::Text(|text| text.trim().is_empty() || is_url(text), URL)
        }
        "forum.redis.url" => Rule::Text(is_redis, REDIS),
        "close.never_waive[]" => Rule::Text(is_gate, "the id of a gate"),
        "agents[].name" | "agent_profiles[].skills[]" => Rule::Text(is_name, NAME),
        "workspace.root"
        | "workspace.repos{}"
        | "docs.api.workspace_endpoints[].name"
        | "docs.api.repo_endpoints[].name"
        | "docs.api.workspace_endpoints[].repo"
        | "docs.api.repo_endpoints[].repo"
        | "docs.api.workspace_endpoints[].workspace"
        | "tmux.session_pattern"
        | "operator.llm.command"
        | "forum.topics.command_prefix"
        | "forum.topics.event_prefix"
        | "forum.topics.integration_prefix"
        | "forum.redis.stream"
        | "forum.redis.group"
        | "forum.redis.consumer"
        | "git_pr.branch_template"
        | "git_pr.forbidden_file_patterns[]"
        | "git_pr.allowed_repos[]"
        | "git_pr.default_labels[]"
        | "git_pr.default_reviewers[]"
        | "git_pr.review_feedback.ignore_authors[]"
        | "notify.command[]"
        | "agent_profiles"
        | "agent_profiles[].name"
        | "agents"
        | "agents[].profile" => Rule::Filled,
        _ => return None,
    };
    Some(rule)
}

/// The rule for the keys of a free table.
pub(super) fn key_rule_of(key: &str) -> Option<Rule> {
    match key {
        "workspace.repos" | "workspace.bases" | "git_pr.test_commands" => Some(Rule::Text(is_name, NAME)),
        _ => None,
    }
}

/// The keys that every entry of a list must set.
pub(super) fn required_of(list: &str) -> &'static [&'static str] {
    match list {
        "docs.api.workspace_endpoints[]" => &["name", "base_url", "repo", "workspace"],
        "docs.api.repo_endpoints[]" => &["name", "base_url", "repo"],
        "agent_profiles[]" => &["name", "runner"],
        "agents[]" => &["name", "profile"],
        _ => &[],
    }
}

fn is_name(text: &str) -> bool {
    check_name("name", text).is_ok()
}

fn is_gate(text: &str) -> bool {
    GATES.iter().any(|(id, _)| *id == text)
}

fn is_folder(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    !text.trim().is_empty()
        && ![".", "..", ".git", ".metawsm"].contains(&lower.as_str())
        && !text.chars().any(|c| "/\\*?[]{}".contains(c) || c.is_control())
}

fn is_inside(text: &str) -> bool {
    !text.trim().is_empty()
        && !text.starts_with(['/', '~'])
        && !text.chars().any(char::is_control)
        && text.split('/').all(|part| !part.eq_ignore_ascii_case(".git") && part != "..")
}

fn is_redis(text: &str) -> bool {
    let schemes = ["redis://", "valkey://", "redis+unix://", "valkey+unix://", "unix://"];
    let rest = schemes.iter().find_map(|scheme| text.trim().strip_prefix(scheme));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.chars().any(|c| c.is_whitespace() || c.is_control()))
}

fn is_url(text: &str) -> bool {
    let text = text.trim();
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host_port = authority.rsplit('@').next().unwrap_or_default();
    let host = match host_port.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host_port.split(':').next().unwrap_or_default(),
    };
    ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known))
        && !host.is_empty()
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

/// The rules of `git check-ref-format --branch`.
fn is_branch(text: &str) -> bool {
    let lock = ".lock";
    let part = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(lock);
    text.len() <= 200
        && text.split('/').all(part)
        && !text.starts_with('-')
        && !text.ends_with('.')
        && !text.contains("..")
        && !text.contains("@{")
        && text != "@"
        && text != "HEAD"
        && !text.chars().any(|c| c.is_control() || " ~^:?*[\\".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branch_names_follow_git() {
        for good in ["main", "task", "team/task", "v1.2", "feature/x_y-z", "ünïcode"] {
            assert!(is_branch(good), "{good:?} must be taken");
        }
        for bad in [
            "", "/", "a/", "/a", "a//b", "-a", ".a", "a/.b", "a..b", "a.", "a.lock", "a b", "a~1", "a^",
            "a:b", "a?", "a*", "a[", "a\\b", "a@{1", "@", "HEAD", "a\nb",
        ] {
            assert!(!is_branch(bad), "{bad:?} must be refused");
        }
    }

    #[test]
    fn addresses_need_http_and_a_host() {
        for good in
            ["http://127.0.0.1:8787", "https://docs.example.org/x?y#z", "HTTP://[::1]:80", "http://u@h"]
        {
            assert!(is_url(good), "{good:?} must be taken");
        }
        for bad in
            ["", "localhost:80", "ftp://h", "http://", "http:///x", "http://:80", "http://@", "http://a b"]
        {
            assert!(!is_url(bad), "{bad:?} must be refused");
        }
    }

    #[test]
    fn a_disposable_folder_is_one_plain_name() {
        for good in ["node_modules", ".venv", "target"] {
            assert!(is_folder(good), "{good:?} must be taken");
        }
        for bad in ["", " ", ".", "..", ".git", ".GIT", ".metawsm", "a/b", "*", "a?", "a\\b"] {
            assert!(!is_folder(bad), "{bad:?} must be refused");
        }
    }

    #[test]
    fn copied_files_lie_inside_the_repository() {
        for good in [".env.local", "config/*.json", "**/.env"] {
            assert!(is_inside(good), "{good:?} must be taken");
        }
        for bad in ["", "/etc/passwd", "../x", "a/../b", "~/x", ".git/config", "a\nb"] {
            assert!(!is_inside(bad), "{bad:?} must be refused");
        }
    }
}
