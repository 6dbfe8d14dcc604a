//! git-metawsm: runs coding agents on tickets across several repositories, keeps every decision as a small
//! readable record in git, and lets nothing merge before git itself says it is safe.
//!
//! # The map
//!
//! One package, rooms on floors. An import only ever goes down; rooms on one floor do not know each other.
//! `tests/it/house.rs` reads the sources and fails on anything else.
//!
//! | floor | rooms |
//! |---|---|
//! | 7 | [`cmd`]: what the user types: arguments, service, render, exit code; one file per command |
//! | 6 | [`tui`]: the same services behind a screen: state, pure update, panes that only draw |
//! | 5 | [`render`]: reports to text or JSON; the only place that knows colour, width and escaping |
//! | 4 | [`service`]: use cases: take the hold, gather facts, ask the gates, plan, execute, write it down |
//! | 3 | [`tickets`], [`workspaces`], [`sessions`], [`hooks`], [`federation`], [`bus`]: ticket documents, worktrees, running agents, git hooks, documents that are served elsewhere, forum events between machines |
//! | 2 | [`git`], [`store`], [`plan`]: repositories, records, and pure planning |
//! | 1 | [`sys`], [`policy`], [`gate`]: the window to the operating system; pure rules |
//! | 0 | [`model`]: nouns, ids, states and their legal moves; no I/O, no clock |
//!
//! # The way of one command
//!
//! `git metawsm close RUN`: `cmd/close.rs` parses; `service/close.rs` takes the run's hold, gathers facts, lets
//! [`gate`] judge all of them, makes a plan that needs the verdict as an argument, executes it step by step and
//! writes each step down; `render/close.rs` prints the answer; the exit code follows from the error's kind.
//!
//! # Where do I add what
//!
//! * a command: `src/cmd/<name>.rs`, its use case in [`service`], its report in [`render`], its test in
//!   `tests/it/cmd/<name>.rs`
//! * a gate: `src/gate/<id>.rs` and a line in `gate::ALL`
//! * a policy key: `src/policy/schema.rs`; nothing else reads JSON or TOML of policy
//! * a git hook: its sh text in `hooks/` at the top, its shim in [`hooks`], what it decides in `service/hooks`
//! * a question to a repository: [`git`], the only user of git2 and of the git program
//! * a record: its shape in [`model`], its file in [`store`]

pub mod bus;
pub mod cmd;
pub mod federation;
pub mod gate;
pub mod git;
pub mod hooks;
pub mod model;
pub mod plan;
pub mod policy;
pub mod render;
pub mod service;
pub mod sessions;
pub mod store;
pub mod sys;
pub mod tickets;
pub mod tui;
pub mod workspaces;
