//! Floor 3. Workspaces: one directory per ticket of a run, `<root>/<date>/<name>`, holding one git worktree per
//! repository.
//!
//! Lives here: where workspaces lie and how they are named, worktrees made and removed, files copied and set-up
//! commands run in them, the files that let people and wsm find them again. Does not live here: which run wants
//! which workspace (`service`), git's own command lines (`git`), what agents do inside (`sessions`). Only
//! `service` calls it. One rule: nothing is taken away that was not saved first or that we did not make, and
//! every act may be repeated after a kill.

mod context;
mod copy;
mod error;
mod exclude;
mod go_work;
mod leftover;
mod metadata;
mod pattern;
mod place;
mod registry;
mod removal;
mod sandbox;
mod scripts;
mod setup;
mod site;
mod worktree;
mod wsm;
mod wsm_delete;
pub mod wsm_file;

pub use context::{Context, FoundContext, OWN_DIR, find_context, save_brief, save_context};
pub use copy::copy_ignored;
pub use error::{WorkspaceError, WorkspaceResult};
pub use exclude::exclude_signals;
pub use go_work::ensure_go_work;
pub use metadata::{AGENT_FILE, is_set_up_by_wsm, place_file, save_metadata, script_environment};
pub use place::{Place, dir_taken, free_name, place};
pub use registry::registry_repo;
pub use removal::{Removal, RemovalWorktree, Removed, Rescued, free_rescue_ref, remove};
pub use sandbox::sandbox_paths;
pub use scripts::{Script, run_scripts};
pub use setup::run_setup;
pub use worktree::{EnsuredWorktree, WorktreeOrder, ensure_worktree, worktree_is_complete};
pub use wsm::{Wsm, WsmMade, WsmOrder, WsmTree};
pub use wsm_file::{
    WsmRepo, WsmWorkspace, find_usable_wsm_workspace, find_wsm_workspace, remove_wsm_file, save_wsm_file,
    wsm_file_is_free,
};

use serde::{Deserialize, Serialize};

/// Who makes the workspaces (policy `workspace.provider`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// This room, with git alone; wsm sees the workspaces through the files in [`wsm_file`].
    #[default]
    Builtin,
    /// The program wsm, driven in [`Wsm`]; forking stays ours.
    Wsm,
}

impl Provider {
    /// The provider's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Builtin => "builtin",
            Self::Wsm => "wsm",
        }
    }
}
