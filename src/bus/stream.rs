//! The stream of a project: adding to it, and reading it as the consumer group of this clone.

use super::entry::{Posting, Refusal, understand};
use super::place::{EntryId, Names, Standing};
use super::wire::{Limits, Wire};
use super::{Address, BusError, BusResult};
use crate::model::FiledEvent;
use crate::sys::random;
use redis::{Cmd, Value, cmd};
use std::time::Duration;

/// How long an entry may be with another consumer of our group before we take it over, in milliseconds.
const CLAIM_AFTER: u64 = 60_000;

/// An entry that came in, to be acknowledged once what it holds is safe.
#[derive(Debug, Clone)]
pub struct Arrived {
    /// Its id in the stream.
    pub id: EntryId,
    /// The event and the bytes of its file, or why it is not taken.
    pub what: Result<(FiledEvent, Vec<u8>), Refusal>,
}

/// Entries that came in.
#[derive(Debug, Default)]
pub struct Got {
    /// Those that are there.
    pub arrived: Vec<Arrived>,
    /// Those that were given to us before and are gone from the stream by now.
    pub lost: Vec<EntryId>,
}

impl Got {
    /// Whether nothing came.
    pub fn is_empty(&self) -> bool {
        self.arrived.is_empty() && self.lost.is_empty()
    }
}

/// A connection to the stream of a project.
#[derive(Debug)]
pub struct Bus {
    wire: Wire,
    names: Names,
}

impl Bus {
    /// Connects, within the limits.
    pub fn connect(address: &Address, names: &Names, limits: Limits) -> BusResult<Self> {
        Ok(Self { wire: Wire::connect(address, limits)?, names: names.clone() })
    }

    /// The server, for people.
    pub fn place(&self) -> String {
        self.wire.place()
    }

    /// How long each answer may take from now on.
    pub fn set_limit(&mut self, answer: Duration) {
        self.wire.set_limit(answer);
    }

    /// Which run of the server this is, and the epoch of the stream, begun if there is none.
    pub fn life(&mut self) -> BusResult<(String, String)> {
        let epoch = self.names.epoch();
        let commands = [
            cmd("INFO").arg("server").clone(),
            cmd("SET").arg(&epoch).arg(random::base32(16)).arg("NX").clone(),
            cmd("GET").arg(&epoch).clone(),
        ];
        let mut answers = self.wire.ask_all(&commands)?;
        let (epoch, set) = (answers.pop(), answers.pop());
        // Who may not ask for it does without: that a server lost its last second is not noticed then.
        let info = answers.pop().and_then(Result::ok);
        let info = info.as_ref().and_then(bytes).map(String::from_utf8_lossy).unwrap_or_default();
        let run = info.lines().find_map(|line| line.strip_prefix("run_id:")).unwrap_or_default();
        let run = run.chars().filter(char::is_ascii_alphanumeric).take(64).collect();
        for (answer, command) in [(set, &commands[1]), (epoch, &commands[2])] {
            let value = answer.map_or(Ok(Value::Nil), |answer| self.accept(command, answer))?;
            if let Some(epoch) = bytes(&value).filter(|text| text.len() <= 64) {
                return Ok((run, String::from_utf8_lossy(epoch).into_owned()));
            }
        }
        Err(self.wire.odd(&commands[2], "it is no epoch"))
    }

    /// Begins another epoch where `old` is still the present one: every clone sends its live events once more. Gives
    /// the one that holds now.
    pub fn renew(&mut self, old: &str) -> BusResult<String> {
        let (_, now) = self.life()?;
        if now == old {
            let set = cmd("SET").arg(self.names.epoch()).arg(random::base32(16)).clone();
            self.wire.ask(&set)?;
        }
        Ok(self.life()?.1)
    }

    /// Makes the group of this clone from the beginning of the stream; `false` where it is there.
    pub fn ensure_group(&mut self) -> BusResult<bool> {
        let Names { stream, group, .. } = &self.names;
        let command = cmd("XGROUP").arg("CREATE").arg(stream).arg(group).arg("0").arg("MKSTREAM").clone();
        match self.wire.ask(&command) {
            Ok(_) => Ok(true),
            Err(error) if error.is_refusal("BUSYGROUP") => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// How the stream stands.
    pub fn standing(&mut self) -> BusResult<Standing> {
        let commands = [
            cmd("XINFO").arg("STREAM").arg(&self.names.stream).clone(),
            cmd("XINFO").arg("GROUPS").arg(&self.names.stream).clone(),
        ];
        let mut answers = self.wire.ask_all(&commands)?.into_iter();
        let mut next =
            |command: &Cmd| answers.next().map_or(Ok(Value::Nil), |answer| self.accept(command, answer));
        let (stream, groups) = (next(&commands[0])?, next(&commands[1])?);
        let number = |value: &Value, key: &str| field(value, key).and_then(count);
        let id = |value: &Value, key: &str| field(value, key).and_then(bytes).and_then(EntryId::parse);
        let first = field(&stream, "first-entry").and_then(items).and_then(<[Value]>::first);
        let mut standing = Standing {
            length: number(&stream, "length").unwrap_or_default(),
            first: first.and_then(bytes).and_then(EntryId::parse),
            last: id(&stream, "last-generated-id").unwrap_or_default(),
            added: number(&stream, "entries-added"),
            deleted: id(&stream, "max-deleted-entry-id").unwrap_or_default(),
            ..Standing::default()
        };
        let is_ours =
            |value: &&Value| field(value, "name").and_then(bytes) == Some(self.names.group.as_bytes());
        let Some(group) = items(&groups).unwrap_or_default().iter().find(is_ours) else {
            return Err(self.wire.refusal("XINFO", "NOGROUP".to_owned(), "the group of this clone is gone"));
        };
        standing.given = id(group, "last-delivered-id").unwrap_or_default();
        standing.read = number(group, "entries-read");
        Ok(standing)
    }

    /// Adds events to the end of the stream, which keeps at least `keep` entries. Gives how many the server has taken,
    /// from the first on, and why it took no more.
    pub fn add(&mut self, postings: &[Posting], keep: usize) -> BusResult<(usize, Option<BusError>)> {
        let commands: Vec<_> = postings
            .iter()
            .map(|posting| {
                let mut add = cmd("XADD");
                add.arg(&self.names.stream).arg("MAXLEN").arg("~").arg(keep).arg("*");
                for (name, value) in posting.fields(&self.names) {
                    add.arg(name).arg(value);
                }
                add
            })
            .collect();
        let answers = self.wire.ask_all(&commands)?;
        let taken = answers.iter().take_while(|answer| answer.is_ok()).count();
        let refused = answers.into_iter().nth(taken).and_then(Result::err);
        Ok((taken, refused.map(|(code, why)| self.wire.refusal("XADD", code, &why))))
    }

    /// Up to `most` entries that this clone was given and has not acknowledged: whoever took them was killed.
    pub fn unfinished(&mut self, most: usize) -> BusResult<Got> {
        self.read("0", most, None)
    }

    /// Up to `most` entries that nobody of this clone was given yet; waits for them as long as `wait` says.
    pub fn fresh(&mut self, most: usize, wait: Option<Duration>) -> BusResult<Got> {
        self.read(">", most, wait)
    }

    fn read(&mut self, from: &str, most: usize, wait: Option<Duration>) -> BusResult<Got> {
        let Names { stream, group, consumer, .. } = &self.names;
        let mut command = cmd("XREADGROUP");
        command.arg("GROUP").arg(group).arg(consumer).arg("COUNT").arg(most);
        let limit = self.wire.answer_limit();
        if let Some(wait) = wait {
            command.arg("BLOCK").arg(u64::try_from(wait.as_millis()).unwrap_or(1000).max(1));
            self.wire.set_limit(limit + wait);
        }
        command.arg("STREAMS").arg(stream).arg(from);
        let answer = self.wire.ask(&command);
        self.wire.set_limit(limit);
        let answer = answer?;
        if matches!(answer, Value::Nil) {
            return Ok(Got::default());
        }
        // One stream was asked for: [[name, entries]].
        let entries = items(&answer).and_then(<[Value]>::first).and_then(items).and_then(|pair| pair.get(1));
        let entries =
            entries.and_then(items).ok_or_else(|| self.wire.odd(&command, "it holds no entries"))?;
        self.understood(&command, entries)
    }

    /// Takes over entries that another consumer of this clone's group was given long ago and has not acknowledged.
    pub fn claim(&mut self, most: usize) -> BusResult<Got> {
        let Names { stream, group, consumer, .. } = &self.names;
        let mut command = cmd("XAUTOCLAIM");
        command.arg(stream).arg(group).arg(consumer).arg(CLAIM_AFTER).arg("0").arg("COUNT").arg(most);
        let answer = self.wire.ask(&command)?;
        let parts = items(&answer).unwrap_or_default();
        let entries = parts.get(1).and_then(items).unwrap_or_default();
        let mut got = self.understood(&command, entries)?;
        // Redis 7 drops those that are gone by itself, and names them.
        let gone = parts.get(2).and_then(items).unwrap_or_default();
        got.lost.extend(gone.iter().filter_map(bytes).filter_map(EntryId::parse));
        Ok(got)
    }

    fn understood(&self, command: &Cmd, entries: &[Value]) -> BusResult<Got> {
        let mut got = Got::default();
        for entry in entries {
            let parts = items(entry).unwrap_or_default();
            // Before Redis 7 a claimed entry that is gone is nil.
            let Some(id) = parts.first().and_then(bytes).and_then(EntryId::parse) else {
                if matches!(entry, Value::Nil) {
                    continue;
                }
                return Err(self.wire.odd(command, "an entry has no id"));
            };
            match parts.get(1) {
                Some(Value::Array(flat)) => {
                    let pairs: Vec<_> = flat
                        .chunks(2)
                        .filter_map(|pair| {
                            Some((bytes(pair.first()?)?.to_vec(), bytes(pair.get(1)?)?.to_vec()))
                        })
                        .collect();
                    got.arrived.push(Arrived { id, what: understand(&pairs, &self.names) });
                }
                _ => got.lost.push(id),
            }
        }
        Ok(got)
    }

    /// Acknowledges entries: what they held is safe, or not for us.
    pub fn finish(&mut self, ids: &[EntryId]) -> BusResult<()> {
        if ids.is_empty() {
            return Ok(());
        }
        let mut command = cmd("XACK");
        command.arg(&self.names.stream).arg(&self.names.group);
        for id in ids {
            command.arg(id.to_string());
        }
        self.wire.ask(&command).map(drop)
    }

    /// The first entry that this clone was given and has not acknowledged, without what it holds: by its id one that
    /// is too large to be read can be acknowledged all the same.
    pub fn unread(&mut self) -> BusResult<Option<EntryId>> {
        let Names { stream, group, consumer, .. } = &self.names;
        let command = cmd("XPENDING").arg(stream).arg(group).arg("-").arg("+").arg(1).arg(consumer).clone();
        let answer = self.wire.ask(&command)?;
        let first = items(&answer).and_then(<[Value]>::first).and_then(items).and_then(<[Value]>::first);
        Ok(first.and_then(bytes).and_then(EntryId::parse))
    }

    fn accept(&self, command: &Cmd, answer: super::wire::Answer) -> BusResult<Value> {
        answer.map_err(|(code, why)| self.wire.refusal(&name(command), code, &why))
    }
}

fn name(command: &Cmd) -> String {
    super::wire::word_of(command)
}

fn bytes(value: &Value) -> Option<&[u8]> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) => Some(text.as_bytes()),
        _ => None,
    }
}

fn items(value: &Value) -> Option<&[Value]> {
    match value {
        Value::Array(items) => Some(items),
        _ => None,
    }
}

fn count(value: &Value) -> Option<u64> {
    match value {
        Value::Int(number) => u64::try_from(*number).ok(),
        _ => None,
    }
}

/// A field of an answer that is a flat list of names and values.
fn field<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let pairs = items(value)?.chunks(2);
    pairs.filter(|pair| pair.first().and_then(bytes) == Some(name.as_bytes())).find_map(|pair| pair.get(1))
}
