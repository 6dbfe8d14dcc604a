//! The text form of a run record: writing, reading, migrating, publishing.
//!
//! A field that is added to the record raises `RECORD_FORMAT`, even one with a default: a program that does not
//! know a field would drop it on its next write, and the format is what keeps it from writing.

use super::brevity::{fill_in, leave_out};
use super::places::{MACHINE, PERSONAL, Places};
use super::{StoreError, StoreResult};
use crate::model::{RECORD_FORMAT, Run, StoredPolicy};
use crate::sys::clock;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The kind of a run record.
pub(super) const KIND: &str = "run";

/// Turns a record of one format into the next one, in memory.
type Migration = fn(toml::Table) -> Result<toml::Table, String>;

/// Step `n` (counted from 0) turns format `n + 1` into format `n + 2`. Each format ever released has a frozen
/// record under `fixtures/store/v<format>/`, and a test reads it through this table.
const MIGRATIONS: &[Migration] = &[with_landings, with_talk, with_revisions];

/// Format 2 added how work came into a base (`merges`, `landed`, `checks`, `bypasses`, and when and under which
/// policy a check ran); a record of format 1 has none of it.
#[expect(clippy::unnecessary_wraps, reason = "every step of the table may fail")]
fn with_landings(table: toml::Table) -> Result<toml::Table, String> {
    Ok(table)
}

/// Format 3 added what people and agents said to each other (`guidance`, `feedback`, and an agent's `heard` and
/// `validation`); older records have none of it.
#[expect(clippy::unnecessary_wraps, reason = "every step of the table may fail")]
fn with_talk(table: toml::Table) -> Result<toml::Table, String> {
    Ok(table)
}

/// Format 4 added the revision of a ticket's documents; older records have none.
#[expect(clippy::unnecessary_wraps, reason = "every step of the table may fail")]
fn with_revisions(table: toml::Table) -> Result<toml::Table, String> {
    Ok(table)
}

/// Why a text is not a record that we can use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// A newer version wrote it, in a form that we cannot read.
    #[error("it has record format {format}, which a newer git-metawsm wrote")]
    Newer {
        /// Its format.
        format: u32,
    },
    /// It is no run record.
    #[error("{why}")]
    Broken {
        /// The reason, as the rest of a sentence.
        why: String,
    },
}

impl RecordError {
    pub(super) fn at(self, path: &Path) -> StoreError {
        match self {
            Self::Newer { format } => StoreError::Newer { path: path.to_owned(), format },
            Self::Broken { why } => StoreError::Broken { path: path.to_owned(), why },
        }
    }
}

#[derive(Deserialize)]
struct Head {
    format: Option<i64>,
    kind: Option<String>,
}

/// Reads a record. An older format is migrated in memory; a newer one is returned as it is where it parses, and
/// its `format` says that it must not be written.
pub fn parse_run(text: &str) -> Result<Run, RecordError> {
    // Nearly every record is of the newest format, and then one reading is enough.
    let run: Option<Run> = toml::from_str(text).ok();
    match run.filter(|run| run.format == RECORD_FORMAT && run.kind == KIND) {
        Some(run) => Ok(fill_in(run)),
        None => parse_with(text, MIGRATIONS).map(fill_in),
    }
}

fn parse_with(text: &str, migrations: &[Migration]) -> Result<Run, RecordError> {
    let broken = |why: String| RecordError::Broken { why };
    let head: Head = toml::from_str(text).map_err(|e| broken(toml_reason(text, &e)))?;
    let format = head.format.ok_or_else(|| broken("it does not say its format".to_owned()))?;
    let format = u32::try_from(format).ok().filter(|f| *f > 0);
    let format = format.ok_or_else(|| broken("its format is not a number above 0".to_owned()))?;
    match head.kind.as_deref() {
        Some(KIND) => {}
        _ if format > RECORD_FORMAT => return Err(RecordError::Newer { format }),
        Some(kind) => return Err(broken(format!("it is a record of kind '{kind}' and not of a run"))),
        None => return Err(broken("it does not say its kind".to_owned())),
    }
    if format > RECORD_FORMAT {
        return toml::from_str(text).map_err(|_| RecordError::Newer { format });
    }
    let first = usize::try_from(format).unwrap_or(usize::MAX) - 1;
    if first >= migrations.len() {
        return toml::from_str(text).map_err(|e| broken(toml_reason(text, &e)));
    }
    let mut table: toml::Table = toml::from_str(text).map_err(|e| broken(toml_reason(text, &e)))?;
    for step in &migrations[first..] {
        table = step(table).map_err(broken)?;
    }
    table.insert("format".to_owned(), toml::Value::Integer(i64::from(RECORD_FORMAT)));
    table.try_into().map_err(|e: toml::de::Error| broken(toml_reason(text, &e)))
}

pub(super) fn toml_reason(text: &str, error: &toml::de::Error) -> String {
    let line = error.span().and_then(|s| text.get(..s.start)).map(|before| before.matches('\n').count() + 1);
    let what = error.message().trim().replace('\n', " ");
    line.map_or_else(|| what.clone(), |line| format!("line {line}: {what}"))
}

/// The record's text: fixed key order, one field a line, LF, a final newline. A path that is not UTF-8 text
/// stands there with its odd bytes replaced; saving such a record is an error instead.
pub fn to_toml(run: &Run) -> String {
    encode(run).unwrap_or_else(|_| {
        let mut copy = run.clone();
        for path in paths_of(&mut copy).flatten() {
            *path = PathBuf::from(path.to_string_lossy().into_owned());
        }
        encode(&copy).unwrap_or_default()
    })
}

/// As [`to_toml`]; a record that cannot be written down exactly is an error.
pub(super) fn encode(run: &Run) -> StoreResult<String> {
    let text = toml::to_string_pretty(run);
    text.map_err(|e| StoreError::Refused {
        id: run.id.to_string(),
        why: format!("it cannot be written: {e}"),
    })
}

fn paths_of(run: &mut Run) -> impl Iterator<Item = &mut Option<PathBuf>> {
    let tickets = run.tickets.iter_mut().map(|t| &mut t.path);
    let repos = run.repos.iter_mut().flat_map(|r| [&mut r.path, &mut r.common_dir]);
    tickets.chain(repos).chain(run.worktrees.iter_mut().map(|w| &mut w.path))
}

/// Where the published record lies in the work tree: `.metawsm/runs/<yyyy-mm>/<run-id>.toml`, by the month (UTC)
/// in which the run was made.
pub fn published_path(run: &Run) -> String {
    format!(".metawsm/runs/{}/{}.toml", clock::month(run.created), run.id)
}

/// The text that history keeps: no absolute path, no policy table, no session, no process, no plan. The brief is
/// what a person said and is never cut; what we said ourselves is, where it is long.
pub fn published_form(run: &Run) -> String {
    let places = Places::of(run);
    let mut copy = run.clone();
    copy.policy = StoredPolicy::default();
    copy.steps = Vec::new();
    copy.checks = Vec::new();
    leave_out(&mut copy);
    for path in paths_of(&mut copy) {
        *path = None;
    }
    let brief = &mut copy.brief;
    let said = [
        &mut brief.goal,
        &mut brief.scope,
        &mut brief.done_criteria,
        &mut brief.constraints,
        &mut brief.merge_intent,
    ];
    for text in said {
        *text = places.hidden(text, &PERSONAL);
    }
    for ticket in &mut copy.tickets {
        ticket.title = places.hidden(&ticket.title, &PERSONAL);
        ticket.docs = ticket.docs.take().map(|docs| places.hidden(&docs, &MACHINE));
    }
    let own = |text: &mut String, max: usize| *text = cut(&places.hidden(text, &MACHINE), max);
    own(&mut copy.reason, 500);
    copy.from.iter_mut().for_each(|from| own(from, 200));
    copy.repos.iter_mut().for_each(|repo| own(&mut repo.base_note, 200));
    for agent in &mut copy.agents {
        agent.live = None;
        agent.conversation = None;
        agent.heard = 0;
        agent.completed.iter_mut().for_each(|said| own(said, 500));
    }
    let said = copy.agents.iter_mut().filter_map(|agent| agent.validation.as_mut());
    for validation in said {
        own(&mut validation.summary, 300);
        own(&mut validation.done_criteria, 500);
    }
    for asked in &mut copy.guidance {
        own(&mut asked.question, 200);
        asked.file = String::new();
    }
    for feedback in &mut copy.feedback {
        feedback.text = cut(&places.hidden(&feedback.text, &PERSONAL), 1000);
    }
    for bypass in &mut copy.bypasses {
        own(&mut bypass.what, 300);
        bypass.reason.iter_mut().for_each(|reason| own(reason, 300));
    }
    if let Some(receipt) = &mut copy.receipt {
        receipt.gates.iter_mut().for_each(|gate| own(&mut gate.note, 300));
        receipt.checks.iter_mut().for_each(|check| own(&mut check.command, 300));
    }
    to_toml(&copy)
}

fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let kept: String = text.chars().take(max - 1).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{full, plain};
    use super::*;
    use proptest::prelude::*;

    const FROZEN_1: &str = include_str!("../../fixtures/store/v1/run.toml");
    const FROZEN_PUBLISHED_1: &str = include_str!("../../fixtures/store/v1/published.toml");
    const FROZEN_2: &str = include_str!("../../fixtures/store/v2/run.toml");
    const FROZEN_PUBLISHED_2: &str = include_str!("../../fixtures/store/v2/published.toml");
    const FROZEN_3: &str = include_str!("../../fixtures/store/v3/run.toml");
    const FROZEN_PUBLISHED_3: &str = include_str!("../../fixtures/store/v3/published.toml");
    const FROZEN: &str = include_str!("../../fixtures/store/v4/run.toml");
    const FROZEN_PUBLISHED: &str = include_str!("../../fixtures/store/v4/published.toml");

    /// What the full record was in format 3.
    fn of_format_3() -> Run {
        let mut run = full("run-20250304-050607-abcd");
        run.tickets.iter_mut().for_each(|ticket| ticket.revision = String::new());
        run
    }

    /// What the full record was in format 2.
    fn of_format_2() -> Run {
        let mut run = of_format_3();
        (run.guidance, run.feedback) = (Vec::new(), Vec::new());
        for agent in &mut run.agents {
            (agent.heard, agent.validation) = (0, None);
        }
        run
    }

    /// What the full record was in format 1.
    fn of_format_1() -> Run {
        let mut run = of_format_2();
        (run.merges, run.landed) = (Vec::new(), Vec::new());
        (run.checks, run.bypasses) = (Vec::new(), Vec::new());
        for check in run.receipt.iter_mut().flat_map(|r| &mut r.checks) {
            (check.policy, check.at) = (String::new(), None);
        }
        run
    }

    #[test]
    fn a_record_of_format_1_is_read_for_ever() {
        assert_eq!(parse_run(FROZEN_1).expect("the frozen record"), of_format_1());
        parse_run(FROZEN_PUBLISHED_1).expect("the frozen published record");
    }

    #[test]
    fn a_record_of_format_2_is_read_for_ever() {
        assert_eq!(parse_run(FROZEN_2).expect("the frozen record"), of_format_2());
        parse_run(FROZEN_PUBLISHED_2).expect("the frozen published record");
    }

    #[test]
    fn a_record_of_format_3_is_read_for_ever() {
        assert_eq!(parse_run(FROZEN_3).expect("the frozen record"), of_format_3());
        parse_run(FROZEN_PUBLISHED_3).expect("the frozen published record");
    }

    #[test]
    fn a_record_of_format_4_is_read_for_ever() {
        assert_eq!(parse_run(FROZEN).expect("the frozen record"), full("run-20250304-050607-abcd"));
        parse_run(FROZEN_PUBLISHED).expect("the frozen published record");
    }

    #[test]
    fn the_text_of_a_record_changes_only_with_its_format() {
        assert_eq!(RECORD_FORMAT, 4, "freeze a record of the old format, and add a migration for it");
        assert_eq!(to_toml(&full("run-20250304-050607-abcd")), FROZEN);
        assert!(FROZEN.ends_with('\n') && !FROZEN.contains('\r'));
    }

    #[test]
    fn a_published_record_holds_no_place_no_process_and_no_policy() {
        let text = published_form(&full("run-20250304-050607-abcd"));
        assert_eq!(text, FROZEN_PUBLISHED);
        for part in ["/srv", "/home", "/var", "/tmp", "/usr", "4242", "token", "policy]", "steps"] {
            assert!(!text.contains(part), "{part} must not be published:\n{text}");
        }
        assert!(text.contains("/api/login"), "a person's own words stay:\n{text}");
        let back = parse_run(&text).expect("it is a record");
        assert_eq!(back.receipt.expect("receipt").journal_hash, "2".repeat(64));
        assert_eq!(published_path(&full("r1")), ".metawsm/runs/2025-03/r1.toml");
    }

    #[test]
    fn a_published_record_of_a_large_run_stays_small() {
        let mut run = full("r1");
        let tree = run.worktrees[0].clone();
        run.worktrees = vec![tree; 20];
        run.reason = "x".repeat(100_000);
        let receipt = run.receipt.as_mut().expect("receipt");
        receipt.gates = vec![receipt.gates[0].clone(); 18];
        receipt.gates[0].note = "y".repeat(100_000);
        let size = published_form(&run).len();
        assert!(size < 12 * 1024, "{size} bytes");
    }

    #[test]
    fn a_newer_record_is_read_where_it_parses_and_never_called_broken() {
        let newer = FROZEN.replacen("format = 4", "format = 9\nnew_thing = true", 1);
        assert_eq!(parse_run(&newer).expect("readable").format, 9);
        let strange = "format = 9\nkind = \"run\"\nid = 7\n";
        assert_eq!(parse_run(strange), Err(RecordError::Newer { format: 9 }));
        assert_eq!(parse_run("format = 9\n"), Err(RecordError::Newer { format: 9 }));
    }

    #[test]
    fn what_is_no_record_says_why() {
        let cases = [
            ("", "it does not say its format"),
            ("format = 0\nkind = \"run\"", "its format is not a number above 0"),
            ("format = -1\nkind = \"run\"", "its format is not a number above 0"),
            ("format = 1", "it does not say its kind"),
            ("format = 1\nkind = \"thread\"", "it is a record of kind 'thread' and not of a run"),
            ("format = 4\nkind = \"run\"\nid = \"../x\"", "line 3: The run id '../x' is not usable"),
            ("format = 4\nkind = \"run\"\nkind = \"run\"", "line 3: duplicate key"),
        ];
        for (text, why) in cases {
            let error = parse_run(text).expect_err(text).to_string();
            assert!(error.starts_with(why), "{text:?}: {error}");
        }
    }

    #[test]
    fn an_older_record_is_migrated_in_memory() {
        // As if the state had been called `phase` in format 1, and nothing had changed since.
        let step: Migration = |mut table| {
            let phase = table.remove("phase").ok_or("there is no phase")?;
            table.insert("state".to_owned(), phase);
            Ok(table)
        };
        let old = to_toml(&plain("r1")).replacen("format = 4", "format = 1", 1);
        let old = old.replacen("state = ", "phase = ", 1);
        assert_eq!(parse_with(&old, &[step]), Ok(plain("r1")));
        let error = parse_with(&to_toml(&plain("r1")).replacen("format = 4", "format = 1", 1), &[step]);
        let error = error.expect_err("no phase");
        assert_eq!(error.to_string(), "there is no phase");
    }

    proptest! {
        #[test]
        fn any_text_survives_being_written_and_read(goal in any::<String>(), odd in "[\"'\\\\\r\n\t#= ]{0,12}") {
            let mut run = plain("r1");
            run.brief.goal = goal;
            run.reason = odd;
            let text = to_toml(&run);
            prop_assert!(!text.contains('\r') && text.ends_with('\n'));
            prop_assert_eq!(parse_run(&text), Ok(run));
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in any::<String>()) {
            let _ = parse_run(&text);
            let _ = parse_run(&format!("format = 1\nkind = \"run\"\n{text}"));
        }
    }

    #[test]
    #[ignore = "writes the frozen records of a new format; run by hand"]
    fn freeze() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/store/v{RECORD_FORMAT}"));
        let run = full("run-20250304-050607-abcd");
        std::fs::create_dir_all(&dir).expect("a directory");
        std::fs::write(dir.join("run.toml"), to_toml(&run)).expect("write");
        std::fs::write(dir.join("published.toml"), published_form(&run)).expect("write");
    }
}
