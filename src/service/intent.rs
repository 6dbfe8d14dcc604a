//! The intent of a transaction: what is to move, on disk before the first ref does, so that whoever comes after a
//! kill can finish it or take it back.

use super::{Control, ServiceError, ServiceResult};
use crate::git::{HalfMove, Repository};
use crate::model::{Child, MergeDone, Receipt, RepoName, RunId};
use crate::store::{Hold, Store, StoreError};
use crate::sys::procs;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Its file in the run's directory.
pub(super) const FILE: &str = "intent.toml";

const FORMAT: u32 = 1;
const KIND: &str = "intent";

/// Most touched paths that are written down; git knows them all by the two ids.
const MOST_PATHS: usize = 200;

/// What is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Deed {
    /// A merge; the run stays open.
    Merge,
    /// A close.
    Close,
    /// Records of decided runs go into history.
    Publish,
}

impl Deed {
    /// Its word, also that of its command.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Close => "close",
            Self::Publish => "publish",
        }
    }
}

/// What is to move, and what is to be written down once it has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Intent {
    /// Format version of the file.
    pub format: u32,
    /// Always `intent`.
    pub kind: String,
    /// What is under way.
    pub deed: Deed,
    /// When it was decided.
    pub at: Timestamp,
    /// The boot of the machine in which processes are named below.
    pub boot: String,
    /// Whether bases are pushed at the end.
    pub push: bool,
    /// The runs whose record the control repository's move brings into history.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub published: Vec<RunId>,
    /// The commit that brings them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The merges that are done once every base has moved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merges: Vec<MergeDone>,
    /// What a close writes into the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
    /// The bases, in the order in which they move.
    #[serde(default)]
    pub moves: Vec<Move>,
}

/// One base that moves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Move {
    /// The repository, for people.
    pub repo: RepoName,
    /// A checkout of it, or the bare repository.
    pub path: PathBuf,
    /// Its git common directory.
    pub common_dir: PathBuf,
    /// The branch.
    pub base: String,
    /// Where it was, a full id; absent where the branch existed on a remote only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
    /// Where it goes, a full id.
    pub new: String,
    /// The worktrees that had it checked out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub worktrees: Vec<PathBuf>,
    /// What the move writes there: the first paths, for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// When its first change was about to be made; absent: nothing was touched yet, and no lock is ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// The process that makes the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub child: Option<Child>,
}

impl Move {
    /// A base that moves from `old` to `new`.
    pub(super) fn of(
        repo: &RepoName,
        repository: &Repository,
        (base, old, new): (&str, Option<&str>, &str),
    ) -> ServiceResult<Self> {
        let (mut worktrees, mut paths) = (Vec::new(), Vec::new());
        if let Some(old) = old {
            worktrees.extend(repository.base_holders(base)?.into_iter().map(|holder| holder.worktree));
            if !worktrees.is_empty() {
                let touched = repository.changed_paths(old, new)?;
                paths.extend(touched.iter().take(MOST_PATHS).map(ToString::to_string));
            }
        }
        Ok(Self {
            repo: repo.clone(),
            path: repository.dir().to_owned(),
            common_dir: repository.common_dir().to_owned(),
            base: base.to_owned(),
            old: old.map(str::to_owned),
            new: new.to_owned(),
            worktrees,
            paths,
            started: None,
            child: None,
        })
    }

    /// As git takes it.
    pub(super) fn half(&self) -> HalfMove {
        HalfMove { branch: self.base.clone(), old: self.old.clone(), new: self.new.clone() }
    }

    /// Its name for people.
    pub(super) fn label(&self) -> String {
        format!("'{}' of {}", self.base, self.repo)
    }

    /// Its repository, whose children carry the marks of the hold.
    pub(super) fn open(&self, hold: &Hold) -> ServiceResult<Repository> {
        let by_path = Repository::discover(&self.path)?.filter(|r| r.common_dir() == self.common_dir);
        let found = match by_path {
            Some(found) => Some(found),
            None => Repository::discover(&self.common_dir)?.filter(|r| r.common_dir() == self.common_dir),
        };
        let found = found.ok_or_else(|| {
            let message = format!("The repository {} is gone: {}.", self.repo, self.common_dir.display());
            ServiceError::failed(message, &[&format!("git metawsm log {}", hold.run().id)])
        })?;
        Ok(found.with_hold(hold.token(), hold.run().id.as_str()))
    }
}

impl Intent {
    /// An intent of which nothing has moved.
    pub(super) fn new(deed: Deed, at: Timestamp, moves: Vec<Move>) -> Self {
        Self {
            format: FORMAT,
            kind: KIND.to_owned(),
            deed,
            at,
            boot: procs::boot_id(),
            push: false,
            published: Vec::new(),
            commit: None,
            merges: Vec::new(),
            receipt: None,
            moves,
        }
    }

    /// Writes it down; once this returns it survives a power cut.
    pub(super) fn save(&self, hold: &mut Hold) -> ServiceResult<()> {
        let text = toml::to_string_pretty(self).map_err(|e| StoreError::Refused {
            id: hold.run().id.to_string(),
            why: format!("its intent cannot be written: {e}"),
        })?;
        Ok(hold.save_part(FILE, &text)?)
    }

    /// The children of ours that may still work on it.
    pub(super) fn children(&self) -> impl Iterator<Item = Child> {
        let is_this_boot = self.boot == procs::boot_id();
        self.moves.iter().filter(move |_| is_this_boot).filter_map(|m| m.child)
    }

    /// What is the matter, a sentence.
    pub(super) fn describe(&self, id: &RunId) -> String {
        let labels: Vec<_> = self.moves.iter().map(Move::label).collect();
        let what = match self.deed {
            Deed::Merge => format!("A merge of {id}"),
            Deed::Close => format!("A close of {id}"),
            Deed::Publish => "A publication of records".to_owned(),
        };
        format!("{what} was stopped while it moved {}.", labels.join(", "))
    }

    /// The commands that go on and that take back.
    pub(super) fn ways_on(&self, id: &RunId) -> [String; 2] {
        let word = match self.deed {
            Deed::Publish => return [(); 2].map(|()| "git metawsm publish".to_owned()),
            deed => deed.word(),
        };
        [format!("git metawsm {word} --continue {id}"), format!("git metawsm {word} --abort {id}")]
    }
}

/// The intent that a run's last transaction left, if it did.
pub(super) fn find(store: &Store, id: &RunId) -> ServiceResult<Option<Intent>> {
    let text = match store.find_part(id, FILE) {
        Err(StoreError::NotFound { .. }) => None,
        found => found?,
    };
    let Some(text) = text else { return Ok(None) };
    parse(store.run_dir(id).join(FILE), &text).map(Some)
}

/// The intent in the text of a file.
pub(super) fn parse(path: PathBuf, text: &str) -> ServiceResult<Intent> {
    let broken = |why: String| StoreError::Broken { path: path.clone(), why };
    let table: toml::Table = toml::from_str(text).map_err(|e| broken(e.message().to_owned()))?;
    match table.get("format").and_then(toml::Value::as_integer) {
        Some(format) if format > i64::from(FORMAT) => {
            let format = u32::try_from(format).unwrap_or(u32::MAX);
            return Err(StoreError::Newer { path, format }.into());
        }
        Some(_) if table.get("kind").and_then(toml::Value::as_str) == Some(KIND) => {}
        _ => return Err(broken("it is no intent of a merge".to_owned()).into()),
    }
    Ok(table.try_into().map_err(|e: toml::de::Error| broken(e.message().to_owned()))?)
}

/// Refuses while a transaction of the run is half done, and says how to go on.
pub(super) fn require_none(control: &Control, id: &RunId) -> ServiceResult<()> {
    match find(&control.store, id)? {
        Some(intent) => {
            let ways = intent.ways_on(id);
            let message = format!("{} Finish it or take it back first.", intent.describe(id));
            Err(ServiceError::failed(message, &[&ways[0], &ways[1]]))
        }
        None => Ok(()),
    }
}
