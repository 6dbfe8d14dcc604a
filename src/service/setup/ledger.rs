//! The list of what `setup` wrote: `file <hash> <path>` for each content that may stand there, `dir <path>` for each
//! directory that was made.

use super::super::{ServiceError, ServiceResult};
use crate::sys::{SysResult, files};
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

pub(super) struct Ledger {
    path: PathBuf,
    files: Vec<(String, PathBuf)>,
    dirs: Vec<PathBuf>,
}

impl Ledger {
    pub(super) fn load(path: &Path) -> ServiceResult<Self> {
        let mut ledger = Self { path: path.to_owned(), files: Vec::new(), dirs: Vec::new() };
        for line in files::find_text(path)?.unwrap_or_default().lines() {
            match line.split_once(' ') {
                Some(("dir", dir)) => ledger.dirs.push(PathBuf::from(dir)),
                Some(("file", rest)) => {
                    ledger.files.extend(
                        rest.split_once(' ').map(|(hash, path)| (hash.to_owned(), PathBuf::from(path))),
                    );
                }
                _ => {}
            }
        }
        Ok(ledger)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether we wrote this content there.
    pub(super) fn knows(&self, path: &Path, hash: &str) -> bool {
        self.files.iter().any(|(known, at)| at == path && known == hash)
    }

    /// Every file, once.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let mut paths: Vec<_> = self.files.iter().map(|(_, path)| path.clone()).collect();
        paths.dedup();
        paths.sort();
        paths.dedup();
        paths
    }

    /// The files that are none of these.
    pub(super) fn beside(&self, wanted: &[&Path]) -> Vec<PathBuf> {
        self.files().into_iter().filter(|path| !wanted.contains(&path.as_path())).collect()
    }

    pub(super) fn add(&mut self, path: &Path, hash: &str) {
        if !self.knows(path, hash) {
            self.files.push((hash.to_owned(), path.to_owned()));
        }
    }

    /// Notes that this content stands there now, and no other.
    pub(super) fn settle(&mut self, path: &Path, hash: &str) {
        self.files.retain(|(known, at)| at != path || known == hash);
    }

    pub(super) fn forget(&mut self, path: &Path) {
        self.files.retain(|(_, at)| at != path);
    }

    /// Notes the directories that will be made for a file.
    pub(super) fn add_missing_dirs(&mut self, path: &Path) {
        for dir in path.ancestors().skip(1).filter(|dir| !dir.as_os_str().is_empty()) {
            if dir.exists() {
                break;
            }
            if !self.dirs.iter().any(|known| known == dir) {
                self.dirs.push(dir.to_owned());
            }
        }
    }

    pub(super) fn save(&self) -> ServiceResult<()> {
        let mut text = String::new();
        let mut files: Vec<_> = self.files.iter().collect();
        files.sort_by(|a, b| (&a.1, &a.0).cmp(&(&b.1, &b.0)));
        for (hash, path) in files {
            let _ = writeln!(text, "file {hash} {}", writable(path)?);
        }
        let mut dirs: Vec<_> = self.dirs.iter().collect();
        dirs.sort();
        for dir in dirs {
            let _ = writeln!(text, "dir {}", writable(dir)?);
        }
        if files::find_text(&self.path)?.as_deref() == Some(&text) {
            return Ok(());
        }
        Ok(files::write_atomic(&self.path, text.as_bytes())?)
    }

    /// Takes the list itself away, and the directories that were made where nothing else has come to lie in them.
    pub(super) fn end(&mut self) -> SysResult<()> {
        files::remove_durable(&self.path)?;
        self.dirs.sort_by_key(|dir| std::cmp::Reverse(dir.as_os_str().len()));
        for dir in &self.dirs {
            // One that is not empty is in use.
            if std::fs::remove_dir(dir).is_ok() {
                dir.parent().filter(|above| above.is_dir()).map_or(Ok(()), files::sync_dir)?;
            }
        }
        Ok(())
    }
}

/// A path as text in one line.
fn writable(path: &Path) -> ServiceResult<&str> {
    let is_line = !path.as_os_str().as_bytes().contains(&b'\n');
    path.to_str().filter(|_| is_line).ok_or_else(|| {
        let message = format!("The path {} is not text of one line, so it cannot be noted.", path.display());
        ServiceError::failed(message, &["git metawsm setup --prefix <directory>"])
    })
}
