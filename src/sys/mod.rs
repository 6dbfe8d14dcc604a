//! Floor 1. The only windows to the operating system: processes, files, locks, clock, environment, signals,
//! terminals, watching.
//!
//! Lives here: what touches the outside without knowing what a run or a ticket is. Does not live here: git's or
//! tmux's command lines. Rooms above call it; it imports only `model`. One rule: every child process is started
//! by [`Cmd`] with an argument vector, every durable byte is written by [`files`].

pub mod attention;
mod capped;
pub mod clock;
pub mod dir_lock;
pub mod env;
mod error;
pub mod files;
pub mod foreign;
pub mod lock;
mod logged;
pub mod private;
pub mod process;
pub mod procs;
pub mod random;
pub mod signals;
pub mod supervise;
pub mod term;
pub mod trial;
pub mod watch;

pub use error::{SysError, SysResult};
pub use logged::Ending;
pub use process::{Cmd, Exit, Output};
