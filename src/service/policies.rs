//! The policy in force: defaults, file, personal keys; and whether its programs are trusted.

use super::{Caller, Control, ServiceError, ServiceResult};
use crate::git::Repository;
use crate::model::{GateLevel, Run};
use crate::policy::{self, Format, Personal, Policy};
use crate::sys::process::quoted;
use crate::tickets::Provider;
use crate::{store, sys};
use std::path::{Path, PathBuf};

/// The names a policy file can have, below `.metawsm/`.
pub(super) const FILES: [&str; 2] = ["policy.json", "policy.toml"];

/// A policy and where it came from.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    /// The policy, personal keys included.
    pub policy: Policy,
    /// Its file, if there is one.
    pub path: Option<PathBuf>,
}

/// The policy file of a control repository's worktree, if one exists; two are an error.
pub(super) fn policy_file(control: &Control) -> ServiceResult<Option<PathBuf>> {
    let Some(top) = control.repo.worktree() else { return Ok(None) };
    let found: Vec<_> =
        FILES.iter().map(|name| top.join(".metawsm").join(name)).filter(|p| p.exists()).collect();
    match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one.clone())),
        _ => Err(ServiceError::failed(
            "Both .metawsm/policy.json and .metawsm/policy.toml exist, and only one can hold.",
            &["mv .metawsm/policy.json .metawsm/policy.json.old"],
        )),
    }
}

/// The present policy, as `run` sees it: `--policy` or the control worktree's file, over the defaults, under the
/// personal keys of git config.
pub(super) fn present(caller: &Caller, control: &Control) -> ServiceResult<Rules> {
    match &caller.policy {
        Some(given) => at_path(control, Some(caller.cwd.join(given))),
        None => in_worktree(control),
    }
}

/// The present policy for who was given no other one, such as an agent's wrapper.
pub(super) fn in_worktree(control: &Control) -> ServiceResult<Rules> {
    at_path(control, policy_file(control)?)
}

fn at_path(control: &Control, path: Option<PathBuf>) -> ServiceResult<Rules> {
    let policy = match &path {
        Some(path) => load(path)?,
        None => Policy::default(),
    };
    let policy = policy::layer(policy, &personal(control)?)
        .map_err(|problems| ServiceError::Policy { path: PathBuf::from("in git config"), problems })?;
    Ok(Rules { policy, path })
}

/// Reads and checks a policy file.
pub(super) fn load(path: &Path) -> ServiceResult<Policy> {
    let format = Format::of_path(path).unwrap_or(Format::Json);
    let text = text_of(path)?;
    policy::parse(&text, format).map_err(|problems| ServiceError::Policy { path: path.to_owned(), problems })
}

/// Reads a policy file's text, size-capped and without following links out of the repository.
pub(super) fn text_of(path: &Path) -> ServiceResult<String> {
    let real = sys::files::real_path(path);
    let bytes = sys::files::find_foreign(&real, 1 << 20)?.ok_or_else(|| {
        ServiceError::failed(
            format!("The policy {} does not exist.", path.display()),
            &[&format!("git metawsm policy-init --path {}", quoted(&path.display().to_string()))],
        )
    })?;
    String::from_utf8(bytes).map_err(|_| {
        ServiceError::failed(
            format!("The policy {} is not UTF-8 text.", path.display()),
            &[&format!("${{EDITOR:-vi}} {}", quoted(&path.display().to_string()))],
        )
    })
}

fn personal(control: &Control) -> ServiceResult<Personal> {
    let config = |key: &str| control.repo.config(key);
    let command = config("metawsm.notify.command")?;
    Ok(Personal {
        agent: config("metawsm.agent")?,
        workspace_root: config("metawsm.workspace.root")?,
        sessions_backend: config("metawsm.sessions.backend")?,
        notify_command: command.map(|c| c.split_whitespace().map(str::to_owned).collect()),
        color: config("metawsm.color")?,
    })
}

/// The policy that stands in the tree of the control repository's base: a branch cannot loosen its own rules.
/// The defaults where the tree holds none.
pub(super) fn at_base(control: &Control) -> ServiceResult<Policy> {
    let Some(base) = super::base::control_base(control)? else { return Ok(Policy::default()) };
    in_tree(&control.repo, &base.id, &base.branch)
}

/// The policy that stands in the tree of a commit, which people call `name`; the defaults where it holds none.
pub(super) fn in_tree(repository: &Repository, commit: &str, name: &str) -> ServiceResult<Policy> {
    for file in FILES {
        let path = format!(".metawsm/{file}");
        if let Some(bytes) = repository.read_file(commit, &path)? {
            let text = String::from_utf8_lossy(&bytes);
            let format = Format::of_path(Path::new(file)).unwrap_or(Format::Json);
            let place = PathBuf::from(format!("{name}:{path}"));
            return policy::parse(&text, format)
                .map_err(|problems| ServiceError::Policy { path: place, problems });
        }
    }
    Ok(Policy::default())
}

/// In what the policy that a run was planned under differs from the one at base, a line each. What a person sets for
/// all policies counts on both sides: it is no drift.
pub(super) fn drift(control: &Control, stored: &Policy, at_base: &Policy) -> ServiceResult<Vec<String>> {
    let personal = personal(control)?;
    let layered = |of: &Policy| policy::layer(of.clone(), &personal).unwrap_or_else(|_| of.clone());
    Ok(policy::diff_lines(&layered(stored), &layered(at_base)))
}

/// The policy that a run was planned under.
pub(super) fn stored(run: &Run) -> ServiceResult<Policy> {
    policy::from_table(&run.policy)
        .map_err(|problems| ServiceError::Policy { path: PathBuf::from(format!("of {}", run.id)), problems })
}

/// Who keeps the tickets of a run, by the policy that it was planned under.
pub(super) fn keeper(run: &Run) -> ServiceResult<Provider> {
    Ok(Provider::of(&stored(run)?))
}

/// The level of a gate for a run: the stricter of the stored and the present policy.
pub(super) fn level_of(policy: &Policy, gate: &str, default: GateLevel) -> GateLevel {
    policy.gate_level(gate, default)
}

/// Requires that the programs named by the policy are trusted by this user; `run` starts nothing before.
pub(super) fn require_trust(rules: &Rules) -> ServiceResult<()> {
    let programs = policy::program_keys(&rules.policy);
    if programs.is_empty() || store::is_trusted(&trust_hash(&programs)) {
        return Ok(());
    }
    let lines: Vec<_> = programs.iter().map(|(key, value)| format!("{key} = {value}")).collect();
    Err(ServiceError::forbidden(
        format!("The policy starts programs that you have not trusted yet: {}.", lines.join("; ")),
        &["git metawsm policy trust"],
    ))
}

/// Requires that this user trusts each of these test commands, by any policy that he trusts and that names it: the
/// one that the run was planned under, the one at base, the present one.
pub(super) fn require_trusted_tests(
    caller: &Caller,
    control: &Control,
    run: &Run,
    commands: &[policy::Command],
) -> ServiceResult<()> {
    let mut policies = vec![stored(run)?];
    let at_base = at_base(control)?;
    policies.push(policy::layer(at_base.clone(), &personal(control)?).unwrap_or_else(|_| at_base.clone()));
    policies.push(at_base);
    policies.extend(present(caller, control).ok().map(|rules| rules.policy));
    let is_trusted = |policy: &&Policy| {
        let programs = policy::program_keys(policy);
        !programs.is_empty() && store::is_trusted(&trust_hash(&programs))
    };
    let trusted: Vec<_> = policies.iter().filter(is_trusted).collect();
    let names = |policy: &Policy, command: &policy::Command| {
        let tests = &policy.git_pr.test_commands;
        tests.every.iter().chain(tests.by_repo.values().flatten()).any(|named| named == command)
    };
    let untrusted: Vec<_> = commands
        .iter()
        .filter(|command| !trusted.iter().any(|policy| names(policy, command)))
        .map(|command| format!("'{command}'"))
        .collect();
    if untrusted.is_empty() {
        return Ok(());
    }
    Err(ServiceError::forbidden(
        format!("The policy demands test commands that you have not trusted yet: {}.", untrusted.join(", ")),
        &["git metawsm policy trust"],
    ))
}

/// The hash under which a set of programs is trusted.
pub(super) fn trust_hash(programs: &[(String, String)]) -> String {
    let lines: Vec<_> = programs.iter().map(|(key, value)| format!("{key}={value}\n")).collect();
    crate::model::content_hash(lines.concat().as_bytes())
}
