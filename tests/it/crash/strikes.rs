//! Striking: which calls are taken, and what holds after each.

use super::scene::Scene;
use super::trace::{Fault, Traced, traced};
use super::{jobs, talk};
use crate::kit::{BINARY, all, seed};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A command that is struck by faults.
pub struct Job {
    pub name: &'static str,
    pub args: &'static [&'static str],
    pub scene: Scene,
    /// How many kills, failing calls and full disks are taken of all.
    pub samples: [usize; 3],
    /// Finishes the job after a fault and requires that it was done once and whole.
    pub finish: fn(&Scene),
}

/// What may be taken out of a list of `count`, by the seed: `take` different ones, or all.
pub fn sample(count: usize, take: usize, salt: &str) -> Vec<usize> {
    let mut all: Vec<usize> = (0..count).collect();
    if self::all() || take >= count {
        return all;
    }
    let mut state = salt.bytes().fold(seed(), |state, byte| state.wrapping_mul(31).wrapping_add(byte.into()));
    for at in 0..take {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let left = u64::try_from(count - at).expect("small");
        all.swap(at, at + usize::try_from((state >> 33) % left).expect("small"));
    }
    all.truncate(take);
    all.sort_unstable();
    all
}

/// Runs the command of a job with a fault.
fn run_traced(job: &Job, fault: Fault) -> Option<Traced> {
    let mut command = job.scene.world.command(BINARY);
    command.args(job.args).current_dir(job.scene.app.path());
    traced(&command, fault)
}

/// Strikes a job at the sampled calls; all failures are told together.
fn strike(job: &Job) {
    let Some(clean) = run_traced(job, Fault::None) else {
        // Past the capture of the test harness: a skipped test is always told.
        let _ = writeln!(std::io::stderr(), "skipped: no process may be traced here");
        return;
    };
    assert_eq!(clean.status, Some(0), "{clean:#?}");
    (job.finish)(&job.scene);
    let count = clean.calls.len();
    let wanted = std::env::var("METAWSM_TEST_FAULT").ok();
    let (mut failures, mut struck) = (Vec::new(), 0);
    for (kind, take) in ["kill", "eio", "full"].into_iter().zip(job.samples) {
        let name = |at: usize| format!("{}:{kind}:{at}", job.name);
        let points = match &wanted {
            Some(wanted) => (0..count).filter(|at| name(*at) == *wanted).collect(),
            None => sample(count, take, &name(0)),
        };
        for at in points {
            job.scene.set_back();
            let traced = run_traced(job, Fault::of(kind, at)).expect("it was traced before");
            struck += 1;
            let judged = catch_unwind(AssertUnwindSafe(|| judge(job, &traced, kind)));
            if let Err(panic) = judged {
                let why = panic.downcast_ref::<String>().cloned().unwrap_or_default();
                let said = format!("{}{}", traced.stdout, traced.stderr);
                let (hit, now) = (traced.hit.unwrap_or_default(), job.scene.described());
                failures.push(format!("== {} at '{hit}'\n{why}\n-- it said\n{said}-- now\n{now}", name(at)));
            }
        }
    }
    eprintln!("{}: {struck} faults at {count} calls, seed {}", job.name, seed());
    assert!(failures.is_empty(), "{} of {struck}:\n{}", failures.len(), failures.join("\n"));
}

fn judge(job: &Job, traced: &Traced, kind: &str) {
    if kind == "kill" {
        // A call near the end may not come again where the index needed no refresh this time.
        assert!(traced.hit.is_none() || traced.status.is_none(), "it was not killed");
    } else {
        let status = traced.status.expect("it ended by itself");
        assert!(![70, 101].contains(&status) && !traced.stderr.contains("panicked"), "it broke");
        assert!(status == 0 || traced.stderr.contains("error:"), "it failed without a word");
    }
    job.scene.require_survival(&format!("{}\n{}", traced.stdout, traced.stderr));
    job.scene.require_threads(&traced.stdout);
    (job.finish)(&job.scene);
    job.scene.require_whole();
}

#[test]
fn a_run_survives_faults_at_every_call() {
    strike(&jobs::run());
}

#[test]
fn a_bootstrap_survives_faults_at_every_call() {
    strike(&jobs::bootstrap());
}

#[test]
fn documents_are_seeded_once_after_faults_at_every_call() {
    strike(&super::docs::seed());
}

#[test]
fn documents_come_home_once_after_faults_at_every_call() {
    strike(&super::docs::home());
}

#[test]
fn a_completion_survives_faults_at_every_call() {
    strike(&jobs::complete());
}

#[test]
fn a_discard_survives_faults_at_every_call() {
    strike(&jobs::discard());
}

#[test]
fn a_stop_survives_faults_at_every_call() {
    strike(&jobs::stop());
}

#[test]
fn a_policy_applied_survives_faults_at_every_call() {
    strike(&jobs::policy_apply());
}

#[test]
fn a_commit_survives_faults_at_every_call() {
    strike(&jobs::commit());
}

#[test]
fn a_sync_of_documents_survives_faults_at_every_call() {
    strike(&jobs::docs_sync());
}

#[test]
fn a_close_survives_faults_at_every_call() {
    strike(&jobs::close());
}

#[test]
fn a_cleanup_survives_faults_at_every_call() {
    strike(&jobs::cleanup());
}

#[test]
fn a_question_survives_faults_at_every_call() {
    strike(&jobs::forum_ask());
}

#[test]
fn a_publication_of_threads_survives_faults_at_every_call() {
    strike(&jobs::publish_threads());
}

#[test]
fn an_answer_survives_faults_at_every_call() {
    strike(&jobs::forum_answer());
}

#[test]
fn signals_taken_survive_faults_at_every_call() {
    strike(&jobs::signals());
}

#[test]
fn guidance_survives_faults_at_every_call() {
    strike(&talk::guide());
}

#[test]
fn feedback_survives_faults_at_every_call() {
    strike(&talk::iterate());
}
