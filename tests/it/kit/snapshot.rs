//! What a directory holds, byte for byte, to compare with later.

use git_metawsm::model::sha256_hex;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Every file below a directory by its path: kind, permissions and a hash of its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    root: PathBuf,
    entries: BTreeMap<PathBuf, String>,
    whole: bool,
}

impl Snapshot {
    /// Takes the snapshot; git object stores, our locks and our index of records are left out.
    pub fn of(root: &Path) -> Self {
        Self::begin(root, false)
    }

    /// As [`Snapshot::of`], with locks and the index of records: only git object stores are left out, because an
    /// object that nothing names is no change.
    pub fn whole(root: &Path) -> Self {
        Self::begin(root, true)
    }

    fn begin(root: &Path, whole: bool) -> Self {
        let mut snapshot = Self { root: root.to_owned(), entries: BTreeMap::new(), whole };
        snapshot.walk(root);
        snapshot
    }

    fn walk(&mut self, dir: &Path) {
        let Ok(entries) = fs::read_dir(dir) else { return };
        for path in entries.flatten().map(|e| e.path()) {
            if is_left_out(&path, self.whole) {
                continue;
            }
            let Ok(meta) = path.symlink_metadata() else { continue };
            let what = if meta.is_dir() {
                self.walk(&path);
                "folder".to_owned()
            } else if meta.is_symlink() {
                format!("link to {}", fs::read_link(&path).unwrap_or_default().display())
            } else if meta.is_file() {
                sha256_hex(&fs::read(&path).unwrap_or_default())
            } else {
                "special".to_owned()
            };
            self.entries.insert(path, format!("{:o} {what}", meta.permissions().mode() & 0o7777));
        }
    }

    /// Leaves out everything below this path of the root.
    #[must_use]
    pub fn without(mut self, below: &str) -> Self {
        let left_out = self.root.join(below);
        self.entries.retain(|path, _| !path.starts_with(&left_out));
        self
    }

    /// Both snapshots as one.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.entries.extend(other.entries);
        self
    }

    /// What differs, one line each.
    pub fn changes(&self, later: &Self) -> Vec<String> {
        let all: std::collections::BTreeSet<_> = self.entries.keys().chain(later.entries.keys()).collect();
        let line = |path: &&PathBuf| {
            let word = match (self.entries.get(*path), later.entries.get(*path)) {
                (None, Some(_)) => "new",
                (Some(_), None) => "gone",
                (was, is) if was != is => "changed",
                _ => return None,
            };
            Some(format!("{word} {}", path.display()))
        };
        all.iter().filter_map(line).collect()
    }

    /// Requires that nothing has changed since.
    #[track_caller]
    pub fn assert_same(&self, later: &Self) {
        let changes = self.changes(later);
        assert!(
            changes.is_empty(),
            "expected no change below {}:\n{}",
            self.root.display(),
            changes.join("\n")
        );
    }
}

fn is_left_out(path: &Path, whole: bool) -> bool {
    let (Some(name), Some(parent)) = (path.file_name().and_then(|n| n.to_str()), path.parent()) else {
        return false;
    };
    let in_git_dir = || parent.join("HEAD").is_file() && parent.join("refs").is_dir();
    let ours = || parent.ends_with("metawsm");
    match name {
        "objects" => in_git_dir(),
        _ if whole => false,
        "locks" => ours(),
        _ => name.starts_with("index.db") && ours(),
    }
}
