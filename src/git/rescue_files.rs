//! Which files of a worktree a rescue saves, drops or cannot save.

use super::{DirtKind, GitResult, Judge, RepoPath, Repository, RescueLimits};
use crate::sys::{SysError, files};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::path::Path;

/// The sorted files of a worktree.
#[derive(Debug, Default)]
pub(super) struct Haul {
    /// To be saved: changed, deleted, untracked and ignored files.
    pub save: Vec<RepoPath>,
    /// Left behind, each for people.
    pub dropped: Vec<String>,
    /// What keeps the rescue from being whole, each with the reason.
    pub refused: Vec<String>,
}

/// The first line of a valid CACHEDIR.TAG.
const CACHE_SIGNATURE: &[u8] = b"Signature: 8a477f597d28d172789f06886806bc55";

struct Sorter<'a> {
    top: &'a Path,
    limits: &'a RescueLimits,
    tracked: BTreeSet<RepoPath>,
    known: BTreeMap<RepoPath, bool>,
    haul: Haul,
    sizes: Vec<(u64, RepoPath)>,
}

/// Sorts everything in this worktree that its HEAD commit does not hold.
pub(super) fn haul(place: &Repository, limits: &RescueLimits) -> GitResult<Haul> {
    let listing = place.listing(true)?;
    let mut sorter = Sorter {
        top: place.dir(),
        limits,
        tracked: place.tracked(Judge::Git)?,
        known: BTreeMap::new(),
        haul: Haul::default(),
        sizes: Vec::new(),
    };
    for dirty in place.dirt_by_git()? {
        match dirty.what {
            DirtKind::Untracked | DirtKind::NestedRepository => sorter.untracked(&dirty.path)?,
            DirtKind::Submodule => sorter.refuse(&dirty.path, "a submodule with changes"),
            _ => sorter.file(&dirty.path),
        }
    }
    for path in &listing.ignored {
        sorter.untracked(path)?;
    }
    for path in place.unpublished_submodules()? {
        sorter.refuse(&path, "a submodule with commits that no remote holds");
    }
    Ok(sorter.finish())
}

impl Sorter<'_> {
    fn refuse(&mut self, path: &RepoPath, why: &str) {
        let text = format!("{path} ({why})");
        if !self.haul.refused.contains(&text) {
            self.haul.refused.push(text);
        }
    }

    fn untracked(&mut self, path: &RepoPath) -> GitResult<()> {
        let bytes = path.as_bytes().strip_suffix(b"/").unwrap_or(path.as_bytes()).to_vec();
        let slashes = bytes.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(at, _)| at);
        let ends: Vec<_> = slashes.chain([bytes.len()]).collect();
        for end in ends {
            let part = RepoPath::new(&bytes[..end]);
            if self.is_disposable(&part) {
                let text = format!("{part}/");
                if !self.haul.dropped.contains(&text) {
                    self.haul.dropped.push(text);
                }
                return Ok(());
            }
        }
        self.walk(&RepoPath::new(bytes))
    }

    /// Takes a file, or everything below a directory.
    fn walk(&mut self, path: &RepoPath) -> GitResult<()> {
        let on_disk = path.under(self.top);
        if !on_disk.symlink_metadata().is_ok_and(|m| m.is_dir()) {
            self.file(path);
            return Ok(());
        }
        if self.is_disposable(path) {
            self.haul.dropped.push(format!("{path}/"));
            return Ok(());
        }
        if on_disk.join(".git").symlink_metadata().is_ok() {
            self.refuse(path, "a repository of its own");
            return Ok(());
        }
        let failed = |e| SysError::file("list", &on_disk, e);
        let mut below = Vec::new();
        for entry in fs::read_dir(&on_disk).map_err(failed)? {
            below.push(entry.map_err(failed)?.path());
        }
        below.sort();
        for entry in below {
            self.walk(&RepoPath::of(entry.strip_prefix(self.top).unwrap_or(&entry)))?;
        }
        Ok(())
    }

    fn file(&mut self, path: &RepoPath) {
        let meta = path.under(self.top).symlink_metadata();
        match meta {
            Ok(meta) if is_special(&meta) => self.haul.dropped.push(format!("{path} (no regular file)")),
            meta => {
                if let Ok(meta) = meta
                    && meta.is_file()
                {
                    self.sizes.push((meta.len(), path.clone()));
                }
                self.haul.save.push(path.clone());
            }
        }
    }

    /// Whether a directory can be made again from the rest. One that holds a tracked file never counts: what lies
    /// beside it may be work.
    fn is_disposable(&mut self, dir: &RepoPath) -> bool {
        if let Some(known) = self.known.get(dir) {
            return *known;
        }
        let on_disk = dir.under(self.top);
        let verdict = on_disk.symlink_metadata().is_ok_and(|m| m.is_dir())
            && (self.is_named(dir) || is_cache(&on_disk))
            && !self.holds_tracked(dir);
        self.known.insert(dir.clone(), verdict);
        verdict
    }

    fn is_named(&self, dir: &RepoPath) -> bool {
        self.limits.disposable.iter().any(|name| {
            let name = name.trim_end_matches('/');
            if name.contains('/') { dir == name } else { dir.name() == name.as_bytes() }
        })
    }

    fn holds_tracked(&self, dir: &RepoPath) -> bool {
        let prefix = [dir.as_bytes(), b"/"].concat();
        let next = self.tracked.range(RepoPath::new(prefix.clone())..).next();
        next.is_some_and(|path| path.as_bytes().starts_with(&prefix))
    }

    fn finish(mut self) -> Haul {
        let mut large = Vec::new();
        for (size, path) in &self.sizes {
            if *size > self.limits.max_file {
                large.push(format!("{path} ({size} bytes, at most {} are saved)", self.limits.max_file));
            }
        }
        let total: u64 = self.sizes.iter().map(|(size, _)| size).sum();
        if total > self.limits.max_total {
            self.sizes.sort_by(|a, b| b.cmp(a));
            let largest: Vec<_> = self.sizes.iter().take(5).map(|(_, path)| path.to_string()).collect();
            let most = self.limits.max_total;
            large.push(format!(
                "{total} bytes in all, at most {most} are saved; largest: {}",
                largest.join(", ")
            ));
        }
        self.haul.refused.extend(large);
        self.haul.save.sort();
        self.haul.save.dedup();
        self.haul
    }
}

fn is_special(meta: &Metadata) -> bool {
    !(meta.is_file() || meta.is_dir() || meta.is_symlink())
}

fn is_cache(dir: &Path) -> bool {
    let tag = files::find_foreign(&dir.join("CACHEDIR.TAG"), 64 << 10);
    tag.is_ok_and(|bytes| bytes.is_some_and(|b| b.starts_with(CACHE_SIGNATURE)))
}

impl Repository {
    /// Submodules checked out here whose commit no remote-tracking branch contains: their repositories lie in
    /// this worktree's git directory and go with it.
    fn unpublished_submodules(&self) -> GitResult<Vec<RepoPath>> {
        let bytes = self.question().args(["ls-files", "--stage", "-z"]).run()?.stdout;
        let mut found = Vec::new();
        for line in super::path::split_nul(&bytes).filter(|line| line.starts_with(b"160000 ")) {
            let Some(tab) = line.iter().position(|b| *b == b'\t') else { continue };
            let path = RepoPath::new(&line[tab + 1..]);
            let dir = path.under(self.dir());
            if dir.join(".git").symlink_metadata().is_err() {
                continue;
            }
            let held = Self::discover(&dir)?.is_some_and(|sub| {
                let ask = ["for-each-ref", "--count=1", "--contains=HEAD", "refs/remotes"];
                sub.question().args(ask).output().is_ok_and(|o| o.exit.is_ok() && !o.stdout.is_empty())
            });
            if !held {
                found.push(path);
            }
        }
        Ok(found)
    }
}
