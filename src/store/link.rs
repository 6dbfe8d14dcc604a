//! `.metawsm/live`: the link in the control worktree by which people find the live state.

use super::{Store, StoreError, StoreResult};
use crate::sys::{SysError, files};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

/// The pattern in `info/exclude`. No slash at its end: the thing is a link, and a slash would match directories.
const PATTERN: &str = "/.metawsm/live";

impl Store {
    /// Makes `.metawsm/live` in the control worktree and hides it from git; nothing to do in a bare repository.
    /// The caller holds the repository's lock. What is there and not our link is left alone and named.
    pub fn ensure_link(&self) -> StoreResult<()> {
        let Some(worktree) = self.worktree() else { return Ok(()) };
        // Hidden first, so that no moment shows it as untracked.
        ensure_excluded(&self.common_dir().join("info").join("exclude"))?;
        let folder = worktree.join(".metawsm");
        if folder.symlink_metadata().is_ok_and(|m| !m.is_dir()) {
            let why = "it is not a directory, so the link to the live state was not made".to_owned();
            return Err(StoreError::Occupied { path: folder, why });
        }
        files::ensure_dir(&folder)?;
        let target = relative(&files::real_path(&folder), &files::real_path(&self.dir()));
        let link = folder.join("live");
        match fs::read_link(&link) {
            Ok(old) if old == target => return Ok(()),
            Ok(old) if !is_ours(&folder, &old, &self.dir()) => {
                let why = format!("it is a link to {} and not to our live state", old.display());
                return Err(StoreError::Occupied { path: link, why });
            }
            // A kill between removing and making leaves no link, and the next run makes it.
            Ok(_) => files::remove_durable(&link)?,
            Err(_) if link.symlink_metadata().is_ok() => {
                let why = "it is not our link to the live state".to_owned();
                return Err(StoreError::Occupied { path: link, why });
            }
            Err(_) => {}
        }
        std::os::unix::fs::symlink(&target, &link).map_err(|e| SysError::file("make the link", &link, e))?;
        Ok(files::sync_dir(&folder)?)
    }
}

/// A link of ours leads to our live state, or led to a `metawsm` that has moved away since.
fn is_ours(folder: &Path, old: &Path, dir: &Path) -> bool {
    let leads = folder.join(old);
    match leads.canonicalize() {
        Ok(real) => real == files::real_path(dir),
        Err(_) => old.file_name().is_some_and(|name| name == "metawsm"),
    }
}

/// The way from one directory to another; both absolute and without links.
fn relative(from: &Path, to: &Path) -> PathBuf {
    let from: Vec<Component<'_>> = from.components().collect();
    let to: Vec<Component<'_>> = to.components().collect();
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n(Component::ParentDir, from.len() - shared);
    up.chain(to[shared..].iter().copied()).collect()
}

fn ensure_excluded(file: &Path) -> StoreResult<()> {
    // People keep this file as a link into their own files; the link stays.
    let file = files::real_path(file);
    let mut bytes = match files::read(&file) {
        Ok(bytes) => bytes,
        Err(e) if e.is_not_found() => Vec::new(),
        Err(e) => return Err(e.into()),
    };
    let pattern = PATTERN.as_bytes();
    if bytes.split(|b| *b == b'\n').any(|line| line.strip_suffix(b"\r").unwrap_or(line) == pattern) {
        return Ok(());
    }
    if bytes.last().is_some_and(|last| *last != b'\n') {
        bytes.push(b'\n');
    }
    bytes.extend_from_slice(pattern);
    bytes.push(b'\n');
    let mode = file.metadata().map_or(0o644, |m| m.permissions().mode() & 0o777);
    Ok(files::write_atomic_mode(&file, &bytes, mode)?)
}

#[cfg(test)]
mod tests {
    use super::super::testing::Place;
    use super::*;
    use crate::sys::Cmd;

    fn git(place: &Place, args: &[&str]) -> String {
        let home = place.path().join("home");
        files::write_atomic(&home.join(".gitconfig"), b"").expect("an empty configuration");
        let cmd = Cmd::new("git").args(args).cwd(&place.path().join("repo")).env("HOME", &home);
        let output = cmd.env("GIT_CONFIG_NOSYSTEM", "1").run().expect("git runs");
        assert!(output.exit.is_ok(), "{output:?}");
        output.text()
    }

    #[test]
    fn the_link_leads_to_the_live_state_and_git_does_not_see_it() {
        let place = Place::new();
        git(&place, &["init", "-q"]);
        drop(place.made("r1"));
        for _ in 0..2 {
            place.store().ensure_link().expect("link");
        }
        let link = place.path().join("repo/.metawsm/live");
        assert_eq!(fs::read_link(&link).expect("a link"), Path::new("../.git/metawsm"));
        assert!(link.join("runs/r1/run.toml").is_file());
        assert_eq!(git(&place, &["status", "--porcelain", "--untracked-files=all"]), "");
    }

    #[test]
    fn every_byte_of_the_exclude_file_is_kept() {
        let place = Place::new();
        let file = place.common().join("info/exclude");
        let cases: [(&[u8], &[u8]); 4] = [
            (b"", b"/.metawsm/live\n"),
            (b"a\r\n\xff\n", b"a\r\n\xff\n/.metawsm/live\n"),
            (b"no newline", b"no newline\n/.metawsm/live\n"),
            (b"x\r\n/.metawsm/live\r\ny", b"x\r\n/.metawsm/live\r\ny"),
        ];
        for (before, after) in cases {
            fs::write(&file, before).expect("write");
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("chmod");
            place.store().ensure_link().expect("link");
            assert_eq!(fs::read(&file).expect("read"), after);
            assert_eq!(file.metadata().expect("meta").permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn an_exclude_file_that_is_a_link_stays_one() {
        let place = Place::new();
        let (file, own) = (place.common().join("info/exclude"), place.path().join("my-excludes"));
        fs::write(&own, "mine\n").expect("write");
        std::os::unix::fs::symlink(&own, &file).expect("link");
        place.store().ensure_link().expect("link");
        assert!(file.is_symlink());
        assert_eq!(fs::read_to_string(&own).expect("read"), "mine\n/.metawsm/live\n");
    }

    #[test]
    fn what_is_not_our_link_is_left_alone() {
        let place = Place::new();
        let folder = place.path().join("repo/.metawsm");
        let live = folder.join("live");
        fs::create_dir_all(&live).expect("mkdir");
        let refused = place.store().ensure_link().expect_err("a directory");
        assert!(matches!(refused, StoreError::Occupied { .. }) && live.is_dir(), "{refused}");
        fs::remove_dir(&live).expect("rmdir");
        std::os::unix::fs::symlink(place.path(), &live).expect("link");
        let refused = place.store().ensure_link().expect_err("somebody's link");
        assert!(refused.to_string().contains("it is a link to "), "{refused}");
        fs::remove_file(&live).expect("unlink");
        std::os::unix::fs::symlink("/moved/away/.git/metawsm", &live).expect("link");
        place.store().ensure_link().expect("a stale link of ours is renewed");
        assert_eq!(fs::read_link(&live).expect("a link"), Path::new("../.git/metawsm"));
        fs::remove_dir_all(&folder).expect("remove");
        std::os::unix::fs::symlink(place.path(), &folder).expect("link");
        place.store().ensure_link().expect_err("nothing is written through a link");
        assert!(!place.path().join("live").exists());
    }

    #[test]
    fn a_bare_repository_has_no_link() {
        let place = Place::new();
        Store::at(&place.common(), None).ensure_link().expect("nothing to do");
        assert!(!place.common().join("info/exclude").exists());
    }
}
