//! What a new workspace gets beside its worktrees: `go.work`, `AGENT.md`, wsm's files, and what its set-up scripts
//! make of it. A workspace that is reused gets nothing of this.

use super::steps::{Work, open_repo};
use super::{ServiceResult, agents, base, provision, setup_scripts};
use crate::git::Repository;
use crate::model::RepoName;
use crate::workspaces::{self, AGENT_FILE, Provider, Script, WsmWorkspace};
use std::path::Path;

/// Larger notes are no notes.
const MOST_NOTES: usize = 1 << 20;

/// Furnishes the workspace of a step, and gives what a person should know. Safe to repeat; what somebody changed in
/// between stays.
pub(super) fn furnish(work: &Work<'_>, workspace: &Path) -> ServiceResult<Vec<String>> {
    let (_, ticket) = work.ticket()?;
    let repos: Vec<RepoName> = work.run.worktrees_for(&ticket.id).map(|tree| tree.repo.clone()).collect();
    let by_wsm = provision::provider_of(&work.run)? == Provider::Wsm;
    workspaces::ensure_go_work(workspace, &repos)?;
    let mut file = wsm_file(work, workspace)?;
    if let Some((source, bytes)) = agent_notes(work)?
        && workspaces::place_file(&file, AGENT_FILE, &bytes)?
    {
        file.agent_md = source;
    }
    // What wsm wrote itself says more than we know.
    if !by_wsm || workspaces::find_wsm_workspace(ticket.workspace.as_str())?.is_none() {
        workspaces::save_wsm_file(&file)?;
    }
    if by_wsm && workspaces::is_set_up_by_wsm(workspace)? {
        return Ok(Vec::new());
    }
    workspaces::save_metadata(&file)?;
    set_up(work, &file)
}

/// The file through which wsm sees a workspace.
fn wsm_file(work: &Work<'_>, workspace: &Path) -> ServiceResult<WsmWorkspace> {
    let (_, ticket) = work.ticket()?;
    let mut repos = Vec::new();
    for tree in work.run.worktrees_for(&work.step.ticket) {
        let repo = open_repo(&work.run, &tree.repo)?;
        let mut entry = workspaces::WsmRepo::new(tree.repo.as_str(), repo.dir());
        entry.remote_url = repo.config("remote.origin.url")?.unwrap_or_default();
        repos.push(entry);
    }
    let base = work.run.repos.first().map(|r| r.base.clone()).unwrap_or_default();
    let first = work.run.worktrees_for(&work.step.ticket).next();
    let branch = first.map(|t| t.branch.clone()).unwrap_or_default();
    Ok(WsmWorkspace::new(&ticket.workspace, workspace, &branch, &base, repos))
}

/// `AGENT.md` of the control repository as its base holds it, with where it comes from.
fn agent_notes(work: &Work<'_>) -> ServiceResult<Option<(String, Vec<u8>)>> {
    let Some((repo, commit)) = control_at_base(work)? else { return Ok(None) };
    let entries = repo.list_tree(&commit, "", false)?;
    let is_notes = |mode: u32, path: Option<&str>| path == Some(AGENT_FILE) && mode & 0o170_000 == 0o100_000;
    let Some(entry) = entries.iter().find(|entry| is_notes(entry.mode, entry.path.as_str())) else {
        return Ok(None);
    };
    let bytes = repo.read_blob(&entry.id)?.filter(|bytes| bytes.len() <= MOST_NOTES);
    let source = work.control.root().join(AGENT_FILE).display().to_string();
    Ok(bytes.map(|bytes| (source, bytes)))
}

/// The control repository at the commit that the run began from, or else at its base.
fn control_at_base(work: &Work<'_>) -> ServiceResult<Option<(Repository, String)>> {
    let control = &work.control.repo;
    let own = work.run.repos.iter().find(|repo| repo.common_dir.as_deref() == Some(control.common_dir()));
    if let Some(own) = own {
        return Ok(Some((control.clone(), own.base_id.clone())));
    }
    Ok(base::control_base(work.control)?.map(|base| (control.clone(), base.id)))
}

/// Runs the set-up scripts, if all of them are trusted.
fn set_up(work: &Work<'_>, file: &WsmWorkspace) -> ServiceResult<Vec<String>> {
    let scripts = setup_scripts::of_run(work.control, &work.run)?;
    if let Some(note) = setup_scripts::untrusted_note(&scripts) {
        return Ok(vec![note]);
    }
    let top = &file.path;
    let mut found = Vec::new();
    for script in scripts {
        let name = script.name();
        if script.repo.is_none() {
            workspaces::place_file(file, &script.path, &script.bytes)?;
        }
        let cwd = script.repo.as_ref().map_or_else(|| top.clone(), |repo| top.join(repo.as_str()));
        found.push(Script { name, path: cwd.join(&script.path), cwd, bytes: script.bytes });
    }
    let mut vars = workspaces::script_environment(file);
    vars.extend(agents::environment(work, top));
    Ok(workspaces::run_scripts(&found, &vars))
}
