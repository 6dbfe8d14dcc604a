//! Effects, carried out on threads: each asks one service and sends its answer.

use super::acts::Act;
use super::drive::Explain;
use super::message::{Answer, Effect, Message, Outcome};
use super::output::Listener;
use super::state::RunKey;
use crate::gate::Action;
use crate::render::{self, Screen};
use crate::service::forum::{Deed, Speaker};
use crate::service::{
    self, Caller, CleanupRequest, CloseReport, CloseRequest, Event, GuideRequest, IterateRequest, Resume,
    ResumeRequest, Selector, ServiceError, ServiceResult, UpdateRequest,
};
use crate::sys::{Cmd, signals::Interrupt};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;

/// The signal in whose name a key asks an act to stop: as if Ctrl-C had been pressed on its command.
const BY_KEY: i32 = 2;

/// Carries effects out.
pub(super) struct Workers {
    asker: Asker,
    listener: Option<Listener>,
    act: Option<(JoinHandle<()>, Interrupt)>,
}

/// Who asks the services.
#[derive(Clone)]
pub(super) struct Asker {
    /// For everybody.
    pub caller: Caller,
    /// The control repository around us.
    home: PathBuf,
    /// All control repositories.
    pub everywhere: bool,
    explain: Explain,
    /// Where answers go.
    pub sender: Sender<Message>,
}

/// Says that something broke, unless it is put aside: a thread that panics must not leave a screen that waits for it.
struct Alarm(Option<Sender<Message>>);

impl Drop for Alarm {
    fn drop(&mut self) {
        if let Some(sender) = self.0.take() {
            let _ = sender.send(Message::Broke);
        }
    }
}

impl Workers {
    /// Workers that ask as this caller.
    pub fn new(
        caller: Caller,
        home: PathBuf,
        everywhere: bool,
        (explain, sender): (Explain, Sender<Message>),
    ) -> Self {
        Self { asker: Asker { caller, home, everywhere, explain, sender }, listener: None, act: None }
    }

    /// Starts what an effect asks for.
    pub fn start(&mut self, effect: Effect) {
        match effect {
            Effect::Watch(of) => {
                // The one before stops listening as it is dropped.
                self.listener = of.map(|of| Listener::start(self.asker.clone(), of));
            }
            Effect::Stop => {
                if let Some((_, interrupt)) = &self.act {
                    interrupt.raise(BY_KEY);
                }
            }
            Effect::Do(key, act) => {
                let interrupt = Interrupt::default();
                let asker = Asker {
                    caller: Caller { interrupt: interrupt.clone(), ..self.asker.caller.clone() },
                    ..self.asker.clone()
                };
                let sender = self.asker.sender.clone();
                let thread = spawn(sender, move || Some(Message::Done(asker.act(&key, &act))));
                self.act = Some((thread, interrupt));
            }
            other => {
                let asker = self.asker.clone();
                spawn(self.asker.sender.clone(), move || asker.look(other));
            }
        }
    }

    /// Sends a message to the loop.
    pub fn tell(&self, message: Message) {
        let _ = self.asker.sender.send(message);
    }

    /// The command that enters a session.
    pub fn way_into(&self, key: &RunKey, agent: &str) -> Answer<Vec<String>> {
        self.asker.guarded("attach")?;
        let words = ["attach".into(), format!("{}:{agent}", key.id).into()];
        let selector = selector_of(key, Some(agent));
        service::attach(&self.asker.at(key), &selector)
            .map_err(|error| self.asker.told(&error, "attach", &words))
    }

    /// Runs that command on our terminal.
    pub fn enter(&self, argv: &[String]) -> Answer<()> {
        let Some((program, rest)) = argv.split_first() else { return Ok(()) };
        let told = |error: &ServiceError| self.asker.told(error, "attach", &["attach".into()]);
        match Cmd::new(program).args(rest).on_terminal() {
            Ok(exit) if exit.is_ok() => Ok(()),
            Ok(exit) => Err(told(&ServiceError::failed(
                format!("'{}' ended with {exit}.", argv.join(" ")),
                &["git metawsm status"],
            ))),
            Err(error) => Err(told(&error.into())),
        }
    }

    /// Waits for the act that is under way, which is asked to stop.
    pub fn finish(self) {
        drop(self.listener);
        if let Some((thread, interrupt)) = self.act {
            interrupt.raise(BY_KEY);
            let _ = thread.join();
        }
    }
}

fn spawn(sender: Sender<Message>, work: impl FnOnce() -> Option<Message> + Send + 'static) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut alarm = Alarm(Some(sender.clone()));
        let message = work();
        alarm.0 = None;
        if let Some(message) = message {
            let _ = sender.send(message);
        }
    })
}

/// Names a run, and one of its agents, for a service.
pub(super) fn selector_of(key: &RunKey, agent: Option<&str>) -> Selector {
    let word = agent.map_or_else(|| key.id.to_string(), |agent| format!("{}:{agent}", key.id));
    Selector { word: Some(word), ..Selector::default() }
}

/// What `render` says.
pub(super) fn said(say: impl FnOnce(&Screen)) -> String {
    let screen = Screen::keeping();
    say(&screen);
    screen.kept()
}

impl Asker {
    /// The caller, at the control repository of a run.
    pub fn at(&self, key: &RunKey) -> Caller {
        Caller { root: Some(key.root.clone()), ..self.caller.clone() }
    }

    /// An error in the words of `render`.
    pub fn told(&self, error: &ServiceError, command: &'static str, words: &[OsString]) -> String {
        said(|screen| render::failure(screen, &(self.explain)(error, command, words)))
    }

    /// An agent looks and does nothing, whatever the screen let through.
    fn guarded(&self, command: &'static str) -> Answer<()> {
        let Some(agent) = &self.caller.below_agent else { return Ok(()) };
        let message = format!("'{command}' is for people; the agent '{agent}' cannot do it.");
        let error = ServiceError::forbidden(message, &["git metawsm status"]);
        Err(self.told(&error, command, &[command.into()]))
    }

    /// The answer of a service, an error in words.
    pub fn asked<T>(&self, key: &RunKey, command: &'static str, answer: ServiceResult<T>) -> Answer<T> {
        let words = [command.into(), key.id.to_string().into()];
        answer.map_err(|error| self.reachable(key, &self.told(&error, command, &words)))
    }

    /// Whether a run belongs to another control repository than the one around us.
    pub fn is_outside(&self, key: &RunKey) -> bool {
        key.root != self.home
    }

    /// A text about a run, in which each line that is a command can be typed where we are.
    pub fn reachable(&self, key: &RunKey, text: &str) -> String {
        if !self.is_outside(key) {
            return text.to_owned();
        }
        let line = |line: &str| {
            let command = line.trim_start();
            let inset = &line[..line.len() - command.len()];
            format!("{inset}{}\n", service::from_outside(&key.root, command))
        };
        text.lines().map(line).collect()
    }

    /// What an act would do, where a dry run tells it.
    pub fn plan(&self, key: &RunKey, act: &Act) -> Answer<String> {
        self.guarded(act.command())?;
        self.planned(key, act).map(|plan| self.reachable(key, &plan))
    }

    fn planned(&self, key: &RunKey, act: &Act) -> Answer<String> {
        let (caller, selector) = (self.at(key), selector_of(key, None));
        let quiet = &mut |_: Event| {};
        match act {
            Act::Merge | Act::Close => {
                let request = CloseRequest { dry_run: true, ..close_request(selector, act) };
                let report = self.asked(key, act.command(), service::close(&caller, &request, quiet))?;
                Ok(said(|screen| closing_plan(screen, report)))
            }
            Act::Update => {
                let request = UpdateRequest { selector, dry_run: true };
                let report = self.asked(key, "update", service::update(&caller, &request, quiet))?;
                Ok(said(|screen| render::updated(screen, &report)))
            }
            Act::Iterate(feedback) => {
                let request = IterateRequest { selector, feedback: feedback.clone(), dry_run: true };
                let report = self.asked(key, "iterate", service::iterate(&caller, &request, quiet))?;
                Ok(said(|screen| render::iterated(screen, &report)))
            }
            _ => Ok(String::new()),
        }
    }

    fn act(&self, key: &RunKey, act: &Act) -> Outcome {
        let done = self
            .guarded(act.command())
            .and_then(|()| self.asked(key, act.command(), self.carry_out(key, act)))
            .map(|text| self.reachable(key, &text));
        let is_good = done.is_ok();
        Outcome { title: act.title(), text: done.unwrap_or_else(|trouble| trouble), is_good }
    }

    fn carry_out(&self, key: &RunKey, act: &Act) -> ServiceResult<String> {
        let (caller, selector) = (self.at(key), selector_of(key, None));
        let progress = &mut |event: Event| {
            let _ = self.sender.send(Message::Progress(event));
        };
        Ok(match act {
            Act::Answer(thread, words) => {
                let request = GuideRequest {
                    selector,
                    question: Some(thread.to_string()),
                    answer: words.clone(),
                    ..GuideRequest::default()
                };
                let guided = service::guide(&caller, &request, progress)?;
                said(|screen| render::guided(screen, &guided))
            }
            Act::Reply(thread, words) => {
                let deed = Deed::Answer(words.clone());
                let acted =
                    service::act_in_thread(&caller, thread.as_str(), &Speaker::default(), &deed, progress)?;
                said(|screen| render::forum_acted(screen, &acted))
            }
            Act::Iterate(feedback) => {
                let request = IterateRequest { selector, feedback: feedback.clone(), dry_run: false };
                let report = service::iterate(&caller, &request, progress)?;
                said(|screen| render::iterated(screen, &report))
            }
            Act::Restart => acted(&service::restart(&caller, &selector, progress)?),
            Act::Stop => acted(&service::stop(&caller, &selector)?),
            Act::Complete(reason) => acted(&service::complete(&caller, &selector, reason)?),
            Act::Resume => {
                let request = ResumeRequest { selector, all: false };
                let (runs, _) = service::resume(&caller, &request, progress)?;
                said(|screen| render::resumed(screen, &runs, &[]))
            }
            Act::Merge | Act::Close | Act::Finish(_) | Act::TakeBack(_) => {
                let report = service::close(&caller, &close_request(selector, act), progress)?;
                said(|screen| render::closing(screen, &report))
            }
            Act::Commit => {
                let (run, commits) = service::commit(&caller, &selector, None)?;
                said(|screen| render::committed(screen, &run, &commits))
            }
            Act::Update => {
                let request = UpdateRequest { selector, dry_run: false };
                let report = service::update(&caller, &request, progress)?;
                said(|screen| render::updated(screen, &report))
            }
            Act::Discard(reason) => {
                let (run, removal) = service::discard(&caller, &selector, reason, progress)?;
                said(|screen| render::discarded(screen, &run, &removal))
            }
            Act::Cleanup => {
                let request = CleanupRequest { selector, ..CleanupRequest::default() };
                let (run, removal) = service::cleanup(&caller, &request, progress)?;
                said(|screen| render::cleanup(screen, &run, &removal))
            }
        })
    }
}

/// What would be done stands first: every gate holds, or there would be no plan.
fn closing_plan(screen: &Screen, mut report: CloseReport) {
    let verdict = std::mem::take(&mut report.verdict);
    render::closing(screen, &report);
    screen.answer("Gates:\n");
    for line in render::verdict_lines(&verdict, screen, false) {
        screen.story(&line);
    }
}

fn acted(run: &crate::model::Run) -> String {
    said(|screen| render::acted(screen, run))
}

fn close_request(selector: Selector, act: &Act) -> CloseRequest {
    CloseRequest {
        selector,
        action: if act.command() == "merge" { Action::Merge } else { Action::Close },
        dry_run: false,
        waivers: Vec::new(),
        changelog_entry: None,
        resume: match act {
            Act::Finish(_) => Some(Resume::Continue),
            Act::TakeBack(_) => Some(Resume::Abort),
            _ => None,
        },
        push: false,
        landed: Vec::new(),
    }
}
