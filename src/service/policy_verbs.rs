//! `policy show|check|trust|apply`.

use super::policies::{self, load, policy_file, present, text_of, trust_hash};
use super::policy_init::unified;
use super::select::{Selector, require_open, select};
use super::setup_scripts::{self, SetupScript};
use super::{Caller, ServiceResult, control, participate, skills};
use crate::model::Run;
use crate::policy::{self, Format, Policy};
use crate::store;
use crate::sys::files;
use std::path::{Path, PathBuf};

/// The policy in force and its file.
#[derive(Debug, Clone)]
pub struct PolicyShown {
    /// The file, if there is one.
    pub path: Option<PathBuf>,
    /// The policy with defaults and personal keys.
    pub policy: Policy,
    /// Programs that it starts.
    pub programs: Vec<(String, String)>,
    /// Whether this user has trusted them.
    pub trusted: bool,
    /// Keys that are accepted and do nothing yet.
    pub not_used: Vec<String>,
    /// Set-up scripts that repositories bring along, where they were asked for.
    pub scripts: Vec<SetupScript>,
}

/// Shows the policy in force.
pub fn show(caller: &Caller) -> ServiceResult<PolicyShown> {
    let control = control(caller)?;
    let rules = present(caller, &control)?;
    let scripts = setup_scripts::of_policy(caller, &control, &rules, &[])?;
    Ok(PolicyShown { scripts, ..shown(rules.path, rules.policy) })
}

fn shown(path: Option<PathBuf>, mut policy: Policy) -> PolicyShown {
    policy.forum.redis.url = policy::without_password(&policy.forum.redis.url);
    let api = &mut policy.docs.api;
    for endpoint in api.workspace_endpoints.iter_mut().chain(&mut api.repo_endpoints) {
        endpoint.base_url = policy::without_user(&endpoint.base_url);
        endpoint.web_url = policy::without_user(&endpoint.web_url);
    }
    let programs = policy::program_keys(&policy);
    let trusted = programs.is_empty() || store::is_trusted(&trust_hash(&programs));
    let not_used = policy::not_used_yet(&policy);
    PolicyShown { path, policy, programs, trusted, not_used, scripts: Vec::new() }
}

/// What `policy check` found or mended.
#[derive(Debug, Clone)]
pub struct PolicyChecked {
    /// The policy as it is (after mending).
    pub shown: PolicyShown,
    /// What `--fix` changed, as sentences.
    pub changes: Vec<String>,
    /// The difference in the file.
    pub diff: String,
}

/// Checks the policy file; with `fix` unknown keys are renamed to the nearest known one or removed.
pub fn check(caller: &Caller, fix: bool) -> ServiceResult<PolicyChecked> {
    let control = control(caller)?;
    let path = match &caller.policy {
        Some(path) => Some(caller.cwd.join(path)),
        None => policy_file(&control)?,
    };
    let Some(path) = path else {
        let rules = present(caller, &control)?;
        return Ok(PolicyChecked {
            shown: shown(None, rules.policy),
            changes: Vec::new(),
            diff: String::new(),
        });
    };
    let (changes, diff) = if fix { mend(&path)? } else { (Vec::new(), String::new()) };
    let policy = load(&path)?;
    skills::require_all(&control, &skills::of_policy(&policy))?;
    Ok(PolicyChecked { shown: shown(Some(path), policy), changes, diff })
}

fn mend(path: &Path) -> ServiceResult<(Vec<String>, String)> {
    let text = text_of(path)?;
    let fixed = policy::fix(&text, Format::of_path(path).unwrap_or(Format::Json));
    if fixed.changes.is_empty() {
        return Ok((Vec::new(), String::new()));
    }
    files::write_atomic(path, fixed.text.as_bytes())?;
    Ok((fixed.changes, unified(&text, &fixed.text)))
}

/// Trusts the programs that the present policy starts, or the one that a named run was planned under, and the set-up
/// scripts of repositories (those that policy and open runs know, and those `named` as `run --repos` names them), for
/// this user and this content.
pub fn trust(caller: &Caller, selector: &Selector, named: &[String]) -> ServiceResult<PolicyShown> {
    let control = control(caller)?;
    let rules = if selector.is_empty() {
        present(caller, &control)?
    } else {
        let id = select(caller, &control, selector, |run| run.state.is_open())?;
        let run = super::select::require_run(&control, &id)?;
        policies::Rules { policy: policies::stored(&run)?, path: Some(PathBuf::from(format!("of {id}"))) }
    };
    let programs = policy::program_keys(&rules.policy);
    if !programs.is_empty() {
        let place = rules.path.as_deref().unwrap_or(Path::new("(personal keys)")).display().to_string();
        store::trust(&trust_hash(&programs), &place)?;
    }
    let mut scripts = setup_scripts::of_policy(caller, &control, &rules, named)?;
    setup_scripts::trust(&mut scripts)?;
    Ok(PolicyShown { scripts, ..shown(rules.path, rules.policy) })
}

/// What `policy apply` changes in a run.
#[derive(Debug, Clone)]
pub struct PolicyApplied {
    /// The run.
    pub run: Run,
    /// `key: old -> new` lines.
    pub changes: Vec<String>,
}

/// Gives a run the present policy of the control repository's base; the difference is shown and journalled.
pub fn apply(caller: &Caller, selector: &Selector, dry_run: bool) -> ServiceResult<PolicyApplied> {
    let control = control(caller)?;
    let id = select(caller, &control, selector, |run| run.state.is_open())?;
    let new = policies::at_base(&control)?;
    if dry_run {
        let run = super::select::require_run(&control, &id)?;
        let changes = policy::diff_lines(&policies::stored(&run)?, &new);
        return Ok(PolicyApplied { run, changes });
    }
    let mut hold = control.hold(&id, "policy apply", caller)?;
    require_open(hold.run())?;
    let changes = policy::diff_lines(&policies::stored(hold.run())?, &new);
    if !changes.is_empty() {
        hold.update(|run| run.policy = policy::to_table(&new).into())?;
        hold.note("policy applied", &changes.join("; "))?;
        for tree in hold.run().worktrees.iter().filter_map(|tree| tree.path.as_deref()) {
            if tree.is_dir() {
                participate::mark(hold.run(), tree)?;
            }
        }
    }
    Ok(PolicyApplied { run: hold.run().clone(), changes })
}
