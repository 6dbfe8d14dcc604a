//! The store survives: at every call of our own process that changes something, a command is killed, or the call
//! fails, or the disk is full from there on. After that every other command works, nothing that was acknowledged is
//! missing, no lock is held, and the command repeated (or `resume`) finishes the job.
//!
//! A first run without a fault lists the calls of a command. Of these a sample is taken by `METAWSM_TEST_SEED`, with
//! `METAWSM_TEST_ALL=1` every one. `METAWSM_TEST_FAULT=run:kill:37` takes this one alone.

//!
//! The tracer speaks with the registers of one kind of processor; elsewhere these tests are left out, and say so.

mod scene;

#[cfg(target_arch = "x86_64")]
mod bases;
#[cfg(target_arch = "x86_64")]
mod docs;
#[cfg(target_arch = "x86_64")]
mod jobs;
#[cfg(target_arch = "x86_64")]
mod strikes;
#[cfg(target_arch = "x86_64")]
mod talk;
#[cfg(target_arch = "x86_64")]
mod trace;

pub use scene::{IDLES, PATIENCE, Scene, TICKET, WORKS};

#[cfg(not(target_arch = "x86_64"))]
#[test]
fn faults_are_not_struck_on_this_kind_of_processor() {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "skipped: faults are struck on x86_64 only");
}
