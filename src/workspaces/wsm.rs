//! The program wsm, driven without a person: workspaces made and deleted by it, and judged by what is there
//! afterwards, never by what it says or exits with. What it knows is read from its JSON files.

use super::leftover::{all_stand, bring_up, standing, take_back};
use super::registry::require_registered;
use super::wsm_file::{find_home, is_same_dir, usable_in};
use super::{WorkspaceError, WorkspaceResult};
use crate::git::Repository;
use crate::model::{Child, RepoName, RunId, WorkspaceName, plain_line, quoted, title_of};
use crate::sys::process::Output;
use crate::sys::{Cmd, SysError, env, procs};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long wsm may take for a workspace: it checks every repository out, and looks at the network when it deletes.
const LIMIT: Duration = Duration::from_secs(15 * 60);
/// How much of each of its streams is kept.
const KEPT: usize = 64 * 1024;
/// How much of that is quoted.
const QUOTED: usize = 600;

/// wsm as this user has it.
#[derive(Debug, Clone)]
pub struct Wsm {
    /// The program, where there is one.
    program: Option<PathBuf>,
    /// What takes it away from our terminal: words in front of its own.
    launcher: Vec<OsString>,
    /// Its directory of configuration.
    home: PathBuf,
    /// Where it makes its workspaces, whatever anybody says: `~/workspaces`.
    root: PathBuf,
    limit: Duration,
}

/// A workspace that wsm is to make.
#[derive(Debug, Clone, Copy)]
pub struct WsmOrder<'a> {
    /// The run.
    pub run: &'a RunId,
    /// The workspace's name.
    pub name: &'a WorkspaceName,
    /// Where the run expects it; wsm takes the date of its own moment.
    pub dir: &'a Path,
    /// The branch, without `refs/heads/`. It did not exist when the run was planned.
    pub branch: &'a str,
    /// The local branch that it starts from, in every repository.
    pub base: &'a str,
    /// The repositories. The caller holds all their locks.
    pub repos: &'a [WsmTree<'a>],
}

/// One repository of a workspace that wsm is to make.
#[derive(Debug, Clone, Copy)]
pub struct WsmTree<'a> {
    /// Its name, which is also wsm's name for it.
    pub name: &'a RepoName,
    /// The repository.
    pub repo: &'a Repository,
    /// The commit that its branch is to hold.
    pub base_id: &'a str,
}

/// A workspace of wsm that is there, or that is ours to complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WsmMade {
    /// Where it lies.
    pub dir: PathBuf,
    /// What a person should know.
    pub notes: Vec<String>,
}

impl Wsm {
    /// wsm as it is found on PATH and in this user's configuration, be it there or not.
    pub fn find() -> WorkspaceResult<Self> {
        let home = find_home().ok_or(WorkspaceError::NoConfigDir)?;
        let root = env::home().ok_or(WorkspaceError::NoConfigDir)?.join("workspaces");
        let own = env::own_program().unwrap_or_else(|| PathBuf::from("git-metawsm"));
        let launcher = vec![own.into_os_string(), "agent".into(), "alone".into(), "--".into()];
        Ok(Self { program: env::find_program("wsm"), launcher, home, root, limit: LIMIT })
    }

    /// Where wsm makes its workspaces.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Requires that the program is there.
    pub fn require_program(&self) -> WorkspaceResult<&Path> {
        self.program.as_deref().ok_or(WorkspaceError::NoWsm)
    }

    /// Requires that wsm means this repository by this name.
    pub fn require_registered(&self, name: &RepoName, repo: &Repository) -> WorkspaceResult<()> {
        require_registered(&self.home, name, repo)
    }

    /// Makes the workspace with `wsm create`, or finds what an earlier attempt made, and says where it lies. What an
    /// attempt left that came to nothing is taken back if it is empty. Where something is left that is not, wsm would
    /// ask about it: then wsm is not started, and the caller completes the worktrees itself. `on_start` hears of wsm
    /// while it works.
    pub fn ensure(&self, order: &WsmOrder<'_>, on_start: &mut dyn FnMut(Child)) -> WorkspaceResult<WsmMade> {
        self.wait_for_earlier(order.run, order.name.as_str())?;
        if let Some(dir) = self.known(order)? {
            return Ok(WsmMade { dir, notes: Vec::new() });
        }
        let dir = standing(order)?.unwrap_or_else(|| order.dir.to_owned());
        let left = take_back(order, &dir)?;
        if !left.is_empty() {
            let note = format!(
                "wsm was not asked for '{}', because it would ask about {}",
                order.name,
                left.join(", ")
            );
            return Ok(WsmMade { dir, notes: vec![note] });
        }
        for tree in order.repos {
            self.require_registered(tree.name, tree.repo)?;
        }
        let dir = self.create(order, on_start)?;
        Ok(WsmMade { dir, notes: Vec::new() })
    }

    /// The directory of the workspace as wsm wrote it down; one of somebody else is an error.
    fn known(&self, order: &WsmOrder<'_>) -> WorkspaceResult<Option<PathBuf>> {
        let Some(known) = usable_in(&self.home, order.name.as_str())? else { return Ok(None) };
        let is_ours = known.branch == order.branch
            && known.path.file_name().is_some_and(|name| name == order.name.as_str())
            && known.path.parent().and_then(Path::parent).is_some_and(|root| is_same_dir(root, &self.root));
        if is_ours || is_same_dir(&known.path, order.dir) {
            return Ok(Some(known.path));
        }
        let (name, wanted) = (order.name.to_string(), order.dir.to_owned());
        Err(WorkspaceError::WsmNameTaken { name, path: known.path, wanted })
    }

    fn create(&self, order: &WsmOrder<'_>, on_start: &mut dyn FnMut(Child)) -> WorkspaceResult<PathBuf> {
        let names: Vec<_> = order.repos.iter().map(|tree| tree.name.as_str()).collect();
        let names = names.join(",");
        let args = [
            "create",
            order.name.as_str(),
            "--repos",
            &names,
            "--branch",
            order.branch,
            "--base-branch",
            order.base,
        ];
        let command = line(&args);
        let said = self.say(order.run, &args, "", on_start);
        let whole = self.known(order).and_then(|dir| match dir {
            Some(dir) if all_stand(order, &dir)? => Ok(Some(dir)),
            _ => Ok(None),
        });
        let (said, whole) = match (said, whole) {
            (Ok(said), Ok(whole)) => (said, whole),
            (Err(error), _) | (_, Err(error)) => {
                self.take_back_all(order)?;
                return Err(error);
            }
        };
        let Some(dir) = whole else {
            let left = self.take_back_all(order)?;
            return Err(failed(&command, &said, &left));
        };
        for tree in order.repos {
            if let Err(error) = bring_up(tree, order.branch) {
                self.take_back_all(order)?;
                return Err(error);
            }
        }
        Ok(dir)
    }

    /// Takes back what a failed attempt left, wsm's own file of it included; names what stays.
    fn take_back_all(&self, order: &WsmOrder<'_>) -> WorkspaceResult<Vec<String>> {
        let dir = match usable_in(&self.home, order.name.as_str()) {
            Ok(Some(known)) => known.path,
            _ => standing(order)?.unwrap_or_else(|| order.dir.to_owned()),
        };
        let left = take_back(order, &dir)?;
        if left.is_empty() {
            super::wsm_file::remove_in(&self.home, order.name.as_str(), &dir)?;
        }
        Ok(left)
    }

    /// Deletes a workspace with `wsm delete`, its directory included: everything in it was saved, or is known to be
    /// made by wsm or us. Gives what went wrong, as a sentence; whoever asked looks at what is left.
    pub(super) fn delete(&self, run: &RunId, name: &str, dir: &Path) -> WorkspaceResult<Option<String>> {
        self.wait_for_earlier(run, name)?;
        match usable_in(&self.home, name) {
            Ok(Some(known)) if is_same_dir(&known.path, dir) => {}
            Ok(Some(known)) => {
                let why = format!(
                    "wsm knows '{name}' at {}, so it was not asked to delete it",
                    known.path.display()
                );
                return Ok(Some(why));
            }
            Ok(None) => return Ok(None),
            Err(error) => return Ok(Some(format!("wsm was not asked to delete '{name}': {error}"))),
        }
        if self.program.is_none() {
            return Ok(Some(format!("wsm is not on PATH, so '{name}' was removed without it")));
        }
        let args = ["delete", name, "--force", "--force-worktrees", "--remove-files"];
        // It asks once for each repository with untracked files, whatever the flags say.
        let said = match self.say(run, &args, &"y\n".repeat(1000), &mut |_| {}) {
            Ok(said) => said,
            Err(error) => return Ok(Some(format!("{error}; '{name}' was removed without wsm"))),
        };
        let is_there =
            dir.symlink_metadata().is_ok() || usable_in(&self.home, name).is_ok_and(|known| known.is_some());
        let error = failed(&line(&args), &said, &[]);
        Ok(is_there.then(|| format!("{error}; what it left was removed without it")))
    }

    /// Runs wsm to its end: no terminal to ask on, these bytes as its input, a limit on time and on words.
    fn say(
        &self,
        run: &RunId,
        args: &[&str],
        input: &str,
        on_start: &mut dyn FnMut(Child),
    ) -> WorkspaceResult<Output> {
        let program = self.require_program()?;
        let (first, rest) = match self.launcher.split_first() {
            Some((first, rest)) => (first.clone(), [rest, &[program.as_os_str().to_owned()]].concat()),
            None => (program.as_os_str().to_owned(), Vec::new()),
        };
        let cmd = Cmd::new(first).args(rest).args(args).without_outside().stdin(input).limit(self.limit);
        let cmd = cmd.keep_last(KEPT).env(env::STEP, run.as_str()).cwd(Path::new("/"));
        let cmd = cmd
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("SSH_ASKPASS_REQUIRE", "never")
            .env("GIT_ASKPASS", "true");
        let cmd = if self.launcher.is_empty() { cmd } else { cmd.leading() };
        cmd.output_watched(on_start).map_err(|error| match error {
            SysError::TimedOut { seconds, .. } => {
                let how = format!("took longer than {seconds} seconds and was ended");
                WorkspaceError::WsmFailed { command: line(args), how, output: String::new() }
            }
            error => error.into(),
        })
    }

    /// Waits for a wsm that an earlier, killed attempt of this run left at work on the workspace.
    fn wait_for_earlier(&self, run: &RunId, name: &str) -> WorkspaceResult<()> {
        let works = |child: &Child| {
            let words = procs::command_words(child.pid);
            words.iter().any(|word| word == name)
                && words.iter().any(|word| word == "create" || word == "delete")
        };
        let begun = Instant::now();
        let mut pause = Duration::from_millis(2);
        while let Some(child) = procs::marked(env::STEP, run.as_str()).into_iter().find(works) {
            if begun.elapsed() >= self.limit {
                return Err(WorkspaceError::StillRunning {
                    pid: child.pid,
                    command: procs::command_line(child.pid).unwrap_or_default(),
                    path: PathBuf::from(name),
                    seconds: self.limit.as_secs(),
                });
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(200));
        }
        Ok(())
    }
}

fn line(args: &[&str]) -> String {
    let words: Vec<_> = args.iter().map(|word| quoted(word)).collect();
    format!("wsm {}", words.join(" "))
}

/// What wsm did instead of what it was asked.
fn failed(command: &str, said: &Output, left: &[String]) -> WorkspaceError {
    let text = [said.stdout.as_slice(), b"\n", &said.stderr].concat();
    let is_old = String::from_utf8_lossy(&text).contains("unknown flag: --base-branch");
    let nothing = || "ended with exit 0 and did not do it".to_owned();
    let mut how = if said.exit.is_ok() { nothing() } else { format!("ended with {}", said.exit) };
    if is_old {
        how.push_str("; this wsm is too old: it knows no --base-branch");
    }
    if !left.is_empty() {
        how = format!("{how}; it left {}", left.join(", "));
    }
    let output = if is_old { String::new() } else { end_of(&text) };
    WorkspaceError::WsmFailed { command: command.to_owned(), how, output }
}

/// The last words of an output as one line. The usage text that comes with every error says nothing.
fn end_of(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let told: Vec<_> =
        text.lines().map(str::trim).filter(|l| !l.is_empty()).take_while(|l| *l != "Usage:").collect();
    let told = told[told.len().saturating_sub(8)..].join(" | ");
    title_of(&plain_line(&told), QUOTED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn wsm(dir: &Path, script: &str, limit: Duration) -> Wsm {
        let program = dir.join("wsm");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("write");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("mode");
        let (home, root) = (dir.join("config"), dir.join("workspaces"));
        Wsm { program: Some(program), launcher: Vec::new(), home, root, limit }
    }

    fn run_id() -> RunId {
        RunId::parse(&format!("run-{}", crate::sys::random::base32(12))).expect("run")
    }

    #[test]
    fn a_wsm_that_waits_for_ever_is_ended_and_named() {
        let dir = tempfile::tempdir().expect("temp");
        let hanging = wsm(dir.path(), "sleep 600", Duration::from_millis(200));
        let said = hanging.say(&run_id(), &["create", "t-1"], "", &mut |_| {});
        let error = said.expect_err("ended").to_string();
        assert!(error.starts_with("'wsm create t-1' took longer than"), "{error}");
    }

    #[test]
    fn a_wsm_that_says_much_says_the_end_of_it_on_one_line() {
        let dir = tempfile::tempdir().expect("temp");
        let script = "i=0; while [ $i -lt 20000 ]; do echo \"word $i of many\"; i=$((i+1)); done\n\
                      printf 'Error: \\033[31mthe end\\nUsage:\\n  wsm create\\n' >&2; exit 1";
        let talking = wsm(dir.path(), script, Duration::from_secs(60));
        let said = talking.say(&run_id(), &["create", "t-1"], "", &mut |_| {}).expect("ran");
        assert!(said.stdout.len() <= KEPT);
        let error = failed("wsm create t-1", &said, &["the branch 'x' of app".to_owned()]).to_string();
        assert!(
            error.starts_with("'wsm create t-1' ended with exit 1; it left the branch 'x' of app: "),
            "{error}"
        );
        assert!(
            error.ends_with("Error:  [31mthe end") && !error.contains('\n') && error.len() < 900,
            "{error}"
        );
    }

    #[test]
    fn no_answer_is_read_from_a_terminal_and_yes_is_said_as_often_as_asked() {
        let dir = tempfile::tempdir().expect("temp");
        let asking = wsm(dir.path(), "read a; read b; read c; echo \"$a$b$c\"", Duration::from_secs(60));
        let said = asking.say(&run_id(), &["delete", "t-1"], &"y\n".repeat(1000), &mut |_| {}).expect("ran");
        assert_eq!(said.text(), "yyy");
        let said = asking.say(&run_id(), &["create", "t-1"], "", &mut |_| {}).expect("ran");
        assert_eq!(said.text(), "");
    }
}
