//! Work that came into a base around the hooks: found afterwards, written down, answered for.
//!
//! A base that is where it was last looked at costs one read of its ref. What its upstream holds, what we merged
//! ourselves and what a hook judged and let pass is no bypass.

use super::steps::open_repo;
use super::{Control, ServiceError, ServiceResult, hooks, verdicts};
use crate::gate::Action;
use crate::git::Repository;
use crate::model::{Bypass, Run, RunRepo, RunState, sha256_hex};
use crate::store::{self, Hold, HookLine, HookVerdict};
use crate::sys::clock;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

/// The file of a run that says how far we have looked.
const PART: &str = "watched.toml";

/// What stands there while a merge of ours is under way, whose half is no bypass.
const INTENT: &str = "intent.toml";

/// How far we have looked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Watched {
    /// The size of the hooks' log that has been read.
    #[serde(default)]
    log: u64,
    /// Its lines about the run that are in the journal.
    #[serde(default)]
    lines: usize,
    /// By repository, where its base was.
    #[serde(default)]
    bases: BTreeMap<String, String>,
}

impl Watched {
    fn load(control: &Control, run: &Run) -> Self {
        let text = control.store.find_part(&run.id, PART).ok().flatten().unwrap_or_default();
        toml::from_str(&text).unwrap_or_default()
    }

    fn base<'a>(&'a self, repo: &'a RunRepo) -> &'a str {
        self.bases.get(repo.name.as_str()).unwrap_or(&repo.base_id)
    }
}

/// Where bases are now, each asked once for however many runs.
#[derive(Debug, Default)]
pub(super) struct Bases {
    repos: HashMap<PathBuf, Option<Repository>>,
    ids: HashMap<(PathBuf, String), Option<String>>,
    /// How long what hooks wrote down is, by the common directory of the control repository.
    logs: HashMap<PathBuf, u64>,
}

impl Bases {
    /// Whether there is anything that [`look`] has not seen.
    pub fn have_moved(&mut self, control: &Control, run: &Run) -> bool {
        if !may_be_watched(run) {
            return false;
        }
        let watched = Watched::load(control, run);
        let dir = control.repo.common_dir();
        let log = *self.logs.entry(dir.to_owned()).or_insert_with(|| store::hook_log_size(dir));
        let have_moved = watched.log != log
            || run.repos.iter().any(|repo| self.at(repo).is_some_and(|now| now != watched.base(repo)));
        have_moved && is_watched(control, run)
    }

    fn at(&mut self, repo: &RunRepo) -> Option<String> {
        let dir = repo.common_dir.clone()?;
        let found =
            self.repos.entry(dir.clone()).or_insert_with(|| Repository::discover(&dir).ok().flatten());
        let found = found.as_ref();
        let id = || found.and_then(|found| found.branch_id(&repo.base).ok().flatten());
        self.ids.entry((dir, repo.base.clone())).or_insert_with(id).clone()
    }
}

/// A run that is decided, or whose merge of ours is half done, has nothing to be found.
fn is_watched(control: &Control, run: &Run) -> bool {
    may_be_watched(run) && !matches!(control.store.find_part(&run.id, INTENT), Ok(Some(_)))
}

fn may_be_watched(run: &Run) -> bool {
    run.state.is_open() && run.state != RunState::Closing
}

/// Looks whether work of the run came into a base around the hooks since the last look, and writes it down. A
/// repository that cannot be opened is passed over; other commands say so.
pub(super) fn look(control: &Control, hold: &mut Hold) -> ServiceResult<()> {
    if !is_watched(control, hold.run()) {
        return Ok(());
    }
    let before = Watched::load(control, hold.run());
    let mut watched = before.clone();
    watched.log = store::hook_log_size(control.repo.common_dir());
    let lines = if watched.log == 0 {
        Vec::new()
    } else {
        store::hook_lines(control.repo.common_dir(), &hold.run().id)?
    };
    for line in lines.iter().skip(before.lines).filter(|line| line.verdict == HookVerdict::Bypassed) {
        let text = format!("{} on '{}' of {}: {}", line.hook, line.base, line.repo.display(), line.reason);
        hold.note("hooks bypassed", &text)?;
    }
    watched.lines = lines.len();
    for repo in hold.run().repos.clone() {
        let Ok(repository) = open_repo(hold.run(), &repo.name) else { continue };
        let Some(now) = repository.branch_id(&repo.base)? else { continue };
        let old = before.base(&repo).to_owned();
        if now == old {
            continue;
        }
        let place = Place { control, repository: &repository, repo: &repo };
        place.withdraw(hold, &now)?;
        for bypass in place.found(hold.run(), (&old, &now), &lines)? {
            add(hold, bypass)?;
        }
        watched.bases.insert(repo.name.to_string(), now);
    }
    if watched != before {
        let text = toml::to_string(&watched).unwrap_or_default();
        // What cannot be written down, such as on a full disk, is looked at again.
        let _ = hold.save_part(PART, &text);
    }
    Ok(())
}

fn add(hold: &mut Hold, bypass: Bypass) -> ServiceResult<()> {
    if hold.run().bypasses.iter().any(|known| known.id == bypass.id) {
        return Ok(());
    }
    let text = format!("{}: {}", bypass.id, bypass.what);
    hold.update(|run| run.bypasses.push(bypass))?;
    Ok(hold.note("bypass found", &text)?)
}

/// One base that has moved.
struct Place<'a> {
    control: &'a Control,
    repository: &'a Repository,
    repo: &'a RunRepo,
}

impl Place<'_> {
    fn brought(&self, run: &Run, old: &str, now: &str) -> ServiceResult<Vec<String>> {
        let mut known = hooks::known(self.repository, run, &self.repo.base)?;
        let ours = run.merges.iter().filter(|m| m.repo == self.repo.name).map(|m| m.commit.clone());
        known.extend(ours);
        let old = self.repository.find_commit(old)?;
        let before: Vec<_> = known.iter().cloned().chain(old.clone()).collect();
        let branches = hooks::unfinished(self.repository, run, &before)?;
        hooks::brought(self.repository, run, &branches, (old.as_deref(), &[now.to_owned()]), &known)
    }

    /// What came in, told apart by how it stands: with somebody's reason, or with nobody's.
    fn found(&self, run: &Run, (old, now): (&str, &str), lines: &[HookLine]) -> ServiceResult<Vec<Bypass>> {
        let mut work = self.brought(run, old, now)?;
        let here =
            |line: &&HookLine| line.repo == self.repository.common_dir() && line.base == self.repo.base;
        let of = |verdict| lines.iter().filter(here).filter(move |line| line.verdict == verdict);
        work.retain(|id| !of(HookVerdict::Passed).any(|line| line.work.contains(id)));
        let mut found = Vec::new();
        for line in of(HookVerdict::Bypassed).collect::<Vec<_>>().into_iter().rev() {
            let (with_reason, rest): (Vec<_>, Vec<_>) =
                work.into_iter().partition(|id| line.work.contains(id));
            work = rest;
            if !with_reason.is_empty() {
                let bypass = self.bypass(run, (old, now), &with_reason);
                found.push(Bypass { reason: Some(line.reason.clone()), actor: line.actor.clone(), ..bypass });
            }
        }
        if !work.is_empty() && !self.is_finished(run) {
            found.push(self.bypass(run, (old, now), &work));
        }
        Ok(found)
    }

    /// Whether the gates of the hooks hold now, as far as the run was settled until now.
    fn is_finished(&self, run: &Run) -> bool {
        let judged = verdicts::judge(self.control, run, Action::Hook, &[]);
        judged.is_ok_and(|judged| !judged.verdict.refuses())
    }

    fn bypass(&self, run: &Run, (old, now): (&str, &str), work: &[String]) -> Bypass {
        let (name, base) = (&self.repo.name, &self.repo.base);
        // Of the work alone: the same work found again is the same, wherever base has gone meanwhile.
        let mark = sha256_hex(format!("{} {name} {base} {}", run.id, work.join(" ")).as_bytes());
        let commits = if work.len() == 1 { "1 commit".to_owned() } else { format!("{} commits", work.len()) };
        let short = |id: &str| id.get(..12).unwrap_or(id).to_owned();
        Bypass {
            id: mark[..8].to_owned(),
            at: clock::now(),
            repo: name.clone(),
            base: base.clone(),
            old: old.to_owned(),
            new: now.to_owned(),
            what: format!(
                "Unfinished work ({commits}) came into '{base}' of {name} around the hooks, between {} and {}.",
                short(old),
                short(now)
            ),
            reason: None,
            actor: String::new(),
        }
    }

    /// A base that was put back holds nothing that anybody has to answer for.
    fn withdraw(&self, hold: &mut Hold, now: &str) -> ServiceResult<()> {
        let mine = |b: &&Bypass| b.repo == self.repo.name && b.base == self.repo.base && b.is_unanswered();
        for bypass in hold.run().bypasses.clone().iter().filter(mine) {
            // What was pushed meanwhile is known to the upstream, and stands all the same.
            let stands = self
                .repository
                .find_commit(&bypass.new)?
                .is_some_and(|new| self.repository.is_ancestor(&new, now).unwrap_or(true));
            if !stands && self.brought(hold.run(), &bypass.old, now)?.is_empty() {
                hold.update(|run| run.bypasses.retain(|b| b.id != bypass.id))?;
                hold.note(
                    "bypass withdrawn",
                    &format!("{}: '{}' no longer holds the work", bypass.id, bypass.base),
                )?;
            }
        }
        Ok(())
    }
}

/// Answers for a bypass.
pub(super) fn answer(control: &Control, hold: &mut Hold, id: &str, reason: &str) -> ServiceResult<Bypass> {
    let actor = control.repo.identity();
    hold.update(|run| {
        for bypass in run.bypasses.iter_mut().filter(|bypass| bypass.id == id) {
            bypass.reason = Some(reason.to_owned());
            bypass.actor.clone_from(&actor);
        }
    })?;
    hold.note("bypass answered for", &format!("{id}: {reason}"))?;
    let found = hold.run().bypasses.iter().find(|bypass| bypass.id == id).cloned();
    found.ok_or_else(|| ServiceError::failed(format!("The bypass '{id}' is gone."), &["git metawsm status"]))
}
