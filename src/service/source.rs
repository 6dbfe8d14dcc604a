//! What `--from` names: the workspace that a run forks from or reuses.

use super::base::{Base, Wishes, base_of};
use super::repos::{Chosen, name_of, refuse_twice, split_base};
use super::{Caller, Control, ServiceError, ServiceResult};
use crate::git::{Head, Repository};
use crate::model::{RepoName, RunTicket, RunWorktree, Strategy, WorkspaceName, plain_line, quoted, title_of};
use crate::policy::Policy;
use crate::sys::files;
use crate::workspaces::{self, WsmWorkspace};
use std::path::{Path, PathBuf};

/// An existing workspace: a directory with one worktree per repository.
#[derive(Debug, Clone)]
pub(super) struct Source {
    strategy: Strategy,
    name: WorkspaceName,
    dir: PathBuf,
    trees: Vec<(RepoName, Repository)>,
    /// What wsm wrote down of it, where it knows it.
    known: Option<WsmWorkspace>,
}

/// Finds what `--from` names: a run with one ticket, a workspace of an open run, a workspace that wsm knows, or a
/// directory.
pub(super) fn find(
    caller: &Caller,
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
    let dir = workspace_dir(caller, control, from)?;
    let name = dir.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let trees = trees_in(&dir)?;
    if trees.is_empty() {
        let message = format!("The workspace {} holds no worktree of a git repository.", dir.display());
        return Err(ServiceError::failed(message, &["git metawsm list"]));
    }
    let known = known_as(&name, &dir);
    Ok(Some(Source { strategy, name: WorkspaceName::parse(&name)?, dir, trees, known }))
}

/// What wsm knows of a workspace at this place. A file that says something else, or nothing that is understood, is no
/// reason not to use the worktrees that are there.
fn known_as(name: &str, dir: &Path) -> Option<WsmWorkspace> {
    let known = workspaces::find_usable_wsm_workspace(name).ok().flatten();
    known.filter(|known| files::real_path(&known.path) == files::real_path(dir))
}

fn workspace_dir(caller: &Caller, control: &Control, from: &str) -> ServiceResult<PathBuf> {
    if from.contains('/') || from == "." || from == ".." {
        let dir = caller.cwd.join(from);
        if dir.is_dir() {
            return Ok(files::real_path(&dir));
        }
        let message = format!("The workspace {} does not exist.", dir.display());
        return Err(ServiceError::failed(message, &["git metawsm list"]));
    }
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
    if let Some(known) = workspaces::find_usable_wsm_workspace(from)? {
        return if known.path.is_dir() { Ok(known.path) } else { Err(gone(from, &known.path)) };
    }
    Err(ServiceError::failed(
        format!("Nothing is called '{from}': no open run, no workspace of one, none that wsm knows."),
        &["git metawsm list"],
    ))
}

fn gone(name: &str, dir: &Path) -> ServiceError {
    let message =
        format!("wsm knows the workspace '{name}' at {}, and nothing is there any more.", dir.display());
    ServiceError::failed(message, &[&format!("wsm delete {} --force", quoted(name)), "git metawsm list"])
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
    /// The repositories of the workspace (those given, else all) with their base: a fork's base is the branch it
    /// forks from.
    pub(super) fn choose_repos(
        &self,
        caller: &Caller,
        given: &[String],
        base_branch: Option<&str>,
        policy: &Policy,
    ) -> ServiceResult<Vec<Chosen>> {
        let mut picked: Vec<_> = given
            .iter()
            .map(|text| {
                let (place, own) = split_base(caller, text);
                self.tree_of(caller, &place).map(|(name, tree)| (tree, name, own))
            })
            .collect::<ServiceResult<_>>()?;
        refuse_twice(&picked)?;
        if given.is_empty() {
            picked = self.trees.iter().map(|(name, tree)| (tree.clone(), name.clone(), None)).collect();
        }
        let mut chosen = Vec::new();
        for (tree, name, own) in picked {
            let base = if self.strategy == Strategy::Fork {
                if let Some(own) = own {
                    let message = format!(
                        "'{name}:{own}' names a base, and a fork's base is the branch that it forks from."
                    );
                    return Err(ServiceError::wrong(
                        message,
                        &[&format!("git metawsm run --repos {name} ...")],
                    ));
                }
                let (branch, id) = branch_here(&tree)?;
                Base { branch, id, note: String::new() }
            } else {
                let policed = policy.workspace.bases.get(&name).cloned();
                let told = || self.base_told_by_wsm(&name, &tree);
                let wish = own.or(policed).or(base_branch.map(str::to_owned)).or_else(told);
                let habit = policy.workspace.base_branch.clone();
                base_of(&tree, &Wishes { wish, habit }, policy.workspace.fetch_seconds)?
            };
            chosen.push(Chosen { name, repo: tree, base });
        }
        Ok(chosen)
    }

    /// The base that wsm wrote down for a repository of the workspace, if it is still there.
    fn base_told_by_wsm(&self, name: &RepoName, tree: &Repository) -> Option<String> {
        let known = self.known.as_ref()?;
        let own =
            known.repositories.iter().find(|repo| repo.name == name.as_str()).map(|repo| &repo.base_branch);
        let told = own.filter(|base| !base.is_empty()).unwrap_or(&known.base_branch);
        let told = told.strip_prefix("origin/").unwrap_or(told);
        let is_there = |branch: &str| {
            let local = || tree.branch_id(branch).ok().flatten();
            local().or_else(|| tree.tracking_id("origin", branch).ok().flatten()).is_some()
        };
        Some(told.to_owned()).filter(|told| !told.is_empty() && is_there(told))
    }

    /// What a person should know of the workspace: where it differs from what wsm wrote down.
    pub(super) fn notes(&self) -> Vec<String> {
        let Some(known) = &self.known else { return Vec::new() };
        let mut notes = Vec::new();
        for repo in &known.repositories {
            if !self.trees.iter().any(|(name, _)| name.as_str() == repo.name) {
                let name = title_of(&plain_line(&repo.name), 80);
                notes.push(format!("wsm says that '{}' holds {name}, which is not there", self.name));
            }
        }
        for (name, tree) in &self.trees {
            if let Ok((branch, _)) = branch_here(tree)
                && !known.branch.is_empty()
                && branch != known.branch
            {
                let told = title_of(&plain_line(&known.branch), 80);
                notes.push(format!(
                    "{name} is on '{branch}' and not on '{told}', as wsm says; it is used as it is"
                ));
            }
        }
        notes
    }

    /// The worktree of the workspace that a name or a path means.
    fn tree_of(&self, caller: &Caller, place: &str) -> ServiceResult<(RepoName, Repository)> {
        let by_path = if place.contains('/') || place == "." || place == ".." {
            Repository::discover(&caller.cwd.join(place))?
        } else {
            None
        };
        let fits = |(name, tree): &&(RepoName, Repository)| match &by_path {
            Some(repo) => repo.common_dir() == tree.common_dir(),
            None => name.as_str() == place,
        };
        self.trees.iter().find(fits).cloned().ok_or_else(|| {
            let names: Vec<_> = self.trees.iter().map(|(name, _)| name.as_str()).collect();
            let message = format!(
                "The workspace '{}' holds no repository '{place}'; it holds {}.",
                self.name,
                names.join(", ")
            );
            ServiceError::failed(message, &[&format!("git metawsm run --repos {} ...", names[0])])
        })
    }

    /// The ticket and worktrees of a run that reuses these repositories of this workspace; it and its branches are
    /// never removed by us.
    pub(super) fn adopt(
        &self,
        ticket: &RunTicket,
        repos: &[Chosen],
    ) -> ServiceResult<(RunTicket, Vec<RunWorktree>)> {
        let mut worktrees = Vec::new();
        for Chosen { name, repo: tree, .. } in repos {
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
