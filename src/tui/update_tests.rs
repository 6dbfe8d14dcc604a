//! What keys and answers do to the screen, without one.

use super::acts::{Act, Halted};
use super::dialog::Dialog;
use super::message::{Content, Effect, Message, Outcome, ThreadText};
use super::state::{App, Chosen, Focus, Item, Tab};
use super::testing::{app, asking, found, key_of, past, press, report, send, type_in, view};
use super::update::{drawn, update};
use crate::model::{RunState, ThreadId};
use crate::service::{Event, NeedKind};
use crate::store::Summary;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

const SIZE: (u16, u16) = (80, 24);

fn thread(id: &str) -> ThreadId {
    ThreadId::parse(id).expect("an id")
}

fn chosen(app: &App) -> &str {
    app.key().map_or("none", |key| key.id.as_str())
}

#[test]
fn the_cursor_stays_on_its_run_however_the_rows_move() {
    let mut app =
        app(SIZE, vec![view("a", "A", "running"), view("b", "B", "running"), view("c", "C", "running")]);
    assert_eq!(chosen(&app), "a");
    press(&mut app, "j");
    assert_eq!((chosen(&app), app.row), ("b", 1));
    send(
        &mut app,
        Message::Runs(Ok(report(vec![
            asking("c", &["Which port?"]),
            view("a", "A", "running"),
            view("b", "B", "running"),
        ]))),
    );
    assert_eq!((chosen(&app), app.row), ("b", 2));
    for (key, row) in [("G", 2), ("j", 2), ("g", 0), ("k", 0), ("PgDn", 2)] {
        press(&mut app, key);
        assert_eq!(app.row, row, "{key}");
    }
}

#[test]
fn a_run_that_was_decided_stays_in_sight_until_the_cursor_leaves_it() {
    let mut app = app(SIZE, vec![view("a", "A", "completed"), view("b", "B", "running")]);
    let effects = send(&mut app, Message::Runs(Ok(report(vec![view("b", "B", "running")]))));
    assert_eq!(effects, [Effect::LoadRun(key_of("a"))]);
    assert_eq!((app.items.as_slice(), chosen(&app)), (&[Item::Other, Item::Open(0)][..], "a"));
    send(&mut app, Message::Run(key_of("a"), Ok(Box::new(view("a", "A", "closed")))));
    assert_eq!(app.view().map(|view| view.run.state), Some(RunState::Closed));
    press(&mut app, "j");
    assert_eq!((app.items.as_slice(), chosen(&app), app.row), (&[Item::Open(0)][..], "b", 0));
}

#[test]
fn a_run_whose_record_has_gone_is_told_of_and_nothing_is_done_to_it() {
    let mut app = app(SIZE, vec![view("a", "A", "completed")]);
    send(&mut app, Message::Runs(Ok(report(Vec::new()))));
    send(&mut app, Message::Run(key_of("a"), Err("error: There is no run a here.\n".to_owned())));
    assert!(app.view().is_none() && app.gone.is_some());
    for key in ["m", "C", "s", "a", "t", "c"] {
        assert_eq!(press(&mut app, key), [], "{key}");
        assert!(app.dialog.is_none(), "{key}");
    }
    assert_eq!(app.notice, None, "'c' has nothing to say");
    press(&mut app, "s");
    assert_eq!(app.notice.as_deref(), Some("No run is chosen."));
}

#[test]
fn a_filter_shows_what_holds_all_its_words() {
    let mut app =
        app(SIZE, vec![view("a", "Mend the door", "running"), view("b", "Mend the roof", "failed")]);
    press(&mut app, "/");
    type_in(&mut app, "q roof");
    assert_eq!(app.items, []);
    for _ in 0..6 {
        send(&mut app, Message::Key(KeyCode::Backspace.into()));
    }
    type_in(&mut app, "ROOF mend");
    assert_eq!((app.items.as_slice(), chosen(&app)), (&[Item::Open(1)][..], "b"));
    press(&mut app, "Enter");
    assert!(!app.is_filtering && app.dialog.is_none());
    press(&mut app, "Esc");
    assert_eq!((app.items.len(), chosen(&app)), (2, "b"));
}

#[test]
fn ten_thousand_runs_are_gone_through_and_only_those_in_sight_matter() {
    let runs = (0..10_000).map(|n| view(&format!("run-{n}"), "Do it", "running")).collect();
    let mut app = app(SIZE, runs);
    press(&mut app, "G");
    assert_eq!((app.row, app.top, chosen(&app)), (9_999, 9_999 - 20, "run-9999"));
    press(&mut app, "k");
    assert_eq!((app.row, app.top), (9_998, 9_979));
}

#[test]
fn looks_at_runs_never_overlap_and_none_is_lost() {
    let mut app = app(SIZE, vec![view("a", "A", "running")]);
    assert_eq!(send(&mut app, Message::Changed), [Effect::LoadRuns]);
    assert_eq!(send(&mut app, Message::Changed), []);
    assert_eq!(send(&mut app, Message::Minute), []);
    assert_eq!(
        send(&mut app, Message::Runs(Ok(report(vec![view("a", "A", "running")])))),
        [Effect::LoadRuns]
    );
    assert_eq!(send(&mut app, Message::Runs(Ok(report(vec![view("a", "A", "running")])))), []);
}

#[test]
fn a_tab_is_looked_up_when_it_is_shown_and_again_when_its_run_has_changed() {
    let mut app = app(SIZE, vec![view("a", "A", "running")]);
    assert_eq!(press(&mut app, "3"), [Effect::LoadTab(key_of("a"), Tab::Gates)]);
    assert_eq!(press(&mut app, "1"), []);
    assert_eq!(press(&mut app, "3"), [], "it is under way");
    send(&mut app, Message::Tab(key_of("a"), Tab::Gates, Ok(Content::Text("ok\n".to_owned()))));
    assert_eq!(press(&mut app, "Tab"), [Effect::LoadTab(key_of("a"), Tab::Guidance)]);
    assert_eq!(press(&mut app, "3"), [], "nothing has changed");
    send(&mut app, Message::Changed);
    let effects = send(&mut app, Message::Runs(Ok(report(vec![view("a", "A", "completed")]))));
    assert_eq!(effects, [Effect::LoadTab(key_of("a"), Tab::Gates)]);
    // An answer about a run that is no longer chosen changes nothing.
    send(&mut app, Message::Tab(key_of("b"), Tab::Gates, Ok(Content::Text("other\n".to_owned()))));
    assert_eq!(app.page().len(), 1);
}

#[test]
fn output_is_listened_to_only_while_it_is_in_sight() {
    let mut app = app(SIZE, vec![view("a", "A", "running"), view("b", "B", "running")]);
    let watched = |effects: Vec<Effect>| match effects.as_slice() {
        [Effect::Watch(of)] => of.as_ref().map_or("nobody".to_owned(), |of| of.run.id.to_string()),
        other => format!("{other:?}"),
    };
    assert_eq!(watched(press(&mut app, "2")), "a");
    assert_eq!(watched(press(&mut app, "j")), "b");
    assert_eq!(watched(press(&mut app, "1")), "nobody");
}

#[test]
fn a_question_is_answered_in_three_steps_and_no_loses_nothing() {
    let mut app = app(SIZE, vec![asking("a", &["Which port?"])]);
    assert_eq!(press(&mut app, "a"), [Effect::LoadThread(key_of("a"), thread("fthr-0"))]);
    send(
        &mut app,
        Message::Thread(
            key_of("a"),
            thread("fthr-0"),
            Ok(ThreadText { text: "all".into(), last: "Which port?\nSay why.".into() }),
        ),
    );
    type_in(&mut app, "9090");
    press(&mut app, "Ctrl-J");
    send(&mut app, Message::Pasted("and\rsay so".to_owned()));
    assert_eq!(press(&mut app, "Enter"), []);
    assert!(matches!(&app.dialog, Some(Dialog::Confirm(plan)) if matches!(plan.act, Act::Answer(..))));
    assert_eq!(
        press(&mut app, "Enter"),
        [Effect::LoadThread(key_of("a"), thread("fthr-0"))],
        "no is the default"
    );
    assert!(matches!(&app.dialog, Some(Dialog::Edit(edit)) if edit.editor.text() == "9090\nand\nsay so"));
    press(&mut app, "Esc");
    assert!(app.dialog.is_none());
    press(&mut app, "a");
    press(&mut app, "Enter");
    let act = Act::Answer(thread("fthr-0"), "9090\nand\nsay so".to_owned());
    assert_eq!(press(&mut app, "y"), [Effect::Do(key_of("a"), act)]);
    assert!(matches!(&app.dialog, Some(Dialog::Working(working)) if working.can_stop));
    press(&mut app, "q");
    assert_eq!(app.acting, Some("answer"), "nobody leaves while it is under way");
}

#[test]
fn one_of_several_questions_is_chosen_first() {
    let mut app = app(SIZE, vec![asking("a", &["Which port?", "Which host?"])]);
    press(&mut app, "a");
    assert!(matches!(&app.dialog, Some(Dialog::Choose(choose)) if choose.choices.len() == 2));
    press(&mut app, "j");
    assert_eq!(press(&mut app, "Enter"), [Effect::LoadThread(key_of("a"), thread("fthr-1"))]);
}

#[test]
fn what_changes_anything_asks_first_and_only_y_does_it() {
    for (state, key, act) in [
        ("running", "s", Act::Stop),
        ("running", "R", Act::Restart),
        ("stopped", "r", Act::Resume),
        ("running", "w", Act::Commit),
        ("closed", "X", Act::Cleanup),
    ] {
        for other in ["Enter", "n", "Esc", "q", "Ctrl-C", "s", "x"] {
            let mut app = app(SIZE, vec![view("a", "A", state)]);
            assert_eq!(press(&mut app, key), [], "{key}");
            assert!(matches!(&app.dialog, Some(Dialog::Confirm(plan)) if plan.act == act), "{key}");
            assert_eq!(press(&mut app, other), [], "{key} {other}");
        }
        let mut app = app(SIZE, vec![view("a", "A", state)]);
        press(&mut app, key);
        assert_eq!(press(&mut app, "y"), [Effect::Do(key_of("a"), act)]);
    }
    for (key, act) in [("m", Act::Merge), ("C", Act::Close), ("u", Act::Update)] {
        let mut app = app(SIZE, vec![view("a", "A", "completed")]);
        assert_eq!(press(&mut app, key), [Effect::Plan(1, key_of("a"), act.clone())]);
        assert_eq!(press(&mut app, "y"), [], "there is no plan to agree to yet");
        send(&mut app, Message::Planned(1, Ok("merge 'x' into 'main'\n".to_owned())));
        assert_eq!(press(&mut app, "y"), [Effect::Do(key_of("a"), act)]);
    }
}

#[test]
fn what_was_stopped_half_way_is_finished_or_taken_back() {
    let (merge, close) = ("git metawsm -C '/home/kim/my web' merge --continue a", "git metawsm close a");
    for (down, command, act) in [
        (false, "git metawsm merge --continue a", Act::Finish(Halted::Merge)),
        (true, merge, Act::TakeBack(Halted::Merge)),
        (false, close, Act::Finish(Halted::Close)),
    ] {
        let mut halted = view("a", "A", "completed");
        halted.needs = asking("a", &["A merge was stopped half way."]).needs;
        halted.needs[0].kind = NeedKind::HalfDone;
        command.clone_into(&mut halted.needs[0].command);
        let mut app = app(SIZE, vec![halted]);
        press(&mut app, "m");
        if down {
            press(&mut app, "j");
        }
        press(&mut app, "Enter");
        assert!(matches!(&app.dialog, Some(Dialog::Confirm(plan)) if plan.act == act));
        assert_eq!(press(&mut app, "y"), [Effect::Do(key_of("a"), act)]);
    }
}

#[test]
fn a_refused_plan_is_read_and_not_agreed_to() {
    let mut app = app(SIZE, vec![view("a", "A", "running")]);
    press(&mut app, "C");
    send(&mut app, Message::Planned(1, Err("error: a refuses to close\n".to_owned())));
    assert!(matches!(&app.dialog, Some(Dialog::Told(_, _, false))));
    assert_eq!(press(&mut app, "y"), []);
    press(&mut app, "Esc");
    press(&mut app, "C");
    press(&mut app, "Esc");
    send(&mut app, Message::Planned(2, Ok("merge".to_owned())));
    assert!(app.dialog.is_none(), "a plan that nobody waits for any more");
}

#[test]
fn what_does_not_fit_a_run_is_said_and_not_begun() {
    for (state, key, why) in [
        ("running", "a", "a has no open question (it is running)."),
        ("completed", "r", "The run a is completed: there is nothing to go on with."),
        ("completed", "x", "The run a is completed already."),
        ("running", "X", "The run a is running; only a run that is over is cleaned up."),
        ("closed", "m", "The run a is closed, and that is final."),
        ("closing", "s", "A close of a has begun; finish it first."),
    ] {
        let mut app = app(SIZE, vec![view("a", "A", state)]);
        assert_eq!(press(&mut app, key), [], "{key}");
        assert_eq!((app.notice.as_deref(), app.dialog.is_none()), (Some(why), true), "{key}");
    }
}

#[test]
fn below_an_agent_nothing_is_done() {
    for key in ["a", "t", "m", "C", "i", "r", "s", "R", "w", "u", "x", "D", "X"] {
        let mut app = app(SIZE, vec![asking("a", &["Which port?"])]);
        app.below = Some("coder".to_owned());
        assert_eq!(press(&mut app, key), [], "{key}");
        let notice = app.notice.clone().unwrap_or_default();
        assert!(notice.ends_with("is for people; the agent 'coder' cannot do it."), "{key}: {notice}");
        assert!(app.dialog.is_none(), "{key}");
    }
}

#[test]
fn an_act_tells_how_it_goes_and_what_came_of_it() {
    let mut app = app(SIZE, vec![view("a", "A", "stopped")]);
    press(&mut app, "r");
    press(&mut app, "y");
    send(&mut app, Message::Progress(Event::Began("worktree of api".to_owned())));
    assert!(matches!(&app.dialog, Some(Dialog::Working(w)) if w.live.as_deref() == Some("worktree of api")));
    send(&mut app, Message::Progress(Event::Done("worktree of api".to_owned())));
    assert_eq!(press(&mut app, "Esc"), [Effect::Stop]);
    assert_eq!(press(&mut app, "Esc"), [], "once is enough");
    let outcome = Outcome { title: "resume", text: "interrupted\n".to_owned(), is_good: false };
    assert_eq!(send(&mut app, Message::Done(outcome)), [Effect::LoadRuns]);
    assert!(matches!(&app.dialog, Some(Dialog::Told(title, _, false)) if title == "resume did not succeed"));
    assert_eq!(app.acting, None);
}

#[test]
fn a_thread_is_read_and_answered_where_it_is_read() {
    let mut app = app(SIZE, vec![view("a", "A", "running")]);
    press(&mut app, "5");
    press(&mut app, "l");
    let threads =
        vec![found("fthr-1", "Which port?", "waiting_operator"), found("fthr-2", "Which host?", "answered")];
    send(&mut app, Message::Tab(key_of("a"), Tab::Forum, Ok(Content::Threads(threads))));
    press(&mut app, "j");
    assert_eq!(press(&mut app, "Enter"), [Effect::LoadThread(key_of("a"), thread("fthr-2"))]);
    send(
        &mut app,
        Message::Thread(
            key_of("a"),
            thread("fthr-2"),
            Ok(ThreadText { text: "all of it".into(), last: "x".into() }),
        ),
    );
    assert_eq!(app.page().len(), 1);
    assert_eq!(press(&mut app, "a"), [Effect::LoadThread(key_of("a"), thread("fthr-2"))]);
    type_in(&mut app, "here");
    press(&mut app, "Enter");
    let act = Act::Reply(thread("fthr-2"), "here".to_owned());
    assert_eq!(press(&mut app, "y"), [Effect::Do(key_of("a"), act)]);
    send(&mut app, Message::Done(Outcome { title: "answer", text: String::new(), is_good: true }));
    press(&mut app, "Esc");
    press(&mut app, "Esc");
    assert_eq!((app.shown.reading.is_none(), app.focus), (true, Focus::Detail));
    press(&mut app, "Esc");
    assert_eq!(app.focus, Focus::Runs);
}

#[test]
fn decided_runs_are_listed_on_demand_and_each_run_once() {
    let mut app = app(SIZE, vec![view("a", "A", "running")]);
    assert_eq!(press(&mut app, "o"), [Effect::LoadDecided]);
    let summary = |id: &str, state: &str| (key_of(id), Summary::of(&super::testing::run(id, "Old", state)));
    send(&mut app, Message::Decided(Ok(vec![summary("a", "running"), summary("z", "closed")])));
    assert_eq!(app.items, [Item::Open(0), Item::Decided(1)]);
    assert_eq!(press(&mut app, "j"), [Effect::LoadRun(key_of("z"))]);
    press(&mut app, "o");
    assert_eq!(
        (app.items.as_slice(), chosen(&app)),
        (&[Item::Open(0), Item::Other][..], "z"),
        "it is still looked at"
    );
}

#[test]
fn what_is_about_no_run_has_a_row_of_its_own() {
    let mut app = App::new(past(), SIZE, None, false);
    super::update::begin(&mut app);
    let mut report = report(vec![view("a", "A", "running")]);
    report.broken.push("The record of b cannot be read.".to_owned());
    send(&mut app, Message::Runs(Ok(report)));
    assert_eq!((app.items.as_slice(), chosen(&app)), (&[Item::Notes, Item::Open(0)][..], "a"));
    press(&mut app, "k");
    assert_eq!(app.chosen, Some(Chosen::Notes));
    assert_eq!(press(&mut app, "m"), []);
}

#[test]
fn signals_and_a_lost_terminal_end_it() {
    let mut app = app(SIZE, vec![view("a", "A", "running")]);
    assert_eq!(send(&mut app, Message::Signal(15)), [Effect::Quit(Some(15))]);
    assert_eq!(send(&mut app, Message::Gone), [Effect::Quit(Some(1))]);
    assert_eq!(press(&mut app, "q"), [Effect::Quit(None)]);
    assert_eq!(press(&mut app, "Ctrl-C"), [Effect::Quit(None)]);
}

#[test]
fn who_agrees_agrees_to_the_run_whose_plan_was_shown() {
    let mut app =
        app(SIZE, vec![view("a", "A", "running"), view("b", "B", "running"), view("c", "C", "stopped")]);
    press(&mut app, "/");
    type_in(&mut app, "running");
    press(&mut app, "Enter");
    press(&mut app, "j");
    press(&mut app, "s");
    // It ends meanwhile, and the filter would not let it through.
    let runs = vec![view("a", "A", "running"), view("b", "B", "completed"), view("c", "C", "stopped")];
    send(&mut app, Message::Runs(Ok(report(runs))));
    assert_eq!(chosen(&app), "b", "the cursor stays while something is asked about its run");
    assert_eq!(app.items, [Item::Open(0), Item::Other]);
    assert_eq!(press(&mut app, "y"), [Effect::Do(key_of("b"), Act::Stop)]);
    let outcome = Outcome { title: "stop", text: "stopped\n".to_owned(), is_good: true };
    send(&mut app, Message::Done(outcome));
    press(&mut app, "Esc");
    assert_eq!((chosen(&app), app.items.as_slice()), ("a", &[Item::Open(0)][..]));
}

#[test]
fn a_plan_that_nobody_could_read_yet_is_not_agreed_to() {
    let mut app = app(SIZE, vec![view("a", "A", "running")]);
    let typed = |app: &mut App, letter| {
        update(app, Message::Key(KeyEvent::from(KeyCode::Char(letter))), crate::sys::clock::now())
    };
    // As a terminal hands on what is pasted where pasting is not told apart from typing.
    for letter in "system".chars() {
        assert_eq!(typed(&mut app, letter), [], "{letter}");
    }
    let is_asked = |app: &App| matches!(&app.dialog, Some(Dialog::Confirm(plan)) if plan.act == Act::Stop);
    assert!(is_asked(&app));
    app.size = (10, 3);
    drawn(&mut app);
    assert_eq!(typed(&mut app, 'y'), [], "it was too small to be read");
    app.size = SIZE;
    drawn(&mut app);
    let alt = KeyEvent::new(KeyCode::Char('y'), KeyModifiers::ALT);
    assert_eq!(update(&mut app, Message::Key(alt), crate::sys::clock::now()), []);
    assert_eq!(typed(&mut app, 'y'), [Effect::Do(key_of("a"), Act::Stop)]);
}
