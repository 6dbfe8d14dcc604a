//! What an act would do to a run, in sentences, where no dry run of a service tells it.

use super::acts::Act;
use crate::model::{RunState, RunWorktree, StepState};
use crate::render::{Paint, Screen, escape, escape_lines};
use crate::service::{AgentView, NeedKind, RunView};
use crate::sessions::Observation;
use std::fmt::Write as _;

/// The plan of an act; empty where a service tells it.
pub(super) fn words(view: &RunView, act: &Act) -> String {
    match act {
        Act::Answer(thread, words) => answer(view, thread, words),
        Act::Reply(thread, words) => {
            format!("These words go into the thread {thread}, and it is answered:\n{}", quoted(words))
        }
        Act::Stop => stop(view),
        Act::Restart => restart(view),
        Act::Resume => resume(view),
        Act::Commit => commit(view),
        Act::Complete(reason) => {
            format!(
                "The run {} becomes completed, and this reason stands in its record:\n{}\
                 Sessions that are alive go on until the run is stopped or closed.\n",
                view.run.id,
                quoted(reason)
            )
        }
        Act::Discard(reason) => discard(view, reason),
        Act::Cleanup => cleanup(view),
        Act::Finish(_) => {
            format!("{}What is left of it is done; what was done already is left as it is.\n", halted(view))
        }
        Act::TakeBack(_) => {
            format!(
                "{}Bases go back to where they were; what somebody else has moved since is left alone.\n",
                halted(view)
            )
        }
        Act::Iterate(_) | Act::Merge | Act::Close | Act::Update => String::new(),
    }
}

/// What was stopped half way, as `status` says it.
fn halted(view: &RunView) -> String {
    let said = view.needs.iter().find(|need| need.kind == NeedKind::HalfDone);
    said.map(|need| format!("{}\n", escape(&need.what))).unwrap_or_default()
}

fn quoted(words: &str) -> String {
    escape_lines(words).lines().fold(String::new(), |mut text, line| {
        let _ = writeln!(text, "  {line}");
        text
    })
}

fn is_alive(agent: &AgentView) -> bool {
    matches!(agent.seen, Observation::Alive { .. } | Observation::Unknown { .. })
}

fn named(agent: &AgentView) -> String {
    let backend = agent.agent.live.as_ref().map_or("-", |session| session.backend.as_str());
    format!("  {}  {} ({backend}: {})\n", agent.agent.key(), agent.health.word, agent.agent.session)
}

fn agents(view: &RunView, fits: impl Fn(&AgentView) -> bool) -> String {
    view.agents.iter().filter(|agent| fits(agent)).map(named).collect()
}

fn answer(view: &RunView, thread: &crate::model::ThreadId, words: &str) -> String {
    let asked = view.run.guidance.iter().find(|asked| asked.thread == *thread);
    let Some(asked) = asked else { return quoted(words) };
    let its = |agent: &&AgentView| agent.agent.ticket == asked.ticket && agent.agent.name == asked.agent;
    let is_alive = view.agents.iter().find(its).is_some_and(is_alive);
    let way = if is_alive {
        "It is alive: the words reach its session, or the file guidance-response.json of its workspace."
    } else {
        "It has ended: it is started again with them, in its old conversation where its program can."
    };
    format!(
        "{}.{} has asked:\n  {}\nThis is the answer:\n{}{way}\n",
        asked.ticket,
        asked.agent,
        escape(&asked.question),
        quoted(words)
    )
}

fn stop(view: &RunView) -> String {
    let alive = agents(view, is_alive);
    let ends = if alive.is_empty() {
        "No session is alive.\n".to_owned()
    } else {
        format!("These sessions end, with every process in them:\n{alive}")
    };
    let keeps = matches!(view.run.state, RunState::Completed | RunState::Stopped);
    let then = if keeps { "stays" } else { "becomes stopped; 'resume' goes on" };
    let then = if keeps { format!("{then} {}", view.run.state) } else { then.to_owned() };
    format!("{ends}Worktrees, branches and files stay as they are.\nThe run {} {then}.\n", view.run.id)
}

fn restart(view: &RunView) -> String {
    format!(
        "These agents end, where they are alive, and start again:\n{}\
         What they said about the work so far, completion and validation, no longer counts.\n",
        agents(view, |_| true)
    )
}

fn resume(view: &RunView) -> String {
    let mut text = String::new();
    let left: Vec<_> = view
        .run
        .steps
        .iter()
        .filter(|step| !matches!(step.state, StepState::Done | StepState::Skipped))
        .collect();
    if !left.is_empty() {
        text.push_str("These steps are done:\n");
        for step in left {
            let _ = writeln!(text, "  {} ({})", escape(&step.label()), step.state);
        }
    }
    let started = agents(view, |agent| !is_alive(agent) && agent.agent.completed.is_none());
    if !started.is_empty() {
        let _ = write!(
            text,
            "These agents are not alive and start where they are needed, in their old conversation where their program can:\n{started}"
        );
    }
    text.push_str("What holds already is left as it is.\n");
    text
}

fn trees(view: &RunView, line: impl Fn(&RunWorktree) -> String) -> String {
    view.run.worktrees.iter().map(line).collect()
}

fn place(tree: &RunWorktree) -> String {
    let path = tree.path.as_deref().map(|path| path.display().to_string()).unwrap_or_default();
    format!("  {}/{}  '{}'  {}\n", tree.ticket, tree.repo, escape(&tree.branch), escape(&path))
}

fn commit(view: &RunView) -> String {
    format!(
        "What is not committed in these worktrees is committed on their branches, a forbidden file never:\n{}",
        trees(view, place)
    )
}

fn discard(view: &RunView, reason: &str) -> String {
    let screen = Screen::keeping();
    let mut text = format!("{}\n", screen.paint(Paint::Bad, "The run is given up; nothing of it is merged."));
    let alive = agents(view, is_alive);
    if !alive.is_empty() {
        let _ = write!(text, "These sessions end:\n{alive}");
    }
    let _ = write!(
        text,
        "These worktrees and branches go; what they hold is saved under rescue refs first:\n{}",
        trees(view, place)
    );
    if !reason.trim().is_empty() {
        let _ = write!(text, "This reason stands in its record:\n{}", quoted(reason));
    }
    text
}

fn cleanup(view: &RunView) -> String {
    format!(
        "These worktrees go, and the branches whose work base holds:\n{}\
         Work that is nowhere else is named, and then nothing is removed.\n",
        trees(view, place)
    )
}
