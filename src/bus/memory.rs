//! What a clone remembers of the bus: small files in `<common>/metawsm/bus/`.
//!
//! | file | |
//! |---|---|
//! | `out/<thread>~<event>` | an event that waits to be sent; made before the event, removed after it was sent |
//! | `project` | the id of the project, found once |
//! | `clone` | the random id of this clone, and the place it is good for |
//! | `state.toml` | in which life of the stream what was sent; without it everything is sent once more |
//! | `away.toml` | since when the server does not answer; a note for messages and patience |

use super::BusResult;
use crate::model::{Child, EventId, ThreadId, sha256_hex};
use crate::sys::{clock, files, procs, random};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Between thread and event in the name of a marker; no name of ours holds it.
const BETWEEN: char = '~';

/// An event that waits to be sent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Waiting {
    /// Its thread.
    pub thread: ThreadId,
    /// The event.
    pub event: EventId,
}

/// Which life of the stream we know, and what of ours is in it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// The key of the stream.
    pub stream: String,
    /// The run of the server: another one after each start.
    pub server: String,
    /// The epoch of the stream: another one whenever somebody found that entries were lost.
    pub epoch: String,
    /// Whether every live event was sent in it.
    pub whole: bool,
    /// Where not: up to here, `<thread>~<event>`.
    pub sent_to: String,
    /// How many live events there were.
    pub live: usize,
    /// The hole in the stream for which the epoch was renewed last.
    pub hole: String,
    /// Whether entries of a newer version were left out.
    pub newer: bool,
    /// The format of events that this version knows.
    pub format: u32,
    /// How many entries were not taken.
    pub refused: u64,
}

/// Since when the server does not answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Away {
    /// Since when.
    pub since: Timestamp,
    /// When somebody tried last.
    pub tried: Timestamp,
    /// Why, a sentence.
    pub why: String,
}

/// The directory of these files.
#[derive(Debug, Clone)]
pub struct Memory {
    dir: PathBuf,
}

impl Memory {
    /// That of the repository with this `metawsm` directory. No I/O.
    pub fn at(metawsm: &Path) -> Self {
        Self { dir: metawsm.join("bus") }
    }

    /// Whether events of this repository ever travelled, or were to.
    pub fn exists(&self) -> bool {
        self.dir.is_dir()
    }

    fn out(&self) -> PathBuf {
        self.dir.join("out")
    }

    fn marker(&self, waiting: &Waiting) -> PathBuf {
        self.out().join(format!("{}{BETWEEN}{}", waiting.thread, waiting.event))
    }

    /// Notes durably that an event is to be sent. It may not be written yet.
    pub fn mark(&self, waiting: &Waiting) -> BusResult<()> {
        let Child { pid, start } = procs::own();
        files::write_new(&self.marker(waiting), format!("{pid} {start}\n").as_bytes())?;
        Ok(())
    }

    /// Forgets that an event is to be sent, because it was. A power cut may undo that: then it is sent twice.
    pub fn unmark(&self, waiting: &Waiting) {
        let _ = std::fs::remove_file(self.marker(waiting));
    }

    /// The directory in which events that wait appear.
    pub fn ensure_out(&self) -> BusResult<PathBuf> {
        files::ensure_dir(&self.out())?;
        Ok(self.out())
    }

    /// What waits to be sent, by thread and event.
    pub fn waiting(&self) -> BusResult<Vec<Waiting>> {
        let names = files::names_in(&self.out())?;
        let parse = |name: &String| {
            let (thread, event) = name.split_once(BETWEEN)?;
            Some(Waiting { thread: ThreadId::parse(thread).ok()?, event: EventId::parse(event).ok()? })
        };
        Ok(names.iter().filter_map(parse).collect())
    }

    /// Since when the oldest of these waits.
    pub fn oldest(&self, waiting: &[Waiting]) -> Option<Timestamp> {
        let time = |w: &Waiting| self.marker(w).symlink_metadata().and_then(|meta| meta.modified()).ok();
        let oldest = waiting.iter().filter_map(time).min()?;
        Timestamp::from_second(i64::try_from(oldest.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()?).ok()
    }

    /// Whether the writer of an event that is not there is gone, so that it never will be.
    pub fn is_abandoned(&self, waiting: &Waiting) -> bool {
        let path = self.marker(waiting);
        let Ok(meta) = path.symlink_metadata() else { return false };
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let writer = text
            .trim()
            .split_once(' ')
            .and_then(|(pid, start)| Some(Child { pid: pid.parse().ok()?, start: start.parse().ok()? }));
        // The writer may be one that we cannot see (in another container): it had time enough.
        let age = meta.modified().ok().and_then(|at| SystemTime::now().duration_since(at).ok());
        writer.is_none_or(|writer| !procs::is_alive(writer))
            && age.is_some_and(|age| age > Duration::from_secs(600))
    }

    /// Removes what killed writers left under temporary names; the caller holds the lock of the bus, and only what is
    /// an hour old is nobody's.
    pub fn sweep(&self) {
        for dir in [self.dir.clone(), self.out()] {
            for name in files::names_in(&dir).unwrap_or_default() {
                let path = dir.join(&name);
                let age =
                    path.symlink_metadata().and_then(|m| m.modified()).ok().and_then(|at| at.elapsed().ok());
                if name.starts_with(files::TEMP_PREFIX)
                    && age.is_some_and(|age| age > Duration::from_secs(3600))
                {
                    let _ = std::fs::remove_file(path);
                }
            }
        }
    }

    /// The project, where it was found before.
    pub fn project(&self) -> BusResult<Option<String>> {
        let text = files::find_text(&self.dir.join("project"))?;
        let is_id = |id: &String| id.len() == 20 && id.bytes().all(|b| b.is_ascii_hexdigit());
        Ok(text.map(|text| text.trim().to_owned()).filter(is_id))
    }

    /// Keeps the id of the project.
    pub fn keep_project(&self, id: &str) -> BusResult<()> {
        Ok(files::write_atomic(&self.dir.join("project"), format!("{id}\n").as_bytes())?)
    }

    /// The id of this clone. A directory that was copied with it, or an image that was started twice, is another clone
    /// and gets another id: two that share a group would each get half of the events. `common` is its git directory.
    pub fn clone_id(&self, common: &Path) -> BusResult<String> {
        let path = self.dir.join("clone");
        let here = fingerprint(common);
        let text = files::find_text(&path)?.unwrap_or_default();
        let known = text.trim().split_once(' ').filter(|(id, place)| *place == here && !id.is_empty());
        if let Some((id, _)) = known {
            return Ok(id.to_owned());
        }
        let id = random::base32(16);
        files::write_atomic(&path, format!("{id} {here}\n").as_bytes())?;
        Ok(id)
    }

    /// What is known of the stream; nothing where that cannot be read.
    pub fn state(&self) -> BusResult<State> {
        let text = files::find_text(&self.dir.join("state.toml"))?.unwrap_or_default();
        Ok(toml::from_str(&text).unwrap_or_default())
    }

    /// Keeps what is known of the stream.
    pub fn keep(&self, state: &State) -> BusResult<()> {
        let text = toml::to_string(state).unwrap_or_default();
        Ok(files::write_atomic(&self.dir.join("state.toml"), text.as_bytes())?)
    }

    /// Since when the server does not answer.
    pub fn away(&self) -> Option<Away> {
        let text = files::find_text(&self.dir.join("away.toml")).ok()??;
        toml::from_str(&text).ok()
    }

    /// Notes that the server does not answer, or that it does.
    pub fn note_away(&self, why: Option<&str>) {
        let path = self.dir.join("away.toml");
        let Some(why) = why else {
            let _ = std::fs::remove_file(path);
            return;
        };
        let now = clock::precise();
        let since = self.away().map_or(now, |away| away.since.min(now));
        let text = toml::to_string(&Away { since, tried: now, why: why.to_owned() }).unwrap_or_default();
        // A note: losing it costs one try more.
        let _ = files::write_passing(&path, text.as_bytes());
    }

    /// The lock of who reads the stream for this clone.
    pub fn lock_path(&self) -> PathBuf {
        self.dir.with_file_name("locks").join(".bus.lock")
    }
}

/// What a copy of a directory does not have in common with it.
fn fingerprint(dir: &Path) -> String {
    let meta = dir.symlink_metadata().ok();
    let born = meta.as_ref().and_then(|m| m.created().ok()).and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let words = format!("{} {} {host}", meta.map_or(0, |m| m.ino()), born.unwrap_or_default().as_nanos());
    let hash = sha256_hex(words.as_bytes());
    hash.get(..16).unwrap_or(&hash).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(event: &str) -> Waiting {
        let thread = ThreadId::parse("fthr-20260101-000000-abcdefgh").expect("an id");
        Waiting { thread, event: EventId::parse(event).expect("an id") }
    }

    #[test]
    fn what_is_marked_waits_until_it_is_sent() {
        let dir = tempfile::tempdir().expect("temp");
        let memory = Memory::at(dir.path());
        assert!(!memory.exists() && memory.waiting().expect("read").is_empty());
        let (one, two) = (waiting("fevt-000001-aa"), waiting("fevt-000002-bb"));
        for marked in [&two, &one, &one] {
            memory.mark(marked).expect("marked");
        }
        std::fs::write(dir.path().join("bus/out/notes.txt"), "mine").expect("written");
        assert_eq!(memory.waiting().expect("read"), [one.clone(), two.clone()]);
        assert!(memory.oldest(std::slice::from_ref(&two)).is_some());
        assert!(!memory.is_abandoned(&one), "its writer is we");
        memory.unmark(&one);
        memory.unmark(&one);
        assert_eq!(memory.waiting().expect("read"), [two]);
    }

    #[test]
    fn a_marker_whose_writer_is_long_gone_is_abandoned() {
        let dir = tempfile::tempdir().expect("temp");
        let memory = Memory::at(dir.path());
        let one = waiting("fevt-000001-aa");
        memory.mark(&one).expect("marked");
        let path = memory.marker(&one);
        std::fs::write(&path, "999999999 1\n").expect("written");
        assert!(!memory.is_abandoned(&one), "it may be somebody whom we cannot see");
        let old = SystemTime::now() - Duration::from_secs(3600);
        let file = std::fs::File::options().write(true).open(&path).expect("open");
        file.set_modified(old).expect("a time");
        assert!(memory.is_abandoned(&one));
    }

    #[test]
    fn what_cannot_be_read_is_as_if_nothing_were_known() {
        let dir = tempfile::tempdir().expect("temp");
        let memory = Memory::at(dir.path());
        let state = State { epoch: "e".to_owned(), whole: true, live: 7, ..State::default() };
        memory.keep(&state).expect("kept");
        assert_eq!(memory.state().expect("read"), state);
        memory.keep_project(&"a".repeat(20)).expect("kept");
        assert_eq!(memory.project().expect("read"), Some("a".repeat(20)));
        for file in ["state.toml", "project", "clone", "away.toml"] {
            std::fs::write(dir.path().join("bus").join(file), "../\u{1b}[ = no").expect("written");
        }
        assert_eq!(memory.state().expect("read"), State::default());
        assert_eq!((memory.project().expect("read"), memory.away()), (None, None));
        let id = memory.clone_id(dir.path()).expect("made anew");
        assert_eq!(memory.clone_id(dir.path()).expect("the same"), id);
    }

    #[test]
    fn the_server_is_away_since_the_first_try_in_vain() {
        let dir = tempfile::tempdir().expect("temp");
        let memory = Memory::at(dir.path());
        files::ensure_dir(&dir.path().join("bus")).expect("a folder");
        memory.note_away(Some("one"));
        let first = memory.away().expect("noted");
        memory.note_away(Some("two"));
        let second = memory.away().expect("noted");
        assert_eq!((second.since, second.why.as_str()), (first.since, "two"));
        memory.note_away(None);
        assert_eq!(memory.away(), None);
    }
}
