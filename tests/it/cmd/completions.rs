//! Completions, in real shells: what can follow is what is here.

use super::stage::{Stage, WAITS};
use crate::kit::{BINARY, Output, require, seed, wait_until};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant};

/// git's own completion for bash, where Debian and its kin have it.
const GIT_COMPLETION: [&str; 2] =
    ["/usr/share/bash-completion/completions/git", "/etc/bash_completion.d/git-completion.bash"];

/// A stage with an open run `one` on the ticket MW-1 and set-up completions; the title is foreign text.
fn stage() -> Stage {
    let stage = Stage::with(WAITS);
    symlink(BINARY, stage.world.bin().join("git-metawsm")).expect("a link");
    stage.run(&["run", "Fix: the\u{1b}[31m parser", "--run-id", "one"]).ok();
    stage.run(&["run", "Other work", "--run-id", "two"]).ok();
    stage.run(&["forum", "ask", "--run-id", "one", "--title", "Which port?", "--body", "8080?"]).ok();
    stage.run(&["setup", "--shell", "bash,zsh,fish"]).ok();
    stage
}

/// What the program offers a shell after these words, the last of them half typed.
fn offered(stage: &Stage, shell: &str, words: &[&str]) -> Vec<String> {
    let place = (words.len() - 1).to_string();
    let asked = [&["completions", shell, &place, "--"], words].concat();
    let output = stage.run(&asked).ok();
    assert_eq!(output.stderr, "", "nothing may reach the prompt");
    output.stdout.lines().map(str::to_owned).collect()
}

fn names(stage: &Stage, words: &[&str]) -> Vec<String> {
    offered(stage, "bash", &[&["git-metawsm"], words].concat())
}

#[test]
fn what_can_follow_is_what_is_here() {
    let stage = stage();
    let thread = stage.json(&["forum", "list"])["threads"][0]["id"].as_str().expect("an id").to_owned();
    let rows: [(&[&str], &[&str]); 16] = [
        (&["st"], &["status", "stop"]),
        (&["close", "o"], &["other-work", "one"]),
        (&["close", "--run-id", ""], &["two", "one"]),
        (&["diff", "tw"], &["two"]),
        (&["diff", "one", "a"], &["api"]),
        (&["logs", "one:"], &["one:agent"]),
        (&["cleanup", "o"], &[]),
        (&["close", "one", "--waive", "clean"], &["clean-tree="]),
        (&["close", "one", "--waive=on"], &["--waive=on-branch="]),
        (&["list", "--state", "dis"], &["discarded"]),
        (&["forum", "state", "x", "--state", "tri"], &["triaged"]),
        (&["forum", "list", "--priority", "u"], &["urgent"]),
        (&["run", "--agent", "cl"], &["claude"]),
        (&["run", "--base-branch", "ma"], &["main"]),
        (&["policy", "ap"], &["apply"]),
        (&["run", "--workspace-strategy", "f"], &["fork"]),
    ];
    for (words, expected) in rows {
        assert_eq!(names(&stage, words), expected, "{words:?}");
    }
    assert_eq!(names(&stage, &["forum", "thread", ""]), [thread]);
    assert_eq!(names(&stage, &["-C", "..", "close", "o"]), [""; 0], "nothing is there");
    assert_eq!(names(&stage, &["-C", "../api", "close", "tw"]), ["two"]);
    // Options come when they are begun, or when there is nothing else.
    assert!(names(&stage, &["close", ""]).iter().all(|word| !word.starts_with('-')));
    assert!(names(&stage, &["close", "--dr"]).contains(&"--dry-run".to_owned()));
    assert!(names(&stage, &["publish", ""]).contains(&"--dry-run".to_owned()));
    // Nothing of the first program is offered, and nothing of ours that people do not type.
    let all = names(&stage, &[""]);
    for hidden in ["pr", "auth", "operator", "agent", "completions"] {
        assert!(!all.iter().any(|word| word == hidden), "{hidden}");
    }
}

#[test]
fn titles_of_others_stay_text() {
    let stage = stage();
    let fish = offered(&stage, "fish", &["git-metawsm", "close", "on"]);
    assert_eq!(fish, ["one\trunning Fix: the\\x1b[31m parser"]);
    let zsh = offered(&stage, "zsh", &["git-metawsm", "close", "on"]);
    assert_eq!(zsh, ["+one:running Fix: the\\\\x1b[31m parser"]);
}

#[test]
fn asking_changes_nothing_and_starts_nothing() {
    let stage = stage();
    let before = stage.repo.snapshot();
    for program in ["git", "tmux", "docmgr"] {
        stage.world.script(
            program,
            &format!("echo {program} >> '{}'", stage.world.root().join("started").display()),
        );
    }
    for words in [
        &["close", ""][..],
        &["diff", ""],
        &["forum", "thread", ""],
        &["run", "--ticket", ""],
        &["rescue", "show", ""],
        &["docs", "--endpoint", ""],
    ] {
        names(&stage, words);
    }
    assert!(!stage.world.root().join("started").exists(), "a program was started");
    for program in ["git", "tmux", "docmgr"] {
        stage.world.unscript(program);
    }
    before.assert_same(&stage.repo.snapshot());
}

#[test]
fn odd_lines_give_nothing_and_say_nothing() {
    let stage = stage();
    let odd: [&[&str]; 9] = [
        &["--", ""],
        &["close", "--waive", "=", ""],
        &["close", "--no-such", "x", ""],
        &["-C"],
        &["-C", ""],
        &["nonsense", "more", ""],
        &["close", "'half", "quoted"],
        &["run", "$(touch x)", "`id`", ""],
        &["\u{202e}\u{1b}[31m"],
    ];
    for words in odd {
        names(&stage, words);
    }
    let pieces = [
        "close", "--waive", "=", "--", "-", "-C", "run", "--ticket", "a,b", "", ":", "\u{7}", "--json",
        "-qv", "é",
    ];
    let mut random = seed();
    let mut next = |below: usize| {
        // Knuth's line of numbers: the high bits are the good ones.
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(random >> 33).expect("31 bits") % below
    };
    for _ in 0..60 {
        let count = 1 + next(5);
        let words: Vec<_> = (0..count).map(|_| pieces[next(pieces.len())]).collect();
        names(&stage, &words);
    }
    let refused = stage.run(&["completions", "bash"]).code(2);
    refused.tells("Unrecognized subcommand 'completions'");
}

/// The target is 30 ms with a release build on a quiet machine; here it only has to be no pause.
#[test]
fn a_hundred_runs_are_no_pause() {
    let stage = stage();
    let runs = stage.repo.common_dir().join("metawsm/runs");
    let record = std::fs::read_to_string(runs.join("two/run.toml")).expect("a record");
    for number in 0..100 {
        let id = format!("many-{number}");
        std::fs::create_dir(runs.join(&id)).expect("a folder");
        std::fs::write(
            runs.join(&id).join("run.toml"),
            record.replace("id = \"two\"", &format!("id = \"{id}\"")),
        )
        .expect("a record");
    }
    let begin = Instant::now();
    assert_eq!(names(&stage, &["close", "many-"]).len(), 100);
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
}

#[test]
fn bash_completes_below_git() {
    let (Some(bash), Some(git)) =
        (require("bash"), GIT_COMPLETION.iter().find(|file| Path::new(file).is_file()))
    else {
        return;
    };
    let stage = stage();
    let ours = stage.world.home().join(".local/share/bash-completion/completions/git-metawsm");
    // The loader of the package bash-completion, as far as git's completion asks it.
    let script = |line: &str| {
        format!(
            r#"source '{git}'
_completion_loader () {{ [ "$1" = git-metawsm ] && source '{}' ; }}
COMP_LINE='{line}'
COMP_POINT=${{#COMP_LINE}}
COMP_WORDBREAKS=$' \t\n"'"'"'><=;|&(:'
words_of () {{
    local IFS=' ' word piece
    COMP_WORDS=()
    for word in $1; do
        # readline makes words of the characters at which it breaks.
        while [[ $word =~ ^([^=:]*)([=:])(.*)$ ]]; do
            [ -n "${{BASH_REMATCH[1]}}" ] && COMP_WORDS+=("${{BASH_REMATCH[1]}}")
            COMP_WORDS+=("${{BASH_REMATCH[2]}}")
            word=${{BASH_REMATCH[3]}}
        done
        [ -n "$word" ] && COMP_WORDS+=("$word")
    done
    case $1 in *' ') COMP_WORDS+=('') ;; esac
    COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
}}
words_of "$COMP_LINE"
__git_wrap__git_main
printf '<%s>' "${{COMPREPLY[@]}}""#,
            ours.display()
        )
    };
    let rows = [
        ("git metawsm sta", "<status >"),
        ("git metawsm close on", "<one >"),
        ("git metawsm close one --waive clean", "<clean-tree=>"),
        ("git metawsm logs one:a", "<agent >"),
        ("git metawsm close --run-id=tw", "<two >"),
        ("git -C ../api metawsm close tw", "<two >"),
        ("git metawsm close --dry", "<--dry-run >"),
    ];
    for (line, expected) in rows {
        let mut command = stage.world.command(&bash);
        command.args(["--norc", "-c", &script(line)]).current_dir(&stage.repo);
        let output = Output::of(&mut command, "bash");
        assert_eq!(output.stdout, expected, "{line}: {output}");
        assert_eq!(output.stderr, "", "{line}");
    }
    let direct = format!(
        "source '{}'; COMP_WORDS=(git-metawsm close on); COMP_CWORD=2; _git_metawsm_itself; printf '<%s>' \"${{COMPREPLY[@]}}\"",
        ours.display()
    );
    let mut command = stage.world.command(&bash);
    command.args(["--norc", "-c", &direct]).current_dir(&stage.repo);
    assert_eq!(Output::of(&mut command, "bash").ok().stdout, "<one >");
}

#[test]
fn fish_completes_below_git() {
    let Some(fish) = require("fish") else { return };
    let stage = stage();
    let ask = |line: &str| {
        let mut command = stage.world.command(&fish);
        command.args(["-c", "complete -C $argv[1]", line]).current_dir(&stage.repo);
        let output = Output::of(&mut command, "fish").ok();
        assert_eq!(output.stderr, "", "{line}");
        output.stdout.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let says = "one\trunning Fix: the\\x1b[31m parser";
    assert_eq!(ask("git metawsm close on"), [says]);
    assert_eq!(ask("git-metawsm close on"), [says]);
    assert!(ask("git -C ../api metawsm close tw").iter().any(|line| line.starts_with("two\t")));
    assert!(ask("git che").iter().any(|line| line.starts_with("checkout\t")), "git keeps its own");
    assert!(ask("git metawsm sta").iter().any(|line| line.starts_with("status\tShow what needs you")));
    assert!(ask("git metawsm close one --waive clean").contains(&"clean-tree=\tusually block".to_owned()));
}

#[test]
fn zsh_completes_below_git() {
    let Some(zsh) = require("zsh") else { return };
    if require("tmux").is_none() {
        return;
    }
    let stage = stage();
    let functions = stage.world.home().join(".local/share/zsh/site-functions");
    let rc = format!(
        "PS1='> '\nfpath=({} $fpath)\nautoload -U compinit && compinit -u\nsetopt NO_BEEP NO_AUTO_MENU LIST_PACKED\nprint ready\n",
        functions.display()
    );
    std::fs::write(stage.world.home().join(".zshrc"), rc).expect("a start-up file");
    let tmux = |words: &[&str]| stage.world.tmux(words.iter().copied());
    let place = stage.repo.path().display().to_string();
    let shell = zsh.display().to_string();
    tmux(&["new-session", "-d", "-x", "120", "-y", "40", "-s", "z", "-c", &place, &shell]).ok();
    let screen = || tmux(&["capture-pane", "-p", "-t", "z"]).stdout;
    let shows = |words: &str| {
        let mut seen = String::new();
        wait_until(&format!("zsh shows {words:?}"), Duration::from_secs(90), || {
            seen = screen();
            seen.contains(words)
        });
        seen
    };
    shows("ready");
    tmux(&["send-keys", "-t", "z", "--", "git metawsm close on", "Tab"]).ok();
    shows("> git metawsm close one");
    tmux(&["send-keys", "-t", "z", "--", "--waive clea", "Tab", "x"]).ok();
    shows("--waive clean-tree=x");
    tmux(&["send-keys", "-t", "z", "--", "C-u", "git metawsm close ", "Tab"]).ok();
    let seen = shows("Fix: the\\x1b[31m parser");
    assert!(seen.contains("two") && seen.contains("Other work"), "{seen}");
    tmux(&["send-keys", "-t", "z", "--", "C-u", "git-metawsm stat", "Tab"]).ok();
    shows("> git-metawsm status");
}
