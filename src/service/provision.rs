//! Who makes the workspaces of a run, and what the program wsm needs for it.

use super::participate;
use super::policies::{self, Rules};
use super::repos::{Chosen, expand_home};
use super::steps::{Change, Work, damaged, open_repo};
use super::{Control, ServiceError, ServiceResult, setup_scripts};
use crate::model::{Child, Run, Strategy};
use crate::policy::{Policy, WorkspaceProvider};
use crate::store;
use crate::sys::files;
use crate::workspaces::{self, Provider, WorktreeOrder, Wsm, WsmOrder, WsmTree};
use std::path::PathBuf;
use std::time::Duration;

/// How long a step waits for wsm at work for another ticket of the same repositories.
const PATIENCE: Duration = Duration::from_secs(16 * 60);

/// Who makes workspaces under this policy: forking stays ours, and a reused workspace is there already.
fn provider(policy: &Policy, strategy: Strategy) -> Provider {
    match (policy.workspace.provider, strategy) {
        (WorkspaceProvider::Wsm, Strategy::Create) => Provider::Wsm,
        _ => Provider::Builtin,
    }
}

/// Who makes the workspaces of a run, and so removes them.
pub(super) fn provider_of(run: &Run) -> ServiceResult<Provider> {
    Ok(provider(&policies::stored(run)?, run.strategy))
}

/// Requires that wsm could make the workspaces of a run, where the policy asks for it; before anything is made.
pub(super) fn require_possible(
    control: &Control,
    rules: &Rules,
    strategy: Strategy,
    repos: &[Chosen],
) -> ServiceResult<()> {
    if provider(&rules.policy, strategy) == Provider::Builtin {
        return Ok(());
    }
    let wsm = Wsm::find()?;
    wsm.require_program()?;
    let place = policy_place(control, rules);
    require_root(&wsm, rules, &place)?;
    require_one_base(repos, &place)?;
    for chosen in repos {
        require_local_base(chosen)?;
        wsm.require_registered(&chosen.name, &chosen.repo)?;
    }
    let starts: Vec<_> = repos
        .iter()
        .map(|chosen| {
            Ok((chosen.name.clone(), chosen.repo.clone(), chosen.repo.require_branch(&chosen.base.branch)?))
        })
        .collect::<ServiceResult<_>>()?;
    setup_scripts::require_trust_for_wsm(&starts)
}

/// The command that opens the policy.
fn policy_place(control: &Control, rules: &Rules) -> String {
    let path = rules.path.clone().unwrap_or_else(|| control.root().join(".metawsm/policy.json"));
    format!("${{EDITOR:-vi}} {}", crate::model::quoted(&path.display().to_string()))
}

fn require_root(wsm: &Wsm, rules: &Rules, place: &str) -> ServiceResult<()> {
    let wanted = expand_home(&rules.policy.workspace.root);
    if files::real_path(&wanted) == files::real_path(wsm.root()) {
        return Ok(());
    }
    let message = format!(
        "workspace.root is {}, and wsm makes its workspaces in {} alone; give one of the two keys workspace.root and workspace.provider another value.",
        wanted.display(),
        wsm.root().display()
    );
    Err(ServiceError::wrong(message, &[place]))
}

fn require_one_base(repos: &[Chosen], place: &str) -> ServiceResult<()> {
    let Some(first) = repos.first() else { return Ok(()) };
    if repos.iter().all(|chosen| chosen.base.branch == first.base.branch) {
        return Ok(());
    }
    let bases: Vec<_> = repos.iter().map(|c| format!("'{}' of {}", c.base.branch, c.name)).collect();
    let message = format!(
        "wsm knows one base for all repositories of a workspace, and these differ: {}; workspace.provider = \"builtin\" takes each.",
        bases.join(", ")
    );
    let hint = format!("git metawsm run --base-branch {} ...", crate::model::quoted(&first.base.branch));
    Err(ServiceError::wrong(message, &[&hint, place]))
}

/// wsm branches from a local branch, or fails half way.
fn require_local_base(chosen: &Chosen) -> ServiceResult<()> {
    let branch = &chosen.base.branch;
    if chosen.repo.branch_id(branch)?.is_some() {
        return Ok(());
    }
    let dir = crate::model::quoted(&chosen.repo.dir().display().to_string());
    Err(ServiceError::failed(
        format!(
            "The base '{branch}' of {} is not there as a local branch, and wsm starts from one.",
            chosen.name
        ),
        &[&format!("git -C {dir} branch {branch} {}", chosen.base.id)],
    ))
}

/// Whether wsm would take an upstream branch of this name for the new branch.
pub(super) fn is_taken_for_wsm(policy: &Policy, strategy: Strategy, chosen: &Chosen, branch: &str) -> bool {
    provider(policy, strategy) == Provider::Wsm
        && !matches!(chosen.repo.tracking_id("origin", branch), Ok(None))
}

/// One step of a workspace that wsm makes: the first one makes all worktrees, the others find theirs. Under the locks
/// of all repositories, since wsm works in all of them.
pub(super) fn ensure_by_wsm(work: &Work<'_>, on_child: &mut dyn FnMut(Child)) -> ServiceResult<Change> {
    let run = &work.run;
    let (index, ticket) = work.ticket()?;
    let (tree, planned) = work.worktree()?;
    let dir = ticket.path.clone().ok_or_else(|| damaged(run, "a workspace has no path"))?;
    let mut locks = Vec::new();
    for repo in participate::in_path_order(run) {
        if let Some(common_dir) = &repo.common_dir {
            locks.push(store::lock_repo(common_dir, "wsm create", work.caller.wait.max(PATIENCE))?);
        }
    }
    let trees: Vec<_> = run.worktrees_for(&ticket.id).collect();
    let opened = trees.iter().map(|t| open_repo(run, &t.repo)).collect::<ServiceResult<Vec<_>>>()?;
    let repos: Vec<_> = trees
        .iter()
        .zip(&opened)
        .map(|(tree, repo)| WsmTree { name: &tree.repo, repo, base_id: &tree.base_id })
        .collect();
    let base = run.repo(&tree.repo).map(|repo| repo.base.as_str()).unwrap_or_default();
    let (name, branch) = (&ticket.workspace, tree.branch.as_str());
    if let Ok(None) = workspaces::find_usable_wsm_workspace(name.as_str()) {
        // The base may have moved since the run was planned, and wsm starts from where it is now.
        let starts: Vec<_> = repos
            .iter()
            .map(|tree| Ok((tree.name.clone(), tree.repo.clone(), tree.repo.require_branch(base)?)))
            .collect::<ServiceResult<_>>()?;
        setup_scripts::require_trust_for_wsm(&starts)?;
    }
    let order = WsmOrder { run: &run.id, name, dir: &dir, branch, base, repos: &repos };
    let made = Wsm::find()?.ensure(&order, on_child)?;

    let repo = open_repo(run, &tree.repo)?;
    workspaces::exclude_signals(&repo)?;
    let path = made.dir.join(tree.repo.as_str());
    let mended = (made.dir != dir).then(|| moved(run, index, made.dir.clone()));
    if let Some(mended) = &mended {
        participate::note_places(work.control, mended, &locks)?;
    }
    let place = WorktreeOrder {
        repo: &repo,
        path: if mended.is_some() { &path } else { planned },
        branch,
        from: &tree.base_id,
        run: &run.id,
        branch_is_ours: tree.branch_is_ours,
    };
    let ensured = workspaces::ensure_worktree(&place, on_child)?;
    participate::mark(run, place.path)?;
    let rescued = ensured.rescued.map(|kept| format!("{}: {}", tree.repo, kept.reference));
    Ok(Change::of_worktree(mended.map(|_| (index, made.dir.clone())), rescued, made.notes))
}

/// The run with the workspace of one of its tickets elsewhere: wsm takes the date of the moment it works.
pub(super) fn moved(run: &Run, index: usize, dir: PathBuf) -> Run {
    let mut run = run.clone();
    let ticket = run.tickets[index].id.clone();
    for tree in run.worktrees.iter_mut().filter(|tree| tree.ticket == ticket) {
        tree.path = Some(dir.join(tree.repo.as_str()));
    }
    run.tickets[index].path = Some(dir);
    run
}
