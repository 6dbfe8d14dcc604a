use super::*;
use crate::model::GateLevel;
use crate::policy::{Command, RunMode, Runner, TestCommands, template};
use proptest::prelude::*;

const EXAMPLE: &str = include_str!("../../fixtures/policy/first-program-example.json");
const FIRST_DEFAULT: &str = include_str!("../../fixtures/policy/first-program-default.json");
const EVERY_KEY: &str = include_str!("../../fixtures/policy/every-key.toml");
const BROKEN: &str = include_str!("../../fixtures/policy/broken.json");

fn sentences(text: &str, format: Format) -> Vec<String> {
    match parse(text, format) {
        Ok(policy) => panic!("{text:?} must be refused, but was read as {policy:?}"),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn an_empty_policy_is_the_default_one() {
    assert_eq!(parse("{}", Format::Json), Ok(Policy::default()));
    assert_eq!(parse("", Format::Toml), Ok(Policy::default()));
    assert_eq!(parse("\u{feff}{\"docs\": null, \"agents\": null}", Format::Json), Ok(Policy::default()));
}

#[test]
fn policies_of_the_first_program_are_read() {
    let example = parse(EXAMPLE, Format::Json).expect("its example is valid");
    let profile = example.profile("codex-default").expect("the profile is there");
    assert_eq!((profile.runner, profile.runner_options.full_auto), (Runner::Codex, true));
    assert_eq!(profile.skills, ["docmgr", "diary"]);
    assert_eq!(example.agents.len(), 1);
    assert!(["auto", "claude", "codex", "shell"].iter().all(|name| example.profile(name).is_some()));
    assert_eq!(example.docs.api.workspace_endpoints[0].workspace, "shop-001");
    assert_eq!(example.workspace.base_branch.as_deref(), Some("main"));

    let default = parse(FIRST_DEFAULT, Format::Json).expect("what its policy-init wrote is valid");
    assert_eq!(default.agents[0].profile, "default-shell");
    let ours = Policy::default();
    assert_eq!(default.operator, ours.operator);
    assert_eq!(default.forum, ours.forum);
    assert_eq!(default.git_pr, ours.git_pr);
    assert_eq!(default.health, ours.health);
    assert_eq!(default.docs, ours.docs);
}

#[test]
fn every_key_can_be_set() {
    let policy = parse(EVERY_KEY, Format::Toml).expect("the fixture is valid");
    let written = Node::parse(EVERY_KEY, Format::Toml).expect("it is TOML");
    for path in Shape::of_policy().paths() {
        assert!(has(&written, &path), "the fixture lacks {path}");
    }
    assert_eq!(policy.version, 1);
    assert_eq!(policy.workspace.setup_commands[0], Command::Shell("make deps".to_owned()));
    assert_eq!(policy.gate_level("clean-tree", GateLevel::Block), GateLevel::Block);
    assert_eq!(policy.gate_level("docs-fresh", GateLevel::Warn), GateLevel::Off);
    assert_eq!(policy.profile("aider").map(|p| p.runner_options.mode), Some(RunMode::Headless));
    assert_eq!(policy.git_pr.test_commands.by_repo.len(), 1);
}

/// Whether the written policy holds the dotted path, in which `[]` stands for any entry of a list.
fn has(node: &Node, path: &str) -> bool {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let (key, listed) = first.strip_suffix("[]").map_or((first, false), |key| (key, true));
    let Node::Table(entries) = node else { return false };
    entries.iter().filter(|(found, _)| found == key).any(|(_, node)| match (node, rest) {
        (_, None) => true,
        (Node::List(items), Some(rest)) if listed => items.iter().any(|item| has(item, rest)),
        (_, Some(rest)) => has(node, rest),
    })
}

#[test]
fn all_problems_are_reported_at_once_and_as_sentences() {
    let found = sentences(BROKEN, Format::Json);
    let expected = include_str!("../../fixtures/policy/broken.txt");
    assert_eq!(found.join("\n") + "\n", expected);
}

#[test]
fn single_rules_hold() {
    let cases = [
        ("version = 0", "version is 0, but it must be a whole number from 1 to 2."),
        ("version = -1", "version is -1, but it must be a whole number from 1 to 2."),
        ("version = \"2\"", "version is \"2\", but it must be a whole number."),
        (
            "version = 3\nunheard_of = 1",
            "The policy has version 3, but this program knows versions up to 2; a newer program is needed.",
        ),
        (
            "execution.step_retries = 1.5",
            "execution.step_retries is 1.5, but it must be a whole number from 0 to 4294967295.",
        ),
        (
            "execution.step_retries = 2020-01-01",
            "execution.step_retries is 2020-01-01, but it must be a whole number.",
        ),
        ("agents = []", "agents is [], but it must be a list with at least one entry."),
        ("agent_profiles = []", "agent_profiles is [], but it must be a list with at least one entry."),
        (
            "tmux.session_pattern = \" \"",
            "tmux.session_pattern is \" \", but it must be a text that is not empty.",
        ),
        ("tmux = 1", "tmux is 1, but it must be a table of keys."),
        ("notify.command = \"x\"", "notify.command is \"x\", but it must be a list of texts."),
        (
            "git_pr.test_commands = \"x\"",
            "git_pr.test_commands is \"x\", but it must be a list of commands, or a table from repository to such a list.",
        ),
        (
            "git_pr.test_commands = { api = \"x\" }",
            "git_pr.test_commands.api is \"x\", but it must be a list of commands.",
        ),
        (
            "git_pr.test_commands = [[\"\"]]",
            "git_pr.test_commands[0] is [\"\"], but it must be a list of texts that starts with a program.",
        ),
        (
            "sessions.backend = \"screen\"",
            "sessions.backend is \"screen\", but it must be one of auto, tmux, process.",
        ),
        ("sesions.backend = \"tmux\"", "The policy has no key sesions; did you mean sessions?"),
        ("qqq = 1", "The policy has no key qqq."),
        ("idle_seconds = 1", "The policy has no key idle_seconds; did you mean health.idle_seconds?"),
        ("\"a\\u001bb\" = 1", "The policy has no key \"a\\u{1b}b\"."),
        (
            "close.gates.chekcs = \"off\"",
            "The policy has no key close.gates.chekcs; did you mean close.gates.checks?",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(sentences(text, Format::Toml), [expected], "{text}");
    }
}

#[test]
fn a_text_that_is_no_policy_says_where() {
    let json = sentences("{\n  \"version\": 2,,\n}", Format::Json);
    assert!(json[0].starts_with("The policy cannot be read:") && json[0].contains("line 2"), "{json:?}");
    let toml = sentences("version = = 2", Format::Toml);
    assert!(toml[0].starts_with("The policy cannot be read:") && toml[0].contains("line 1"), "{toml:?}");
    assert_eq!(
        sentences("[]", Format::Json),
        ["The policy cannot be read: it must be an object, from '{' to '}'."]
    );
    assert_eq!(sentences("", Format::Json).len(), 1);
    assert_eq!(sentences(&"[".repeat(100_000), Format::Json).len(), 1);
}

#[test]
fn words_are_taken_in_any_case_as_the_first_program_did() {
    let policy = parse("git_pr.mode = \" Auto\"", Format::Toml).expect("it is taken");
    assert_eq!(policy.git_pr.mode.as_str(), "auto");
}

#[test]
fn a_profile_of_the_file_replaces_the_built_in_one_of_its_name() {
    let text = "[[agent_profiles]]\nname = \"shell\"\nrunner = \"shell\"\nrunner_options.command = \"zsh\"";
    let policy = parse(text, Format::Toml).expect("it is valid");
    let shell = policy.profile("shell").expect("it is there");
    assert_eq!(shell.runner_options.command, Command::Shell("zsh".to_owned()));
    assert_eq!(policy.agent_profiles.len(), Policy::default().agent_profiles.len());
}

#[test]
fn a_policy_survives_its_record_and_keeps_its_hash() {
    for policy in [
        Policy::default(),
        parse(EXAMPLE, Format::Json).expect("valid"),
        parse(EVERY_KEY, Format::Toml).expect("valid"),
    ] {
        let table = to_table(&policy);
        let text = toml::to_string(&table).expect("a record can be written");
        let back = from_table(&text.parse().expect("it is TOML"));
        assert_eq!(back.as_ref(), Ok(&policy));
        assert_eq!(back.map(|back| hash(&back)), Ok(hash(&policy)));
        let json = serde_json::to_string(&policy).expect("it serializes");
        assert_eq!(parse(&json, Format::Json), Ok(policy));
    }
    assert!(hash(&Policy::default()).starts_with("sha256:"));
    assert_ne!(hash(&Policy::default()), hash(&parse(EXAMPLE, Format::Json).expect("valid")));
}

#[test]
fn both_templates_say_the_defaults_and_toml_shows_every_key() {
    let text = template(Format::Toml);
    let shown: String = text
        .lines()
        .map(|line| {
            line.strip_prefix("# ").filter(|rest| is_key_line(rest)).unwrap_or(line).to_owned() + "\n"
        })
        .collect();
    assert_eq!(parse(&shown, Format::Toml), Ok(Policy::default()), "{shown}");
    let written = Node::parse(&shown, Format::Toml).expect("it is TOML");
    for path in Shape::of_policy().paths() {
        let example = path.contains("[]") || path == "workspace.base_branch";
        assert!(example || has(&written, &path), "the template lacks {path}");
    }
}

fn is_key_line(line: &str) -> bool {
    line.split_once(" = ").is_some_and(|(key, _)| key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
}

#[test]
fn personal_keys_lie_over_the_file() {
    let personal = Personal {
        agent: Some("claude".to_owned()),
        workspace_root: Some("/w".to_owned()),
        sessions_backend: Some("process".to_owned()),
        notify_command: Some(vec!["say".to_owned()]),
        color: Some("never".to_owned()),
    };
    let policy = layer(parse(EXAMPLE, Format::Json).expect("valid"), &personal).expect("all are valid");
    assert_eq!((policy.agents[0].name.as_str(), policy.agents[0].profile.as_str()), ("claude", "claude"));
    assert_eq!(policy.workspace.root, "/w");
    assert_eq!(policy.sessions.backend, SessionsBackend::Process);
    assert_eq!(policy.notify.command, ["say"]);
    assert_eq!(layer(Policy::default(), &Personal::default()), Ok(Policy::default()));
}

#[test]
fn wrong_personal_keys_are_all_named() {
    let personal = Personal {
        agent: Some("nobody".to_owned()),
        workspace_root: Some(String::new()),
        sessions_backend: Some("screen".to_owned()),
        notify_command: Some(vec![String::new()]),
        color: Some("red".to_owned()),
    };
    let problems = layer(Policy::default(), &personal).expect_err("all are wrong");
    let keys: Vec<_> = problems.iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "metawsm.agent",
            "metawsm.workspace.root",
            "metawsm.sessions.backend",
            "metawsm.notify.command",
            "metawsm.color"
        ]
    );
}

#[test]
fn agents_are_chosen_by_role_or_else_by_profile() {
    let policy = parse(EVERY_KEY, Format::Toml).expect("valid");
    let choose = |names: &[&str]| {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        policy.choose_agents(&names, "--agent").map(|roles| {
            roles.iter().map(|role| format!("{}:{}", role.name, role.profile)).collect::<Vec<_>>()
        })
    };
    assert_eq!(choose(&[]), Ok(vec!["lead:aider".to_owned(), "second:claude".to_owned()]));
    assert_eq!(choose(&["second", "second"]), Ok(vec!["second:claude".to_owned()]));
    assert_eq!(choose(&["codex", "lead"]), Ok(vec!["codex:codex".to_owned(), "lead:aider".to_owned()]));
    let problems = choose(&["x", "y"]).expect_err("neither exists");
    assert_eq!(
        problems[0].to_string(),
        "--agent is \"x\", but it must be one of the agents (lead, second) or of the profiles (aider, auto, claude, codex, shell, default-shell) of the policy."
    );
    assert_eq!(problems.len(), 2);
}

#[test]
fn test_commands_say_whether_there_are_any() {
    assert!(TestCommands::default().is_empty());
    let none = parse("git_pr.test_commands = { api = [] }", Format::Toml).expect("valid");
    assert!(none.git_pr.test_commands.is_empty());
}

#[test]
fn a_branch_is_named_by_prefix_and_workspace() {
    let mut workspace = Policy::default().workspace;
    assert_eq!(workspace.branch_of("mw-1"), "task/mw-1");
    workspace.branch_prefix = String::new();
    assert_eq!(workspace.branch_of("mw-1"), "mw-1");
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(text in ".{0,200}") {
        let _ = parse(&text, Format::Json);
        let _ = parse(&text, Format::Toml);
    }

    #[test]
    fn any_value_under_any_key_is_judged_without_a_panic(
        at in 0usize..200,
        value in prop_oneof![
            Just("null"), Just("true"), Just("-1"), Just("1e400"), Just("99999999999"), Just("\"\""),
            Just("\"x\\u0000\""), Just("[]"), Just("[null]"), Just("[[1]]"), Just("[{\"name\": 1}]"), Just("{}"),
            Just("{\"*\": [\"a\"]}"), Just("{\"a b\": \"c\"}"), Just("0.5"),
        ],
    ) {
        let paths = Shape::of_policy().paths();
        let path = &paths[at % paths.len()];
        let mut text = value.to_owned();
        for key in path.rsplit('.') {
            let (key, listed) = key.strip_suffix("[]").map_or((key, false), |key| (key, true));
            text = if listed { format!("{{{key:?}: [{text}]}}") } else { format!("{{{key:?}: {text}}}") };
        }
        if let Ok(policy) = parse(&text, Format::Json) {
            prop_assert_eq!(from_table(&to_table(&policy)), Ok(policy));
        }
    }
}
