//! The project's own tests, run on the very tree that a merge yields; a result is kept by tree, command and policy.

use super::chain::{ChainEnd, chain};
use super::event::{Event, Progress};
use super::facts::Look;
use super::policies::{at_base, level_of, require_trusted_tests, stored};
use super::steps::open_repo;
use super::{Caller, Control, ServiceError, ServiceResult};
use crate::gate::{CheckFact, CheckStanding};
use crate::git::Repository;
use crate::model::{CheckResult, GateLevel, RepoName, Run, plain_line};
use crate::policy::{self, Command, Policy, TestCommands};
use crate::store::{self, Hold};
use crate::sys::signals::Interrupt;
use crate::sys::{Cmd, Ending, Exit, SysError, clock, files};
use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

/// How long one test command may take.
const LIMIT: Duration = Duration::from_secs(30 * 60);
/// How many of its last lines are shown when it fails.
const SHOWN: usize = 10;
/// How much of its output is looked through for them, in bytes.
const MOST_READ: u64 = 64 << 10;

/// What policy demands of branches and merge results.
#[derive(Debug, Clone)]
pub(super) struct Demands {
    /// The patterns of forbidden files.
    pub forbidden: Vec<String>,
    /// SHA-256 of the policy in force.
    pub policy_hash: String,
    /// The test commands; none where the gate is off.
    tests: TestCommands,
}

impl Demands {
    /// Of the policy in force.
    pub(super) fn of(policy: &Policy) -> Self {
        let is_off = level_of(policy, "checks", GateLevel::Block) == GateLevel::Off;
        let tests = if is_off { TestCommands::default() } else { policy.git_pr.test_commands.clone() };
        let forbidden = policy.git_pr.forbidden_file_patterns.clone();
        Self { forbidden, policy_hash: policy::hash(policy), tests }
    }

    /// The test commands of one repository, each once.
    pub(super) fn of_repo(&self, repo: &RepoName) -> Vec<&Command> {
        let mut commands: Vec<&Command> = Vec::new();
        for command in self.tests.of_repo(repo) {
            if !commands.contains(&command) {
                commands.push(command);
            }
        }
        commands
    }
}

/// The kept result of a command on this tree, under this policy.
fn kept<'a>(
    run: &'a Run,
    repo: &RepoName,
    tree: &str,
    (command, policy): (&str, &str),
) -> Option<&'a CheckResult> {
    run.checks
        .iter()
        .rev()
        .find(|c| c.repo == *repo && c.tree == tree && c.command == command && c.policy == policy)
}

/// How each demanded command of a repository stands for the end of its chain. Where nothing is merged there is
/// nothing to test.
pub(super) fn facts(look: &Look<'_>, repo: &crate::model::RunRepo, end: Option<&ChainEnd>) -> Vec<CheckFact> {
    if end.is_some_and(|end| !end.merges) {
        return Vec::new();
    }
    let (run, demands) = (look.run, look.demands);
    let standing = |command: &str| {
        let Some(end) = end else {
            return CheckStanding::Unknown("the branches do not merge".to_owned());
        };
        match kept(run, &repo.name, &end.tree, (command, &demands.policy_hash)) {
            Some(result) if result.status == 0 => CheckStanding::Passed,
            Some(result) => CheckStanding::Failed {
                how: how(result.status),
                log: log_path(look.control, run, &repo.name, command).display().to_string(),
            },
            None if run.checks.iter().any(|c| c.repo == repo.name && c.command == command) => {
                CheckStanding::Unknown("it was last run on another tree or under another policy".to_owned())
            }
            None => CheckStanding::Unknown("it has not been run yet".to_owned()),
        }
    };
    let fact = |command: &Command| {
        let command = shown(command);
        CheckFact { repo: repo.name.to_string(), standing: standing(&command), command }
    };
    demands.of_repo(&repo.name).into_iter().map(fact).collect()
}

/// The kept results that count for a receipt: those on the very tree that base gets, and, where base holds the work
/// already, those under which it came there.
pub(super) fn counted(
    look: &Look<'_>,
    repo: &crate::model::RunRepo,
    end: Option<&ChainEnd>,
) -> Vec<CheckResult> {
    let Some(end) = end else { return Vec::new() };
    let counts = |c: &&CheckResult| {
        c.repo == repo.name
            && c.status == 0
            && (!end.merges || (c.tree == end.tree && c.policy == look.demands.policy_hash))
    };
    look.run.checks.iter().filter(counts).cloned().collect()
}

/// A command on one line.
fn shown(command: &Command) -> String {
    plain_line(&command.to_string())
}

fn how(status: i32) -> String {
    if status < 0 { "ended by a signal or its time limit".to_owned() } else { format!("exit {status}") }
}

fn log_path(control: &Control, run: &Run, repo: &RepoName, command: &str) -> PathBuf {
    let hash = crate::model::sha256_hex(command.as_bytes());
    let (_, logs) = control.store.session_dirs(&run.id);
    logs.join(format!("check-{repo}-{}.log", &hash[..8]))
}

/// A demanded command that has to be run.
struct Due {
    repository: Repository,
    repo: RepoName,
    command: Command,
    end: ChainEnd,
}

/// Runs every test command that the policy in force demands and that has not succeeded yet on the merge result, and
/// keeps the results in the record. Needs the run's hold and takes no repository's lock but while a checkout is made
/// and removed: tests may take minutes. A failing command is a result, not an error.
pub(super) fn ensure(
    control: &Control,
    caller: &Caller,
    hold: &mut Hold,
    progress: Progress<'_>,
) -> ServiceResult<()> {
    let policy = policy::stricter(&stored(hold.run())?, &at_base(control)?);
    let demands = Demands::of(&policy);
    let due = all_due(hold.run(), &demands)?;
    if due.is_empty() {
        return Ok(());
    }
    let commands: Vec<_> = due.iter().map(|due| due.command.clone()).collect();
    require_trusted_tests(caller, control, hold.run(), &commands)?;
    let interrupt = Interrupt::install()?;
    for due in &due {
        let label = format!("'{}' on the merge result of {}", shown(&due.command), due.repo);
        progress(Event::Began(label.clone()));
        let log = log_path(control, hold.run(), &due.repo, &shown(&due.command));
        let asked = || interrupt.signal().or_else(|| caller.interrupt.signal());
        let status = run_one(caller, due, &log, &|| asked().is_some())?;
        if let Some(signal) = asked() {
            let hints = vec![format!("git metawsm check --run {}", hold.run().id)];
            return Err(ServiceError::Interrupted { signal, hints });
        }
        keep(hold, due, &demands, status)?;
        if status == 0 {
            progress(Event::Done(label));
        } else {
            progress(Event::Failed(label, how(status)));
            for line in last_lines(&log) {
                progress(Event::Note(format!("         {line}")));
            }
        }
    }
    Ok(())
}

fn all_due(run: &Run, demands: &Demands) -> ServiceResult<Vec<Due>> {
    let mut due = Vec::new();
    for repo in &run.repos {
        let commands = demands.of_repo(&repo.name);
        if commands.is_empty() {
            continue;
        }
        let repository = open_repo(run, &repo.name)?;
        let Some(end) = chain(&repository, run, repo)?.end.filter(|end| end.merges) else { continue };
        for command in commands {
            let known = kept(run, &repo.name, &end.tree, (&shown(command), &demands.policy_hash));
            if known.is_some_and(|result| result.status == 0) {
                continue;
            }
            let (repository, end) = (repository.clone(), end.clone());
            due.push(Due { repository, repo: repo.name.clone(), command: command.clone(), end });
        }
    }
    Ok(due)
}

/// Runs one command in a clean checkout of its own; its exit status, -1 where a signal or the time limit ended it.
fn run_one(
    caller: &Caller,
    due: &Due,
    log: &std::path::Path,
    is_asked: &dyn Fn() -> bool,
) -> ServiceResult<i32> {
    let lock = || store::lock_repo(due.repository.common_dir(), "check", caller.wait);
    let held = lock()?;
    let checkout = due.repository.checkout(&due.end.commit)?;
    drop(held);
    let status = run_in(due, &checkout.path(), log, is_asked);
    // Without the lock it goes all the same.
    let _held = lock().ok();
    drop(checkout);
    status
}

fn run_in(
    due: &Due,
    top: &std::path::Path,
    log: &std::path::Path,
    is_asked: &dyn Fn() -> bool,
) -> ServiceResult<i32> {
    let argv = due.command.argv();
    let (program, words) = argv.split_first().ok_or_else(|| {
        ServiceError::failed(
            "An entry of git_pr.test_commands in the policy is empty.",
            &["git metawsm policy check"],
        )
    })?;
    let own = program.contains('/') && std::path::Path::new(program).is_relative();
    let place = if own { top.join(program) } else { PathBuf::from(program) };
    if let Some(dir) = log.parent() {
        files::ensure_dir(dir)?;
    }
    let file = File::create(log).map_err(|e| SysError::file("write", log, e))?;
    let cmd = Cmd::new(place).args(words).cwd(top).limit(LIMIT).without_outside();
    match cmd.run_into(file, is_asked) {
        Ok(Ending::Ended(Exit::Code(code))) => Ok(code),
        Ok(Ending::Ended(Exit::Signal(_)) | Ending::TimedOut | Ending::Stopped) => Ok(-1),
        // As a shell says of a program that is not there.
        Err(error @ SysError::Start { .. }) => {
            std::fs::write(log, format!("{error}\n")).map_err(|e| SysError::file("write", log, e))?;
            Ok(127)
        }
        Err(error) => Err(error.into()),
    }
}

/// Keeps the newest result of each command and repository.
fn keep(hold: &mut Hold, due: &Due, demands: &Demands, status: i32) -> ServiceResult<()> {
    let result = CheckResult {
        repo: due.repo.clone(),
        tree: due.end.tree.clone(),
        command: shown(&due.command),
        status,
        policy: demands.policy_hash.clone(),
        at: Some(clock::now()),
    };
    let text = format!("{}: '{}' on tree {}: {}", result.repo, result.command, result.tree, how(status));
    hold.update(|run| {
        run.checks.retain(|c| c.repo != result.repo || c.command != result.command);
        run.checks.push(result);
    })?;
    Ok(hold.note("checked", &text)?)
}

/// The end of an output.
fn last_lines(log: &std::path::Path) -> Vec<String> {
    let text = tail(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(SHOWN)..].iter().map(|line| (*line).to_owned()).collect()
}

fn tail(log: &std::path::Path) -> std::io::Result<String> {
    use std::io::{Read, Seek, SeekFrom};
    let mut file = File::open(log)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(MOST_READ)))?;
    let mut bytes = Vec::new();
    file.take(MOST_READ).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
