//! `status`: one run in full, or all open runs, what needs a person first.

use super::bypass::Bases;
use super::doc_sync::{self, DocsShown};
use super::forum::{self, BusView};
use super::health::{Health, health, last_progress};
use super::landed::{self, Landed};
use super::needs::{Need, NeedKind};
use super::notify::Lookout;
use super::select::{Selector, require_run, select};
use super::settle::{self, Settled};
use super::signals::{self, Signals};
use super::{
    Caller, Control, ServiceError, ServiceResult, find_control, guidance, sessions as agents_now, steps,
};
use crate::git::Repository;
use crate::model::{Run, RunAgent};
use crate::policy;
use crate::sessions::Observation;
use crate::store::{self, Entry, Ordinary, StoreError};
use crate::sys::lock::Holder;
use jiff::Timestamp;
use std::path::PathBuf;
use std::time::Duration;

/// What `status` was asked.
#[derive(Debug, Clone, Default)]
pub struct StatusRequest {
    /// Which run; all open ones where empty.
    pub selector: Selector,
    /// Only read: take no signals.
    pub no_ingest: bool,
    /// Add what changed per worktree.
    pub git: bool,
    /// All control repositories of this user.
    pub everywhere: bool,
}

/// One run as seen now.
#[derive(Debug, Clone)]
pub struct RunView {
    /// The record.
    pub run: Run,
    /// Where its control repository is, where several are shown.
    pub root: PathBuf,
    /// One per agent, in the order of the record.
    pub agents: Vec<AgentView>,
    /// What a person is needed for.
    pub needs: Vec<Need>,
    /// Who holds the run now.
    pub holder: Option<Holder>,
    /// What changed per worktree; empty without `--git`.
    pub changes: Vec<TreeChanges>,
    /// Whether base holds the work already.
    pub landed: Landed,
    /// The documents of its tickets, in the order of the record; none of a run that is over.
    pub docs: Vec<DocsShown>,
}

/// One agent as seen now.
#[derive(Debug, Clone)]
pub struct AgentView {
    /// Its entry in the record.
    pub agent: RunAgent,
    /// How it is.
    pub seen: Observation,
    /// How it seems to be.
    pub health: Health,
}

/// What changed in one worktree since its start.
#[derive(Debug, Clone)]
pub struct TreeChanges {
    /// `<ticket>/<repository>`.
    pub place: String,
    /// Its directory.
    pub path: PathBuf,
    /// Commits since the start.
    pub commits: usize,
    /// Paths that are not committed, with what is wrong.
    pub dirty: Vec<String>,
    /// Why it could not be looked at.
    pub odd: Option<String>,
}

/// Everything that `status` shows.
#[derive(Debug, Clone, Default)]
pub struct StatusReport {
    /// Runs, those that need a person first.
    pub runs: Vec<RunView>,
    /// Records that cannot be read, as sentences.
    pub broken: Vec<String>,
    /// Whether one run was named: then it is shown in full.
    pub in_full: bool,
    /// Whether we are in a repository at all.
    pub in_repository: bool,
    /// How many escalated threads are about no run.
    pub escalated: usize,
    /// How forum events travel to other machines; `None` where they do not.
    pub bus: Option<BusView>,
}

/// Looks at one run or at all open ones.
pub fn status(caller: &Caller, request: &StatusRequest) -> ServiceResult<StatusReport> {
    let mut report = StatusReport::default();
    let here = find_control(caller)?.map(|here| if request.no_ingest { here.frozen() } else { here });
    report.in_repository = here.is_some();
    if let Some(here) = &here {
        let (left_out, bus) = forum::look(caller, here);
        report.broken.extend(left_out);
        report.bus = bus;
    }
    if request.everywhere {
        for control in everywhere(caller, here) {
            add_open(&control, request, &mut report)?;
        }
    } else if let Some(control) = here {
        if request.selector.is_empty() {
            add_open(&control, request, &mut report)?;
        } else {
            let id = select(caller, &control, &request.selector, |_| true)?;
            let run = require_run(&control, &id)?;
            add(&control, vec![run], request, &mut report)?;
            report.in_full = true;
        }
    }
    report.runs.sort_by_key(|v| (v.needs.is_empty(), std::cmp::Reverse(v.run.changed)));
    Ok(report)
}

fn everywhere(caller: &Caller, here: Option<Control>) -> Vec<Control> {
    let mut found: Vec<Control> = here.into_iter().collect();
    for root in store::known_roots().unwrap_or_default() {
        let asked = Caller { root: Some(root.path), ..caller.clone() };
        if let Ok(Some(control)) = find_control(&asked)
            && !found.iter().any(|f| f.repo.common_dir() == control.repo.common_dir())
        {
            found.push(control);
        }
    }
    found
}

fn add_open(control: &Control, request: &StatusRequest, report: &mut StatusReport) -> ServiceResult<()> {
    let mut runs = Vec::new();
    for entry in control.store.open_runs()? {
        match entry {
            Entry::Run(run) => runs.push(*run),
            Entry::Broken { why, .. } => report.broken.push(why),
        }
    }
    add(control, runs, request, report)
}

fn add(
    control: &Control,
    runs: Vec<Run>,
    request: &StatusRequest,
    report: &mut StatusReport,
) -> ServiceResult<()> {
    let (observed, glances, threads) = std::thread::scope(|scope| {
        let observing = scope.spawn(|| agents_now::observe_all(control, &runs.iter().collect::<Vec<_>>()));
        if request.git && !request.no_ingest {
            keep_answers(control, &runs);
        }
        let landed = landed::landed(&control.store, &runs.iter().collect::<Vec<_>>());
        let mut ordinary = control.store.ordinary();
        let look = |(run, landed)| Glance::at(control, run, landed, &mut ordinary);
        let glances: Vec<_> = runs.iter().zip(landed).map(look).collect();
        control.store.keep_ordinary(&ordinary, request.selector.is_empty());
        let threads = forum::needs(control);
        let observed = observing.join().map_err(|_| super::repos::panicked())?;
        ServiceResult::Ok((observed, glances, threads))
    })?;
    let mut bases = Bases::default();
    // A forum that cannot be read hides no run.
    let mut threads = threads.unwrap_or_else(|error| {
        report.broken.push(error.to_string());
        forum::Needs::default()
    });
    report.escalated += threads.others;
    let lookout = Lookout::over(control, if request.no_ingest { &[] } else { &runs });
    for ((run, mut glance), observed) in runs.into_iter().zip(glances).zip(observed) {
        glance.observed = observed;
        glance.is_asked = guidance::asks_more(&run, &threads.questions);
        glance.may_be_bypassed = !request.no_ingest && bases.have_moved(control, &run);
        let mut asked = threads.by_run.remove(&run.id).unwrap_or_default();
        let mut view = view(&lookout, control, run, glance, request)?;
        asked.retain(|need| !is_said_by_the_run(&view.run, need));
        view.needs.splice(0..0, asked);
        report.runs.push(view);
    }
    Ok(())
}

/// A question of an agent that waits for a person is told with its words; its thread says nothing more, unless it
/// should have been answered by now.
fn is_said_by_the_run(run: &Run, need: &Need) -> bool {
    let is_its = |asked: &crate::model::Guidance| asked.is_open() && need.subject == asked.thread.as_str();
    run.guidance.iter().any(is_its) && need.kind != NeedKind::Escalated
}

/// What only git can tell is kept for those who may not ask it. Who holds a run now keeps it himself.
fn keep_answers(control: &Control, runs: &[Run]) {
    for run in runs.iter().filter(|run| run.state.is_open()) {
        if let Ok(mut hold) = control.hold_to_settle(&run.id, Duration::ZERO) {
            let _ = landed::ask(&mut hold);
        }
    }
}

/// What is looked at while tmux answers.
struct Glance {
    signals: Signals,
    holder: Option<Holder>,
    /// Last progress, one per agent.
    progress: Vec<Option<Timestamp>>,
    observed: Vec<Observation>,
    /// Whether a base of the run is not where it was last looked at.
    may_be_bypassed: bool,
    /// Whether an agent asks in a thread what its run does not know yet.
    is_asked: bool,
    landed: Landed,
    /// What is the matter with its journal.
    journal: Option<Need>,
    docs: Vec<DocsShown>,
}

impl Glance {
    fn at(control: &Control, run: &Run, landed: Landed, ordinary: &mut Ordinary) -> Self {
        let chain = control.store.chain(&run.id, ordinary).ok();
        Self {
            signals: signals::look_among(run, ordinary),
            holder: control.store.holder(&run.id),
            progress: run.agents.iter().map(|agent| last_progress(run, agent)).collect(),
            observed: Vec::new(),
            may_be_bypassed: false,
            is_asked: false,
            landed,
            journal: chain.and_then(|chain| super::needs::of_journal(run, chain)),
            docs: doc_sync::show(control, run),
        }
    }
}

fn view(
    lookout: &Lookout<'_>,
    control: &Control,
    run: Run,
    glance: Glance,
    request: &StatusRequest,
) -> ServiceResult<RunView> {
    let (progress, landed) = (glance.progress.clone(), glance.landed.clone());
    let (journal, docs) = (glance.journal.clone(), glance.docs.clone());
    let (run, settled, holder) = settled(lookout, control, run, glance, request.no_ingest)?;
    let limits = policy::health_from_table(&run.policy);
    let mut needs: Vec<_> = journal.into_iter().chain(settled.needs).collect();
    super::needs::of_landed(&run, &landed, &mut needs);
    let mut agents = Vec::new();
    for ((agent, seen), progress) in run.agents.iter().zip(&settled.observations).zip(progress) {
        let health = health(seen, progress, &limits);
        needs.extend(super::needs::of_stalled(&run, agent, &health));
        agents.push(AgentView { agent: agent.clone(), seen: seen.clone(), health });
    }
    if holder.is_none() {
        needs.splice(0..0, super::needs::of_half_done(control, &run));
    }
    if request.selector.is_empty() || request.everywhere {
        let pressing = docs.iter().filter(|docs| docs.is_pressing);
        needs.extend(pressing.flat_map(|docs| docs.warnings.clone()));
    }
    let changes = if request.git { changes(&run) } else { Vec::new() };
    Ok(RunView { root: control.root().to_owned(), agents, needs, holder, changes, landed, docs, run })
}

/// Settles the run if there is anything to settle and nobody holds it; `status` never waits.
fn settled(
    lookout: &Lookout<'_>,
    control: &Control,
    run: Run,
    glance: Glance,
    no_ingest: bool,
) -> ServiceResult<(Run, Settled, Option<Holder>)> {
    let looked = settle::look_only(control, &run, glance.observed, &glance.signals)?;
    let has_news =
        || looked.would_change || glance.is_asked || glance.may_be_bypassed || lookout.is_due(&run, &looked);
    if no_ingest || !has_news() {
        return Ok((run, looked, glance.holder));
    }
    match control.hold_to_settle(&run.id, Duration::ZERO) {
        Ok(mut hold) => {
            let mut settled = settle::settle(control, &mut hold)?;
            keep_activity(&mut settled.observations, &looked.observations);
            Ok((hold.run().clone(), settled, None))
        }
        Err(error) if error.is_busy() || error.is_newer() || matches!(error, StoreError::NotFound { .. }) => {
            let holder = control.store.holder(&run.id);
            Ok((run, looked, holder))
        }
        Err(error) => Err(error.into()),
    }
}

/// Settling looks again, without asking tmux again.
fn keep_activity(fresh: &mut [Observation], before: &[Observation]) {
    for (fresh, before) in fresh.iter_mut().zip(before) {
        if let (
            Observation::Alive { last_activity, .. },
            Observation::Alive { last_activity: known @ Some(_), .. },
        ) = (fresh, before)
        {
            *last_activity = *known;
        }
    }
}

fn changes(run: &Run) -> Vec<TreeChanges> {
    std::thread::scope(|scope| {
        let tasks: Vec<_> = run
            .worktrees
            .iter()
            .map(|tree| {
                scope.spawn(move || {
                    let mut changes = TreeChanges {
                        place: format!("{}/{}", tree.ticket, tree.repo),
                        path: tree.path.clone().unwrap_or_default(),
                        commits: 0,
                        dirty: Vec::new(),
                        odd: None,
                    };
                    let looked =
                        steps::open_repo(run, &tree.repo).and_then(|repo| look(&repo, tree, &mut changes));
                    changes.odd = looked.err().map(|e| e.to_string());
                    changes
                })
            })
            .collect();
        tasks.into_iter().filter_map(|task| task.join().ok()).collect()
    })
}

fn look(
    repository: &Repository,
    tree: &crate::model::RunWorktree,
    changes: &mut TreeChanges,
) -> ServiceResult<()> {
    let state = repository.clean_state(&changes.path)?;
    changes.dirty = state.unexpected().map(|d| format!("{} ({})", d.path, d.what)).collect();
    changes.commits = super::facts_of_work::commits_since_start(repository, tree)?;
    if repository.branch_id(&tree.branch)?.is_none() {
        let message = format!("The run branch '{}' of {} no longer exists", tree.branch, tree.repo);
        return Err(ServiceError::failed(message, &["git metawsm check"]));
    }
    Ok(())
}
