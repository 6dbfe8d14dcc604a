//! `import` of databases that are none, that somebody writes, that hold anything, and imports that are killed.

use crate::cmd::import::{Old, PROJECT, SCHEMA};
use crate::cmd::stage::plain;
use crate::kit::{Snapshot, all, wait_until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::time::Duration;

/// A row of `runs` with values as SQL.
fn row(id: &str, status: &str, spec: &str) -> String {
    format!(
        "INSERT INTO runs VALUES ({id}, {status}, '2026-03-01T10:00:00Z', '2026-03-01T10:00:00Z', {spec}, 'x', 'y');\n"
    )
}

#[test]
fn what_is_no_old_database_is_refused_with_a_sentence_and_nothing_changes() {
    let Some(old) = Old::of(&[SCHEMA]) else { return };
    let database = old.database();
    let whole = fs::read(&database).expect("read");
    let before = old.stage.repo.snapshot();
    let refused = |bytes: &[u8]| {
        fs::write(&database, bytes).expect("written");
        let refusal = old.stage.refuses(&["import"]);
        fs::write(&database, &whole).expect("written");
        refusal
    };
    let expect =
        |refusal: String, words: &str| assert!(refusal.contains(words), "{words:?} is missing:\n{refusal}");
    expect(
        refused(b""),
        "1 failed\nerror: The database $WORLD/repos/api/.metawsm/metawsm.db cannot be imported: it is empty: ",
    );
    expect(refused(b"SQLite format 4\0"), "it is not an SQLite database");
    expect(refused(&whole[..whole.len() / 2]), "it is cut off: it should have ");
    old.sql("PRAGMA user_version = 7");
    expect(old.stage.refuses(&["import"]), "6 newer\nerror: ");
    old.sql("PRAGMA user_version = 0; DROP TABLE run_tickets;");
    expect(old.stage.refuses(&["import"]), "it lacks the table run_tickets");
    fs::remove_file(&database).expect("removed");
    expect(old.stage.refuses(&["import"]), "There is no database of the first metawsm at ");
    expect(old.stage.refuses(&["import", "no/such.db"]), "it does not exist");
    expect(old.stage.refuses(&["import", "."]), "it is not a regular file");
    expect(old.stage.refuses(&["--db", "no/other.db", "import"]), "no/other.db cannot be imported");
    fs::write(&database, &whole).expect("written");
    before.assert_same(&old.stage.repo.snapshot());
    old.stage.run(&["import"]).ok().says("imported 0 runs, and 0 events of 0 threads");
}

#[test]
fn a_database_that_somebody_writes_is_waited_for_and_names_the_writer() {
    let Some(old) = Old::project() else { return };
    for mode in ["WAL", "DELETE"] {
        old.sql(&format!("PRAGMA journal_mode={mode};"));
        let mut command = old.stage.world.command("sqlite3");
        let command = command.arg(old.database()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut writer = command.spawn().expect("sqlite3 starts");
        let mut stdin = writer.stdin.take().expect("a pipe");
        stdin
            .write_all(b"BEGIN IMMEDIATE; UPDATE runs SET error_text = 'x'; SELECT 'ready';\n")
            .expect("it reads");
        let mut said = String::new();
        BufReader::new(writer.stdout.take().expect("a pipe")).read_line(&mut said).expect("it answers");
        assert_eq!(said, "ready\n");
        let output = old.stage.run(&["--wait", "0", "import"]).code(4);
        output
            .tells(&format!("in use by process {}, which is writing it", writer.id()))
            .tells("--wait 60 import");
        drop(stdin);
        writer.wait().expect("it ends");
    }
    old.stage.run(&["import"]).ok().says("imported 21 runs");
}

#[test]
fn rows_that_hold_anything_spoil_no_other_and_print_nothing_that_deceives() {
    let deep = format!("'{}'", "[".repeat(200_000));
    let wide = r#"'{"tickets":["T-w"],"repos":["api"],"agents":[' || rtrim(replace(hex(zeroblob(30000)), '00', '7,'), ',') || ']}'"#;
    let rows = [
        row("'run-deep'", "'running'", &deep),
        row("'run-wide'", "'running'", wide),
        row("'../../../../evil'", "'running'", "'{}'"),
        row("'run-' || char(27) || '[31m' || char(8238)", "'closed'", "'{}'"),
        row("x'ff00fe'", "7", "x'ff'"),
        row("''", "'closed'", "''"),
        row("'repo'", "'stopped'", "'null'"),
        row("'run-noon'", "'no such state'", r#"'{"tickets":["../x","a/b","-rf",""],"repos":["../..","/etc","-x"]}'"#),
        row(
            "'run-base'",
            "'running'",
            r#"'{"tickets":["T-b"],"repos":["api"],"base_branch":"--upload-pack=touch x","agents":[{"name":"../a"}]}'"#,
        ),
        "INSERT INTO run_briefs VALUES ('run-wide','T', printf('%.*c', 10485760, 'g'), 's' || char(0), 'd', '', '', '', '', '');
         INSERT INTO guidance_requests (run_id, workspace_name, agent_name, question, status, created_at)
           VALUES ('run-base', 'nowhere', 'nobody', char(27) || ']0;x' || char(7), 'pending', 'never');
         INSERT INTO forum_threads (thread_id, ticket, title, state, priority, opened_by_type, opened_at, updated_at)
           VALUES ('../../thread', 'x', char(27) || '[2J', 'nowhere', 'most', 'robot', '2026-03-01T10:00:00Z', '');
         INSERT INTO forum_threads (thread_id, ticket, title, state, priority, opened_by_type, opened_at, updated_at)
           VALUES ('fthr-timeless', 'x', 't', 'new', 'low', 'human', '', '');"
            .to_owned(),
    ];
    let Some(old) = Old::of(&[SCHEMA, PROJECT, &rows.concat()]) else { return };
    let outside = Snapshot::of(&old.web.path().join(".git"));
    let output = old.stage.run(&["import"]).ok();
    plain(&output);
    let output = output.says("run-20260203-101500  stopped").says("imported 30 runs");
    let output = output.says("note: Its spec could not be read (recursion limit exceeded");
    let output = output
        .says("(was '../../../../evil')")
        .says("the thread fthr-timeless: it does not say when it was opened");
    output.says("run_briefs.goal had 10485760 bytes and was cut to 1048576");
    for words in [&["list", "--all"][..], &["status"], &["forum", "list"], &["log", "run-noon"]] {
        plain(&old.stage.run(words).ok());
    }
    let live = old.stage.repo.common_dir().join("metawsm");
    assert!(
        !old.stage.world.root().join("evil").exists() && live.join("runs/repo").symlink_metadata().is_err()
    );
    let answer = old.stage.json(&["list", "--all"]);
    assert_eq!(answer["broken"], serde_json::json!([]));
    for run in ["run-deep", "run-wide", "run-noon", "run-base"] {
        old.stage.run(&["discard", run]).ok();
    }
    drop(outside);
    old.stage.run(&["import"]).ok().says("imported 0 runs").says("30 runs were here already");
}

#[test]
fn an_import_that_is_killed_goes_on_when_it_is_repeated() {
    let count = if all() { 5000 } else { 90 };
    let many = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
         INSERT INTO runs SELECT 'run-' || printf('%06d', i), CASE i % 3 WHEN 0 THEN 'closed' ELSE 'stopped' END,
           '2026-03-01T10:00:00Z', '2026-03-01T10:00:00Z', '{{\"tickets\":[\"T-' || i || '\"]}}', '{{}}', '' FROM n;
         INSERT INTO guidance_requests (run_id, workspace_name, agent_name, question, status, created_at)
           SELECT run_id, 'w', 'agent', 'Why?', 'pending', created_at FROM runs;"
    );
    let Some(old) = Old::of(&[SCHEMA, &many]) else { return };
    let runs = old.stage.repo.common_dir().join("metawsm/runs");
    for goal in [8, 16] {
        let import = old.stage.run(&["import"]).start();
        wait_until("some runs are there", Duration::from_secs(60), || {
            fs::read_dir(&runs).is_ok_and(|names| names.count() >= goal)
        });
        import.kill();
        let answer = old.stage.json(&["list", "--all"]);
        assert_eq!(answer["broken"], serde_json::json!([]));
    }
    let output = old.stage.run(&["import"]).limit(Duration::from_secs(600)).ok();
    assert!(output.stdout.contains("runs were here already"), "{output}");
    let answer = old.stage.json(&["list", "--all"]);
    assert_eq!(answer["runs"].as_array().map(Vec::len), Some(count));
    old.stage
        .run(&["import"])
        .ok()
        .says(&format!("imported 0 runs, and 0 events of 0 threads\n{count} runs were here"));
    let left = fs::read_dir(std::env::temp_dir()).expect("listed").filter_map(Result::ok);
    let of_ours = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with("git-metawsm-");
    // What the killed ones left went with the next one; another test's import may be at work.
    let dead = left.filter(|entry| of_ours(&entry.file_name())).filter(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        let pid = name.trim_start_matches("git-metawsm-").split('-').next().and_then(|pid| pid.parse().ok());
        pid.is_some_and(|pid: i32| !std::path::Path::new(&format!("/proc/{pid}")).exists())
    });
    assert!(dead.count() <= 1);
}

#[test]
fn an_import_that_is_interrupted_in_a_long_thread_stops_and_the_next_one_goes_on() {
    let many = "INSERT INTO forum_threads (thread_id, ticket, title, state, priority, opened_by_type, opened_at, updated_at)
          VALUES ('fthr-1', 'T-1', 't', 'new', 'low', 'human', '2026-03-01T10:00:00Z', '');
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
          INSERT INTO forum_events (event_id, event_type, event_version, occurred_at, thread_id, ticket, actor_type,
            actor_name, payload_json) SELECT 'e' || i, 'forum.post.added', 1, '2026-03-01T10:00:00Z', 'fthr-1', 'T-1',
            'human', 'kim', '{\"body\":\"b\"}' FROM n;";
    let Some(old) = Old::of(&[SCHEMA, many]) else { return };
    let thread = old.stage.repo.common_dir().join("metawsm/forum/2026-03/fthr-1");
    let count = || fs::read_dir(&thread).map_or(0, Iterator::count);
    let import = old.stage.run(&["import"]).start();
    wait_until("some events are there", Duration::from_secs(60), || count() >= 10);
    kill(Pid::from_raw(import.pid().cast_signed()), Signal::SIGINT).expect("it runs");
    import.end().code(130).tells("git metawsm import");
    assert!(count() < 900, "it stopped");
    old.stage.run(&["import"]).ok();
    assert_eq!(count(), 1001);
}
