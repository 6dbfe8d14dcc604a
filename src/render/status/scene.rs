//! Runs for the tests of the page.

use super::status_lines;
use crate::model::{
    AgentName, Guidance, RepoName, Run, RunAgent, RunId, RunRepo, RunState, RunTicket, RunWorktree, Session,
    SessionBackend, Step, StepKind, StepState, ThreadId, TicketId, WorkspaceName,
};
use crate::render::{ColorChoice, Screen};
use crate::service::{
    AgentView, DirtyPath, Health, Landed, Need, NeedKind, RunView, StatusReport, Threads, TreeChanges,
};
use crate::sessions::{Ended, Observation};
use crate::store::JournalEntry;
use jiff::Timestamp;

const NOW: &str = "2026-01-02T15:04:05Z";

/// This many seconds before the look.
pub fn before(seconds: i64) -> Timestamp {
    let now: Timestamp = NOW.parse().expect("a time");
    Timestamp::from_second(now.as_second() - seconds).expect("a time")
}

fn name<T>(parsed: Result<T, crate::model::NameError>) -> T {
    parsed.expect("a good name")
}

/// A run on two tickets and two repositories, with two agents on each ticket.
fn run(id: &str, goal: &str, state: RunState) -> Run {
    let mut run =
        Run::blank(name(RunId::parse(id)), name(RepoName::parse("api")), before(7200), "Ada".to_owned());
    (run.state, run.changed) = (state, before(200));
    goal.clone_into(&mut run.brief.goal);
    for repo in ["api", "web-client"] {
        run.repos.push(RunRepo {
            name: name(RepoName::parse(repo)),
            path: None,
            common_dir: None,
            base: "main".to_owned(),
            base_id: "a".repeat(40),
            base_note: String::new(),
        });
    }
    for ticket in ["T-1", "T-2"] {
        let id = name(TicketId::parse(ticket));
        run.tickets.push(RunTicket {
            id: id.clone(),
            title: String::new(),
            workspace: name(WorkspaceName::parse(&ticket.to_lowercase())),
            path: Some(format!("/home/ada/workspaces/2026-01-02/{}", ticket.to_lowercase()).into()),
            docs: None,
            revision: String::new(),
            made_by_us: false,
        });
        for repo in ["api", "web-client"] {
            run.worktrees.push(RunWorktree {
                ticket: id.clone(),
                repo: name(RepoName::parse(repo)),
                path: None,
                branch: format!("task/{}", ticket.to_lowercase()),
                base_id: String::new(),
                start: String::new(),
                branch_is_ours: true,
            });
        }
        for agent in ["coder", "reviewer"] {
            run.agents.push(RunAgent {
                ticket: id.clone(),
                name: name(AgentName::parse(agent)),
                profile: String::new(),
                runner: "claude".to_owned(),
                session: format!("{agent}-{}", ticket.to_lowercase()),
                starts: 1,
                live: Some(Session {
                    backend: SessionBackend::Tmux,
                    id: "$1".to_owned(),
                    pane: "%1".to_owned(),
                    process: crate::model::Child { pid: 1, start: 1 },
                    token: String::new(),
                }),
                completed: None,
                conversation: None,
                heard: 0,
                validation: None,
            });
        }
        let mut step = Step::new(StepKind::VerifyTicket, id);
        step.state = StepState::Done;
        run.steps.push(step);
    }
    run
}

fn view(run: Run, seen: &[Observation], needs: Vec<Need>) -> RunView {
    let agents = run.agents.iter().zip(seen.iter().cycle()).map(|(agent, seen)| {
        let (word, activity, progress) = match seen {
            Observation::Alive { last_activity, .. } => ("working", *last_activity, Some(before(400))),
            _ => ("ended", None, None),
        };
        AgentView { agent: agent.clone(), seen: seen.clone(), health: Health { word, activity, progress } }
    });
    RunView {
        root: "/home/ada/api".into(),
        agents: agents.collect(),
        needs,
        holder: None,
        changes: Vec::new(),
        landed: Landed::No,
        docs: Vec::new(),
        threads: Threads::default(),
        journal: Vec::new(),
        run,
    }
}

fn need(kind: NeedKind, what: &str, command: &str) -> Need {
    Need { kind, subject: String::new(), what: what.to_owned(), command: command.to_owned() }
}

fn alive(printed: Option<i64>) -> Observation {
    Observation::Alive { since: before(7000), last_activity: printed.map(before) }
}

fn ended(status: Option<i32>, signal: Option<i32>) -> Observation {
    Observation::Ended(Ended { status, signal, stopped: false, at: before(3 * 86_400) })
}

const ASKING: &str = "run-20260102-150405-k3vq";
const FAILED: &str = "run-20260101-090000-aaaa";
const WORKING: &str = "run-20251224-180000-bbbb";

/// A run whose agent asks.
pub fn asking() -> RunView {
    let mut run = run(
        ASKING,
        "Let people log in with a passkey, and keep the password for those who want it",
        RunState::AwaitingGuidance,
    );
    run.guidance.push(Guidance {
        thread: name(ThreadId::parse("fthr-20260102-150000-abcdefgh")),
        ticket: run.tickets[0].id.clone(),
        agent: run.agents[0].name.clone(),
        question: "Which library: webauthn-rs, or one of our own?".to_owned(),
        asked: before(180),
        from_doc_home: false,
        file: String::new(),
        answered: None,
        delivered: None,
    });
    let asks = need(
        NeedKind::Question,
        "T-1.coder has asked (3 minutes ago): Which library: webauthn-rs, or one of our own?",
        &format!("git metawsm guide {ASKING} --answer '<the answer>'"),
    );
    let mut view = view(run, &[alive(Some(20)), alive(None)], vec![asks]);
    view.threads = Threads { waiting: 2, escalated: 1, list: Vec::new() };
    view
}

/// A run that failed.
pub fn failed() -> RunView {
    let mut run = run(FAILED, "Tidy up", RunState::Failed);
    run.steps[1].state = StepState::Failed;
    run.steps[1].error = "The ticket T-2 does not exist.".to_owned();
    run.reason = "verify ticket T-2: The ticket T-2 does not exist.".to_owned();
    run.changed = before(2 * 86_400);
    let fails = need(
        NeedKind::Failed,
        "The run failed: verify ticket T-2: The ticket T-2 does not exist.",
        &format!("git metawsm resume {FAILED}"),
    );
    view(run, &[Observation::NotStarted], vec![fails])
}

/// A run that goes on, with what changed in it.
pub fn working() -> RunView {
    let mut view = view(
        run(WORKING, "漢字 x\u{301} שלום: names of all sorts", RunState::Running),
        &[ended(Some(3), None), ended(None, Some(9)), alive(Some(90))],
        Vec::new(),
    );
    view.changes = vec![
        TreeChanges {
            ticket: "T-1".to_owned(),
            repo: "api".to_owned(),
            commits: 7,
            subjects: (1..=5).map(|n| format!("Commit number {n} of the work")).collect(),
            counts: crate::git::DiffCounts { files: 3, insertions: 120, deletions: 4 },
            dirty: (1..=5)
                .map(|n| DirtyPath { path: format!("src/file{n}.rs"), what: "modified".to_owned() })
                .collect(),
            ..TreeChanges::default()
        },
        TreeChanges { ticket: "T-2".to_owned(), repo: "web-client".to_owned(), ..TreeChanges::default() },
    ];
    view
}

/// All of them, and a record that cannot be read.
pub fn report() -> StatusReport {
    StatusReport {
        runs: vec![asking(), failed(), working()],
        broken: vec![
            "The record /home/ada/api/.git/metawsm/runs/x/run.toml cannot be read: it is empty.".to_owned(),
        ],
        roots: vec!["/home/ada/api".into()],
        in_repository: true,
        ..StatusReport::default()
    }
}

/// The page of a report at the time of the look.
pub fn page(report: &StatusReport, width: Option<usize>) -> String {
    let screen = Screen::new(false, false, ColorChoice::Never);
    let lines = status_lines(&screen, report, width, before(0));
    lines.into_iter().map(|line| line.text + "\n").collect()
}

/// One run in full.
pub fn in_full() -> StatusReport {
    let mut view = asking();
    view.changes = working().changes;
    view.journal = vec![JournalEntry {
        seq: 4,
        at: before(200),
        actor: "git-metawsm".to_owned(),
        event: "state".to_owned(),
        text: "a question is open".to_owned(),
        state: Some("awaiting_guidance".to_owned()),
        prev: String::new(),
    }];
    StatusReport { runs: vec![view], in_full: true, ..report() }
}
