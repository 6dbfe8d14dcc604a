//! `<workspace>/.wsm/wsm.json`, where newer generations of wsm look a workspace up, and the files that we place in a
//! workspace for people and tools: `AGENT.md`, `.wsm/setup.sh`, `.wsm/setup.d/*`.

use super::wsm_file::WsmWorkspace;
use super::{WorkspaceError, WorkspaceResult};
use crate::model::content_hash;
use crate::sys::files;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// wsm's directory in a workspace.
pub(super) const DIR: &str = ".wsm";
const FILE: &str = "wsm.json";
/// The notes for agents at the top of a workspace.
pub const AGENT_FILE: &str = "AGENT.md";
const CAP: u64 = 1024 * 1024;
/// No file that we place is larger.
const PLACED_CAP: u64 = 1024 * 1024;

/// Field order is the order in the file, the names are wsm's.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    name: &'a str,
    path: &'a Path,
    branch: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    base_branch: &'a str,
    go_workspace: bool,
    #[serde(rename = "agentMD", skip_serializing_if = "str::is_empty")]
    agent_md: &'a str,
    created_at: &'a str,
    repositories: Vec<MetadataRepo<'a>>,
    environment: BTreeMap<String, String>,
    metawsm: &'a Ours,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct MetadataRepo<'a> {
    name: &'a str,
    path: &'a Path,
    categories: &'a [String],
    worktree_path: std::path::PathBuf,
}

/// What we add for ourselves; wsm passes over it.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Ours {
    /// The files that we placed, from the top of the workspace, each with the hash of what it held then.
    #[serde(default)]
    placed: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
struct Read {
    #[serde(default)]
    metawsm: Option<Ours>,
}

fn find(workspace: &Path) -> WorkspaceResult<Option<Read>> {
    let path = workspace.join(DIR).join(FILE);
    if !is_own_dir(workspace) {
        return Ok(None);
    }
    let Some(bytes) = files::find_foreign(&path, CAP)? else { return Ok(None) };
    // Whoever works there can write it: what is not understood is not ours.
    Ok(Some(serde_json::from_slice(&bytes).unwrap_or_default()))
}

/// A link in place of `.wsm` would lead our files elsewhere.
fn is_own_dir(workspace: &Path) -> bool {
    workspace.join(DIR).symlink_metadata().is_ok_and(|meta| meta.is_dir())
}

/// Whether wsm itself wrote the metadata of this workspace; it does so right before it runs the set-up scripts.
pub fn is_set_up_by_wsm(workspace: &Path) -> WorkspaceResult<bool> {
    Ok(find(workspace)?.is_some_and(|read| read.metawsm.is_none()))
}

/// What wsm tells set-up scripts of a workspace.
pub fn script_environment(workspace: &WsmWorkspace) -> Vec<(String, String)> {
    let repos: Vec<_> = workspace.repositories.iter().map(|repo| repo.name.as_str()).collect();
    let mut found = vec![
        ("WSM_WORKSPACE_NAME".to_owned(), workspace.name.clone()),
        ("WSM_WORKSPACE_PATH".to_owned(), workspace.path.display().to_string()),
        ("WSM_WORKSPACE_BRANCH".to_owned(), workspace.branch.clone()),
        ("WSM_WORKSPACE_REPOS".to_owned(), repos.join(",")),
    ];
    if !workspace.base_branch.is_empty() {
        found.push(("WSM_WORKSPACE_BASE_BRANCH".to_owned(), workspace.base_branch.clone()));
    }
    found
}

/// Writes the metadata of a workspace of ours, with the files that were placed in it. One that wsm wrote stays.
pub fn save_metadata(workspace: &WsmWorkspace) -> WorkspaceResult<()> {
    save(workspace, &placed(&workspace.path)?)
}

fn save(workspace: &WsmWorkspace, ours: &Ours) -> WorkspaceResult<()> {
    let top = &workspace.path;
    if is_set_up_by_wsm(top)? {
        return Ok(());
    }
    let path = top.join(DIR).join(FILE);
    let repo = |repo: &'_ super::WsmRepo| top.join(&repo.name);
    let metadata = Metadata {
        name: &workspace.name,
        path: top,
        branch: &workspace.branch,
        base_branch: &workspace.base_branch,
        go_workspace: workspace.go_workspace,
        agent_md: &workspace.agent_md,
        created_at: &workspace.created,
        repositories: workspace
            .repositories
            .iter()
            .map(|r| MetadataRepo {
                name: &r.name,
                path: &r.path,
                categories: &r.categories,
                worktree_path: repo(r),
            })
            .collect(),
        environment: script_environment(workspace).into_iter().collect(),
        metawsm: ours,
    };
    let malformed = |source| WorkspaceError::Malformed { path: path.clone(), source };
    let text = serde_json::to_string_pretty(&metadata).map_err(malformed)?;
    require_dirs(top, DIR)?;
    Ok(files::write_atomic(&path, text.as_bytes())?)
}

fn placed(workspace: &Path) -> WorkspaceResult<Ours> {
    Ok(find(workspace)?.and_then(|read| read.metawsm).unwrap_or_default())
}

/// The places below a workspace that are ours to write: no word of somebody else leads out of it.
fn is_placeable(name: &str) -> bool {
    let script = |name: &str| !name.is_empty() && !name.contains('/') && !name.starts_with('.');
    name == AGENT_FILE || name == ".wsm/setup.sh" || name.strip_prefix(".wsm/setup.d/").is_some_and(script)
}

fn require_dirs(workspace: &Path, dir: &str) -> WorkspaceResult<()> {
    let mut at = workspace.to_owned();
    for part in dir.split('/') {
        at.push(part);
        if at.symlink_metadata().is_ok_and(|meta| !meta.is_dir()) {
            let why = "it is not a directory, and our files belong into one".to_owned();
            return Err(WorkspaceError::Occupied { path: at, why });
        }
    }
    Ok(files::ensure_dir(&at)?)
}

/// Places a file in a workspace where nothing is yet, and notes it down in the metadata first: a kill in between
/// leaves a note of a file that is not there. Says whether the file stands there with these bytes.
pub fn place_file(workspace: &WsmWorkspace, name: &str, bytes: &[u8]) -> WorkspaceResult<bool> {
    let path = workspace.path.join(name);
    if !is_placeable(name) || bytes.len() as u64 > PLACED_CAP {
        return Ok(false);
    }
    if path.symlink_metadata().is_ok() {
        return Ok(files::find_foreign(&path, PLACED_CAP).ok().flatten().is_some_and(|found| found == bytes));
    }
    let mut ours = placed(&workspace.path)?;
    ours.placed.insert(name.to_owned(), content_hash(bytes));
    save(workspace, &ours)?;
    if let Some((dir, _)) = name.rsplit_once('/') {
        require_dirs(&workspace.path, dir)?;
    }
    files::write_atomic_mode(&path, bytes, if name == AGENT_FILE { 0o644 } else { 0o755 })?;
    Ok(true)
}

/// Removes what we placed and nobody has changed since, the metadata, and the directories that are empty then. What
/// was changed, and what we did not place, stays.
pub(super) fn remove_placed(workspace: &Path) -> WorkspaceResult<()> {
    for (name, hash) in placed(workspace).unwrap_or_default().placed {
        let path = workspace.join(&name);
        let is_below = !name.starts_with(DIR) || is_own_dir(workspace);
        let same = || {
            files::find_foreign(&path, PLACED_CAP).ok().flatten().is_some_and(|b| content_hash(&b) == hash)
        };
        if is_placeable(&name) && is_below && is_below_dirs(workspace, &name) && same() {
            files::remove_durable(&path)?;
        }
    }
    if !is_own_dir(workspace) {
        return Ok(());
    }
    let dir = workspace.join(DIR);
    let is_file = dir.join(FILE).symlink_metadata().is_ok_and(|meta| meta.is_file());
    if is_file {
        files::remove_durable(&dir.join(FILE))?;
    }
    // Only where nothing is left in them.
    for dir in [dir.join("setup.d"), dir] {
        let _ = std::fs::remove_dir(dir);
    }
    Ok(())
}

fn is_below_dirs(workspace: &Path, name: &str) -> bool {
    let Some((dirs, _)) = name.rsplit_once('/') else { return true };
    let mut at = workspace.to_owned();
    dirs.split('/').all(|part| {
        at.push(part);
        at.symlink_metadata().is_ok_and(|meta| meta.is_dir())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::WorkspaceName;
    use crate::workspaces::WsmRepo;
    use std::fs;

    fn workspace(dir: &Path) -> WsmWorkspace {
        let name = WorkspaceName::parse("t-1").expect("name");
        let mut made = WsmWorkspace::new(
            &name,
            dir,
            "task/t-1",
            "main",
            vec![WsmRepo::new("app", Path::new("/src/app")), WsmRepo::new("lib", Path::new("/src/lib"))],
        );
        made.created = "2025-01-01T10:00:00Z".to_owned();
        made
    }

    #[test]
    fn the_metadata_has_the_shape_that_newer_wsm_writes() {
        let dir = tempfile::tempdir().expect("temp");
        save_metadata(&workspace(dir.path())).expect("saved");
        let text = fs::read_to_string(dir.path().join(".wsm/wsm.json")).expect("read");
        let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let top = dir.path().display().to_string();
        assert_eq!(json["baseBranch"], "main");
        assert_eq!((&json["goWorkspace"], &json["agentMD"]), (&false.into(), &serde_json::Value::Null));
        assert_eq!(json["repositories"][1]["worktreePath"], format!("{top}/lib"));
        assert_eq!(json["repositories"][1]["categories"], serde_json::json!([]));
        assert_eq!(json["environment"]["WSM_WORKSPACE_REPOS"], "app,lib");
        assert_eq!(json["environment"]["WSM_WORKSPACE_PATH"], top);
        assert!(!is_set_up_by_wsm(dir.path()).expect("look"));
        remove_placed(dir.path()).expect("removed");
        assert!(!dir.path().join(".wsm").exists());
    }

    #[test]
    fn metadata_of_wsm_itself_stays_as_it_is() {
        let dir = tempfile::tempdir().expect("temp");
        fs::create_dir(dir.path().join(".wsm")).expect("mkdir");
        let file = dir.path().join(".wsm/wsm.json");
        fs::write(&file, "{\"name\":\"t-1\"}").expect("write");
        assert!(is_set_up_by_wsm(dir.path()).expect("look"));
        save_metadata(&workspace(dir.path())).expect("left alone");
        assert_eq!(fs::read_to_string(&file).expect("read"), "{\"name\":\"t-1\"}");
    }

    #[test]
    fn a_placed_file_goes_with_the_workspace_unless_somebody_changed_it() {
        for changed in [false, true] {
            let dir = tempfile::tempdir().expect("temp");
            let made = workspace(dir.path());
            for name in [AGENT_FILE, ".wsm/setup.sh", ".wsm/setup.d/10-x"] {
                assert!(place_file(&made, name, b"placed\n").expect("placed"), "{name}");
                assert!(place_file(&made, name, b"placed\n").expect("again"), "{name}");
                assert!(!place_file(&made, name, b"other\n").expect("never over"), "{name}");
            }
            if changed {
                fs::write(dir.path().join(AGENT_FILE), "mine\n").expect("write");
                fs::write(dir.path().join(".wsm/tmux.conf"), "mine\n").expect("write");
            }
            remove_placed(dir.path()).expect("removed");
            let left = files::names_in(dir.path()).expect("list");
            let kept: &[&str] = if changed { &[".wsm", AGENT_FILE] } else { &[] };
            assert_eq!(left, kept);
        }
    }

    #[test]
    fn nothing_is_placed_or_removed_outside_of_the_workspace() {
        let dir = tempfile::tempdir().expect("temp");
        let (top, outside) = (dir.path().join("t-1"), dir.path().join("outside"));
        fs::create_dir_all(&top).expect("mkdir");
        fs::create_dir_all(&outside).expect("mkdir");
        fs::write(outside.join("setup.sh"), "theirs").expect("write");
        let made = workspace(&top);
        for name in ["../outside/x", "app/x", ".wsm/setup.d/../../x", ".wsm/wsm.json"] {
            assert!(!place_file(&made, name, b"x").expect("refused"), "{name}");
        }
        std::os::unix::fs::symlink(&outside, top.join(".wsm")).expect("link");
        assert!(place_file(&made, ".wsm/setup.sh", b"theirs").is_ok_and(|stands| stands));
        assert!(save_metadata(&made).is_err() && place_file(&made, AGENT_FILE, b"x").is_err());
        remove_placed(&top).expect("nothing to do");
        assert!(outside.join("setup.sh").exists() && !outside.join("wsm.json").exists());
    }
}
