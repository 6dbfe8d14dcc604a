//! What is looked up for the screen: runs, tabs, threads.

use super::message::{Answer, Content, Effect, Message, ThreadText};
use super::state::{RunKey, Tab};
use super::work::{Asker, said, selector_of};
use crate::render::{self, Paint, Screen};
use crate::service::forum::{self, ThreadFilter};
use crate::service::{self, CheckRequest, DiffRequest, ListRequest, StatusRequest};
use crate::store::Summary;

/// The most lines of a text that are kept for the screen.
const LINES: usize = 20_000;
/// The most threads of a run that are listed.
const THREADS: usize = 1000;

impl Asker {
    /// Looks something up; `None` where the effect is none of that kind.
    pub fn look(&self, effect: Effect) -> Option<Message> {
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
                Message::Thread(key, thread, answer.map(|view| told_thread(&view)))
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
        if self.is_outside(key) {
            report.runs.iter_mut().for_each(service::RunView::reach_from_outside);
        }
        report.runs.pop().map(Box::new).ok_or_else(|| format!("There is no run {} here any more.", key.id))
    }

    fn decided(&self) -> Answer<Vec<(RunKey, Summary)>> {
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
            Tab::Gates => Content::Text(self.gates(key)?),
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

    /// The verdict of every gate. That a run is over is no error of whoever looks at it.
    fn gates(&self, key: &RunKey) -> Answer<String> {
        let request = CheckRequest { selector: selector_of(key, None), ..CheckRequest::default() };
        match service::check(&self.at(key), &request, &mut |_| {}) {
            Ok(checked) => Ok(self.reachable(key, &said(|screen| render::judged(screen, &checked)))),
            Err(error) => match self.run(key) {
                Ok(view) if !view.run.state.is_open() => {
                    Ok(format!("It is {}: nothing is left to judge.\n", view.run.state))
                }
                _ => self.asked(key, "check", Err(error)),
            },
        }
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
}

/// A thread in full, and what was said in it last.
fn told_thread(view: &forum::ThreadView) -> ThreadText {
    let words = view.folded.told.iter().rev().find_map(|told| {
        let event = &told.event.event;
        event.body.as_ref().map(|body| (event.actor(), body.clone()))
    });
    let last = words.map(|(who, body)| {
        said(|screen| {
            let who = screen.paint(Paint::Bold, &format!("{}:", render::escape(&who.to_string())));
            screen.answer(&format!("{who}\n{}", render::escape_lines(&body)));
        })
    });
    let text = said(|screen| render::thread(screen, view));
    ThreadText { text, last: last.unwrap_or_default() }
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
