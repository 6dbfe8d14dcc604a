//! Floor 3. The git hooks that we put into repositories: what they say, and how they get in and out.
//!
//! Lives here: the sh shims (their text lies in `hooks/` at the top), the block that each is in a hook file, which
//! files and directories may be written at all, install and uninstall. Does not live here: what a hook decides when
//! it fires; that is a use case. Services call it, under the repository's lock. One rule: what somebody else wrote
//! keeps every byte, and a file that we do not understand is never written to.

mod block;
mod error;
mod file;
mod place;
mod shim;

pub use error::{HookError, HookResult};
pub use file::{HookFile, hook_by, hook_file};
pub use place::{Change, HooksPlace, install, place, uninstall};
pub use shim::{By, ON_SERVER, Shim, USUAL, by_hand};
