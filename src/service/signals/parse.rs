//! What the bytes of a signal file say.

use super::strict;
use crate::model::{SignalKind, ValidationStatus, plain_line, says_something, title_of};
use crate::policy::nearest;
use serde_json::{Map, Value};

/// The most characters that are kept of a summary.
const SUMMARY: usize = 1000;

/// A signal as it was said; whether it is for this run and by this agent is not known yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    /// The run that it names.
    pub run: Option<String>,
    /// The ticket that it names.
    pub ticket: Option<String>,
    /// The agent that it names.
    pub agent: Option<String>,
    /// What it says.
    pub words: Words,
}

/// The words of a signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Words {
    /// A question, and what it is about.
    Question { question: String, context: Option<String> },
    /// The work is done.
    Completion { summary: String },
    /// What a validation came to.
    Validation(Judged),
}

/// A validation as it was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Judged {
    /// What it came to.
    pub status: ValidationStatus,
    /// The brief that it names.
    pub brief_id: String,
    /// The done criteria that it names.
    pub done_criteria: String,
    /// Its words.
    pub summary: String,
}

/// The keys that every signal may have. A time says nothing to us: the file has one of its own.
const COMMON: [&str; 5] = ["run_id", "agent", "ticket", "timestamp", "created_at"];

fn own_keys(kind: SignalKind) -> &'static [&'static str] {
    match kind {
        SignalKind::Question => &["question", "context"],
        SignalKind::Completion => &["summary", "status"],
        SignalKind::Validation => &["status", "done_criteria", "brief_id", "summary"],
        SignalKind::Answer => &[],
    }
}

/// Reads a signal; an error is the end of a sentence that names the file. A key that nobody knows is refused, because
/// what it says would be lost: a completion with `"result": "failed"` is none.
pub(super) fn parse(kind: SignalKind, bytes: &[u8]) -> Result<Said, String> {
    let refuse = |why: String| format!("it is not a {}: {}", kind.as_str(), plain_line(&why));
    let value = strict::parse(bytes).map_err(refuse)?;
    let Value::Object(mut said) = value else { return Err(refuse("it is no JSON object".to_owned())) };
    let known = || own_keys(kind).iter().chain(&COMMON).copied();
    if let Some(odd) = said.keys().find(|key| !known().any(|k| k == *key)) {
        let hint = nearest(odd, known()).map(|near| format!("; is '{near}' meant?"));
        let hint =
            hint.unwrap_or_else(|| format!("; it may have {}", known().collect::<Vec<_>>().join(", ")));
        return Err(refuse(format!("it has the unknown field '{}'{hint}", title_of(odd, 60))));
    }
    let mut text = |key| text_of(&mut said, key).map_err(refuse);
    let (run, agent, ticket) = (text("run_id")?, text("agent")?, text("ticket")?);
    let words = words(kind, &mut said).map_err(refuse)?;
    Ok(Said { run, ticket, agent, words })
}

fn words(kind: SignalKind, said: &mut Map<String, Value>) -> Result<Words, String> {
    Ok(match kind {
        SignalKind::Question => {
            let question = text_of(said, "question")?.filter(|text| says_something(text));
            let question = question.ok_or("it has no 'question', or an empty one")?;
            let context = match said.remove("context") {
                None | Some(Value::Null) => None,
                Some(Value::String(text)) => Some(text),
                Some(other) => Some(other.to_string()),
            };
            Words::Question { question: lines(&question), context: context.map(|text| lines(&text)) }
        }
        SignalKind::Completion => {
            let done = ["complete", "completed", "done", "success", "ok"];
            match text_of(said, "status")? {
                Some(status) if !done.contains(&status.to_ascii_lowercase().as_str()) => {
                    let shown = title_of(&status, 40);
                    return Err(format!("its 'status' is '{shown}', and not that the work is done"));
                }
                _ => Words::Completion { summary: summary(said)? },
            }
        }
        SignalKind::Validation => {
            let status = match text_of(said, "status")?.map(|s| s.trim().to_ascii_lowercase()).as_deref() {
                Some("passed") => ValidationStatus::Passed,
                Some("failed") => ValidationStatus::Failed,
                Some(other) => {
                    return Err(format!(
                        "its 'status' is '{}', neither passed nor failed",
                        title_of(other, 40)
                    ));
                }
                None => return Err("it has no 'status', which is passed or failed".to_owned()),
            };
            Words::Validation(Judged {
                status,
                brief_id: text_of(said, "brief_id")?.unwrap_or_default(),
                done_criteria: text_of(said, "done_criteria")?.unwrap_or_default(),
                summary: summary(said)?,
            })
        }
        SignalKind::Answer => return Err("answers are ours to write".to_owned()),
    })
}

/// A text; one that is empty, or null, was not said.
fn text_of(said: &mut Map<String, Value>, key: &str) -> Result<Option<String>, String> {
    match said.remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.trim().is_empty())),
        Some(_) => Err(format!("its '{key}' is not a text")),
    }
}

fn summary(said: &mut Map<String, Value>) -> Result<String, String> {
    let text = text_of(said, "summary")?.unwrap_or_default();
    let cut: String = text.trim().chars().take(SUMMARY).collect();
    Ok(if cut.len() < text.trim().len() { format!("{cut}…") } else { cut })
}

fn lines(text: &str) -> String {
    text.replace("\r\n", "\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn question(text: &str) -> Result<Said, String> {
        parse(SignalKind::Question, text.as_bytes())
    }

    #[test]
    fn a_question_has_words_and_any_context() {
        let said = question(r#"{"question": " Which?\r\nA or B ", "context": {"a": [1]}, "agent": "coder"}"#);
        let said = said.expect("a question");
        assert_eq!((said.agent.as_deref(), said.run), (Some("coder"), None));
        let words = Words::Question {
            question: "Which?\nA or B".to_owned(),
            context: Some(r#"{"a":[1]}"#.to_owned()),
        };
        assert_eq!(said.words, words);
        for blank in
            [r#"{"question": "x", "run_id": "", "agent": null, "timestamp": 5}"#, r#"{"question": "x"}"#]
        {
            let said = question(blank).expect("a question");
            assert_eq!((said.run, said.agent), (None, None));
        }
    }

    #[test]
    fn what_cannot_be_meant_is_named() {
        let odd = [
            (SignalKind::Question, "{}", "no 'question'"),
            (SignalKind::Question, r#"{"question": " \u202e\n"}"#, "no 'question'"),
            (SignalKind::Question, r#"{"question": ["x"]}"#, "'question' is not a text"),
            (SignalKind::Question, r#"{"qestion": "x"}"#, "unknown field 'qestion'; is 'question' meant?"),
            (SignalKind::Question, r#"{"question": "x", "run_id": 5}"#, "'run_id' is not a text"),
            (SignalKind::Question, r#"{"question": "x", "context": {"a": 1, "a": 2}}"#, "there twice"),
            (SignalKind::Completion, "[]", "it is not a completion: it is no JSON object"),
            (SignalKind::Completion, r#"{"sumary": "x"}"#, "is 'summary' meant?"),
            (SignalKind::Completion, r#"{"status": "failed"}"#, "'status' is 'failed'"),
            (SignalKind::Completion, r#"{"result": "failed"}"#, "unknown field 'result'"),
            (SignalKind::Validation, r#"{"done_criteria": "x"}"#, "no 'status'"),
            (SignalKind::Validation, r#"{"status": "maybe"}"#, "neither passed nor failed"),
            (SignalKind::Validation, r#"{"status": true}"#, "'status' is not a text"),
        ];
        for (kind, text, why) in odd {
            let said = parse(kind, text.as_bytes()).expect_err(text);
            assert!(said.contains(why), "{text}: {said}");
        }
    }

    #[test]
    fn a_validation_is_passed_or_failed() {
        let said = parse(SignalKind::Validation, br#"{"status": " PASSED", "brief_id": "brief-1"}"#);
        let Words::Validation(judged) = said.expect("a validation").words else { panic!("it is one") };
        assert_eq!((judged.status, judged.brief_id.as_str()), (ValidationStatus::Passed, "brief-1"));
    }

    #[test]
    fn a_summary_is_cut() {
        let text = format!(r#"{{"summary": "{}", "status": "Done"}}"#, "é".repeat(5000));
        let Words::Completion { summary } =
            parse(SignalKind::Completion, text.as_bytes()).expect("done").words
        else {
            panic!("it is one")
        };
        assert_eq!(summary.chars().count(), SUMMARY + 1);
    }

    fn any_kind() -> impl Strategy<Value = SignalKind> {
        prop_oneof![Just(SignalKind::Question), Just(SignalKind::Completion), Just(SignalKind::Validation)]
    }

    /// JSON that looks like a signal, with keys and values of every sort.
    fn any_signal() -> impl Strategy<Value = String> {
        let key = prop_oneof![
            "(question|context|run_id|agent|ticket|status|summary|done_criteria|brief_id|timestamp)",
            "\\PC{0,12}",
        ];
        let value = prop_oneof![
            any::<String>().prop_map(|text| Value::from(text).to_string()),
            "(passed|failed|done|null|true|-1e9|\\[\\]|\\{\\})",
            "[\\[\\]{}\",:0-9]{0,12}",
        ];
        proptest::collection::vec((key, value), 0..6).prop_map(|entries| {
            let entry = |(key, value): &(String, String)| format!("{}: {value}", Value::from(key.as_str()));
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        })
    }

    proptest! {
        #[test]
        fn no_bytes_break_the_reader(kind in any_kind(), bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Err(why) = parse(kind, &bytes) {
                prop_assert!(!why.contains(crate::model::is_deceptive), "{why:?}");
            }
        }

        #[test]
        fn no_signal_breaks_the_reader(kind in any_kind(), text in any_signal()) {
            match parse(kind, text.as_bytes()) {
                Err(why) => prop_assert!(!why.contains(crate::model::is_deceptive) && why.len() < 2000, "{why:?}"),
                Ok(Said { words: Words::Question { question, .. }, .. }) => prop_assert!(says_something(&question)),
                Ok(_) => {}
            }
        }

        #[test]
        fn what_is_asked_is_heard(question in "\\PC{1,200}", agent in "[a-z]{1,8}") {
            prop_assume!(says_something(&question));
            let text = serde_json::json!({ "question": question, "agent": agent }).to_string();
            let said = parse(SignalKind::Question, text.as_bytes()).map_err(TestCaseError::fail)?;
            prop_assert_eq!(said.agent, Some(agent));
            prop_assert_eq!(said.words, Words::Question { question: question.trim().to_owned(), context: None });
        }
    }
}
