//! Very many runs, open and closed: nothing is slow by the square of them.

use crate::cmd::stage::{Stage, WORKS, plain};
use crate::kit::all;
use git_metawsm::model::RunId;
use git_metawsm::store;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// A record as history holds it.
const RECORD: &str = include_str!("../../../fixtures/store/v1/published.toml");

/// Commits the records of as many closed runs.
fn add_history(stage: &Stage, records: usize) {
    let mut run = store::parse_run(RECORD).expect("a record");
    let mut stream =
        "commit refs/heads/main\ncommitter A <a@example.org> 1700000000 +0000\ndata 7\nHistory\n\
                      from refs/heads/main^0\n"
            .to_owned();
    for number in 0..records {
        run.id = RunId::parse(&format!("run-h-{number:06}")).expect("a run id");
        let since = i64::try_from(number).expect("it is small") * 900;
        run.created = jiff::Timestamp::from_second(1_600_000_000 + since).expect("a time");
        let text = store::published_form(&run);
        let _ =
            writeln!(stream, "M 100644 inline {}\ndata {}\n{text}", store::published_path(&run), text.len());
    }
    let mut git = stage.world.command("git");
    git.args(["fast-import", "--quiet"]).current_dir(stage.repo.path()).stdin(Stdio::piped());
    let mut git = git.spawn().expect("git runs");
    git.stdin.take().expect("a pipe").write_all(stream.as_bytes()).expect("it is read");
    assert!(git.wait().expect("it ends").success(), "git took the history");
    stage.repo.git(["reset", "-q", "--hard"]);
}

/// Copies the open run `one` under as many names.
fn add_open(stage: &Stage, names: std::ops::Range<usize>) {
    let runs = stage.repo.common_dir().join("metawsm/runs");
    let record = std::fs::read_to_string(runs.join("one/run.toml")).expect("the record");
    for number in names {
        let id = format!("many-{number:05}");
        let dir = runs.join(&id);
        std::fs::create_dir_all(&dir).expect("its directory");
        let text = record.replacen("id = \"one\"", &format!("id = \"{id}\""), 1);
        assert_ne!(text, record, "the id stands in the record");
        std::fs::write(dir.join("run.toml"), text).expect("its record");
    }
}

/// The shortest of three runs of a command, which must succeed.
fn time(stage: &Stage, words: &[&str]) -> Duration {
    let once = || {
        let begun = Instant::now();
        plain(&stage.run(words).limit(Duration::from_secs(600)).ok());
        begun.elapsed()
    };
    (0..3).map(|_| once()).min().expect("three times")
}

#[test]
fn very_many_closed_and_open_runs_are_shown_in_no_time_by_the_square() {
    // The whole of it takes a quiet machine a minute.
    let (closed, open) = if all() { (10_000, 1_000) } else { (1_000, 160) };
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    add_history(&stage, closed);
    add_open(&stage, 0..open / 4);
    let readers: [&[&str]; 4] = [&["status"], &["list"], &["log", "many-00007"], &["list", "--all"]];
    for words in readers {
        time(&stage, words);
    }
    let few: Vec<_> = readers.iter().map(|words| time(&stage, words)).collect();
    add_open(&stage, open / 4..open);
    for words in readers {
        time(&stage, words);
    }
    for (words, few) in readers.iter().zip(few) {
        let many = time(&stage, words);
        // Four times as many may take four times as long, and the machine may be busy; not sixteen times.
        let limit = few * 10 + Duration::from_secs(1);
        assert!(many < limit, "{words:?}: {few:?} for {} open runs, {many:?} for {open}", open / 4);
    }
    let all = stage.run(&["list", "--all"]).ok().stdout;
    assert_eq!(all.lines().filter(|line| line.starts_with("run-h-")).count(), closed);
    assert_eq!(all.lines().filter(|line| line.starts_with("many-")).count(), open);
}
