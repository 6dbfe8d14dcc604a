//! The README keeps its word: every fenced `sh` line is run as it stands there, every `text` block is what the line
//! before it printed, every `json` block is a good policy, the table of commands and the recorded session are the
//! program's own, and every command named in the text exists. METAWSM_BLESS=1 writes anew what is recorded.

mod commands;
mod session;
mod uninstall;

use crate::kit::{BINARY, Output, Repo, World, require, wait_for};
use clap::CommandFactory;
use git_metawsm::cmd::Cli;
use regex::Regex;
use std::cell::RefCell;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

/// How a line is run. A line of the README that is not listed here fails the test, and so does a line listed here
/// that the README no longer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// As it stands, in the repository `shop` with `docs` beside it, with this exit status.
    InShop(i32),
    /// As above with exit 0; then its agents are waited for.
    AgentsEnd,
    /// As above with exit 0; then the commit of its agent, which goes on.
    AgentCommits,
    /// As above with exit 0; then the question of its agent.
    AgentAsks,
    /// As it stands, in the directory of the tour, with exit 0.
    Here,
    /// As above; then its agents are waited for.
    HereAgentsEnd,
    /// The tour goes on in this directory.
    Cd,
    /// The program that it would install is this package's.
    Install,
}

/// The chapter that has a test of its own.
const UNINSTALL: &str = "Uninstall";

/// What plays the agent of the tour.
const POLICY: &str = r#"echo '{"version": 2, "agents": [{"name": "greeter", "profile": "script"}], "agent_profiles": [{"name": "script", "runner": "shell", "runner_options": {"command": "echo Hello >GREETING.md && git add . && git commit -m Greet"}}]}' >.metawsm/policy.json"#;

const LINES: &[(&str, How)] = &[
    ("cargo install --path . --locked", How::Install),
    ("git metawsm setup", How::InShop(0)),
    ("git init -b main hello", How::Here),
    ("cd hello", How::Cd),
    ("mkdir .metawsm", How::Here),
    (POLICY, How::Here),
    ("git add .metawsm", How::Here),
    ("git commit -m 'Say who works here'", How::Here),
    ("git metawsm policy trust", How::Here),
    ("git metawsm run 'Add a greeting'", How::HereAgentsEnd),
    ("git metawsm status", How::Here),
    ("git metawsm diff", How::Here),
    ("git metawsm check", How::Here),
    ("git metawsm close", How::Here),
    ("git metawsm cleanup", How::Here),
    ("git log --oneline --graph", How::Here),
    ("git metawsm list --all", How::Here),
    ("git metawsm run 'Think about it'", How::InShop(0)),
    ("git metawsm close", How::InShop(3)),
    ("git metawsm stop", How::InShop(0)),
    ("git metawsm resume", How::InShop(0)),
    ("git metawsm discard", How::InShop(0)),
    ("git metawsm log think-about-it", How::InShop(0)),
    ("git metawsm run 'Add a menu'", How::AgentCommits),
    ("git merge --no-ff task/add-a-menu", How::InShop(1)),
    ("git merge --abort", How::InShop(0)),
    ("git metawsm hooks status", How::InShop(0)),
    ("git metawsm discard", How::InShop(0)),
    ("git metawsm rescue list", How::InShop(0)),
    ("git metawsm run 'Rename the product' --repos shop,docs", How::AgentsEnd),
    (
        "git metawsm run --ticket SHOP-7,SHOP-8 --create --repos .,../docs --agent claude,codex",
        How::AgentsEnd,
    ),
    ("git metawsm diff shop-7", How::InShop(0)),
    ("git metawsm close shop-7", How::InShop(0)),
    ("git metawsm run --ticket SHOP-7 --repos .,../docs --doc-home-repo docs", How::AgentsEnd),
    ("git metawsm status shop-7", How::InShop(0)),
    ("git metawsm docs diff shop-7", How::InShop(0)),
    ("git metawsm docs sync shop-7", How::InShop(0)),
    ("git metawsm close shop-7", How::InShop(0)),
    ("git metawsm docs", How::InShop(0)),
    (
        "git metawsm bootstrap --ticket SHOP-9 --goal 'Greet in French' --done 'BONJOUR.md greets the reader'",
        How::AgentsEnd,
    ),
    ("git metawsm status shop-9", How::InShop(0)),
    ("git metawsm close shop-9", How::InShop(0)),
    ("git metawsm run 'Pick a port'", How::AgentAsks),
    ("git metawsm guide --answer 'Take 8080.'", How::AgentsEnd),
    ("git metawsm iterate pick-a-port --feedback 'Say why, too.'", How::AgentsEnd),
    ("git metawsm close pick-a-port", How::InShop(0)),
    (
        "git metawsm forum ask --title 'Which port?' --body 'The old one is taken.' --priority high",
        How::InShop(0),
    ),
    ("git metawsm forum list", How::InShop(0)),
    ("git metawsm forum watch", How::InShop(0)),
    ("git metawsm import --dry-run", How::InShop(1)),
    ("git metawsm import", How::InShop(1)),
    ("git metawsm policy check", How::InShop(0)),
    ("git metawsm policy show", How::InShop(0)),
    ("git metawsm policy trust", How::InShop(0)),
];

/// What `claude` and `codex` are in these tests: the text of the prompt decides.
const AGENT: &str = r#"
case "$*" in
  *'Think about it'*) exec sleep 300 ;;
  *'Greet in French'*)
    echo Bonjour >BONJOUR.md; git add BONJOUR.md; git commit -q -m 'Greet in French'
    said="\"run_id\": \"$METAWSM_RUN\", \"agent\": \"$METAWSM_AGENT\""
    signals="$METAWSM_WORKSPACE/.metawsm"
    echo "{\"status\": \"passed\", \"done_criteria\": \"BONJOUR.md greets the reader\", $said}" >"$signals/v.new"
    mv "$signals/v.new" "$signals/validation-result.json"
    echo "{\"summary\": \"It greets.\", $said}" >"$signals/c.new"
    mv "$signals/c.new" "$signals/implementation-complete.json"
    exit ;;
  *'Say why'* | *'Take 8080'*) echo "8080" >>PORT; git add PORT; git commit -q -m 'Pick a port'; exit ;;
  *'Pick a port'*)
    echo '{"question": "Which port?"}' >"$METAWSM_WORKSPACE/.metawsm/q.new"
    mv "$METAWSM_WORKSPACE/.metawsm/q.new" "$METAWSM_WORKSPACE/.metawsm/guidance-request.json"
    exit ;;
  *'Add a menu'*) echo menu >menu; git add menu; git commit -q -m 'Begin a menu'; exec sleep 300 ;;
esac
for repo in "$METAWSM_WORKSPACE"/*/; do
  cd "$repo"
  case "$METAWSM_AGENT" in agent) file=GREETING.md ;; *) file=$METAWSM_TICKET-$METAWSM_AGENT.md ;; esac
  echo "Hello, reader." >>"$file"
  # Two agents may meet in one worktree.
  until git add "$file" && git commit -q -m 'Add a greeting' -- "$file"; do sleep 0.1; done
done
"#;

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    std::fs::read_to_string(top().join("README.md")).expect("the README")
}

/// A fenced block.
struct Block {
    /// The chapter that it stands in.
    chapter: String,
    language: String,
    text: String,
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let (mut inside, mut chapter) = (false, String::new());
    for line in text.lines() {
        match line.strip_prefix("```") {
            Some(_) if inside => inside = false,
            Some(language) => {
                inside = true;
                let (chapter, language) = (chapter.clone(), language.trim().to_owned());
                blocks.push(Block { chapter, language, text: String::new() });
            }
            None if inside => {
                let block = blocks.last_mut().expect("a block has begun");
                block.text.push_str(line);
                block.text.push('\n');
            }
            None => chapter = line.strip_prefix("## ").map_or(chapter, str::to_owned),
        }
    }
    assert!(!inside, "a block of the README does not end");
    blocks
}

/// Whether what is recorded shall be written anew.
fn is_blessing() -> bool {
    std::env::var_os("METAWSM_BLESS").is_some_and(|v| v == "1")
}

/// Held by whoever writes the README anew.
static WRITES: Mutex<()> = Mutex::new(());

/// Writes these texts into the blocks of these numbers.
fn bless(recorded: &[(usize, String)]) {
    let _held = WRITES.lock().expect("no writer has died");
    let (mut new, mut inside, mut number) = (String::new(), false, 0);
    for line in readme().lines() {
        let fence = line.starts_with("```");
        let text = recorded.iter().find(|(block, _)| inside && *block + 1 == number).map(|(_, text)| text);
        if fence && inside {
            new.push_str(text.map_or("", String::as_str));
        }
        if fence || text.is_none() {
            new.push_str(line);
            new.push('\n');
        }
        number += usize::from(fence && !inside);
        inside ^= fence;
    }
    std::fs::write(top().join("README.md"), new).expect("the README is written");
}

struct Reader {
    world: World,
    shop: Repo,
    /// Where the tour is.
    place: RefCell<PathBuf>,
}

impl Reader {
    fn new() -> Self {
        let world = World::new();
        symlink(BINARY, world.bin().join("git-metawsm")).expect("the program on PATH");
        world.script("claude", AGENT);
        world.script("codex", AGENT);
        let identity = "[user]\n\tname = Ada Tester\n\temail = ada@example.org\n";
        std::fs::write(world.home().join(".gitconfig"), identity).expect("an identity");
        let shop = world.repo("shop");
        let docs = world.repo("docs");
        docs.git(["branch", "develop"]);
        let place = RefCell::new(world.home());
        Self { world, shop, place }
    }

    fn sh(&self, dir: &Path, line: &str) -> Output {
        // Answer and story in the order in which they were written, as on a terminal.
        let mut command = self.world.command("/bin/sh");
        command.arg("-c").arg(format!("exec 2>&1\n{line}")).current_dir(dir);
        Output::of(&mut command, "sh")
    }

    /// Runs a line as the list says and gives what it printed.
    fn run(&self, line: &str, how: How) -> String {
        let shop = self.shop.path();
        match how {
            How::InShop(code) => self.sh(shop, line).code(code).stdout,
            How::AgentsEnd => {
                let printed = self.sh(shop, line).ok().stdout;
                self.wait_for_agents(shop);
                printed
            }
            How::AgentCommits => {
                let printed = self.sh(shop, line).ok().stdout;
                wait_for("the agent has committed", Duration::from_secs(60), || {
                    let ahead = self.shop.git(["rev-list", "--count", "main..task/add-a-menu"]);
                    (ahead == "1").then_some(())
                });
                printed
            }
            How::AgentAsks => {
                let printed = self.sh(shop, line).ok().stdout;
                wait_for("the agent has asked", Duration::from_secs(60), || {
                    let status =
                        self.world.run(["status", "pick-a-port", "--json"]).at(&self.shop).ok().json();
                    (status["runs"][0]["state"] == "awaiting_guidance").then_some(())
                });
                printed
            }
            How::Here => self.sh(&self.place.borrow(), line).ok().stdout,
            How::HereAgentsEnd => {
                let place = self.place.borrow();
                let printed = self.sh(&place, line).ok().stdout;
                self.wait_for_agents(&place);
                printed
            }
            How::Cd => {
                let to = line.strip_prefix("cd ").expect("a directory");
                self.place.borrow_mut().push(to);
                String::new()
            }
            How::Install => {
                let manifest = manifest();
                let bins = manifest["bin"].as_array().expect("binaries");
                assert!(bins.iter().any(|b| b["name"].as_str() == Some("git-metawsm")), "{bins:?}");
                String::new()
            }
        }
    }

    fn wait_for_agents(&self, place: &Path) {
        wait_for("every open run is completed", Duration::from_secs(60), || {
            let status = self.world.run(["status", "--json"]).at(place).ok().json();
            let runs = status["runs"].as_array().cloned().unwrap_or_default();
            runs.iter().all(|run| run["state"] == "completed").then_some(())
        });
    }

    /// With what differs from run to run masked.
    fn masked(&self, text: &str) -> String {
        let text = self.world.masked(&self.presented(text));
        let masks = [
            (r"runs/\d{4}-\d\d/", "runs/MONTH/"),
            (r"\b[0-9a-f]{12}\b", "OID"),
            (r"\b[0-9a-f]{7}\b", "OID"),
            (r"\b\d+ (s|min|seconds?|minutes?)\b", "AGE"),
            (r"\bjust now\b", "AGE ago"),
        ];
        masks.iter().fold(text, |text, (pattern, to)| {
            Regex::new(pattern).expect("a pattern of ours").replace_all(&text, *to).into_owned()
        })
    }

    /// As a reader sees it at home.
    fn presented(&self, text: &str) -> String {
        let text = text.replace(&*self.world.home().to_string_lossy(), "~");
        text.replace(&*self.shop.path().to_string_lossy(), "~/shop")
    }
}

fn manifest() -> toml::Table {
    let text = std::fs::read_to_string(top().join("Cargo.toml")).expect("the manifest");
    toml::from_str(&text).expect("a manifest is TOML")
}

#[test]
fn every_command_of_the_readme_does_what_the_readme_says() {
    // The samples are those of tmux.
    let Some(_) = require("tmux") else { return };
    let reader = Reader::new();
    let mut left = LINES.iter();
    let (mut printed, mut recorded) = (String::new(), Vec::new());
    for (number, block) in blocks(&readme()).into_iter().enumerate().filter(|(_, b)| b.chapter != UNINSTALL) {
        match block.language.as_str() {
            "sh" => {
                for line in block.text.lines() {
                    let (expected, how) =
                        left.next().unwrap_or_else(|| panic!("not listed in this test: {line}"));
                    assert_eq!(line, *expected, "the README and the list of this test part here");
                    printed = reader.run(line, *how);
                }
            }
            "text" if is_blessing() && reader.masked(&printed) != reader.masked(&block.text) => {
                recorded.push((number, reader.presented(&printed)));
            }
            "text" => {
                assert_eq!(reader.masked(&printed), reader.masked(&block.text), "after the lines before it");
            }
            "json" => check_policy(&reader, &block.text),
            other => panic!("nothing is known of blocks in '{other}'"),
        }
    }
    assert_eq!(left.next(), None, "the README no longer holds this line");
    if !recorded.is_empty() {
        bless(&recorded);
    }
    let page = reader.world.home().join(".local/share/man/man1/git-metawsm.1");
    assert!(page.is_file(), "{} was installed", page.display());
    assert_eq!(reader.shop.git(["status", "--porcelain"]), "?? .metawsm/policy.json");
}

/// The example is taken as it stands by the commands that follow it.
fn check_policy(reader: &Reader, text: &str) {
    reader.shop.write(".metawsm/policy.json", text);
    reader.world.run(["policy", "check"]).at(&reader.shop).ok();
}

#[test]
fn every_command_that_the_text_of_the_readme_names_exists() {
    let program = Cli::command();
    let named = Regex::new(r"`git metawsm ([a-z][a-z-]*)([^`]*)`").expect("a pattern");
    let flags = Regex::new(r"--([a-z][a-z-]*)").expect("a pattern");
    let mut found = 0;
    for line in readme().lines() {
        for words in named.captures_iter(line) {
            found += 1;
            let command = program.find_subcommand(&words[1]);
            let below = words[2].split_whitespace().next().and_then(|word| command?.find_subcommand(word));
            let command = below.or(command);
            assert!(command.is_some() || &words[1] == "help", "no command: {line}");
            for flag in flags.captures_iter(&words[2]) {
                let known =
                    command.is_some_and(|c| c.get_arguments().any(|a| a.get_long() == Some(&flag[1])));
                assert!(known, "'{}' has no --{}: {line}", &words[1], &flag[1]);
            }
        }
    }
    assert!(found > 5, "only {found} commands were found in the text");
}

#[test]
fn every_place_that_the_readme_names_in_this_repository_is_there() {
    for name in
        ["src/lib.rs", "ttmp", ".ci/run", "fixtures/schema", "fixtures/session.svg", "tests/run", "LICENSE"]
    {
        assert!(PathBuf::from(top()).join(name).exists(), "{name}");
    }
}
