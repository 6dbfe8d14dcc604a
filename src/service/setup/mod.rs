//! `setup`: man pages and completions for this user, and away with them again.
//!
//! What was written stands in a list with its content's hash: a file that is there and is not of that content is
//! somebody's own, and is neither overwritten nor removed. The list is written before the files, so that a kill leaves
//! nothing that `--remove` does not find.

mod ledger;
mod place;
mod proof;

use super::{ServiceError, ServiceResult};
use crate::model::sha256_hex;
use crate::sys::{SysError, SysResult, env, files};
use ledger::Ledger;
use place::Places;
pub(super) use proof::is_set_up;
use std::path::{Path, PathBuf};

/// A shell that we have completions for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shell {
    /// bash.
    Bash,
    /// zsh.
    Zsh,
    /// fish.
    Fish,
}

impl Shell {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Bash, Self::Zsh, Self::Fish];

    /// Its program.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
        }
    }
}

/// What `setup` was asked.
#[derive(Debug, Clone, Default)]
pub struct SetupRequest {
    /// Take away what an earlier one wrote.
    pub remove: bool,
    /// Say only what would be done.
    pub dry_run: bool,
    /// Completions of these shells, installed or not; none: of those that are installed.
    pub shells: Vec<Shell>,
    /// Below this directory instead of the user's own places.
    pub prefix: Option<PathBuf>,
    /// The man pages, by file name.
    pub pages: Vec<(String, String)>,
    /// The completions.
    pub scripts: Vec<(Shell, &'static str)>,
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Written,
    /// It was ours and is another one now.
    Replaced,
    /// It was as it should be.
    Kept,
    /// It is gone.
    Removed,
    /// It is not ours, and was left alone.
    Foreign,
}

impl Change {
    /// As a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Replaced => "replaced",
            Self::Kept => "kept",
            Self::Removed => "removed",
            Self::Foreign => "foreign",
        }
    }
}

/// One file of ours.
#[derive(Debug, Clone)]
pub struct SetupFile {
    /// What it is for: `man`, or a shell.
    pub part: &'static str,
    /// Where it is.
    pub path: PathBuf,
    /// What became of it.
    pub change: Change,
}

/// What a set-up came to.
#[derive(Debug, Clone, Default)]
pub struct SetupReport {
    /// Whether it took away.
    pub removed: bool,
    /// Whether nothing was done.
    pub dry_run: bool,
    /// Each file.
    pub files: Vec<SetupFile>,
    /// What is found by itself now, as sentences.
    pub works: Vec<String>,
    /// What a person has to do, as sentences, each with a line to type or to add.
    pub to_do: Vec<(String, String)>,
    /// What was left out, as sentences.
    pub left_out: Vec<String>,
}

/// Something to write.
struct Wanted {
    part: &'static str,
    path: PathBuf,
    bytes: Vec<u8>,
}

/// Writes man pages and completions, or takes them away.
pub fn setup(request: &SetupRequest) -> ServiceResult<SetupReport> {
    let places = Places::find(request.prefix.as_deref())?;
    let ledger = Ledger::load(&places.ledger)?;
    let report = if request.remove { remove(request, ledger) } else { write(request, &places, ledger) };
    report.map_err(|error| match error {
        ServiceError::Sys(error) => told(&error),
        other => other,
    })
}

/// A place that cannot be written is nothing that waiting helps.
fn told(error: &SysError) -> ServiceError {
    ServiceError::failed(
        error.to_string(),
        &["git metawsm setup --prefix <a directory that can be written>", "git metawsm help"],
    )
}

fn wanted(request: &SetupRequest, places: &Places, report: &mut SetupReport) -> Vec<Wanted> {
    let mut wanted = Vec::new();
    for (name, text) in &request.pages {
        let section = name.rsplit('.').next().unwrap_or("1");
        let path = places.man.join(format!("man{section}")).join(name);
        wanted.push(Wanted { part: "man", path, bytes: text.clone().into_bytes() });
    }
    for (shell, text) in &request.scripts {
        let is_asked = request.shells.contains(shell);
        if !is_asked && !request.shells.is_empty() {
            continue;
        }
        if !is_asked && request.prefix.is_none() && env::find_program(shell.as_str()).is_none() {
            report.left_out.push(format!("{} is not installed", shell.as_str()));
            continue;
        }
        wanted.push(Wanted {
            part: shell.as_str(),
            path: places.of(*shell),
            bytes: text.as_bytes().to_vec(),
        });
    }
    wanted
}

fn write(request: &SetupRequest, places: &Places, mut ledger: Ledger) -> ServiceResult<SetupReport> {
    let mut report = SetupReport { dry_run: request.dry_run, ..SetupReport::default() };
    let wanted = wanted(request, places, &mut report);
    let mut plan = Vec::new();
    for one in &wanted {
        let change = match content(&one.path)? {
            Content::Nothing => Change::Written,
            Content::File(bytes) if bytes == one.bytes => Change::Kept,
            Content::File(bytes) if ledger.knows(&one.path, &sha256_hex(&bytes)) => Change::Replaced,
            _ => Change::Foreign,
        };
        plan.push((one, change));
    }
    let paths: Vec<_> = wanted.iter().map(|wanted| wanted.path.as_path()).collect();
    // Completions of a shell that was not asked about stay; a page is of no use once its command is gone.
    let stale: Vec<_> = ledger.beside(&paths).into_iter().filter(|path| part_of(path) == "man").collect();
    if !request.dry_run {
        // What is kept is ours from now on too: the list may have been lost.
        for (one, change) in &plan {
            if *change != Change::Foreign {
                ledger.add(&one.path, &sha256_hex(&one.bytes));
                ledger.add_missing_dirs(&one.path);
            }
        }
        ledger.add_missing_dirs(ledger.path().to_owned().as_path());
        ledger.save()?;
        for (one, change) in &plan {
            if matches!(change, Change::Written | Change::Replaced) {
                files::write_atomic(&one.path, &one.bytes)?;
            }
            if *change != Change::Foreign {
                ledger.settle(&one.path, &sha256_hex(&one.bytes));
            }
        }
    }
    for (one, change) in &plan {
        report.files.push(SetupFile { part: one.part, path: one.path.clone(), change: *change });
    }
    // Pages of commands that are no more.
    for path in stale {
        report.files.push(taken(&mut ledger, path, request.dry_run)?);
    }
    if !request.dry_run {
        ledger.save()?;
    }
    proof::look(request, places, &mut report);
    Ok(report)
}

fn remove(request: &SetupRequest, mut ledger: Ledger) -> ServiceResult<SetupReport> {
    let mut report = SetupReport { removed: true, dry_run: request.dry_run, ..SetupReport::default() };
    for path in ledger.files() {
        report.files.push(taken(&mut ledger, path, request.dry_run)?);
    }
    if !request.dry_run {
        ledger.end()?;
    }
    Ok(report)
}

/// Takes one of our files away, unless somebody has made it theirs.
fn taken(ledger: &mut Ledger, path: PathBuf, dry_run: bool) -> ServiceResult<SetupFile> {
    let change = match content(&path)? {
        Content::Nothing => Change::Removed,
        Content::File(bytes) if ledger.knows(&path, &sha256_hex(&bytes)) => Change::Removed,
        _ => Change::Foreign,
    };
    if !dry_run {
        if change == Change::Removed {
            files::remove_durable(&path)?;
        }
        ledger.forget(&path);
    }
    Ok(SetupFile { part: part_of(&path), path, change })
}

fn part_of(path: &Path) -> &'static str {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    match &*name {
        "git-metawsm" => "bash",
        "_git-metawsm" => "zsh",
        "git-metawsm.fish" => "fish",
        _ => "man",
    }
}

/// What stands at a place.
enum Content {
    Nothing,
    File(Vec<u8>),
    /// A link, a directory, or a file far larger than any of ours.
    Other,
}

/// The most that one of our files could ever have.
const CAP: u64 = 1 << 20;

fn content(path: &Path) -> SysResult<Content> {
    let Ok(look) = path.symlink_metadata() else { return Ok(Content::Nothing) };
    if !look.is_file() || look.len() > CAP {
        return Ok(Content::Other);
    }
    Ok(files::find_foreign(path, CAP)?.map_or(Content::Nothing, Content::File))
}
