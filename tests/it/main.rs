//! The integration tests, one program: the house rules, the test kit, and the real binary in worlds of its own.

mod agent_programs;
mod bad_input;
mod bus;
mod changes;
mod cleanup_situations;
mod cmd;
mod crash;
mod crowd;
mod disks;
mod docs_sync;
mod dry_run;
mod errors;
mod everyday_git;
mod federation;
mod forum;
mod frugal;
mod fuzz;
mod hooks_foreign;
mod hooks_matrix;
mod hostile_signals;
mod house;
mod import_hostile;
mod interop;
mod interrupts;
#[allow(
    dead_code,
    unused_imports,
    reason = "the kit also serves tests and benches that are not in this program"
)]
mod kit;
mod kit_test;
mod man;
#[allow(dead_code, reason = "only what can be judged without a release build is tested here")]
#[path = "../bench/measure.rs"]
mod measure;
mod measure_test;
mod readme;
mod schema;
mod sessions;
mod stage;
mod story_bases;
mod story_bootstrap;
mod story_branches;
mod story_checks;
mod story_completion;
mod story_conflicts;
mod story_control;
mod story_docs;
mod story_first_run;
mod story_fork_reuse;
mod story_gates;
mod story_guidance;
mod story_landed;
mod story_merge;
mod story_notify;
mod story_provision;
mod story_publication;
mod story_questions;
mod story_range;
mod story_sessions;
mod story_signals;
mod story_talk;
mod story_trust;
mod story_whole_job;
mod tickets_docmgr;
mod tui;
mod verdicts;
mod workspaces_wsm;
