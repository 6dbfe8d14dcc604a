//! What lies in the signal roots of a run, and what each file means.

use super::parse::{self, Said, Words};
use crate::model::{Feedback, Run, RunAgent, RunTicket, SignalKind, plain_line, sha256_hex, title_of};
use crate::store::{Ordinary, Outside};
use crate::sys::SysError;
use crate::sys::foreign::{self, Foreign, Mark};
use std::ffi::OsString;
use std::fs::Metadata;
use std::path::{Path, PathBuf};

/// A signal file may have at most this many bytes.
pub(super) const CAP: u64 = 64 * 1024;

/// At most this many names of a root are listed; where there are more, the names that agents are told are tried.
const NAMES: usize = 4096;

/// At most this many odd files of a root are named.
const ODD: usize = 50;

/// An agent that asks on and on is heard again when some of it is answered.
const OPEN_QUESTIONS: usize = 20;

/// Where taken signals go, in each root.
pub(super) const SEEN: &str = "seen";

/// A signal that was read and belongs to this run.
#[derive(Debug, Clone)]
pub(super) struct Heard {
    /// The index of its agent in the run.
    pub agent: usize,
    /// The live file.
    pub path: PathBuf,
    /// Which file was read.
    pub mark: Mark,
    /// Of its name, its time and its bytes: the same words in a new file have another.
    pub digest: String,
    /// Whether it lies in the doc home.
    pub from_doc_home: bool,
    /// What it says.
    pub words: Words,
}

/// A signal file that could not be taken; it is left where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Odd {
    /// The file.
    pub path: PathBuf,
    /// Why, as the end of a sentence.
    pub why: String,
    /// Whether it is a file that can be shown.
    pub is_file: bool,
}

/// What lies in the signal roots of a run.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Signals {
    /// What can be taken, the oldest first.
    pub(super) heard: Vec<Heard>,
    /// What could not be taken.
    pub odd: Vec<Odd>,
}

impl Signals {
    /// Whether anything waits to be taken.
    pub fn is_any(&self) -> bool {
        !self.heard.is_empty()
    }
}

/// The two places where agents of a ticket may write: the workspace, then the doc home.
pub(in super::super) fn roots(run: &Run, ticket: &RunTicket) -> Vec<PathBuf> {
    let Some(workspace) = &ticket.path else { return Vec::new() };
    let home = run.worktrees_for(&ticket.id).find(|w| w.repo == run.doc_home).and_then(|w| w.path.clone());
    let mut roots = vec![workspace.join(".metawsm")];
    roots.extend(home.map(|dir| dir.join(".metawsm")).filter(|dir| *dir != roots[0]));
    roots
}

/// Looks into all signal roots; changes nothing. A decided run listens no more.
pub(in super::super) fn look(run: &Run) -> Signals {
    look_among(run, &mut Ordinary::default())
}

/// The same, and lists no root that is known to hold no signal. Every process that watches a directory wakes up where
/// somebody lists it, and each agent's wrapper watches its roots.
pub(in super::super) fn look_among(run: &Run, ordinary: &mut Ordinary) -> Signals {
    let mut signals = Signals::default();
    if !run.state.is_open() {
        return signals;
    }
    for ticket in &run.tickets {
        let agents: Vec<_> = run.agents.iter().enumerate().filter(|(_, a)| a.ticket == ticket.id).collect();
        for (place, root) in roots(run, ticket).into_iter().enumerate() {
            let place = Place { run, ticket, agents: &agents, root, is_doc_home: place > 0 };
            let outside = Outside::of(&place.root, Metadata::is_dir).filter(|_| !place.is_behind_a_link());
            if outside.is_some_and(|now| ordinary.knows(&place.root, &now)) {
                continue;
            }
            let (before, heard) = (signals.odd.len(), signals.heard.len());
            place.look(&mut signals);
            if let Some(outside) = outside
                && (before, heard) == (signals.odd.len(), signals.heard.len())
            {
                ordinary.note(&place.root, outside);
            }
            let more = signals.odd.len() - before;
            if more > ODD {
                signals.odd.truncate(before + ODD);
                let why = format!("{} further files here cannot be taken either", more - ODD);
                signals.odd.push(Odd { path: place.root.clone(), why, is_file: false });
            }
        }
    }
    signals.heard.sort_by_key(|heard| heard.mark.modified());
    keep_few_questions(run, &mut signals);
    signals
}

/// One signal root.
struct Place<'a> {
    run: &'a Run,
    ticket: &'a RunTicket,
    agents: &'a [(usize, &'a RunAgent)],
    root: PathBuf,
    is_doc_home: bool,
}

impl Place<'_> {
    fn look(&self, signals: &mut Signals) {
        let odd = |why: String| Odd { path: self.root.clone(), why, is_file: false };
        let names = match self.names() {
            Ok((names, false)) => names,
            // The names that agents are told are tried, whatever lies beside them.
            Ok((_, true)) => {
                let why =
                    format!("more than {NAMES} files lie in it, and only the usual names are looked at");
                signals.odd.push(odd(why));
                self.usual_names().into_iter().map(Into::into).collect()
            }
            Err(why) => {
                signals.odd.push(odd(why));
                return;
            }
        };
        for name in names {
            let path = self.root.join(&name);
            let odd = |why: String| Odd { path: path.clone(), why, is_file: true };
            match self.file(&name, &path) {
                Ok(Some(heard)) => signals.heard.push(heard),
                Ok(None) => {}
                Err(Left::Odd(why)) => signals.odd.push(odd(why)),
                Err(Left::NoFile(why)) => signals.odd.push(Odd { is_file: false, ..odd(why) }),
            }
        }
    }

    /// The names in the root, those that are no text too, and whether there are more; why nothing of it can be taken.
    fn names(&self) -> Result<(Vec<OsString>, bool), String> {
        // This is asked of every run each time somebody looks: as few questions as it takes.
        match self.root.symlink_metadata() {
            Ok(meta) if meta.is_symlink() || self.is_behind_a_link() => {
                return Err("it lies behind a symbolic link, so nothing in it is taken".to_owned());
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok((Vec::new(), false)),
            Ok(meta) if !meta.is_dir() => return Err("it is not a directory".to_owned()),
            _ => {}
        }
        let (names, more) = foreign::names(&self.root, NAMES).map_err(|e| e.to_string())?;
        let is_said = |name: &OsString| {
            SignalKind::of_file(&name.to_string_lossy()).is_some_and(|(kind, _)| kind != SignalKind::Answer)
        };
        let seen = self.root.join(SEEN);
        let is_odd = || seen.symlink_metadata().is_ok_and(|meta| !meta.is_dir());
        if (more || names.iter().any(is_said)) && is_odd() {
            return Err(format!("nothing in it is taken, because {} is not a directory", seen.display()));
        }
        Ok((names, more))
    }

    fn is_behind_a_link(&self) -> bool {
        let is_link = |path: &Path| path.symlink_metadata().is_ok_and(|meta| meta.is_symlink());
        self.is_doc_home && self.root.parent().is_some_and(is_link)
    }

    /// The names that agents are told to use.
    fn usual_names(&self) -> Vec<String> {
        let kinds = [SignalKind::Question, SignalKind::Completion, SignalKind::Validation];
        let of_agents =
            |kind: SignalKind| self.agents.iter().map(move |(_, a)| kind.file(Some(a.name.as_str())));
        kinds.iter().flat_map(|kind| [kind.file(None)].into_iter().chain(of_agents(*kind))).collect()
    }

    fn file(&self, name: &std::ffi::OsStr, path: &Path) -> Result<Option<Heard>, Left> {
        let lossy = name.to_string_lossy();
        let Some((kind, named)) = SignalKind::of_file(&lossy) else {
            let usual = lossy.to_ascii_lowercase().replace('_', "-");
            return match SignalKind::of_file(&usual) {
                Some((kind, _)) if kind != SignalKind::Answer => {
                    Err(Left::Odd(format!("its name is not '{}'", plain_line(&usual))))
                }
                _ => Ok(None),
            };
        };
        if kind == SignalKind::Answer {
            return Ok(None);
        }
        if name.to_str().is_none() {
            return Err(Left::Odd("its name is not UTF-8 text".to_owned()));
        }
        if let Some(named) = named {
            // A name that belongs to nobody is not worth a read.
            self.agent(named)?;
        }
        let Some(file) = foreign::find(path, CAP).map_err(left)? else { return Ok(None) };
        let said = parse::parse(kind, &file.bytes)?;
        let agent = self.speaker(&said, named)?;
        self.require_current(kind, &said, &file)?;
        let digest = self.digest(&lossy, &file);
        Ok(Some(Heard {
            agent,
            path: path.to_owned(),
            mark: file.mark,
            digest,
            from_doc_home: self.is_doc_home,
            words: said.words,
        }))
    }

    fn digest(&self, name: &str, file: &Foreign) -> String {
        let (seconds, nanoseconds) = file.mark.modified();
        let head = format!("{}/{name} {seconds}.{nanoseconds} ", u8::from(self.is_doc_home));
        sha256_hex(&[self.ticket.id.as_str().as_bytes(), b" ", head.as_bytes(), &file.bytes].concat())
    }

    fn agent(&self, name: &str) -> Result<usize, Left> {
        if name.is_empty() {
            return Err(Left::Odd("its name ends where an agent should be named".to_owned()));
        }
        let found = self.agents.iter().find(|(_, a)| a.name.as_str() == name).map(|(index, _)| *index);
        found.ok_or_else(|| {
            Left::Odd(format!("this ticket has no agent '{}'", title_of(&plain_line(name), 64)))
        })
    }

    /// Who speaks: the agent that the file names, by its name or in its words.
    fn speaker(&self, said: &Said, named: Option<&str>) -> Result<usize, Left> {
        let agent = match (said.agent.as_deref(), named, self.agents) {
            (Some(agent), Some(named), _) => {
                let index = self.agent(agent)?;
                if agent != named {
                    let why = format!("its name says '{named}', and it says '{agent}'");
                    return Err(Left::Odd(why));
                }
                index
            }
            (Some(agent), None, _) | (None, Some(agent), _) => self.agent(agent)?,
            (None, None, [(only, _)]) => *only,
            (None, None, _) => return Err(Left::Odd("it names no agent, and several work here".to_owned())),
        };
        Ok(agent)
    }

    /// Refuses what is about something else: another run, another ticket, the work before the last feedback.
    fn require_current(&self, kind: SignalKind, said: &Said, file: &Foreign) -> Result<(), Left> {
        if let Some(other) = said.run.as_deref().filter(|id| *id != self.run.id.as_str()) {
            let other = title_of(&plain_line(other), 64);
            return Err(Left::Odd(format!("it is for another run, '{other}'")));
        }
        if let Some(other) =
            said.ticket.as_deref().filter(|id| !id.eq_ignore_ascii_case(self.ticket.id.as_str()))
        {
            let other = title_of(&plain_line(other), 64);
            return Err(Left::Odd(format!("it is for another ticket, '{other}'")));
        }
        let is_before = |feedback: &Feedback| file.mark.modified() < (feedback.at.as_second(), 0);
        if kind != SignalKind::Question && self.run.feedback.iter().any(is_before) {
            return Err(Left::Odd("it was written before the last feedback".to_owned()));
        }
        let is_bare = |words: &Words| matches!(words, Words::Validation(judged) if judged.brief_id.is_empty() && judged.done_criteria.is_empty());
        if self.run.mode == crate::model::Mode::Bootstrap && is_bare(&said.words) {
            let why = format!("the {} names neither 'brief_id' nor 'done_criteria'", kind.as_str());
            return Err(Left::Odd(why));
        }
        Ok(())
    }
}

/// Why a file was left alone.
enum Left {
    Odd(String),
    /// It is something else than a file.
    NoFile(String),
}

impl From<String> for Left {
    fn from(why: String) -> Self {
        Self::Odd(why)
    }
}

fn left(error: SysError) -> Left {
    match error {
        SysError::Foreign { why, .. } => Left::NoFile(why),
        SysError::File { action, source, .. } => Left::NoFile(format!("one cannot {action} it: {source}")),
        other => Left::NoFile(other.to_string()),
    }
}

/// Leaves questions of an agent that has many open ones already.
fn keep_few_questions(run: &Run, signals: &mut Signals) {
    let mut open: Vec<usize> = run
        .agents
        .iter()
        .map(|a| {
            run.guidance.iter().filter(|g| g.is_open() && g.ticket == a.ticket && g.agent == a.name).count()
        })
        .collect();
    let (mut heard, mut odd) = (Vec::new(), Vec::new());
    for signal in std::mem::take(&mut signals.heard) {
        let is_new = !run.guidance.iter().any(|g| g.file == signal.digest);
        if is_new && matches!(signal.words, Words::Question { .. }) {
            if open[signal.agent] >= OPEN_QUESTIONS {
                let why = format!("{OPEN_QUESTIONS} questions of its agent are open already");
                odd.push(Odd { path: signal.path, why, is_file: true });
                continue;
            }
            open[signal.agent] += 1;
        }
        heard.push(signal);
    }
    signals.heard = heard;
    signals.odd.extend(odd);
}
