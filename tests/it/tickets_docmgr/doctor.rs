//! The rules that docmgr's doctor checks (v0.0.20), judged without docmgr: for machines where it is not installed. The
//! YAML is read by a parser that nothing else here uses, strictly.

use git_metawsm::tickets::docs_root;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use yaml_rust2::{Yaml, YamlLoader};

/// What doctor says of one thing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    pub issue: &'static str,
    /// `info`, `warning` or `error`.
    pub severity: &'static str,
    /// Relative to the docs root.
    pub path: String,
}

const PASSED_OVER: [&str; 9] =
    [".git", ".meta", ".pnpm", ".venv", "__pycache__", "build", "coverage", "dist", "node_modules"];
const SCAFFOLD: [&str; 8] =
    ["design", "reference", "playbooks", "scripts", "sources", "various", "archive", ".meta"];
const DOC_TYPES: [&str; 13] = [
    "index",
    "design-doc",
    "reference",
    "playbook",
    "analysis",
    "til",
    "skill",
    "log",
    "code-review",
    "script",
    "task-list",
    "tutorial",
    "working-note",
];
const INTENTS: [&str; 5] = ["long-term", "ticket-specific", "only-during-ticket", "throwaway", "short-term"];
const STATES: [&str; 5] = ["draft", "active", "review", "complete", "archived"];
const STALE_DAYS: i64 = 30;

/// Everything but `ok` that doctor finds in the docs root of a worktree; age counts where `ages` says so.
pub fn findings(top: &Path, ages: bool) -> Vec<Finding> {
    let root = docs_root(top).expect("a docs root").expect("it is there");
    let mut doctor = Doctor { top: top.to_owned(), root: root.path(), found: Vec::new(), known: None };
    doctor.take_vocabulary();
    doctor.look_for_missing_indexes(&root.path());
    let mut tickets: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    for path in Doctor::documents(&root.path()) {
        let below = path.strip_prefix(root.path()).expect("below the root");
        let parts: Vec<_> = below.components().take(4).collect();
        if parts.len() == 4 {
            tickets.entry(root.path().join(parts.iter().collect::<PathBuf>())).or_default().push(path);
        }
    }
    for (dir, documents) in tickets {
        doctor.judge(&dir, &documents, ages);
    }
    doctor.found.sort();
    doctor.found
}

/// Asserts that doctor would find nothing to warn of.
#[track_caller]
pub fn assert_healthy(top: &Path) {
    let bad: Vec<_> = findings(top, true).into_iter().filter(|f| f.severity != "info").collect();
    assert!(bad.is_empty(), "{}: {bad:#?}", top.display());
}

struct Doctor {
    top: PathBuf,
    root: PathBuf,
    found: Vec<Finding>,
    /// The words of a vocabulary, by its lists.
    known: Option<BTreeMap<&'static str, BTreeSet<String>>>,
}

/// The frontmatter of one document.
struct Head {
    texts: BTreeMap<String, String>,
    topics: Vec<String>,
    related: Vec<(String, String)>,
    updated: Option<jiff::Timestamp>,
}

impl Head {
    fn text(&self, key: &str) -> &str {
        self.texts.get(key).map_or("", |text| text.trim())
    }
}

fn is_passed_over(name: &str) -> bool {
    name.starts_with('_') || PASSED_OVER.contains(&name)
}

fn name_of(path: &Path) -> &str {
    path.file_name().and_then(|n| n.to_str()).expect("a name")
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    let mut all: Vec<_> =
        fs::read_dir(dir).expect("a directory").map(|e| e.expect("an entry").path()).collect();
    all.sort();
    all
}

impl Doctor {
    fn say(&mut self, issue: &'static str, severity: &'static str, path: &Path) {
        let path = path.strip_prefix(&self.root).unwrap_or(path).to_string_lossy().into_owned();
        self.found.push(Finding { issue, severity, path });
    }

    fn take_vocabulary(&mut self) {
        let path = self.root.join("vocabulary.yaml");
        let Ok(text) = fs::read_to_string(&path) else {
            self.say("no_vocabulary", "info", &path);
            return;
        };
        let all = YamlLoader::load_from_str(&text).expect("a vocabulary that is YAML");
        let mut known = BTreeMap::new();
        for (list, always) in
            [("topics", &[][..]), ("docTypes", &DOC_TYPES[..]), ("intent", &INTENTS[..]), ("status", &STATES)]
        {
            let items = all.first().map_or(Yaml::Null, |y| y[list].clone());
            let slugs = items.as_vec().into_iter().flatten().filter_map(|item| item["slug"].as_str());
            known.insert(list, slugs.chain(always.iter().copied()).map(str::to_owned).collect());
        }
        self.known = Some(known);
    }

    fn look_for_missing_indexes(&mut self, dir: &Path) {
        for path in entries(dir).into_iter().filter(|p| p.is_dir() && !is_passed_over(name_of(p))) {
            if path.join("index.md").exists() {
                continue;
            }
            if SCAFFOLD.iter().any(|marker| path.join(marker).is_dir()) {
                self.say("missing_index", "error", &path);
            } else {
                self.look_for_missing_indexes(&path);
            }
        }
    }

    fn documents(dir: &Path) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for path in entries(dir) {
            let name = name_of(&path);
            if path.is_dir() {
                if !is_passed_over(name) && name != "sources" {
                    found.extend(Self::documents(&path));
                }
            } else if name.to_lowercase().ends_with(".md") {
                found.push(path);
            }
        }
        found
    }

    fn judge(&mut self, ticket: &Path, documents: &[PathBuf], ages: bool) {
        if documents.iter().filter(|path| name_of(path) == "index.md").count() > 1 {
            self.say("multiple_index", "warning", ticket);
        }
        let mut newest = None;
        let mut unknown = BTreeSet::new();
        for path in documents {
            let at_top = path.parent() == Some(ticket);
            if at_top && ["README.md", "tasks.md", "changelog.md"].contains(&name_of(path)) {
                continue;
            }
            let Some(head) = head_of(&fs::read(path).expect("a document")) else {
                self.say("invalid_frontmatter", "error", path);
                continue;
            };
            newest = newest.max(head.updated);
            if at_top && name_of(path) == "index.md" {
                self.judge_index(path, &head);
            }
            self.judge_related(path, &head);
            unknown.extend(self.unknown_words(&head));
            let digits = name_of(path).bytes().take_while(u8::is_ascii_digit).count();
            let numbered = matches!(digits, 2 | 3) && name_of(path).as_bytes().get(digits) == Some(&b'-');
            if !at_top && !numbered {
                self.say("missing_numeric_prefix", "warning", path);
            }
        }
        for issue in unknown {
            self.say(issue, "warning", ticket);
        }
        let days = newest.map(|newest| jiff::Timestamp::now().duration_since(newest).as_hours() / 24);
        if ages && days.is_some_and(|days| days > STALE_DAYS) {
            self.say("stale", "warning", ticket);
        }
    }

    fn judge_index(&mut self, path: &Path, head: &Head) {
        if ["Title", "Ticket", "DocType"].iter().any(|key| head.text(key).is_empty()) {
            self.say("missing_required_fields", "error", path);
        }
        if head.text("Status").is_empty() {
            self.say("missing_field", "warning", path);
        }
        if head.topics.is_empty() {
            self.say("missing_field", "warning", path);
        }
    }

    fn unknown_words(&self, head: &Head) -> Vec<&'static str> {
        let Some(known) = &self.known else { return Vec::new() };
        let mut issues = Vec::new();
        if head.topics.iter().any(|topic| !topic.is_empty() && !known["topics"].contains(topic)) {
            issues.push("unknown_topics");
        }
        for (key, list, issue) in [
            ("DocType", "docTypes", "unknown_doc_type"),
            ("Intent", "intent", "unknown_intent"),
            ("Status", "status", "unknown_status"),
        ] {
            let word = head.text(key);
            if !word.is_empty() && !known[list].contains(word) {
                issues.push(issue);
            }
        }
        issues
    }

    fn judge_related(&mut self, path: &Path, head: &Head) {
        let beside = path.parent().expect("a directory");
        for (file, note) in head.related.iter().filter(|(file, _)| !file.trim().is_empty()) {
            let places = match file.split_once("://") {
                Some(("repo", rest)) => vec![self.top.join(rest)],
                Some(("docs", rest)) => vec![self.root.join(rest)],
                Some(("doc", rest)) => vec![beside.join(rest)],
                Some((_, rest)) => vec![PathBuf::from(rest)],
                None => vec![self.top.join(file), beside.join(file), self.root.join(file)],
            };
            if !places.iter().any(|place| place.exists()) {
                self.say("missing_related_file", "warning", path);
            }
            if note.trim().is_empty() {
                self.say("missing_related_file_note", "warning", path);
            }
        }
    }
}

/// Reads frontmatter as docmgr does: one field that does not fit makes the document invalid.
fn head_of(bytes: &[u8]) -> Option<Head> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut lines = text.lines();
    (lines.next()?.trim() == "---").then_some(())?;
    let mut yaml = String::new();
    loop {
        let line = lines.next()?;
        if line.trim() == "---" {
            break;
        }
        yaml.push_str(&quoted(line));
        yaml.push('\n');
    }
    let all = YamlLoader::load_from_str(&yaml).ok()?;
    let map = all.first()?.as_hash()?;
    let mut head = Head { texts: BTreeMap::new(), topics: Vec::new(), related: Vec::new(), updated: None };
    for (key, value) in map {
        let key = key.as_str()?;
        match key {
            "Topics" | "Owners" | "ExternalSources" => {
                let items = if value.is_null() { Vec::new() } else { value.as_vec()?.clone() };
                let items: Option<Vec<String>> = items.iter().map(scalar).collect();
                if key == "Topics" {
                    head.topics = items?;
                } else {
                    items?;
                }
            }
            "RelatedFiles" => {
                for item in value.as_vec().into_iter().flatten() {
                    head.related.push(related(item));
                }
            }
            "LastUpdated" => head.updated = stamp(value).ok()?,
            "Title" | "Ticket" | "Status" | "DocType" | "Intent" | "Summary" | "WhatFor" | "WhenToUse" => {
                head.texts.insert(key.to_owned(), scalar(value)?);
            }
            _ => {}
        }
    }
    Some(head)
}

fn scalar(value: &Yaml) -> Option<String> {
    match value {
        Yaml::String(text) | Yaml::Real(text) => Some(text.clone()),
        Yaml::Integer(number) => Some(number.to_string()),
        Yaml::Boolean(truth) => Some(truth.to_string()),
        Yaml::Null => Some(String::new()),
        _ => None,
    }
}

fn related(item: &Yaml) -> (String, String) {
    if let Some(path) = item.as_str() {
        return (path.to_owned(), String::new());
    }
    let find = |name: &str| {
        let found = item.as_hash().into_iter().flatten();
        let mut found = found.filter(|(key, _)| key.as_str().is_some_and(|k| k.eq_ignore_ascii_case(name)));
        found.next().and_then(|(_, value)| scalar(value)).unwrap_or_default()
    };
    (find("Path"), find("Note"))
}

/// Reads a time, of a day or whole, or none; an error where it is something else.
fn stamp(value: &Yaml) -> Result<Option<jiff::Timestamp>, ()> {
    if value.is_null() {
        return Ok(None);
    }
    let text = value.as_str().ok_or(())?;
    let day = || {
        let date: jiff::civil::Date = text.parse().ok()?;
        date.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|z| z.timestamp())
    };
    let time: Option<jiff::Timestamp> = text.parse().ok();
    time.or_else(day).ok_or(()).map(Some)
}

/// docmgr quotes values that look unsafe before it reads a line as YAML.
pub fn quoted(line: &str) -> String {
    let trimmed = line.trim_start_matches([' ', '\t']);
    if trimmed.is_empty() || trimmed.starts_with('#') || trimmed.starts_with("- ") {
        return line.to_owned();
    }
    let Some((key, value)) = trimmed.split_once(':') else { return line.to_owned() };
    let value = value.trim();
    let Some(first) = value.chars().next() else { return line.to_owned() };
    if "\"'[{|>".contains(first) {
        return line.to_owned();
    }
    let unsafe_part = [": ", " #", "\t", "{{", "}}"].iter().any(|part| value.contains(part));
    if unsafe_part || value.ends_with(':') || "@`#&*!%?".contains(first) {
        let indent = &line[..line.len() - trimmed.len()];
        return format!("{indent}{}: '{}'", key.trim(), value.replace('\'', "''"));
    }
    line.to_owned()
}

#[test]
fn the_doctor_of_the_tests_finds_what_docmgr_would() {
    let dir = tempfile::tempdir().expect("temp");
    let write = |path: &str, text: &str| {
        let path = dir.path().join("ttmp").join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::write(path, text).expect("write");
    };
    fs::create_dir(dir.path().join(".git")).expect("dir");
    let now = jiff::Timestamp::now();
    let index = |more: &str| format!("---\nTitle: T\nTicket: A\nDocType: index\n{more}---\n");
    write("2026/07/06/A--ok/index.md", &index(&format!("Status: active\nTopics: [a]\nLastUpdated: {now}\n")));
    write("2026/07/06/A--ok/README.md", "no head");
    let info = Finding { issue: "no_vocabulary", severity: "info", path: "vocabulary.yaml".to_owned() };
    assert_eq!(findings(dir.path(), true), [info]);
    write("vocabulary.yaml", "topics:\n  - slug: b\n    description: x\n");
    write("2026/07/06/B--x/index.md", &index("Intent: no\nStatus: odd\nLastUpdated: 2020-01-01\n"));
    write("2026/07/06/B--x/notes/x.md", "---\nTitle: a\nDocType: odd\n---\n");
    write("2026/07/06/B--x/notes/index.md", "none");
    write("2026/07/06/C--x/index.md", "---\nTopics: b\n---\n");
    write("2026/07/06/D--x/index.md", "\u{feff}---\nTitle: a\n---\n");
    write("2026/07/06/E--x/reference/01-a.md", "---\nRelatedFiles:\n  - repo://none\n---\n");
    write("2026/07/06/F--x/index.md", "---\nLastUpdated: \"\"\n---\n");
    write("2026/07/06/G--x/index.md", "---\nTitle: a\nTitle: b\n---\n");
    let found: Vec<String> =
        findings(dir.path(), true).iter().map(|f| format!("{} {}", f.issue, &f.path[11..])).collect();
    assert_eq!(
        found,
        [
            "invalid_frontmatter B--x/notes/index.md",
            "invalid_frontmatter C--x/index.md",
            "invalid_frontmatter D--x/index.md",
            "invalid_frontmatter F--x/index.md",
            "invalid_frontmatter G--x/index.md",
            "missing_field B--x/index.md",
            "missing_index E--x",
            "missing_numeric_prefix B--x/notes/x.md",
            "missing_related_file E--x/reference/01-a.md",
            "missing_related_file_note E--x/reference/01-a.md",
            "multiple_index B--x",
            "stale B--x",
            "unknown_doc_type B--x",
            "unknown_intent B--x",
            "unknown_status B--x",
            "unknown_topics A--ok"
        ]
    );
    write("2026/07/06/H--x/index.md", "---\nStatus: active\nTopics: [b]\n---\n");
    let found = findings(dir.path(), true);
    assert!(found.iter().any(|f| f.issue == "missing_required_fields" && f.severity == "error"), "{found:?}");
}
