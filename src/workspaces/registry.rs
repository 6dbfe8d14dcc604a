//! The repositories that wsm knows by name: `<config>/workspace-manager/registry.json`. Only ever read: `wsm discover`
//! writes it.

use super::wsm_file::{find_home, is_same_dir, load, or_default};
use super::{WorkspaceError, WorkspaceResult};
use crate::git::Repository;
use crate::model::{RepoName, quoted};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// Thousands of repositories with all their branches.
const CAP: u64 = 64 * 1024 * 1024;

#[derive(Debug, Default, Deserialize)]
struct Registry {
    #[serde(default, deserialize_with = "or_default")]
    repositories: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
struct Entry {
    #[serde(default)]
    name: String,
    #[serde(default)]
    path: PathBuf,
}

fn file_in(home: &Path) -> PathBuf {
    home.join("registry.json")
}

/// Every entry of a name, in the order of the file.
fn entries(home: &Path, name: &str) -> WorkspaceResult<Vec<PathBuf>> {
    let registry: Option<Registry> = load(&file_in(home), CAP)?;
    let entries = registry.unwrap_or_default().repositories.into_iter();
    Ok(entries.filter(|entry| entry.name == name).map(|entry| entry.path).collect())
}

/// The checkouts that wsm's registry knows by a name, in its order, those that exist; several are possible.
pub fn registry_repo(name: &str) -> WorkspaceResult<Vec<PathBuf>> {
    match find_home() {
        Some(home) => existing(&home, name),
        None => Ok(Vec::new()),
    }
}

fn existing(home: &Path, name: &str) -> WorkspaceResult<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> = Vec::new();
    for path in entries(home, name)? {
        let is_there = path.is_absolute() && path.is_dir();
        if is_there && !found.iter().any(|known| is_same_dir(known, &path)) {
            found.push(path);
        }
    }
    Ok(found)
}

/// Requires that wsm means this repository by this name. Of several entries of a name wsm takes the last one, without
/// a word; so that one decides, and a second repository of that name is an error.
pub(super) fn require_registered(home: &Path, name: &RepoName, repo: &Repository) -> WorkspaceResult<()> {
    let all = entries(home, name.as_str())?;
    let main = main_checkout(repo);
    let refuse = |why: String, mending: Vec<String>| {
        Err(WorkspaceError::NotRegistered { name: name.clone(), path: repo.dir().to_owned(), why, mending })
    };
    let discover = format!("wsm discover {}", quoted(&main.display().to_string()));
    let edit = format!("${{EDITOR:-vi}} {}", quoted(&file_in(home).display().to_string()));
    let Some(last) = all.last() else {
        return refuse("wsm's registry holds no repository of that name".to_owned(), vec![discover]);
    };
    let is_it = |path: &Path| {
        path.is_absolute()
            && Repository::discover(path)
                .is_ok_and(|r| r.is_some_and(|r| r.common_dir() == repo.common_dir()))
    };
    let others = existing(home, name.as_str())?;
    if let Some(other) = others.iter().find(|path| !is_it(path)) {
        let why = format!(
            "wsm's registry knows another repository by that name, {}, and wsm would take either",
            other.display()
        );
        return refuse(why, vec![edit]);
    }
    if !is_it(last) {
        let why = format!("wsm's registry says that it lies at {}, where nothing is", last.display());
        return refuse(why, vec![discover, edit]);
    }
    match Repository::discover(last)? {
        Some(found) if found.is_linked() => {
            let why = format!(
                "wsm's registry takes the linked worktree {} for it, which may go any time",
                last.display()
            );
            refuse(why, vec![discover, edit])
        }
        _ => Ok(()),
    }
}

/// Where the repository's own checkout lies, which is what wsm should know.
fn main_checkout(repo: &Repository) -> PathBuf {
    let first = repo.worktrees().ok().and_then(|all| all.into_iter().next());
    first.map_or_else(|| repo.dir().to_owned(), |main| main.path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::testing::Sandbox;
    use std::fs;

    fn registry(home: &Path, entries: &[(&str, &Path)]) {
        let entries: Vec<_> =
            entries.iter().map(|(name, path)| serde_json::json!({"name": name, "path": path})).collect();
        let text = serde_json::json!({"repositories": entries, "last_scan": "0001-01-01T00:00:00Z"});
        fs::write(file_in(home), text.to_string()).expect("write");
    }

    fn refusal(home: &Path, name: &str, repo: &Repository) -> (String, Vec<String>) {
        let name = RepoName::parse(name).expect("name");
        match require_registered(home, &name, repo).expect_err("refused") {
            WorkspaceError::NotRegistered { why, mending, .. } => (why, mending),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn the_registry_may_know_several_checkouts_by_one_name() {
        let home = tempfile::tempdir().expect("temp");
        assert!(existing(home.path(), "app").expect("look").is_empty());
        let at = |name: &str| home.path().join(name);
        for dir in ["one", "two"] {
            fs::create_dir(at(dir)).expect("mkdir");
        }
        let (one, two, gone) = (at("one"), at("two"), at("gone"));
        registry(home.path(), &[("app", &one), ("app", &two), ("app", &one), ("app", &gone)]);
        assert_eq!(existing(home.path(), "app").expect("look"), [one, two]);
        assert!(existing(home.path(), "other").expect("look").is_empty());
    }

    #[test]
    fn wsm_must_mean_the_very_repository_by_its_name() {
        let home = tempfile::tempdir().expect("temp");
        let (app, other) = (Sandbox::new(), Sandbox::new());
        let (repo, dir) = (app.repo(), app.dir());
        let name = RepoName::parse("app").expect("name");
        let (why, mending) = refusal(home.path(), "app", &repo);
        assert!(why.contains("holds no repository"), "{why}");
        assert_eq!(mending, [format!("wsm discover {}", dir.display())]);
        registry(home.path(), &[("app", &dir)]);
        require_registered(home.path(), &name, &repo).expect("known");
        registry(home.path(), &[("app", Path::new("/nowhere/app")), ("app", &dir)]);
        require_registered(home.path(), &name, &repo).expect("the last entry is what wsm takes");
        registry(home.path(), &[("app", &dir), ("app", Path::new("/nowhere/app"))]);
        assert!(refusal(home.path(), "app", &repo).0.contains("/nowhere/app, where nothing is"));
        registry(home.path(), &[("app", &other.dir()), ("app", &dir)]);
        assert!(refusal(home.path(), "app", &repo).0.contains("another repository by that name"));
        let linked = app.worktree("linked", "linked");
        registry(home.path(), &[("app", &linked)]);
        assert!(refusal(home.path(), "app", &repo).0.contains("linked worktree"));
    }

    #[test]
    fn a_registry_of_ten_thousand_repositories_is_read_and_a_broken_one_named() {
        let home = tempfile::tempdir().expect("temp");
        let app = Sandbox::new();
        let branches: Vec<_> = (0..40).map(|n| format!("feature/some-branch-{n}")).collect();
        let mut all: Vec<_> = (0..10_000)
            .map(|n| serde_json::json!({"name": format!("r{n}"), "path": format!("/src/r{n}"), "branches": branches}))
            .collect();
        all.push(serde_json::json!({"name": "app", "path": app.dir()}));
        fs::write(file_in(home.path()), serde_json::json!({"repositories": all}).to_string()).expect("write");
        let name = RepoName::parse("app").expect("name");
        require_registered(home.path(), &name, &app.repo()).expect("known");
        fs::write(file_in(home.path()), "{ not json").expect("write");
        let error = require_registered(home.path(), &name, &app.repo()).expect_err("broken");
        assert!(error.to_string().contains("registry.json could not be understood"), "{error}");
    }
}
