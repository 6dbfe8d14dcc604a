//! Which files of a worktree a rescue saves, drops or cannot save.

use super::{DirtKind, GitResult, Judge, RepoPath, Repository, RescueLimits};
use crate::sys::files;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Metadata};
use std::path::{Path, PathBuf};

/// A file to be saved.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Item {
    /// Where it belongs in the tree.
    pub path: RepoPath,
    /// Where it lies; nothing there: it was deleted.
    pub from: PathBuf,
}

/// The sorted files of a worktree.
#[derive(Debug, Default)]
pub(super) struct Haul {
    /// To be saved: changed, deleted, untracked and ignored files.
    pub save: Vec<Item>,
    /// Their bytes.
    pub bytes: u64,
    /// Left behind, each for people.
    pub dropped: Vec<String>,
    /// What keeps the rescue from being whole, each with the reason.
    pub refused: Vec<String>,
}

const NESTED: &str = "a repository of its own";

/// The first line of a valid CACHEDIR.TAG.
const CACHE_SIGNATURE: &[u8] = b"Signature: 8a477f597d28d172789f06886806bc55";

struct Sorter<'a> {
    top: &'a Path,
    limits: &'a RescueLimits,
    tracked: BTreeSet<RepoPath>,
    known: BTreeMap<(RepoPath, bool), bool>,
    haul: Haul,
    sizes: Vec<(u64, RepoPath)>,
}

impl Haul {
    /// Takes files from beside the worktree along.
    pub(super) fn add_beside(&mut self, beside: &[(RepoPath, PathBuf)]) {
        for (path, from) in beside {
            self.bytes += from.symlink_metadata().map_or(0, |meta| meta.len());
            self.save.push(Item { path: path.clone(), from: from.clone() });
        }
    }
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
    for path in &listing.unread {
        sorter.refuse(path, "git cannot read this directory");
    }
    for dirty in place.dirt_by_git()? {
        match dirty.what {
            DirtKind::Untracked | DirtKind::NestedRepository => sorter.untracked(&dirty.path, false),
            DirtKind::Submodule => sorter.refuse(&dirty.path, "a submodule with changes"),
            _ => sorter.file(&dirty.path),
        }
    }
    for path in &listing.ignored {
        sorter.untracked(path, true);
    }
    sorter.hidden_repositories();
    for (path, why) in place.submodules_with_work()? {
        sorter.refuse(&path, why);
    }
    for name in place.unpublished_modules() {
        sorter.refuse(&RepoPath::from(name), "a submodule with commits that no remote holds");
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

    fn untracked(&mut self, path: &RepoPath, ignored: bool) {
        let bytes = path.as_bytes().strip_suffix(b"/").unwrap_or(path.as_bytes()).to_vec();
        let slashes = bytes.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(at, _)| at);
        let ends: Vec<_> = slashes.chain([bytes.len()]).collect();
        for end in ends {
            let part = RepoPath::new(&bytes[..end]);
            if self.is_disposable(&part, ignored) {
                let text = format!("{part}/");
                if !self.haul.dropped.contains(&text) {
                    self.haul.dropped.push(text);
                }
                return;
            }
        }
        self.walk(&RepoPath::new(bytes), ignored);
    }

    /// Takes a file, or everything below a directory.
    fn walk(&mut self, path: &RepoPath, ignored: bool) {
        let on_disk = path.under(self.top);
        if !on_disk.symlink_metadata().is_ok_and(|m| m.is_dir()) {
            self.file(path);
            return;
        }
        if self.is_disposable(path, ignored) {
            self.haul.dropped.push(format!("{path}/"));
            return;
        }
        if on_disk.join(".git").symlink_metadata().is_ok() {
            self.refuse(path, NESTED);
            return;
        }
        let below = fs::read_dir(&on_disk).and_then(|entries| {
            let paths = entries.map(|entry| entry.map(|entry| entry.path()));
            paths.collect::<Result<Vec<_>, _>>()
        });
        match below {
            Ok(mut below) => {
                below.sort();
                for entry in below {
                    self.walk(&RepoPath::of(entry.strip_prefix(self.top).unwrap_or(&entry)), ignored);
                }
            }
            Err(e) => self.refuse(path, &format!("it cannot be listed: {e}")),
        }
    }

    fn file(&mut self, path: &RepoPath) {
        let from = path.under(self.top);
        let meta = from.symlink_metadata();
        match meta {
            Ok(meta) if is_special(&meta) => self.haul.dropped.push(format!("{path} (no regular file)")),
            meta => {
                if let Ok(meta) = meta
                    && meta.is_file()
                {
                    self.sizes.push((meta.len(), path.clone()));
                    if let Err(e) = File::open(&from) {
                        self.refuse(path, &format!("it cannot be read: {e}"));
                    }
                }
                self.haul.save.push(Item { path: path.clone(), from });
            }
        }
    }

    /// Repositories in directories that also hold tracked files: git lists nothing of them.
    fn hidden_repositories(&mut self) {
        let mut dirs = BTreeSet::new();
        for path in &self.tracked {
            let slashes = path.as_bytes().iter().enumerate().filter(|(_, b)| **b == b'/');
            dirs.extend(slashes.map(|(at, _)| RepoPath::new(&path.as_bytes()[..at])));
        }
        for dir in dirs {
            if dir.under(self.top).join(".git").symlink_metadata().is_ok() {
                self.refuse(&dir, NESTED);
            }
        }
    }

    /// Whether a directory can be made again from the rest. A name alone says so only of what is ignored: a new
    /// `src/target/` that nobody ignores is work. One that holds a tracked file never counts: what lies beside it
    /// may be work.
    fn is_disposable(&mut self, dir: &RepoPath, ignored: bool) -> bool {
        let key = (dir.clone(), ignored);
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let on_disk = dir.under(self.top);
        let verdict = on_disk.symlink_metadata().is_ok_and(|m| m.is_dir())
            && ((ignored && self.is_named(dir)) || is_cache(&on_disk))
            && !self.holds_tracked(dir);
        self.known.insert(key, verdict);
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
        self.haul.bytes = total;
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
    /// Submodules checked out here that hold files or commits which are nowhere else: their repositories lie in this
    /// worktree's git directory and go with it.
    fn submodules_with_work(&self) -> GitResult<Vec<(RepoPath, &'static str)>> {
        let bytes = self.question().args(["ls-files", "--stage", "-z"]).run()?.stdout;
        let mut found = Vec::new();
        for line in super::path::split_nul(&bytes).filter(|line| line.starts_with(b"160000 ")) {
            let Some(tab) = line.iter().position(|b| *b == b'\t') else { continue };
            let path = RepoPath::new(&line[tab + 1..]);
            let dir = path.under(self.dir());
            if dir.join(".git").symlink_metadata().is_err() {
                continue;
            }
            let Some(sub) = Self::discover(&dir)? else {
                found.push((path, "a submodule that git cannot read"));
                continue;
            };
            let ask = ["for-each-ref", "--count=1", "--contains=HEAD", "refs/remotes"];
            let held =
                sub.question().args(ask).output().is_ok_and(|o| o.exit.is_ok() && !o.stdout.is_empty());
            if !held {
                found.push((path, "a submodule with commits that no remote holds"));
            } else if !sub.listing(true)?.ignored.is_empty() || !sub.dirt_by_git()?.is_empty() {
                found.push((path, "a submodule with files of its own"));
            } else if !sub.submodules_with_work()?.is_empty() {
                found.push((path, "a submodule with work in a submodule of its own"));
            }
        }
        Ok(found)
    }
}
