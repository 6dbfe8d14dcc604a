//! `signal`: an agent says something, by the files of behaviour 6. No lock is taken, no process is started, and nothing
//! is written but below the two signal roots of the session's own workspace.

use super::look::{CAP, SEEN};
use super::parse::parse;
use super::session::Session;
use crate::model::SignalKind;
use crate::service::{Caller, ServiceError, ServiceResult};
use crate::sys::foreign::{self, Mark};
use crate::sys::watch::Watch;
use crate::sys::{SysError, SysResult, files};
use serde_json::{Map, Value};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often is looked for an answer where no event tells of it.
const LOOK: Duration = Duration::from_secs(3);

/// What an agent says.
#[derive(Debug, Clone)]
pub enum SignalWords {
    /// It needs a decision.
    Question {
        /// The question.
        question: String,
        /// What it is about.
        context: Option<String>,
    },
    /// Its work is done.
    Completion {
        /// What was done.
        summary: Option<String>,
    },
    /// What its validation came to.
    Validation {
        /// Whether the done criteria hold.
        passed: bool,
        /// What was looked at.
        summary: Option<String>,
        /// The done criteria that it was made against.
        done_criteria: Option<String>,
        /// The brief that it was made against; that of the run where neither is given.
        brief_id: Option<String>,
    },
}

/// What `signal` was asked.
#[derive(Debug, Clone)]
pub struct SignalRequest {
    /// Who speaks, where the session does not say it.
    pub agent: Option<String>,
    /// What is said.
    pub words: SignalWords,
}

/// A signal that lies where it will be taken.
#[derive(Debug, Clone)]
pub struct Signalled {
    /// What it is.
    pub kind: SignalKind,
    /// Its file.
    pub path: PathBuf,
    /// The run.
    pub run: String,
    /// Who speaks.
    pub agent: Option<String>,
    /// The question, where it is one.
    pub question: String,
    /// Where the answer may come, and what lay there before.
    pub responses: Vec<(PathBuf, Option<Mark>)>,
}

/// Writes a signal; it is on disk when this returns.
pub fn signal(caller: &Caller, request: &SignalRequest) -> ServiceResult<Signalled> {
    let session = Session::around(caller, request.agent.as_deref())?;
    let (kind, said) = words(&session, &request.words);
    let mut text = serde_json::to_string_pretty(&Value::Object(said)).unwrap_or_default();
    text.push('\n');
    if text.len() as u64 > CAP {
        let message = format!("A signal may have at most {CAP} bytes, and this one has {}.", text.len());
        return Err(ServiceError::wrong(message, &["git metawsm forum ask --body-file <file>"]));
    }
    // What nobody could take is not written.
    parse(kind, text.as_bytes()).map_err(|why| {
        ServiceError::wrong(format!("The signal cannot be written: {why}."), &["git metawsm signal -h"])
    })?;
    let names = response_names(&session);
    let places = session.roots.iter().flat_map(|root| names.iter().map(|name| root.join(name)));
    let responses = places.map(|path| (mark(&path), path)).map(|(mark, path)| (path, mark)).collect();
    let path = place(&session, kind, text.as_bytes())?;
    let question = match &request.words {
        SignalWords::Question { question, .. } => question.clone(),
        _ => String::new(),
    };
    Ok(Signalled { kind, path, run: session.run, agent: session.agent, question, responses })
}

fn words(session: &Session, words: &SignalWords) -> (SignalKind, Map<String, Value>) {
    let mut said = Map::new();
    let mut say = |key: &str, value: Option<&str>| {
        if let Some(value) = value {
            said.insert(key.to_owned(), value.into());
        }
    };
    let kind = match words {
        SignalWords::Question { question, context } => {
            say("question", Some(question));
            say("context", context.as_deref());
            SignalKind::Question
        }
        SignalWords::Completion { summary } => {
            say("summary", summary.as_deref());
            SignalKind::Completion
        }
        SignalWords::Validation { passed, summary, done_criteria, brief_id } => {
            say("status", Some(if *passed { "passed" } else { "failed" }));
            say("done_criteria", done_criteria.as_deref());
            let of_run = session.brief_id.as_deref().filter(|_| done_criteria.is_none());
            say("brief_id", brief_id.as_deref().or(of_run));
            say("summary", summary.as_deref());
            SignalKind::Validation
        }
    };
    say("run_id", Some(&session.run));
    say("agent", session.agent.as_deref());
    (kind, said)
}

/// Puts a signal into the first root that can be written to. A question never takes the place of one that waits.
fn place(session: &Session, kind: SignalKind, bytes: &[u8]) -> ServiceResult<PathBuf> {
    let agent = session.agent.as_deref();
    let (plain, own) = (kind.file(None), kind.file(agent));
    let names = if session.is_shared { [own, plain] } else { [plain, own] };
    let mut refused = None;
    for root in &session.roots {
        let placed = match kind {
            SignalKind::Question => place_new(root, &names, bytes),
            _ => temp_dir(root).and_then(|temp| {
                let path = root.join(&names[0]);
                files::write_atomic_from(&temp, &path, bytes).map(|()| Some(path))
            }),
        };
        match placed {
            Ok(Some(path)) => return Ok(path),
            Ok(None) => {
                let message = format!("An earlier question still waits to be taken in {}.", root.display());
                return Err(ServiceError::failed(message, &[&format!("git metawsm status {}", session.run)]));
            }
            Err(error) if is_barred(&error) => refused = refused.or(Some(error)),
            Err(error) => return Err(error.into()),
        }
    }
    let missing = || {
        ServiceError::failed(
            "The workspace has no directory .metawsm to write the signal into.",
            &["git metawsm status"],
        )
    };
    Err(refused.map_or_else(missing, Into::into))
}

fn place_new(root: &Path, names: &[String; 2], bytes: &[u8]) -> SysResult<Option<PathBuf>> {
    let temp = temp_dir(root)?;
    for name in names {
        let path = root.join(name);
        if files::write_new_from(&temp, &path, bytes)? {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// The folder of taken signals, where a file may lie half written: git ignores it and nobody reads it. A link in the
/// place of it or of the root would lead elsewhere.
fn temp_dir(root: &Path) -> SysResult<PathBuf> {
    let seen = root.join(SEEN);
    for dir in [root, &seen] {
        if dir.symlink_metadata().is_ok_and(|meta| !meta.is_dir()) {
            let why = "it is not a directory, so no signal is written there".to_owned();
            return Err(SysError::Foreign { path: dir.to_owned(), why });
        }
    }
    files::ensure_dir(&seen)?;
    Ok(seen)
}

/// Whether somebody keeps us from writing here, such as a sandbox; a full disk is no such thing.
fn is_barred(error: &SysError) -> bool {
    let barred = [ErrorKind::PermissionDenied, ErrorKind::ReadOnlyFilesystem];
    matches!(error, SysError::File { source, .. } if barred.contains(&source.kind()))
}

fn response_names(session: &Session) -> Vec<String> {
    let mut names = vec![SignalKind::Answer.file(None)];
    names.extend(session.agent.as_deref().map(|agent| SignalKind::Answer.file(Some(agent))));
    names
}

fn mark(path: &Path) -> Option<Mark> {
    foreign::find(path, CAP_OF_ANSWER).ok().flatten().map(|found| found.mark)
}

/// An answer may be as long as a post, and its JSON longer.
const CAP_OF_ANSWER: u64 = 8 << 20;

/// Waits for the response to a question, at most `limit`; `None` where none came in time.
pub fn wait_for_response(
    caller: &Caller,
    asked: &Signalled,
    limit: Option<Duration>,
) -> ServiceResult<Option<String>> {
    let begun = Instant::now();
    let mut watch = Watch::new();
    let mut dirs: Vec<_> = asked.responses.iter().filter_map(|(path, _)| path.parent()).collect();
    dirs.dedup();
    dirs.into_iter().filter(|dir| dir.is_dir()).for_each(|dir| watch.add(dir));
    loop {
        let answer = asked.responses.iter().find_map(|(path, before)| answer_in(path, *before, asked));
        let left = limit.map(|limit| limit.saturating_sub(begun.elapsed()));
        if answer.is_some() || left.is_some_and(|left| left.is_zero()) {
            return Ok(answer);
        }
        if let Some(signal) = caller.interrupt.signal() {
            let hints = vec![format!("git metawsm status {}", asked.run)];
            return Err(ServiceError::Interrupted { signal, hints });
        }
        watch.wait(left.map_or(LOOK, |left| left.min(LOOK)));
    }
}

/// The answer in a response file that was written since, if it is to this question.
fn answer_in(path: &Path, before: Option<Mark>, asked: &Signalled) -> Option<String> {
    let found = foreign::find(path, CAP_OF_ANSWER).ok().flatten()?;
    if Some(found.mark) == before {
        return None;
    }
    let said: Value = serde_json::from_slice(&found.bytes).ok()?;
    let text = |key: &str| said.get(key).and_then(Value::as_str);
    let is_its = text("run_id").is_none_or(|run| run == asked.run)
        && text("agent").is_none_or(|agent| asked.agent.as_deref().is_none_or(|own| own == agent))
        && text("question").is_none_or(|question| is_same(question, &asked.question));
    text("answer").filter(|_| is_its).map(str::to_owned)
}

/// Whether a question as the response repeats it is ours: white space does not count, its end may be cut, and its
/// context may follow.
fn is_same(repeated: &str, asked: &str) -> bool {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (repeated, asked) = (words(repeated), words(asked));
    let cut = repeated.trim_end_matches('…').trim_end();
    !cut.is_empty() && (asked.starts_with(cut) || repeated.starts_with(&asked))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_known_again() {
        for repeated in [
            "Which colour?  ",
            "Which\ncolour?",
            "Which col…",
            "Which colour?\n\nContext:\nx",
            "Which colour",
        ] {
            assert!(is_same(repeated, " Which colour?"), "{repeated}");
        }
        for other in ["", "…", "Which size?"] {
            assert!(!is_same(other, "Which colour?"), "{other}");
        }
    }

    #[test]
    fn a_waiting_question_keeps_its_place() {
        let dir = tempfile::tempdir().expect("temp");
        let root = dir.path().join(".metawsm");
        let names = ["a.json".to_owned(), "b.json".to_owned()];
        let placed = |text: &str| place_new(&root, &names, text.as_bytes()).expect("written");
        assert_eq!(placed("1"), Some(root.join("a.json")));
        assert_eq!(placed("2"), Some(root.join("b.json")));
        assert_eq!(placed("3"), None);
        assert_eq!(std::fs::read(root.join("a.json")).expect("there"), b"1");
        assert_eq!(files::names_in(&root.join(SEEN)).expect("listed"), Vec::<String>::new());
    }

    #[test]
    fn nothing_is_written_behind_a_link() {
        let dir = tempfile::tempdir().expect("temp");
        let (root, outside) = (dir.path().join(".metawsm"), dir.path().join("outside"));
        std::fs::create_dir(&outside).expect("mkdir");
        std::os::unix::fs::symlink(&outside, &root).expect("link");
        assert!(temp_dir(&root).is_err());
        std::fs::remove_file(&root).expect("removed");
        std::fs::create_dir(&root).expect("mkdir");
        std::os::unix::fs::symlink(&outside, root.join(SEEN)).expect("link");
        assert!(temp_dir(&root).is_err());
    }
}
