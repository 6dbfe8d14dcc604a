//! What the gates are told: found in the store, in git and from sessions; per repository in parallel.

use super::chain::{Chain, chain};
use super::checks::{self, Demands};
use super::facts_of_trees::{branch_fact, worktree_fact};
use super::steps::{damaged, open_repo};
use super::{
    Control, ServiceResult, facts_of_docs, facts_of_talk, publish, remedies, sessions as agents_now,
};
use crate::gate::{
    Action, AgentFact, AgentPulse, BaseFact, BranchFact, BypassFact, ChainFact, CheckFact, Facts,
    WorktreeFact,
};
use crate::git::{RepoPath, Repository};
use crate::model::{CheckResult, RepoName, Run, RunRepo, StepState};
use crate::sessions::Observation;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Facts for the gates, and what the executor needs of how they were found.
#[derive(Debug)]
pub(super) struct Found {
    /// For the gates.
    pub facts: Facts,
    /// For the executor, one per entry of `facts.bases`.
    pub grounds: Vec<Ground>,
    /// The kept results of the checks that count for this verdict, for the receipt.
    pub checks: Vec<CheckResult>,
}

/// One repository that a merge touches.
#[derive(Debug)]
pub(super) struct Ground {
    /// The repository.
    pub repository: Repository,
    /// The local base's commit; `None` where base exists only on a remote.
    pub local: Option<String>,
    /// Whether this is the control repository.
    pub is_control: bool,
}

/// What is looked at, and under which rules.
pub(super) struct Look<'a> {
    pub control: &'a Control,
    pub run: &'a Run,
    pub action: Action,
    /// What policy demands.
    pub demands: &'a Demands,
}

type Repos<'a> = Vec<(&'a RunRepo, Repository)>;

/// Gathers everything for an action, but for the drift of policies. Changes nothing but unreferenced objects. For a
/// hook no base and no session is looked at.
pub(super) fn gather(look: &Look<'_>) -> ServiceResult<Found> {
    let run = look.run;
    let repos = run.repos.iter().map(|repo| Ok((repo, open_repo(run, &repo.name)?)));
    let repos: Repos<'_> = repos.collect::<ServiceResult<_>>()?;
    let next = AtomicUsize::new(0);
    let (trees, grounds) = std::thread::scope(|scope| {
        let merging: Vec<_> = repos
            .iter()
            .map(|(repo, repository)| scope.spawn(move || repo_facts(look, repo, repository)))
            .collect();
        let looking: Vec<_> =
            (0..workers(run)).map(|_| scope.spawn(|| tree_facts(look, &repos, &next))).collect();
        let (mut trees, mut grounds) = (Vec::new(), Vec::new());
        for task in looking {
            trees.extend(task.join().map_err(|_| super::repos::panicked())??);
        }
        for task in merging {
            grounds.push(task.join().map_err(|_| super::repos::panicked())??);
        }
        Ok::<_, super::ServiceError>((trees, grounds))
    })?;
    let escalated = facts_of_talk::escalated(look)?;
    let (trees, branches) = in_order(run, trees).into_iter().unzip::<_, _, Vec<_>, Vec<_>>();
    let mut found = Found { facts: facts_of_run(look), grounds: Vec::new(), checks: Vec::new() };
    found.facts.escalated = escalated;
    found.facts.docs = facts_of_docs::docs(look, &trees);
    found.facts.worktrees = trees;
    found.facts.branches = branches.into_iter().flatten().collect();
    for part in grounds {
        found.facts.checks.extend(part.checks);
        found.checks.extend(part.counted);
        if let Some((base, ground)) = part.base {
            found.facts.bases.push(base);
            found.grounds.push(ground);
        }
    }
    if look.action == Action::Close && !found.grounds.iter().any(|g| g.is_control) {
        let (fact, ground) = control_ground(look.control, run)?;
        found.facts.bases.push(fact);
        found.grounds.push(ground);
    }
    Ok(found)
}

/// What the record and the sessions alone tell.
fn facts_of_run(look: &Look<'_>) -> Facts {
    let run = look.run;
    let unfinished = |s: &&crate::model::Step| !matches!(s.state, StepState::Done | StepState::Skipped);
    let bypass = |b: &crate::model::Bypass| BypassFact {
        id: b.id.clone(),
        repo: b.repo.to_string(),
        what: b.what.clone(),
    };
    let agents = if look.action == Action::Hook { Vec::new() } else { agent_facts(look.control, run) };
    Facts {
        run: run.id.to_string(),
        state: run.state,
        unfinished_steps: run.steps.iter().filter(unfinished).map(crate::model::Step::label).collect(),
        agents,
        worktrees: Vec::new(),
        branches: Vec::new(),
        bases: Vec::new(),
        checks: Vec::new(),
        docs: Vec::new(),
        bootstrap: facts_of_talk::bootstrap(run),
        questions: facts_of_talk::questions(look.control, run),
        escalated: Vec::new(),
        bypasses: run.bypasses.iter().filter(|b| b.is_unanswered()).map(bypass).collect(),
        drift: Vec::new(),
    }
}

/// A worktree, and what its branch brings.
type TreeFact = (WorktreeFact, Option<BranchFact>);

fn in_order(run: &Run, mut trees: Vec<TreeFact>) -> Vec<TreeFact> {
    let place =
        |(t, _): &TreeFact| run.worktrees.iter().position(|w| w.ticket == t.ticket && w.repo == t.repo);
    trees.sort_by_key(place);
    trees
}

fn agent_facts(control: &Control, run: &Run) -> Vec<AgentFact> {
    let observed = agents_now::observe(control, run);
    let pulse = |observation: &Observation| match observation {
        Observation::Alive { .. } => AgentPulse::Working,
        Observation::Unknown { why } => AgentPulse::Unknown(why.clone()),
        Observation::NotStarted | Observation::Ended(_) | Observation::Dead { .. } => AgentPulse::Quiet,
    };
    let fact = |(agent, observation): (&crate::model::RunAgent, &Observation)| AgentFact {
        key: agent.key(),
        pulse: pulse(observation),
        completed: agent.completed.is_some(),
    };
    run.agents.iter().zip(&observed).map(fact).collect()
}

/// One thread per core: a look at a worktree is a look at each of its files.
fn workers(run: &Run) -> usize {
    std::thread::available_parallelism().map_or(2, usize::from).min(run.worktrees.len())
}

/// Looks at worktrees until none is left; others do the same at the same time.
fn tree_facts(look: &Look<'_>, repos: &Repos<'_>, next: &AtomicUsize) -> ServiceResult<Vec<TreeFact>> {
    let (run, forbidden) = (look.run, &look.demands.forbidden);
    let mut facts = Vec::new();
    while let Some(tree) = run.worktrees.get(next.fetch_add(1, Ordering::Relaxed)) {
        if let Some((_, repository)) = repos.iter().find(|(repo, _)| repo.name == tree.repo) {
            let branch = branch_fact(repository, run, tree, forbidden)?;
            facts.push((worktree_fact(repository, run, tree, forbidden), branch));
        }
    }
    Ok(facts)
}

/// What is found per repository.
struct RepoFacts {
    base: Option<(BaseFact, Ground)>,
    checks: Vec<CheckFact>,
    counted: Vec<CheckResult>,
}

fn repo_facts(look: &Look<'_>, repo: &RunRepo, repository: &Repository) -> ServiceResult<RepoFacts> {
    let run = look.run;
    if look.action == Action::Hook && look.demands.of_repo(&repo.name).is_empty() {
        return Ok(RepoFacts { base: None, checks: Vec::new(), counted: Vec::new() });
    }
    let Chain { fact, local, end } = chain(repository, run, repo)?;
    let checks = checks::facts(look, repo, end.as_ref());
    let counted = checks::counted(look, repo, end.as_ref());
    if look.action == Action::Hook {
        return Ok(RepoFacts { base: None, checks, counted });
    }
    let is_control = is_control(look.control, repository, repo)?;
    let extra = match look.action {
        Action::Close if is_control => publish::touched(look.control, run)?,
        Action::Close if repo.name == run.doc_home => publish::touched_in_home(run),
        _ => Vec::new(),
    };
    let tree = end.as_ref().map(|end| end.tree.as_str());
    let base = BaseFact {
        repo: repo.name.clone(),
        path: repository.dir().display().to_string(),
        base: repo.base.clone(),
        chain: fact,
        obstacles: obstacles(repository, run, repo, (local.as_deref(), tree), &extra)?,
    };
    let ground = Ground { repository: repository.clone(), local, is_control };
    Ok(RepoFacts { base: Some((base, ground)), checks, counted })
}

/// Whether the record goes on top of this base: it is the control repository's own, not one that a fork merges into.
fn is_control(control: &Control, repository: &Repository, repo: &RunRepo) -> ServiceResult<bool> {
    if repository.common_dir() != control.repo.common_dir() {
        return Ok(false);
    }
    Ok(super::base::control_base(control)?.is_some_and(|base| base.branch == repo.base))
}

/// The control repository's own base, where it is not among the run's repositories: only the record goes there.
fn control_ground(control: &Control, run: &Run) -> ServiceResult<(BaseFact, Ground)> {
    // Only a label here: a directory that makes no name must not stop a close.
    let name = super::repos::name_of(&control.repo).or_else(|_| RepoName::parse("control"))?;
    let base = super::base::control_base(control)?
        .ok_or_else(|| damaged(run, "its control repository has no base branch to publish on"))?;
    let repo = RunRepo {
        name: name.clone(),
        path: Some(control.repo.dir().to_owned()),
        common_dir: Some(control.repo.common_dir().to_owned()),
        base: base.branch.clone(),
        base_id: base.id.clone(),
        base_note: String::new(),
    };
    let extra = publish::touched(control, run)?;
    let obstacles = obstacles(&control.repo, run, &repo, (Some(&base.id), None), &extra)?;
    let fact = BaseFact {
        repo: name,
        path: control.repo.dir().display().to_string(),
        base: base.branch,
        chain: ChainFact::Computed { onto: base.id.clone(), links: Vec::new() },
        obstacles,
    };
    let ground = Ground { repository: control.repo.clone(), local: Some(base.id), is_control: true };
    Ok((fact, ground))
}

/// What stands in the way where base is checked out: full sentences, each with the command that clears it. `from` and
/// `to` are the local base and the tree that it gets.
fn obstacles(
    repository: &Repository,
    run: &Run,
    repo: &RunRepo,
    (from, to): (Option<&str>, Option<&str>),
    extra: &[String],
) -> ServiceResult<Vec<(String, String)>> {
    let mut paths = match (from, to) {
        (Some(from), Some(to)) => repository.changed_paths(from, to)?,
        _ => Vec::new(),
    };
    paths.extend(extra.iter().map(|path| RepoPath::new(path.as_str())));
    let mut found = Vec::new();
    for holder in repository.base_holders(&repo.base)? {
        let (top, place) = (&holder.worktree, holder.worktree.display());
        if let Some(operation) = holder.operation {
            let what = format!("A {operation} is half done on '{}' in {place}.", repo.base);
            found.push((what, remedies::ended(operation, top)));
        } else if paths.is_empty() {
        } else if holder.missing {
            let what = format!("'{}' is checked out in {place}, which is gone.", repo.base);
            found.push((what, remedies::forgotten_worktree(repository, top)));
        } else {
            for obstacle in repository.obstacles(top, &paths)? {
                let what = format!("{obstacle} in {place}, and the merge would write it.");
                found.push((what, remedies::of_obstacle(run.id.as_str(), top, &obstacle)));
            }
        }
    }
    Ok(found)
}
