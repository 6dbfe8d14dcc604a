//! Decisions in documents: what a thread about an open run was answered stands once in its ticket's documents,
//! `reference/NN-forum-decisions.md` of the doc home's worktree.
//!
//! What is written there already, the document itself says: each answer has a line with the id of its event. So nothing
//! is written twice, and whoever was stopped or found the run busy leaves it to the next command that settles.

use super::super::documents::{self, Shelf};
use super::super::{Caller, Control, ServiceError, ServiceResult, policies};
use super::read::Reader;
use crate::model::{
    ActorKind, EventWhat, Folded, ForumEvent, Run, RunId, RunState, Thread, ThreadId, ThreadState, TicketId,
    Told, is_deceptive, plain_line,
};
use crate::store::{Entry, Hold, ThreadFiles};
use std::fmt::Write as _;
use std::time::Duration;

const TITLE: &str = "Forum decisions";

const HEAD: &str = "What was asked about this ticket while a run was open, and what was answered. One section a thread; \
                    the words of others are quoted.";

/// The most bytes of one post that a document takes; the thread keeps all of them.
const POST_CAP: usize = 16 << 10;

/// Writes down what was decided in a thread, where its run is open and nobody holds it. What cannot be written now is
/// left to who settles the run next; the answer is in the thread whatever comes of this.
pub(super) fn write_decision(caller: &Caller, control: &Control, thread: &Thread) {
    if caller.below_agent.is_some() || !thread.state.is_over() {
        return;
    }
    let Ok(open) = control.store.open_runs() else { return };
    let run = open.iter().filter_map(Entry::run).find(|run| ticket_of(run, thread).is_some());
    let Some(id) = run.filter(|run| wants(run)).map(|run| run.id.clone()) else { return };
    if let Ok(hold) = control.hold_to_settle(&id, Duration::ZERO) {
        let _ = sync(control, &hold, std::slice::from_ref(&thread.id));
    }
}

/// Writes down every decision of a run that its documents lack; the caller holds the run.
pub(in super::super) fn write_decisions(control: &Control, hold: &Hold) -> ServiceResult<()> {
    if !wants(hold.run()) {
        return Ok(());
    }
    let mut ids = Vec::new();
    // Threads that are still live: those of an open run do not retire.
    for files in control.store.threads(&mut Vec::new())? {
        // What it is about, its first event says.
        let opening =
            ThreadFiles { names: files.names.first().cloned().into_iter().collect(), ..files.clone() };
        let events = control.store.thread_events(&opening, &mut Vec::new())?;
        let is_another = events.first().map(|first| &first.event).is_some_and(|event| {
            event.what == EventWhat::Opened
                && !is_about(hold.run(), event.run.as_ref(), event.ticket.as_ref())
        });
        if !is_another {
            ids.push(files.id);
        }
    }
    if ids.is_empty() {
        return Ok(());
    }
    sync(control, hold, &ids)
}

/// Whether decisions about this run are written at all: while there is something to write them into.
fn wants(run: &Run) -> bool {
    let may = matches!(
        run.state,
        RunState::Running
            | RunState::AwaitingGuidance
            | RunState::Paused
            | RunState::Stopped
            | RunState::Failed
            | RunState::Completed
    );
    may && run.tickets.iter().any(|ticket| ticket.docs.is_some())
        && policies::stored(run).is_ok_and(|policy| policy.forum.enabled && policy.forum.docs_sync.enabled)
}

/// Whether what is decided in this thread is written into documents of this run.
pub(super) fn is_written(run: &Run, thread: &Thread) -> bool {
    ticket_of(run, thread).is_some() && wants(run)
}

fn is_about(run: &Run, id: Option<&RunId>, ticket: Option<&TicketId>) -> bool {
    match (id, ticket) {
        (Some(id), _) => *id == run.id,
        (None, Some(ticket)) => {
            run.tickets.iter().any(|t| t.id.as_str().eq_ignore_ascii_case(ticket.as_str()))
        }
        (None, None) => false,
    }
}

/// The place in the record of the ticket that a thread is about, where the run is the one that it is about.
fn ticket_of(run: &Run, thread: &Thread) -> Option<usize> {
    if !is_about(run, thread.run.as_ref(), thread.ticket.as_ref()) {
        return None;
    }
    match &thread.ticket {
        Some(ticket) => run.tickets.iter().position(|t| t.id.as_str().eq_ignore_ascii_case(ticket.as_str())),
        None => (run.tickets.len() == 1).then_some(0),
    }
}

fn sync(control: &Control, hold: &Hold, ids: &[ThreadId]) -> ServiceResult<()> {
    let reader = Reader::new(control)?;
    let mut by_ticket: Vec<Vec<Section>> = hold.run().tickets.iter().map(|_| Vec::new()).collect();
    for id in ids {
        let places = reader.places(id)?;
        let Ok(Some((folded, _))) = reader.folded(id, &places) else { continue };
        let Some(at) = ticket_of(hold.run(), &folded.thread) else { continue };
        let section = Section::of(&folded);
        if !section.decisions.is_empty() {
            by_ticket[at].push(section);
        }
    }
    let mut failed: Option<ServiceError> = None;
    for (ticket, sections) in hold.run().tickets.iter().zip(by_ticket) {
        if sections.is_empty() {
            continue;
        }
        let written = documents::shelf(hold.run(), &ticket.id, Some(hold.token()))
            .and_then(|shelf| shelf.map_or(Ok(()), |shelf| write(&shelf, &sections)));
        failed = failed.or(written.err());
    }
    failed.map_or(Ok(()), Err)
}

fn write(shelf: &Shelf, sections: &[Section]) -> ServiceResult<()> {
    let found = shelf.named(TITLE)?.into_iter().next();
    let path = found.as_ref().map(|(path, _)| path.clone());
    let committed =
        path.as_ref().map(|path| shelf.committed(path)).transpose()?.flatten().unwrap_or_default();
    let all = sections.iter().flat_map(|section| &section.decisions);
    if all.clone().all(|decision| has_line(&committed, &decision.mark)) {
        return Ok(());
    }
    let path = match path {
        Some(path) => path,
        None => shelf.write(TITLE, HEAD)?,
    };
    let before = shelf.read(&path)?;
    let mut text = before.clone();
    for section in sections {
        section.put_into(&mut text);
    }
    if text != before {
        shelf.put(&path, text.as_bytes())?;
    }
    let titles: Vec<_> = sections.iter().map(|section| section.title.as_str()).collect();
    let subject = match titles.as_slice() {
        [only] => format!("Write down what was decided: {}", crate::model::title_of(only, 60)),
        _ => "Write down what was decided".to_owned(),
    };
    shelf.commit(&path, &subject)?;
    Ok(())
}

fn has_line(text: &str, line: &str) -> bool {
    text.lines().any(|l| l == line)
}

/// One thread as a section of the document.
#[derive(Debug)]
struct Section {
    /// The line by which the section is known again.
    mark: String,
    title: String,
    /// Who asked what.
    question: String,
    decisions: Vec<Decision>,
}

#[derive(Debug)]
struct Decision {
    /// The line by which it is known again.
    mark: String,
    text: String,
}

impl Section {
    fn of(folded: &Folded) -> Self {
        let thread = &folded.thread;
        let opening = folded.told.first().map(|told| &told.event.event);
        let asked = opening.map(|event| said(event, "Asked by", event.body.as_deref())).unwrap_or_default();
        let about = [
            thread.run.as_ref().map(|run| format!(", run {run}")),
            thread.agent.as_ref().map(|agent| format!(", agent {agent}")),
        ];
        let about: String = about.into_iter().flatten().collect();
        Self {
            mark: format!("<!-- metawsm:thread {} -->", thread.id),
            title: thread.title.clone(),
            question: format!("Thread {}{about}.\n\n{asked}", thread.id),
            decisions: decisions(&folded.told),
        }
    }

    /// Adds what the text lacks: the section, or the decisions that came later.
    fn put_into(&self, text: &mut String) {
        let missing: Vec<_> = self.decisions.iter().filter(|d| !has_line(text, &d.mark)).collect();
        if missing.is_empty() {
            return;
        }
        let mut words = String::new();
        if !has_line(text, &self.mark) {
            let _ = write!(words, "\n## {}\n\n{}\n\n{}", heading(&self.title), self.mark, self.question);
        }
        for decision in missing {
            let _ = write!(words, "\n{}\n\n{}", decision.mark, decision.text);
        }
        let at = end_of(text, &self.mark).unwrap_or(text.len());
        let gap = if text[..at].ends_with('\n') { "" } else { "\n" };
        text.insert_str(at, &format!("{gap}{words}"));
    }
}

/// Where the section with this mark ends: before the heading of the next one, else at the end.
fn end_of(text: &str, mark: &str) -> Option<usize> {
    let (mut at, mut inside) = (0, false);
    for line in text.split_inclusive('\n') {
        if inside && line.starts_with("## ") {
            // The empty line in front belongs to the next section.
            return Some(if text[..at].ends_with("\n\n") { at - 1 } else { at });
        }
        inside = inside || line.trim_end() == mark;
        at += line.len();
    }
    inside.then_some(text.len())
}

fn decisions(told: &[Told]) -> Vec<Decision> {
    let mut found = Vec::new();
    let mut last_words = None;
    for told in told.iter().filter(|told| told.superseded.is_none()) {
        let event = &told.event.event;
        let text = match event.what {
            EventWhat::Answered => said(event, "Answered by", event.body.as_deref()),
            EventWhat::Closed => said(event, "Closed by", event.body.as_deref()),
            // Somebody talked, and the state was moved by hand.
            EventWhat::StateChanged if event.state == Some(ThreadState::Answered) => {
                said(event, "Called answered by", last_words.as_deref())
            }
            EventWhat::Posted if event.actor_type != ActorKind::Agent => {
                last_words.clone_from(&event.body);
                continue;
            }
            _ => continue,
        };
        found.push(Decision { mark: format!("<!-- metawsm:event {} -->", told.event.id), text });
    }
    found
}

fn said(event: &ForumEvent, verb: &str, body: Option<&str>) -> String {
    let who = heading(&event.actor().to_string());
    let mut text = format!("{verb} {who}, {}", event.at.strftime("%Y-%m-%d %H:%M UTC"));
    let Some(body) = body.filter(|body| !body.trim().is_empty()) else { return text + ".\n" };
    text.push_str(":\n\n");
    for line in cut(body.trim()).lines() {
        let line = plain_line(line);
        let _ = writeln!(text, "{}", format!("> {line}").trim_end());
    }
    text
}

fn cut(body: &str) -> String {
    if body.len() <= POST_CAP {
        return body.to_owned();
    }
    let mut at = POST_CAP;
    while !body.is_char_boundary(at) {
        at -= 1;
    }
    format!("{}\n[...] The thread holds the rest.", &body[..at])
}

/// Foreign text on one line outside of a quotation, where it must be neither a comment nor a tag.
fn heading(text: &str) -> String {
    let text = text.replace(is_deceptive, " ").replace('\\', "\\\\").replace('<', "\\<");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() { "(no title)".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(thread: &str, title: &str, answers: &[(&str, &str)]) -> Section {
        Section {
            mark: format!("<!-- metawsm:thread {thread} -->"),
            title: title.to_owned(),
            question: "Asked by a:\n\n> why\n".to_owned(),
            decisions: answers
                .iter()
                .map(|(id, words)| Decision {
                    mark: format!("<!-- metawsm:event {id} -->"),
                    text: format!("Answered by b:\n\n> {words}\n"),
                })
                .collect(),
        }
    }

    #[test]
    fn a_section_is_written_once_and_a_later_answer_is_added_to_it() {
        let mut text = "---\nTitle: x\n---\n\n# Forum decisions\n\nHead\n".to_owned();
        section("t1", "One", &[("e1", "so")]).put_into(&mut text);
        section("t2", "Two", &[("e2", "or so")]).put_into(&mut text);
        let before = text.clone();
        section("t1", "One", &[("e1", "so")]).put_into(&mut text);
        assert_eq!(text, before);
        section("t1", "One", &[("e1", "so"), ("e3", "no")]).put_into(&mut text);
        section("t2", "Two", &[("e2", "or so"), ("e4", "yes")]).put_into(&mut text);
        assert_eq!(
            text,
            "---\nTitle: x\n---\n\n# Forum decisions\n\nHead\n\n## One\n\n<!-- metawsm:thread t1 -->\n\n\
             Asked by a:\n\n> why\n\n<!-- metawsm:event e1 -->\n\nAnswered by b:\n\n> so\n\n\
             <!-- metawsm:event e3 -->\n\nAnswered by b:\n\n> no\n\n## Two\n\n<!-- metawsm:thread t2 -->\n\n\
             Asked by a:\n\n> why\n\n<!-- metawsm:event e2 -->\n\nAnswered by b:\n\n> or so\n\n\
             <!-- metawsm:event e4 -->\n\nAnswered by b:\n\n> yes\n"
        );
    }

    #[test]
    fn foreign_words_forge_neither_sections_nor_marks() {
        assert_eq!(heading("a\n## b <!-- x -->\u{202e}"), "a ## b \\<!-- x -->");
        let long = "ä".repeat(POST_CAP);
        assert!(cut(&long).len() < POST_CAP + 60 && cut("short") == "short");
        let mut text = "# x\n".to_owned();
        section("t1", "One", &[("e1", "<!-- metawsm:event e2 -->")]).put_into(&mut text);
        section("t1", "One", &[("e1", "x"), ("e2", "y")]).put_into(&mut text);
        assert!(has_line(&text, "<!-- metawsm:event e2 -->") && text.contains("> y"));
    }
}
