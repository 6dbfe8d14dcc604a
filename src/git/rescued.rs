//! What was rescued, read back: each rescue ref names a tag object whose text is the note written then.

use super::path::split_nul;
use super::{EntryKind, GitError, GitResult, RepoPath, Repository};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Below this lie the rescue refs: `<run>/<workspace>/<repo>/<time>`.
pub const RESCUES: &str = "refs/metawsm/rescue/";

/// What a rescue holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SavedKind {
    /// Files that no commit held.
    Files,
    /// A branch.
    Branch,
    /// Commits that no branch held.
    #[default]
    Commits,
}

impl SavedKind {
    /// The kind's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Branch => "branch",
            Self::Commits => "commits",
        }
    }
}

/// What is written down beside what is saved.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Note {
    /// What it is.
    pub kind: SavedKind,
    /// The command that the rest did not survive.
    pub why: String,
    /// The branch: that was saved, or that the worktree was on.
    pub branch: Option<String>,
    /// The worktree.
    pub worktree: Option<String>,
    /// The commit that the files were changed from; of a branch its head.
    pub head: Option<String>,
    /// The commit of what was staged, where it differs from the files.
    pub staged: Option<String>,
    /// Commits that nothing else names.
    pub commits: Vec<String>,
    /// How many files are saved, deleted ones included.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// What was left behind.
    pub dropped: Vec<String>,
}

/// A rescue, read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedWork {
    /// The full name of the ref.
    pub reference: String,
    /// The id of what it names.
    pub id: String,
    /// The commit behind it.
    pub commit: String,
    /// When it was saved, where that is known.
    pub at: Option<Timestamp>,
    /// What it is.
    pub note: Note,
}

/// A file of a rescue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedFile {
    /// Where it was, from the top of the worktree.
    pub path: RepoPath,
    /// Mode and blob; `None` for a file that was deleted.
    pub now: Option<(u32, String)>,
    /// Mode and blob of what was staged, where that is neither HEAD's nor the file's.
    pub staged: Option<(u32, String)>,
    /// Bytes of the file.
    pub size: u64,
}

impl Note {
    pub(super) fn new(why: &str) -> Self {
        Self { why: why.to_owned(), ..Self::default() }
    }

    /// The note as text: a line for people, then `key: value` lines.
    pub(super) fn text(&self, at: Timestamp, reference: &str) -> String {
        let mut text = match (self.kind, &self.branch, &self.worktree) {
            (SavedKind::Files, _, Some(place)) => format!("Files of {} that no commit held", line_of(place)),
            (SavedKind::Branch, Some(branch), _) => format!("The branch {}", line_of(branch)),
            _ => "Commits that no branch held".to_owned(),
        };
        let _ = write!(text, "\n\nkind: {}\nat: {at}\nref: {reference}\n", self.kind.as_str());
        let mut add = |key: &str, value: &str| {
            let _ = writeln!(text, "{key}: {}", line_of(value));
        };
        add("command", &self.why);
        let one = [
            ("branch", &self.branch),
            ("worktree", &self.worktree),
            ("head", &self.head),
            ("staged", &self.staged),
        ];
        for (key, value) in one {
            if let Some(value) = value {
                add(key, value);
            }
        }
        if self.kind == SavedKind::Files {
            add("files", &self.files.to_string());
            add("bytes", &self.bytes.to_string());
        }
        self.commits.iter().for_each(|id| add("commit", id));
        self.dropped.iter().for_each(|path| add("dropped", path));
        text
    }

    fn parse(text: &str) -> (Self, Option<Timestamp>) {
        let (mut note, mut at) = (Self::default(), None);
        for (key, value) in text.lines().skip(1).filter_map(|line| line.split_once(": ")) {
            let value = value.to_owned();
            match key {
                "kind" if value == "files" => note.kind = SavedKind::Files,
                "kind" if value == "branch" => note.kind = SavedKind::Branch,
                "at" => at = value.parse().ok(),
                "command" => note.why = value,
                "branch" => note.branch = Some(value),
                "worktree" => note.worktree = Some(value),
                "head" => note.head = Some(value),
                "staged" => note.staged = Some(value),
                "files" => note.files = value.parse().unwrap_or_default(),
                "bytes" => note.bytes = value.parse().unwrap_or_default(),
                "commit" => note.commits.push(value),
                "dropped" => note.dropped.push(value),
                _ => {}
            }
        }
        (note, at)
    }
}

/// On one line, as it was where it has no control characters.
fn line_of(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

impl SavedWork {
    /// Run, workspace and repository, as the ref names them; the last part is the time.
    pub fn parts(&self) -> [&str; 4] {
        let mut parts = self.reference.strip_prefix(RESCUES).unwrap_or_default().splitn(4, '/');
        std::array::from_fn(|_| parts.next().unwrap_or_default())
    }

    /// The id as people type it.
    pub fn short(&self) -> &str {
        self.id.get(..10).unwrap_or(&self.id)
    }
}

impl Repository {
    /// Everything that was rescued in this repository, in the order of the refs' names.
    pub fn saved_work(&self) -> GitResult<Vec<SavedWork>> {
        let fields = ["refname", "objectname", "*objectname", "contents"].map(|f| format!("%({f})%00"));
        let format = format!("--format={}", fields.concat());
        let bytes = self.question().args(["for-each-ref", &format, RESCUES]).run()?.stdout;
        let text = String::from_utf8_lossy(&bytes);
        let fields: Vec<_> = text.split('\0').collect();
        let mut found = Vec::new();
        for chunk in fields[..fields.len() - 1].chunks(4) {
            let [reference, id, peeled, contents] = chunk else {
                return Err(GitError::odd("'git for-each-ref' left out a field."));
            };
            let (note, at) = if peeled.is_empty() { Default::default() } else { Note::parse(contents) };
            found.push(SavedWork {
                reference: reference.trim_start_matches('\n').to_owned(),
                id: (*id).to_owned(),
                commit: if peeled.is_empty() { *id } else { *peeled }.to_owned(),
                at,
                note,
            });
        }
        Ok(found)
    }

    /// The files of a rescue that HEAD did not hold as they were, sorted by path.
    pub fn saved_files(&self, saved: &SavedWork) -> GitResult<Vec<SavedFile>> {
        if saved.note.kind != SavedKind::Files {
            return Ok(Vec::new());
        }
        let before = saved.note.head.as_deref().map(|id| self.entries(id)).transpose()?.unwrap_or_default();
        let now = self.entries(&saved.commit)?;
        let staged = saved.note.staged.as_deref().map(|id| self.entries(id)).transpose()?.unwrap_or_default();
        let mut paths: Vec<_> = before.keys().chain(now.keys()).chain(staged.keys()).collect();
        paths.sort();
        paths.dedup();
        let mut files = Vec::new();
        for path in paths {
            let was = before.get(path);
            let staged = staged.get(path).filter(|s| Some(*s) != was && Some(*s) != now.get(path));
            if now.get(path) != was || staged.is_some() {
                let (now, staged) = (now.get(path).cloned(), staged.cloned());
                files.push(SavedFile { path: path.clone(), now, staged, size: 0 });
            }
        }
        self.measure(&mut files)?;
        Ok(files)
    }

    fn entries(&self, commit: &str) -> GitResult<BTreeMap<RepoPath, (u32, String)>> {
        let entries = self.list_tree(commit, "", true)?;
        let blobs = entries.into_iter().filter(|entry| entry.kind == EntryKind::Blob);
        Ok(blobs.map(|entry| (entry.path, (entry.mode, entry.id))).collect())
    }

    fn measure(&self, files: &mut [SavedFile]) -> GitResult<()> {
        let ids: Vec<_> =
            files.iter().map(|f| f.now.as_ref().or(f.staged.as_ref()).map_or("", |(_, id)| id)).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let lines: Vec<_> = ids.into_iter().filter(|id| !id.is_empty()).collect();
        let lines = lines.join("\n") + "\n";
        let bytes = self.question().args(["cat-file", "--batch-check=%(objectsize)"]).stdin(lines).run()?;
        let text = bytes.text();
        let mut sizes = text.lines().map(|line| line.parse().unwrap_or(0));
        for file in files.iter_mut().filter(|f| f.now.is_some() || f.staged.is_some()) {
            file.size = sizes.next().unwrap_or(0);
        }
        Ok(())
    }

    /// The branches that contain a commit, without `refs/heads/`.
    pub fn branches_with(&self, commit: &str) -> GitResult<Vec<String>> {
        let cmd = self.question().args(["for-each-ref", "--format=%(refname:lstrip=2)%00", "--contains"]);
        let bytes = cmd.args([commit, "refs/heads"]).run()?.stdout;
        let name = |part: &[u8]| String::from_utf8_lossy(part).trim().to_owned();
        Ok(split_nul(&bytes).map(name).filter(|name| !name.is_empty()).collect())
    }
}
