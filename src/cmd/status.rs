//! `status`: what needs you.

use super::Outcome;
use super::args::RunArgs;
use crate::render::{self, Frames, OtherScreen, Screen};
use crate::service::{self, Caller, Changes, StatusRequest};
use crate::sys::signals::Interrupt;
use crate::sys::term;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Show what needs you: one run in full, or all open ones.
///
/// Takes the signals of agents and settles runs whose agents have ended, unless somebody holds the run.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    run: RunArgs,
    /// Only look: take no signals.
    #[arg(long)]
    no_ingest: bool,
    /// Add what changed in each worktree.
    #[arg(long)]
    git: bool,
    /// Go on until Ctrl-C, and show it anew whenever something changes.
    #[arg(short, long)]
    watch: bool,
    /// All control repositories of this user.
    #[arg(short = 'A', long)]
    all: bool,
}

pub(super) fn run(caller: &Caller, screen: &Screen, args: Args) -> Outcome {
    let request = StatusRequest {
        selector: args.run.into(),
        // An agent may look, and must not move its own run.
        no_ingest: args.no_ingest || caller.below_agent.is_some(),
        git: args.git,
        everywhere: args.all,
    };
    if args.watch {
        return watch(caller, screen, &request);
    }
    render::status(screen, &service::status(caller, &request)?);
    Ok(ExitCode::SUCCESS)
}

/// Whoever watches ends it by Ctrl-C, and that is no failure.
fn watch(caller: &Caller, screen: &Screen, request: &StatusRequest) -> Outcome {
    let mut changes = Changes::new();
    let other = OtherScreen::default();
    let (waker, left) = (changes.waker(), other.clone());
    let interrupt = Interrupt::install_waking(move || waker.wake(), move || left.leave())?;
    let (waker, is_closed) = (changes.waker(), Arc::new(AtomicBool::new(false)));
    let closed = Arc::clone(&is_closed);
    term::on_stdout_closed(move || {
        closed.store(true, Ordering::Relaxed);
        waker.wake();
    });
    let caller = Caller { interrupt, ..caller.clone() };
    let mut frames = Frames::new(screen, other);
    service::watch_status(&caller, request, &mut changes, &mut |looked| {
        // Who asked us to stop, or went away, while we looked wants to see nothing more.
        if caller.interrupt.is_set() || is_closed.load(Ordering::Relaxed) {
            return false;
        }
        match looked {
            Ok(report) => frames.show(report),
            Err(error) => frames.trouble(&error.to_string()),
        }
        !screen.is_closed()
    })?;
    Ok(ExitCode::SUCCESS)
}
