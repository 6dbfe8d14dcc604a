//! What a workspace says about itself: `<workspace>/.metawsm/context.json` and `brief.md`.

use super::{WorkspaceError, WorkspaceResult};
use crate::model::{RepoName, RunId, TicketId, WorkspaceName};
use crate::sys::files;
use serde::{Deserialize, Serialize};
use std::path::{Component, Path, PathBuf};

/// Our directory in a workspace.
pub const OWN_DIR: &str = ".metawsm";
pub(super) const CONTEXT_FILE: &str = "context.json";
pub(super) const BRIEF_FILE: &str = "brief.md";
const SCHEMA: u32 = 1;
const CAP: u64 = 64 * 1024;

/// Which run a workspace belongs to. Agents can write it, so it is a hint: the run's record has the last word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// The version of this shape; [`Context::new`] sets it.
    pub schema: u32,
    /// The control repository: its worktree, or the bare repository; absolute.
    pub root: PathBuf,
    /// The run.
    pub run: RunId,
    /// The ticket.
    pub ticket: TicketId,
    /// The workspace's name.
    pub workspace: WorkspaceName,
    /// The repositories, each a directory of the workspace.
    pub repos: Vec<RepoName>,
    /// The repository whose worktree also has a place for signals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doc_home: Option<RepoName>,
    /// The brief that the result is validated against, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brief_id: Option<String>,
}

impl Context {
    /// A context of the present shape.
    pub fn new(
        root: PathBuf,
        run: RunId,
        ticket: TicketId,
        workspace: WorkspaceName,
        repos: Vec<RepoName>,
    ) -> Self {
        Self { schema: SCHEMA, root, run, ticket, workspace, repos, doc_home: None, brief_id: None }
    }

    /// With what an agent needs to know to speak: see [`Context::doc_home`] and [`Context::brief_id`].
    #[must_use]
    pub fn speaking(self, doc_home: RepoName, brief_id: Option<String>) -> Self {
        Self { doc_home: Some(doc_home), brief_id, ..self }
    }
}

/// A context and the workspace it was found in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundContext {
    /// The workspace's directory.
    pub dir: PathBuf,
    /// What it says.
    pub context: Context,
}

/// Writes the context of a workspace, whole.
pub fn save_context(workspace: &Path, context: &Context) -> WorkspaceResult<()> {
    let path = workspace.join(OWN_DIR).join(CONTEXT_FILE);
    let mut text = serde_json::to_string_pretty(context)
        .map_err(|source| WorkspaceError::Malformed { path: path.clone(), source })?;
    text.push('\n');
    require_own_dir(workspace)?;
    Ok(files::write_atomic(&path, text.as_bytes())?)
}

/// Writes the brief of a workspace, `<workspace>/.metawsm/brief.md`, whole; of one agent of several
/// `brief-<agent>.md`.
pub fn save_brief(workspace: &Path, agent: Option<&str>, text: &str) -> WorkspaceResult<()> {
    require_own_dir(workspace)?;
    let name = agent.map_or(BRIEF_FILE.to_owned(), |agent| format!("brief-{agent}.md"));
    Ok(files::write_atomic(&workspace.join(OWN_DIR).join(name), text.as_bytes())?)
}

/// A link in place of `.metawsm` would lead our files elsewhere.
fn require_own_dir(workspace: &Path) -> WorkspaceResult<()> {
    let path = workspace.join(OWN_DIR);
    match path.symlink_metadata() {
        Ok(meta) if !meta.is_dir() => {
            let why = "it is not a directory, and our files belong into one".to_owned();
            Err(WorkspaceError::Occupied { path, why })
        }
        _ => Ok(()),
    }
}

/// The nearest workspace above a directory (or the directory itself). A context inside a repository does not
/// count: whoever commits there could name any control repository.
pub fn find_context(cwd: &Path) -> WorkspaceResult<Option<FoundContext>> {
    let mut nearest: Option<FoundContext> = None;
    for dir in cwd.ancestors() {
        let Some(context) = context_in(dir)? else { continue };
        match &nearest {
            // What we found before lies in a worktree of this workspace.
            Some(found) if !holds(dir, &context, &found.dir) => {}
            _ => nearest = Some(FoundContext { dir: dir.to_owned(), context }),
        }
    }
    Ok(nearest)
}

fn holds(workspace: &Path, context: &Context, inner: &Path) -> bool {
    let first = inner.strip_prefix(workspace).ok().and_then(|rest| rest.components().next());
    let first = first.map(Component::as_os_str);
    context.repos.iter().any(|repo| first.is_some_and(|part| part == repo.as_str()))
}

fn context_in(dir: &Path) -> WorkspaceResult<Option<Context>> {
    let own = dir.join(OWN_DIR);
    let is_dir = own.symlink_metadata().is_ok_and(|meta| meta.is_dir());
    if !is_dir || dir.join(".git").symlink_metadata().is_ok() {
        return Ok(None);
    }
    let path = own.join(CONTEXT_FILE);
    let Some(bytes) = files::find_foreign(&path, CAP)? else { return Ok(None) };
    let malformed = |source| WorkspaceError::Malformed { path: path.clone(), source };
    let any: serde_json::Value = serde_json::from_slice(&bytes).map_err(malformed)?;
    let schema = any.get("schema").and_then(serde_json::Value::as_u64).unwrap_or_default();
    if schema > u64::from(SCHEMA) {
        let found = u32::try_from(schema).unwrap_or(u32::MAX);
        return Err(WorkspaceError::Newer { path, found, known: SCHEMA });
    }
    let context: Context = serde_json::from_value(any).map_err(malformed)?;
    // A moved or copied workspace is not the one that the run knows.
    let is_here = dir.file_name().is_some_and(|name| name == context.workspace.as_str());
    Ok(is_here.then_some(context))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn context(workspace: &str) -> Context {
        Context::new(
            PathBuf::from("/home/me/app"),
            RunId::parse("run-20250101-000000-abcd").expect("run"),
            TicketId::parse("T-1").expect("ticket"),
            WorkspaceName::parse(workspace).expect("workspace"),
            vec![RepoName::parse("app").expect("repo")],
        )
    }

    #[test]
    fn the_nearest_workspace_above_is_found() {
        let root = tempfile::tempdir().expect("temp");
        let dir = root.path().join("2025-01-01/t-1");
        save_context(&dir, &context("t-1")).expect("save");
        let deep = dir.join("app/src/deep");
        fs::create_dir_all(&deep).expect("mkdir");
        for cwd in [&dir, &deep] {
            let found = find_context(cwd).expect("look").expect("found");
            assert_eq!((found.dir.as_path(), &found.context), (dir.as_path(), &context("t-1")));
        }
        assert_eq!(find_context(root.path()).expect("look"), None);
        let text = fs::read_to_string(dir.join(".metawsm/context.json")).expect("read");
        assert!(text.starts_with("{\n  \"schema\": 1,\n  \"root\": ") && text.ends_with("}\n"), "{text}");
    }

    #[test]
    fn a_context_inside_a_repository_does_not_count() {
        let root = tempfile::tempdir().expect("temp");
        let dir = root.path().join("2025-01-01/t-1");
        save_context(&dir, &context("t-1")).expect("save");
        let repo = dir.join("app");
        let inner = repo.join("sub");
        fs::create_dir_all(&inner).expect("mkdir");
        fs::write(repo.join(".git"), "gitdir: x").expect("write");
        save_context(&repo, &context("app")).expect("save");
        save_context(&inner, &context("sub")).expect("save");
        assert_eq!(find_context(&inner).expect("look").expect("found").dir, dir);
    }

    #[test]
    fn a_hostile_context_is_an_error_and_never_followed() {
        let root = tempfile::tempdir().expect("temp");
        let dir = root.path().join("t-1");
        let path = dir.join(".metawsm/context.json");
        fs::create_dir_all(dir.join(".metawsm")).expect("mkdir");
        fs::write(&path, "{\"schema\": 9}").expect("write");
        assert!(matches!(find_context(&dir), Err(WorkspaceError::Newer { found: 9, .. })));
        fs::write(&path, vec![b' '; 70_000]).expect("write");
        assert!(find_context(&dir).is_err());
        fs::write(&path, "{").expect("write");
        assert!(matches!(find_context(&dir), Err(WorkspaceError::Malformed { .. })));
        fs::remove_file(&path).expect("remove");
        std::os::unix::fs::symlink("/etc/passwd", &path).expect("link");
        assert!(find_context(&dir).is_err());
    }

    #[test]
    fn our_files_are_not_led_elsewhere_by_a_link() {
        let root = tempfile::tempdir().expect("temp");
        let outside = root.path().join("outside");
        let dir = root.path().join("t-1");
        fs::create_dir_all(&outside).expect("mkdir");
        fs::create_dir_all(&dir).expect("mkdir");
        std::os::unix::fs::symlink(&outside, dir.join(".metawsm")).expect("link");
        assert!(save_brief(&dir, None, "x").is_err());
        assert!(save_context(&dir, &context("t-1")).is_err());
        assert_eq!(files::names_in(&outside).expect("list"), Vec::<String>::new());
    }
}
