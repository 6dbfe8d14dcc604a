//! The test kit: a world of its own for each test, and the real programs in it.
//!
//! Lives here: temporary worlds (HOME, PATH, tmux server), repositories, runs of the binary, waiting with a
//! deadline, masks for what differs from run to run. Does not live here: what any command should do. Tests and
//! benches use it. One rule: nothing of the machine's user is read, and nothing outlives its test.

mod mask;
mod repo;
mod run;
pub mod schema;
mod snapshot;
mod terminal;
mod tools;
mod wait;
mod world;

pub use mask::mask;
pub use repo::Repo;
pub use run::{BINARY, Output, Run, Running};
pub use snapshot::Snapshot;
pub use terminal::on_terminal;
pub use tools::{all, find, judge, require, seed};
pub use wait::{wait_for, wait_until};
pub use world::World;
