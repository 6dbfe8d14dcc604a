//! How acts begin: whether they may, what is asked first.

use super::acts::{self, Act, Verb};
use super::dialog::{self, Choice, Choose, Dialog, Purpose};
use super::keys;
use super::message::Effect;
use super::state::{App, Focus, Tab};
use crate::model::{Guidance, SessionBackend, ThreadId};
use crate::render::escape;
use crate::service::AgentView;
use crate::sessions::Observation;

/// Whether something may be done here at all; else the reason is shown.
fn may_act(app: &mut App, command: &str) -> bool {
    if let Some(agent) = &app.below {
        app.notice = Some(format!("'{command}' is for people; the agent '{}' cannot do it.", escape(agent)));
        return false;
    }
    if app.view().is_none() {
        app.notice = Some("No run is chosen.".to_owned());
        return false;
    }
    true
}

/// Whether there is likely to be a session that can be entered: of an agent that has ended a shell may be left.
pub(super) fn can_enter(agent: &AgentView) -> bool {
    agent.agent.live.as_ref().is_some_and(|session| session.backend == SessionBackend::Tmux)
        && !matches!(agent.seen, Observation::Dead { .. } | Observation::NotStarted)
}

/// Enters a session.
pub(super) fn attach(app: &mut App) -> Vec<Effect> {
    if !may_act(app, "attach") {
        return Vec::new();
    }
    let Some((view, key)) = app.view().zip(app.key().cloned()) else { return Vec::new() };
    let agents: Vec<_> =
        view.agents.iter().filter(|agent| can_enter(agent)).map(|agent| agent.agent.key()).collect();
    if app.tab == Tab::Agents
        && let Some(agent) = app.agent()
    {
        return vec![Effect::Attach(key, agent.agent.key())];
    }
    match agents.as_slice() {
        // What is in the way is told by who knows it.
        [] => view.agents.first().map(|agent| Effect::Attach(key, agent.agent.key())).into_iter().collect(),
        [only] => vec![Effect::Attach(key, only.clone())],
        several => {
            let choices = several.iter().map(|key| (escape(key), Choice::Agent(key.clone()))).collect();
            let title = "whose session?".to_owned();
            app.dialog = Some(Dialog::Choose(Choose { title, choices, at: 0 }));
            Vec::new()
        }
    }
}

/// Begins an act.
pub(super) fn act(app: &mut App, verb: Verb) -> Vec<Effect> {
    let in_thread = verb == Verb::Answer && app.tab == Tab::Forum && app.focus == Focus::Detail;
    let command = if in_thread { "forum" } else { keys::word_of(keys::Verb::Act(verb)) };
    if !may_act(app, command) {
        return Vec::new();
    }
    if in_thread
        && let Some(thread) = app
            .shown
            .reading
            .clone()
            .or_else(|| app.shown.threads.get(app.shown.thread).map(|found| found.thread.id.clone()))
    {
        return answer_thread(app, thread);
    }
    let Some(view) = app.view() else { return Vec::new() };
    if let Some(halted) = acts::halted(view).filter(|_| matches!(verb, Verb::Merge | Verb::Close)) {
        let choices = [Act::Finish(halted), Act::TakeBack(halted)];
        let choices = choices.map(|act| (act.title().to_owned(), Choice::Act(act))).to_vec();
        let title = "it was stopped half way".to_owned();
        app.dialog = Some(Dialog::Choose(Choose { title, choices, at: 0 }));
        return Vec::new();
    }
    if !verb.fits(&view.run) {
        app.notice = Some(verb.refusal(&view.run));
        return Vec::new();
    }
    let act = match verb {
        Verb::Answer => return answer(app),
        Verb::Iterate => {
            dialog::edit(app, Purpose::Iterate, "");
            return Vec::new();
        }
        Verb::Complete => {
            dialog::edit(app, Purpose::Complete, "");
            return Vec::new();
        }
        Verb::Discard => {
            dialog::edit(app, Purpose::Discard, "");
            return Vec::new();
        }
        Verb::Restart => Act::Restart,
        Verb::Stop => Act::Stop,
        Verb::Resume => Act::Resume,
        Verb::Merge => Act::Merge,
        Verb::Close => Act::Close,
        Verb::Commit => Act::Commit,
        Verb::Update => Act::Update,
        Verb::Cleanup => Act::Cleanup,
    };
    dialog::plan(app, act)
}

fn answer_thread(app: &mut App, thread: ThreadId) -> Vec<Effect> {
    let asked = app.view().and_then(|view| {
        view.run.guidance.iter().find(|asked| asked.is_open() && asked.thread == thread).cloned()
    });
    if let Some(asked) = asked {
        return dialog::ask_for_answer(app, thread, &asked.question);
    }
    dialog::edit(app, Purpose::Reply(thread.clone()), "");
    app.key().cloned().map(|key| Effect::LoadThread(key, thread)).into_iter().collect()
}

fn answer(app: &mut App) -> Vec<Effect> {
    let Some(view) = app.view() else { return Vec::new() };
    let open: Vec<_> = view.run.guidance.iter().filter(|asked| asked.is_open()).cloned().collect();
    match open.as_slice() {
        [] => Vec::new(),
        [only] => dialog::ask_for_answer(app, only.thread.clone(), &only.question),
        several => {
            let choice = |asked: &Guidance| {
                let name = format!("{}.{}: {}", asked.ticket, asked.agent, asked.question);
                (escape(&name), Choice::Question(asked.thread.clone(), asked.question.clone()))
            };
            let choices = several.iter().map(choice).collect();
            let title = "which question?".to_owned();
            app.dialog = Some(Dialog::Choose(Choose { title, choices, at: 0 }));
            Vec::new()
        }
    }
}
