//! From `--repos` to repositories.

use super::base::{Base, Wishes, base_of};
use super::{Caller, Control, ServiceError, ServiceResult};
use crate::git::Repository;
use crate::model::RepoName;
use crate::policy::Policy;
use crate::workspaces;
use std::path::{Path, PathBuf};

/// What a person types once `workspace.repos` gives a repository another name.
const RENAMED: &str = "git metawsm run --repos <name in workspace.repos> ...";

/// A repository of a run, resolved.
#[derive(Debug, Clone)]
pub(super) struct Chosen {
    /// Its name, also its directory in each workspace.
    pub name: RepoName,
    /// The repository.
    pub repo: Repository,
    /// Its base.
    pub base: Base,
}

/// Resolves the repositories of a run; without any given, the one around the cwd.
pub(super) fn choose(
    caller: &Caller,
    control: &Control,
    given: &[String],
    base_branch: Option<&str>,
    policy: &Policy,
) -> ServiceResult<Vec<Chosen>> {
    let mut found: Vec<(Repository, RepoName, Option<String>)> = Vec::new();
    if given.is_empty() {
        let repo = Repository::discover(&caller.cwd)?.unwrap_or_else(|| control.repo.clone());
        let name = name_in(control, policy, &repo)?;
        found.push((repo, name, None));
    }
    for text in given {
        let (place, base) = split_base(caller, text);
        let (repo, name) = resolve(caller, control, &place, policy)?;
        found.push((repo, name, base));
    }
    refuse_twice(&found)?;
    let wishes = |name: &RepoName, own: Option<String>| Wishes {
        wish: own
            .or_else(|| policy.workspace.bases.get(name).cloned())
            .or_else(|| base_branch.map(str::to_owned)),
        habit: policy.workspace.base_branch.clone(),
    };
    let seconds = policy.workspace.fetch_seconds;
    let chosen = std::thread::scope(|scope| {
        let tasks: Vec<_> = found
            .into_iter()
            .map(|(repo, name, own)| {
                let wishes = wishes(&name, own);
                scope.spawn(move || base_of(&repo, &wishes, seconds).map(|base| Chosen { name, repo, base }))
            })
            .collect();
        tasks.into_iter().map(|task| task.join().map_err(|_| panicked())?).collect::<ServiceResult<Vec<_>>>()
    })?;
    Ok(chosen)
}

/// A worker thread that died is our bug.
pub(super) fn panicked() -> ServiceError {
    ServiceError::failed("A worker of ours died; this is a bug of git-metawsm.", &["git metawsm status"])
}

/// Refuses a repository, or the name of one, that is given twice.
pub(super) fn refuse_twice(found: &[(Repository, RepoName, Option<String>)]) -> ServiceResult<()> {
    for (index, (repo, name, _)) in found.iter().enumerate() {
        for (other, other_name, _) in &found[..index] {
            if other.common_dir() == repo.common_dir() {
                let message = format!("The repository '{name}' is given twice ({}).", repo.dir().display());
                return Err(ServiceError::wrong(message, &[&format!("git metawsm run --repos {name} ...")]));
            }
            if other_name.as_str().eq_ignore_ascii_case(name.as_str()) {
                let (a, b) = (other.dir().display(), repo.dir().display());
                let message =
                    format!("Two repositories are called '{name}': {a} and {b}; a workspace needs one each.");
                return Err(ServiceError::wrong(message, &["git metawsm policy-init", RENAMED]));
            }
        }
    }
    Ok(())
}

/// `repo:base` apart; a path that holds a colon and exists is a path.
pub(super) fn split_base(caller: &Caller, text: &str) -> (String, Option<String>) {
    match text.rsplit_once(':') {
        Some((place, base)) if !place.is_empty() && !base.is_empty() && !caller.cwd.join(text).exists() => {
            (place.to_owned(), Some(base.to_owned()))
        }
        _ => (text.to_owned(), None),
    }
}

/// The name of a repository: the directory of its main worktree, or of the bare repository without `.git`.
pub(super) fn name_of(repo: &Repository) -> ServiceResult<RepoName> {
    let common = repo.common_dir();
    let is_dot_git = common.file_name().is_some_and(|n| n == ".git");
    let dir = if is_dot_git { common.parent().unwrap_or(common) } else { common };
    let name = dir.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let name = name.strip_suffix(".git").filter(|n| !n.is_empty()).unwrap_or(&name);
    let name = name.trim_start_matches('.');
    RepoName::parse(name).map_err(|error| {
        let message = format!("{error}. Give {} a name in workspace.repos of the policy.", dir.display());
        ServiceError::wrong(message, &["git metawsm policy-init", RENAMED])
    })
}

/// The name of a repository in `workspace.repos` of the policy, else its own.
pub(super) fn name_in(control: &Control, policy: &Policy, repo: &Repository) -> ServiceResult<RepoName> {
    let is_it = |path: &String| {
        let found = Repository::discover(&control.root().join(expand_home(path)));
        found.is_ok_and(|found| found.is_some_and(|found| found.common_dir() == repo.common_dir()))
    };
    match policy.workspace.repos.iter().find(|(_, path)| is_it(path)) {
        Some((name, _)) => Ok(name.clone()),
        None => name_of(repo),
    }
}

/// Whether a word for a repository is a path, not a name.
pub(super) fn is_path(place: &str) -> bool {
    place.contains('/') || place == "." || place == ".."
}

fn resolve(
    caller: &Caller,
    control: &Control,
    place: &str,
    policy: &Policy,
) -> ServiceResult<(Repository, RepoName)> {
    if is_path(place) {
        let dir = caller.cwd.join(place);
        let repo = Repository::discover(&dir)?.ok_or_else(|| missing(place, &dir))?;
        let name = name_in(control, policy, &repo)?;
        return Ok((repo, name));
    }
    let name = RepoName::parse(place)?;
    let repo = match lookup(caller, control, &name, policy)?.as_slice() {
        [] => return Err(unknown(&name)),
        [one] => one.clone(),
        several => {
            let places: Vec<_> = several.iter().map(|r| r.dir().display().to_string()).collect();
            let message = format!("The name '{name}' could mean {}.", places.join(" or "));
            let hint = format!("git metawsm run --repos {}", places[0]);
            return Err(ServiceError::wrong(message, &[&hint]));
        }
    };
    Ok((repo, name))
}

fn missing(place: &str, dir: &Path) -> ServiceError {
    let why = if dir.exists() { "is in no git repository" } else { "does not exist" };
    ServiceError::failed(
        format!("The directory '{place}' {why}."),
        &["git metawsm run --repos <path to it> ..."],
    )
}

fn unknown(name: &RepoName) -> ServiceError {
    ServiceError::failed(
        format!(
            "No repository is called '{name}': it is not in workspace.repos, not in wsm's registry and not beside the control repository."
        ),
        &["git metawsm run --repos <path to it>"],
    )
}

/// Where a name can lead: policy first; else the control repository itself, wsm's registry, its neighbours.
pub(super) fn lookup(
    caller: &Caller,
    control: &Control,
    name: &RepoName,
    policy: &Policy,
) -> ServiceResult<Vec<Repository>> {
    if let Some(path) = policy.workspace.repos.get(name) {
        let dir = control.root().join(expand_home(path));
        let repo = Repository::discover(&dir)?.ok_or_else(|| missing(name.as_str(), &dir))?;
        return Ok(vec![repo]);
    }
    if name_of(&control.repo).is_ok_and(|own| own == *name) {
        return Ok(vec![control.repo.clone()]);
    }
    let mut places = workspaces::registry_repo(name.as_str())?;
    let beside = control.repo.common_dir().ancestors().skip(1).take(2).map(|dir| dir.join(name.as_str()));
    places.extend(beside.take(if control.repo.is_bare() { 1 } else { 2 }));
    places.push(caller.cwd.join(name.as_str()));
    let mut found: Vec<Repository> = Vec::new();
    for place in places {
        // A neighbour that is only a directory inside another repository is not a repository of that name.
        let is_top = |repo: &Repository| same(repo.dir(), &place) || same(repo.common_dir(), &place);
        if let Some(repo) = Repository::discover(&place)?.filter(is_top)
            && !found.iter().any(|f| f.common_dir() == repo.common_dir())
        {
            found.push(repo);
        }
    }
    Ok(found)
}

fn same(a: &Path, b: &Path) -> bool {
    crate::sys::files::real_path(a) == crate::sys::files::real_path(b)
}

/// `~` and `~/x` as the user's home.
pub(super) fn expand_home(path: &str) -> PathBuf {
    match (path.strip_prefix('~'), crate::sys::env::home()) {
        (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => {
            home.join(rest.trim_start_matches('/'))
        }
        _ => PathBuf::from(path),
    }
}
