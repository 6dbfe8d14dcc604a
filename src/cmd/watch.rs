//! `watch`: what needs you, as it comes.

use super::Outcome;
use super::args::RunArgs;
use crate::render::{self, Screen};
use crate::service::{
    self, Caller, Changes, NeedKind, Notifier, Selector, Until, WatchAlerts, WatchEnd, WatchNews,
};
use crate::sys::signals::Interrupt;
use crate::sys::term;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Tell what needs you as it comes, each thing once.
///
/// What needs you already is told first. A thing is told again only after it had gone away. It waits for changes of
/// files, and looks by itself only at what time alone brings. Like 'status' it takes the signals of agents, and below an
/// agent it only looks. A run that is named ends the watch when it is closed or discarded.
///
/// With --exit a script waits for a run: 'git metawsm watch RUN --exit && git metawsm close RUN'. With --once it asks
/// whether a person is needed now.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    run: RunArgs,
    /// All control repositories of this user.
    #[arg(short = 'A', long, conflicts_with_all = ["word", "run_id", "ticket", "exit"])]
    all: bool,
    /// Tell what needs you now, and end: with 3 if something does.
    #[arg(long, conflicts_with = "exit")]
    once: bool,
    /// End when the run has no more for its agents to do: with 0 when its work is done, 1 when it failed, 3 when it needs
    /// you.
    #[arg(long)]
    exit: bool,
    /// Tell only of these kinds.
    ///
    /// The kinds are question, waiting, escalated, failed, unhealthy, undelivered, stopped, half-done, unvalidated,
    /// completed, reverted, signal, bypass, gone, docs, journal, unreadable, lost and unknown; several stand with commas
    /// between them. --exit looks at all of them nevertheless.
    #[arg(long = "kind", value_name = "KIND", value_delimiter = ',', value_parser = kind)]
    kinds: Vec<NeedKind>,
    /// Start this program for each thing.
    ///
    /// It is started without a shell: blanks stand between its words, quotes and backslashes keep them together, and
    /// nothing is expanded. What happened stands in its environment: METAWSM_EVENT, METAWSM_MESSAGE, METAWSM_RUN_ID,
    /// METAWSM_RUN_STATUS, METAWSM_TICKETS and METAWSM_COMMAND. It may take 10 seconds; what fails is named once, and the
    /// watch goes on.
    #[arg(long, value_name = "COMMAND")]
    notify_cmd: Option<String>,
    /// Ring the bell of the terminal for each thing.
    #[arg(long)]
    bell: bool,
    /// Accepted for the first program's sake: changes are told as they happen.
    #[arg(long, value_name = "SECONDS", hide = true)]
    interval: Option<String>,
}

fn kind(text: &str) -> Result<NeedKind, String> {
    let words = || NeedKind::ALL.map(NeedKind::as_str).join(", ");
    NeedKind::parse(text).ok_or_else(|| format!("the kinds are {}", words()))
}

impl Args {
    /// An agent may look; starting programs is for people.
    pub(super) fn starts_programs(&self) -> bool {
        self.notify_cmd.is_some()
    }
}

pub(super) fn run(caller: &Caller, screen: &Screen, args: Args) -> Outcome {
    let until = match (args.once, args.exit) {
        (true, _) => Until::Once,
        (_, true) => Until::Settled,
        _ => Until::Stopped,
    };
    let request = WatchAlerts {
        selector: Selector::from(args.run),
        everywhere: args.all,
        no_ingest: caller.below_agent.is_some(),
        kinds: args.kinds,
        until,
    };
    if args.interval.is_some() {
        screen.story("note: --interval is not needed: changes are told as they happen");
    }
    let caller = Caller { interrupt: Interrupt::install()?, ..caller.clone() };
    let mut changes = Changes::new();
    // Who hears nothing any more is not waited for: the next alert may be hours away.
    let (waker, is_unheard) = (changes.waker(), Arc::new(AtomicBool::new(false)));
    let unheard = Arc::clone(&is_unheard);
    term::on_stdout_closed(move || {
        unheard.store(true, Ordering::Relaxed);
        waker.wake();
    });
    let notifier = args.notify_cmd.map(|words| Notifier::new(&words, &changes, &caller.cwd)).transpose()?;
    let complain = |why: Option<String>| why.iter().for_each(|why| render::not_notified(screen, why));
    let mut take = |news: WatchNews<'_>| {
        match news {
            WatchNews::Began(runs, quiet) => {
                render::watching(screen, runs, quiet, until == Until::Stopped);
            }
            WatchNews::Alert(alert) => {
                render::alert(screen, alert, args.bell);
                if let Some(notifier) = &notifier {
                    notifier.tell(alert);
                }
            }
            WatchNews::Over(run, state) => render::watched(screen, run, state),
            WatchNews::Woken => complain(notifier.as_ref().and_then(Notifier::trouble)),
        }
        !screen.is_closed() && !is_unheard.load(Ordering::Relaxed)
    };
    let end = service::watch_alerts(&caller, &request, &mut take, &mut changes);
    match (notifier, &end) {
        (Some(notifier), Ok(WatchEnd::Interrupted(_))) => notifier.abandon(),
        (Some(notifier), _) => complain(notifier.end()),
        (None, _) => {}
    }
    Ok(match end? {
        WatchEnd::Done | WatchEnd::Unheard => ExitCode::SUCCESS,
        WatchEnd::Failed => ExitCode::FAILURE,
        WatchEnd::NeedsPerson => ExitCode::from(3),
        WatchEnd::Interrupted(signal) => {
            ExitCode::from(128_u8.saturating_add(u8::try_from(signal).unwrap_or(2)))
        }
    })
}
