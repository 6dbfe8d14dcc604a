//! The programs around us, what this user has set up, and the policy.

use super::super::repos::expand_home;
use super::super::setup::is_set_up;
use super::super::{Caller, Control, ServiceError, hidden, policies};
use super::Check;
use crate::git::{self, GitError};
use crate::policy::{Policy, Runner, SessionsBackend, TicketsProvider, WorkspaceProvider};
use crate::sessions;
use crate::sys::process::quoted;
use crate::sys::{env, trial};

/// The git that reads attributes of another tree, without which a merge needs a worktree of its own.
const COMFORTABLE: (u32, u32) = (2, 41);

pub(super) fn git(checks: &mut Vec<Check>) {
    checks.push(match git::require_version() {
        Ok(found) if found.is_at_least(COMFORTABLE) => Check::good("git", format!("git {found}")),
        Ok(found) => Check::good(
            "git",
            format!("git {found}; from 2.41 on, bases with .gitattributes are merged faster"),
        ),
        Err(GitError::TooOld { found }) => {
            let (major, minor) = git::OLDEST;
            Check::bad("git", format!("git {found} is too old: {major}.{minor} or later is needed"))
                .by("git --version")
        }
        Err(error) => Check::bad("git", error.to_string()).by("git --version"),
    });
}

pub(super) fn identity(control: &Control, checks: &mut Vec<Check>) {
    let root = control.root().display().to_string();
    checks.push(Check::good("control", format!("records lie in {root}")));
    if control.repo.has_identity() {
        checks.push(Check::good("identity", format!("commits are made by {}", control.repo.identity())));
    } else {
        checks.push(
            Check::bad("identity", "git does not know who makes commits, so nothing can be merged")
                .by("git config --global user.name '<name>' && git config --global user.email '<mail>'"),
        );
    }
}

/// The policy, and the programs that it needs.
pub(super) fn policy(caller: &Caller, control: &Control, checks: &mut Vec<Check>) {
    if let Some(warning) = hidden::warning(control) {
        checks.push(Check::warn("ignored", warning).by("git check-ignore -v .metawsm/policy.json"));
    }
    let rules = match policies::present(caller, control) {
        Ok(rules) => rules,
        Err(error) => {
            checks.push(Check::bad("policy", told(&error)).by("git metawsm policy check"));
            return;
        }
    };
    checks.push(match &rules.path {
        Some(path) => Check::good("policy", format!("{} is valid", path.display())),
        None => Check::good("policy", "the defaults hold: there is no policy file"),
    });
    match policies::require_trust(&rules) {
        Ok(()) => {}
        Err(error) => checks.push(Check::warn("trust", told(&error)).by("git metawsm policy trust")),
    }
    if let Err(error) = policies::at_base(control) {
        checks.push(
            Check::bad("policy", format!("base holds another one: {}", told(&error)))
                .by("git metawsm policy check"),
        );
    }
    programs(&rules.policy, checks);
    workspaces(&rules.policy, checks);
}

/// Whether workspaces can be made; what is not there yet is made below its nearest parent.
fn workspaces(policy: &Policy, checks: &mut Vec<Check>) {
    let root = expand_home(&policy.workspace.root);
    let Some(there) = root.ancestors().find(|dir| dir.exists()) else { return };
    checks.push(match trial::try_disk(there) {
        Ok(()) => Check::good("workspaces", format!("{} can be written", root.display())),
        Err(why) => {
            Check::bad("workspaces", format!("{} is no place for workspaces: {why}", there.display()))
                .by("git config metawsm.workspace.root <directory>")
        }
    });
}

/// The error with what it counts.
fn told(error: &ServiceError) -> String {
    match error {
        ServiceError::Policy { problems, .. } => {
            let all: Vec<_> = problems.iter().map(ToString::to_string).collect();
            format!("{error}: {}", all.join("; "))
        }
        _ => error.to_string(),
    }
}

fn programs(policy: &Policy, checks: &mut Vec<Check>) {
    let tmux = env::find_program("tmux").is_some();
    checks.push(match (policy.sessions.backend, tmux) {
        (SessionsBackend::Process, _) => {
            Check::good("sessions", "agents run as processes, as the policy says")
        }
        (_, true) => Check::good("sessions", "agents run in tmux"),
        (SessionsBackend::Auto, false) => Check::note(
            "sessions",
            "tmux is not installed: agents run as processes, and 'logs -f' shows them",
        ),
        (SessionsBackend::Tmux, false) => {
            Check::bad("sessions", "the policy wants tmux, which is not installed")
                .by("git config metawsm.sessions.backend process")
        }
    });
    if policy.tickets.provider == TicketsProvider::Docmgr {
        needed("docmgr", "tickets.provider", checks);
    }
    if policy.workspace.provider == WorkspaceProvider::Wsm {
        needed("wsm", "workspace.provider", checks);
    }
    for role in &policy.agents {
        checks.push(agent(policy, role.name.as_str(), &role.profile));
    }
}

fn needed(program: &'static str, key: &str, checks: &mut Vec<Check>) {
    checks.push(if env::find_program(program).is_some() {
        Check::good("programs", format!("{program} is installed"))
    } else {
        Check::bad("programs", format!("{key} is {program}, which is not on PATH"))
            .by("git metawsm policy show")
    });
}

fn agent(policy: &Policy, name: &str, profile: &str) -> Check {
    let Some(found) = policy.profile(profile) else {
        return Check::bad("agents", format!("the agent '{name}' names no known profile"))
            .by("git metawsm policy check");
    };
    let command = found.runner_options.command.to_string();
    let program = match found.runner {
        Runner::Auto => match sessions::default_runner() {
            Ok(runner) => runner.to_owned(),
            Err(_) => {
                return Check::warn("agents", format!("for '{name}' neither claude nor codex is on PATH"))
                    .by("git config metawsm.agent <profile>");
            }
        },
        // A shell line is the shell's to find.
        Runner::Shell => "sh".to_owned(),
        Runner::Claude | Runner::Codex | Runner::Command => {
            let first =
                command.split_whitespace().next().map(|word| word.trim_matches(['"', '\'']).to_owned());
            first.unwrap_or_else(|| found.runner.as_str().to_owned())
        }
    };
    if env::find_program(&program).is_some() {
        Check::good("agents", format!("'{name}' starts {program}"))
    } else {
        Check::warn("agents", format!("'{name}' starts {program}, which is not on PATH"))
            .by(format!("command -v {}", quoted(&program)))
    }
}

pub(super) fn set_up(checks: &mut Vec<Check>) {
    checks.push(match is_set_up() {
        Some(true) => Check::good("setup", "man pages and completions are installed"),
        Some(false) => Check::note("setup", "some man pages or completions are not as setup wrote them")
            .by("git metawsm setup"),
        None => Check::note("setup", "man pages and completions are not installed").by("git metawsm setup"),
    });
}
