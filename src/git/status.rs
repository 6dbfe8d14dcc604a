//! What differs from HEAD in a worktree, as git sees it and as flags hide it.

use super::path::{join_nul, split_nul};
use super::{GitError, GitResult, Judge, RepoPath, Repository};
use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

/// How a path is dirty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DirtKind {
    /// Changed, deleted or of another type in the worktree.
    Modified,
    /// The index differs from HEAD (the worktree may differ too).
    Staged,
    /// Neither tracked nor ignored.
    Untracked,
    /// A conflict that is not resolved.
    Conflicted,
    /// An untracked repository within the worktree.
    NestedRepository,
    /// A submodule with another commit, changes or untracked files.
    Submodule,
    /// Changed behind the flag assume-unchanged.
    AssumeUnchanged,
    /// Changed behind the flag skip-worktree.
    SkipWorktree,
}

impl fmt::Display for DirtKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Modified => "modified",
            Self::Staged => "staged",
            Self::Untracked => "untracked",
            Self::Conflicted => "conflicted",
            Self::NestedRepository => "nested repository",
            Self::Submodule => "submodule",
            Self::AssumeUnchanged => "modified, hidden by assume-unchanged",
            Self::SkipWorktree => "modified, hidden by skip-worktree",
        })
    }
}

/// A dirty path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dirty {
    /// The path; a nested repository ends in `/`.
    pub path: RepoPath,
    /// How it is dirty.
    pub what: DirtKind,
}

/// What `git status` lists.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub dirty: Vec<Dirty>,
    pub ignored: Vec<RepoPath>,
    /// Directories that git could not look into, and said nothing of but a warning.
    pub unread: Vec<RepoPath>,
}

/// Configuration under which a copy of the index stands alone and shows every entry.
pub(super) const PLAIN_INDEX: [&str; 6] =
    ["-c", "core.splitIndex=false", "-c", "index.sparse=false", "-c", "core.sparseCheckout=false"];

impl Repository {
    /// Everything dirty in this worktree as git sees it, the hidden edits included; sorted.
    pub(super) fn dirt_by_git(&self) -> GitResult<Vec<Dirty>> {
        let mut dirty = self.listing(false)?.dirty;
        let known: BTreeSet<_> = dirty.iter().map(|d| d.path.clone()).collect();
        dirty.extend(self.hidden_dirt()?.into_iter().filter(|d| !known.contains(&d.path)));
        one_per_path(&mut dirty);
        Ok(dirty)
    }

    /// `git status` with nothing left out; ignored files too if asked for (an ignored directory is one entry that
    /// ends in `/`).
    pub(super) fn listing(&self, ignored: bool) -> GitResult<Listing> {
        let cmd = self.question().args(["status", "--porcelain=v2", "-z", "--untracked-files=all"]);
        let cmd = cmd.args(["--ignore-submodules=none", "--no-renames"]);
        let cmd = if ignored { cmd.arg("--ignored=matching") } else { cmd };
        let output = cmd.run()?;
        let mut listing = parse(&output.stdout)?;
        listing.unread = unread(&output.stderr);
        Ok(listing)
    }

    /// The ignored files of a worktree; an ignored directory is one entry that ends in `/`.
    pub fn ignored_files(&self, worktree: &Path) -> GitResult<Vec<RepoPath>> {
        Ok(self.at(worktree)?.listing(true)?.ignored)
    }

    /// Edits behind the flags assume-unchanged and skip-worktree: both git and libgit2 call them clean. A file
    /// that skip-worktree leaves out (a sparse checkout) is no edit.
    fn hidden_dirt(&self) -> GitResult<Vec<Dirty>> {
        let flagged = self.flagged()?;
        if flagged.is_empty() {
            return Ok(Vec::new());
        }
        let scratch = self.scratch()?;
        let index = scratch.copy_index(self)?;
        self.clear_flags(&index, &flagged)?;
        let cmd = || self.question().args(PLAIN_INDEX).env("GIT_INDEX_FILE", &index);
        // Exit 1 means that something differs, which is the question.
        cmd().args(["update-index", "-q", "--refresh"]).output()?;
        let differs =
            cmd().args(["diff-files", "-z", "--name-only", "--ignore-submodules=none"]).run()?.stdout;
        let differs: BTreeSet<_> = split_nul(&differs).map(RepoPath::new).collect();
        Ok(flagged.into_iter().filter(|d| differs.contains(&d.path)).collect())
    }

    /// The index entries with a flag that hides edits, those that skip-worktree rightly leaves out excepted.
    pub(super) fn flagged(&self) -> GitResult<Vec<Dirty>> {
        let Some(top) = self.worktree() else { return Ok(Vec::new()) };
        let bytes = self.question().args(["ls-files", "-v", "-z"]).run()?.stdout;
        let mut flagged = Vec::new();
        for line in split_nul(&bytes) {
            let [tag, b' ', path @ ..] = line else {
                return Err(GitError::odd("'git ls-files' answered a line without a tag."));
            };
            let path = RepoPath::new(path);
            match tag {
                b'S' | b's' if path.under(top).symlink_metadata().is_ok() => {
                    flagged.push(Dirty { path, what: DirtKind::SkipWorktree });
                }
                b'S' | b's' => {}
                _ if tag.is_ascii_lowercase() => {
                    flagged.push(Dirty { path, what: DirtKind::AssumeUnchanged });
                }
                _ => {}
            }
        }
        Ok(flagged)
    }

    /// Clears the flags of these entries in a copy of the index.
    pub(super) fn clear_flags(&self, index: &Path, flagged: &[Dirty]) -> GitResult<()> {
        if flagged.is_empty() {
            return Ok(());
        }
        let paths = join_nul(flagged.iter().map(|d| &d.path));
        for flag in ["--no-assume-unchanged", "--no-skip-worktree"] {
            let cmd = self.question().args(PLAIN_INDEX).env("GIT_INDEX_FILE", index);
            cmd.args(["update-index", flag, "-z", "--stdin"]).stdin(paths.clone()).run()?;
        }
        Ok(())
    }

    /// The paths in this worktree's index, by who has judged the worktree.
    pub(super) fn tracked(&self, judge: Judge) -> GitResult<BTreeSet<RepoPath>> {
        let quick = self.quick().filter(|_| judge == Judge::Git2);
        if let Some(Ok(index)) = quick.map(|repo| repo.index()) {
            return Ok(index.iter().map(|entry| RepoPath::new(entry.path)).collect());
        }
        let bytes = self.question().args(["ls-files", "-z"]).run()?.stdout;
        Ok(split_nul(&bytes).map(RepoPath::new).collect())
    }
}

/// Sorts, and lets a path that is both staged and untracked (`git rm --cached`) count once.
pub(super) fn one_per_path(dirty: &mut Vec<Dirty>) {
    dirty.sort();
    dirty.dedup_by(|later, first| later.path == first.path);
}

fn unread(stderr: &[u8]) -> Vec<RepoPath> {
    let path = |line: &[u8]| {
        let rest = line.strip_prefix(b"warning: could not open directory '")?;
        let end = rest.windows(3).position(|w| w == b"': ")?;
        Some(RepoPath::new(&rest[..end]))
    };
    stderr.split(|b| *b == b'\n').filter_map(path).collect()
}

fn parse(bytes: &[u8]) -> GitResult<Listing> {
    let mut listing = Listing::default();
    let mut lines = split_nul(bytes);
    while let Some(line) = lines.next() {
        let odd = || GitError::odd("'git status' answered a line that cannot be understood.");
        let (kind, rest) = line.split_at_checked(2).ok_or_else(odd)?;
        // The number of words before the path.
        let (words, renamed) = match kind {
            b"1 " => (7, false),
            b"2 " => (8, true),
            b"u " => (9, false),
            b"? " => (0, false),
            b"! " => {
                listing.ignored.push(RepoPath::new(rest));
                continue;
            }
            _ => continue,
        };
        let fields: Vec<_> = rest.splitn(words + 1, |b| *b == b' ').collect();
        let path = RepoPath::new(*fields.get(words).ok_or_else(odd)?);
        let what = match kind {
            b"? " if path.as_bytes().ends_with(b"/") => DirtKind::NestedRepository,
            b"? " => DirtKind::Untracked,
            b"u " => DirtKind::Conflicted,
            _ => changed(fields[0], fields[1]),
        };
        listing.dirty.push(Dirty { path, what });
        if renamed && let Some(from) = lines.next() {
            listing.dirty.push(Dirty { path: RepoPath::new(from), what: DirtKind::Staged });
        }
    }
    Ok(listing)
}

fn changed(xy: &[u8], submodule: &[u8]) -> DirtKind {
    let [index, worktree] = xy else { return DirtKind::Modified };
    let is_submodule = submodule.first() == Some(&b'S');
    if is_submodule && (*worktree != b'.' || submodule != b"S...") {
        DirtKind::Submodule
    } else if *index != b'.' {
        DirtKind::Staged
    } else {
        DirtKind::Modified
    }
}
