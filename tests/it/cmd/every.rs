//! What holds for every command.

use super::grammar::every_word;
use super::stage::{Stage, WORKS, answer, plain, refusal_kind};
use crate::kit::{BINARY, World};
use clap::CommandFactory;
use git_metawsm::cmd::Cli;
use std::process::Stdio;

/// Every command with the words that it cannot do without.
pub const COMMANDS: [&[&str]; 59] = [
    &["run", "x"],
    &["bootstrap", "--ticket", "T-1", "--goal", "x", "--done", "y"],
    &["status"],
    &["watch", "--once"],
    &["tui"],
    &["list"],
    &["log"],
    &["diff"],
    &["path"],
    &["attach"],
    &["logs"],
    &["tell", "x", "y"],
    &["guide", "--answer", "x"],
    &["signal", "question", "--question", "x"],
    &["signal", "complete"],
    &["signal", "validate", "--status", "passed"],
    &["resume"],
    &["stop"],
    &["restart"],
    &["iterate", "--feedback", "x"],
    &["complete", "--reason", "x"],
    &["discard"],
    &["commit"],
    &["docs"],
    &["docs", "sync"],
    &["docs", "diff"],
    &["forum", "ask", "--body", "x"],
    &["forum", "answer", "x", "--body", "y"],
    &["forum", "assign", "x", "--assignee", "y"],
    &["forum", "state", "x", "--state", "triaged"],
    &["forum", "priority", "x", "--priority", "low"],
    &["forum", "close", "x"],
    &["forum", "list"],
    &["forum", "thread", "x"],
    &["forum", "watch"],
    &["forum", "search", "x"],
    &["forum", "relay", "--once"],
    &["check"],
    &["merge"],
    &["close"],
    &["update"],
    &["publish"],
    &["cleanup"],
    &["rescue", "list"],
    &["rescue", "show", "0000"],
    &["rescue", "restore", "0000"],
    &["rescue", "drop", "0000"],
    &["policy-init"],
    &["policy", "show"],
    &["policy", "check"],
    &["policy", "trust"],
    &["policy", "apply"],
    &["hooks", "install"],
    &["hooks", "uninstall"],
    &["hooks", "status"],
    &["setup"],
    &["doctor"],
    &["import"],
    &["demo"],
];

/// The commands that take a run, and what may follow it.
const TAKING_RUNS: [(&str, &[&str]); 26] = [
    ("status", &[]),
    ("watch", &["--exit"]),
    ("tui", &[]),
    ("log", &[]),
    ("diff", &[]),
    ("path", &[]),
    ("attach", &[]),
    ("logs", &[]),
    ("tell", &["hello"]),
    ("guide", &["--answer", "x"]),
    ("resume", &[]),
    ("stop", &[]),
    ("restart", &[]),
    ("iterate", &["--feedback", "x"]),
    ("complete", &["--reason", "x"]),
    ("discard", &[]),
    ("commit", &[]),
    ("docs sync", &[]),
    ("docs diff", &[]),
    ("check", &[]),
    ("merge", &[]),
    ("close", &[]),
    ("update", &[]),
    ("cleanup", &[]),
    ("rescue list", &[]),
    ("policy apply", &[]),
];

fn words<'a>(command: &'a str, run: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
    command.split(' ').chain([run]).chain(rest.iter().copied()).collect()
}

#[test]
fn the_table_of_this_file_holds_every_command() {
    let program = Cli::command();
    let shown = program.get_subcommands().filter(|command| !command.is_hide_set());
    let listed: Vec<_> = shown.map(clap::Command::get_name).collect();
    let mut known: Vec<_> = COMMANDS.iter().map(|words| words[0]).collect();
    known.dedup();
    assert_eq!(listed, known);
}

#[test]
fn every_command_explains_itself() {
    let world = World::new();
    for command in COMMANDS {
        let short = world.run([command[0], "-h"]).ok();
        plain(&short);
        assert!(short.stdout.contains(&format!("Usage: git metawsm {}", command[0])), "{short}");
        assert_eq!(short.stderr, "", "help is an answer");
        let long = world.run(["help", command[0]]).ok();
        let sentence = |text: &str| text.lines().next().unwrap_or_default().trim_end_matches('.').to_owned();
        assert_eq!(sentence(&short.stdout), sentence(&long.stdout), "one first sentence");
    }
    world.run(["--version"]).ok().says("git-metawsm 0.");
}

#[test]
fn a_word_that_is_not_understood_is_named_with_the_command_that_explains() {
    let stage = Stage::with(WORKS);
    for command in COMMANDS {
        let refusal = stage.refuses(&[command, &["--no-such-flag"]].concat());
        assert!(
            refusal.starts_with("2 usage\nerror: Unexpected argument '--no-such-flag' found.\n"),
            "{refusal}"
        );
        let hint = format!("\n  git metawsm {}", command[0]);
        assert!(refusal.contains(&hint) && refusal.trim_end().ends_with(" -h"), "{refusal}");
    }
    insta::assert_snapshot!(stage.refuses(&["stauts"]), @"
    2 usage
    error: Unrecognized subcommand 'stauts'.
      tip: some similar subcommands exist: 'setup', 'restart', 'status'
      Usage: git metawsm [OPTIONS] [COMMAND]
    next:
      git metawsm -h
    ");
    insta::assert_snapshot!(stage.refuses(&["complete"]), @"
    2 usage
    error: The following required arguments were not provided: --reason <TEXT>.
      Usage: git metawsm complete --reason <TEXT> [RUN]
    next:
      git metawsm complete -h
    ");
    insta::assert_snapshot!(stage.refuses(&["policy"]), @"
    2 usage
    error: A word is missing after the command.
      Usage: git metawsm policy [OPTIONS] <COMMAND>
      Commands:
        show   Show the policy in force, defaults and personal keys included
        check  Check the policy file; every problem is named at once
        trust  Trust the programs that the policy starts and the set-up scripts that repositories bring
               along, for this user and this content
        apply  Give a run the present policy of base; the difference is shown
        help   Print this message or the help of the given subcommand(s)
    next:
      git metawsm policy -h
    ");
    insta::assert_snapshot!(stage.refuses(&["--wait", "soon", "list"]), @"
    2 usage
    error: Invalid value 'soon' for '--wait <SECONDS>': invalid digit found in string.
    next:
      git metawsm list -h
    ");
}

#[test]
fn outside_any_repository_every_command_says_so() {
    let world = World::new();
    for command in
        COMMANDS.iter().filter(|c| !matches!(c[0], "status" | "signal" | "setup" | "doctor" | "demo"))
    {
        let output = world.run(*command).code(1);
        plain(&output);
        output.tells("is not inside a git repository.").tells("next:\n  git init && git commit");
        let asked = world.run([&["--json"], *command].concat()).code(1);
        assert_eq!(refusal_kind(&asked).0, "failed");
    }
    world.run(["status"]).ok().says("This is not a git repository. Go to one and start an agent:");
    assert_eq!(answer(&world.run(["status", "--json"]).ok())["runs"], serde_json::json!([]));
}

#[test]
fn every_command_that_takes_a_run_says_when_there_is_none() {
    let stage = Stage::with(WORKS);
    for (command, rest) in TAKING_RUNS {
        for unknown in ["no-such-run", "NO-such/../\u{1b}[31m\u{202e}run"] {
            let refusal = stage.refuses(&words(command, unknown, rest));
            let expected = "1 failed\nerror: Neither a run nor a ticket with a run is called '";
            assert!(refusal.starts_with(expected), "{command}: {refusal}");
        }
        if !matches!(command, "status" | "tui" | "tell" | "rescue list") {
            let bare: Vec<_> = command.split(' ').chain(rest.iter().copied()).collect();
            let refusal = stage.refuses(&bare);
            let expected =
                ["1 failed\nerror: No run is open here.", "1 failed\nerror: No closed or discarded run has"];
            assert!(expected.iter().any(|e| refusal.starts_with(e)), "{command}: {refusal}");
        }
    }
    let refusal = stage.refuses(&["stop", "--ticket", "T-1"]);
    insta::assert_snapshot!(refusal, @"
    1 failed
    error: No run is known for the ticket 'T-1'.
    next:
      git metawsm list --all
      git metawsm run --ticket T-1
    ");
    insta::assert_snapshot!(stage.refuses(&["stop", "--run-id", "r-1"]), @"
    1 failed
    error: There is no run r-1 here.
    next:
      git metawsm list --all
    ");
    insta::assert_snapshot!(stage.refuses(&["stop", "--run-id", "../x"]), @r#"
    2 usage
    error: The run id '../x' is not usable: it does not start with a letter or a digit. Names start with a letter or digit and hold only letters, digits, '.', '_' and '-', at most 64 of them.
    next:
      git metawsm list --all
    "#);
}

#[test]
fn what_an_agent_may_not_do_is_refused_before_anything_else() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    let before = stage.repo.snapshot();
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    let mut allowed = Vec::new();
    for words in every_word(&program) {
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let as_agent =
            |words: &[&str]| stage.run(words).env("METAWSM_AGENT", "coder").env("METAWSM_RUN", "one");
        let named = words.iter().take_while(|word| !word.starts_with('-') && **word != "x");
        let named: Vec<_> = named.copied().collect();
        // The table knows words that the command line's own rules do not tell, such as those of a state.
        let words = COMMANDS.iter().find(|row| row.starts_with(&named)).map_or(words, |row| row.to_vec());
        let named = named.join(" ");
        if FOR_AGENTS.contains(&named.as_str()) {
            let output = as_agent(&words).output();
            assert!(!output.stderr.contains("is for people"), "{output}");
            allowed.push(named);
            continue;
        }
        let refusal = stage.refusal(&as_agent, &words);
        let expected =
            format!("3 refused\nerror: '{}' is for people; the agent 'coder' cannot do it.", words[0]);
        assert!(refusal.starts_with(&expected), "{refusal}");
    }
    let missing: Vec<_> = FOR_AGENTS.iter().filter(|name| !allowed.iter().any(|a| a == *name)).collect();
    assert!(missing.is_empty(), "{missing:?} are no commands");
    // What it asked lies there and is its own; nothing else has changed.
    std::fs::remove_dir_all(stage.repo.common_dir().join("metawsm/forum")).expect("it asked");
    before.assert_same(&stage.repo.snapshot());
}

/// What an agent may do on its own control repository: look, and speak.
const FOR_AGENTS: [&str; 27] = [
    "signal question",
    "signal complete",
    "signal validate",
    "forum signal",
    "forum ask",
    "forum answer",
    "forum list",
    "forum thread",
    "forum watch",
    "forum search",
    "hooks run",
    "status",
    "watch",
    "tui",
    "list",
    "log",
    "diff",
    "path",
    "docs",
    "docs diff",
    "logs",
    "check",
    "rescue list",
    "rescue show",
    "policy show",
    "policy check",
    "doctor",
];

#[test]
fn what_an_agent_looks_at_stays_as_it_is() {
    let stage = Stage::with("echo '{}' > ../.metawsm/implementation-complete.json");
    stage.start("one", "Do the work");
    stage.wait_for_end("one");
    stage.run(&["stop", "one"]).ok();
    let before = stage.world.snapshot();
    for words in [&["status", "one"][..], &["list"], &["log", "one"], &["diff", "one"], &["check", "one"]] {
        stage.run(words).env("METAWSM_AGENT", "agent").env("METAWSM_RUN", "one").output();
        before.assert_same(&stage.world.snapshot());
    }
}

#[test]
fn an_agent_is_known_by_the_wrapper_above_it_too() {
    let agent = format!(
        "unset METAWSM_AGENT\n'{BINARY}' stop one || echo \"exit $?\"\n'{BINARY}' list --json\n{WORKS}"
    );
    let stage = Stage::with(&agent);
    stage.finish("one", "Do the work");
    let logs = stage.said(&["logs", "one"]);
    assert!(logs.contains("error: 'stop' is for people; the agent 'an agent' cannot do it."), "{logs}");
    assert!(logs.contains("exit 3\n") && logs.contains("{\"schema\":1,"), "{logs}");
}

#[test]
fn a_reader_that_leaves_is_no_error_and_a_full_disk_is_one() {
    let stage = Stage::with(WORKS);
    stage.finish("one", "Do the work");
    let readers: [&[&str]; 10] = [
        &["status"],
        &["list"],
        &["log", "one"],
        &["diff"],
        &["path"],
        &["logs"],
        &["check"],
        &["policy", "show"],
        &["docs"],
        &["-h"],
    ];
    let command = |words: &[&str]| {
        let mut command = stage.world.command(BINARY);
        command.args(words).current_dir(stage.repo.path()).stdin(Stdio::null());
        command
    };
    for words in readers {
        for json in [false, true] {
            let (reader, writer) = std::io::pipe().expect("a pipe");
            drop(reader);
            let words: Vec<_> = words.iter().copied().chain(json.then_some("--json")).collect();
            let output = command(&words).stdout(writer).output().expect("it starts");
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(0), "{words:?}: {told}");
            assert!(!told.contains("error") && !told.contains("panicked"), "{words:?}: {told}");
        }
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("it is there");
        let output = command(words).stdout(full).output().expect("it starts");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{words:?} gave no answer: {told}");
        assert!(told.contains("error: The answer could not be written: "), "{words:?}: {told}");
    }
}

#[test]
fn hostile_text_reaches_no_terminal() {
    let agent = "printf 'a\\033[8mhidden\\033[m\\342\\200\\256\\n' > \"$(printf 'e\\033vil\\nname')\"\n\
                 git add -A\ngit commit -q -m \"$(printf 'm\\033[31m\\342\\200\\256')\"\n\
                 printf 'out\\033[31m \\033]0;title\\007 \\342\\200\\256rtl\\rcr\\n'";
    let stage = Stage::with(agent);
    let goal = "Make \u{1b}[31mred\u{202e} bidi\nsecond\tline\r\u{7}";
    let output = stage.run(&["run", goal, "--run-id", "one"]).ok();
    plain(&output);
    stage.wait("one", "completed");
    let all: [&[&str]; 12] = [
        &["status"],
        &["status", "one", "--git"],
        &["list"],
        &["log", "one"],
        &["diff", "one"],
        &["diff", "one", "--stat"],
        &["logs", "one"],
        &["logs", "one", "-f"],
        &["check", "one"],
        &["merge", "one", "--dry-run"],
        &["close", "one", "--dry-run"],
        &["policy", "apply", "one"],
    ];
    for words in all {
        plain(&stage.run(words).ok());
        let asked = stage.run(&[words, &["--json"]].concat()).ok();
        plain(&asked);
        asked.json_lines();
    }
    insta::assert_snapshot!(stage.said(&["list"]), @r"one  completed          make-31mred-bidi  Make \x1b[31mred\u{202e} bidi");
    insta::assert_snapshot!(stage.said(&["logs", "one"]), @r"out\x1b[31m \x1b]0;title\x07 \u{202e}rtl\rcr");
    plain(&stage.run(&["close", "one", "--color", "never"]).ok());
    plain(&stage.run(&["list", "--all"]).ok());
    plain(&stage.run(&["cleanup", "one"]).ok());
}
