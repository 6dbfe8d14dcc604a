//! What arrives from the services changes the state.

use super::dialog::{Dialog, Purpose, Working};
use super::message::{Answer, Content, Effect, Message, Outcome, ThreadText, Watched};
use super::page::Page;
use super::state::{App, Chosen, RunKey, Tab};
use super::update::choose;
use crate::model::ThreadId;
use crate::render::{Paint, Screen, escape};
use crate::service::{Event, RunView, StatusReport};
use crate::store::Summary;

/// Takes an answer in.
pub(super) fn take(app: &mut App, message: Message) -> Vec<Effect> {
    match message {
        Message::Changed => changed(app),
        Message::Minute => minute(app),
        Message::Runs(answer) => runs(app, answer),
        Message::Decided(answer) => decided(app, answer),
        Message::Run(key, answer) => run(app, &key, answer),
        Message::Tab(key, tab, answer) => tab_told(app, &key, tab, answer),
        Message::Thread(key, thread, answer) => thread_told(app, &key, &thread, answer),
        Message::Output(of, answer) => output(app, of, answer),
        Message::Planned(number, answer) => planned(app, number, answer),
        Message::Progress(event) => progress(app, event),
        Message::Done(outcome) => done(app, &outcome),
        Message::Back(answer) => back(app, answer),
        Message::Broke => vec![Effect::Quit(None)],
        Message::Key(_) | Message::Pasted(_) | Message::Resized(..) | Message::Signal(_) | Message::Gone => {
            Vec::new()
        }
    }
}

/// Looks how all runs are, now or once the present look is over.
fn look(app: &mut App) -> Vec<Effect> {
    if app.runs_flight.ask() { vec![Effect::LoadRuns] } else { Vec::new() }
}

/// Ages are older now, and what no file event told of may have changed.
fn minute(app: &mut App) -> Vec<Effect> {
    app.is_fresh = true;
    look(app)
}

/// Records changed: everything that is read from them is looked up again when it is shown.
fn changed(app: &mut App) -> Vec<Effect> {
    for tab in [Tab::Guidance, Tab::Forum, Tab::Journal] {
        app.shown.tabs[tab.place()].is_stale = true;
    }
    // These cost git processes: they are looked up again when the run's record has changed, or when somebody asks. What
    // a look itself has touched is no news.
    for tab in [Tab::Gates, Tab::Diff] {
        let state = &mut app.shown.tabs[tab.place()];
        state.may_be_old |= state.at.is_some_and(|at| app.now.as_second() - at.as_second() > 1);
    }
    let mut effects = look(app);
    if let Some((key, thread)) = app.key().cloned().zip(app.shown.reading.clone()) {
        effects.push(Effect::LoadThread(key, thread));
    }
    effects
}

fn runs(app: &mut App, answer: Answer<StatusReport>) -> Vec<Effect> {
    let mut effects = Vec::new();
    if app.runs_flight.land() {
        effects.push(Effect::LoadRuns);
    }
    let before = app.view().map(|view| view.run.clone());
    let was_open = app.runs().len();
    match answer {
        Ok(report) => {
            app.report = Some(report);
            app.trouble = None;
        }
        Err(trouble) => {
            app.trouble = Some(trouble);
            return effects;
        }
    }
    if app.view().map(|view| &view.run) != before.as_ref() {
        app.shown.tabs.iter_mut().for_each(|tab| tab.is_stale = true);
    }
    // It was decided, or taken away, or it came back: who it is now is told by its record.
    let missing = app.key().cloned().filter(|key| !app.runs().iter().any(|view| RunKey::of(view) == *key));
    if let Some(key) = missing
        && app.other_flight.ask()
    {
        effects.push(Effect::LoadRun(key));
    }
    if app.shows_all && app.runs().len() != was_open && app.decided_flight.ask() {
        effects.push(Effect::LoadDecided);
    }
    if app.chosen.is_none() {
        let items = super::rows::items(app);
        // What is about no run waits; a run is what one came for.
        let first = items.iter().filter_map(|item| super::rows::chosen(app, *item));
        let first = first.min_by_key(|chosen| *chosen == Chosen::Notes);
        choose(app, first, &mut effects);
    }
    app.is_fresh = true;
    effects
}

fn decided(app: &mut App, answer: Answer<Vec<(RunKey, Summary)>>) -> Vec<Effect> {
    match answer {
        Ok(decided) => app.decided = decided,
        Err(trouble) => app.trouble = Some(trouble),
    }
    if app.decided_flight.land() { vec![Effect::LoadDecided] } else { Vec::new() }
}

fn run(app: &mut App, key: &RunKey, answer: Answer<Box<RunView>>) -> Vec<Effect> {
    if app.key() != Some(key) {
        return Vec::new();
    }
    match answer {
        Ok(view) => {
            if app.other.as_ref().is_none_or(|other| other.run != view.run) {
                app.shown.tabs.iter_mut().for_each(|tab| tab.is_stale = true);
            }
            app.other = Some(*view);
            app.gone = None;
        }
        Err(trouble) => {
            app.other = None;
            app.gone = Some(trouble);
            app.shown = super::state::Shown::new();
        }
    }
    app.is_fresh = true;
    if app.other_flight.land() { vec![Effect::LoadRun(key.clone())] } else { Vec::new() }
}

fn tab_told(app: &mut App, key: &RunKey, tab: Tab, answer: Answer<Content>) -> Vec<Effect> {
    if app.key() != Some(key) {
        return Vec::new();
    }
    let now = app.now;
    let state = &mut app.shown.tabs[tab.place()];
    let again = state.flight.land();
    state.at = Some(now);
    state.may_be_old = false;
    match answer {
        Ok(Content::Text(text)) => state.page.say(&text),
        Ok(Content::Threads(threads)) => {
            let at = app.shown.threads.get(app.shown.thread).map(|found| found.thread.id.clone());
            state.page.say(if threads.is_empty() { "No threads are about this run." } else { "" });
            let place = at.and_then(|id| threads.iter().position(|found| found.thread.id == id));
            app.shown.thread = place.unwrap_or(app.shown.thread).min(threads.len().saturating_sub(1));
            app.shown.threads = threads;
        }
        Err(trouble) => {
            state.page.say(&trouble);
            if tab == Tab::Forum {
                app.shown.threads = Vec::new();
            }
        }
    }
    if again { vec![Effect::LoadTab(key.clone(), tab)] } else { Vec::new() }
}

fn thread_told(app: &mut App, key: &RunKey, thread: &ThreadId, answer: Answer<ThreadText>) -> Vec<Effect> {
    if app.key() != Some(key) {
        return Vec::new();
    }
    if let Some(Dialog::Edit(edit)) = &mut app.dialog
        && let Ok(told) = &answer
        && matches!(&edit.purpose, Purpose::Answer(of) | Purpose::Reply(of) if of == thread)
    {
        edit.intro.say(&told.last);
    }
    if app.shown.reading.as_ref() == Some(thread) {
        app.shown.words.say(&answer.map_or_else(|trouble| trouble, |told| told.text));
    }
    Vec::new()
}

fn output(app: &mut App, of: Watched, answer: Answer<String>) -> Vec<Effect> {
    if app.watched.as_ref() == Some(&of) {
        let text = match answer {
            Ok(text) if text.is_empty() => "It has printed nothing yet.".to_owned(),
            Ok(text) | Err(text) => text,
        };
        app.shown.output.say(&text);
        app.shown.heard = Some(of);
    }
    Vec::new()
}

fn planned(app: &mut App, number: u64, answer: Answer<String>) -> Vec<Effect> {
    match app.dialog.take() {
        Some(Dialog::Planning(key, act, asked)) if asked == number => {
            app.dialog = Some(match answer {
                Ok(plan) => Dialog::confirm(key, act, &plan),
                Err(refusal) => {
                    Dialog::Told(format!("{} is not possible now", act.title()), Page::of(&refusal), false)
                }
            });
        }
        // Somebody has left it meanwhile.
        other => app.dialog = other,
    }
    Vec::new()
}

fn progress(app: &mut App, event: Event) -> Vec<Effect> {
    if let Some(Dialog::Working(working)) = &mut app.dialog {
        tell(working, event);
    }
    Vec::new()
}

/// As the commands tell it.
fn tell(working: &mut Working, event: Event) {
    let screen = Screen::keeping();
    let line = |paint, mark: &str, text: &str| {
        format!("{} {}", screen.paint(paint, &format!("{mark:<6}")), escape(text))
    };
    match event {
        Event::Began(what) => {
            working.live = Some(escape(&what));
            return;
        }
        Event::Done(what) => working.page.add(&line(Paint::Good, "ok", &what)),
        Event::Failed(what, why) => working.page.add(&line(Paint::Bad, "failed", &format!("{what}: {why}"))),
        Event::Note(text) => working.page.add(&escape(&text)),
    }
    working.live = None;
}

fn done(app: &mut App, outcome: &Outcome) -> Vec<Effect> {
    app.acting = None;
    let title =
        if outcome.is_good { outcome.title.to_owned() } else { format!("{} did not succeed", outcome.title) };
    app.dialog = Some(Dialog::Told(title, Page::of(&outcome.text), outcome.is_good));
    let mut effects = changed(app);
    app.shown.tabs.iter_mut().for_each(|tab| tab.is_stale = true);
    if app.shows_all && app.decided_flight.ask() {
        effects.push(Effect::LoadDecided);
    }
    effects
}

fn back(app: &mut App, answer: Answer<()>) -> Vec<Effect> {
    if let Err(trouble) = answer {
        app.dialog =
            Some(Dialog::Told("the session cannot be entered".to_owned(), Page::of(&trouble), false));
    }
    look(app)
}
