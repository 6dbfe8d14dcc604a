//! `rescue`: what was saved before something went, listed, looked at, brought back, and let go.

use super::select::{Selector, select};
use super::{Caller, Control, ServiceError, ServiceResult, control};
use crate::git::{RESCUES, RepoPath, Repository, SavedFile, SavedKind, SavedWork};
use crate::store;
use crate::sys::files;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A rescue and the repository that it lies in.
#[derive(Debug, Clone)]
pub struct RescueView {
    /// The rescue.
    pub saved: SavedWork,
    /// The repository.
    pub repository: Repository,
}

/// What `rescue restore` was asked.
#[derive(Debug, Clone, Default)]
pub struct RescueRequest {
    /// The rescue: its id or the beginning of it, or its ref.
    pub rescue: String,
    /// The directory that files come back into; by default a new one.
    pub to: Option<PathBuf>,
    /// Only these files and directories of it.
    pub paths: Vec<PathBuf>,
}

/// What came back.
#[derive(Debug, Clone, Default)]
pub struct Restored {
    /// The directory that files came back into.
    pub dir: Option<PathBuf>,
    /// The files that were written, from that directory.
    pub written: Vec<String>,
    /// Files that were there already, byte for byte.
    pub same: Vec<String>,
    /// Files that the worktree had deleted.
    pub deleted: Vec<String>,
    /// Branches that were made, each with its commit.
    pub branches: Vec<(String, String)>,
    /// Commits that need no branch, each with one that contains it.
    pub held: Vec<(String, String)>,
}

/// Every rescue in the repositories that are known here, newest first; of one run if one is named.
pub fn rescue_list(caller: &Caller, selector: &Selector) -> ServiceResult<Vec<RescueView>> {
    let control = control(caller)?;
    let mut all = all(caller, &control)?;
    if selector.is_empty() {
        return Ok(all);
    }
    // The run may be forgotten here, and its rescues are not.
    let word = selector.word.as_ref().or(selector.run_id.as_ref()).or(selector.ticket.as_ref());
    let word = word.map(String::as_str).unwrap_or_default();
    let is_known = all.iter().any(|view| view.saved.parts()[0] == word);
    let id =
        if is_known { word.to_owned() } else { select(caller, &control, selector, |_| true)?.to_string() };
    all.retain(|view| view.saved.parts()[0] == id);
    Ok(all)
}

/// One rescue and its files.
pub fn rescue_show(caller: &Caller, rescue: &str) -> ServiceResult<(RescueView, Vec<SavedFile>)> {
    let view = find(caller, rescue)?;
    let files = view.repository.saved_files(&view.saved)?;
    Ok((view, files))
}

/// The bytes of one file of a rescue.
pub fn rescue_file(caller: &Caller, rescue: &str, path: &Path) -> ServiceResult<Vec<u8>> {
    let (view, files) = rescue_show(caller, rescue)?;
    let wanted = RepoPath::of(path);
    let found = files.iter().find(|f| f.path == wanted).and_then(|f| f.now.as_ref().or(f.staged.as_ref()));
    let bytes = found.map(|(_, id)| view.repository.read_blob(id)).transpose()?.flatten();
    bytes.ok_or_else(|| {
        let message = format!("The rescue {} holds no file '{}'.", view.saved.short(), path.display());
        ServiceError::failed(message, &[&format!("git metawsm rescue show {}", view.saved.short())])
    })
}

fn all(caller: &Caller, control: &Control) -> ServiceResult<Vec<RescueView>> {
    let mut places = BTreeSet::new();
    let mut repositories = vec![control.repo.clone()];
    repositories.extend(Repository::discover(&caller.cwd)?);
    let mut dirs = Vec::new();
    // Also those of runs that are over; what is only in history names no place.
    let mut add = |entry: store::Entry| {
        let repos = entry.into_run().map(|run| run.repos).unwrap_or_default();
        dirs.extend(repos.into_iter().filter_map(|repo| repo.path.or(repo.common_dir)));
    };
    control.store.live_runs()?.into_iter().for_each(&mut add);
    control.store.each_closed(&mut add)?;
    dirs.sort();
    dirs.dedup();
    for dir in dirs {
        // A repository that is gone or cannot be read must not hide what lies in the others.
        repositories.extend(Repository::discover(&dir).ok().flatten());
    }
    let mut views = Vec::new();
    for repository in repositories {
        if places.insert(repository.common_dir().to_owned()) {
            let saved = repository.saved_work()?;
            views.extend(saved.into_iter().map(|saved| RescueView { saved, repository: repository.clone() }));
        }
    }
    views.sort_by(|a, b| (b.saved.at, &b.saved.reference).cmp(&(a.saved.at, &a.saved.reference)));
    Ok(views)
}

/// The rescue that a word means: its ref, or the beginning of its id.
fn find(caller: &Caller, word: &str) -> ServiceResult<RescueView> {
    let control = control(caller)?;
    let is_id = word.len() >= 4 && word.bytes().all(|b| b.is_ascii_hexdigit());
    let lower = word.to_ascii_lowercase();
    let means = |view: &RescueView| {
        let reference = &view.saved.reference;
        reference == word
            || reference.strip_prefix(RESCUES) == Some(word)
            || (is_id && view.saved.id.starts_with(&lower))
    };
    let mut found: Vec<_> = all(caller, &control)?.into_iter().filter(means).collect();
    if found.len() > 1 {
        let words: Vec<_> = found.iter().map(|view| view.saved.id.clone()).collect();
        let message = format!("'{word}' means several rescues: {}.", words.join(", "));
        let hints = words.iter().take(5).map(|id| format!("git metawsm rescue show {id}")).collect();
        return Err(ServiceError::Wrong { message, hints });
    }
    found.pop().ok_or_else(|| {
        let message = format!("There is no rescue '{word}' in the repositories that are known here.");
        ServiceError::failed(message, &["git metawsm rescue list"])
    })
}

/// Brings a rescue back: files into a directory, a branch as a branch, commits that nothing else names as branches.
/// Nothing that is there is ever written over.
pub fn rescue_restore(caller: &Caller, request: &RescueRequest) -> ServiceResult<Restored> {
    let (view, files) = rescue_show(caller, &request.rescue)?;
    let mut restored = Restored::default();
    if view.saved.note.kind == SavedKind::Files {
        restore_files(caller, request, &view, &files, &mut restored)?;
    } else if request.to.is_some() || !request.paths.is_empty() {
        let message =
            format!("The rescue {} holds commits and no files; they come back as branches.", request.rescue);
        let hint = format!("git metawsm rescue restore {}", request.rescue);
        return Err(ServiceError::wrong(message, &[&hint]));
    }
    if request.paths.is_empty() {
        restore_commits(caller, &view, &mut restored)?;
    }
    Ok(restored)
}

fn restore_files(
    caller: &Caller,
    request: &RescueRequest,
    view: &RescueView,
    files: &[SavedFile],
    restored: &mut Restored,
) -> ServiceResult<()> {
    let wanted: Vec<_> = request.paths.iter().map(|path| RepoPath::of(path)).collect();
    let is_wanted =
        |file: &&SavedFile| wanted.is_empty() || wanted.iter().any(|path| file.path.is_below(path));
    let chosen: Vec<_> = files.iter().filter(is_wanted).collect();
    if chosen.is_empty() {
        let message = format!("The rescue {} holds none of these files.", request.rescue);
        let hint = format!("git metawsm rescue show {}", request.rescue);
        return Err(ServiceError::failed(message, &[&hint]));
    }
    let dir = match &request.to {
        Some(dir) => caller.cwd.join(dir),
        None => free_dir(&caller.cwd, view.saved.short()),
    };
    require_free(&dir, view, &chosen, request)?;
    for file in chosen {
        restore_file(&dir, view, file, restored)?;
    }
    restored.dir = Some(dir);
    Ok(())
}

/// A directory that is not there yet.
fn free_dir(cwd: &Path, id: &str) -> PathBuf {
    let named = |number: u32| match number {
        1 => cwd.join(format!("rescued-{id}")),
        number => cwd.join(format!("rescued-{id}-{number}")),
    };
    (1..10_000).map(named).find(|dir| dir.symlink_metadata().is_err()).unwrap_or_else(|| named(0))
}

/// Refuses, before anything is written, where a file would be written over or land outside of the directory.
fn require_free(
    dir: &Path,
    view: &RescueView,
    files: &[&SavedFile],
    request: &RescueRequest,
) -> ServiceResult<()> {
    let mut taken = Vec::new();
    for file in files {
        if !file.path.is_tame() {
            taken.push(format!("{} (an improper name)", file.path));
            continue;
        }
        let target = file.path.under(dir);
        let above = target.ancestors().skip(1).take_while(|above| *above != dir);
        let is_in_the_way = |above: &Path| above.symlink_metadata().is_ok_and(|meta| !meta.is_dir());
        if above.into_iter().any(is_in_the_way) {
            taken.push(format!("{} (something lies where its directory belongs)", file.path));
        } else if let Some(blob) = &file.now
            && target.symlink_metadata().is_ok()
            && !is_same(view, blob, &target)?
        {
            taken.push(file.path.to_string());
        }
    }
    if taken.is_empty() {
        return Ok(());
    }
    let shown = taken[..taken.len().min(5)].join(", ");
    let more = taken.len().saturating_sub(5);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let message = format!(
        "Nothing was written, because it would be written over what is in {}: {shown}{more}.",
        dir.display()
    );
    let hint = format!("git metawsm rescue restore {}", request.rescue);
    Err(ServiceError::Forbidden { message, hints: vec![hint] })
}

fn blob_of(view: &RescueView, id: &str) -> ServiceResult<Vec<u8>> {
    view.repository.read_blob(id)?.ok_or_else(|| {
        let dir = view.repository.dir().display();
        let message = format!("The object {id} of the rescue {} is missing.", view.saved.short());
        ServiceError::failed(message, &[&format!("git -C {dir} fsck")])
    })
}

const LINK: u32 = 0o120_000;

/// Whether the same bytes lie there already, as the same kind of file.
fn is_same(view: &RescueView, (mode, id): &(u32, String), target: &Path) -> ServiceResult<bool> {
    let bytes = blob_of(view, id)?;
    let Ok(meta) = target.symlink_metadata() else { return Ok(false) };
    if *mode == LINK {
        let link = std::fs::read_link(target).ok();
        return Ok(link.is_some_and(|link| RepoPath::of(&link).as_bytes() == bytes));
    }
    Ok(meta.is_file() && meta.len() == bytes.len() as u64 && files::read(target)? == bytes)
}

fn restore_file(
    dir: &Path,
    view: &RescueView,
    file: &SavedFile,
    restored: &mut Restored,
) -> ServiceResult<()> {
    let target = file.path.under(dir);
    let name = file.path.to_string();
    match &file.now {
        Some(blob) if write(view, blob, &target)? => restored.written.push(name),
        Some(blob) if is_same(view, blob, &target)? => restored.same.push(name),
        Some(_) => {
            let message = format!("{} appeared while files came back; it was left alone.", target.display());
            let hint = format!("git metawsm rescue restore {}", view.saved.short());
            return Err(ServiceError::failed(message, &[&hint]));
        }
        None => restored.deleted.push(name),
    }
    if let Some(blob) = &file.staged {
        for number in 1..100 {
            let end = if number == 1 { ".staged".to_owned() } else { format!(".staged-{number}") };
            let path = RepoPath::new([file.path.as_bytes(), end.as_bytes()].concat());
            if write(view, blob, &path.under(dir))? {
                restored.written.push(path.to_string());
                break;
            }
            if is_same(view, blob, &path.under(dir))? {
                restored.same.push(path.to_string());
                break;
            }
        }
    }
    Ok(())
}

fn write(view: &RescueView, (mode, id): &(u32, String), target: &Path) -> ServiceResult<bool> {
    let bytes = blob_of(view, id)?;
    if *mode == LINK {
        return Ok(files::link_new(&RepoPath::new(bytes).to_path(), target)?);
    }
    Ok(files::write_new_mode(target, &bytes, mode & 0o777)?)
}

/// Gives the branch its name back, or the next free one, and a branch to each commit that none contains.
fn restore_commits(caller: &Caller, view: &RescueView, restored: &mut Restored) -> ServiceResult<()> {
    let note = &view.saved.note;
    let mut wanted = Vec::new();
    if let (SavedKind::Branch, Some(branch), Some(head)) = (note.kind, &note.branch, &note.head) {
        wanted.push((branch.clone(), head.clone()));
    }
    let lone: Vec<_> = match (note.kind, note.commits.is_empty()) {
        // A ref of an earlier version, without a note.
        (SavedKind::Commits, true) => vec![view.saved.commit.clone()],
        _ => note.commits.clone(),
    };
    for commit in lone {
        match view.repository.branches_with(&commit)?.into_iter().next() {
            Some(branch) => restored.held.push((branch, commit)),
            None => wanted.push((format!("rescued/{}", commit.get(..12).unwrap_or(&commit)), commit)),
        }
    }
    if wanted.is_empty() {
        return Ok(());
    }
    let _lock = store::lock_repo(view.repository.common_dir(), "rescue restore", caller.wait)?;
    for (name, commit) in wanted {
        let name = free_branch(&view.repository, &name, &commit)?;
        view.repository.create_branch(&name, &commit)?;
        restored.branches.push((name, commit));
    }
    Ok(())
}

/// The name, or with `-2`, `-3` ... where another commit has it.
fn free_branch(repository: &Repository, name: &str, commit: &str) -> ServiceResult<String> {
    for number in 1..1000 {
        let candidate = if number == 1 { name.to_owned() } else { format!("{name}-{number}") };
        let present = repository.branch_id(&candidate)?;
        let is_free = match present {
            Some(id) => id == commit,
            None => repository.find_ref_conflict(&candidate)?.is_none(),
        };
        if is_free {
            return Ok(candidate);
        }
    }
    let dir = repository.dir().display();
    Err(ServiceError::failed(
        format!("No name like '{name}' is free for a branch."),
        &[&format!("git -C {dir} branch <name> {commit}")],
    ))
}

/// Lets a rescue go: git's own clean-up then takes what nothing else names.
pub fn rescue_drop(caller: &Caller, rescue: &str, force: bool) -> ServiceResult<RescueView> {
    let view = find(caller, rescue)?;
    if !force {
        let message =
            format!("'rescue drop' gives up what {} holds; nothing brings it back.", view.saved.short());
        let hints = [
            format!("git metawsm rescue show {}", view.saved.short()),
            format!("git metawsm rescue drop {} --force", view.saved.short()),
        ];
        return Err(ServiceError::Forbidden { message, hints: hints.to_vec() });
    }
    let _lock = store::lock_repo(view.repository.common_dir(), "rescue drop", caller.wait)?;
    view.repository.delete_ref(&view.saved.reference, &view.saved.id)?;
    Ok(view)
}
