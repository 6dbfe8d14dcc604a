//! The threads in which somebody waits, as one row of the index, and what the directories of live threads looked like
//! when it was written: as long as they look like that, nothing was added and nothing went, and no directory is listed.
//!
//! A directory's time is trusted as little as that of a record: one that was looked at within the grain of the clock is
//! listed again. What cannot be used is never kept here: where anything is odd, there is no such row.

use super::forum::{is_its_month, is_month};
use super::index::Fault;
use super::index_rows::{Look, seal_of};
use super::{Store, StoreResult, ThreadFiles};
use crate::model::{Pressing, Priority, RunId, Thread, ThreadId, ThreadState};
use crate::sys::{clock, files};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

const TABLE: &str =
    "CREATE TABLE IF NOT EXISTS overview(one INTEGER PRIMARY KEY, tree TEXT NOT NULL, dirs TEXT NOT NULL,
    waiting TEXT NOT NULL, seal INTEGER NOT NULL)";

/// The live threads as they were looked at, and everybody who waits in them or in published ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overview {
    /// The id of the tree of published threads; empty where there is none.
    tree: String,
    months: BTreeMap<String, Month>,
    /// One line per thread in which somebody waits, as it was kept: what decides whether it is wanted, and all of it as
    /// JSON. Nothing of it is understood before it is asked for.
    kept: String,
    /// What has changed since: the line, or `None` where nobody waits any more.
    changed: BTreeMap<String, Option<String>>,
}

/// A month's directory and what lies in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Month {
    look: Look,
    threads: Vec<Seen>,
}

/// One entry of a month's directory.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    name: String,
    look: Look,
    /// As [`ThreadFiles::seal`] says, as a number; 0 where it holds no event.
    seal: u128,
}

/// What has changed since the last look.
#[derive(Debug, Default)]
pub struct Changes {
    /// The threads that are not as they were, with the files that they have now; `None` where they have none.
    pub threads: BTreeMap<ThreadId, Option<ThreadFiles>>,
    /// How many looks would now be proof that were none before.
    settled: usize,
    /// How many are within the grain of the clock, and are none yet.
    racy: usize,
}

/// How many looks that would be proof are worth a write, though others follow shortly.
const WORTH: usize = 64;

impl Changes {
    /// Whether noting the new looks is worth a write.
    pub fn is_worth_a_write(&self) -> bool {
        self.settled >= WORTH || self.settled > 0 && self.racy == 0
    }

    fn count(&mut self, look: &Look) {
        *(if look.is_racy() { &mut self.racy } else { &mut self.settled }) += 1;
    }
}

/// The line of a thread, where somebody waits in it.
fn line_of(thread: &Thread) -> Option<String> {
    let Pressing { state, priority, since, run } = thread.pressing()?;
    let run = run.as_ref().map_or("-", RunId::as_str);
    let text = serde_json::to_string(thread).ok()?;
    Some(format!("{} {state} {priority} {} {run} {text}\n", thread.id, since.as_second()))
}

/// What decides whether the thread of a line is wanted, and the thread as JSON.
fn pressing_of(line: &str) -> Option<(Pressing, &str)> {
    let mut words = line.splitn(6, ' ').skip(1);
    let (state, priority) = (ThreadState::parse(words.next()?)?, Priority::parse(words.next()?)?);
    let since = jiff::Timestamp::from_second(words.next()?.parse().ok()?).ok()?;
    let run = match words.next()? {
        "-" => None,
        run => Some(RunId::parse(run).ok()?),
    };
    Some((Pressing { state, priority, since, run }, words.next()?))
}

impl Overview {
    /// One that knows nothing yet, beside this tree of published threads.
    pub fn of(tree: &str) -> Self {
        Self { tree: tree.to_owned(), ..Self::default() }
    }

    /// Notes how a thread is now; `None` where it is no more.
    pub fn set(&mut self, id: &ThreadId, thread: Option<&Thread>) {
        let line = thread.and_then(line_of);
        if line.is_none() && self.kept.is_empty() {
            self.changed.remove(id.as_str());
        } else {
            self.changed.insert(id.to_string(), line);
        }
    }

    /// Gives out the threads in which somebody waits and that are wanted, in no order; `false` where one of them
    /// cannot be read, and then none.
    pub fn each(&self, wanted: &dyn Fn(&Pressing) -> bool, take: &mut dyn FnMut(Thread)) -> bool {
        let mut found = Vec::new();
        for line in self.lines() {
            let Some((pressing, text)) = pressing_of(line) else { return false };
            if wanted(&pressing) {
                let Ok(thread) = serde_json::from_str(text) else { return false };
                found.push(thread);
            }
        }
        found.into_iter().for_each(take);
        true
    }

    /// How many threads somebody waits in that fit; a line that cannot be understood counts for none.
    pub fn count(&self, fits: &dyn Fn(&Pressing) -> bool) -> usize {
        self.lines().filter_map(pressing_of).filter(|(pressing, _)| fits(pressing)).count()
    }

    fn lines(&self) -> impl Iterator<Item = &str> {
        let is_kept = |line: &&str| {
            self.changed.is_empty() || !self.changed.contains_key(line.split(' ').next().unwrap_or_default())
        };
        self.kept.lines().filter(is_kept).chain(self.changed.values().flatten().map(|line| line.trim_end()))
    }

    fn columns(&self) -> (String, String) {
        let (mut dirs, mut waiting) = (String::new(), String::new());
        let numbers = |look: &Look| look.numbers().map(|n| n.to_string()).join(" ");
        for (month, known) in &self.months {
            let _ = writeln!(dirs, "{month} {}", numbers(&known.look));
            for seen in &known.threads {
                let _ = writeln!(dirs, " {} {} {:x}", seen.name, numbers(&seen.look), seen.seal);
            }
        }
        for line in self.lines() {
            let _ = writeln!(waiting, "{line}");
        }
        (dirs, waiting)
    }

    fn parse(tree: &str, dirs: &str, waiting: &str) -> Option<Self> {
        let mut months: BTreeMap<String, Month> = BTreeMap::new();
        let mut last: Option<(String, Month)> = None;
        for line in dirs.lines() {
            if let Some(thread) = line.strip_prefix(' ') {
                let mut words = thread.split(' ');
                let name = words.next()?.to_owned();
                let look = look_of(&mut words)?;
                let seal = u128::from_str_radix(words.next()?, 16).ok()?;
                last.as_mut()?.1.threads.push(Seen { name, look, seal });
            } else {
                months.extend(last.take());
                let (month, look) = line.split_once(' ')?;
                let look = look_of(&mut look.split(' '))?;
                last = Some((month.to_owned(), Month { look, threads: Vec::new() }));
            }
        }
        months.extend(last);
        Some(Self { tree: tree.to_owned(), months, kept: waiting.to_owned(), changed: BTreeMap::new() })
    }
}

fn look_of<'a>(words: &mut impl Iterator<Item = &'a str>) -> Option<Look> {
    let mut numbers = [0; 4];
    for number in &mut numbers {
        *number = words.next()?.parse().ok()?;
    }
    Some(Look::of_numbers(numbers))
}

fn now_ns() -> i64 {
    i64::try_from(clock::precise().as_nanosecond()).unwrap_or(0)
}

impl Store {
    /// What was kept of all threads, where it was kept beside this tree.
    pub fn known_overview(&self, tree: &str) -> Option<Overview> {
        let ask = |conn: &Connection| -> Result<Option<Overview>, Fault> {
            let there = "SELECT 1 FROM sqlite_schema WHERE name = 'overview'";
            if conn.query_row(there, [], |_| Ok(())).optional()?.is_none() {
                return Ok(None);
            }
            let mut ask = conn.prepare("SELECT tree, dirs, waiting, seal FROM overview WHERE one = 1")?;
            let mut rows = ask.query([])?;
            let Some(row) = rows.next()? else { return Ok(None) };
            let text = |at: usize| row.get_ref(at)?.as_str().map_err(rusqlite::Error::from);
            let (own, dirs, waiting) = (text(0)?, text(1)?, text(2)?);
            let seal: i64 = row.get(3)?;
            if own != tree || seal != seal_of(&[own, dirs, waiting], &[]) {
                return Ok(None);
            }
            Ok(Overview::parse(own, dirs, waiting))
        };
        self.index().read(ask).ok().flatten()
    }

    /// Keeps what is known of all threads; what goes wrong is of no account.
    pub fn keep_overview(&self, overview: &Overview) {
        if self.is_frozen() || !self.exists() {
            return;
        }
        let (dirs, waiting) = overview.columns();
        let seal = seal_of(&[&overview.tree, &dirs, &waiting], &[]);
        self.index().write(|conn| {
            conn.execute_batch(TABLE)?;
            let put = "INSERT OR REPLACE INTO overview VALUES(1, ?1, ?2, ?3, ?4)";
            Ok(conn.execute(put, params![overview.tree, dirs, waiting, seal]).map(drop)?)
        });
    }

    /// Looks at all live threads again, lists those that may have changed, and notes how they look now. Names that are
    /// none of ours go to `odd`.
    pub fn look_again(&self, overview: &mut Overview, odd: &mut Vec<String>) -> StoreResult<Changes> {
        let mut changes = Changes::default();
        let top = self.forum_dir();
        let (months, others): (Vec<_>, Vec<_>) =
            files::names_in(&top)?.into_iter().partition(|n| is_month(n));
        odd.extend(
            others.iter().map(|name| format!("{} is no month of the forum.", top.join(name).display())),
        );
        let mut before = std::mem::take(&mut overview.months);
        for name in months {
            let known = before.remove(&name).unwrap_or_default();
            if let Some(month) = self.look_at_month(&name, known, &mut changes, odd)? {
                overview.months.insert(name, month);
            }
        }
        let left = before.into_values().flat_map(|month| month.threads);
        changes.has_gone(left);
        for (id, files) in &mut changes.threads {
            // It may lie in another month as well, which did not change.
            if files.as_ref().is_none_or(|files| !is_its_month(id, &files.month)) {
                *files = self.find_thread(id)?;
            }
        }
        Ok(changes)
    }

    fn look_at_month(
        &self,
        name: &str,
        mut known: Month,
        changes: &mut Changes,
        odd: &mut Vec<String>,
    ) -> StoreResult<Option<Month>> {
        let (dir, seen_ns) = (self.forum_dir().join(name), now_ns());
        let meta = match dir.symlink_metadata() {
            Ok(meta) if meta.is_dir() => meta,
            found => {
                odd.extend(found.ok().map(|_| format!("{} is no month of the forum.", dir.display())));
                changes.has_gone(known.threads);
                return Ok(None);
            }
        };
        let look = Look::of(&meta, seen_ns);
        let is_same = known.look.proves(&look);
        if !is_same {
            changes.count(&look);
            known.look = look;
            let mut before: HashMap<String, Seen> =
                known.threads.drain(..).map(|seen| (seen.name.clone(), seen)).collect();
            for name in files::names_in(&dir)?.into_iter().filter(|n| !n.starts_with(files::TEMP_PREFIX)) {
                if ThreadId::parse(&name).is_err() {
                    odd.push(format!("{} is no thread.", dir.join(&name).display()));
                    continue;
                }
                let unseen = Seen { name: name.clone(), look: Look::default(), seal: UNSEEN };
                known.threads.push(before.remove(&name).unwrap_or(unseen));
            }
            changes.has_gone(before.into_values());
        }
        let seen_ns = now_ns();
        let metas = files::look_at_all(&dir, known.threads.iter().map(|seen| seen.name.as_str()))?;
        let mut is_there = metas.iter().map(Option::is_some);
        for (seen, meta) in known.threads.iter_mut().zip(&metas) {
            let Some((size, mtime_ns, inode)) = *meta else { continue };
            let look = Look::of_numbers([size, mtime_ns, inode, seen_ns]);
            if !seen.look.proves(&look) {
                self.look_at_thread(name, seen, look, changes)?;
            }
        }
        let (there, gone): (Vec<_>, Vec<_>) =
            known.threads.into_iter().partition(|_| is_there.next().unwrap_or_default());
        changes.has_gone(gone);
        Ok(Some(Month { look: known.look, threads: there }))
    }

    fn look_at_thread(
        &self,
        month: &str,
        seen: &mut Seen,
        look: Look,
        changes: &mut Changes,
    ) -> StoreResult<()> {
        let Ok(id) = ThreadId::parse(&seen.name) else { return Ok(()) };
        changes.count(&look);
        let files = self.files_of(month, id.clone())?;
        let seal = files.as_ref().and_then(|files| u128::from_str_radix(&files.seal(), 16).ok()).unwrap_or(0);
        if seen.seal != seal {
            changes.threads.insert(id, files);
        }
        (seen.look, seen.seal) = (look, seal);
        Ok(())
    }
}

/// The seal of what was not looked at yet; no files have it.
const UNSEEN: u128 = u128::MAX;

impl Changes {
    /// Notes threads whose directory went.
    fn has_gone(&mut self, threads: impl IntoIterator<Item = Seen>) {
        for id in threads.into_iter().filter_map(|seen| ThreadId::parse(&seen.name).ok()) {
            self.settled += 1;
            self.threads.entry(id).or_insert(None);
        }
    }
}
