//! `watch --notify-cmd`: a program that somebody named on the command line, started for each alert.
//!
//! It is trusted because a person typed it. It is started without a shell, one after the other, on a thread of its own:
//! one that hangs or fails stops no stream, and is named once.

use super::alert::Alert;
use super::notify::event_of;
use super::{Changes, ServiceError, ServiceResult};
use crate::model::{RunId, RunState, TicketId, plain_line, split_words, title_of};
use crate::sys::watch::Waker;
use crate::sys::{Cmd, SysError, env, procs};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long the program may take for one alert.
const LIMIT: Duration = Duration::from_secs(10);
/// The most bytes of what it says that are kept.
const KEPT: usize = 4096;
/// The most characters of a message.
const MESSAGE: usize = 300;

/// Starts a program for each alert.
#[derive(Debug)]
pub struct Notifier {
    alerts: Sender<Alert>,
    shared: Arc<Shared>,
    worker: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    waker: Waker,
    /// What is to be said of the program, and was not said yet.
    trouble: Mutex<Option<String>>,
    /// Whether no more of what waits is to be told once the program has failed.
    ends: AtomicBool,
    /// The group of the program that runs now; 0 where none does.
    group: AtomicI32,
}

impl Notifier {
    /// For the words of a command, as they were typed; whoever waits for `changes` is woken when it is in trouble.
    pub fn new(words: &str, changes: &Changes, cwd: &Path) -> ServiceResult<Self> {
        let hints = ["git metawsm watch -h"];
        let typed = split_words(words)
            .map_err(|why| ServiceError::wrong(format!("'{words}' is no command: {why}."), &hints))?;
        let Some((program, args)) = typed.split_first() else {
            return Err(ServiceError::wrong("The command to notify with is empty.", &hints));
        };
        let known = if program.contains('/') {
            Some(cwd.join(program)).filter(|path| path.is_file())
        } else {
            env::find_program(program)
        };
        let program = known.ok_or_else(|| {
            let message = format!("The program to notify with, '{program}', is not found.");
            ServiceError::failed(message, &["git metawsm watch -h"])
        })?;
        let cmd = Cmd::new(program).args(args).cwd(cwd).without_outside().limit(LIMIT).keep_last(KEPT);
        let shared = Arc::new(Shared {
            waker: changes.waker(),
            trouble: Mutex::default(),
            ends: AtomicBool::default(),
            group: AtomicI32::default(),
        });
        let (alerts, waiting) = channel();
        let its = Arc::clone(&shared);
        let worker = std::thread::spawn(move || its.work(&cmd, &waiting));
        Ok(Self { alerts, shared, worker })
    }

    /// Starts the program for an alert, once those before it have ended.
    pub fn tell(&self, alert: &Alert) {
        // The worker ends only after this end of the channel does.
        let _ = self.alerts.send(alert.clone());
    }

    /// What is wrong with the program, once.
    pub fn trouble(&self) -> Option<String> {
        self.shared.trouble.lock().ok().and_then(|mut trouble| trouble.take())
    }

    /// Waits until the last alert was told; what is wrong with the program. Once it is, the rest waits no longer.
    pub fn end(self) -> Option<String> {
        self.shared.ends.store(true, Ordering::Relaxed);
        drop(self.alerts);
        let _ = self.worker.join();
        self.shared.trouble.lock().ok().and_then(|mut trouble| trouble.take())
    }

    /// Ends the program that runs now, and tells nothing more.
    pub fn abandon(self) {
        let group = self.shared.group.load(Ordering::SeqCst);
        if group > 0 {
            procs::kill_group(group);
        }
    }
}

impl Shared {
    fn work(&self, cmd: &Cmd, waiting: &Receiver<Alert>) {
        let mut has_failed = false;
        for alert in waiting {
            if has_failed && self.ends.load(Ordering::Relaxed) {
                return;
            }
            let cmd = with_words(cmd.clone(), &alert);
            let told = cmd.run_watched(&mut |child| self.group.store(child.pid, Ordering::SeqCst));
            self.group.store(0, Ordering::SeqCst);
            if let (Err(error), false) = (told, has_failed) {
                has_failed = true;
                if let Ok(mut trouble) = self.trouble.lock() {
                    *trouble = Some(said_of(&error));
                }
                self.waker.wake();
            }
        }
    }
}

fn said_of(error: &SysError) -> String {
    let why = plain_line(&error.to_string());
    format!(
        "Not everything could be passed on: {}; it is tried again at each alert.",
        why.trim_end_matches('.')
    )
}

/// The words are the program's environment, as for `notify.command`: nothing of theirs is ever an argument.
fn with_words(cmd: Cmd, alert: &Alert) -> Cmd {
    let run = alert.run.as_ref().map(RunId::as_str).unwrap_or_default();
    let state = alert.state.map(RunState::as_str).unwrap_or_default();
    let tickets: Vec<_> = alert.tickets.iter().map(TicketId::as_str).collect();
    let message = title_of(&plain_line(&alert.what), MESSAGE);
    let cmd = cmd.env(env::EVENT, event_of(alert.kind)).env(env::MESSAGE, message);
    let cmd = cmd.env(env::RUN_ID, run).env(env::RUN_STATUS, state).env(env::TICKETS, tickets.join(","));
    cmd.env(env::COMMAND, alert.commands.first().map(String::as_str).unwrap_or_default())
}
