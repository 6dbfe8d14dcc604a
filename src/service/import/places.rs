//! Where the worktrees and repositories of an old run are: what wsm wrote down, what lies there, what git says.

use super::Import;
use super::names::{self, shown};
use super::spec::{Spec, created};
use crate::git::{Head, Repository};
use crate::model::{RepoName, RunRepo, RunWorktree, TicketId, WorkspaceName};
use crate::service::ServiceResult;
use crate::service::base::{Wishes, base_branch};
use crate::service::repos::{expand_home, lookup};
use crate::store::OldRun;
use crate::sys::clock;
use crate::workspaces::{self, WsmWorkspace};
use jiff::Timestamp;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// What was looked up before: many runs name the same repositories.
#[derive(Debug, Default)]
pub(super) struct Places {
    repositories: HashMap<RepoName, Option<Repository>>,
    /// Directories of worktrees that an imported open run works in.
    pub taken: Vec<PathBuf>,
}

/// The workspace of one ticket.
#[derive(Debug)]
pub(super) struct Site {
    pub ticket: TicketId,
    pub workspace: WorkspaceName,
    /// Where it lies, or would lie.
    pub dir: PathBuf,
    known: Option<WsmWorkspace>,
}

impl Site {
    /// The workspace of a ticket by the name that the old program gave it.
    pub(super) fn of(
        import: &Import<'_>,
        (ticket, name): (TicketId, &str),
        made: Timestamp,
        notes: &mut Vec<String>,
    ) -> Option<Self> {
        let workspace = names::name(WorkspaceName::parse, name, "workspace", notes)?;
        let known = match workspaces::find_usable_wsm_workspace(workspace.as_str()) {
            Ok(known) => known,
            Err(error) => {
                notes.push(format!("What wsm knows of the workspace '{workspace}' cannot be used: {error}."));
                None
            }
        };
        let dir = known.as_ref().map_or_else(
            || {
                let root = expand_home(&import.rules.policy.workspace.root);
                workspaces::place(&root, &clock::local_date(made), &workspace).dir
            },
            |known| known.path.components().collect(),
        );
        if !dir.is_dir() {
            notes.push(format!("The workspace '{workspace}' is not there; 'resume' makes it."));
        }
        Some(Self { ticket, workspace, dir, known })
    }

    /// The worktree of a repository in it: its directory of that name, or for the only repository itself.
    fn tree(&self, repo: &RepoName, is_only: bool) -> Option<(PathBuf, Repository)> {
        let below = self.dir.join(repo.as_str());
        let places = [Some(below), is_only.then(|| self.dir.clone())];
        places.into_iter().flatten().find_map(|place| {
            let found =
                place.join(".git").exists().then(|| Repository::discover(&place).ok().flatten())??;
            Some((place, found))
        })
    }

    fn checkout(&self, repo: &str) -> Option<PathBuf> {
        let known = self.known.as_ref()?;
        known.repositories.iter().find(|known| known.name == repo).map(|known| known.path.clone())
    }
}

/// The repositories and worktrees of a run.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub repos: Vec<RunRepo>,
    pub worktrees: Vec<RunWorktree>,
    pub missing: Vec<String>,
}

/// Looks for everything that an open run works on. What is not found is named.
pub(super) fn find(
    import: &mut Import<'_>,
    (old, spec): (&OldRun, &Spec),
    sites: &[Site],
    notes: &mut Vec<String>,
) -> ServiceResult<Found> {
    let mut found = Found::default();
    let names: Vec<_> = spec
        .repos
        .iter()
        .filter_map(|repo| Some((repo, names::name(RepoName::parse, repo, "repository", notes)?)))
        .collect();
    for (written, name) in &names {
        let is_only = names.len() == 1;
        let Some(repository) = repository(import, sites, (written, name), is_only) else {
            found.missing.push(shown(written));
            continue;
        };
        if found.repos.iter().any(|known| known.common_dir.as_deref() == Some(repository.common_dir())) {
            notes.push(format!("The repository '{name}' is another one of this run by another name."));
            continue;
        }
        let (base, base_id) = base((name, &repository), &spec.base, notes)?;
        for site in sites {
            let tree =
                site.tree(name, is_only).filter(|(_, tree)| tree.common_dir() == repository.common_dir());
            let ends = (base.as_str(), base_id.as_str());
            found.worktrees.push(worktree((old, spec, site), name, (&repository, tree), ends)?);
        }
        found.repos.push(RunRepo {
            name: name.clone(),
            path: Some(repository.dir().to_owned()),
            common_dir: Some(repository.common_dir().to_owned()),
            base,
            base_id,
            base_note: String::new(),
        });
    }
    Ok(found)
}

fn repository(
    import: &mut Import<'_>,
    sites: &[Site],
    (written, name): (&str, &RepoName),
    is_only: bool,
) -> Option<Repository> {
    // What the workspace was made of is sure; a name may mean something else today.
    for site in sites {
        if let Some((_, tree)) = site.tree(name, is_only) {
            return Some(main_of(&tree));
        }
        if let Some(repository) = site.checkout(written).and_then(|path| top_at(&path)) {
            return Some(repository);
        }
    }
    if let Some(known) = import.places.repositories.get(name) {
        return known.clone();
    }
    let found = lookup(import.caller, import.control, name, &import.rules.policy).unwrap_or_default();
    let only = if found.len() == 1 { found.into_iter().next() } else { None };
    import.places.repositories.insert(name.clone(), only.clone());
    only
}

/// The repository at this place, and not one around it.
fn top_at(path: &Path) -> Option<Repository> {
    path.join(".git").exists().then(|| Repository::discover(path).ok().flatten())?
}

/// The main worktree of a linked one.
fn main_of(tree: &Repository) -> Repository {
    let common = tree.common_dir();
    let main = common.parent().filter(|_| common.file_name().is_some_and(|name| name == ".git"));
    let found = Repository::discover(main.unwrap_or(common)).ok().flatten();
    found.filter(|found| found.common_dir() == common).unwrap_or_else(|| tree.clone())
}

/// The base of a run and its commit. Where neither the branch nor its upstream is there, which the first program never
/// looked at, it is the repository's own; the commit is empty where that has none.
fn base(
    (name, repository): (&RepoName, &Repository),
    wanted: &str,
    notes: &mut Vec<String>,
) -> ServiceResult<(String, String)> {
    let wanted = if repository.require_branch_name(wanted).is_ok() { wanted } else { "main" };
    if let Some(id) = base_id(repository, wanted)? {
        return Ok((wanted.to_owned(), id));
    }
    if let Ok(own) = base_branch(repository, &Wishes::default())
        && let Some(id) = base_id(repository, &own)?
    {
        notes.push(format!("'{name}' has no branch '{wanted}'; its base is '{own}' now."));
        return Ok((own, id));
    }
    notes.push(format!("'{name}' has no branch '{wanted}' to start from, so it cannot be resumed."));
    Ok((wanted.to_owned(), String::new()))
}

fn base_id(repository: &Repository, branch: &str) -> ServiceResult<Option<String>> {
    match repository.branch_id(branch)? {
        Some(id) => Ok(Some(id)),
        None => Ok(repository.ref_id(&format!("refs/remotes/origin/{branch}"))?),
    }
}

fn worktree(
    (old, spec, site): (&OldRun, &Spec, &Site),
    name: &RepoName,
    (repository, tree): (&Repository, Option<(PathBuf, Repository)>),
    (base, base_id): (&str, &str),
) -> ServiceResult<RunWorktree> {
    let head = tree.as_ref().map(|(_, tree)| tree.head()).transpose()?;
    let made = created(old, Some(site.workspace.as_str()), "--branch")
        .or_else(|| site.known.as_ref().map(|known| known.branch.clone()))
        .filter(|branch| repository.require_branch_name(branch).is_ok())
        .unwrap_or_else(|| format!("task/{}", site.workspace));
    let (branch, id) = if let Some(Head::Branch { name, id }) = head {
        (name, id)
    } else {
        (made.clone(), repository.branch_id(&made)?)
    };
    // The first program reset new branches to base: what is there beyond base is the run's work.
    let start = match &id {
        Some(id) if !base_id.is_empty() => repository.merge_base(id, base_id)?.unwrap_or_default(),
        _ => String::new(),
    };
    // Branches that it made carry its name for the workspace, or stand among its pull requests; the workspace that it
    // reused had its branch before.
    let is_its =
        (spec.strategy != "reuse" && branch == made) || old.pulls.iter().any(|pull| pull.head == branch);
    Ok(RunWorktree {
        ticket: site.ticket.clone(),
        repo: name.clone(),
        path: Some(tree.map_or_else(|| site.dir.join(name.as_str()), |(path, _)| path)),
        base_id: if start.is_empty() { base_id.to_owned() } else { start.clone() },
        start,
        branch_is_ours: is_its && branch != base,
        branch,
    })
}
