//! What is asked and told over everything else, and what keys do to it.

use super::acts::Act;
use super::editor::Editor;
use super::message::Effect;
use super::page::Page;
use super::plans;
use super::state::{App, RunKey};
use crate::model::{ThreadId, says_something};
use crate::render::{Paint, Screen, escape};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Something over everything else.
#[derive(Debug)]
pub(super) enum Dialog {
    /// All keys.
    Help(Page),
    /// A text, and whether it is good news.
    Told(String, Page, bool),
    /// One of several.
    Choose(Choose),
    /// Words are written.
    Edit(Box<Edit>),
    /// The plan with this number is being made, for this run.
    Planning(RunKey, Act, u64),
    /// A plan, and whether to carry it out.
    Confirm(Box<Plan>),
    /// An act under way.
    Working(Box<Working>),
}

/// What would be done, and to which run: whoever agrees agrees to this, whatever has changed on the screen meanwhile.
#[derive(Debug)]
pub(super) struct Plan {
    /// The run.
    pub key: RunKey,
    /// What would be done to it.
    pub act: Act,
    /// In words.
    pub page: Page,
    /// Whether it has been on the screen: nobody agrees to what could not be read yet.
    pub is_shown: bool,
}

/// One of several is to be chosen.
#[derive(Debug)]
pub(super) struct Choose {
    /// What for.
    pub title: String,
    /// Their names, escaped, and what they mean.
    pub choices: Vec<(String, Choice)>,
    /// Where the cursor stands.
    pub at: usize,
}

/// What a choice means.
#[derive(Debug, Clone)]
pub(super) enum Choice {
    /// Answer this question, which is so called.
    Question(ThreadId, String),
    /// Enter the session of this agent.
    Agent(String),
    /// Do this.
    Act(Act),
}

/// What words are written for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Purpose {
    /// The answer to a question of an agent.
    Answer(ThreadId),
    /// The answer in a thread.
    Reply(ThreadId),
    /// Feedback.
    Iterate,
    /// Why the work is done.
    Complete,
    /// Why the run is given up.
    Discard,
}

/// Words are written.
#[derive(Debug)]
pub(super) struct Edit {
    /// What for.
    pub purpose: Purpose,
    /// What stands above them.
    pub intro: Page,
    /// The words.
    pub editor: Editor,
    /// What is wrong with them.
    pub trouble: Option<&'static str>,
}

/// An act under way.
#[derive(Debug)]
pub(super) struct Working {
    /// Its name.
    pub title: &'static str,
    /// Whether it can be asked to stop.
    pub can_stop: bool,
    /// Whether it was.
    pub is_stopping: bool,
    /// What has happened so far.
    pub page: Page,
    /// What is going on.
    pub live: Option<String>,
}

impl Dialog {
    /// Asks whether to do this to a run.
    pub fn confirm(key: RunKey, act: Act, words: &str) -> Self {
        Self::Confirm(Box::new(Plan { key, act, page: Page::of(words), is_shown: false }))
    }
}

impl Purpose {
    /// The heading of the box.
    pub fn title(&self) -> &'static str {
        match self {
            Self::Answer(_) | Self::Reply(_) => "answer",
            Self::Iterate => "what is still to be done",
            Self::Complete => "why the work is done",
            Self::Discard => "why the run is given up (may be empty)",
        }
    }

    fn act(&self, words: String) -> Act {
        match self {
            Self::Answer(thread) => Act::Answer(thread.clone(), words),
            Self::Reply(thread) => Act::Reply(thread.clone(), words),
            Self::Iterate => Act::Iterate(words),
            Self::Complete => Act::Complete(words),
            Self::Discard => Act::Discard(words),
        }
    }

    fn of(act: &Act) -> Option<Self> {
        Some(match act {
            Act::Answer(thread, _) => Self::Answer(thread.clone()),
            Act::Reply(thread, _) => Self::Reply(thread.clone()),
            Act::Iterate(_) => Self::Iterate,
            Act::Complete(_) => Self::Complete,
            Act::Discard(_) => Self::Discard,
            _ => return None,
        })
    }
}

/// Under what words that are not sent are kept.
fn draft_key(app: &App, purpose: &Purpose) -> String {
    format!("{:?} {purpose:?}", app.key())
}

/// Opens a box for words, with what was written in it before.
pub(super) fn edit(app: &mut App, purpose: Purpose, intro: &str) {
    let draft = app.drafts.get(&draft_key(app, &purpose)).cloned().unwrap_or_default();
    let edit = Edit { purpose, intro: Page::of(intro), editor: Editor::of(&draft), trouble: None };
    app.dialog = Some(Dialog::Edit(Box::new(edit)));
}

/// Shows what an act would do, or has it looked up, and asks.
pub(super) fn plan(app: &mut App, act: Act) -> Vec<Effect> {
    let Some((view, key)) = app.view().zip(app.key().cloned()) else {
        app.notice = Some("The run is not here any more: nothing is done.".to_owned());
        return Vec::new();
    };
    let words = plans::words(view, &act);
    if !words.is_empty() {
        app.dialog = Some(Dialog::confirm(key, act, &words));
        return Vec::new();
    }
    app.plans += 1;
    app.dialog = Some(Dialog::Planning(key.clone(), act.clone(), app.plans));
    vec![Effect::Plan(app.plans, key, act)]
}

/// What a key does to what is asked.
pub(super) fn key(app: &mut App, event: KeyEvent) -> Vec<Effect> {
    let Some(dialog) = app.dialog.take() else { return Vec::new() };
    match dialog {
        Dialog::Help(page) => read(app, page, event, Dialog::Help),
        Dialog::Told(title, page, good) => read(app, page, event, |page| Dialog::Told(title, page, good)),
        Dialog::Choose(choose) => choose_key(app, choose, event),
        Dialog::Edit(edit) => edit_key(app, edit, event),
        Dialog::Planning(run, act, number) => {
            if !is_no(event) {
                app.dialog = Some(Dialog::Planning(run, act, number));
                return Vec::new();
            }
            write_again(app, &act)
        }
        Dialog::Confirm(plan) => confirm_key(app, plan, event),
        Dialog::Working(working) => work_key(app, working, event),
    }
}

/// Esc, Ctrl-C, n, q.
fn is_no(event: KeyEvent) -> bool {
    match event.code {
        KeyCode::Esc => true,
        KeyCode::Char('c') => event.modifiers.contains(KeyModifiers::CONTROL),
        KeyCode::Char('n' | 'N' | 'q') => !event.modifiers.contains(KeyModifiers::CONTROL),
        _ => false,
    }
}

/// Scrolls a page; whether the key was for that.
fn scrolls(page: &mut Page, event: KeyEvent) -> bool {
    match event.code {
        KeyCode::Up | KeyCode::Char('k') => page.scroll(-1),
        KeyCode::Down | KeyCode::Char('j') => page.scroll(1),
        KeyCode::PageUp => page.turn(-1),
        KeyCode::PageDown | KeyCode::Char(' ') => page.turn(1),
        KeyCode::Home | KeyCode::Char('g') => page.go_to_top(),
        KeyCode::End | KeyCode::Char('G') => page.go_to_end(),
        _ => return false,
    }
    true
}

fn read(app: &mut App, mut page: Page, event: KeyEvent, dialog: impl FnOnce(Page) -> Dialog) -> Vec<Effect> {
    let leaves = is_no(event) || matches!(event.code, KeyCode::Enter | KeyCode::Char('?'));
    if !leaves {
        scrolls(&mut page, event);
        app.dialog = Some(dialog(page));
    }
    Vec::new()
}

fn choose_key(app: &mut App, mut choose: Choose, event: KeyEvent) -> Vec<Effect> {
    let last = choose.choices.len().saturating_sub(1);
    match event.code {
        KeyCode::Up | KeyCode::Char('k') => choose.at = choose.at.saturating_sub(1),
        KeyCode::Down | KeyCode::Char('j') => choose.at = (choose.at + 1).min(last),
        KeyCode::Home | KeyCode::Char('g') => choose.at = 0,
        KeyCode::End | KeyCode::Char('G') => choose.at = last,
        KeyCode::Enter => {
            let Some((_, choice)) = choose.choices.into_iter().nth(choose.at) else { return Vec::new() };
            return chosen(app, choice);
        }
        _ if is_no(event) => return Vec::new(),
        _ => {}
    }
    app.dialog = Some(Dialog::Choose(choose));
    Vec::new()
}

fn chosen(app: &mut App, choice: Choice) -> Vec<Effect> {
    match choice {
        Choice::Act(act) => plan(app, act),
        Choice::Question(thread, question) => ask_for_answer(app, thread, &question),
        Choice::Agent(agent) => {
            app.key().cloned().map(|key| Effect::Attach(key, agent)).into_iter().collect()
        }
    }
}

/// Opens the box for an answer; the question's thread is looked up, for its record holds one line of it only.
pub(super) fn ask_for_answer(app: &mut App, thread: ThreadId, question: &str) -> Vec<Effect> {
    edit(app, Purpose::Answer(thread.clone()), &escape(question));
    app.key().cloned().map(|key| Effect::LoadThread(key, thread)).into_iter().collect()
}

fn edit_key(app: &mut App, mut edit: Box<Edit>, event: KeyEvent) -> Vec<Effect> {
    let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
    let alt = event.modifiers.contains(KeyModifiers::ALT);
    let leaves = event.code == KeyCode::Esc || (ctrl && event.code == KeyCode::Char('c'));
    if leaves {
        let (key, text) = (draft_key(app, &edit.purpose), edit.editor.text());
        if text.is_empty() {
            app.drafts.remove(&key);
        } else {
            app.drafts.insert(key, text);
            app.notice = Some("What you wrote is kept until you leave.".to_owned());
        }
        return Vec::new();
    }
    if event.code == KeyCode::Enter && !alt {
        return submit(app, edit);
    }
    edit.trouble = None;
    let editor = &mut edit.editor;
    match event.code {
        KeyCode::Enter => editor.write("\n"),
        KeyCode::Char('j') if ctrl => editor.write("\n"),
        KeyCode::Char('a') if ctrl => editor.home(),
        KeyCode::Char('e') if ctrl => editor.end(),
        KeyCode::Char('u') if ctrl => editor.erase_line(),
        KeyCode::Char('w') if ctrl => editor.erase_word(),
        KeyCode::Char(c) if !ctrl && !alt => editor.write(c.encode_utf8(&mut [0; 4])),
        KeyCode::Tab => editor.write("\t"),
        KeyCode::Backspace => editor.erase(),
        KeyCode::Delete => editor.delete(),
        KeyCode::Left => editor.left(),
        KeyCode::Right => editor.right(),
        KeyCode::Up => editor.up(),
        KeyCode::Down => editor.down(),
        KeyCode::Home => editor.home(),
        KeyCode::End => editor.end(),
        KeyCode::PageUp => edit.intro.turn(-1),
        KeyCode::PageDown => edit.intro.turn(1),
        _ => {}
    }
    app.dialog = Some(Dialog::Edit(edit));
    Vec::new()
}

fn submit(app: &mut App, mut edit: Box<Edit>) -> Vec<Effect> {
    let words = edit.editor.text();
    if !says_something(&words) && edit.purpose != Purpose::Discard {
        edit.trouble = Some("Write something first; Esc leaves.");
        app.dialog = Some(Dialog::Edit(edit));
        return Vec::new();
    }
    // Kept until it is done: who says no goes on writing.
    app.drafts.insert(draft_key(app, &edit.purpose), words.clone());
    let act = edit.purpose.act(words.trim_end().to_owned());
    plan(app, act)
}

/// Back to the box in which the words of an act were written.
fn write_again(app: &mut App, act: &Act) -> Vec<Effect> {
    let Some(purpose) = Purpose::of(act) else { return Vec::new() };
    let thread = match &purpose {
        Purpose::Answer(thread) | Purpose::Reply(thread) => Some(thread.clone()),
        _ => None,
    };
    let intro = thread.as_ref().map(|thread| question_of(app, thread)).unwrap_or_default();
    edit(app, purpose, &intro);
    app.key().cloned().zip(thread).map(|(key, thread)| Effect::LoadThread(key, thread)).into_iter().collect()
}

fn question_of(app: &App, thread: &ThreadId) -> String {
    let asked = app.view().and_then(|view| view.run.guidance.iter().find(|asked| asked.thread == *thread));
    asked.map(|asked| escape(&asked.question)).unwrap_or_default()
}

fn confirm_key(app: &mut App, mut plan: Box<Plan>, event: KeyEvent) -> Vec<Effect> {
    let is_yes = plan.is_shown && matches!(event.code, KeyCode::Char('y' | 'Y'));
    if is_yes && !event.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) {
        let Plan { key, act, .. } = *plan;
        if let Some(purpose) = Purpose::of(&act) {
            let draft = draft_key(app, &purpose);
            app.drafts.remove(&draft);
        }
        app.acting = Some(act.title());
        let working = Working {
            title: act.title(),
            can_stop: act.can_be_stopped(),
            is_stopping: false,
            page: Page::following(),
            live: None,
        };
        app.dialog = Some(Dialog::Working(Box::new(working)));
        return vec![Effect::Do(key, act)];
    }
    // No is the default: whoever presses Enter without reading changes nothing.
    if is_no(event) || event.code == KeyCode::Enter {
        return write_again(app, &plan.act);
    }
    scrolls(&mut plan.page, event);
    app.dialog = Some(Dialog::Confirm(plan));
    Vec::new()
}

fn work_key(app: &mut App, mut working: Box<Working>, event: KeyEvent) -> Vec<Effect> {
    let mut effects = Vec::new();
    if is_no(event) && !working.is_stopping {
        let screen = Screen::keeping();
        if working.can_stop {
            working.is_stopping = true;
            effects.push(Effect::Stop);
            working
                .page
                .add(&screen.paint(Paint::Warn, "asked to stop; it stops where nothing is left half done"));
        } else {
            working.page.add(&screen.paint(Paint::Dim, "this cannot be stopped half way; it ends soon"));
        }
    } else {
        scrolls(&mut working.page, event);
    }
    app.dialog = Some(Dialog::Working(working));
    effects
}
