//! What a git hook of ours decides: entered from the shims, inside somebody's git command.
//!
//! Takes no run lock and changes nothing but `hooks.log` and, for `commit-msg`, the message. Git children of ours
//! run no hooks, so nothing here can call itself.

mod admin;
mod files;
mod judge;
mod message;
mod open;
mod prove;
mod restore;
mod server;
mod work;

pub use admin::{HooksInstalled, ack, install, uninstall};
pub(super) use admin::{announce, install_for, loosen, uninstall_unneeded};
pub use files::StagedFile;
pub use judge::RefusedRun;
pub(super) use open::{MARKER, NO_TRAILER};
pub use prove::{HookProof, HooksProven, prove, told_by_probe};
pub(super) use work::{brought, known, unfinished};

use super::{ServiceError, ServiceResult};
use crate::git::{Head, Repository};
use crate::store;
use crate::sys::env;
use judge::{Move, Verdicts};
use open::Hooked;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A hook as git called it.
#[derive(Debug, Clone)]
pub struct HookCall {
    /// Its name.
    pub name: String,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// What git says on standard input.
    pub input: Vec<u8>,
    /// The working directory.
    pub cwd: PathBuf,
    /// The agent that all this happens below, if so.
    pub below_agent: Option<String>,
}

/// What a hook says.
#[derive(Debug, Clone, Default)]
pub struct HookAnswer {
    /// What a person should know, though it passes.
    pub notes: Vec<String>,
    /// Why it does not pass.
    pub refusal: Option<HookRefusal>,
}

/// Why a hook refuses, and what then.
#[derive(Debug, Clone, Default)]
pub struct HookRefusal {
    /// What was refused, a full sentence.
    pub what: String,
    /// The runs whose work would come in.
    pub runs: Vec<RefusedRun>,
    /// Files that may not be committed, each with the reason.
    pub files: Vec<StagedFile>,
    /// What the refused command leaves behind, a full sentence.
    pub left: String,
    /// The command that takes it back.
    pub restore: Option<String>,
    /// How to go on, each a command.
    pub next: Vec<String>,
}

/// Whether a failure to judge refuses: where work would come into a base.
pub fn fails_closed(hook: &str) -> bool {
    matches!(hook, "pre-merge-commit" | "pre-push" | "reference-transaction" | "update")
}

/// Decides what the hook was asked.
pub fn run_hook(call: &HookCall) -> ServiceResult<HookAnswer> {
    let git_dir = env::os("GIT_DIR").map(PathBuf::from);
    let repo = Repository::of_hook(&call.cwd, git_dir.as_deref())?;
    if call.name == "update" {
        return server::update(call, &repo);
    }
    let hooked = Hooked::at(&repo);
    if hooked.entries.is_empty() {
        return Ok(HookAnswer { notes: hooked.faults, refusal: None });
    }
    match call.name.as_str() {
        "pre-commit" => pre_commit(call, &repo, &hooked),
        "commit-msg" => commit_msg(call, &repo, &hooked),
        "pre-merge-commit" => pre_merge_commit(call, &repo, &hooked),
        "pre-push" => pre_push(call, &repo, &hooked),
        "reference-transaction" => reference_transaction(call, &repo, &hooked),
        other => {
            Err(ServiceError::wrong(format!("There is no hook '{other}'."), &["git metawsm hooks status"]))
        }
    }
}

/// The branch that HEAD is on, and its commit.
fn head_of(repo: &Repository) -> ServiceResult<(Option<String>, Option<String>)> {
    Ok(match repo.head()? {
        Head::Branch { name, id } => (Some(name), id),
        Head::Detached(id) => (None, Some(id)),
    })
}

fn pre_commit(call: &HookCall, repo: &Repository, hooked: &Hooked) -> ServiceResult<HookAnswer> {
    let (branch, id) = head_of(repo)?;
    if let Some(open) = hooked.run_of_worktree(repo)? {
        let answer = files::judge(call, repo, &open)?;
        if answer.refusal.is_some() {
            return Ok(answer);
        }
    }
    let Some(base) = branch.filter(|branch| hooked.is_base(branch)) else { return Ok(HookAnswer::default()) };
    let (merged, named) = (repo.merge_heads()?, repo.squashed_ids()?);
    if merged.is_empty() && named.is_empty() {
        return Ok(HookAnswer::default());
    }
    let mut verdicts = Verdicts::default();
    let is_merge = !merged.is_empty();
    let known = id.iter().cloned().collect();
    verdicts.judge(call, repo, hooked, &Move { base: &base, old: id, new: merged, named, known })?;
    let what = format!("This commit would bring unfinished work into '{base}'.");
    Ok(verdicts.answer(
        call,
        what,
        if is_merge { restore::of_merge(repo) } else { restore::of_nothing_staged() },
    ))
}

fn commit_msg(call: &HookCall, repo: &Repository, hooked: &Hooked) -> ServiceResult<HookAnswer> {
    if let (Some((entry, true)), Some(file)) = (hooked.marked(repo)?, call.args.first()) {
        message::add_trailer(repo, &call.cwd.join(file), &entry.run)?;
    }
    Ok(HookAnswer::default())
}

fn pre_merge_commit(call: &HookCall, repo: &Repository, hooked: &Hooked) -> ServiceResult<HookAnswer> {
    let (branch, id) = head_of(repo)?;
    let Some(base) = branch.filter(|branch| hooked.is_base(branch)) else { return Ok(HookAnswer::default()) };
    let heads =
        env::names("GITHEAD_").into_iter().filter_map(|n| n.strip_prefix("GITHEAD_").map(str::to_owned));
    let mut new: Vec<_> = heads.collect();
    new.extend(repo.merge_heads()?);
    let known = id.iter().cloned().collect();
    let mut verdicts = Verdicts::default();
    verdicts.judge(call, repo, hooked, &Move { base: &base, old: id, new, named: Vec::new(), known })?;
    let what = format!("This merge would bring unfinished work into '{base}'.");
    Ok(verdicts.answer(call, what, restore::of_merge(repo)))
}

/// Lines of `<local ref> <local id> <remote ref> <remote id>`.
fn pre_push(call: &HookCall, repo: &Repository, hooked: &Hooked) -> ServiceResult<HookAnswer> {
    let mut verdicts = Verdicts::default();
    let mut bases = Vec::new();
    for line in String::from_utf8_lossy(&call.input).lines() {
        let words: Vec<_> = line.split(' ').collect();
        let [_, new, remote_ref, old] = words.as_slice() else { continue };
        let Some(base) = remote_ref.strip_prefix("refs/heads/").filter(|base| hooked.is_base(base)) else {
            continue;
        };
        if is_zero(new) {
            continue;
        }
        let old = Some((*old).to_owned()).filter(|id| !is_zero(id));
        let old = old.map(|id| repo.find_commit(&id)).transpose()?.flatten();
        let known = old.iter().cloned().collect();
        let moved = Move { base, old, new: vec![(*new).to_owned()], named: Vec::new(), known };
        verdicts.judge(call, repo, hooked, &moved)?;
        bases.push(format!("'{base}'"));
    }
    let what = format!("This push would bring unfinished work into {}.", bases.join(" and "));
    Ok(verdicts.answer(call, what, restore::of_push()))
}

/// Lines of `<old id> <new id> <ref>`; the old id may be all zero though the ref exists.
fn reference_transaction(call: &HookCall, repo: &Repository, hooked: &Hooked) -> ServiceResult<HookAnswer> {
    if call.args.first().is_none_or(|state| state != "prepared") {
        return Ok(HookAnswer::default());
    }
    let mut verdicts = Verdicts::default();
    let (mut what, mut restore) = (String::new(), restore::of_nothing());
    for line in String::from_utf8_lossy(&call.input).lines() {
        let words: Vec<_> = line.split(' ').collect();
        let [_, new, name] = words.as_slice() else { continue };
        let Some(base) = name.strip_prefix("refs/heads/").filter(|base| hooked.is_base(base)) else {
            continue;
        };
        let Some(new) = passes_not(repo, base, new)? else { continue };
        let old = repo.branch_id(base)?;
        let known = old.iter().cloned().collect();
        let moved = Move { base, old, new: vec![new.clone()], named: Vec::new(), known };
        if verdicts.judge(call, repo, hooked, &moved)? {
            what = format!("This would bring unfinished work into '{base}'.");
            restore = restore::of_ref_move(repo, base, &new)?;
        }
    }
    Ok(verdicts.answer(call, what, restore))
}

/// The commit that a base is to move to, where that needs judging: no deletion, no step that changes nothing or only
/// goes back.
fn passes_not(repo: &Repository, base: &str, new: &str) -> ServiceResult<Option<String>> {
    if is_zero(new) || new.starts_with("ref:") {
        return Ok(None);
    }
    let Some(new) = repo.find_commit(new)? else { return Ok(None) };
    let goes_back = match repo.branch_id(base)? {
        Some(present) => repo.is_ancestor(&new, &present)?,
        None => false,
    };
    Ok((!goes_back).then_some(new))
}

fn is_zero(id: &str) -> bool {
    id.bytes().all(|byte| byte == b'0')
}

/// Whether our own command started this git: its hold token belongs to a hold that is on right now.
fn is_ours(hooked: &Hooked) -> bool {
    let (Some(token), Some(run)) = (env::text(env::HOLD), env::text(env::STEP)) else { return false };
    let holds = |root: &Path| {
        let control = Repository::discover(root).ok().flatten();
        let run = crate::model::RunId::parse(&run).ok();
        control.zip(run).is_some_and(|(c, run)| store::verify_hold_token(c.common_dir(), &run, &token))
    };
    let mut roots: Vec<_> = hooked.entries.iter().map(|entry| entry.root.as_path()).collect();
    roots.dedup();
    roots.into_iter().any(holds)
}
