//! What `--from` names: the workspace that a run forks from or reuses.

use super::base::{Base, Wishes, base_of};
use super::repos::{Chosen, name_of};
use super::{Control, ServiceError, ServiceResult};
use crate::git::{Head, Repository};
use crate::model::{RepoName, RunTicket, RunWorktree, Strategy, WorkspaceName};
use crate::policy::Policy;
use crate::sys::files;
use crate::workspaces;
use std::path::{Path, PathBuf};

/// An existing workspace: a directory with one worktree per repository.
#[derive(Debug, Clone)]
pub(super) struct Source {
    strategy: Strategy,
    name: WorkspaceName,
    dir: PathBuf,
    trees: Vec<(RepoName, Repository)>,
}

/// Finds what `--from` names: a run with one ticket, a workspace of an open run, a workspace that wsm knows, or a
/// directory.
pub(super) fn find(
    control: &Control,
    strategy: Strategy,
    from: Option<&str>,
) -> ServiceResult<Option<Source>> {
    let (strategy, from) = match (strategy, from) {
        (Strategy::Create, None) => return Ok(None),
        (Strategy::Create, Some(_)) => {
            let hint = "git metawsm run --workspace-strategy fork --from <workspace or run> ...";
            return Err(ServiceError::wrong("--from goes with the strategies fork and reuse.", &[hint]));
        }
        (_, None) => {
            let message = format!("The strategy {} needs --from <workspace or run>.", strategy.as_str());
            return Err(ServiceError::wrong(message, &["git metawsm list"]));
        }
        (strategy, Some(from)) => (strategy, from),
    };
    let dir = workspace_dir(control, from)?;
    let name = dir.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let trees = trees_in(&dir)?;
    if trees.is_empty() {
        let message = format!("The workspace {} holds no worktree of a git repository.", dir.display());
        return Err(ServiceError::failed(message, &["git metawsm list"]));
    }
    Ok(Some(Source { strategy, name: WorkspaceName::parse(&name)?, dir, trees }))
}

fn workspace_dir(control: &Control, from: &str) -> ServiceResult<PathBuf> {
    for entry in control.store.open_runs()? {
        let Some(run) = entry.run() else { continue };
        if let Some(ticket) = run.tickets.iter().find(|t| t.workspace.as_str() == from) {
            return Ok(ticket.path.clone().unwrap_or_default());
        }
        if run.id.as_str() == from {
            return match run.tickets.as_slice() {
                [only] => Ok(only.path.clone().unwrap_or_default()),
                several => {
                    let names: Vec<_> = several.iter().map(|t| t.workspace.as_str()).collect();
                    let message = format!("{from} has several workspaces ({}); name one.", names.join(", "));
                    Err(ServiceError::wrong(message, &[&format!("git metawsm run --from {} ...", names[0])]))
                }
            };
        }
    }
    if let Some(known) = workspaces::find_wsm_workspace(from)? {
        return Ok(known.path);
    }
    let dir = Path::new(from);
    if from.contains('/') && dir.is_dir() {
        return Ok(files::real_path(dir));
    }
    Err(ServiceError::failed(
        format!("Nothing is called '{from}': no open run, no workspace of one, none that wsm knows."),
        &["git metawsm list"],
    ))
}

/// The worktrees in a workspace: its directory itself, or the directories in it.
fn trees_in(dir: &Path) -> ServiceResult<Vec<(RepoName, Repository)>> {
    let mut trees = Vec::new();
    for name in files::names_in(dir)? {
        let place = dir.join(&name);
        if name.starts_with('.') || !place.join(".git").exists() {
            continue;
        }
        if let Some(repo) = Repository::discover(&place)? {
            trees.push((RepoName::parse(&name)?, repo));
        }
    }
    if trees.is_empty()
        && dir.join(".git").exists()
        && let Some(repo) = Repository::discover(dir)?
    {
        trees.push((name_of(&repo)?, repo));
    }
    Ok(trees)
}

fn branch_here(repo: &Repository) -> ServiceResult<(String, String)> {
    match repo.head()? {
        Head::Branch { name, id: Some(id) } => Ok((name, id)),
        _ => Err(ServiceError::failed(
            format!("The worktree {} is on no branch.", repo.dir().display()),
            &[&format!("git -C {} status", repo.dir().display())],
        )),
    }
}

impl Source {
    /// The repositories of the workspace with their base: a fork's base is the branch it forks from.
    pub(super) fn choose_repos(
        &self,
        base_branch: Option<&str>,
        policy: &Policy,
    ) -> ServiceResult<Vec<Chosen>> {
        let mut chosen = Vec::new();
        for (name, tree) in &self.trees {
            let base = if self.strategy == Strategy::Fork {
                let (branch, id) = branch_here(tree)?;
                Base { branch, id, note: String::new() }
            } else {
                let wish = policy.workspace.bases.get(name).cloned().or(base_branch.map(str::to_owned));
                let habit = policy.workspace.base_branch.clone();
                base_of(tree, &Wishes { wish, habit }, policy.workspace.fetch_seconds)?
            };
            chosen.push(Chosen { name: name.clone(), repo: tree.clone(), base });
        }
        Ok(chosen)
    }

    /// The ticket and worktrees of a run that reuses this workspace; it and its branches are never removed by us.
    pub(super) fn adopt(&self, ticket: &RunTicket) -> ServiceResult<(RunTicket, Vec<RunWorktree>)> {
        let mut worktrees = Vec::new();
        for (name, tree) in &self.trees {
            let (branch, id) = branch_here(tree)?;
            worktrees.push(RunWorktree {
                ticket: ticket.id.clone(),
                repo: name.clone(),
                path: Some(tree.dir().to_owned()),
                branch,
                base_id: id,
                start: String::new(),
                branch_is_ours: false,
            });
        }
        Ok((
            RunTicket { workspace: self.name.clone(), path: Some(self.dir.clone()), ..ticket.clone() },
            worktrees,
        ))
    }
}
