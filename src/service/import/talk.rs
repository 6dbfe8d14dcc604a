//! Questions of agents: each a thread of kind guidance, and an entry of the run's record.

use super::names::{hash, shown, time};
use crate::model::{
    Actor, ActorKind, Delivery, EventWhat, ForumEvent, Guidance, Priority, Run, RunAgent, ThreadId,
    ThreadKind, ThreadState, plain_line, says_something, title_of,
};
use crate::store::OldQuestion;
use crate::sys::clock;

/// The most characters of a title.
const TITLE: usize = 160;

/// One line of a foreign text, for a title.
pub(super) fn line_of(text: &str) -> String {
    let readable = text.lines().map(plain_line).find(|line| says_something(line)).unwrap_or_default();
    let title = title_of(&readable, TITLE);
    if says_something(&title) { title } else { "(no title)".to_owned() }
}

/// The words of a post, of which there must be some; no larger than a post may be.
pub(super) fn words_of(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let text = text.trim_end().trim_start_matches(['\n', '\r']);
    if says_something(text) { text.to_owned() } else { "(no words)".to_owned() }
}

/// Somebody of the old forum.
pub(super) fn actor_of((kind, name): (&str, &str)) -> Actor {
    let kind = ActorKind::parse(kind.trim()).unwrap_or(ActorKind::System);
    let line: String = plain_line(name).trim().chars().take(200).collect();
    Actor { kind, name: if says_something(&line) { line } else { kind.to_string() } }
}

/// Takes the questions into the record and gives their threads, the same each time.
pub(super) fn take(
    run: &mut Run,
    questions: &[OldQuestion],
    notes: &mut Vec<String>,
) -> Vec<Vec<ForumEvent>> {
    let mut threads = Vec::new();
    for asked in questions {
        let Some(agent) = agent_of(run, asked).cloned() else {
            let question = title_of(&line_of(&asked.question), 60);
            let (agent, place) = (shown(&asked.agent), shown(&asked.workspace));
            notes.push(format!(
                "The question '{question}' was left out: nobody here is the agent '{agent}' of '{place}'."
            ));
            continue;
        };
        let Some((entry, events)) = thread(run, &agent, asked) else { continue };
        run.guidance.push(entry);
        threads.push(events);
    }
    threads
}

fn agent_of<'a>(run: &'a Run, asked: &OldQuestion) -> Option<&'a RunAgent> {
    let is_there = |agent: &&RunAgent| {
        let ticket = run.ticket(&agent.ticket);
        run.tickets.len() == 1
            || ticket.is_some_and(|ticket| ticket.workspace.as_str() == asked.workspace.trim())
    };
    let in_place: Vec<_> = run.agents.iter().filter(is_there).collect();
    let named = in_place.iter().find(|agent| agent.name.as_str() == asked.agent.trim());
    named.copied().or(if in_place.len() == 1 { in_place.first().copied() } else { None })
}

fn thread(run: &Run, agent: &RunAgent, asked: &OldQuestion) -> Option<(Guidance, Vec<ForumEvent>)> {
    let at = time(&asked.asked).unwrap_or(run.created);
    let key = format!("{} {} {}", run.id, asked.key, asked.question);
    let id = ThreadId::parse(&format!("fthr-{}-{}", clock::compact(at), hash(&key, 8))).ok()?;
    let who = Actor { kind: ActorKind::Agent, name: agent.name.to_string() };
    let operator = Actor { kind: ActorKind::Operator, name: "operator".to_owned() };
    let event = |what, number: u64, at, who: &Actor| {
        let mut event = ForumEvent::new(id.clone(), what, number, at, who.clone());
        event.nonce = hash(&format!("{key} {number}"), 16);
        event
    };
    let mut opened = event(EventWhat::Opened, 1, at, &who);
    opened.run = Some(run.id.clone());
    opened.ticket = Some(agent.ticket.clone());
    opened.agent = Some(agent.name.clone());
    opened.thread_kind = Some(ThreadKind::Guidance);
    opened.priority = Some(Priority::Normal);
    opened.state = Some(ThreadState::WaitingHuman);
    opened.title = Some(line_of(&asked.question));
    let context = asked.context.trim();
    let context = if context.is_empty() { String::new() } else { format!("\n\nContext:\n{context}") };
    opened.body = Some(words_of(&format!("{}{context}", asked.question)));
    let mut events = vec![opened];
    let answered = asked.answer.as_ref().map(|answer| {
        let at = time(&asked.answered).unwrap_or(at);
        let mut event = event(EventWhat::Answered, 2, at, &operator);
        event.body = Some(words_of(answer));
        events.push(event);
        at
    });
    let mut over = answered;
    if over.is_none() && !run.state.is_open() {
        let system = Actor { kind: ActorKind::System, name: "git-metawsm".to_owned() };
        let mut event = event(EventWhat::Closed, 2, run.changed, &system);
        event.note = Some("its run was closed".to_owned());
        events.push(event);
        over = Some(run.changed);
    }
    let entry = Guidance {
        thread: id.clone(),
        ticket: agent.ticket.clone(),
        agent: agent.name.clone(),
        question: line_of(&asked.question),
        asked: at,
        from_doc_home: false,
        file: String::new(),
        answered: over,
        delivered: over.map(|_| Delivery::Left),
    };
    Some((entry, events))
}
