//! Signal files as an enemy would write them: each is named, harmless, and left where it is, and the run goes on with a
//! good signal beside it.

use crate::kit::{BINARY, Output, wait_until};
use crate::stage::{PATIENCE, Stage, id, tree, workspace};
use nix::sys::stat::{Mode, SFlag};
use serde_json::Value;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;

const KINDS: [&str; 3] = ["guidance-request", "implementation-complete", "validation-result"];

/// The most memory that a command may ask for, in KiB: far less than the largest of the files.
const MEMORY: &str = "600000";

/// Terminal escapes, marks that turn text around, and what else should not be read by a terminal.
const TRICKS: [&str; 20] = [
    "\u{1b}[31mred\u{1b}[0m",
    "\u{1b}]0;title\u{7}",
    "\u{1b}]52;c;cm0gLXJmIC8K\u{7}",
    "\u{1b}[2J\u{1b}[H gone",
    "\u{9b}31m C1",
    "\u{202e}gnp.exe",
    "\u{2066}isolated\u{2069}",
    "\u{200f}mark\u{200e}",
    "zero\u{200b}width",
    "\u{feff}bom",
    "bell\u{7}",
    "back\u{8}\u{8}\u{8}space",
    "carriage\rreturn",
    "two\nlines\nand \u{1b}c",
    "tab\tbed",
    "nul\u{0}led",
    "del\u{7f}",
    "\u{2028}line\u{2029}paragraph",
    "; rm -rf / #$(touch x)`touch y`",
    "...",
];

struct Theatre {
    stage: Stage,
    run: Value,
    roots: [PathBuf; 2],
}

impl Theatre {
    /// A run whose agent sleeps; its wrapper looks at everything too.
    fn new() -> Self {
        let stage = Stage::new(&[("coder", "exec sleep 600")]);
        let run = stage.run(&["--ticket", "T-1", "Be attacked"]);
        let roots = [workspace(&run, 0).join(".metawsm"), tree(&run, 0, "api").join(".metawsm")];
        Self { stage, run, roots }
    }

    /// A command that may not take much memory; what it prints is looked at byte by byte.
    #[track_caller]
    fn says(&self, words: &[&str]) -> Output {
        let limited = format!("ulimit -v {MEMORY}; exec timeout -s KILL 60 \"$@\"");
        let mut command = self.stage.world.command("sh");
        command.args(["-c", &limited, "sh", BINARY]).args(words).current_dir(self.stage.api.path());
        let raw = command.stdin(Stdio::null()).output().expect("it starts");
        for bytes in [&raw.stdout, &raw.stderr] {
            let bad = bytes.iter().find(|b| (**b < 0x20 && !b"\n\t".contains(*b)) || **b == 0x7f);
            let text = String::from_utf8(bytes.clone()).expect("what is printed is text");
            assert_eq!(bad, None, "a raw control byte in {text:?}");
            let deceives = |c: char| !matches!(c, '\n' | '\t') && git_metawsm::model::is_deceptive(c);
            assert!(!text.contains(deceives), "{text:?}");
            assert!(!text.contains("panicked"), "{text}");
        }
        let mut again = self.stage.world.command("true");
        let mut output = Output::of(&mut again, &words.join(" "));
        output.status = raw.status.code();
        output.stdout = String::from_utf8_lossy(&raw.stdout).into_owned();
        output.stderr = String::from_utf8_lossy(&raw.stderr).into_owned();
        output
    }

    /// The hostile thing is named with its path and left as it is, and a good word beside it is taken.
    #[track_caller]
    fn stays(&self, path: &Path) {
        let meta = path.symlink_metadata().expect("it is there");
        let good =
            self.roots.iter().find(|root| Some(root.as_path()) != path.parent()).expect("another root");
        let good = good.join("validation-result.json");
        put(&good, br#"{"status": "failed", "summary": "a good word"}"#);
        let output = self.says(&["status", id(&self.run)]).ok();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let plain = git_metawsm::model::plain_line(&name);
        let shown = output.stdout.contains(&plain) || !name.is_ascii();
        assert!(
            shown && output.stdout.contains("was left alone"),
            "{} is not named in {output}",
            path.display()
        );
        let now = path.symlink_metadata().unwrap_or_else(|_| panic!("{} was taken", path.display()));
        assert_eq!((now.ino(), now.size(), now.mtime()), (meta.ino(), meta.size(), meta.mtime()));
        // The wrapper of the agent may be just about to take it.
        wait_until("the good word is taken", PATIENCE, || !good.exists());
        let output = self.says(&["status", id(&self.run)]).ok();
        assert!(output.stdout.contains("a good word"), "{output}");
        if meta.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) }
            .expect("removed");
    }
}

fn put(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder");
    let temp = path.with_file_name("elsewhere.part");
    std::fs::write(&temp, bytes).expect("written");
    std::fs::rename(temp, path).expect("in place");
}

/// Bytes that are no signal of any kind.
fn never() -> Vec<(&'static str, Vec<u8>)> {
    let text = |text: &str| text.as_bytes().to_vec();
    vec![
        ("nothing", Vec::new()),
        ("a blank", text(" \n\t ")),
        ("NUL", vec![0; 512]),
        ("NUL behind", text("{\"summary\":\"x\"}\0")),
        ("no UTF-8", vec![0xff, 0xfe, b'{', b'}']),
        ("no UTF-8 inside", [b"{\"summary\":\"".as_slice(), &[0xc3, 0x28], b"\"}"].concat()),
        ("half a character", [b"{\"summary\":\"".as_slice(), &[0xe2, 0x82]].concat()),
        ("a byte order mark", [&[0xef, 0xbb, 0xbf][..], b"{}"].concat()),
        ("UTF-16", "{}".encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("half of it", text("{\"question\": \"x")),
        ("two of it", text("{}{}")),
        ("a comment", text("{} // done")),
        ("a comma too many", text("{\"summary\": \"x\",}")),
        ("single quotes", text("{'summary': 'x'}")),
        ("no quotes", text("{summary: 1}")),
        ("a list", text("[]")),
        ("a text", text("\"done\"")),
        ("a number", text("42")),
        ("null", text("null")),
        ("true", text("true")),
        ("YAML", text("question: x\nstatus: passed\n")),
        ("a page", text("<html></html>")),
        ("brackets without end", "[".repeat(60_000).into_bytes()),
        ("a million brackets", "[".repeat(1_000_000).into_bytes()),
        ("a million pairs", ("[".repeat(1_000_000) + &"]".repeat(1_000_000)).into_bytes()),
        ("deep objects", "{\"context\":".repeat(5_000).into_bytes()),
        ("too large", format!("{{\"summary\": \"{}\"}}", "x".repeat(65_536)).into_bytes()),
        ("a key twice", text(r#"{"run_id": "a", "run_id": "b"}"#)),
        (
            "every key twice",
            text(r#"{"question": "a", "status": "passed", "question": "b", "status": "failed"}"#),
        ),
        ("a number without end", text("{\"timestamp\": 1e999999}")),
        (
            "a run of others",
            text(r#"{"question":"x","summary":"x","status":"passed","run_id":"run-20200101-000000-aaaa"}"#),
        ),
        ("a run that is a path", text(r#"{"run_id": "../../etc/passwd"}"#)),
        ("a run that is a number", text(r#"{"run_id": 1}"#)),
        ("an agent that is nobody", text(r#"{"agent": "nobody"}"#)),
        ("an agent with an escape", text("{\"agent\": \"\\u001b[31m\"}")),
        ("an agent that is a list", text(r#"{"agent": ["coder"]}"#)),
        ("another ticket", text(r#"{"ticket": "T-2"}"#)),
        ("a key that nobody knows", text(r#"{"\u001b[2Jdone\u202e": true}"#)),
        ("a prototype", text(r#"{"__proto__": {"status": "passed"}}"#)),
        ("a bare escape", text("{\"\u{1b}[31m\": 1}")),
        ("bad escapes", text(r#"{"summary": "\ud800\x"}"#)),
        ("a lone surrogate", text(r#"{"summary": "\ud800"}"#)),
    ]
}

/// Bytes that are no signal of this kind.
fn of_kind() -> [Vec<&'static str>; 3] {
    [
        vec![
            "{}",
            r#"{"question": ""}"#,
            r#"{"question": " \n\u202e\u200b"}"#,
            r#"{"question": null}"#,
            r#"{"question": 5}"#,
            r#"{"question": ["a"]}"#,
            r#"{"qestion": "typo"}"#,
            r#"{"question": "x", "context": {"a": 1, "a": 2}}"#,
            r#"{"question": "x", "answer": "I answer myself"}"#,
        ],
        vec![
            r#"{"summary": {}}"#,
            r#"{"status": "failed"}"#,
            r#"{"status": true}"#,
            r#"{"result": "failed"}"#,
            r#"{"sumary": "typo"}"#,
        ],
        vec![
            "{}",
            r#"{"status": ""}"#,
            r#"{"status": "perhaps"}"#,
            r#"{"status": "\u001b[32mpassed"}"#,
            r#"{"status": 1}"#,
            r#"{"status": "passed", "done_criteria": 5}"#,
            r#"{"status": "passed", "brief": "typo"}"#,
        ],
    ]
}

#[test]
fn what_is_no_signal_is_named_and_left_where_it_is() {
    let theatre = Theatre::new();
    let mut cases = 0;
    for (at, kind) in KINDS.iter().enumerate() {
        let odd = of_kind();
        let own = odd[at].iter().map(|text| text.as_bytes().to_vec());
        for bytes in never().into_iter().map(|(_, bytes)| bytes).chain(own) {
            let root = &theatre.roots[cases % 2];
            let path = root.join(format!("{kind}{}.json", if cases % 3 == 0 { "-coder" } else { "" }));
            put(&path, &bytes);
            theatre.stays(&path);
            cases += 1;
        }
    }
    assert!(cases >= 140, "{cases} cases");
    assert_eq!(theatre.stage.look(id(&theatre.run))["state"], "running", "none of them counts");
}

#[test]
fn what_is_no_file_is_named_and_left_where_it_is() {
    let theatre = Theatre::new();
    let outside = theatre.stage.world.root().join("outside");
    std::fs::create_dir(&outside).expect("a folder");
    let bait = br#"{"question": "x"}"#;
    std::fs::write(outside.join("bait.json"), bait).expect("written");
    for (at, kind) in KINDS.iter().enumerate() {
        let root = &theatre.roots[at % 2];
        let path = root.join(format!("{kind}.json"));
        std::fs::create_dir_all(root).expect("the root");
        symlink(outside.join("bait.json"), &path).expect("a link");
        theatre.stays(&path);
        symlink("/nowhere/at/all", &path).expect("a link");
        theatre.stays(&path);
        symlink("/dev/zero", &path).expect("a link");
        theatre.stays(&path);
        symlink(&path, &path).expect("a link");
        theatre.stays(&path);
        nix::unistd::mkfifo(&path, Mode::S_IRWXU).expect("a pipe");
        theatre.stays(&path);
        std::fs::create_dir(&path).expect("a folder");
        theatre.stays(&path);
        std::fs::create_dir_all(path.join("guidance-request.json/x")).expect("folders");
        theatre.stays(&path);
        std::fs::hard_link(outside.join("bait.json"), &path).expect("a second name");
        theatre.stays(&path);
        let file = std::fs::File::create(&path).expect("a file");
        file.set_len(1 << 30).expect("a gibibyte of nothing");
        theatre.stays(&path);
        drop(std::os::unix::net::UnixListener::bind(&path).expect("a socket"));
        theatre.stays(&path);
        let zero = nix::sys::stat::makedev(1, 5);
        if nix::sys::stat::mknod(&path, SFlag::S_IFCHR, Mode::S_IRWXU, zero).is_ok() {
            theatre.stays(&path);
        }
    }
    assert_eq!(std::fs::read(outside.join("bait.json")).expect("untouched"), bait);
    assert_eq!(std::fs::read_dir(&outside).expect("there").count(), 1, "nothing was moved out");
}

#[test]
fn odd_names_are_named_and_a_flood_of_them_hides_nothing() {
    let theatre = Theatre::new();
    let root = &theatre.roots[0];
    let names: Vec<OsString> = vec![
        "guidance-request-.json".into(),
        "guidance-request-nobody.json".into(),
        "guidance-request- .json".into(),
        "guidance-request-..json".into(),
        "guidance-request---coder.json".into(),
        "guidance_request.json".into(),
        "Guidance-Request.json".into(),
        "implementation-complete-\u{1b}[31m.json".into(),
        "implementation-complete-\u{202e}redoc.json".into(),
        "validation-result-a\nb.json".into(),
        "validation-result-$(touch x).json".into(),
        OsString::from_vec(b"guidance-request-\xff\xfe.json".to_vec()),
    ];
    for name in names {
        let path = root.join(&name);
        put(&path, br#"{"question": "x"}"#);
        theatre.stays(&path);
    }
    for at in 0..6000 {
        std::fs::write(root.join(format!("guidance-request-{at}.json")), "{}").expect("written");
    }
    let good = root.join("validation-result-coder.json");
    put(&good, br#"{"status": "failed", "summary": "in the flood"}"#);
    let output = theatre.says(&["status", id(&theatre.run)]).ok();
    assert!(!good.exists() && output.stdout.contains("in the flood"), "{output}");
    assert!(output.stdout.contains("more than 4096 files lie in it"), "{output}");
    assert!(output.stdout.len() < 60_000, "the flood stays short: {}", output.stdout.len());
}

#[test]
fn a_root_that_is_none_is_named_and_the_other_still_counts() {
    let theatre = Theatre::new();
    let root = &theatre.roots[1];
    let outside = theatre.stage.world.root().join("outside");
    std::fs::create_dir(&outside).expect("a folder");
    std::fs::write(outside.join("implementation-complete.json"), "{}").expect("written");
    let _ = std::fs::remove_dir_all(root);
    symlink(&outside, root).expect("a link");
    theatre.stays(root);
    std::fs::write(root, "").expect("a file");
    theatre.stays(root);
    // A place for taken signals that leads elsewhere takes none.
    std::fs::create_dir(root).expect("a folder");
    symlink(&outside, root.join("seen")).expect("a link");
    put(&root.join("implementation-complete.json"), b"{}");
    let output = theatre.says(&["status", id(&theatre.run)]).ok();
    assert!(output.stdout.contains("seen is not a directory"), "{output}");
    assert_eq!(std::fs::read_dir(&outside).expect("there").count(), 1, "nothing was moved out");
    assert_eq!(theatre.stage.look(id(&theatre.run))["state"], "running");
}

#[test]
fn no_words_of_an_agent_reach_a_terminal_as_they_are() {
    let theatre = Theatre::new();
    let run = id(&theatre.run);
    let taken = |path: &Path| {
        wait_until("it is taken", PATIENCE, || {
            theatre.stage.do_(["status", run]).ok();
            !path.exists()
        });
    };
    for (at, trick) in TRICKS.iter().enumerate() {
        let root = &theatre.roots[at % 2];
        let say = |kind: &str, words: Value| {
            let path = root.join(format!("{kind}.json"));
            put(&path, words.to_string().as_bytes());
            taken(&path);
        };
        say(
            "validation-result",
            serde_json::json!({ "status": "failed", "summary": trick, "brief_id": trick }),
        );
        say("guidance-request", serde_json::json!({ "question": trick, "context": { *trick: [trick] } }));
        theatre.says(&["status"]).ok();
        theatre.says(&["status", run, "--json"]).ok();
        theatre.says(&["check", run]);
        let threads = theatre.stage.do_(["forum", "list", "--json"]).ok().json();
        let thread =
            threads["threads"].as_array().and_then(|all| all.iter().find(|t| t["state"] == "waiting_human"));
        let thread = thread.unwrap_or_else(|| panic!("{trick:?} was not asked: {threads:#}"))["id"].clone();
        let thread = thread.as_str().expect("an id");
        for words in
            [&["forum", "list"][..], &["forum", "thread", thread], &["forum", "thread", thread, "--json"]]
        {
            theatre.says(words).ok();
        }
        theatre.stage.do_(["forum", "answer", thread]).stdin(*trick).output();
        theatre.stage.do_(["forum", "close", thread]).ok();
        theatre.says(&["status", run]).ok();
    }
    put(&theatre.roots[0].join("implementation-complete.json"), br#"{"summary": "\u001b[5mdone\u202e"}"#);
    theatre.stage.wait_state(run, "completed");
    for words in
        [&["status", run][..], &["log", run], &["check", run], &["close", run, "--dry-run"], &["list"]]
    {
        theatre.says(words);
    }
}

#[test]
fn what_is_replaced_while_it_is_read_is_taken_once_or_left() {
    let theatre = Theatre::new();
    let run = id(&theatre.run);
    let path = theatre.roots[0].join("validation-result.json");
    let seen = theatre.roots[0].join("seen");
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for at in 0..300 {
                let text = format!(r#"{{"status": "failed", "summary": "number {at}"}}"#);
                if at % 3 == 0 {
                    // In place, as a careless agent does.
                    std::fs::write(&path, text).expect("written");
                } else {
                    put(&path, text.as_bytes());
                }
            }
        });
        while !writer.is_finished() {
            theatre.says(&["status", run]).ok();
        }
    });
    wait_until("the last one is taken", PATIENCE, || {
        theatre.stage.do_(["status", run]).ok();
        !path.exists()
    });
    let view = theatre.stage.status(run);
    assert_eq!(view["agents"][0]["validation"]["summary"], "number 299", "the newest counts");
    let files: Vec<_> = std::fs::read_dir(&seen).expect("there").flatten().collect();
    for file in &files {
        let text = std::fs::read_to_string(file.path()).expect("a file");
        serde_json::from_str::<Value>(&text).unwrap_or_else(|e| panic!("{text:?} was taken: {e}"));
    }
    let entries = theatre.stage.do_(["log", run, "--json"]).ok().json();
    let lines = entries["entries"].as_array().expect("lines").iter();
    let taken = lines.filter(|line| line["event"] == "validation signal").count();
    assert!(taken >= files.len() && !files.is_empty(), "{taken} words of {} files", files.len());
}
