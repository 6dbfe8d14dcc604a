//! The later versions of the first metawsm kept questions and signals as posts with a JSON body, in one thread for each
//! run and agent (`fctrl-<run>-<agent>`).

use super::Import;
use super::names::time;
use crate::model::{Run, Validation, ValidationStatus};
use crate::service::ServiceResult;
use crate::store::{OldQuestion, OldRun, OldThread};
use jiff::Timestamp;
use serde_json::Value;

/// What such a post says.
struct Post {
    kind: String,
    value: Value,
}

impl Post {
    fn of(body: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(body.trim()).ok()?;
        value.get("schema_version")?.as_i64()?;
        let kind = value.get("control_type")?.as_str()?.to_owned();
        Some(Self { kind, value })
    }

    fn word(&self, key: &str) -> &str {
        self.value.get(key).and_then(Value::as_str).unwrap_or_default()
    }
}

/// The body of a post for people: what a signal says in words, anything else as it is.
pub(super) fn readable(body: &str) -> String {
    let Some(post) = Post::of(body) else { return body.to_owned() };
    let with = |first: &str, second: &str, label: &str| {
        if second.trim().is_empty() { first.to_owned() } else { format!("{first}\n\n{label}:\n{second}") }
    };
    match post.kind.as_str() {
        "guidance_request" => {
            with(&format!("Question: {}", post.word("question")), post.word("context"), "Context")
        }
        "guidance_answer" => format!("Answer: {}", post.word("answer")),
        "completion" => with("The work is done.", post.word("summary"), "Summary"),
        "validation" => {
            let first = format!("Validation: {}", post.word("status"));
            with(&first, post.word("done_criteria"), "Done criteria")
        }
        _ => body.to_owned(),
    }
}

/// The control threads of a run.
fn threads(import: &Import<'_>, run: &OldRun) -> ServiceResult<Vec<OldThread>> {
    let mut found = Vec::new();
    for row in import.database.control_threads(&run.id)? {
        found.push(import.database.thread(row)?);
    }
    Ok(found)
}

/// The words of each post, with who spoke when, in order.
fn posts(thread: &OldThread) -> impl Iterator<Item = (Post, &str)> {
    thread.events.iter().filter_map(|event| {
        let payload: Value = serde_json::from_str(&event.payload).unwrap_or_default();
        let said = payload.get("body").and_then(Value::as_str).filter(|body| !body.trim().is_empty());
        Some((Post::of(said.unwrap_or(&event.body))?, event.at.as_str()))
    })
}

/// The questions that agents asked in their control threads; an answer is to the last one that had none.
pub(super) fn questions(import: &Import<'_>, run: &OldRun) -> ServiceResult<Vec<OldQuestion>> {
    let mut found = Vec::new();
    for thread in threads(import, run)? {
        let begin = found.len();
        for (post, at) in posts(&thread) {
            match post.kind.as_str() {
                "guidance_request" => found.push(OldQuestion {
                    key: format!("{} {}", thread.id, found.len() - begin),
                    agent: thread.agent.clone(),
                    question: post.word("question").to_owned(),
                    context: post.word("context").to_owned(),
                    asked: at.to_owned(),
                    ..OldQuestion::default()
                }),
                "guidance_answer" => {
                    let open = found[begin..].iter_mut().rev().find(|asked| asked.answer.is_none());
                    if let Some(asked) = open {
                        asked.answer = Some(post.word("answer").to_owned());
                        at.clone_into(&mut asked.answered);
                    }
                }
                _ => {}
            }
        }
    }
    Ok(found)
}

/// What agents said there of their work, for a run that had come to its end.
pub(super) fn take_words(import: &Import<'_>, old: &OldRun, run: &mut Run) -> ServiceResult<()> {
    for thread in threads(import, old)? {
        for (post, at) in posts(&thread) {
            let at = time(at).unwrap_or(Timestamp::UNIX_EPOCH);
            for agent in run.agents.iter_mut().filter(|agent| agent.name.as_str() == thread.agent.trim()) {
                match (post.kind.as_str(), post.word("status")) {
                    ("completion", _) => agent.completed = Some(post.word("summary").to_owned()),
                    ("validation", status) => {
                        let is_passed = status.eq_ignore_ascii_case("passed");
                        agent.validation = Some(Validation {
                            status: if is_passed {
                                ValidationStatus::Passed
                            } else {
                                ValidationStatus::Failed
                            },
                            at,
                            brief_id: String::new(),
                            done_criteria: post.word("done_criteria").to_owned(),
                            summary: String::new(),
                        });
                    }
                    _ => {}
                }
            }
        }
    }
    Ok(())
}
