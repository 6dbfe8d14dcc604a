//! Questions about trees and the files in them.

use super::refs::found;
use super::{GitError, GitResult, RepoPath, Repository};
use std::path::Path;

/// What a tree entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A file or a symbolic link.
    Blob,
    /// A directory.
    Tree,
    /// A submodule's commit.
    Commit,
}

/// An entry of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeEntry {
    /// The mode, such as `0o100_644`.
    pub mode: u32,
    /// What it is.
    pub kind: EntryKind,
    /// The object's id.
    pub id: String,
    /// Where it is, from the top of the tree.
    pub path: RepoPath,
}

impl Repository {
    /// The tree of a commit (or of anything that leads to a tree).
    pub fn tree_id(&self, treeish: &str) -> GitResult<Option<String>> {
        self.object_id(&format!("{treeish}^{{tree}}"))
    }

    /// The id of what lies at a path of a commit or tree; `None` where nothing does.
    pub fn path_id(&self, treeish: &str, path: &str) -> GitResult<Option<String>> {
        if path.is_empty() {
            return self.tree_id(treeish);
        }
        self.answer(
            |repo| {
                let tree = repo.revparse_single(treeish)?.peel_to_tree()?;
                Ok(found(tree.get_path(Path::new(path)))?.map(|entry| entry.id().to_string()))
            },
            || self.object_id(&format!("{treeish}:{path}")),
        )
    }

    fn object_id(&self, spec: &str) -> GitResult<Option<String>> {
        if spec.starts_with('-') || spec.contains(['\0', '\n']) {
            return Ok(None);
        }
        self.answer(
            |repo| Ok(found(repo.revparse_single(spec))?.map(|object| object.id().to_string())),
            || self.ask_id(&["rev-parse", "--verify", "--quiet", spec], true),
        )
    }

    /// The bytes of a file in a commit or tree; `None` where there is no file.
    pub fn read_file(&self, treeish: &str, path: &str) -> GitResult<Option<Vec<u8>>> {
        let Some(id) = self.path_id(treeish, path)? else { return Ok(None) };
        self.read_blob(&id)
    }

    /// The bytes of a blob; `None` where the id names none.
    pub fn read_blob(&self, id: &str) -> GitResult<Option<Vec<u8>>> {
        self.blobs().read(id)
    }

    /// A reader of many blobs.
    pub fn blobs(&self) -> Blobs<'_> {
        Blobs { repository: self, quick: self.take_opened() }
    }

    /// The entries at and below a directory of a commit or tree (`""` for the top): its files at any depth where
    /// `recursive`, else its direct entries. Empty where there is no such directory.
    pub fn list_tree(&self, treeish: &str, path: &str, recursive: bool) -> GitResult<Vec<TreeEntry>> {
        let Some(id) = self.path_id(treeish, path)? else { return Ok(Vec::new()) };
        let prefix = if path.is_empty() { String::new() } else { format!("{}/", path.trim_end_matches('/')) };
        self.answer(
            |repo| list_by_git2(repo, &id, &prefix, recursive),
            || self.list_by_git(&id, &prefix, recursive),
        )
    }

    fn blob_by_git(&self, id: &str) -> GitResult<Option<Vec<u8>>> {
        let kind = self.question().args(["cat-file", "-t", id]).output()?;
        if !kind.exit.is_ok() || kind.text() != "blob" {
            return Ok(None);
        }
        Ok(Some(self.question().args(["cat-file", "blob", id]).run()?.stdout))
    }

    fn list_by_git(&self, id: &str, prefix: &str, recursive: bool) -> GitResult<Vec<TreeEntry>> {
        let kind = self.question().args(["cat-file", "-t", id]).run()?.text();
        if kind != "tree" {
            return Ok(Vec::new());
        }
        let mut cmd = self.question().args(["ls-tree", "-z", "--full-tree"]);
        if recursive {
            cmd = cmd.arg("-r");
        }
        let bytes = cmd.arg(id).run()?.stdout;
        super::path::split_nul(&bytes).map(|line| entry_of(line, prefix)).collect()
    }
}

/// Reads the blobs of a repository, which is opened once for all of them.
pub struct Blobs<'a> {
    repository: &'a Repository,
    quick: Option<git2::Repository>,
}

impl Blobs<'_> {
    /// The bytes of a blob; `None` where the id names none.
    pub fn read(&self, id: &str) -> GitResult<Option<Vec<u8>>> {
        match self.quick.as_ref().map(|repo| blob_by_git2(repo, id)) {
            Some(Ok(bytes)) => Ok(bytes),
            _ => self.repository.blob_by_git(id),
        }
    }
}

impl Drop for Blobs<'_> {
    fn drop(&mut self) {
        if let Some(repo) = self.quick.take() {
            self.repository.put_back(repo);
        }
    }
}

fn blob_by_git2(repo: &git2::Repository, id: &str) -> Result<Option<Vec<u8>>, git2::Error> {
    let object = repo.find_object(git2::Oid::from_str(id)?, None)?;
    Ok(object.as_blob().map(|blob| blob.content().to_vec()))
}

fn entry_of(line: &[u8], prefix: &str) -> GitResult<TreeEntry> {
    let parse = || {
        let tab = line.iter().position(|b| *b == b'\t')?;
        let mut words = std::str::from_utf8(&line[..tab]).ok()?.split(' ');
        let mode = u32::from_str_radix(words.next()?, 8).ok()?;
        words.next()?;
        let id = words.next()?.to_owned();
        let path = [prefix.as_bytes(), &line[tab + 1..]].concat();
        Some(TreeEntry { mode, kind: kind_of(mode), id, path: RepoPath::new(path) })
    };
    parse().ok_or_else(|| GitError::odd("'git ls-tree' answered a line without mode, id and path."))
}

fn kind_of(mode: u32) -> EntryKind {
    match mode & 0o170_000 {
        0o040_000 => EntryKind::Tree,
        0o160_000 => EntryKind::Commit,
        _ => EntryKind::Blob,
    }
}

fn list_by_git2(
    repo: &git2::Repository,
    id: &str,
    prefix: &str,
    recursive: bool,
) -> Result<Vec<TreeEntry>, git2::Error> {
    let object = repo.find_object(git2::Oid::from_str(id)?, None)?;
    let Some(tree) = object.as_tree() else { return Ok(Vec::new()) };
    let mut entries = Vec::new();
    // Depth first by hand: libgit2's own walk stops at a directory whose name is not UTF-8.
    let mut stack = entries_of(tree, prefix.as_bytes());
    stack.reverse();
    while let Some(entry) = stack.pop() {
        if recursive && entry.kind == EntryKind::Tree {
            let below = repo.find_tree(git2::Oid::from_str(&entry.id)?)?;
            let prefix = [entry.path.as_bytes(), b"/"].concat();
            stack.extend(entries_of(&below, &prefix).into_iter().rev());
        } else {
            entries.push(entry);
        }
    }
    Ok(entries)
}

fn entries_of(tree: &git2::Tree<'_>, prefix: &[u8]) -> Vec<TreeEntry> {
    let of = |entry: git2::TreeEntry<'_>| {
        let mode = entry.filemode_raw().cast_unsigned();
        let path = RepoPath::new([prefix, entry.name_bytes()].concat());
        TreeEntry { mode, kind: kind_of(mode), id: entry.id().to_string(), path }
    };
    tree.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::Sandbox;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn trees_read_the_same_by_libgit2_and_git_also_with_names_that_are_not_text() {
        let sandbox = Sandbox::new();
        sandbox.write("dir/sub/x.txt", "x");
        sandbox.write("dir/b", "b");
        let odd = sandbox.dir().join("dir").join(OsStr::from_bytes(b"n\xff"));
        std::fs::create_dir(&odd).expect("directory");
        std::fs::write(odd.join("f"), "f").expect("file");
        sandbox.git(&["add", "."]);
        sandbox.git(&["commit", "--quiet", "-m", "Trees"]);
        let (quick, git) = (sandbox.repo(), sandbox.repo().asking_git_only());
        for (path, recursive) in
            [("", true), ("", false), ("dir", true), ("dir", false), ("none", true), ("a.txt", true)]
        {
            let listed = quick.list_tree("HEAD", path, recursive).expect("listed");
            assert_eq!(listed, git.list_tree("HEAD", path, recursive).expect("listed"), "{path} {recursive}");
        }
        let paths: Vec<_> = quick.list_tree("HEAD", "dir", true).expect("listed");
        let paths: Vec<_> = paths.iter().map(|e| e.path.as_bytes()).collect();
        assert_eq!(paths, [b"dir/b".as_slice(), b"dir/n\xff/f", b"dir/sub/x.txt"]);
        for repo in [quick, git] {
            assert_eq!(repo.read_file("HEAD", "dir/b").expect("read").as_deref(), Some(b"b".as_slice()));
            assert_eq!(repo.read_file("HEAD", "dir").expect("read"), None);
            assert_eq!(repo.read_file("HEAD", "dir/none").expect("read"), None);
            assert_eq!(repo.path_id("HEAD", "dir").expect("asked"), Some(sandbox.id("HEAD:dir")));
            assert_eq!(repo.path_id("HEAD", "").expect("asked"), Some(sandbox.id("HEAD^{tree}")));
        }
    }
}
