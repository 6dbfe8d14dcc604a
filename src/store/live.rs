//! The store of one control repository: where things lie, and the questions that need no lock.

use super::journal::Journal;
use super::{Entry, StoreError, StoreResult, record};
use crate::model::{Run, RunId, check_name};
use crate::sys::{files, lock};
use std::path::{Path, PathBuf};

/// The file of a run's record.
pub(super) const RECORD: &str = "run.toml";

/// Names in `locks/` and elsewhere that are ours and can therefore be no run ids.
const RESERVED: [&str; 3] = ["repo", "index", "person"];

/// The live state of one control repository. A cheap handle: making one touches nothing.
#[derive(Debug, Clone)]
pub struct Store {
    common: PathBuf,
    worktree: Option<PathBuf>,
    frozen: bool,
}

/// Which of the two places for runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Folder {
    /// Runs that are swept by every command.
    Live,
    /// Decided runs, kept until cleanup is done and history holds their record.
    Closed,
}

impl Folder {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Live => "runs",
            Self::Closed => "closed",
        }
    }
}

impl Store {
    /// The store of the repository with this git common directory; `worktree` is where its `.metawsm/` lies, and
    /// absent in a bare repository. No I/O.
    pub fn at(common_dir: &Path, worktree: Option<&Path>) -> Self {
        Self { common: common_dir.to_owned(), worktree: worktree.map(Path::to_owned), frozen: false }
    }

    /// The same store for a dry run: asking it changes no byte, not even in the index.
    #[must_use]
    pub fn frozen(mut self) -> Self {
        self.frozen = true;
        self
    }

    /// Whether this is the store of a dry run.
    pub fn is_frozen(&self) -> bool {
        self.frozen
    }

    /// `<git common dir>/metawsm`.
    pub fn dir(&self) -> PathBuf {
        dir_of(&self.common)
    }

    /// The git common directory.
    pub fn common_dir(&self) -> &Path {
        &self.common
    }

    /// The control worktree, where there is one.
    pub fn worktree(&self) -> Option<&Path> {
        self.worktree.as_deref()
    }

    /// Whether the repository has live state.
    pub fn exists(&self) -> bool {
        self.dir().is_dir()
    }

    /// Whether the repository holds records of runs: whether it is a control repository.
    pub fn has_runs(&self) -> bool {
        [Folder::Live, Folder::Closed].iter().any(|folder| self.folder(*folder).is_dir())
    }

    /// The directory of the runs that are not archived, one directory each.
    pub fn runs_dir(&self) -> PathBuf {
        self.folder(Folder::Live)
    }

    pub(super) fn folder(&self, folder: Folder) -> PathBuf {
        self.dir().join(folder.name())
    }

    pub(super) fn run_in(&self, folder: Folder, id: &RunId) -> PathBuf {
        self.folder(folder).join(id.as_str())
    }

    /// The run's directory: in `runs/`, or in `closed/` where it lies there and not in `runs/`.
    pub fn run_dir(&self, id: &RunId) -> PathBuf {
        self.place_of(id).unwrap_or_else(|| self.run_in(Folder::Live, id))
    }

    /// The directory with the run's record. One without a record comes last: a wrapper that outlived the close
    /// may have made it again.
    pub(super) fn place_of(&self, id: &RunId) -> Option<PathBuf> {
        let places = [Folder::Live, Folder::Closed].map(|f| self.run_in(f, id));
        let with_record = places.iter().find(|dir| dir.join(RECORD).symlink_metadata().is_ok());
        with_record.or_else(|| places.iter().find(|dir| dir.is_dir())).cloned()
    }

    /// Where the wrappers of a run's agents write, and where the output of its process sessions lies.
    pub fn session_dirs(&self, id: &RunId) -> (PathBuf, PathBuf) {
        let dir = self.run_dir(id);
        (dir.join("agents"), dir.join("logs"))
    }

    pub(super) fn lock_path(&self, id: &RunId) -> PathBuf {
        run_lock(&self.common, id)
    }

    /// Who holds the run now; does not wait.
    pub fn holder(&self, id: &RunId) -> Option<lock::Holder> {
        lock::current_holder(&self.lock_path(id))
    }

    /// The run of this id: an open one, else a closed one that is still kept. A record that is there and cannot
    /// be used is an error.
    pub fn find_run(&self, id: &RunId) -> StoreResult<Option<Run>> {
        // Twice, because the run may move from one place to the other between the two looks.
        for _ in 0..2 {
            let Some(dir) = self.place_of(id) else { continue };
            if let Some(run) = find_record(&dir, id)? {
                return Ok(Some(run));
            }
        }
        Ok(None)
    }

    /// The run's journal and whether it is the one that was written. Read without a lock: a line that is being
    /// written just now shows as a torn tail.
    pub fn journal(&self, id: &RunId) -> StoreResult<Journal> {
        Journal::load(&self.place_of(id).ok_or_else(|| not_found(id))?)
    }

    /// A further file of a run, such as `intent.toml` or `docs/<ticket>.toml`; written by [`super::Hold::save_part`].
    pub fn find_part(&self, id: &RunId, name: &str) -> StoreResult<Option<String>> {
        // Nearly every run that is asked about is a live one: what is found there needs no second look.
        let live = part_path(&self.run_in(Folder::Live, id), id, name)?;
        if let Some(text) = files::find_text(&live)? {
            return Ok(Some(text));
        }
        let dir = self.place_of(id).ok_or_else(|| not_found(id))?;
        let path = part_path(&dir, id, name)?;
        if path == live { Ok(None) } else { Ok(files::find_text(&path)?) }
    }

    /// The runs that every command asks about: the open ones, and those that are decided and were not moved yet;
    /// newest first, what is broken last.
    pub fn live_runs(&self) -> StoreResult<Vec<Entry>> {
        self.sweep()
    }

    /// The runs not yet closed or discarded, newest first, what is broken last.
    pub fn open_runs(&self) -> StoreResult<Vec<Entry>> {
        let mut entries = self.sweep()?;
        entries.retain(|e| e.run().is_none_or(|r| r.state.is_open()));
        Ok(entries)
    }

    /// Runs that are decided and still lie among the live ones, because a command was killed before
    /// [`super::Hold::archive`] was done. Whoever takes their hold next should call it.
    pub fn unarchived_runs(&self) -> StoreResult<Vec<Run>> {
        let runs = self.sweep()?.into_iter().filter_map(Entry::into_run);
        Ok(runs.filter(|r| !r.state.is_open()).collect())
    }
}

/// `<git common dir>/metawsm`.
pub(super) fn dir_of(common_dir: &Path) -> PathBuf {
    common_dir.join("metawsm")
}

/// The lock file of a run.
pub(super) fn run_lock(common_dir: &Path, id: &RunId) -> PathBuf {
    dir_of(common_dir).join("locks").join(format!("{id}.lock"))
}

pub(super) fn not_found(id: &RunId) -> StoreError {
    StoreError::NotFound { id: id.to_string() }
}

pub(super) fn require_free_name(id: &RunId) -> StoreResult<()> {
    if RESERVED.iter().any(|r| id.as_str().eq_ignore_ascii_case(r)) {
        return Err(StoreError::Reserved { id: id.to_string() });
    }
    Ok(())
}

/// The record in a run's directory; `None` where there is neither.
pub(super) fn find_record(dir: &Path, id: &RunId) -> StoreResult<Option<Run>> {
    let path = dir.join(RECORD);
    match files::find_text(&path)? {
        Some(text) => understand(&path, id.as_str(), &text).map(Some),
        None if dir.is_dir() => Err(StoreError::Broken { path, why: "it is not there".to_owned() }),
        None => Ok(None),
    }
}

/// Parses a record and checks that it is the one its place names.
pub(super) fn understand(path: &Path, id: &str, text: &str) -> StoreResult<Run> {
    let run = record::parse_run(text).map_err(|e| e.at(path))?;
    if run.id.as_str() != id {
        let why = format!("it is the record of {}, and its place says {id}", run.id);
        return Err(StoreError::Broken { path: path.to_owned(), why });
    }
    Ok(run)
}

/// The path of a further file of a run; names are checked part by part.
pub(super) fn part_path(dir: &Path, id: &RunId, name: &str) -> StoreResult<PathBuf> {
    let parts: Vec<_> = name.split('/').collect();
    let ours = [RECORD, super::journal::FILE, super::journal::TORN, super::publication::FILE];
    let fits =
        parts.len() <= 3 && parts.iter().all(|p| check_name("file", p).is_ok()) && !ours.contains(&name);
    if !fits {
        let why = format!("'{name}' is no name for one of its files");
        return Err(StoreError::Refused { id: id.to_string(), why });
    }
    Ok(dir.join(name))
}
