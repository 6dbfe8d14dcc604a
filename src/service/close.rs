//! `merge` and `close`: judged, planned, composed as objects, then landed.

use super::event::{Event, Progress};
use super::facts::Ground;
use super::land::{self, Landing, advance, compose};
use super::select::{Selector, require_open, require_run, select};
use super::verdicts::{Judged, judge};
use super::{
    Caller, Control, ServiceError, ServiceResult, checks, control, decided, publish, sessions, settle,
};
use crate::gate::{Action, Standing, Verdict, Waiver};
use crate::model::{CheckResult, Receipt, Run, RunId, RunState, plain_line};
use crate::plan::{self, MergePlan};
use crate::store::Hold;
use crate::sys::clock;

/// What `merge` or `close` was asked.
#[derive(Debug, Clone)]
pub struct CloseRequest {
    /// Which run.
    pub selector: Selector,
    /// Merge or close.
    pub action: Action,
    /// Judge and plan only.
    pub dry_run: bool,
    /// Gates to let pass once.
    pub waivers: Vec<Waiver>,
    /// The entry in the ticket's changelog.
    pub changelog_entry: Option<String>,
}

/// What `merge` or `close` came to.
#[derive(Debug, Clone)]
pub struct CloseReport {
    /// The run as it stands.
    pub run: Run,
    /// Merge or close.
    pub action: Action,
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// The gates; empty where the run was closed already.
    pub verdict: Verdict,
    /// What was (or would be) done, as sentences.
    pub acts: Vec<String>,
    /// The commit that holds the record, once it is in history.
    pub published: Option<String>,
    /// Whether the run was closed before.
    pub already: bool,
}

/// Judges a run, and merges or closes it.
pub fn close(caller: &Caller, request: &CloseRequest, progress: Progress<'_>) -> ServiceResult<CloseReport> {
    let mut control = control(caller)?;
    if request.dry_run {
        control = control.frozen();
    }
    let id = select(caller, &control, &request.selector, may_act(request.action))?;
    let closed = |run: Run| report(run, request, Verdict::default(), Vec::new(), true);
    let run = require_run(&control, &id)?;
    if request.dry_run {
        return if run.state == RunState::Closed { Ok(closed(run)) } else { dry_run(&control, run, request) };
    }
    decided::finish_all(caller, &control)?;
    if run.state == RunState::Closed {
        return Ok(closed(run));
    }
    let mut hold = control.hold(&id, super::verdicts::word(request.action), caller)?;
    // Whoever held it until now may have closed it.
    if hold.run().state == RunState::Closed {
        return Ok(closed(hold.run().clone()));
    }
    require_open(hold.run())?;
    settle::settle(&control, &mut hold)?;
    // Before any repository is locked: tests may take minutes. What base gets meanwhile makes another tree, and then
    // the gate asks for them again.
    checks::ensure(&control, caller, &mut hold, progress)?;
    let dirs = hold.run().repos.iter().filter_map(|r| r.common_dir.clone());
    let dirs: Vec<_> = dirs.chain([control.repo.common_dir().to_owned()]).collect();
    let locks = land::lock_all(caller, dirs, super::verdicts::word(request.action))?;
    let run = hold.run().clone();
    let (pass, mut found, policy_hash) =
        judge(&control, &run, request.action, &request.waivers)?.require_pass(&run, request.action)?;
    let mut plan = plan_of(request.action, &pass, &found.facts)?;
    let mut verdict = pass.verdict().clone();
    for waiver in waived(&verdict) {
        hold.note("waived", &waiver)?;
    }
    if request.action == Action::Close {
        hold.go(RunState::Closing, "gates passed")?;
        if sessions::end_sessions(&control, &mut hold)? {
            // An agent that was still alive may have written between the verdict and its end.
            let again = judge(&control, hold.run(), request.action, &request.waivers)?;
            (plan, found, verdict) = judged_again(&mut hold, again, request.action)?;
        }
    }
    let mut work = Work {
        control: &control,
        hold: &mut hold,
        plan,
        grounds: found.grounds,
        checks: found.checks,
        policy_hash,
        waived: waived(&verdict),
    };
    let (acts, published) = work.carry_out(request, progress)?;
    drop(locks);
    if request.action == Action::Close {
        decided::finish(caller, &control, &mut hold)?;
    }
    let mut report = report(hold.run().clone(), request, verdict, acts, false);
    report.published = published;
    Ok(report)
}

/// Which runs the action can act on, for the selector.
fn may_act(action: Action) -> fn(&Run) -> bool {
    match action {
        Action::Merge | Action::Close | Action::Hook => |run| run.state.is_open(),
    }
}

fn report(
    run: Run,
    request: &CloseRequest,
    verdict: Verdict,
    acts: Vec<String>,
    already: bool,
) -> CloseReport {
    let dry_run = request.dry_run;
    CloseReport { run, action: request.action, dry_run, verdict, acts, published: None, already }
}

fn plan_of(action: Action, pass: &crate::gate::Pass, facts: &crate::gate::Facts) -> ServiceResult<MergePlan> {
    Ok(match action {
        Action::Merge | Action::Hook => plan::merge(pass, facts)?,
        Action::Close => plan::close(pass, facts)?,
    })
}

fn judged_again(
    hold: &mut Hold,
    again: Judged,
    action: Action,
) -> ServiceResult<(MergePlan, super::facts::Found, Verdict)> {
    match again.require_pass(hold.run(), action) {
        Ok((pass, found, _)) => Ok((plan_of(action, &pass, &found.facts)?, found, pass.verdict().clone())),
        Err(error) => {
            hold.go(RunState::Completed, "refused after the agents were ended")?;
            Err(error)
        }
    }
}

/// The same judgement and plan; no lock is taken and no byte changes.
fn dry_run(control: &Control, run: Run, request: &CloseRequest) -> ServiceResult<CloseReport> {
    require_open(&run)?;
    let run = settle::preview(control, run)?;
    let judged = judge(control, &run, request.action, &request.waivers)?;
    let (pass, found, _) = judged.require_pass(&run, request.action)?;
    let plan = plan_of(request.action, &pass, &found.facts)?;
    let acts = describe(control, &run, &plan)?;
    Ok(report(run, request, pass.verdict().clone(), acts, false))
}

fn describe(control: &Control, run: &Run, plan: &MergePlan) -> ServiceResult<Vec<String>> {
    let mut acts = Vec::new();
    for repo in &plan.repos {
        for link in &repo.links {
            acts.push(match link.tree {
                Some(_) => format!("merge '{}' into '{}' of {}", link.branch, repo.base, repo.repo),
                None => format!(
                    "'{}' of {} holds '{}' already: nothing to merge",
                    repo.base, repo.repo, link.branch
                ),
            });
        }
    }
    if plan.action == Action::Close {
        for ticket in publish::closable(control, run)?.iter().filter(|ticket| ticket.docs.is_some()) {
            acts.push(format!("close ticket {}", ticket.id));
        }
        acts.push(format!("publish {}", crate::store::published_path(run)));
    }
    Ok(acts)
}

fn waived(verdict: &Verdict) -> Vec<String> {
    let waived = |line: &crate::gate::Line| match &line.standing {
        Standing::Waived(reason) => Some(format!("{}={}", line.gate, plain_line(reason))),
        _ => None,
    };
    verdict.lines.iter().filter_map(waived).collect()
}

/// A plan being carried out.
struct Work<'a> {
    control: &'a Control,
    hold: &'a mut Hold,
    plan: MergePlan,
    grounds: Vec<Ground>,
    checks: Vec<CheckResult>,
    policy_hash: String,
    waived: Vec<String>,
}

impl Work<'_> {
    fn carry_out(
        &mut self,
        request: &CloseRequest,
        progress: Progress<'_>,
    ) -> ServiceResult<(Vec<String>, Option<String>)> {
        // Until here nothing has moved: what cannot be composed leaves the run as it was.
        let (mut landings, published) = match self.compose_all(request) {
            Ok(composed) => composed,
            Err(error) => return Err(self.fall_back(error)?),
        };
        landings.sort_by(|a, b| a.repository.common_dir().cmp(b.repository.common_dir()));
        // The record is the last to land: it must not say what has not happened.
        landings.sort_by_key(|l| l.is_control);
        for landing in &landings {
            self.land(landing, progress)?;
        }
        let commit = (!published.is_empty())
            .then(|| landings.iter().find(|l| l.is_control).map(|l| l.tip.clone()))
            .flatten();
        if self.plan.action == Action::Close {
            self.finish(&published, commit.as_deref())?;
        }
        Ok((acts(self.hold.run(), &landings, commit.as_deref()), commit))
    }

    /// Every merge and the record as objects.
    fn compose_all(&mut self, request: &CloseRequest) -> ServiceResult<(Vec<Landing>, Vec<RunId>)> {
        let mut landings = Vec::new();
        for (ground, repo) in self.grounds.iter_mut().zip(&self.plan.repos) {
            // Our own git children are known by these marks: to our hooks, and to who finds one alive after us.
            ground.repository = ground.repository.with_hold(self.hold.token(), self.hold.run().id.as_str());
            landings.push(compose(self.hold.run(), ground, repo, &self.waived)?);
        }
        let published = match self.plan.action {
            Action::Close => self.compose_records(&mut landings, request)?,
            Action::Merge | Action::Hook => Vec::new(),
        };
        Ok((landings, published))
    }

    /// Writes down why nothing (more) moves; gives the error back.
    fn fall_back(&mut self, error: ServiceError) -> ServiceResult<ServiceError> {
        self.hold.note("merge stopped", &error.to_string())?;
        if self.hold.run().state == RunState::Closing {
            self.hold.go(RunState::Completed, &format!("the close stopped: {error}"))?;
        }
        Ok(error)
    }

    fn land(&mut self, landing: &Landing, progress: &mut dyn FnMut(Event)) -> ServiceResult<()> {
        if let Err(error) = advance(landing, progress) {
            return Err(self.fall_back(error)?);
        }
        for (ticket, head, commit) in &landing.merged {
            let text = format!(
                "{ticket}: {head} into '{}' of {} as {commit}",
                landing.receipt.base, landing.receipt.repo
            );
            self.hold.note("merged", &text)?;
        }
        Ok(())
    }

    /// The receipt into the record, the closing of tickets and the record itself on top of the landings.
    fn compose_records(
        &mut self,
        landings: &mut [Landing],
        request: &CloseRequest,
    ) -> ServiceResult<Vec<RunId>> {
        let now = clock::now();
        let mut receipt = Receipt {
            at: Some(now),
            actor: self.control.repo.identity(),
            policy_hash: self.policy_hash.clone(),
            journal_hash: self.hold.journal_hash(),
            repos: landings.iter().map(|l| l.receipt.clone()).collect(),
            gates: self.plan.gates.clone(),
            checks: self.checks.clone(),
        };
        // A close that goes on after a crash finds its merges contained: what it did stands in the first receipt.
        if let Some(first) = &self.hold.run().receipt {
            for repo in &mut receipt.repos {
                let same = first.repos.iter().find(|r| r.repo == repo.repo && r.heads == repo.heads);
                if let Some(same) = same.filter(|_| repo.merges.is_empty()) {
                    repo.clone_from(same);
                }
            }
        }
        self.hold.update(|run| run.receipt = Some(receipt))?;
        let mut decided = self.hold.run().clone();
        decided
            .go(RunState::Closed, "closed", now)
            .map_err(|source| ServiceError::Move { run: decided.id.to_string(), source })?;
        let entry = request.changelog_entry.clone().unwrap_or_else(|| format!("Closed by {}.", decided.id));
        let closing = publish::closable(self.control, &decided)?;
        // A fork's base in the control repository closes them by itself, and brings that along when it is merged.
        let is_fork_home = |l: &&mut Landing| {
            !l.is_control
                && l.receipt.repo == decided.doc_home
                && l.repository.common_dir() == self.control.repo.common_dir()
        };
        let mut landings: Vec<&mut Landing> = landings.iter_mut().collect();
        let late: &[_] = if landings.iter().any(is_fork_home) { &[] } else { &closing };
        let mut published = Vec::new();
        for landing in &mut landings {
            if !landing.is_control {
                if landing.receipt.repo == decided.doc_home {
                    publish::close_tickets(landing, &decided, &closing, &entry)?;
                }
            } else if publish::may_publish(landing)? {
                published = publish::publish(self.control, landing, &decided, late, &entry)?;
            }
        }
        Ok(published)
    }

    fn finish(&mut self, published: &[RunId], commit: Option<&str>) -> ServiceResult<()> {
        let id = self.hold.run().id.clone();
        for other in published.iter().filter(|other| **other != id) {
            let other = self.control.store.hold(other, "publish", std::time::Duration::from_secs(5))?;
            other.mark_published(commit.unwrap_or_default())?;
        }
        self.hold.go(RunState::Closed, "closed")?;
        Ok(())
    }
}

fn acts(run: &Run, landings: &[Landing], commit: Option<&str>) -> Vec<String> {
    let mut acts = Vec::new();
    for landing in landings {
        let (repo, base) = (&landing.receipt.repo, &landing.receipt.base);
        for (ticket, _, commit) in &landing.merged {
            acts.push(format!(
                "merged {ticket} into '{base}' of {repo} as {}",
                commit.get(..12).unwrap_or(commit)
            ));
        }
        if landing.merged.is_empty() && !landing.receipt.heads.is_empty() {
            acts.push(format!("'{base}' of {repo} holds the run's branch already: nothing to merge"));
        }
    }
    match commit {
        Some(commit) => {
            let commit = commit.get(..12).unwrap_or(commit);
            acts.push(format!("published {} as {commit}", crate::store::published_path(run)));
        }
        None if run.state == RunState::Closed => {
            acts.push(
                "the record waits for the next merge: by itself it would put base ahead of its upstream"
                    .to_owned(),
            );
        }
        None => {}
    }
    acts
}
