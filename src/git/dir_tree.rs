//! The tree of a directory as its files are: what git would store of it now, without storing anything.

use super::path::{join_nul, split_nul};
use super::refs::is_id;
use super::scratch::Scratch;
use super::status::PLAIN_INDEX;
use super::{EntryKind, GitError, GitResult, RepoPath, Repository, TreeEntry, command, probe};
use crate::sys::{Cmd, SysError};
use git2::{ObjectType, Oid, StatusOptions, StatusShow};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Most files and directories that are looked at; documents of one ticket are far fewer.
const MOST_ENTRIES: usize = 50_000;

/// A file, its size in bytes, and its bytes where they were wanted.
pub type SizedFile = (TreeEntry, u64, Option<Vec<u8>>);

/// Something in a directory that its tree could not hold, or that would lead out of it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Odd {
    path: RepoPath,
    what: &'static str,
}

impl Repository {
    /// The tree id of a directory (relative to the top, `/` between parts) of a worktree as its files are: those that
    /// git tracks there and those that it would, filters and modes as git would store them. Writes no object. `None`
    /// where the directory is not there, or git would store nothing of it. A link that leads out of it, a repository
    /// within it and whatever is neither file, directory nor link is an error that names it, as is a directory that
    /// lies behind a link.
    pub fn dir_tree(&self, worktree: &Path, dir: &str) -> GitResult<Option<String>> {
        let place = self.at(worktree)?;
        let dir = dir.trim_end_matches('/');
        if !RepoPath::from(dir).is_tame() {
            return Err(GitError::odd(format!("'{dir}' is no directory within a worktree.")));
        }
        if require_dir(place.dir(), dir)? {
            place.require_plain_files(dir)?;
        } else if !place.leaves_out_files()? {
            return Ok(None);
        }
        let quick = place.quick().filter(|repo| probe::may_judge(repo, &place));
        match quick.map(|repo| by_git2(&repo, place.dir(), dir)) {
            Some(Ok(tree)) => Ok(tree),
            _ => place.dir_tree_by_git(dir),
        }
    }

    /// The files of a directory as [`Repository::dir_tree`] sees it, each with the bytes that git would store of it;
    /// `None` in their place where `wanted` (given a file and its size in bytes) says so. Writes no object.
    pub fn dir_files(
        &self,
        worktree: &Path,
        dir: &str,
        wanted: &dyn Fn(&TreeEntry, u64) -> bool,
    ) -> GitResult<Vec<SizedFile>> {
        if self.dir_tree(worktree, dir)?.is_none() {
            return Ok(Vec::new());
        }
        let dir = dir.trim_end_matches('/');
        let place = self.at(worktree)?;
        let stored = place.stored(dir)?;
        let Some(tree) = &stored.tree else { return Ok(Vec::new()) };
        let mut files = Vec::new();
        let list = ["ls-tree", "-r", "-l", "-z", "--full-tree", tree];
        for line in split_nul(&stored.cmd().args(list).run()?.stdout) {
            let (entry, size) = sized_entry(line)?;
            let bytes = if wanted(&entry, size) {
                Some(stored.cmd().args(["cat-file", "blob", &entry.id]).run()?.stdout)
            } else {
                None
            };
            files.push((entry, size, bytes));
        }
        Ok(files)
    }

    /// The files of a tree in the same way.
    pub fn tree_files(
        &self,
        tree: &str,
        wanted: &dyn Fn(&TreeEntry, u64) -> bool,
    ) -> GitResult<Vec<SizedFile>> {
        let listed = self.question().args(["ls-tree", "-r", "-l", "-z", "--full-tree", tree]).run()?.stdout;
        let mut files = Vec::new();
        for line in split_nul(&listed) {
            let (entry, size) = sized_entry(line)?;
            let bytes = if wanted(&entry, size) { self.read_blob(&entry.id)? } else { None };
            files.push((entry, size, bytes));
        }
        Ok(files)
    }

    /// The files of a tree, each of which a directory may hold: no submodule, no link that leads out of the tree, no
    /// name that git itself would refuse to write.
    pub fn require_plain_tree(&self, tree: &str) -> GitResult<Vec<TreeEntry>> {
        let entries = self.list_tree(tree, "", true)?;
        for entry in &entries {
            let what = match (entry.kind, entry.mode & 0o170_000) {
                (EntryKind::Commit, _) => Some("a submodule"),
                (_, 0o120_000) => {
                    let target = self.read_blob(&entry.id)?.unwrap_or_default();
                    leads_out(entry.path.as_bytes(), &target).then_some("a link that leads out of it")
                }
                _ if !entry.path.is_tame() => Some("a name that git does not write"),
                _ => None,
            };
            if let Some(what) = what {
                return Err(GitError::odd(format!("{} is {what}.", entry.path)));
            }
        }
        Ok(entries)
    }

    /// Whether files that git tracks may rightly be missing on disk.
    fn leaves_out_files(&self) -> GitResult<bool> {
        self.config_flag("core.sparseCheckout")
    }

    fn require_plain_files(&self, dir: &str) -> GitResult<()> {
        let mut odd = Vec::new();
        let mut seen = 0;
        walk(self.dir(), &RepoPath::from(dir), dir, &mut |path, what| {
            odd.extend(what.map(|what| Odd { path: path.clone(), what }));
            seen += 1;
            seen <= MOST_ENTRIES
        })?;
        if seen > MOST_ENTRIES {
            return Err(GitError::odd(format!("{dir} holds more than {MOST_ENTRIES} files.")));
        }
        if odd.is_empty() {
            return Ok(());
        }
        // What git ignores is no part of the directory as git sees it.
        let paths = join_nul(odd.iter().map(|odd| &odd.path));
        // It takes no `--literal-pathspecs`, and no patterns either.
        let cmd = command::plain().cwd(self.dir()).args(["check-ignore", "-z", "--stdin"]).stdin(paths);
        let ignored = cmd.output()?.stdout;
        let ignored: Vec<_> = split_nul(&ignored).map(RepoPath::new).collect();
        match odd.into_iter().find(|odd| !ignored.contains(&odd.path)) {
            Some(Odd { path, what }) => Err(GitError::odd(format!("{path} is {what}."))),
            None => Ok(()),
        }
    }

    fn dir_tree_by_git(&self, dir: &str) -> GitResult<Option<String>> {
        Ok(self.stored(dir)?.tree)
    }

    /// Stages the directory in a copy of the index, with new objects beside the repository's own.
    fn stored(&self, dir: &str) -> GitResult<Stored<'_>> {
        let scratch = self.scratch()?;
        let index = scratch.copy_index(self)?;
        let info = scratch.join("objects").join("info");
        fs::create_dir_all(&info).map_err(|e| SysError::file("create", &info, e))?;
        let alternates = info.join("alternates");
        let mut line = RepoPath::of(&self.common_dir().join("objects")).as_bytes().to_vec();
        line.push(b'\n');
        fs::write(&alternates, line).map_err(|e| SysError::file("write", &alternates, e))?;
        self.clear_flags(&index, &self.flagged()?)?;
        let mut stored = Stored { place: self, scratch, tree: None };
        let listed = |what: &[&str]| stored.cmd().args(["ls-files", "-z"]).args(what).args(["--", dir]).run();
        let changed = ["--others", "--modified", "--deleted", "--unmerged", "--exclude-standard"];
        if !listed(&changed)?.stdout.is_empty() {
            let add = ["-c", "core.safecrlf=false", "add", "--all", "--sparse", "--", dir];
            stored.cmd().args(add).run()?;
        }
        if !listed(&["--cached"])?.stdout.is_empty() {
            let tree = stored.cmd().args(["write-tree", &format!("--prefix={dir}/")]).run()?.text();
            if !is_id(&tree) {
                return Err(GitError::odd(format!("git wrote no tree of {dir}")));
            }
            stored.tree = Some(tree);
        }
        Ok(stored)
    }
}

/// A directory stored apart from the repository; it goes when dropped.
struct Stored<'a> {
    place: &'a Repository,
    scratch: Scratch,
    tree: Option<String>,
}

impl Stored<'_> {
    /// A command that sees what was stored.
    fn cmd(&self) -> Cmd {
        let cmd = self.place.question().args(PLAIN_INDEX).env("GIT_INDEX_FILE", self.scratch.join("index"));
        cmd.env("GIT_OBJECT_DIRECTORY", self.scratch.join("objects"))
    }
}

/// A line of `ls-tree -l`: mode, kind, id, size, a tab, the path.
fn sized_entry(line: &[u8]) -> GitResult<(TreeEntry, u64)> {
    let parse = || {
        let tab = line.iter().position(|b| *b == b'\t')?;
        let mut words = std::str::from_utf8(&line[..tab]).ok()?.split_whitespace();
        let mode = u32::from_str_radix(words.next()?, 8).ok()?;
        let kind = if words.next()? == "commit" { EntryKind::Commit } else { EntryKind::Blob };
        let id = words.next()?.to_owned();
        let size = words.next()?.parse().unwrap_or(0);
        Some((TreeEntry { mode, kind, id, path: RepoPath::new(&line[tab + 1..]) }, size))
    };
    parse().ok_or_else(|| GitError::odd("'git ls-tree' answered a line without mode, id, size and path."))
}

/// Whether a directory below a worktree is there; a link or a file on the way is an error.
fn require_dir(top: &Path, dir: &str) -> GitResult<bool> {
    let mut at = top.to_owned();
    for part in dir.split('/') {
        at.push(part);
        let Ok(meta) = at.symlink_metadata() else { return Ok(false) };
        if meta.file_type().is_symlink() {
            return Err(GitError::odd(format!(
                "{} is a link, so what lies behind it is left alone.",
                at.display()
            )));
        }
        if !meta.is_dir() {
            return Err(GitError::odd(format!("{} is not a directory.", at.display())));
        }
    }
    Ok(true)
}

/// Tells each thing at and below a directory, and what is odd about it; stops where it is told to.
fn walk(
    top: &Path,
    path: &RepoPath,
    dir: &str,
    tell: &mut dyn FnMut(&RepoPath, Option<&'static str>) -> bool,
) -> GitResult<bool> {
    let on_disk = path.under(top);
    let entries = fs::read_dir(&on_disk).map_err(|e| SysError::file("list", &on_disk, e))?;
    for entry in entries {
        let entry = entry.map_err(|e| SysError::file("list", &on_disk, e))?.path();
        let path = RepoPath::of(entry.strip_prefix(top).unwrap_or(&entry));
        // Somebody may be at work there.
        let Ok(meta) = entry.symlink_metadata() else { continue };
        let kind = meta.file_type();
        let what = if kind.is_symlink() {
            let target = fs::read_link(&entry).unwrap_or_default();
            let within = path.as_bytes().get(dir.len() + 1..).unwrap_or_default();
            leads_out(within, RepoPath::of(&target).as_bytes())
                .then_some("a link that leads out of its directory")
        } else if kind.is_fifo() {
            Some("a named pipe")
        } else if kind.is_socket() {
            Some("a socket")
        } else if kind.is_dir() {
            entry.join(".git").symlink_metadata().is_ok().then_some("a repository of its own")
        } else if kind.is_file() {
            None
        } else {
            Some("a device")
        };
        if !tell(&path, what) {
            return Ok(false);
        }
        if kind.is_dir() && what.is_none() && !walk(top, &path, dir, tell)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether a link at a path (relative to a directory) leads out of that directory, as its text says.
fn leads_out(path: &[u8], target: &[u8]) -> bool {
    if target.first() == Some(&b'/') {
        return true;
    }
    let mut depth = path.split(|b| *b == b'/').count() - 1;
    for part in target.split(|b| *b == b'/') {
        match part {
            b"" | b"." => {}
            b".." if depth == 0 => return true,
            b".." => depth -= 1,
            _ => depth += 1,
        }
    }
    false
}

type Files = BTreeMap<Vec<u8>, (u32, Oid)>;

/// By libgit2, where the bytes on disk are those that git would store: from the index, and from the files where those
/// differ.
fn by_git2(repo: &git2::Repository, top: &Path, dir: &str) -> Result<Option<String>, git2::Error> {
    let mut options = StatusOptions::new();
    options.show(StatusShow::IndexAndWorkdir).include_untracked(true).recurse_untracked_dirs(true);
    options.include_ignored(false).update_index(false).pathspec(dir).disable_pathspec_match(true);
    let below = [dir.as_bytes(), b"/"].concat();
    let mut files = Files::new();
    for entry in repo.index()?.iter() {
        if let Some(name) = entry.path.strip_prefix(below.as_slice()) {
            files.insert(name.to_vec(), (entry.mode, entry.id));
        }
    }
    for entry in repo.statuses(Some(&mut options))?.iter() {
        let path = RepoPath::new(entry.path_bytes());
        let Some(name) = path.as_bytes().strip_prefix(below.as_slice()) else { continue };
        if entry.status() == git2::Status::CURRENT || entry.status().is_ignored() {
            continue;
        }
        match on_disk(&path.under(top))? {
            Some(file) => drop(files.insert(name.to_vec(), file)),
            None => drop(files.remove(name)),
        }
    }
    tree_of(files)
}

/// Mode and id of a file or link; `None` where neither is there.
fn on_disk(path: &PathBuf) -> Result<Option<(u32, Oid)>, git2::Error> {
    let Ok(meta) = path.symlink_metadata() else { return Ok(None) };
    if meta.file_type().is_symlink() {
        let target = fs::read_link(path).map_err(|e| git2::Error::from_str(&e.to_string()))?;
        let id = Oid::hash_object(ObjectType::Blob, RepoPath::of(&target).as_bytes())?;
        return Ok(Some((0o120_000, id)));
    }
    if !meta.is_file() {
        return Ok(None);
    }
    let mode = if meta.permissions().mode() & 0o100 == 0 { 0o100_644 } else { 0o100_755 };
    Ok(Some((mode, Oid::hash_file(ObjectType::Blob, path)?)))
}

/// The id of the tree that holds these files; `None` where there are none.
fn tree_of(files: Files) -> Result<Option<String>, git2::Error> {
    let mut entries: BTreeMap<Vec<u8>, (u32, Oid)> = BTreeMap::new();
    let mut below: BTreeMap<Vec<u8>, Files> = BTreeMap::new();
    for (path, file) in files {
        match path.iter().position(|b| *b == b'/') {
            Some(at) => {
                below.entry(path[..at].to_vec()).or_default().insert(path[at + 1..].to_vec(), file);
            }
            None => drop(entries.insert(path, file)),
        }
    }
    for (name, files) in below {
        if let Some(id) = tree_of(files)? {
            // git sorts a directory as if its name ended in a slash.
            entries.insert([name.as_slice(), b"/"].concat(), (0o040_000, Oid::from_str(&id)?));
        }
    }
    if entries.is_empty() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    for (name, (mode, id)) in entries {
        bytes.extend_from_slice(format!("{mode:o} ").as_bytes());
        bytes.extend_from_slice(name.strip_suffix(b"/").unwrap_or(&name));
        bytes.push(0);
        bytes.extend_from_slice(id.as_bytes());
    }
    Ok(Some(Oid::hash_object(ObjectType::Tree, &bytes)?.to_string()))
}

#[cfg(test)]
#[path = "dir_tree_tests.rs"]
mod tests;
