//! The threads in which somebody waits, as one row of the index, and what the directories of live threads looked like
//! when it was written: as long as they look like that, nothing was added and nothing went, and no directory is listed.
//!
//! A directory's time is trusted as little as that of a record: one that was looked at within the grain of the clock is
//! listed again. What cannot be used is never kept here: where anything is odd, there is no such row.

use super::forum::is_month;
use super::index::Fault;
use super::index_rows::{Look, seal_of};
use super::{Store, StoreResult, ThreadFiles};
use crate::model::{Pressing, Priority, RunId, Thread, ThreadId, ThreadState};
use crate::sys::{SysError, clock, files};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::io::ErrorKind;
use std::path::Path;

const TABLE: &str =
    "CREATE TABLE IF NOT EXISTS overview(one INTEGER PRIMARY KEY, tree TEXT NOT NULL, dirs TEXT NOT NULL,
    waiting TEXT NOT NULL, seal INTEGER NOT NULL)";

/// The live threads as they were looked at, and everybody who waits in them or in published ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overview {
    /// The id of the tree of published threads; empty where there is none.
    tree: String,
    months: BTreeMap<String, Look>,
    /// What lies in a month's directory, by name.
    threads: HashMap<String, Seen>,
    waiting: HashMap<ThreadId, Waiting>,
}

/// One entry of a month's directory.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    month: String,
    look: Look,
    /// As [`ThreadFiles::seal`] says; empty where it holds no event.
    seal: String,
}

/// A thread in which somebody waits: what decides whether it is wanted, and all of it in text form.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Waiting {
    pressing: Pressing,
    text: String,
}

/// What has changed since the last look.
#[derive(Debug, Default)]
pub struct Changes {
    /// The threads that are not as they were, with the files that they have now; `None` where they have none.
    pub threads: BTreeMap<ThreadId, Option<ThreadFiles>>,
    /// Whether it is worth a write: what is still within the grain of the clock would be looked at again anyway.
    pub is_settled: bool,
}

impl Waiting {
    fn of(thread: &Thread) -> Option<Self> {
        let text = serde_json::to_string(thread).ok()?;
        Some(Self { pressing: thread.pressing()?, text })
    }

    fn write(&self, id: &ThreadId, out: &mut String) {
        let Pressing { state, priority, since, run } = &self.pressing;
        let run = run.as_ref().map_or("-", RunId::as_str);
        let _ = writeln!(out, "{id} {state} {priority} {} {run} {}", since.as_nanosecond(), self.text);
    }

    fn parse(line: &str) -> Option<(ThreadId, Self)> {
        let mut words = line.splitn(6, ' ');
        let id = ThreadId::parse(words.next()?).ok()?;
        let (state, priority) = (ThreadState::parse(words.next()?)?, Priority::parse(words.next()?)?);
        let since = jiff::Timestamp::from_nanosecond(words.next()?.parse().ok()?).ok()?;
        let run = match words.next()? {
            "-" => None,
            run => Some(RunId::parse(run).ok()?),
        };
        let text = words.next()?.to_owned();
        Some((id, Self { pressing: Pressing { state, priority, since, run }, text }))
    }
}

impl Overview {
    /// One that knows nothing yet, beside this tree of published threads.
    pub fn of(tree: &str) -> Self {
        Self { tree: tree.to_owned(), ..Self::default() }
    }

    /// Notes how a thread is now; `None` where it is no more.
    pub fn set(&mut self, id: &ThreadId, thread: Option<&Thread>) {
        match thread.and_then(Waiting::of) {
            Some(waiting) => drop(self.waiting.insert(id.clone(), waiting)),
            None => drop(self.waiting.remove(id)),
        }
    }

    /// Gives out the threads in which somebody waits and that are wanted, in no order; `false` where one of them
    /// cannot be read.
    pub fn each(&self, wanted: &dyn Fn(&Pressing) -> bool, take: &mut dyn FnMut(Thread)) -> bool {
        let mut found = Vec::new();
        for waiting in self.waiting.values().filter(|waiting| wanted(&waiting.pressing)) {
            let Ok(thread) = serde_json::from_str(&waiting.text) else { return false };
            found.push(thread);
        }
        found.into_iter().for_each(take);
        true
    }

    fn columns(&self) -> (String, String) {
        let (mut dirs, mut waiting) = (String::new(), String::new());
        let numbers = |look: &Look| look.numbers().map(|n| n.to_string()).join(" ");
        for (month, look) in &self.months {
            let _ = writeln!(dirs, "{month} {}", numbers(look));
        }
        dirs.push('\n');
        for (name, seen) in &self.threads {
            let _ = writeln!(dirs, "{name} {} {} {}", seen.month, numbers(&seen.look), seen.seal);
        }
        for (id, thread) in &self.waiting {
            thread.write(id, &mut waiting);
        }
        (dirs, waiting)
    }

    fn parse(tree: String, dirs: &str, waiting: &str) -> Option<Self> {
        let (months, threads) =
            dirs.split_once("\n\n").or_else(|| dirs.strip_prefix('\n').map(|t| ("", t)))?;
        let month = |line: &str| {
            let (month, look) = line.split_once(' ')?;
            Some((month.to_owned(), look_of(&mut look.split(' '))?))
        };
        let thread = |line: &str| {
            let mut words = line.split(' ');
            let (name, month) = (words.next()?.to_owned(), words.next()?.to_owned());
            let look = look_of(&mut words)?;
            Some((name, Seen { month, look, seal: words.next()?.to_owned() }))
        };
        Some(Self {
            tree,
            months: months.lines().map(month).collect::<Option<_>>()?,
            threads: threads.lines().map(thread).collect::<Option<_>>()?,
            waiting: waiting.lines().map(Waiting::parse).collect::<Option<_>>()?,
        })
    }
}

fn look_of<'a>(words: &mut impl Iterator<Item = &'a str>) -> Option<Look> {
    let mut numbers = [0; 4];
    for number in &mut numbers {
        *number = words.next()?.parse().ok()?;
    }
    Some(Look::of_numbers(numbers))
}

/// How a directory (or what lies in its place) looks now; `None` where it went.
fn look_at(path: &Path) -> StoreResult<Option<Look>> {
    let seen_ns = i64::try_from(clock::precise().as_nanosecond()).unwrap_or(0);
    match path.symlink_metadata() {
        Ok(meta) => Ok(Some(Look::of(&meta, seen_ns))),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(SysError::file("look at", path, e).into()),
    }
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
            Ok(Overview::parse(own.to_owned(), dirs, waiting))
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

    /// Forgets what is known of all threads.
    pub fn forget_overview(&self) {
        if !self.is_frozen() && self.exists() {
            let forget = "DROP TABLE IF EXISTS overview";
            self.index().write(|conn| Ok(conn.execute_batch(forget)?));
        }
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
        let before = std::mem::take(&mut overview.months);
        let mut known = std::mem::take(&mut overview.threads);
        let mut by_month: HashMap<String, Vec<String>> = HashMap::new();
        for (name, seen) in &known {
            by_month.entry(seen.month.clone()).or_default().push(name.clone());
        }
        for month in months {
            let dir = top.join(&month);
            let Some(look) = look_at(&dir)? else { continue };
            let is_same = before.get(&month).is_some_and(|before| before.proves(&look));
            changes.is_settled |= !is_same && !look.is_racy();
            let names = if is_same {
                by_month.remove(&month).unwrap_or_default()
            } else {
                files::names_in(&dir)?.into_iter().filter(|n| !n.starts_with(files::TEMP_PREFIX)).collect()
            };
            let look = if is_same { before[&month] } else { look };
            for name in names {
                let Ok(id) = ThreadId::parse(&name) else {
                    odd.push(format!("{} is no thread.", dir.join(&name).display()));
                    continue;
                };
                // One that lies in two months is listed each time.
                let seen = known.remove(&name).filter(|seen| seen.month == month);
                let now = self.look_at_thread(&month, id, seen, &mut changes)?;
                overview.threads.extend(now.map(|now| (name, now)));
            }
            overview.months.insert(month, look);
        }
        for name in known.into_keys() {
            if let Ok(id) = ThreadId::parse(&name)
                && !overview.threads.contains_key(&name)
            {
                changes.is_settled = true;
                changes.threads.insert(id, None);
            }
        }
        Ok(changes)
    }

    fn look_at_thread(
        &self,
        month: &str,
        id: ThreadId,
        seen: Option<Seen>,
        changes: &mut Changes,
    ) -> StoreResult<Option<Seen>> {
        let Some(look) = look_at(&self.thread_dir(month, &id))? else {
            changes.is_settled |= seen.is_some();
            changes.threads.insert(id, None);
            return Ok(None);
        };
        if let Some(seen) = &seen
            && seen.look.proves(&look)
        {
            return Ok(Some(seen.clone()));
        }
        changes.is_settled |= !look.is_racy();
        let files = self.files_of(month, id.clone())?;
        let seal = files.as_ref().map(ThreadFiles::seal).unwrap_or_default();
        if seen.is_none_or(|seen| seen.seal != seal) {
            changes.threads.insert(id, files);
        }
        Ok(Some(Seen { month: month.to_owned(), look, seal }))
    }
}
