//! Tests of the commands: `tests/it/cmd/<name>.rs` for each `src/cmd/<name>.rs`, through the real binary.

mod agent;
mod attach;
mod check;
mod cleanup;
mod close;
mod commit;
mod complete;
mod demo;
mod diff;
mod discard;
mod every;
mod hooks;
mod list;
mod log;
mod logs;
mod merge;
mod path;
mod policy;
mod policy_init;
mod restart;
mod resume;
mod run;
mod selectors;
pub mod stage;
mod status;
mod stop;
mod tell;
