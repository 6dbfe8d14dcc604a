//! The JSON files through which wsm sees our workspaces, and we see wsm's:
//! `<config>/workspace-manager/workspaces/<name>.json` (all generations of wsm share them).

use super::{WorkspaceError, WorkspaceResult};
use crate::model::{WorkspaceName, check_name, plain_line, title_of};
use crate::sys::{SysError, env, files};
use serde::{Deserialize, Deserializer, Serialize};
use std::path::{Component, Path, PathBuf};

const CAP: u64 = 4 * 1024 * 1024;

/// A workspace as wsm writes it down. Field order is the order in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WsmWorkspace {
    /// The name; also the file's stem.
    pub name: String,
    /// The workspace's directory, absolute, without a slash at its end.
    pub path: PathBuf,
    /// Its repositories, each a directory of that name under [`WsmWorkspace::path`].
    #[serde(default, deserialize_with = "or_default")]
    pub repositories: Vec<WsmRepo>,
    /// The branch, the same in every repository, without `refs/heads/`.
    #[serde(default)]
    pub branch: String,
    /// The base as a bare branch name: wsm checks it out and pulls it, which `origin/x` would break.
    #[serde(default)]
    pub base_branch: String,
    /// When it was made, RFC 3339.
    #[serde(default = "zero_time")]
    pub created: String,
    /// Whether a `go.work` lies in it.
    #[serde(default)]
    pub go_workspace: bool,
    /// Where its AGENT.md came from; empty for none.
    #[serde(default)]
    pub agent_md: String,
}

/// A repository as wsm writes it down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WsmRepo {
    /// The name.
    pub name: String,
    /// A checkout of it, not the workspace's own.
    pub path: PathBuf,
    /// The address of its remote.
    #[serde(default)]
    pub remote_url: String,
    /// What the checkout is on.
    #[serde(default)]
    pub current_branch: String,
    /// Branches; wsm shows them, nothing depends on them.
    #[serde(default, deserialize_with = "or_default")]
    pub branches: Vec<String>,
    /// Tags.
    #[serde(default, deserialize_with = "or_default")]
    pub tags: Vec<String>,
    /// `<commit> <subject>`.
    #[serde(default)]
    pub last_commit: String,
    /// When wsm last looked, RFC 3339.
    #[serde(default = "zero_time")]
    pub last_updated: String,
    /// Kinds of project, such as `go`.
    #[serde(default, deserialize_with = "or_default")]
    pub categories: Vec<String>,
    /// Its own base, which newer generations of wsm write down; empty for the workspace's.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub base_branch: String,
}

impl WsmRepo {
    /// A repository of which only the name and the checkout are told.
    pub fn new(name: &str, path: &Path) -> Self {
        Self {
            name: name.to_owned(),
            path: path.to_owned(),
            remote_url: String::new(),
            current_branch: String::new(),
            branches: Vec::new(),
            tags: Vec::new(),
            last_commit: String::new(),
            last_updated: zero_time(),
            categories: Vec::new(),
            base_branch: String::new(),
        }
    }
}

impl WsmWorkspace {
    /// A workspace of ours, made now; `base` may be given with its remote or as a ref and is cut to the branch.
    pub fn new(name: &WorkspaceName, path: &Path, branch: &str, base: &str, repos: Vec<WsmRepo>) -> Self {
        Self {
            name: name.as_str().to_owned(),
            path: path.components().collect(),
            repositories: repos,
            branch: branch.to_owned(),
            base_branch: bare_branch(base).to_owned(),
            created: crate::sys::clock::now().to_string(),
            go_workspace: path.join("go.work").is_file(),
            agent_md: String::new(),
        }
    }
}

/// Go writes an empty list as `null`.
pub(super) fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    from: D,
) -> Result<T, D::Error> {
    Option::<T>::deserialize(from).map(Option::unwrap_or_default)
}

/// Go's zero time.
fn zero_time() -> String {
    "0001-01-01T00:00:00Z".to_owned()
}

fn bare_branch(base: &str) -> &str {
    ["refs/heads/", "refs/remotes/origin/", "origin/"]
        .iter()
        .find_map(|prefix| base.strip_prefix(prefix))
        .unwrap_or(base)
}

/// Writes wsm's file of a workspace. A file that names another directory is never overwritten: then the name is
/// taken. What stands there for this directory keeps its time of making.
pub fn save_wsm_file(workspace: &WsmWorkspace) -> WorkspaceResult<()> {
    save_in(&home()?, workspace)
}

/// Removes wsm's file of a workspace if it names the directory `expected`; `false` where there is none or it
/// names another, which stays.
pub fn remove_wsm_file(name: &str, expected: &Path) -> WorkspaceResult<bool> {
    match find_home() {
        Some(home) => remove_in(&home, name, expected),
        None => Ok(false),
    }
}

/// The workspace that wsm knows by a name.
pub fn find_wsm_workspace(name: &str) -> WorkspaceResult<Option<WsmWorkspace>> {
    match find_home() {
        Some(home) => find_in(&home, name),
        None => Ok(None),
    }
}

/// Whether [`save_wsm_file`] may take a name for a directory: wsm does not know it, or by this directory.
pub fn wsm_file_is_free(name: &str, dir: &Path) -> WorkspaceResult<bool> {
    let Some(home) = find_home() else { return Ok(true) };
    Ok(find_in(&home, name)?.is_none_or(|known| is_same_dir(&known.path, dir)))
}

/// Whether wsm has a file of that name, whatever stands in it.
pub(super) fn is_known(name: &str) -> WorkspaceResult<bool> {
    match find_home() {
        Some(home) => Ok(file_of(&home, name)?.symlink_metadata().is_ok()),
        None => Ok(false),
    }
}

/// wsm's own directory of configuration.
pub(super) fn find_home() -> Option<PathBuf> {
    let apple = || env::home().map(|home| home.join("Library/Application Support"));
    let dir = if cfg!(target_os = "macos") { apple() } else { env::config_dir() };
    dir.map(|dir| dir.join("workspace-manager"))
}

fn home() -> WorkspaceResult<PathBuf> {
    find_home().ok_or(WorkspaceError::NoConfigDir)
}

/// wsm joins names unchecked; we do not.
fn file_of(home: &Path, name: &str) -> WorkspaceResult<PathBuf> {
    check_name("workspace", name)?;
    Ok(home.join("workspaces").join(format!("{name}.json")))
}

pub(super) fn is_same_dir(one: &Path, other: &Path) -> bool {
    one == other || files::real_path(one) == files::real_path(other)
}

pub(super) fn load<T: for<'de> Deserialize<'de>>(path: &Path, cap: u64) -> WorkspaceResult<Option<T>> {
    // People keep their configuration behind links; their own is followed, as wsm does.
    let Some(bytes) = files::find_foreign(&files::real_path(path), cap)? else { return Ok(None) };
    let parsed = serde_json::from_slice(&bytes);
    parsed.map(Some).map_err(|source| WorkspaceError::Malformed { path: path.to_owned(), source })
}

/// As [`find_wsm_workspace`], with wsm's own directory of configuration given.
pub(super) fn find_in(home: &Path, name: &str) -> WorkspaceResult<Option<WsmWorkspace>> {
    load(&file_of(home, name)?, CAP)
}

/// The workspace that wsm knows by a name, if what its file says can be gone by: the same name, and an absolute
/// directory.
pub fn find_usable_wsm_workspace(name: &str) -> WorkspaceResult<Option<WsmWorkspace>> {
    match find_home() {
        Some(home) => usable_in(&home, name),
        None => Ok(None),
    }
}

pub(super) fn usable_in(home: &Path, name: &str) -> WorkspaceResult<Option<WsmWorkspace>> {
    let Some(found) = find_in(home, name)? else { return Ok(None) };
    let odd = |why: String| Err(WorkspaceError::OddWsmFile { path: file_of(home, name)?, why });
    if found.name != name {
        return odd(format!(
            "it is of a workspace that is called '{}'",
            title_of(&plain_line(&found.name), 80)
        ));
    }
    let dots = found.path.components().any(|part| matches!(part, Component::ParentDir | Component::CurDir));
    if !found.path.is_absolute() || dots {
        let path = plain_line(&found.path.to_string_lossy());
        return odd(format!(
            "the directory that it names, '{}', is not an absolute path without dots",
            title_of(&path, 200)
        ));
    }
    Ok(Some(found))
}

/// As [`save_wsm_file`], with wsm's own directory of configuration (`<config>/workspace-manager`) given.
pub fn save_in(home: &Path, workspace: &WsmWorkspace) -> WorkspaceResult<()> {
    let path = file_of(home, &workspace.name)?;
    let mut workspace = workspace.clone();
    if let Some(known) = find_in(home, &workspace.name)? {
        if !is_same_dir(&known.path, &workspace.path) {
            return Err(WorkspaceError::WsmNameTaken {
                name: workspace.name,
                path: known.path,
                wanted: workspace.path,
            });
        }
        workspace.created = known.created;
    }
    let malformed = |source| WorkspaceError::Malformed { path: path.clone(), source };
    let text = serde_json::to_string_pretty(&workspace).map_err(malformed)?;
    Ok(files::write_atomic(&files::real_path(&path), text.as_bytes())?)
}

pub(super) fn remove_in(home: &Path, name: &str, expected: &Path) -> WorkspaceResult<bool> {
    let path = file_of(home, name)?;
    match find_in(home, name) {
        Ok(Some(known)) if is_same_dir(&known.path, expected) => {
            files::remove_durable(&path)?;
            Ok(true)
        }
        // What we cannot read is not what we wrote.
        Ok(_) | Err(WorkspaceError::Malformed { .. } | WorkspaceError::Sys(SysError::Foreign { .. })) => {
            Ok(false)
        }
        Err(e) => Err(e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn workspace(name: &str, path: &Path) -> WsmWorkspace {
        let name = WorkspaceName::parse(name).expect("name");
        let repos = vec![WsmRepo::new("app", Path::new("/src/app"))];
        WsmWorkspace::new(&name, path, "task/t-1", "refs/remotes/origin/main", repos)
    }

    #[test]
    fn the_file_has_the_shape_that_wsm_reads() {
        let home = tempfile::tempdir().expect("temp");
        let mut ours = workspace("t-1", Path::new("/ws/2025-01-01/t-1/"));
        ours.created = "2025-01-01T10:00:00Z".to_owned();
        save_in(home.path(), &ours).expect("save");
        let text = fs::read_to_string(home.path().join("workspaces/t-1.json")).expect("read");
        let expected = r#"{
  "name": "t-1",
  "path": "/ws/2025-01-01/t-1",
  "repositories": [
    {
      "name": "app",
      "path": "/src/app",
      "remote_url": "",
      "current_branch": "",
      "branches": [],
      "tags": [],
      "last_commit": "",
      "last_updated": "0001-01-01T00:00:00Z",
      "categories": []
    }
  ],
  "branch": "task/t-1",
  "base_branch": "main",
  "created": "2025-01-01T10:00:00Z",
  "go_workspace": false,
  "agent_md": ""
}"#;
        assert_eq!(text, expected);
        let found = find_in(home.path(), "t-1").expect("look").expect("found");
        assert_eq!(found, ours);
    }

    #[test]
    fn a_file_that_names_another_directory_is_neither_overwritten_nor_removed() {
        let home = tempfile::tempdir().expect("temp");
        let (theirs, ours) = (Path::new("/theirs/t-1"), Path::new("/ours/t-1"));
        save_in(home.path(), &workspace("t-1", theirs)).expect("save");
        let file = home.path().join("workspaces/t-1.json");
        let before = fs::read(&file).expect("read");
        let error = save_in(home.path(), &workspace("t-1", ours)).expect_err("taken");
        assert!(matches!(error, WorkspaceError::WsmNameTaken { .. }), "{error}");
        assert!(!remove_in(home.path(), "t-1", ours).expect("remove"));
        assert_eq!(fs::read(&file).expect("read"), before);
        assert!(remove_in(home.path(), "t-1", theirs).expect("remove"));
        assert!(!remove_in(home.path(), "t-1", theirs).expect("remove again"));
        assert!(!file.exists());
    }

    #[test]
    fn a_file_that_is_not_understood_stays() {
        let home = tempfile::tempdir().expect("temp");
        let file = home.path().join("workspaces/t-1.json");
        fs::create_dir_all(file.parent().expect("parent")).expect("mkdir");
        fs::write(&file, "{ not json").expect("write");
        assert!(save_in(home.path(), &workspace("t-1", Path::new("/x/t-1"))).is_err());
        assert!(!remove_in(home.path(), "t-1", Path::new("/x/t-1")).expect("remove"));
        assert_eq!(fs::read_to_string(&file).expect("read"), "{ not json");
    }

    #[test]
    fn what_go_writes_is_read() {
        let home = tempfile::tempdir().expect("temp");
        let file = home.path().join("workspaces/t.json");
        fs::create_dir_all(file.parent().expect("parent")).expect("mkdir");
        let text = r#"{"name":"t","path":"/w/t","repositories":[{"name":"a","path":"/src/a","remote_url":"",
            "current_branch":"main","branches":null,"tags":null,"last_commit":"","default_base_branch":"main",
            "last_updated":"2025-06-20T11:02:03.123456789+02:00","categories":null}],"branch":"task/t",
            "base_branch":"","created":"2025-06-20T11:02:03.123456789+02:00","go_workspace":true,"agent_md":""}"#;
        fs::write(&file, text).expect("write");
        let found = find_in(home.path(), "t").expect("look").expect("found");
        assert_eq!((found.branch.as_str(), found.repositories[0].branches.len()), ("task/t", 0));
        assert!(find_in(home.path(), "../t").is_err());
        assert_eq!(find_in(home.path(), "none").expect("look"), None);
    }
}
