//! A repository's hooks directory: whether it is ours to write, and our hooks in and out of it.

use super::block::{self, Made};
use super::file::{self, Looked};
use super::shim::{By, ON_SERVER, Shim, USUAL};
use super::{HookFile, HookResult, hook_file};
use crate::git::Repository;
use crate::sys::files;
use std::path::{Path, PathBuf};

/// The hooks directory of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HooksPlace {
    /// Where git looks for hooks of this worktree.
    pub dir: PathBuf,
    /// Why nothing is ever written there, if so (a clause).
    pub foreign: Option<String>,
    /// The repository's own directory of hooks, the only one that is ever written to.
    own: PathBuf,
}

/// What became of one hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It was put in, or brought up to date.
    Installed,
    /// It was taken out.
    Removed,
    /// It stood already, or there was nothing to take out.
    Unchanged,
    /// Its file was left alone, for this reason (a clause with "it").
    LeftAlone(String),
}

/// Where git looks for hooks, and whether we may write there: only into `hooks` of the repository itself, because any
/// other directory is shared, generated or somebody's configuration.
pub fn place(repo: &Repository) -> HookResult<HooksPlace> {
    let dir = repo.hooks_dir()?;
    let own = repo.common_dir().join("hooks");
    let foreign = if repo.config("core.hooksPath")?.is_some() {
        Some(format!("core.hooksPath names {}", dir.display()))
    } else if own.is_symlink() {
        Some(format!("{} is a symbolic link", own.display()))
    } else if files::real_path(&dir) != files::real_path(&own) {
        Some(format!("git takes hooks from {}", dir.display()))
    } else if own.exists() && !own.is_dir() {
        Some(format!("{} is no directory", own.display()))
    } else {
        None
    };
    Ok(HooksPlace { dir, foreign, own })
}

/// Puts one hook in; the caller holds the repository's lock. Twice is the same as once. A hook that a person asked
/// for stays a person's.
pub fn install(place: &HooksPlace, shim: Shim, program: &Path, by: By) -> HookResult<Change> {
    if let Some(why) = &place.foreign {
        return Ok(Change::LeftAlone(why.clone()));
    }
    let path = place.dir.join(shim.name);
    let looked = match file::look(&path) {
        Ok(looked) => looked,
        Err(why) => return Ok(Change::LeftAlone(why)),
    };
    let by_person = |l: &Looked| l.found.as_ref().is_some_and(|f| is_by(&f.lines, By::Person));
    let by = if looked.as_ref().is_some_and(by_person) { By::Person } else { by };
    let lines = shim.lines(program, by);
    let (bytes, permissions, made) = match &looked {
        Some(looked) => (looked.bytes.as_slice(), looked.mode, Made::default()),
        None => (block::SHEBANG, 0o755, Made { file: true, dir: !place.dir.exists() }),
    };
    let new = match block::put_in(bytes, &lines, made) {
        Ok(new) => new,
        Err(why) => return Ok(Change::LeftAlone(why)),
    };
    if looked.is_some() && new == bytes {
        return Ok(Change::Unchanged);
    }
    if let Err(error) = files::ensure_dir(&place.dir) {
        return Ok(Change::LeftAlone(format!("its directory cannot be made ({error})")));
    }
    sweep(&place.dir);
    match files::write_atomic_exact(&path, &new, permissions) {
        Ok(()) => Ok(Change::Installed),
        Err(error) => Ok(Change::LeftAlone(format!("it cannot be written ({error})"))),
    }
}

fn is_by(lines: &[u8], by: By) -> bool {
    let words = by.words().as_bytes();
    lines.windows(words.len()).any(|window| window == words)
}

/// Takes every hook of ours out that `goes` names, by its name and who put it in; the caller holds the repository's
/// lock. What was there before comes back byte for byte, and files and directories made for us go.
pub fn uninstall(place: &HooksPlace, goes: &dyn Fn(Shim, By) -> bool) -> HookResult<Vec<(Shim, Change)>> {
    let mut changes = Vec::new();
    // Also where git has been told since to look elsewhere: what we put in goes.
    if place.own.is_symlink() {
        return Ok(changes);
    }
    let mut made_dir = false;
    for shim in USUAL.into_iter().chain([ON_SERVER]) {
        let path = place.own.join(shim.name);
        if hook_file(&path) != HookFile::Ours {
            continue;
        }
        let Ok(Some(Looked { bytes, mode, found: Some(found) })) = file::look(&path) else { continue };
        let by = if is_by(&found.lines, By::Person) { By::Person } else { By::Run };
        if !goes(shim, by) {
            continue;
        }
        let change = match block::take_out(&bytes) {
            Ok(Some(rest)) => {
                files::write_atomic_exact(&path, &rest, mode)?;
                Change::Removed
            }
            Ok(None) => {
                files::remove_durable(&path)?;
                made_dir |= found.made.dir;
                Change::Removed
            }
            Err(why) => Change::LeftAlone(why),
        };
        changes.push((shim, change));
    }
    sweep(&place.own);
    if made_dir && std::fs::remove_dir(&place.own).is_err() {
        hand_on(place)?;
    }
    Ok(changes)
}

/// The directory stays for other hooks of ours: one of them remembers who made it.
fn hand_on(place: &HooksPlace) -> HookResult<()> {
    for shim in USUAL.into_iter().chain([ON_SERVER]) {
        let path = place.own.join(shim.name);
        let Ok(Some(Looked { bytes, mode, found: Some(found) })) = file::look(&path) else { continue };
        if !found.made.file {
            continue;
        }
        let made = Made { file: true, dir: true };
        if let Ok(new) = block::put_in(block::SHEBANG, &found.lines, made)
            && found.made != made
            && block::take_out(&bytes) == Ok(None)
        {
            files::write_atomic_exact(&path, &new, mode)?;
            return Ok(());
        }
    }
    Ok(())
}

/// Removes what a kill left of a write of ours.
fn sweep(dir: &Path) {
    for name in files::names_in(dir).unwrap_or_default() {
        let is_temp = name.strip_prefix(files::TEMP_PREFIX).is_some_and(|rest| rest.len() == 16);
        if is_temp {
            let _ = files::remove_durable(&dir.join(name));
        }
    }
}
