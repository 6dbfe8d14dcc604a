//! Floor 2. Git: questions to repositories, worktrees, merges and ref moves.
//!
//! Lives here: everything that knows git's command lines, files and libgit2. Does not live here: what a run or a
//! gate is, and when something may be merged. Rooms above call it; it imports `model` and `sys`. It is the only
//! user of git2 and of the git program. One rule: git2 only looks, git alone writes, and every ref moves by
//! compare-and-swap.
//!
//! Whoever moves refs or worktrees holds the repository's lock; this room takes none.

mod advance;
mod clean;
mod command;
mod commit;
mod config;
mod counts;
mod diff;
mod dir_merge;
mod dir_move;
mod dir_size;
mod dir_tree;
mod error;
mod fetch;
mod glance;
mod history;
mod hooks;
mod ignored;
mod incoming;
mod index_file;
mod merge;
mod moves;
mod names;
mod objects;
mod obstacles;
mod operation;
mod path;
mod probe;
mod progress;
mod push;
mod recover;
mod refs;
mod repair;
mod repository;
mod rescue;
mod rescue_files;
mod rescue_tips;
mod rescued;
mod scratch;
mod squash;
mod status;
mod take_in;
#[cfg(test)]
pub(crate) mod testing;
mod tree;
mod upstream;
mod version;
mod worktree_list;
mod worktrees;

pub use advance::{BaseMove, Watch};
pub use clean::{CleanState, Judge};
pub use counts::DiffCounts;
pub use dir_merge::{DirMerge, Side};
pub use dir_move::DirOrder;
pub use dir_tree::SizedFile;
pub use error::{GitError, GitResult};
pub use fetch::Fetched;
pub use glance::{Glance, Outlook, Seen};
pub use history::Commit;
pub use hooks::{HOOK_BLOCK_END, HOOK_BLOCK_START, HookMerge};
pub use ignored::IgnoreRule;
pub use incoming::Staged;
pub use merge::Merged;
pub use obstacles::{Obstacle, ObstacleKind};
pub use operation::{Holder, Operation};
pub use path::RepoPath;
pub use progress::{last_progress, private_dir};
pub use push::Pushed;
pub use recover::{HalfMove, Standing};
pub use refs::Head;
pub use repository::Repository;
pub use rescue::{Kept, Rescue, RescueLimits, RescueOrder};
pub use rescued::{Note, RESCUES, SavedFile, SavedKind, SavedWork};
pub use scratch::Checkout;
pub use status::{DirtKind, Dirty};
pub use take_in::TakenIn;
pub use tree::{Blobs, EntryKind, TreeEntry};
pub use upstream::Upstream;
pub use version::{OLDEST, Version, require_version, version};
pub use worktrees::{NewWorktree, Worktree};
