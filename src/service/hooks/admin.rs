//! Hooks put into repositories and taken out again: by a run for as long as it is open, or by a person's word.

use super::super::control::control;
use super::super::event::{Event, Progress};
use super::super::{Caller, ServiceError, ServiceResult, bypass};
use super::open;
use crate::git::Repository;
use crate::hooks::{self, By, Change, ON_SERVER, Shim, USUAL};
use crate::model::{Bypass, Run, RunState};
use crate::policy::HooksStrict;
use crate::store::{self, Entry};
use crate::sys::{env, files};
use std::path::{Path, PathBuf};

/// What became of the hooks of one repository.
#[derive(Debug, Clone)]
pub struct HooksInstalled {
    /// The repository's directory.
    pub repo: PathBuf,
    /// Where git looks for its hooks.
    pub dir: PathBuf,
    /// One per hook.
    pub changes: Vec<(&'static str, Change)>,
    /// For each hook that was left alone: its file, and the line that a person can add to it.
    pub by_hand: Vec<(PathBuf, String)>,
    /// Why nothing is written there at all, if so.
    pub foreign: Option<String>,
}

/// The path by which hooks start us: the one on PATH where that is us, because it outlives an upgrade.
fn program() -> ServiceResult<PathBuf> {
    let own = env::own_program().ok_or_else(|| {
        ServiceError::failed(
            "The path of this program is unknown, so no hook could start it.",
            &["git metawsm help"],
        )
    })?;
    let on_path = env::find_program("git-metawsm").filter(|found| files::real_path(found) == own);
    Ok(on_path.unwrap_or(own))
}

fn put_in(repo: &Repository, shims: &[Shim], by: By) -> ServiceResult<HooksInstalled> {
    let (program, place) = (program()?, hooks::place(repo)?);
    let mut report = HooksInstalled {
        repo: repo.dir().to_owned(),
        dir: place.dir.clone(),
        changes: Vec::new(),
        by_hand: Vec::new(),
        foreign: place.foreign.clone(),
    };
    for shim in shims {
        let change = hooks::install(&place, *shim, &program, by)?;
        if matches!(change, Change::LeftAlone(_)) {
            report.by_hand.push((place.dir.join(shim.name), hooks::by_hand(shim.name, &program)));
        }
        report.changes.push((shim.name, change));
    }
    Ok(report)
}

/// Puts in what the open runs of a repository need; the caller holds its lock.
pub(in crate::service) fn install_for(repo: &Repository) -> ServiceResult<HooksInstalled> {
    let strict = wants_strict(repo.common_dir());
    let shims: Vec<_> = USUAL.into_iter().filter(|shim| strict || !shim.is_strict()).collect();
    put_in(repo, &shims, By::Run)
}

/// Whether a run is open here that wants every move of its base looked at.
fn wants_strict(common_dir: &Path) -> bool {
    let wants = |open: &open::OpenRun| match open.policy().map(|policy| policy.hooks.strict) {
        Ok(HooksStrict::Always) => true,
        Ok(HooksStrict::Never) => false,
        Ok(HooksStrict::Auto) | Err(_) => open.run.state != RunState::Stopped,
    };
    let entries = store::open_entries(common_dir);
    entries.iter().any(|entry| matches!(open::load(entry), Ok(Ok(open)) if wants(&open)))
}

/// Says what was put in, a line each.
pub(in crate::service) fn announce(name: &str, report: &HooksInstalled, progress: Progress<'_>) {
    let new: Vec<_> =
        report.changes.iter().filter(|(_, c)| *c == Change::Installed).map(|(name, _)| *name).collect();
    if !new.is_empty() {
        progress(Event::Note(format!("hooks: {name}: installed {}", new.join(", "))));
    }
    if let Some(why) = &report.foreign {
        let hint = "'git metawsm hooks install' prints the lines to add";
        progress(Event::Note(format!("hooks: {name}: none installed, because {why}; {hint}")));
        return;
    }
    for ((file, line), why) in report.by_hand.iter().zip(left_alone(report)) {
        progress(Event::Note(format!(
            "hooks: {name}: {} is left alone ({why}); the line to add: {line}",
            file.display()
        )));
    }
}

fn left_alone(report: &HooksInstalled) -> impl Iterator<Item = &str> {
    report.changes.iter().filter_map(|(_, change)| match change {
        Change::LeftAlone(why) => Some(why.as_str()),
        _ => None,
    })
}

/// Takes out what no open run needs any more; the caller holds the repository's lock.
pub(in crate::service) fn uninstall_unneeded(repo: &Repository) -> ServiceResult<()> {
    let (entries, faults) = store::open_all(repo.common_dir());
    if entries.is_empty() && faults.is_empty() {
        hooks::uninstall(&hooks::place(repo)?, &|_, by| by == By::Run)?;
        return Ok(());
    }
    loosen(repo)
}

/// Takes the costly hook out where no run is at work; the caller holds the repository's lock.
pub(in crate::service) fn loosen(repo: &Repository) -> ServiceResult<()> {
    if !wants_strict(repo.common_dir()) {
        hooks::uninstall(&hooks::place(repo)?, &|shim, by| shim.is_strict() && by == By::Run)?;
    }
    Ok(())
}

/// The repositories that were named by their directories, else the one around the working directory.
pub(super) fn repositories(caller: &Caller, given: &[String]) -> ServiceResult<Vec<Repository>> {
    if given.is_empty() {
        let here = Repository::discover(&caller.cwd)?;
        return Ok(vec![here.map_or_else(|| control(caller).map(|control| control.repo), Ok)?]);
    }
    let mut found: Vec<Repository> = Vec::new();
    for place in given {
        let repo = find_repository(caller, place)?;
        if !found.iter().any(|f| f.common_dir() == repo.common_dir()) {
            found.push(repo);
        }
    }
    found.sort_by(|a, b| a.common_dir().cmp(b.common_dir()));
    Ok(found)
}

/// A directory, or the name of a repository in an open run.
fn find_repository(caller: &Caller, place: &str) -> ServiceResult<Repository> {
    if let Some(repo) = Repository::discover(&caller.cwd.join(place))? {
        return Ok(repo);
    }
    if let Ok(control) = control(caller) {
        let runs = control.frozen().store.open_runs()?;
        let named =
            runs.iter().filter_map(Entry::run).flat_map(|run| &run.repos).find(|r| r.name.as_str() == place);
        if let Some(dir) = named.and_then(|repo| repo.common_dir.as_deref())
            && let Some(repo) = Repository::discover(dir)?
        {
            return Ok(repo);
        }
    }
    Err(ServiceError::failed(
        format!("'{place}' is neither in a git repository nor the name of one in an open run."),
        &["git metawsm hooks install <directory>"],
    ))
}

/// Puts hooks in by a person's word: they stay until they are taken out by one.
pub fn install(caller: &Caller, repos: &[String], server: bool) -> ServiceResult<Vec<HooksInstalled>> {
    let mut reports = Vec::new();
    for repo in repositories(caller, repos)? {
        let _lock = store::lock_repo(repo.common_dir(), "hooks install", caller.wait)?;
        // The costly one comes and goes with runs.
        let strict = wants_strict(repo.common_dir());
        let usual: Vec<_> = USUAL.into_iter().filter(|shim| !shim.is_strict()).collect();
        let mut report = put_in(&repo, if server { &[ON_SERVER] } else { &usual }, By::Person)?;
        if strict && !server {
            let more =
                put_in(&repo, &USUAL.into_iter().filter(|s| s.is_strict()).collect::<Vec<_>>(), By::Run)?;
            report.changes.extend(more.changes);
            report.by_hand.extend(more.by_hand);
        }
        reports.push(report);
    }
    Ok(reports)
}

/// Takes all hooks of ours out.
pub fn uninstall(caller: &Caller, repos: &[String]) -> ServiceResult<Vec<HooksInstalled>> {
    let mut reports = Vec::new();
    for repo in repositories(caller, repos)? {
        let _lock = store::lock_repo(repo.common_dir(), "hooks uninstall", caller.wait)?;
        let place = hooks::place(&repo)?;
        let changes = hooks::uninstall(&place, &|_, _| true)?;
        reports.push(HooksInstalled {
            repo: repo.dir().to_owned(),
            dir: place.dir,
            changes: changes.into_iter().map(|(shim, change)| (shim.name, change)).collect(),
            by_hand: Vec::new(),
            foreign: None,
        });
    }
    Ok(reports)
}

/// Answers for a bypass: it no longer blocks the close of its run.
pub fn ack(caller: &Caller, id: &str, reason: &str) -> ServiceResult<(Run, Bypass)> {
    if reason.trim().is_empty() {
        let hint = format!("git metawsm hooks ack {id} --reason '<why it may stand>'");
        return Err(ServiceError::wrong("An answer needs a reason.", &[&hint]));
    }
    let control = control(caller)?;
    let runs = control.store.open_runs()?;
    let has = |run: &&Run| run.bypasses.iter().any(|bypass| bypass.id == id);
    let Some(run) = runs.iter().filter_map(Entry::run).find(has) else {
        return Err(ServiceError::failed(
            format!("No open run has a bypass '{id}'."),
            &["git metawsm status"],
        ));
    };
    let mut hold = control.hold(&run.id, "hooks ack", caller)?;
    let bypass = bypass::answer(&control, &mut hold, id, reason)?;
    Ok((hold.run().clone(), bypass))
}
