//! What an agent is given to read when it starts: the whole prompt, or for an old conversation what is new to it.

use super::agents::cwd_of;
use super::steps::damaged;
use super::{Control, ServiceResult, forum};
use crate::model::{Delivery, Guidance, Run, RunAgent};
use crate::sessions::{self, Given, PromptAnswer, PromptInput, PromptTree};

/// The words of an agent's profile.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ProfileWords<'a> {
    pub base_prompt: &'a str,
    pub skills: &'a [String],
}

/// What people and an agent have said to each other, as it is to be told to the agent.
#[derive(Debug, Clone, Default)]
pub(super) struct Talk {
    answers: Vec<PromptAnswer>,
    feedback: Vec<String>,
    /// What the agent knows once it has read this.
    pub given: Given,
}

/// Whether an answer is there that the agent has not been given, as far as we know.
pub(super) fn is_new(asked: &Guidance) -> bool {
    !asked.is_open() && !matches!(asked.delivered, Some(Delivery::Typed | Delivery::Continued))
}

/// Whether a question is of this agent.
pub(super) fn is_of(asked: &Guidance, agent: &RunAgent) -> bool {
    asked.ticket == agent.ticket && asked.agent == agent.name
}

impl Talk {
    /// All of it, or for a conversation that goes on what is new.
    pub(super) fn with(
        control: &Control,
        run: &Run,
        agent: &RunAgent,
        continues: bool,
    ) -> ServiceResult<Self> {
        let mut talk = Self::default();
        for asked in run.guidance.iter().filter(|asked| is_of(asked, agent)) {
            if is_new(asked) {
                talk.given.answers.push(asked.thread.to_string());
            } else if continues && !asked.is_open() {
                continue;
            }
            let words = words_of(control, asked)?;
            talk.answers.push(PromptAnswer { question: words.question, answer: words.answer });
        }
        let heard = if continues { agent.heard.min(run.feedback.len()) } else { 0 };
        talk.feedback = run.feedback[heard..].iter().map(|said| said.text.clone()).collect();
        talk.given.feedback = run.feedback.len();
        talk.given.continues = continues;
        Ok(talk)
    }
}

/// A question and its answer in full.
pub(super) struct Words {
    pub question: String,
    /// `None` while it is open.
    pub answer: Option<String>,
}

/// The words of a question, from its thread; from the record alone where the thread is not known here.
pub(super) fn words_of(control: &Control, asked: &Guidance) -> ServiceResult<Words> {
    let answer = forum::standing(control, &asked.thread)?.and_then(|(_, answer)| answer);
    let answer = answer.map(|(_, words)| words);
    let unsaid = || "(none was given; decide yourself)".to_owned();
    let answer = if asked.is_open() { None } else { Some(answer.unwrap_or_else(unsaid)) };
    Ok(Words { question: asked.question.clone(), answer })
}

/// The prompt of an agent.
pub(super) fn prompt_of(
    run: &Run,
    agent: &RunAgent,
    words: ProfileWords<'_>,
    talk: &Talk,
) -> ServiceResult<String> {
    let ticket = run.ticket(&agent.ticket).ok_or_else(|| damaged(run, "an agent's ticket is missing"))?;
    let workspace = ticket.path.as_deref().ok_or_else(|| damaged(run, "a workspace has no path"))?;
    let cwd = cwd_of(run, agent)?;
    let mut trees = Vec::new();
    for tree in run.worktrees_for(&agent.ticket) {
        let path = tree.path.as_deref().ok_or_else(|| damaged(run, "a worktree has no path"))?;
        let base = run.repo(&tree.repo).map(|r| r.base.as_str()).unwrap_or_default();
        trees.push(PromptTree { repo: tree.repo.as_str(), path, branch: &tree.branch, base });
    }
    let docs = ticket.docs.as_ref().map(|dir| cwd.join(dir)).filter(|dir| dir.is_dir());
    let input = PromptInput {
        run: run.id.as_str(),
        ticket: ticket.id.as_str(),
        title: &ticket.title,
        agent: agent.name.as_str(),
        shared: is_shared(run, agent),
        brief: &run.brief,
        bootstrap: run.mode == crate::model::Mode::Bootstrap,
        workspace,
        cwd: &cwd,
        worktrees: &trees,
        docs: docs.as_deref(),
        base_prompt: words.base_prompt,
        skills: words.skills,
        brief_id: &run.brief.id(),
        feedback: &talk.feedback,
        answers: &talk.answers,
    };
    Ok(if talk.given.continues { sessions::continuation(&input) } else { sessions::prompt(&input) })
}

/// Whether other agents work in the same workspace.
pub(super) fn is_shared(run: &Run, agent: &RunAgent) -> bool {
    run.agents.iter().filter(|a| a.ticket == agent.ticket).count() > 1
}
