//! `demo`: the main job, whole, on two throwaway repositories, with a scripted agent. It drives this very program
//! as a user would, with a HOME of its own and nothing but git.

use super::event::{Event, Progress};
use super::{ServiceError, ServiceResult};
use crate::sys::{Cmd, Exit, Output, env, files, random};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What `demo` was asked.
#[derive(Debug, Clone, Default)]
pub struct DemoRequest {
    /// Leave the folder.
    pub keep: bool,
}

const AGENT: &str = r#"set -eu
for repo in "$METAWSM_WORKSPACE"/*/; do
  name=$(basename "$repo")
  printf 'Hello from %s, written for %s.\n' "$name" "$METAWSM_TICKET" > "$repo/GREETING.md"
  git -C "$repo" add GREETING.md
  git -C "$repo" commit --quiet -m "Greet the reader of $name"
done
printf 'a note that was not committed\n' > NOTES.txt
"#;

struct Stage<'a> {
    dir: PathBuf,
    program: PathBuf,
    tell: Progress<'a>,
}

/// Plays the main job and returns the folder it was played in (`None` once it is removed).
pub fn demo(request: &DemoRequest, progress: Progress<'_>) -> ServiceResult<Option<PathBuf>> {
    let program = env::own_program()
        .ok_or_else(|| ServiceError::failed("The path of this program is unknown.", &["git metawsm help"]))?;
    let dir = std::env::temp_dir().join(format!("git-metawsm-demo-{}", random::base32(8)));
    files::ensure_dir(&dir)?;
    let mut stage = Stage { dir: files::real_path(&dir), program, tell: progress };
    let played = stage.play();
    let _ = stage.end_tmux();
    if request.keep {
        played?;
        return Ok(Some(dir));
    }
    let removed = files::remove_tree(&dir);
    played?;
    removed?;
    Ok(None)
}

impl Stage<'_> {
    fn play(&mut self) -> ServiceResult<()> {
        self.set()?;
        self.say("Two repositories, 'api' and 'web', each with a first commit. An agent (a shell script here, else");
        self.say("claude or codex) is to greet the reader in both. One command plans the work, makes a workspace with");
        self.say("a worktree of each repository on a branch of its own, and starts the agent in it:");
        self.metawsm(&["run", "Greet the reader", "--repos", "api,web", "--agent", "greeter"], 0)?;
        self.wait_for_end()?;
        self.say("The agent has ended. What does the run need?");
        self.metawsm(&["status", "greet-the-reader", "--git"], 0)?;
        self.say("It left a file that is not committed, so the work does not count as done, and nothing lets it merge.");
        self.say("The gates name every blocker at once, each with the command that clears it:");
        self.metawsm(&["close", "greet-the-reader"], 3)?;
        self.say("And without us, by git alone? The hooks that 'run' put in stop the merge, name what is missing, and");
        self.say("the command that takes back what the merge has left behind:");
        let merge = ["merge", "--no-ff", "-m", "Merge by hand", "task/greet-the-reader"];
        let said = self.refused_by_git("web", &merge)?;
        self.say("Pasted:");
        self.paste(&said)?;
        self.git("web", &["status", "--short", "--branch"])?;
        self.say("A person decides that the note belongs to the work, and commits it on the run's branch:");
        self.metawsm(&["commit", "greet-the-reader", "-m", "Keep the note"], 0)?;
        self.say("Every branch holds work now and every worktree is clean: the run is completed. What it changed, in");
        self.say("both repositories:");
        self.metawsm(&["diff", "greet-the-reader", "--stat"], 0)?;
        self.say("What would a close do? A dry run changes no byte:");
        self.metawsm(&["close", "greet-the-reader", "--dry-run"], 0)?;
        self.say("Then the close: all merges are computed before the first branch moves, each branch moves only if it");
        self.say("still is where it was judged, and the record of the run is committed:");
        self.metawsm(&["close", "greet-the-reader"], 0)?;
        self.say("What a reviewer finds in the history:");
        self.git("web", &["log", "--graph", "--oneline"])?;
        self.git("api", &["log", "-1", "--stat", "--format=%h %B"])?;
        self.say("The record says what was merged, and why that was allowed:");
        self.record()?;
        self.say("The workspace goes, and with it each branch that base holds. Nothing else is touched:");
        self.metawsm(&["cleanup"], 0)?;
        self.git("api", &["status", "--short", "--branch"])?;
        self.git("web", &["status", "--short", "--branch"])?;
        self.say("That is the main job. In a repository of yours: git metawsm run '<what to do>'");
        Ok(())
    }

    fn set(&mut self) -> ServiceResult<()> {
        let home = self.dir.join("home");
        let text = "[user]\n\tname = Demo\n\temail = demo@example.org\n[init]\n\tdefaultBranch = main\n";
        files::write_atomic(&home.join(".gitconfig"), text.as_bytes())?;
        files::ensure_dir(&self.dir.join("tmux"))?;
        for name in ["api", "web"] {
            let top = self.dir.join(name);
            files::write_atomic(&top.join("README.md"), format!("# {name}\n").as_bytes())?;
            self.quiet_git(&top, &["init", "--quiet", "--initial-branch=main"])?;
            self.quiet_git(&top, &["add", "README.md"])?;
            self.quiet_git(&top, &["commit", "--quiet", "-m", "First commit"])?;
        }
        files::write_atomic(&self.dir.join("greet.sh"), AGENT.as_bytes())?;
        let script = self.dir.join("greet.sh").display().to_string();
        let policy = serde_json::json!({
            "version": 2,
            "workspace": { "root": self.dir.join("workspaces") },
            "agent_profiles": [{ "name": "script", "runner": "command", "runner_options": { "command": ["sh", script] } }],
            "agents": [{ "name": "greeter", "profile": "script" }],
        });
        let text = serde_json::to_string_pretty(&policy).unwrap_or_default() + "\n";
        let api = self.dir.join("api");
        files::write_atomic(&api.join(".metawsm/policy.json"), text.as_bytes())?;
        self.quiet_git(&api, &["add", ".metawsm/policy.json"])?;
        self.quiet_git(&api, &["commit", "--quiet", "-m", "Say how agents work here"])?;
        // The user of the demo is the one who wrote this policy.
        let trust = self.command(&self.program).args(["-C", "api", "policy", "trust"]);
        trust.run()?;
        Ok(())
    }

    fn command(&self, program: &Path) -> Cmd {
        Cmd::new(program)
            .cwd(&self.dir)
            .without_env(env::GIT_LOCAL)
            .without_env(env::OURS)
            .without_env(["TMUX", "TMUX_PANE", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "GIT_CONFIG_GLOBAL"])
            .without_env(["GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"])
            .env("HOME", self.dir.join("home"))
            .env("TMUX_TMPDIR", self.dir.join("tmux"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_PAGER", "cat")
    }

    fn quiet_git(&self, dir: &Path, args: &[&str]) -> ServiceResult<Output> {
        Ok(self.command(Path::new("git")).arg("-C").arg(dir).args(args).run()?)
    }

    fn say(&mut self, text: &str) {
        (self.tell)(Event::Note(text.to_owned()));
    }

    /// Shows a command and what it printed, without the folder's long name.
    fn show(&mut self, command: &str, printed: &str) {
        (self.tell)(Event::Began(format!("$ {command}")));
        let text = printed.replace(&self.dir.display().to_string(), "~");
        for line in text.lines().filter(|l| !l.trim().is_empty()) {
            (self.tell)(Event::Done(line.to_owned()));
        }
    }

    fn metawsm(&mut self, args: &[&str], expected: i32) -> ServiceResult<()> {
        let program = self.program.clone();
        // Answer and story into one pipe, as on a terminal: the order in which they were written stays.
        let both = self.command(Path::new("/bin/sh")).args(["-c", "exec \"$@\" 2>&1", "sh"]).arg(&program);
        let output = both.args(["-C", "api"]).args(args).output()?;
        let words: Vec<_> = args.iter().map(|a| crate::sys::process::quoted(a)).collect();
        let command = format!("git metawsm {}", words.join(" "));
        self.show(&command, &String::from_utf8_lossy(&output.stdout));
        if output.exit == Exit::Code(expected) {
            return Ok(());
        }
        let message = format!(
            "The demo expected '{command}' to end with exit {expected}, and it ended with {}.",
            output.exit
        );
        Err(ServiceError::failed(message, &["git metawsm demo --keep"]))
    }

    fn git(&mut self, repo: &str, args: &[&str]) -> ServiceResult<()> {
        let output = self.quiet_git(&self.dir.join(repo), args)?;
        self.show(&git_line(repo, args), &String::from_utf8_lossy(&output.stdout));
        Ok(())
    }

    /// A git command that our hooks must stop; what was said.
    fn refused_by_git(&mut self, repo: &str, args: &[&str]) -> ServiceResult<String> {
        let both = self.command(Path::new("/bin/sh")).args(["-c", "exec git \"$@\" 2>&1", "sh", "-C", repo]);
        let output = both.args(args).output()?;
        let (line, said) = (git_line(repo, args), String::from_utf8_lossy(&output.stdout).into_owned());
        self.show(&line, &said);
        if output.exit.is_ok() {
            let message = format!("The demo expected the hooks to stop '{line}', and it went through.");
            return Err(ServiceError::failed(message, &["git metawsm demo --keep"]));
        }
        Ok(said)
    }

    /// Does what a refusal says: the command behind the sentence about what was left.
    fn paste(&mut self, said: &str) -> ServiceResult<()> {
        let command = said.lines().skip_while(|line| !line.ends_with("takes it back:")).nth(1).map(str::trim);
        let Some(command) = command else {
            let message = "The demo found no command in what the hooks said.";
            return Err(ServiceError::failed(message, &["git metawsm demo --keep"]));
        };
        let output = self.command(Path::new("/bin/sh")).args(["-c", command]).run()?;
        let command = command.replace(&self.dir.display().to_string(), "~");
        self.show(&command, &output.text());
        Ok(())
    }

    /// Shows the parts of the published record that a reviewer looks for.
    fn record(&mut self) -> ServiceResult<()> {
        let api = self.dir.join("api");
        let names = self.quiet_git(&api, &["ls-tree", "-r", "--name-only", "HEAD", ".metawsm/runs"])?.text();
        let args = ["show", &format!("HEAD:{}", names.lines().next().unwrap_or_default())];
        let record = self.quiet_git(&api, &args)?.text();
        self.show(&git_line("api", &args), &told_of(&record));
        Ok(())
    }

    /// Waits until the agent has ended, as `status` sees it.
    fn wait_for_end(&self) -> ServiceResult<()> {
        let deadline = Instant::now() + Duration::from_secs(60);
        while Instant::now() < deadline {
            let output =
                self.command(&self.program).args(["-C", "api", "status", "--no-ingest", "--json"]).run()?;
            let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
            if answer["runs"][0]["agents"][0]["health"] == "ended" {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Err(ServiceError::failed(
            "The agent of the demo did not end within a minute.",
            &["git metawsm demo --keep"],
        ))
    }

    fn end_tmux(&self) -> ServiceResult<()> {
        if env::find_program("tmux").is_some() {
            self.command(Path::new("tmux")).arg("kill-server").output()?;
        }
        Ok(())
    }
}

fn git_line(repo: &str, args: &[&str]) -> String {
    let words: Vec<_> = args.iter().map(|a| crate::sys::process::quoted(a)).collect();
    format!("git -C {repo} {}", words.join(" "))
}

/// The goal, the receipt of each repository and the first two gates of a record; what is left out is counted.
fn told_of(record: &str) -> String {
    let mut told = String::new();
    let (mut left_out, mut gates) = (0_usize, 0_usize);
    for table in record.split("\n\n") {
        let head = table.lines().next().unwrap_or_default();
        gates += usize::from(head == "[[receipt.gates]]");
        let wanted = head == "[brief]" || head == "[receipt]";
        let wanted = wanted || head == "[[receipt.repos]]" || (head == "[[receipt.gates]]" && gates < 3);
        if wanted {
            count_left_out(&mut told, &mut left_out);
            told.push_str(table);
            told.push('\n');
        } else {
            left_out += table.lines().count();
        }
    }
    count_left_out(&mut told, &mut left_out);
    told
}

fn count_left_out(told: &mut String, lines: &mut usize) {
    if *lines > 0 {
        let _ = writeln!(told, "... {lines} lines more");
        *lines = 0;
    }
}
