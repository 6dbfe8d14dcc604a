//! The wrapper: one process of ours above each agent, that knows when it began and how it ended, and leaves nothing
//! of it behind.

use super::launch::{Ended, Launch, Record};
use super::{SessionError, child, tmux, tree};
use crate::model::{Child, Session, SessionBackend};
use crate::sys::supervise::{self, Change, Wake};
use crate::sys::watch::Watch;
use crate::sys::{Cmd, Exit, clock, env, files, procs, term};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// Why the wrapper calls its caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Occasion {
    /// Something changed in a signal root.
    Signals,
    /// The agent's program could not be started; the reason, for whoever looks into the pane or the log.
    NotStarted(String),
    /// The agent and all below it are gone; the record says so.
    Ended(Ended),
}

enum Event {
    Woken(Wake),
    Files,
}

/// Whom the wrapper tells. `false` asks to be told of signals again in a moment.
type Tell<'a> = &'a mut dyn FnMut(&Launch, Occasion) -> bool;

/// When to tell of signals again.
const AGAIN: Duration = Duration::from_millis(250);

/// The entry of `agent exec <launch file>`, `agent child -- <argv>` and `agent alone -- <argv>`; `args` begin after
/// `agent`. Gives the exit code. `tell` is called on the wrapper's own thread, never while the agent's end is being
/// written, and says whether it could do its work; the wrapper comes back to signals that it could not take.
pub fn dispatch(args: &[OsString], tell: Tell<'_>) -> Result<u8, SessionError> {
    match args {
        [verb, file] if verb == "exec" => Ok(code_of(&wrapper(Path::new(file), tell)?)),
        [verb, rest @ ..] if verb == "child" => {
            Err(child(rest.strip_prefix(&[OsString::from("--")]).unwrap_or(rest)))
        }
        [verb, rest @ ..] if verb == "alone" => {
            // Away from every terminal: who asks a question there gets an error instead of waiting for an answer.
            supervise::lead_session();
            Err(child(rest.strip_prefix(&[OsString::from("--")]).unwrap_or(rest)))
        }
        _ => Err(SessionError::Usage),
    }
}

fn code_of(ended: &Ended) -> u8 {
    let code = ended.status.or(ended.signal.map(|s| 128 + s)).unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}

/// The body of `agent exec`: runs the agent to its end, ends what it leaves, and writes both down. Calls `tell` when
/// a signal root changes and when the agent has ended; while `tell` runs the wrapper does not answer, so it must not
/// wait for whoever holds the run: that may be the one who stops us. In tmux with `keep_shell` it becomes a shell at
/// the end and does not return.
fn wrapper(launch_file: &Path, tell: Tell<'_>) -> Result<Ended, SessionError> {
    let launch = Launch::load(launch_file)?;
    let terminal = term::stdin_is_terminal();
    if !terminal {
        supervise::lead_session();
    }
    supervise::adopt_orphans(true)?;
    let (sender, events) = channel();
    listen(sender.clone())?;
    let session = own_session(&launch);
    let in_tmux = session.backend == SessionBackend::Tmux;
    let mut record = Record::begun(session, procs::own(), clock::precise());
    record.save(&launch.files.exit)?;
    watch(&launch, sender);

    let mut ours = Vec::new();
    let (exit, stopped) = match agent(&launch).start_inherited() {
        Ok(child) => {
            let child = procs::of_child(&child);
            record.agent = Some(child);
            attend(child, &launch, &events, &mut keeping(&mut ours, tell))
        }
        Err(error) => {
            tell(&launch, Occasion::NotStarted(error.to_string()));
            (Some(Exit::Code(127)), false)
        }
    };
    let (exit, left) = finish(exit, record.agent, &ours);
    record.left = left;
    if in_tmux {
        keep_screen(&launch.files.log);
    }
    let ended = Ended::of(exit, clock::precise(), stopped);
    record.ended = Some(ended.clone());
    save_stubbornly(&record, &launch.files.exit)?;
    tell(&launch, Occasion::Ended(ended.clone()));
    let asked = events.try_iter().any(|event| matches!(event, Event::Woken(Wake::Stop)));
    if in_tmux && terminal && launch.keep_shell && !stopped && !asked && tmux::unmark_own_pane() {
        return Err(become_shell(&launch, exit));
    }
    Ok(ended)
}

fn listen(sender: Sender<Event>) -> Result<(), SessionError> {
    Ok(supervise::on_wake(move |wake| {
        let _ = sender.send(Event::Woken(wake));
    })?)
}

/// Where we run, told by our surroundings and not by the launch file: this is what `stop` will look for.
fn own_session(launch: &Launch) -> Session {
    let here = if term::stdin_is_terminal() { tmux::own_session(&launch.token) } else { None };
    here.unwrap_or_else(|| Session {
        backend: SessionBackend::Process,
        id: String::new(),
        pane: String::new(),
        process: procs::own(),
        token: launch.token.clone(),
    })
}

/// Wakes the wrapper when something changes in a signal root.
fn watch(launch: &Launch, sender: Sender<Event>) {
    let mut watch = Watch::new();
    let mut any = false;
    for root in &launch.signal_roots {
        if root.parent().is_some_and(Path::is_dir) && files::ensure_dir(root).is_ok() {
            watch.add(root);
            any = true;
        }
    }
    if any {
        // The first look: what was put there before we watched woke nobody.
        let _ = sender.send(Event::Files);
        std::thread::spawn(move || {
            loop {
                if watch.wait(Duration::from_secs(3600)) && sender.send(Event::Files).is_err() {
                    return;
                }
            }
        });
    }
}

/// The agent's command: our own environment without what was meant for somebody else, plus what it may know.
fn agent(launch: &Launch) -> Cmd {
    // A program of an agent that finds another one's mark believes to run inside of it and refuses to.
    let marks = ["TMUX", "TMUX_PANE", "CLAUDECODE", "CLAUDE_CODE_ENTRYPOINT"];
    let own = own_program(launch);
    let mut cmd = Cmd::new(&own).args(["agent", "child", "--"]).args(&launch.argv);
    cmd = cmd.cwd(&launch.cwd).without_outside().without_env(marks);
    cmd = cmd.env(env::ROOT, &launch.root).env(env::WORKSPACE, &launch.workspace);
    cmd = cmd.env(env::RUN, &launch.run).env(env::TICKET, &launch.ticket);
    cmd = cmd.env(env::AGENT, &launch.agent).env(env::SESSION, &launch.token);
    cmd.env("PATH", path_with(launch, &own)).env("PWD", &launch.cwd)
}

fn own_program(launch: &Launch) -> PathBuf {
    let own = launch.program.clone().or_else(env::own_program);
    own.unwrap_or_else(|| PathBuf::from("git-metawsm"))
}

/// The user's PATH, on which `git metawsm` is found.
fn path_with(launch: &Launch, own: &Path) -> OsString {
    let path = launch.path_var.clone().map(OsString::from).or_else(|| std::env::var_os("PATH"));
    let mut dirs: Vec<_> = path.iter().flat_map(std::env::split_paths).collect();
    if !dirs.iter().any(|dir| dir.join("git-metawsm").is_file()) {
        dirs.extend(own.parent().map(Path::to_owned));
    }
    std::env::join_paths(dirs).ok().or(path).unwrap_or_default()
}

/// The caller, with a note of each process that it starts and leaves, which is one that notifies the user: those
/// lie below us like the agent's, and are not to end with it. They are known by what they run: what the agent itself
/// starts meanwhile, with whatever environment, is none of them.
fn keeping<'a>(ours: &'a mut Vec<Child>, tell: Tell<'a>) -> impl FnMut(&Launch, Occasion) -> bool + 'a {
    move |launch, occasion| {
        let own = procs::own().pid;
        let before = procs::descendants(own);
        let done = tell(launch, occasion);
        let notifies = |child: &Child| {
            let words = procs::settled_words(*child);
            words.get(1..3).is_some_and(|words| words == ["agent", "notify"])
        };
        let after = procs::descendants(own).into_iter().filter(|c| !before.contains(c));
        ours.extend(after.filter(notifies));
        done
    }
}

/// Waits until the agent has ended (its exit) or somebody asks us to stop (none yet, or the one that came first).
fn attend(agent: Child, launch: &Launch, events: &Receiver<Event>, tell: Tell<'_>) -> (Option<Exit>, bool) {
    let (mut waits, mut hung_up) = (false, false);
    loop {
        // The first look comes before the first event: an agent may have ended before signals were taken.
        while let Some((pid, change)) = supervise::reap() {
            match change {
                Change::Ended(exit) if pid == agent.pid => return (Some(exit), false),
                Change::Suspended if pid == agent.pid => {
                    // Nobody could bring it back: there is no shell above it.
                    supervise::give_terminal(pid);
                    supervise::resume_group(pid);
                }
                _ => {}
            }
        }
        // A terminal can go before the child has made its group; then nobody heard of it yet.
        hung_up = hung_up && !supervise::hang_up_group(agent.pid);
        let event = if waits || hung_up {
            events.recv_timeout(AGAIN)
        } else {
            events.recv().map_err(|_| RecvTimeoutError::Disconnected)
        };
        match event {
            Ok(Event::Woken(Wake::Child)) => {}
            // The kernel tells the leader of a terminal's session alone; the agent has a group of its own.
            Ok(Event::Woken(Wake::Hangup)) => hung_up = true,
            Ok(Event::Woken(Wake::Stop)) | Err(RecvTimeoutError::Disconnected) => return (None, true),
            Err(RecvTimeoutError::Timeout) if !waits => {}
            Ok(Event::Files) | Err(RecvTimeoutError::Timeout) => waits = !tell(launch, Occasion::Signals),
        }
    }
}

/// Ends what is left below us, the agent included. A leftover would go on writing where everybody believes that
/// the agent is done.
fn finish(exit: Option<Exit>, agent: Option<Child>, ours: &[Child]) -> (Exit, Vec<Child>) {
    let mut exit = exit;
    let left = tree::end_below_us(ours, &mut |pid, change| {
        if let Change::Ended(how) = change
            && agent.is_some_and(|a| a.pid == pid)
        {
            exit.get_or_insert(how);
        }
    });
    (exit.unwrap_or(Exit::Signal(9)), left)
}

/// Keeps what the pane shows: when the session is gone, this is the agent's output.
fn keep_screen(log: &Path) {
    if let Some(text) = tmux::capture_own_pane() {
        let _ = files::write_atomic(log, &text);
    }
}

/// An end that is not written down is an unknown end; a full disk may have room again in a moment.
fn save_stubbornly(record: &Record, path: &Path) -> Result<(), SessionError> {
    let mut result = record.save(path);
    for _ in 0..10 {
        if result.is_ok() {
            break;
        }
        std::thread::sleep(Duration::from_millis(300));
        result = record.save(path);
    }
    result
}

/// Leaves a shell where the agent was. We become it instead of waiting for it: what a person types there is not
/// below an agent's wrapper. Returns only where that fails.
fn become_shell(launch: &Launch, exit: Exit) -> SessionError {
    let _ = supervise::adopt_orphans(false);
    supervise::take_terminal();
    // An answer that the agent did not wait for is no command.
    term::forget_typed();
    let shell = env::text("SHELL").and_then(|s| env::find_program(&s)).unwrap_or_else(|| "/bin/sh".into());
    let said = format!(
        "[git metawsm: {} on {} ended with {exit}; this is a shell in its directory]",
        launch.agent, launch.ticket
    );
    let script = "printf '\\n%s\\n' \"$1\"; exec \"$2\"";
    let cmd = Cmd::new("/bin/sh").args(["-c", script, "sh", &said]).arg(shell);
    let cmd = cmd.cwd(&launch.cwd).without_outside().env(env::ROOT, &launch.root);
    let cmd = cmd.env(env::RUN, &launch.run).env(env::WORKSPACE, &launch.workspace);
    cmd.env("PATH", path_with(launch, &own_program(launch))).exec().into()
}
