//! `merge` and `close`: judged, planned, composed as objects, then landed.

use super::compose::{Work, told_of_record};
use super::event::Progress;
use super::facts::Ground;
use super::push::{BasePush, push_all};
use super::select::{Selector, require_open, require_run};
use super::verdicts::{Judged, judge, word};
use super::vouched::{self, LandedWord};
use super::{
    Caller, Control, ServiceResult, bypass, checks, control, decided, doc_sync, intent, land, pending,
    policies, publish, record, sessions, settle,
};
use crate::gate::{Action, Standing, Verdict, Waiver};
use crate::model::{Run, RunState, plain_line};
use crate::plan::{self, MergePlan, RepoMerge};
use crate::policy::{self, Track};
use crate::store::Hold;

/// What is done with a merge or close that was stopped half way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resume {
    /// It is finished.
    Continue,
    /// It is taken back.
    Abort,
}

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
    /// What is done with one that was stopped half way.
    pub resume: Option<Resume>,
    /// Push the bases at the end.
    pub push: bool,
    /// Somebody's word that the work is in base already.
    pub landed: Vec<LandedWord>,
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
    /// What came of pushing; empty where nobody asked for it.
    pub pushes: Vec<BasePush>,
}

impl CloseReport {
    pub(super) fn of(run: Run, request: &CloseRequest, verdict: Verdict, acts: Vec<String>) -> Self {
        let (action, dry_run) = (request.action, request.dry_run);
        Self { run, action, dry_run, verdict, acts, published: None, already: false, pushes: Vec::new() }
    }
}

/// Judges a run, and merges or closes it; or goes on with one that was stopped half way.
pub fn close(caller: &Caller, request: &CloseRequest, progress: Progress<'_>) -> ServiceResult<CloseReport> {
    let mut control = control(caller)?;
    if request.dry_run {
        control = control.frozen();
    }
    let id = pending::which(caller, &control, &request.selector, |run| run.state.is_open())?;
    let run = require_run(&control, &id)?;
    if request.dry_run {
        return if run.state == RunState::Closed {
            Ok(closed(run, request))
        } else {
            dry_run(&control, run, request)
        };
    }
    decided::finish_all(caller, &control)?;
    if let Some(resume) = request.resume
        && let Some(report) = pending::resume(caller, &control, (&id, request, resume), progress)?
    {
        return Ok(report);
    }
    if run.state == RunState::Closed {
        return pushed_again(caller, &control, run, request, progress);
    }
    let mut hold = control.hold(&id, word(request.action), caller)?;
    // Whoever held it until now may have closed it.
    if hold.run().state == RunState::Closed {
        let run = hold.run().clone();
        drop(hold);
        return pushed_again(caller, &control, run, request, progress);
    }
    require_open(hold.run())?;
    intent::require_none(&control, &id)?;
    // Settling only says that it could not look; here nothing goes on unseen.
    bypass::look(&control, &mut hold)?;
    settle::settle(&control, &mut hold)?;
    mark_landed(&control, &mut hold, request)?;
    // Before any repository is locked: tests may take minutes. What base gets meanwhile makes another tree, and then
    // the gate asks for them again.
    checks::ensure(&control, caller, &mut hold, progress)?;
    act(caller, &control, &mut hold, request, progress)
}

/// Judges and carries out, under the hold of the run.
fn act(
    caller: &Caller,
    control: &Control,
    hold: &mut Hold,
    request: &CloseRequest,
    progress: Progress<'_>,
) -> ServiceResult<CloseReport> {
    let dirs = hold.run().repos.iter().filter_map(|r| r.common_dir.clone());
    let dirs: Vec<_> = dirs.chain([control.repo.common_dir().to_owned()]).collect();
    let locks = land::lock_all(caller, dirs, word(request.action))?;
    let run = hold.run().clone();
    let (pass, mut found, policy_hash) =
        judge(control, &run, request.action, &request.waivers)?.require_pass(&run, request.action)?;
    let mut plan = plan_of(request.action, &pass, &found.facts)?;
    let mut verdict = pass.verdict().clone();
    for waiver in waived(&verdict) {
        hold.note("waived", &waiver)?;
    }
    if let Some(entry) = request.changelog_entry.as_deref().filter(|_| request.action == Action::Close) {
        hold.save_part(publish::ENTRY, entry)?;
    }
    if request.action == Action::Close {
        hold.go(RunState::Closing, "gates passed")?;
        if sessions::end_sessions(control, hold)? {
            // An agent that was still alive may have written between the verdict and its end.
            let again = judge(control, hold.run(), request.action, &request.waivers)?;
            (plan, found, verdict) = judged_again(hold, again, request.action)?;
        }
    }
    let policy = policy::stricter(&policies::stored(hold.run())?, &policies::at_base(control)?);
    let push = request.push || policy.merge.push;
    let done = Work {
        control,
        hold: &mut *hold,
        plan,
        grounds: found.grounds,
        policy: &policy,
        checks: found.checks,
        policy_hash,
        waived: waived(&verdict),
        push,
    }
    .carry_out(progress)?;
    drop(locks);
    if request.action == Action::Close {
        decided::finish(caller, control, hold)?;
    }
    let mut report = CloseReport::of(hold.run().clone(), request, verdict, done.acts);
    report.published = done.published;
    if push {
        report.pushes = push_all(control, hold, progress)?;
    }
    Ok(report)
}

fn closed(run: Run, request: &CloseRequest) -> CloseReport {
    let mut report = CloseReport::of(run, request, Verdict::default(), Vec::new());
    report.already = true;
    report
}

/// A closed run again: what waits for history and for the remotes is taken there, where that was asked for.
fn pushed_again(
    caller: &Caller,
    control: &Control,
    run: Run,
    request: &CloseRequest,
    progress: Progress<'_>,
) -> ServiceResult<CloseReport> {
    let mut report = closed(run, request);
    if request.push && control.store.find_run(&report.run.id)?.is_some() {
        report.published =
            record::publish_waiting(caller, control, true, progress)?.and_then(|done| done.commit);
        let hold = control.hold(&report.run.id, word(request.action), caller)?;
        report.pushes = push_all(control, &hold, progress)?;
    }
    Ok(report)
}

fn mark_landed(control: &Control, hold: &mut Hold, request: &CloseRequest) -> ServiceResult<()> {
    let marks = vouched::marks(control, hold.run(), &request.landed)?;
    for mark in &marks {
        hold.note("landed", &format!("{}: {} is in base as {}", mark.repo, mark.head, mark.commit))?;
    }
    Ok(hold.update(|run| run.landed.extend(marks))?)
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
    intent::require_none(control, &run.id)?;
    let mut run = settle::preview(control, run, request.action)?;
    let marks = vouched::marks(control, &run, &request.landed)?;
    run.landed.extend(marks);
    let judged = judge(control, &run, request.action, &request.waivers)?;
    let (pass, found, _) = judged.require_pass(&run, request.action)?;
    let plan = plan_of(request.action, &pass, &found.facts)?;
    let policy = policy::stricter(&policies::stored(&run)?, &policies::at_base(control)?);
    let is_never = policy.state.track == Track::Never;
    let waits = !is_never && record_waits(&found.grounds, &plan, request.push || policy.merge.push)?;
    let acts = describe(control, &run, (&plan, &found.grounds), waits)?;
    let acts = match plan.action {
        Action::Close if is_never || waits => [acts, vec![told_of_record(&run, None, &policy)]].concat(),
        Action::Close => [acts, vec![format!("publish {}", crate::store::published_path(&run))]].concat(),
        Action::Merge | Action::Hook => acts,
    };
    Ok(CloseReport::of(run, request, pass.verdict().clone(), acts))
}

/// Whether the record would have to wait for another merge.
fn record_waits(grounds: &[Ground], plan: &MergePlan, pushes: bool) -> ServiceResult<bool> {
    let Some((ground, repo)) = grounds.iter().zip(&plan.repos).find(|(ground, _)| ground.is_control) else {
        return Ok(false);
    };
    if pushes || repo.merges() {
        return Ok(false);
    }
    publish::is_level(&ground.repository, &repo.base, ground.local.as_deref())
}

/// What a close or merge would do; with `waits` the record would not come into history yet.
fn describe(
    control: &Control,
    run: &Run,
    (plan, grounds): (&MergePlan, &[Ground]),
    waits: bool,
) -> ServiceResult<Vec<String>> {
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
        let is_foreign = doc_sync::is_foreign(control, run);
        // On a base apart from the record's nothing has to wait.
        let is_apart =
            |(repo, ground): (&RepoMerge, &Ground)| !ground.is_control && repo.repo == run.doc_home;
        let is_at_once = !waits || plan.repos.iter().zip(grounds).any(is_apart);
        for ticket in publish::closable(control, run)?.iter().filter(|ticket| ticket.docs.is_some()) {
            if is_at_once {
                acts.push(format!("close ticket {}", ticket.id));
            }
            let known = control.store.find_doc_sync(&run.id, &ticket.id).ok().flatten();
            if let Some(record) = known.filter(|r| is_foreign && !waits && !r.source.is_empty()) {
                acts.push(format!("bring its documents home to {}", record.source));
            }
        }
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
