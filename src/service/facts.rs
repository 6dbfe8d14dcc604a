//! What the gates are told: found in the store, in git and from sessions; per repository in parallel.

use super::chain::{Chain, chain};
use super::steps::{damaged, open_repo};
use super::{Control, ServiceResult, publish, sessions as agents_now};
use crate::gate::{Action, AgentFact, AgentPulse, BaseFact, ChainFact, Facts, HeadFact, WorktreeFact};
use crate::git::{CleanState, Head, Judge, RepoPath, Repository};
use crate::model::{RepoName, Run, RunRepo, RunWorktree, StepState};
use crate::sessions::Observation;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Facts for the gates, and what the executor needs of how they were found.
#[derive(Debug)]
pub(super) struct Found {
    /// For the gates.
    pub facts: Facts,
    /// For the executor, one per entry of `facts.bases`.
    pub grounds: Vec<Ground>,
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

/// Gathers everything for an action. Changes nothing but unreferenced objects. For a hook no base is looked at.
pub(super) fn gather(control: &Control, run: &Run, action: Action) -> ServiceResult<Found> {
    let repos = run.repos.iter().map(|repo| Ok((repo, open_repo(run, &repo.name)?)));
    let repos = repos.collect::<ServiceResult<Vec<_>>>()?;
    let next = AtomicUsize::new(0);
    let (trees, grounds) = std::thread::scope(|scope| {
        let merging: Vec<_> = repos
            .iter()
            .filter(|_| action != Action::Hook)
            .map(|(repo, repository)| scope.spawn(move || base_facts(control, run, repo, repository, action)))
            .collect();
        let looking: Vec<_> =
            (0..workers(run)).map(|_| scope.spawn(|| worktree_facts(run, &repos, &next))).collect();
        let (mut trees, mut grounds) = (Vec::new(), Vec::new());
        for task in looking {
            trees.extend(task.join().map_err(|_| super::repos::panicked())?);
        }
        for task in merging {
            grounds.push(task.join().map_err(|_| super::repos::panicked())??);
        }
        Ok::<_, super::ServiceError>((trees, grounds))
    })?;
    let (mut bases, mut kept): (Vec<BaseFact>, Vec<Ground>) = grounds.into_iter().unzip();
    if action == Action::Close && !kept.iter().any(|g| g.is_control) {
        let (fact, ground) = control_ground(control, run)?;
        bases.push(fact);
        kept.push(ground);
    }
    let unfinished = |s: &&crate::model::Step| !matches!(s.state, StepState::Done | StepState::Skipped);
    let facts = Facts {
        run: run.id.to_string(),
        state: run.state,
        unfinished_steps: run.steps.iter().filter(unfinished).map(crate::model::Step::label).collect(),
        agents: agent_facts(control, run),
        worktrees: in_order(run, trees),
        bases,
    };
    Ok(Found { facts, grounds: kept })
}

fn in_order(run: &Run, mut trees: Vec<WorktreeFact>) -> Vec<WorktreeFact> {
    let place =
        |t: &WorktreeFact| run.worktrees.iter().position(|w| w.ticket == t.ticket && w.repo == t.repo);
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
fn worktree_facts(run: &Run, repos: &[(&RunRepo, Repository)], next: &AtomicUsize) -> Vec<WorktreeFact> {
    let mut facts = Vec::new();
    while let Some(tree) = run.worktrees.get(next.fetch_add(1, Ordering::Relaxed)) {
        if let Some((_, repository)) = repos.iter().find(|(repo, _)| repo.name == tree.repo) {
            facts.push(worktree_fact(repository, tree));
        }
    }
    facts
}

fn base_facts(
    control: &Control,
    run: &Run,
    repo: &RunRepo,
    repository: &Repository,
    action: Action,
) -> ServiceResult<(BaseFact, Ground)> {
    let is_control = repository.common_dir() == control.repo.common_dir();
    let extra = if is_control && action == Action::Close { publish::touched(run) } else { Vec::new() };
    let Chain { fact, local, tree } = chain(repository, run, repo)?;
    let base = BaseFact {
        repo: repo.name.clone(),
        path: repository.dir().display().to_string(),
        base: repo.base.clone(),
        chain: fact,
        obstacles: obstacles(repository, repo, local.as_deref(), tree.as_deref(), &extra)?,
    };
    Ok((base, Ground { repository: repository.clone(), local, is_control }))
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
    let obstacles = obstacles(&control.repo, &repo, Some(&base.id), None, &publish::touched(run))?;
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

fn worktree_fact(repository: &Repository, tree: &RunWorktree) -> WorktreeFact {
    let path = tree.path.clone().unwrap_or_default();
    let mut fact = WorktreeFact {
        ticket: tree.ticket.clone(),
        repo: tree.repo.clone(),
        path: path.display().to_string(),
        branch: tree.branch.clone(),
        missing: None,
        head: None,
        dirty: Vec::new(),
        operation: None,
        judge: String::new(),
    };
    match clean_state(repository, &path) {
        Ok(state) => {
            fact.dirty = state.unexpected().map(|d| format!("{} ({})", d.path, d.what)).collect();
            fact.head = Some(match state.head {
                Head::Branch { name, .. } => HeadFact::Branch(name),
                Head::Detached(id) => HeadFact::Detached(id),
            });
            fact.operation = state.operation.map(|o| format!("A {o}"));
            fact.judge = match state.judge {
                Judge::Git2 => "git2".to_owned(),
                Judge::Git => "git".to_owned(),
            };
        }
        Err(why) => fact.missing = Some(why),
    }
    fact
}

fn clean_state(repository: &Repository, path: &Path) -> Result<CleanState, String> {
    if !path.is_dir() {
        return Err(format!("{} is gone", path.display()));
    }
    repository.clean_state(path).map_err(|e| e.to_string().trim_end_matches('.').to_owned())
}

/// What stands in the way where base is checked out: full sentences, each with a command.
fn obstacles(
    repository: &Repository,
    repo: &RunRepo,
    local: Option<&str>,
    tree: Option<&str>,
    extra: &[String],
) -> ServiceResult<Vec<(String, String)>> {
    let mut paths = match (local, tree) {
        (Some(local), Some(tree)) => repository.changed_paths(local, tree)?,
        _ => Vec::new(),
    };
    paths.extend(extra.iter().map(|path| RepoPath::new(path.as_str())));
    let mut found = Vec::new();
    for holder in repository.base_holders(&repo.base)? {
        let place = holder.worktree.display();
        let status = format!("git -C {place} status");
        if let Some(operation) = holder.operation {
            found.push((format!("A {operation} is half done on '{}' in {place}.", repo.base), status));
            continue;
        }
        if paths.is_empty() || holder.missing {
            continue;
        }
        for obstacle in repository.obstacles(&holder.worktree, &paths)? {
            found.push((format!("{obstacle} in {place}, and the merge would write it."), status.clone()));
        }
    }
    Ok(found)
}
