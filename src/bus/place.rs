//! The names under which a project's events lie in Redis, and how its stream stands.

use crate::model::{EventWhat, sha256_hex};
use crate::policy::ForumPolicy;

/// How many entries the stream keeps at least; who has more live events than a quarter of it keeps four times those.
pub const LEAST: usize = 100_000;

/// The end of the name of the key that tells one life of the stream from the next.
pub const EPOCH: &str = ":epoch";

/// The names of a project in Redis. Two clones of one project have the same stream; each clone has its own group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// The key of the stream.
    pub stream: String,
    /// The consumer group of this clone.
    pub group: String,
    /// The consumer in it.
    pub consumer: String,
    /// The project.
    pub project: String,
    /// Before the kind of an event.
    prefix: String,
}

impl Names {
    /// The names that the policy gives to a clone of a project.
    pub fn of(policy: &ForumPolicy, project: &str, clone: &str) -> Self {
        Self {
            stream: format!("{}:{project}", policy.redis.stream),
            group: format!("{}:{clone}", policy.redis.group),
            consumer: policy.redis.consumer.clone(),
            project: project.to_owned(),
            prefix: policy.topics.event_prefix.clone(),
        }
    }

    /// The id of the project whose history begins with this commit: every clone finds the same.
    pub fn project_of(first_commit: &str) -> String {
        let hash = sha256_hex(format!("git-metawsm project {first_commit}").as_bytes());
        hash.get(..20).unwrap_or(&hash).to_owned()
    }

    /// The key of the epoch.
    pub fn epoch(&self) -> String {
        format!("{}{EPOCH}", self.stream)
    }

    /// The topic of an event.
    pub fn topic(&self, what: EventWhat) -> String {
        format!("{}.{what}", self.prefix)
    }
}

/// The id of an entry; ordered as the stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct EntryId(pub u64, pub u64);

impl EntryId {
    /// Parses `<milliseconds>-<number>`.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (time, number) = std::str::from_utf8(text).ok()?.split_once('-')?;
        Some(Self(time.parse().ok()?, number.parse().ok()?))
    }
}

impl std::fmt::Display for EntryId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.0, self.1)
    }
}

/// How the stream stands, and how far this clone's group has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// Entries in it.
    pub length: u64,
    /// The first one; none in an empty stream.
    pub first: Option<EntryId>,
    /// The last one that ever was in it.
    pub last: EntryId,
    /// Entries that ever were in it; Redis 7 knows.
    pub added: Option<u64>,
    /// The last one that somebody took out of its middle; Redis 7 knows.
    pub deleted: EntryId,
    /// The last one that the group was given.
    pub given: EntryId,
    /// How many the group was given; Redis 7 knows mostly.
    pub read: Option<u64>,
}

impl Standing {
    /// Whether entries went before the group was given them: the stream was trimmed past it. May be said in vain by a
    /// server before 7, which does not count.
    pub fn is_cut(&self) -> bool {
        let Some(first) = self.first else { return self.last > self.given };
        if self.given == EntryId::default() {
            return self.has_forgotten();
        }
        let gone = self.added.map(|added| added.saturating_sub(self.length));
        let counted = gone.zip(self.read).is_none_or(|(gone, read)| gone > read);
        first > self.given && counted
    }

    /// Whether the stream once held entries that it holds no more.
    pub fn has_forgotten(&self) -> bool {
        self.added.is_some_and(|added| added > self.length)
    }

    /// The entry up to which somebody took some out that the group was not given; none where nobody did.
    pub fn hole(&self) -> Option<EntryId> {
        (self.deleted > self.given).then_some(self.deleted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_that_was_trimmed_past_its_reader_is_cut() {
        let id = |n| EntryId(n, 0);
        let whole =
            Standing { length: 5, first: Some(id(1)), last: id(5), added: Some(5), ..Standing::default() };
        assert!(!whole.is_cut(), "a new group has everything before it");
        let read = Standing { given: id(3), read: Some(3), ..whole };
        assert!(!read.is_cut());
        let trimmed = Standing { length: 1, first: Some(id(5)), ..read };
        assert!(trimmed.is_cut(), "the fourth is gone");
        assert!(!Standing { given: id(4), read: Some(4), ..trimmed }.is_cut());
        assert!(Standing { added: None, read: None, ..trimmed }.is_cut(), "an old server does not count");
        assert!(Standing { length: 0, first: None, ..read }.is_cut(), "emptied");
        assert!(!Standing { length: 0, first: None, given: id(5), ..read }.is_cut());
        assert!(
            Standing { length: 4, first: Some(id(2)), ..whole }.is_cut(),
            "a new one, and the first is gone"
        );
    }

    #[test]
    fn one_project_has_one_name_whatever_its_path() {
        assert_eq!(Names::project_of("abc"), Names::project_of("abc"));
        assert_ne!(Names::project_of("abc"), Names::project_of("abd"));
        let names = Names::of(&ForumPolicy::default(), "p", "c");
        assert_eq!((names.stream.as_str(), names.group.as_str()), ("metawsm-forum:p", "metawsm-forum:c"));
        assert_eq!(names.topic(EventWhat::Answered), "forum.events.answered");
    }
}
