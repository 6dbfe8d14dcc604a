//! The loop: what arrives is taken in, what follows is done, the screen is drawn. It sleeps while nothing arrives.

use super::input::{Decoder, Input};
use super::message::{Effect, Message};
use super::state::{App, Chosen, RunKey};
use super::terminal::{self, Terminal};
use super::work::Workers;
use super::{panes, update};
use crate::render::{Failure, Screen};
use crate::service::{self, Caller, Changes, Selector, ServiceError, ServiceResult, StatusRequest};
use crate::store;
use crate::sys::attention::{Nudge, Signalled, Typed, each_signal, read_typed, typing};
use crate::sys::{SysError, clock, signals::Interrupt};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::time::Duration;

/// Explains an error of a command: its word, and all words as they would have been typed.
pub type Explain = fn(&ServiceError, &'static str, &[OsString]) -> Failure;

/// What the screen begins with.
#[derive(Debug, Clone, Default)]
pub struct TuiRequest {
    /// The run to look at first.
    pub selector: Selector,
    /// All control repositories of this user.
    pub everywhere: bool,
}

/// How often ages are drawn anew.
const MINUTE: Duration = Duration::from_secs(60);
/// How long an escape byte may be the beginning of a key, over a slow line too.
const ESCAPE: Duration = Duration::from_millis(40);
/// How many messages are taken in before the screen is drawn.
const AT_ONCE: usize = 1000;

/// Shows the screen until somebody leaves it.
pub fn run(
    caller: &Caller,
    screen: &Screen,
    request: &TuiRequest,
    explain: Explain,
) -> ServiceResult<ExitCode> {
    let control = service::control(caller)?;
    let named = named(caller, request)?;
    terminal::require(screen.json)?;
    let caller = Caller { interrupt: Interrupt::default(), ..caller.clone() };
    let (sender, arrived) = channel();
    let signals = sender.clone();
    each_signal(move |signal| {
        signals
            .send(match signal {
                Signalled::Resized => size_message(),
                Signalled::End(number) => Message::Signal(number),
            })
            .is_ok()
    })?;
    let mut terminal = Terminal::take()?;
    let keyboard = Keyboard::listen(sender.clone())?;
    follow_changes(sender.clone(), control.root().to_owned(), request.everywhere);
    let mut app = App::new(clock::now(), Terminal::size(), caller.below_agent.clone(), request.everywhere);
    app.chosen = named.map(Chosen::Run);
    let workers = Workers::new(caller, control.root().to_owned(), request.everywhere, (explain, sender));
    let mut session = Session { terminal: &mut terminal, keyboard, workers, colors: screen.colors() };
    let ended = session.run(&mut app, &arrived);
    let Session { workers, .. } = session;
    drop(terminal);
    // What is under way stops where nothing is left half done.
    workers.finish();
    Ok(match ended? {
        None => ExitCode::SUCCESS,
        Some(signal) => ExitCode::from(128_u8.saturating_add(u8::try_from(signal).unwrap_or(1))),
    })
}

/// The run that was named.
fn named(caller: &Caller, request: &TuiRequest) -> ServiceResult<Option<RunKey>> {
    if request.selector.is_empty() {
        return Ok(None);
    }
    let asked =
        StatusRequest { selector: request.selector.clone(), no_ingest: true, ..StatusRequest::default() };
    let report = service::status(caller, &asked)?;
    Ok(report.runs.first().map(RunKey::of))
}

fn size_message() -> Message {
    let (columns, lines) = Terminal::size();
    Message::Resized(columns, lines)
}

/// Tells of changes of live state, and of every minute without one.
fn follow_changes(sender: Sender<Message>, root: PathBuf, everywhere: bool) {
    let roots = move || {
        let mut roots = vec![root.clone()];
        if everywhere {
            roots.extend(store::known_roots().unwrap_or_default().into_iter().map(|known| known.path));
        }
        roots
    };
    let work = move || {
        let mut changes = Changes::new();
        let mut has_changed = true;
        loop {
            // New runs are followed before anybody looks: nothing falls in between.
            changes.follow(&roots());
            changes.follow_worktrees(&roots());
            let message = if has_changed { Message::Changed } else { Message::Minute };
            if sender.send(message).is_err() {
                return;
            }
            has_changed = changes.wait(MINUTE);
        }
    };
    std::thread::spawn(work);
}

/// Reads keys on a thread of its own, unless another program has the terminal.
struct Keyboard {
    nudge: Nudge,
    paused: Receiver<()>,
    go_on: Sender<()>,
}

impl Keyboard {
    fn listen(sender: Sender<Message>) -> ServiceResult<Self> {
        let (waiting, nudge) = typing()?;
        let (pausing, paused) = sync_channel(1);
        let (go_on, going_on) = channel();
        std::thread::spawn(move || {
            let (mut typing, mut decoder) = (waiting, Decoder::default());
            loop {
                let goes_on = match typing.wait(decoder.is_unsure().then_some(ESCAPE)) {
                    Typed::Keys => {
                        let bytes = read_typed();
                        decoder.feed(&bytes);
                        !bytes.is_empty() && hand_on(&mut decoder, false, &sender)
                    }
                    Typed::Nothing => hand_on(&mut decoder, true, &sender),
                    Typed::Nudged => pausing.send(()).is_ok() && going_on.recv().is_ok(),
                    Typed::Gone => false,
                };
                if !goes_on {
                    // Who sees it last has left already, or has no terminal any more.
                    let _ = sender.send(Message::Gone);
                    return;
                }
            }
        });
        Ok(Self { nudge, paused, go_on })
    }

    /// Nobody reads keys while this runs.
    fn pause<T>(&self, work: impl FnOnce() -> T) -> T {
        self.nudge.nudge();
        let _ = self.paused.recv();
        let answer = work();
        let _ = self.go_on.send(());
        answer
    }
}

/// Hands on all that is understood; `false` where nobody listens.
fn hand_on(decoder: &mut Decoder, is_all: bool, sender: &Sender<Message>) -> bool {
    while let Some(input) = decoder.next(is_all) {
        let message = match input {
            Input::Key(key) => Message::Key(key),
            Input::Pasted(text) => Message::Pasted(text),
        };
        if sender.send(message).is_err() {
            return false;
        }
    }
    true
}

/// The loop and what it needs.
struct Session<'a> {
    terminal: &'a mut Terminal,
    keyboard: Keyboard,
    workers: Workers,
    colors: bool,
}

/// Why the loop goes on or ends.
enum Step {
    On,
    End(Option<i32>),
}

impl Session<'_> {
    fn run(&mut self, app: &mut App, arrived: &Receiver<Message>) -> ServiceResult<Option<i32>> {
        let effects = update::begin(app);
        if let Step::End(signal) = self.carry_out(effects)? {
            return Ok(signal);
        }
        loop {
            self.draw(app)?;
            let first = arrived
                .recv()
                .map_err(|_| SysError::Other("Nobody listens to the keys any more.".to_owned()))?;
            let more = arrived.try_iter().take(AT_ONCE);
            for message in std::iter::once(first).chain(more) {
                if matches!(message, Message::Broke) {
                    return Err(SysError::Other(
                        "A part of the screen broke; what it said stands above.".to_owned(),
                    )
                    .into());
                }
                let effects = update::update(app, message, clock::now());
                if let Step::End(signal) = self.carry_out(effects)? {
                    return Ok(signal);
                }
            }
        }
    }

    fn draw(&mut self, app: &mut App) -> ServiceResult<()> {
        // A terminal that has become smaller is known before its signal arrives.
        let (columns, lines) = Terminal::size();
        if (columns, lines) != app.size {
            let effects = update::update(app, Message::Resized(columns, lines), clock::now());
            self.carry_out(effects)?;
        }
        let colors = self.colors;
        self.terminal.draw(|frame| panes::draw(frame, app, colors))?;
        update::drawn(app);
        Ok(())
    }

    fn carry_out(&mut self, effects: Vec<Effect>) -> ServiceResult<Step> {
        for effect in effects {
            match effect {
                Effect::Quit(signal) => return Ok(Step::End(signal)),
                Effect::Redraw => self.terminal.forget()?,
                Effect::Attach(run, agent) => self.attach(&run, &agent)?,
                other => self.workers.start(other),
            }
        }
        Ok(Step::On)
    }

    /// Enters a session; a client of tmux is switched and shows it by itself.
    fn attach(&mut self, run: &RunKey, agent: &str) -> ServiceResult<()> {
        let answer = match self.workers.way_into(run, agent) {
            Err(trouble) => Err(trouble),
            Ok(argv) => {
                let terminal = &mut *self.terminal;
                self.keyboard.pause(|| terminal.lend(|| self.workers.enter(&argv)))?
            }
        };
        self.workers.tell(Message::Back(answer));
        Ok(())
    }
}
