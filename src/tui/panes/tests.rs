//! What the screen looks like, at the sizes that people have. The pictures lie in `fixtures/screens`; to draw them anew,
//! run these tests with `INSTA_UPDATE=always` and look at what has changed.

use super::super::message::{Content, Message, ThreadText};
use super::super::state::{App, Tab};
use super::super::testing::{app, asking, found, key_of, press, report, send, type_in, view};
use super::draw;
use crate::gate::{Blocker, Line, Standing, Verdict};
use crate::model::ThreadId;
use crate::render::{self, Paint, Screen};
use crate::service::{Checked, Event};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::Color;

/// Small, as it was designed for, wide.
const SIZES: [(u16, u16); 4] = [(20, 5), (40, 12), (80, 24), (160, 50)];

fn drawn(app: &App, colors: bool) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(app.size.0, app.size.1)).expect("a screen in memory");
    terminal.draw(|frame| draw(frame, app, colors)).expect("it is drawn");
    terminal
}

/// The picture as text, without the blanks at the ends of lines.
fn picture(app: &App) -> String {
    let terminal = drawn(app, true);
    let buffer = terminal.backend().buffer();
    let line = |y| {
        let (mut line, mut x) = (String::new(), 0);
        while x < app.size.0 {
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            // A wide letter takes the cell behind it too.
            x += u16::try_from(render::columns(symbol)).unwrap_or(1).max(1);
        }
        line.trim_end().to_owned() + "\n"
    };
    (0..app.size.1).map(line).collect()
}

#[track_caller]
fn same(name: &str, app: &App) {
    let (columns, lines) = app.size;
    insta::with_settings!({ snapshot_path => "../../../fixtures/screens", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(format!("{name}-{columns}x{lines}"), picture(app));
    });
}

/// Runs as one finds them: one asks, one failed, one works, one is done; titles of every sort.
fn runs() -> Vec<crate::service::RunView> {
    let mut failed = view("run-2", "Write the café's menu in 漢字 and in עברית", "failed");
    failed.needs = asking("run-2", &["x"]).needs;
    "The run failed: no space is left.".clone_into(&mut failed.needs[0].what);
    let long = view("run-4", &"A title that never ends ".repeat(420), "completed");
    vec![
        asking("run-1", &["Which port shall the server listen on?"]),
        failed,
        view("run-3", "Mend the door", "running"),
        long,
    ]
}

fn gates() -> String {
    let line = |gate, standing, blockers| Line { gate, standing, judge: "git2".to_owned(), blockers };
    let blocker = Blocker {
        what: "notes.txt is not committed.".to_owned(),
        place: "T-1/api".to_owned(),
        command: "git metawsm commit run-1".to_owned(),
    };
    let verdict = Verdict {
        lines: vec![
            line("run-state", Standing::Pass, Vec::new()),
            line("clean-tree", Standing::Block, vec![blocker]),
            line("docs-fresh", Standing::Off, Vec::new()),
        ],
    };
    let screen = Screen::keeping();
    let run = super::super::testing::run("run-1", "x", "completed");
    render::judged(&screen, &Checked { run, verdict, tampered: None });
    screen.kept()
}

fn diff() -> String {
    let screen = Screen::keeping();
    let lines = [
        (Paint::Bold, "== T-1/api"),
        (Paint::Bold, "diff --git a/port.txt b/port.txt"),
        (Paint::Dim, "@@ -1,2 +1,2 @@"),
        (Paint::Bad, "-8080"),
        (Paint::Good, "+9090\tas was answered, and this line is far too long for a small terminal"),
    ];
    for (paint, line) in lines {
        screen.answer(&format!("{}\n", screen.paint(paint, line)));
    }
    screen.kept()
}

fn shows(tab: Tab, app: &mut App) {
    press(app, "l");
    press(app, &(tab.place() + 1).to_string());
    let text = match tab {
        Tab::Gates => gates(),
        Tab::Diff => diff(),
        Tab::Guidance => "fthr-0  normal  waiting_human\n  Which port shall the server listen on?\n".to_owned(),
        Tab::Journal => "2026-01-02T03:04:05Z  running            started\n2026-01-02T03:05:05Z  asked              T-1.coder: Which port?\n".to_owned(),
        Tab::Forum => {
            let mut threads = vec![found("fthr-1", "Which port shall the server listen on?", "waiting_human")];
            threads.push(found("fthr-2", "A word in 漢字", "answered"));
            threads[0].escalated = true;
            send(app, Message::Tab(key_of("run-1"), tab, Ok(Content::Threads(threads))));
            return;
        }
        Tab::Agents => {
            let of = app.watched.clone().expect("it is looked at");
            let lines: Vec<_> = (1..60).map(|n| format!("line {n} of what the agent printed")).collect();
            send(app, Message::Output(of, Ok(lines.join("\n"))));
            return;
        }
        Tab::Overview | Tab::Docs => return,
    };
    send(app, Message::Tab(key_of("run-1"), tab, Ok(Content::Text(text))));
}

#[test]
fn every_tab_at_every_size() {
    for size in SIZES {
        for tab in Tab::ALL.into_iter().filter(|tab| *tab != Tab::Overview) {
            let mut app = app(size, runs());
            shows(tab, &mut app);
            same(tab.name(), &app);
        }
    }
}

#[test]
fn the_runs_at_every_size() {
    for size in SIZES {
        let mut app = app(size, runs());
        // What the page of a run says is the affair of `status`.
        press(&mut app, "8");
        same("runs", &app);
        press(&mut app, "/");
        type_in(&mut app, "the door");
        same("filter", &app);
    }
}

#[test]
fn what_is_asked_and_told_at_every_size() {
    for size in SIZES {
        let mut app = app(size, runs());
        press(&mut app, "8");
        press(&mut app, "a");
        let thread = ThreadId::parse("fthr-0").expect("an id");
        let last = "agent/coder:\nWhich port shall the server listen on?\n".to_owned();
        send(
            &mut app,
            Message::Thread(key_of("run-1"), thread, Ok(ThreadText { text: String::new(), last })),
        );
        type_in(&mut app, "Port 9090, and 漢字 in the log.");
        press(&mut app, "Ctrl-J");
        type_in(&mut app, "Thank you.");
        same("edit", &app);
        press(&mut app, "Enter");
        same("confirm", &app);
        press(&mut app, "y");
        send(&mut app, Message::Progress(Event::Done("the answer stands in its thread".to_owned())));
        send(&mut app, Message::Progress(Event::Began("start coder on T-1".to_owned())));
        same("working", &app);
    }
    let mut small = app((80, 24), runs());
    press(&mut small, "8");
    press(&mut small, "?");
    same("help", &small);
}

#[test]
fn nothing_open_and_no_answer_yet() {
    let mut app = app((80, 24), Vec::new());
    same("empty", &app);
    app.report = None;
    app.chosen = None;
    same("looking", &app);
}

#[test]
fn no_size_makes_it_panic_and_every_cell_stays_in_its_place() {
    for columns in (1..90).step_by(3).chain([200]) {
        for lines in (1..30).step_by(2).chain([60]) {
            let mut app = app((columns, lines), runs());
            for keys in [&["1"][..], &["2", "l"], &["5"], &["h", "?"], &["Esc", "a"], &["Esc", "s"]] {
                for key in keys {
                    press(&mut app, key);
                }
                assert_eq!(picture(&app).lines().count(), usize::from(lines), "{columns}x{lines} {keys:?}");
            }
        }
    }
}

#[test]
fn without_colours_no_cell_has_one_and_with_them_some_do() {
    let mut app = app((80, 24), runs());
    shows(Tab::Gates, &mut app);
    let colored = |colors| {
        let terminal = drawn(&app, colors);
        let cells = terminal.backend().buffer().content().to_vec();
        cells.iter().filter(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset).count()
    };
    assert_eq!(colored(false), 0);
    assert!(colored(true) > 0);
}

#[test]
fn a_frame_of_another_size_is_left_alone() {
    let app = app((80, 24), runs());
    let mut terminal = Terminal::new(TestBackend::new(30, 6)).expect("a screen in memory");
    terminal.draw(|frame| draw(frame, &app, true)).expect("it is drawn");
    assert!(terminal.backend().buffer().content().iter().all(|cell| cell.symbol() == " "));
}

#[test]
fn ten_thousand_runs_are_drawn_as_fast_as_ten() {
    let many = (0..10_000).map(|n| view(&format!("run-{n}"), "Do it", "running")).collect();
    let mut app = app((80, 24), many);
    press(&mut app, "8");
    press(&mut app, "G");
    let text = picture(&app);
    assert!(text.contains("10000 open"), "{text}");
    assert_eq!(text.matches("Do it").count(), 21, "only those in sight:\n{text}");
    send(&mut app, Message::Runs(Ok(report(runs()))));
}
