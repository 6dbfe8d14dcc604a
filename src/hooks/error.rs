//! What can go wrong with hooks.

use crate::git::GitError;
use crate::sys::SysError;

/// The result of a call into this room.
pub type HookResult<T> = Result<T, HookError>;

/// What can go wrong with hooks.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// git refused or failed.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The operating system refused or failed.
    #[error(transparent)]
    Sys(#[from] SysError),
}
