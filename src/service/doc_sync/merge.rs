//! The three-way merge of a ticket's two copies, as objects in the doc home.

use super::super::{Control, ServiceError, ServiceResult};
use super::{DocView, source_repo};
use crate::git::{DirMerge, RepoPath, Repository, Side};
use crate::sys::process::quoted;

/// What taking the source's changes into the workspace copy gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Joined {
    /// A tree for the workspace copy, and the files that it changes there.
    Clean {
        /// The tree's id.
        tree: String,
        /// The files, relative to the ticket's directory, sorted.
        files: Vec<String>,
    },
    /// These files conflict, relative to the ticket's directory.
    Conflict(Vec<String>),
}

/// Merges the source into the workspace copy as the run's branch holds it, from what both last had in common. The
/// merge is git's own, as if both were branches of the doc home: with its attributes, following renames. Writes
/// objects, and nothing else.
pub(super) fn join(
    control: &Control,
    view: &DocView,
    home: &Repository,
    source: &str,
    favour: Option<Side>,
) -> ServiceResult<Joined> {
    let base = bring(control, view, home, source)?;
    let head = home.head()?.id().map(str::to_owned).unwrap_or_default();
    let Some(ours) = home.tree_id(&head)? else {
        let message = format!("{} has no commit.", view.worktree.display());
        return Err(ServiceError::failed(message, &["git metawsm status"]));
    };
    let dir = &view.record.dir;
    if home.path_id(&ours, dir)?.is_none() {
        // There is nothing to merge with: the caller has seen that the source is wanted whole.
        let files = home.require_plain_tree(source)?.iter().map(|entry| entry.path.to_string()).collect();
        return Ok(Joined::Clean { tree: source.to_owned(), files });
    }
    let theirs = home.graft(&ours, dir, Some(source))?;
    let base = home.graft(&ours, dir, base.as_deref())?;
    let within = |paths: &[RepoPath]| {
        let prefix = format!("{dir}/");
        let name = |path: &RepoPath| {
            let text = path.to_string();
            text.strip_prefix(&prefix).map_or_else(|| text.clone(), str::to_owned)
        };
        paths.iter().map(name).collect::<Vec<_>>()
    };
    let merged = match home.merge_dirs(Some(&base), &ours, &theirs, favour)? {
        DirMerge::Clean { tree } => tree,
        DirMerge::Conflict { files } => return Ok(Joined::Conflict(within(&files))),
    };
    let changed = home.changed_paths(&ours, &merged)?;
    if let Some(stray) = changed.iter().find(|path| !path.is_below(dir)) {
        let message = format!("The merge would also change {stray}, outside of {dir}; nothing was taken.");
        return Err(ServiceError::failed(message, &["git metawsm docs diff"]));
    }
    let Some(tree) = home.path_id(&merged, dir)? else {
        let message = format!("The merge would leave nothing of {dir}; nothing was taken.");
        return Err(ServiceError::failed(message, &["git metawsm docs diff"]));
    };
    Ok(Joined::Clean { tree, files: within(&changed) })
}

/// The command that shows what the source holds.
fn listed(control: &Control, view: &DocView) -> String {
    let root = quoted(&control.root().to_string_lossy());
    format!("git -C {root} ls-tree -r HEAD -- {}", quoted(&view.record.source))
}

/// Brings the source and what both had in common into the doc home; gives the latter, where anybody still has it.
fn bring(
    control: &Control,
    view: &DocView,
    home: &Repository,
    source: &str,
) -> ServiceResult<Option<String>> {
    let base = Some(view.record.base.as_str()).filter(|base| !base.is_empty());
    if let Some((from, _)) = source_repo(control)? {
        if from.tree_id(source)?.as_deref() != Some(source) {
            let message = format!("The source {} is no directory but a link or a file.", view.record.source);
            return Err(ServiceError::failed(message, &[&listed(control, view)]));
        }
        home.copy_tree(&from, source)?;
        if let Some(base) = base
            && from.tree_id(base)?.is_some()
        {
            home.copy_tree(&from, base)?;
        }
    }
    if let Err(error) = home.require_plain_tree(source) {
        let message = format!("The source {} cannot be taken: {error}", view.record.source);
        return Err(ServiceError::failed(message, &[&listed(control, view)]));
    }
    match base {
        Some(base) if home.tree_id(base)?.is_some() => Ok(Some(base.to_owned())),
        _ => Ok(None),
    }
}
