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
use super::tree_changes::{TreeChanges, tree_changes};
use super::{Caller, Control, ServiceResult, find_control, guidance, sessions as agents_now};
use crate::model::{Run, RunAgent, RunId, Thread, quoted};
use crate::policy;
use crate::sessions::Observation;
use crate::store::{self, Entry, JournalEntry, Ordinary, StoreError};
use crate::sys::lock::Holder;
use jiff::Timestamp;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
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
    /// The forum threads about it in which somebody waits.
    pub threads: Threads,
    /// The last lines of its journal, oldest first; of a run that is shown in full.
    pub journal: Vec<JournalEntry>,
}

/// The forum threads about a run in which somebody waits.
#[derive(Debug, Clone, Default)]
pub struct Threads {
    /// How many there are.
    pub waiting: usize,
    /// How many of them should have been answered by now.
    pub escalated: usize,
    /// All of them, the most pressing first, each with whether it is escalated; of a run that is shown in full.
    pub list: Vec<(Thread, bool)>,
}

/// A control repository of this user that cannot be shown.
#[derive(Debug, Clone)]
pub struct Away {
    /// Where it was.
    pub root: PathBuf,
    /// Why, as a clause.
    pub why: String,
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

/// Everything that `status` shows.
#[derive(Debug, Clone, Default)]
pub struct StatusReport {
    /// Runs, those that need a person first.
    pub runs: Vec<RunView>,
    /// Records that cannot be read, as sentences.
    pub broken: Vec<String>,
    /// Whether one run was named: then it is shown in full.
    pub in_full: bool,
    /// Whether those of all control repositories of the user are shown.
    pub everywhere: bool,
    /// The control repositories that were looked at, the one around the caller first.
    pub roots: Vec<PathBuf>,
    /// Those that could not be, with `everywhere`.
    pub away: Vec<Away>,
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
    report.everywhere = request.everywhere;
    let around = here.as_ref().map(|here| here.root().to_owned());
    if request.everywhere {
        for control in everywhere(caller, here, &mut report.away) {
            let root = control.root().to_owned();
            if let Err(error) = add_open(&control, request, &mut report) {
                report.away.push(Away { root, why: error.to_string() });
                continue;
            }
            if around.as_ref() != Some(&root) {
                reach_from_outside(&root, &mut report);
            }
            report.roots.push(root);
        }
    } else if let Some(control) = here {
        report.roots.push(control.root().to_owned());
        if request.selector.is_empty() {
            add_open(&control, request, &mut report)?;
        } else {
            let id = select(caller, &control, &request.selector, |_| true)?;
            let run = require_run(&control, &id)?;
            add(&control, vec![run], request, &mut report)?;
            report.in_full = true;
            report.runs.iter_mut().for_each(|view| fill(&control, view));
        }
    }
    report.runs.sort_by_key(|v| (v.needs.is_empty(), std::cmp::Reverse(v.run.changed)));
    Ok(report)
}

/// How many lines of its journal a run is shown with.
const LAST_LINES: usize = 3;

/// What is told of a run only where it is shown in full.
fn fill(control: &Control, view: &mut RunView) {
    // A forum or a journal that cannot be read was named already.
    view.threads.list = forum::waiting_for(control, &view.run.id).unwrap_or_default();
    let journal = control.store.journal(&view.run.id).map(|journal| journal.entries).unwrap_or_default();
    view.journal = journal.into_iter().rev().take(LAST_LINES).rev().collect();
}

/// Commands about runs of another control repository than the one around the caller name it.
fn reach_from_outside(root: &Path, report: &mut StatusReport) {
    report.runs.iter_mut().filter(|view| view.root == root).for_each(RunView::reach_from_outside);
}

/// A command of ours as it is typed outside of the control repository that it is about.
#[must_use]
pub fn from_outside(root: &Path, command: &str) -> String {
    match command.strip_prefix("git metawsm ") {
        Some(rest) if !rest.starts_with("-C ") => {
            format!("git metawsm -C {} {rest}", quoted(&root.display().to_string()))
        }
        _ => command.to_owned(),
    }
}

impl RunView {
    /// Lets its commands name its control repository, for whoever looks at it from elsewhere.
    pub fn reach_from_outside(&mut self) {
        let docs = self.docs.iter_mut().flat_map(|docs| &mut docs.warnings);
        for need in self.needs.iter_mut().chain(docs) {
            need.command = from_outside(&self.root, &need.command);
        }
    }
}

/// The control repositories of this user; what is the matter with the others goes to `away`.
fn everywhere(caller: &Caller, here: Option<Control>, away: &mut Vec<Away>) -> Vec<Control> {
    let mut found: Vec<Control> = here.into_iter().collect();
    for root in store::known_roots().unwrap_or_default() {
        let asked = Caller { root: Some(root.path.clone()), ..caller.clone() };
        match find_control(&asked) {
            Ok(Some(control)) => {
                if !found.iter().any(|f| f.repo.common_dir() == control.repo.common_dir()) {
                    found.push(control);
                }
            }
            _ if !root.exists => away.push(Away { root: root.path, why: "it is gone".to_owned() }),
            Ok(None) => {
                away.push(Away { root: root.path, why: "it is no git repository any more".to_owned() });
            }
            Err(error) => away.push(Away { root: root.path, why: error.to_string() }),
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
    let mut waiting = std::mem::take(&mut threads.waiting);
    let lookout = Lookout::over(control, if request.no_ingest { &[] } else { &runs });
    for ((run, mut glance), observed) in runs.into_iter().zip(glances).zip(observed) {
        glance.observed = observed;
        glance.is_asked = guidance::asks_more(&run, &threads.questions);
        glance.may_be_bypassed = !request.no_ingest && bases.have_moved(control, &run);
        let mut asked = threads.by_run.remove(&run.id).unwrap_or_default();
        let mut view = view(&lookout, control, run, glance, request)?;
        asked.retain(|need| !is_said_by_the_run(&view.run, need));
        view.needs.splice(0..0, asked);
        view.threads = count(&mut waiting, &view.run.id);
        report.runs.push(view);
    }
    Ok(())
}

fn count(waiting: &mut HashMap<RunId, (usize, usize)>, run: &RunId) -> Threads {
    let (waiting, escalated) = waiting.remove(run).unwrap_or_default();
    Threads { waiting, escalated, list: Vec::new() }
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
    let changes = if request.git { tree_changes(&run) } else { Vec::new() };
    let (threads, journal) = (Threads::default(), Vec::new());
    let root = control.root().to_owned();
    Ok(RunView { run, root, agents, needs, holder, changes, landed, docs, threads, journal })
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
