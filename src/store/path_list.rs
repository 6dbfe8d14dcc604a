//! Files that hold one path a line.

use super::{StoreError, StoreResult};
use crate::sys::files;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The paths in the file, in its order; none where it is not there.
pub(super) fn load(file: &Path) -> StoreResult<Vec<PathBuf>> {
    let bytes = match files::read(file) {
        Ok(bytes) => bytes,
        Err(e) if e.is_not_found() => return Ok(Vec::new()),
        Err(e) => return Err(e.into()),
    };
    let lines = bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty());
    Ok(lines.map(|line| PathBuf::from(OsStr::from_bytes(line))).collect())
}

/// Replaces the file; removes it where no path is left.
pub(super) fn save(file: &Path, paths: &[PathBuf]) -> StoreResult<()> {
    if paths.is_empty() {
        return Ok(files::remove_durable(file)?);
    }
    let mut bytes = Vec::new();
    for path in paths {
        let line = path.as_os_str().as_bytes();
        if line.is_empty() || line.contains(&b'\n') {
            let why = format!("the path {} cannot stand on one line", path.display());
            return Err(StoreError::Occupied { path: file.to_owned(), why });
        }
        bytes.extend_from_slice(line);
        bytes.push(b'\n');
    }
    Ok(files::write_atomic(file, &bytes)?)
}

/// Adds a path at the end unless it is there; says whether the file changed.
pub(super) fn add(file: &Path, path: &Path) -> StoreResult<bool> {
    let mut paths = load(file)?;
    if paths.iter().any(|p| p == path) {
        return Ok(false);
    }
    paths.push(path.to_owned());
    save(file, &paths).map(|()| true)
}

/// Takes a path out; says whether the file changed.
pub(super) fn remove(file: &Path, path: &Path) -> StoreResult<bool> {
    let mut paths = load(file)?;
    let before = paths.len();
    paths.retain(|p| p != path);
    if paths.len() == before {
        return Ok(false);
    }
    save(file, &paths).map(|()| true)
}
