//! `check --range`: whether every commit of a run in a range came in through a merge that its gates let pass. Judged
//! from history alone, so that a server and CI can: no live state, no run, no worktree is needed.

use super::policies;
use super::{Caller, ServiceError, ServiceResult};
use crate::git::{Commit, Repository};
use crate::model::{Run, RunState};
use crate::policy::{Policy, matches_forbidden};
use crate::store;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// What a range comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RangeVerdict {
    /// Everything in it is in order.
    Passes,
    /// Something is not.
    Refused,
    /// History or records are missing, so that nobody can say.
    Unknown,
}

impl RangeVerdict {
    /// The verdict's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passes => "passes",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        }
    }
}

/// Something that a range should not hold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RangeFinding {
    /// The commit.
    pub commit: String,
    /// The first line of its message.
    pub subject: String,
    /// The run that it belongs to.
    pub run: String,
    /// What is wrong, a full sentence.
    pub why: String,
}

/// The judgement of a range.
#[derive(Debug, Clone, Default)]
pub struct RangeReport {
    /// Where it begins, a full id; `None`: with the first commit.
    pub from: Option<String>,
    /// Where it ends, a full id.
    pub to: String,
    /// How many commits it has.
    pub commits: usize,
    /// The runs that have commits in it.
    pub runs: Vec<String>,
    /// What is refused.
    pub refused: Vec<RangeFinding>,
    /// Why something cannot be told, full sentences.
    pub unknown: Vec<String>,
}

impl RangeReport {
    /// Refused where something is wrong for certain, else unknown where something cannot be told.
    pub fn verdict(&self) -> RangeVerdict {
        match (self.refused.is_empty(), self.unknown.is_empty()) {
            (false, _) => RangeVerdict::Refused,
            (true, false) => RangeVerdict::Unknown,
            (true, true) => RangeVerdict::Passes,
        }
    }
}

/// Judges `A..B` in the repository around the working directory.
pub fn check_range(caller: &Caller, range: &str) -> ServiceResult<RangeReport> {
    let dir = caller.root.as_ref().map_or_else(|| caller.cwd.clone(), |root| caller.cwd.join(root));
    let repository = Repository::require(&dir)?.in_quarantine();
    let usage = || {
        let message = format!("'{range}' is no range; it is written as two revisions, such as main~3..main.");
        ServiceError::wrong(message, &["git metawsm check --range origin/main..HEAD"])
    };
    let (from, to) = range.split_once("..").ok_or_else(usage)?;
    if from.is_empty() || to.starts_with('.') {
        return Err(usage());
    }
    let to = if to.is_empty() { "HEAD" } else { to };
    let missing = |rev: &str| {
        let message = format!("There is no commit '{rev}' in {}.", repository.dir().display());
        ServiceError::failed(message, &["git fetch --unshallow", "git log --oneline"])
    };
    let to = repository.find_commit(to)?.ok_or_else(|| missing(to))?;
    if is_zero(from) {
        return judge(&repository, None, &to);
    }
    match repository.find_commit(from)? {
        Some(from) => judge(&repository, Some(&from), &to),
        None if repository.shallow_commits()?.is_empty() => Err(missing(from)),
        None => Ok(RangeReport {
            to,
            unknown: vec![format!("'{from}' lies before the beginning of this shallow clone.")],
            ..RangeReport::default()
        }),
    }
}

/// Whether a text is git's word for "no object".
pub(super) fn is_zero(id: &str) -> bool {
    id.len() >= 40 && id.bytes().all(|b| b == b'0')
}

/// Judges the commits reachable from `new` and not from `old` (full ids; `None`: all of them) under the policy of the
/// base side.
pub(super) fn judge(repository: &Repository, old: Option<&str>, new: &str) -> ServiceResult<RangeReport> {
    let policy = match old {
        Some(old) => policies::in_tree(repository, old, old)?,
        None => Policy::default(),
    };
    let commits = repository.commits_up_to(old, new)?;
    let mut report = RangeReport {
        from: old.map(str::to_owned),
        to: new.to_owned(),
        commits: commits.len(),
        ..RangeReport::default()
    };
    let cut = repository.shallow_commits()?;
    if let Some(commit) = commits.iter().find(|commit| cut.contains(&commit.id)) {
        let short = short(&commit.id);
        report.unknown.push(format!("History is cut off at {short}: this is a shallow clone."));
    }
    let range = Range::of(commits);
    report.runs = range.runs();
    let records = Records { repository, tip: new, known: HashMap::new() };
    let mut judge = Judge { repository, policy: &policy, range: &range, records, report: &mut report };
    for commit in &range.commits {
        for run in runs_of(commit) {
            judge.origin(commit, &run)?;
            judge.contents(commit, &run)?;
        }
    }
    judge_records(repository, old, new, &range, &mut report)?;
    report.refused.sort();
    report.refused.dedup();
    Ok(report)
}

/// What each commit of a run is held against.
struct Judge<'a> {
    repository: &'a Repository,
    policy: &'a Policy,
    range: &'a Range,
    records: Records<'a>,
    report: &'a mut RangeReport,
}

impl Judge<'_> {
    fn refuse(&mut self, commit: &Commit, run: &str, why: String) {
        let (commit, subject, run) = (commit.id.clone(), commit.subject.clone(), run.to_owned());
        self.report.refused.push(RangeFinding { commit, subject, run, why });
    }

    /// It came in through a merge of its run, or a published record vouches for it.
    fn origin(&mut self, commit: &Commit, run: &str) -> ServiceResult<()> {
        if self.range.is_below_a_merge(commit, run) {
            return Ok(());
        }
        match self.records.cover(run, &commit.id)? {
            Cover::Yes => {}
            Cover::No => {
                let why = format!(
                    "It belongs to the run {run} and lies below no merge of that run, and no published record covers it."
                );
                self.refuse(commit, run, why);
            }
            Cover::Unknown(why) => self.report.unknown.push(why),
        }
        Ok(())
    }

    /// It changes nothing that is not for a run to change. What a merge brings is judged where it comes from.
    fn contents(&mut self, commit: &Commit, run: &str) -> ServiceResult<()> {
        let [parent] = &commit.parents[..] else { return Ok(()) };
        if !merged_by(commit).is_empty() || self.repository.find_commit(parent)?.is_none() {
            return Ok(());
        }
        for path in self.repository.changed_paths(parent, &commit.id)? {
            let text = path.text();
            if path.is_below(".metawsm") {
                let why = format!("It changes {text}, and a run changes nothing below .metawsm/.");
                self.refuse(commit, run, why);
            } else if matches_forbidden(&self.policy.git_pr.forbidden_file_patterns, &text)
                && self.repository.path_id(&self.report.to, &text)?.is_some()
            {
                self.refuse(commit, run, format!("It brings {text}, which the policy forbids."));
            }
        }
        Ok(())
    }
}

/// Published records and threads are only ever added.
fn judge_records(
    repository: &Repository,
    old: Option<&str>,
    new: &str,
    range: &Range,
    report: &mut RangeReport,
) -> ServiceResult<()> {
    let Some(old) = old else { return Ok(()) };
    let mut before = BTreeMap::new();
    for dir in [".metawsm/runs", ".metawsm/forum"] {
        before.extend(repository.list_tree(old, dir, true)?.into_iter().map(|e| (e.path, e.id)));
    }
    for (path, id) in before {
        let text = path.text().into_owned();
        let now = repository.path_id(new, &text)?;
        if now.as_ref() == Some(&id) {
            continue;
        }
        let what = if now.is_some() { "changed" } else { "removed" };
        let subject = range.commits.first().map(|c| c.subject.clone()).unwrap_or_default();
        report.refused.push(RangeFinding {
            commit: new.to_owned(),
            subject,
            run: String::new(),
            why: format!("{text} is {what}; published records are only ever added."),
        });
    }
    Ok(())
}

/// The commits between two ends and how they hang together.
struct Range {
    commits: Vec<Commit>,
    parents: HashMap<String, Vec<String>>,
    /// By run: the commits that its merges brought in.
    merged: HashMap<String, HashSet<String>>,
}

impl Range {
    fn of(commits: Vec<Commit>) -> Self {
        let parents = commits.iter().map(|c| (c.id.clone(), c.parents.clone())).collect();
        let mut range = Self { commits, parents, merged: HashMap::new() };
        for commit in &range.commits {
            let runs = merged_by(commit);
            let [first, others @ ..] = &commit.parents[..] else { continue };
            if runs.is_empty() || others.is_empty() {
                continue;
            }
            let stay = range.reachable(std::slice::from_ref(first));
            let brought: Vec<_> = range.reachable(others).difference(&stay).cloned().collect();
            for run in runs {
                range.merged.entry(run).or_default().extend(brought.iter().cloned());
            }
        }
        range
    }

    /// The commits of the range at and below these.
    fn reachable(&self, tips: &[String]) -> HashSet<String> {
        let (mut found, mut next) = (HashSet::new(), tips.to_vec());
        while let Some(id) = next.pop() {
            if let Some(parents) = self.parents.get(&id)
                && found.insert(id)
            {
                next.extend(parents.iter().cloned());
            }
        }
        found
    }

    /// Whether a merge of the run brought the commit in, or it is itself a squash of ours.
    fn is_below_a_merge(&self, commit: &Commit, run: &str) -> bool {
        merged_by(commit).contains(run)
            || self.merged.get(run).is_some_and(|brought| brought.contains(&commit.id))
    }

    fn runs(&self) -> Vec<String> {
        let runs: BTreeSet<_> = self.commits.iter().flat_map(runs_of).collect();
        runs.into_iter().collect()
    }
}

/// The runs that a commit belongs to, wherever in its message that stands: who copies a message moves its trailers.
fn runs_of(commit: &Commit) -> BTreeSet<String> {
    let lines = commit.subject.lines().chain(commit.body.lines());
    values(lines.map(str::trim_start), "Metawsm-Run: ")
}

/// The runs whose merge a commit is: only real trailers say so.
fn merged_by(commit: &Commit) -> BTreeSet<String> {
    let last = commit.body.rsplit("\n\n").next().unwrap_or_default();
    values(last.lines(), "Metawsm-Merged: ")
}

fn values<'a>(lines: impl Iterator<Item = &'a str>, key: &str) -> BTreeSet<String> {
    let value = |line: &str| line.strip_prefix(key).map(|value| value.trim().to_owned());
    lines.filter_map(value).filter(|value| !value.is_empty()).collect()
}

fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

/// Whether a published record vouches for a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Cover {
    Yes,
    No,
    Unknown(String),
}

/// The records in the tree at the end of the range.
struct Records<'a> {
    repository: &'a Repository,
    tip: &'a str,
    known: HashMap<String, Result<Option<Box<Run>>, String>>,
}

impl Records<'_> {
    /// A closed run's receipt covers the heads that it names and what lies below them, and the commits of base that
    /// hold them.
    fn cover(&mut self, run: &str, commit: &str) -> ServiceResult<Cover> {
        let record = match self.record(run)? {
            Ok(Some(record)) if record.state == RunState::Closed => record,
            Ok(_) => return Ok(Cover::No),
            Err(why) => return Ok(Cover::Unknown(why)),
        };
        let receipts = record.receipt.iter().flat_map(|receipt| &receipt.repos);
        let mut heads: Vec<&String> = receipts.clone().flat_map(|repo| &repo.heads).collect();
        heads.extend(record.merges.iter().map(|merge| &merge.head));
        heads.extend(record.landed.iter().map(|mark| &mark.head));
        let holders = receipts.flat_map(|repo| &repo.merges);
        let holders = holders.chain(record.merges.iter().map(|merge| &merge.commit));
        let mut holders = holders.chain(record.landed.iter().map(|mark| &mark.commit));
        if holders.any(|id| id == commit) {
            return Ok(Cover::Yes);
        }
        let repository = self.repository;
        for head in heads {
            if head == commit
                || (repository.find_commit(head)?.is_some() && repository.is_ancestor(commit, head)?)
            {
                return Ok(Cover::Yes);
            }
        }
        Ok(Cover::No)
    }

    fn record(&mut self, run: &str) -> ServiceResult<Result<Option<Box<Run>>, String>> {
        if let Some(known) = self.known.get(run) {
            return Ok(known.clone());
        }
        let found = self.read(run)?;
        self.known.insert(run.to_owned(), found.clone());
        Ok(found)
    }

    fn read(&self, run: &str) -> ServiceResult<Result<Option<Box<Run>>, String>> {
        let name = format!("{run}.toml");
        let entries = self.repository.list_tree(self.tip, ".metawsm/runs", true)?;
        let Some(entry) = entries.into_iter().find(|entry| entry.path.name() == name.as_bytes()) else {
            return Ok(Ok(None));
        };
        let why = |what: &str| Ok(Err(format!("The record {} cannot be read: {what}.", entry.path)));
        let Some(bytes) = self.repository.read_blob(&entry.id)? else { return why("its blob is missing") };
        let Ok(text) = String::from_utf8(bytes) else { return why("it is not text") };
        match store::parse_run(&text) {
            Ok(record) => Ok(Ok(Some(Box::new(record)))),
            Err(error) => why(&error.to_string()),
        }
    }
}
