//! Whether the work that a move would bring in is finished, and what was decided about it.

use super::super::verdicts;
use super::super::{ServiceResult, settle};
use super::open::{Hooked, OpenRun, load};
use super::restore::Restore;
use super::{HookAnswer, HookCall, HookRefusal, is_ours, work};
use crate::gate::{Action, Blocker};
use crate::git::Repository;
use crate::model::RepoName;
use crate::store::{self, HookLine, HookVerdict};
use crate::sys::{clock, env};

/// A move of a base that is about to happen.
pub(super) struct Move<'a> {
    /// The branch.
    pub base: &'a str,
    /// Where it is.
    pub old: Option<String>,
    /// What would come in.
    pub new: Vec<String>,
    /// Commits that are named as the source of what would come in.
    pub named: Vec<String>,
    /// What is there already.
    pub known: Vec<String>,
}

/// A run whose unfinished work would come in.
#[derive(Debug, Clone)]
pub struct RefusedRun {
    /// Its id.
    pub run: String,
    /// What it is for.
    pub title: String,
    /// The repository.
    pub repo: String,
    /// How many of its commits would come in.
    pub commits: usize,
    /// Everything that is not finished: the gate, and what it says.
    pub blockers: Vec<(String, Blocker)>,
}

/// What was decided about all moves of one hook.
#[derive(Default)]
pub(super) struct Verdicts {
    refused: Vec<RefusedRun>,
    notes: Vec<String>,
}

impl Verdicts {
    /// Judges a move and writes down what was decided; whether it is refused.
    pub fn judge(
        &mut self,
        call: &HookCall,
        repo: &Repository,
        hooked: &Hooked,
        moved: &Move<'_>,
    ) -> ServiceResult<bool> {
        if is_ours(hooked) {
            return Ok(false);
        }
        self.notes.extend(hooked.faults.iter().cloned());
        let before = self.refused.len();
        for entry in hooked.entries.iter().filter(|entry| entry.base == moved.base) {
            match load(entry)? {
                Ok(open) => self.judge_run(call, repo, &open, moved)?,
                Err(why) => self.notes.extend(Some(why).filter(|why| !why.is_empty())),
            }
        }
        Ok(self.refused.len() > before)
    }

    fn judge_run(
        &mut self,
        call: &HookCall,
        repo: &Repository,
        open: &OpenRun,
        moved: &Move<'_>,
    ) -> ServiceResult<()> {
        let mut known = work::known(repo, &open.run, moved.base)?;
        known.extend(moved.known.iter().cloned());
        let branches = work::unfinished(repo, &open.run, &known)?;
        let mut work = work::brought(repo, &open.run, &branches, (moved.old.as_deref(), &moved.new), &known)?;
        let is_own = |id: &&String| branches.iter().any(|branch| branch.own.contains(id));
        work.extend(moved.named.iter().filter(is_own).cloned());
        if work.is_empty() {
            return Ok(());
        }
        let blockers = blockers(open);
        let reason = env::text(env::BYPASS);
        let mut line = HookLine {
            at: clock::now(),
            run: open.run.id.clone(),
            repo: repo.common_dir().to_owned(),
            base: moved.base.to_owned(),
            hook: call.name.clone(),
            verdict: HookVerdict::Passed,
            work,
            reason: String::new(),
            actor: repo.identity(),
        };
        match (blockers.is_empty(), reason, &call.below_agent) {
            (true, ..) => {}
            (false, Some(reason), None) => {
                self.notes.push(format!("unfinished work of {} passes: {reason}", open.run.id));
                line.verdict = HookVerdict::Bypassed;
                line.reason = reason;
            }
            (false, given, below) => {
                if let (Some(_), Some(agent)) = (given, below) {
                    self.notes
                        .push(format!("METAWSM_BYPASS is for people; the agent '{agent}' cannot use it"));
                }
                line.verdict = HookVerdict::Refused;
                line.reason = gates(&blockers);
                self.refused.push(RefusedRun {
                    run: open.run.id.to_string(),
                    title: open.run.title(),
                    repo: name_of(repo, open),
                    commits: line.work.len(),
                    blockers,
                });
            }
        }
        let written = store::add_hook_line(open.control.repo.common_dir(), &line);
        match (written, line.verdict) {
            // What passes unwritten would be found as a bypass; what is refused needs no witness.
            (Err(error), HookVerdict::Passed | HookVerdict::Bypassed) => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// What the hook says in the end.
    pub fn answer(self, call: &HookCall, what: String, restore: Restore) -> HookAnswer {
        if self.refused.is_empty() {
            return HookAnswer { notes: self.notes, refusal: None };
        }
        let mut next: Vec<_> = self.refused.iter().map(|r| format!("git metawsm check {}", r.run)).collect();
        next.extend(self.refused.iter().map(|r| format!("git metawsm merge {}", r.run)));
        next.dedup();
        if call.below_agent.is_some() {
            next.clear();
        }
        let refusal = HookRefusal {
            what,
            runs: self.refused,
            files: Vec::new(),
            left: restore.left,
            restore: restore.command,
            next,
        };
        HookAnswer { notes: self.notes, refusal: Some(refusal) }
    }
}

fn name_of(repo: &Repository, open: &OpenRun) -> String {
    work::repo_of(repo, &open.run).map(|r| &r.name).map_or_else(String::new, RepoName::to_string)
}

fn gates(blockers: &[(String, Blocker)]) -> String {
    let mut names: Vec<_> = blockers.iter().map(|(gate, _)| gate.as_str()).collect();
    names.dedup();
    names.join(", ")
}

/// What keeps a run's work from being finished. A run that cannot be judged is not finished.
fn blockers(open: &OpenRun) -> Vec<(String, Blocker)> {
    let judged = settle::preview(&open.control, open.run.clone(), Action::Hook)
        .and_then(|run| verdicts::judge(&open.control, &run, Action::Hook, &[]));
    match judged {
        Ok(judged) => {
            let lines = judged.verdict.refusals();
            lines.flat_map(|l| l.blockers.iter().map(|b| (l.gate.to_owned(), b.clone()))).collect()
        }
        Err(error) => {
            let command = format!("git metawsm check {}", open.run.id);
            let blocker = Blocker { what: format!("{error}"), place: String::new(), command };
            vec![("not judged".to_owned(), blocker)]
        }
    }
}
