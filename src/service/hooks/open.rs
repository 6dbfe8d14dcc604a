//! The open runs of a repository as its hooks see them.

use super::super::control::Control;
use super::super::{ServiceResult, policies};
use crate::git::Repository;
use crate::model::{Run, RunId};
use crate::policy::{self, Policy};
use crate::store::{self, OpenEntry};
use crate::sys::files;

/// The file in the git directory of a run's worktree that wakes its hooks; it holds the run's id.
pub(in crate::service) const MARKER: &str = "metawsm-run";

/// What stands behind the run's id in the marker where policy wants no trailer.
pub(in crate::service) const NO_TRAILER: &str = "no-trailer";

/// An open run that takes part in a repository.
#[derive(Debug)]
pub(in crate::service) struct OpenRun {
    /// The control repository, only to be looked at.
    pub control: Control,
    /// Its record.
    pub run: Run,
}

impl OpenRun {
    /// The rules that the run is judged by.
    pub fn policy(&self) -> ServiceResult<Policy> {
        Ok(policy::stricter(&policies::stored(&self.run)?, &policies::at_base(&self.control)?))
    }

    /// The patterns of files that its branches must not hold: its own and those of base.
    pub fn forbidden(&self) -> ServiceResult<Vec<String>> {
        let mut patterns = policy::forbidden_from_table(&self.run.policy);
        patterns.extend(policies::at_base(&self.control)?.git_pr.forbidden_file_patterns);
        Ok(patterns)
    }
}

/// A repository in which runs are open.
pub(super) struct Hooked {
    /// One per run.
    pub entries: Vec<OpenEntry>,
    /// Entries that cannot be read, as sentences.
    pub faults: Vec<String>,
}

impl Hooked {
    pub fn at(repo: &Repository) -> Self {
        let (entries, faults) = store::open_all(repo.common_dir());
        Self { entries, faults: faults.into_iter().map(|(_, why)| why).collect() }
    }

    /// Whether an open run merges into this branch.
    pub fn is_base(&self, branch: &str) -> bool {
        self.entries.iter().any(|entry| entry.base == branch)
    }

    /// The run whose worktree this is, by the marker in its git directory.
    pub fn run_of_worktree(&self, repo: &Repository) -> ServiceResult<Option<OpenRun>> {
        match self.marked(repo)? {
            Some((entry, _)) => Ok(load(entry)?.ok()),
            None => Ok(None),
        }
    }

    /// The entry of the run whose worktree this is, and whether its commits get the trailer; told without a look at
    /// the record.
    pub fn marked(&self, repo: &Repository) -> ServiceResult<Option<(&OpenEntry, bool)>> {
        let text = files::find_text(&repo.git_dir().join(MARKER))?.unwrap_or_default();
        let (id, words) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        let Ok(id) = RunId::parse(id) else { return Ok(None) };
        let entry = self.entries.iter().find(|entry| entry.run == id);
        Ok(entry.map(|entry| (entry, words != NO_TRAILER)))
    }
}

/// The run of an entry, where it is still open; else why it counts for nothing.
pub(super) fn load(entry: &OpenEntry) -> ServiceResult<Result<OpenRun, String>> {
    let gone = |why: &str| format!("The open run {} was not asked: {why}.", entry.run);
    let Some(repo) = Repository::discover(&entry.root)?.filter(|_| entry.root_exists()) else {
        return Ok(Err(gone(&format!("its control repository {} is gone", entry.root.display()))));
    };
    let control = Control::of(repo).frozen();
    Ok(match control.store.find_run(&entry.run)? {
        Some(run) if run.state.is_open() => Ok(OpenRun { control, run }),
        Some(_) => Err(String::new()),
        None => Err(gone(&format!("{} does not know it", entry.root.display()))),
    })
}
