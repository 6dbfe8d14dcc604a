//! Effects, carried out on threads: each asks one service and sends its answer.

use super::acts::Act;
use super::drive::Explain;
use super::message::{Answer, Content, Effect, Message, Outcome};
use super::output::Listener;
use super::state::{RunKey, Tab};
use crate::gate::Action;
use crate::render::{self, Paint, Screen};
use crate::service::forum::{self, Deed, Speaker, ThreadFilter};
use crate::service::{
    self, Caller, CheckRequest, CleanupRequest, CloseRequest, DiffRequest, Event, GuideRequest,
    IterateRequest, ListRequest, ResumeRequest, Selector, ServiceError, ServiceResult, StatusRequest,
    UpdateRequest,
};
use crate::sys::{Cmd, signals::Interrupt};
use std::ffi::OsString;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;

/// The most lines of a text that are kept for the screen.
const LINES: usize = 20_000;
/// The most threads of a run that are listed.
const THREADS: usize = 1000;
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
    /// All control repositories.
    everywhere: bool,
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
    pub fn new(caller: Caller, everywhere: bool, explain: Explain, sender: Sender<Message>) -> Self {
        Self { asker: Asker { caller, everywhere, explain, sender }, listener: None, act: None }
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
fn said(say: impl FnOnce(&Screen)) -> String {
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

    fn asked<T>(&self, key: &RunKey, command: &'static str, answer: ServiceResult<T>) -> Answer<T> {
        let words = [command.into(), key.id.to_string().into()];
        answer.map_err(|error| self.told(&error, command, &words))
    }

    fn look(&self, effect: Effect) -> Option<Message> {
        Some(match effect {
            Effect::LoadRuns => Message::Runs(self.runs()),
            Effect::LoadDecided => Message::Decided(self.decided()),
            Effect::LoadRun(key) => {
                let answer = self.run(&key);
                Message::Run(key, answer)
            }
            Effect::LoadTab(key, tab) => {
                let answer = self.tab(&key, tab);
                Message::Tab(key, tab, answer)
            }
            Effect::LoadThread(key, thread) => {
                let answer = self.asked(&key, "forum", forum::thread(&self.at(&key), thread.as_str()));
                let answer = answer.map(|view| said(|screen| render::thread(screen, &view)));
                Message::Thread(key, thread, answer)
            }
            Effect::Plan(number, key, act) => Message::Planned(number, self.plan(&key, &act)),
            _ => return None,
        })
    }

    fn runs(&self) -> Answer<service::StatusReport> {
        let request = StatusRequest {
            everywhere: self.everywhere,
            no_ingest: self.caller.below_agent.is_some(),
            ..StatusRequest::default()
        };
        service::status(&self.caller, &request)
            .map_err(|error| self.told(&error, "status", &["status".into()]))
    }

    fn run(&self, key: &RunKey) -> Answer<Box<service::RunView>> {
        let request = StatusRequest {
            selector: selector_of(key, None),
            no_ingest: self.caller.below_agent.is_some(),
            ..StatusRequest::default()
        };
        let mut report = self.asked(key, "status", service::status(&self.at(key), &request))?;
        report.runs.pop().map(Box::new).ok_or_else(|| format!("There is no run {} here any more.", key.id))
    }

    fn decided(&self) -> Answer<Vec<(RunKey, crate::store::Summary)>> {
        let root = service::control(&self.caller).map(|control| control.root().to_owned());
        let mut decided = Vec::new();
        let listed = root.and_then(|root| {
            let request = ListRequest { all: true, ..ListRequest::default() };
            service::list(&self.caller, &request, &mut |run| {
                decided.push((RunKey { root: root.clone(), id: run.id.clone() }, run.clone()));
            })
        });
        listed.map(|_| decided).map_err(|error| self.told(&error, "list", &["list".into()]))
    }

    fn tab(&self, key: &RunKey, tab: Tab) -> Answer<Content> {
        let (caller, selector) = (self.at(key), selector_of(key, None));
        Ok(match tab {
            Tab::Gates => {
                let request = CheckRequest { selector, ..CheckRequest::default() };
                let checked = self.asked(key, "check", service::check(&caller, &request, &mut |_| {}))?;
                Content::Text(said(|screen| render::judged(screen, &checked)))
            }
            Tab::Forum => {
                let filter = ThreadFilter { run: Some(key.id.to_string()), ..ThreadFilter::default() };
                Content::Threads(self.asked(key, "forum", forum::list(&caller, &filter, THREADS))?.threads)
            }
            Tab::Diff => {
                let request = DiffRequest { selector, ..DiffRequest::default() };
                let (run, diffs) = self.asked(key, "diff", service::diff(&caller, &request))?;
                let screen = Screen::keeping();
                let bytes = render::diffs(&screen, &run.id, &diffs).unwrap_or_default();
                Content::Text(first_lines(
                    &String::from_utf8_lossy(&bytes),
                    &format!("git metawsm diff {}", key.id),
                ))
            }
            Tab::Journal => {
                let (id, journal) = self.asked(key, "log", service::log(&caller, &selector))?;
                Content::Text(said(|screen| render::journal(screen, &id, &journal)))
            }
            Tab::Guidance => Content::Text(self.guidance(key)?),
            Tab::Overview | Tab::Agents | Tab::Docs => Content::Text(String::new()),
        })
    }

    /// Every question of a run with its thread, the open ones first.
    fn guidance(&self, key: &RunKey) -> Answer<String> {
        let view = self.run(key)?;
        let mut asked = view.run.guidance;
        asked.sort_by_key(|asked| (!asked.is_open(), asked.asked));
        if asked.is_empty() {
            return Ok("No agent of this run has asked anything.\n".to_owned());
        }
        let mut text = String::new();
        for asked in &asked {
            match forum::thread(&self.at(key), asked.thread.as_str()) {
                Ok(view) => text.push_str(&said(|screen| render::thread(screen, &view))),
                // The thread of a question whose file is still being taken may not be there yet.
                Err(_) => text.push_str(&said(|screen| {
                    let who = screen.paint(Paint::Bold, &format!("{}.{}", asked.ticket, asked.agent));
                    screen.answer(&format!("{who}  {}\n", render::escape(&asked.question)));
                })),
            }
            text.push('\n');
        }
        Ok(text)
    }

    fn plan(&self, key: &RunKey, act: &Act) -> Answer<String> {
        self.guarded(act.command())?;
        let (caller, selector) = (self.at(key), selector_of(key, None));
        let quiet = &mut |_: Event| {};
        match act {
            Act::Merge | Act::Close => {
                let request = CloseRequest { dry_run: true, ..close_request(selector, act) };
                let report = self.asked(key, act.command(), service::close(&caller, &request, quiet))?;
                Ok(said(|screen| render::closing(screen, &report)))
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
            .and_then(|()| self.asked(key, act.command(), self.carry_out(key, act)));
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
            Act::Merge | Act::Close => {
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

fn acted(run: &crate::model::Run) -> String {
    said(|screen| render::acted(screen, run))
}

fn close_request(selector: Selector, act: &Act) -> CloseRequest {
    CloseRequest {
        selector,
        action: if *act == Act::Merge { Action::Merge } else { Action::Close },
        dry_run: false,
        waivers: Vec::new(),
        changelog_entry: None,
        resume: None,
        push: false,
        landed: Vec::new(),
    }
}

/// A text that a screen can hold; what is left out is counted.
fn first_lines(text: &str, command: &str) -> String {
    let more = text.lines().count().saturating_sub(LINES);
    if more == 0 {
        return text.to_owned();
    }
    let kept: Vec<&str> = text.lines().take(LINES).collect();
    format!("{}\n{more} more lines: {command}\n", kept.join("\n"))
}
