//! What a kill leaves under a temporary name, and who may remove it: only the holder of the lock under which it
//! was written.

use super::forum::is_real_dir;
use super::live::{Folder, Store, dir_of, run_lock};
use super::{StoreResult, participation};
use crate::model::RunId;
use crate::sys::files::{self, TEMP_PREFIX};
use crate::sys::{lock, random};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The name of a run's directory while it is made or removed; it names the run, whose lock protects it. `~` is
/// in no run id.
pub(super) fn half_made(folder: &Path, id: &RunId) -> PathBuf {
    folder.join(format!("{TEMP_PREFIX}{id}~{}", random::base32(8)))
}

fn run_of(name: &str) -> Option<RunId> {
    let (id, _) = name.strip_prefix(TEMP_PREFIX)?.split_once('~')?;
    RunId::parse(id).ok()
}

/// Removes the temporary files directly in a directory; the caller holds the lock of all its writers. Says how
/// many there were.
pub(super) fn sweep_dir(dir: &Path) -> StoreResult<usize> {
    let mut removed = 0;
    for name in files::names_in(dir)?.iter().filter(|n| n.starts_with(TEMP_PREFIX)) {
        let path = dir.join(name);
        let plain = path.symlink_metadata().is_ok_and(|m| !m.is_dir());
        if plain {
            files::remove_durable(&path)?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// The folders of a run that are written without its hold, by the wrappers of its agents.
const OF_WRAPPERS: [&str; 2] = ["agents", "logs"];

/// Removes the temporary files in a run's directory and in the folders of its parts; the caller holds the run.
pub(super) fn sweep_parts(dir: &Path) -> StoreResult<usize> {
    let mut removed = sweep_dir(dir)?;
    for name in files::names_in(dir)? {
        let folder = dir.join(&name);
        if !OF_WRAPPERS.contains(&name.as_str()) && is_real_dir(&folder) {
            removed += sweep_dir(&folder)?;
        }
    }
    Ok(removed)
}

/// Whether a kill left something in a run's directory or in the folders of its parts.
fn has_temps(dir: &Path) -> StoreResult<bool> {
    let is_temp = |name: &String| name.starts_with(TEMP_PREFIX);
    let names = files::names_in(dir)?;
    let folders = names.iter().filter(|name| !OF_WRAPPERS.contains(&name.as_str()));
    let below = folders.map(|name| dir.join(name)).filter(|folder| is_real_dir(folder));
    Ok(names.iter().any(is_temp)
        || below.flat_map(|folder| files::names_in(&folder)).flatten().any(|name| is_temp(&name)))
}

impl Store {
    /// Removes what killed commands left under temporary names, each under the lock of its writers; what is
    /// locked now is left for the next time. Says how many files and directories went.
    pub fn sweep_temps(&self) -> StoreResult<usize> {
        let mut removed = 0;
        for folder in [Folder::Live, Folder::Closed].map(|f| self.folder(f)) {
            for name in files::names_in(&folder)? {
                removed += match run_of(&name) {
                    Some(id) => self.sweep_half_made(&id, &folder.join(&name))?,
                    None => {
                        RunId::parse(&name).map_or(Ok(0), |id| self.sweep_run(&id, &folder.join(&name)))?
                    }
                };
            }
        }
        if self.exists()
            && let Some(_lock) = lock::try_take(&participation::repo_lock(self.common_dir()), "sweep", "")?
        {
            removed += sweep_dir(&dir_of(self.common_dir()).join("open"))?;
            removed += sweep_old(&dir_of(self.common_dir()))?;
        }
        removed += self.sweep_forum()?;
        Ok(removed)
    }

    /// What a killed writer left in the forum. Its files are written without a lock, so only what is old is nobody's.
    fn sweep_forum(&self) -> StoreResult<usize> {
        let mut removed = 0;
        let top = self.forum_dir();
        for month in files::names_in(&top)?.into_iter().filter(|month| is_real_dir(&top.join(month))) {
            for thread in files::names_in(&top.join(&month))? {
                let dir = top.join(&month).join(&thread);
                // A directory changes with its entries: one that is young may be written in just now.
                if is_old(&dir) && is_real_dir(&dir) {
                    removed += sweep_old(&dir)?;
                    // It stays where it holds anything.
                    removed += usize::from(std::fs::remove_dir(&dir).is_ok());
                }
            }
        }
        Ok(removed)
    }

    fn sweep_half_made(&self, id: &RunId, path: &Path) -> StoreResult<usize> {
        let Some(_lock) = lock::try_take(&run_lock(self.common_dir(), id), "sweep", "")? else {
            return Ok(0);
        };
        files::remove_tree(path)?;
        Ok(1)
    }

    fn sweep_run(&self, id: &RunId, dir: &Path) -> StoreResult<usize> {
        // Looking first keeps an ordinary sweep from touching every lock file.
        if !has_temps(dir)? {
            return Ok(0);
        }
        let Some(_lock) = lock::try_take(&run_lock(self.common_dir(), id), "sweep", "")? else {
            return Ok(0);
        };
        sweep_parts(dir)
    }
}

/// The top directory has writers under several locks (roots, index): only what is an hour old is nobody's.
fn sweep_old(dir: &Path) -> StoreResult<usize> {
    let mut removed = 0;
    for name in files::names_in(dir)?.iter().filter(|n| n.starts_with(TEMP_PREFIX)) {
        let path = dir.join(name);
        if path.symlink_metadata().is_ok_and(|m| !m.is_dir()) && is_old(&path) {
            files::remove_durable(&path)?;
            removed += 1;
        }
    }
    Ok(removed)
}

fn is_old(path: &Path) -> bool {
    let modified = path.symlink_metadata().ok().and_then(|m| m.modified().ok());
    modified.and_then(|t| t.elapsed().ok()).is_some_and(|age| age > Duration::from_secs(3600))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{LONG, Place, run_id};
    use std::fs;
    use std::time::{Duration, SystemTime};

    #[test]
    fn what_kills_left_goes_and_what_is_being_made_stays() {
        let place = Place::new();
        let store = place.store();
        let busy = place.made("held");
        drop(place.made("free"));
        let dir = store.dir();
        for folder in ["open", "runs/free/docs-orders", "runs/free/agents"] {
            fs::create_dir_all(dir.join(folder)).expect("mkdir");
        }
        let make = |name: &str, is_dir: bool| {
            let path = dir.join(name);
            if is_dir { fs::create_dir(&path) } else { fs::write(&path, "x") }.expect("make");
            path
        };
        let old = make(".tmp-old", false);
        let old_time = SystemTime::now() - Duration::from_secs(7200);
        fs::OpenOptions::new().write(true).open(&old).and_then(|f| f.set_modified(old_time)).expect("time");
        let gone = [
            make("runs/.tmp-dead~abcdefgh", true),
            make("runs/free/.tmp-1234", false),
            make("runs/free/docs-orders/.tmp-1234", false),
            make("open/.tmp-1234", false),
            old,
        ];
        let kept = [
            make("runs/.tmp-held~abcdefgh", true),
            make("runs/held/.tmp-1234", false),
            make("runs/free/agents/.tmp-1234", false),
            make(".tmp-young", false),
            make("runs/.tmp-of-somebody", true),
        ];
        assert_eq!(store.open_runs().expect("sweep").len(), 2, "half-made runs do not show");
        assert_eq!(store.sweep_temps().expect("sweep"), gone.len());
        assert!(gone.iter().all(|p| !p.exists()) && kept.iter().all(|p| p.exists()));
        drop(busy);
        let hold = store.hold(&run_id("held"), "stop", LONG).expect("hold");
        assert!(!hold.dir().join(".tmp-1234").exists(), "a hold sweeps its own directory");
    }
}
