//! The repositories that take part: entries of open runs, worktrees, branches, hooks, and what was saved.

use super::super::{Caller, Control, ServiceResult, hooks, policies, steps};
use super::mend::Mend;
use super::{Check, counted};
use crate::git::{Repository, Worktree};
use crate::hooks::{By, HookFile, USUAL, hook_by, hook_file, place};
use crate::model::{Run, RunRepo};
use crate::policy::HooksInstall;
use crate::store::{self, Entry, OpenEntry};
use crate::sys::files;
use crate::sys::process::quoted;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub(super) fn look(control: &Control, caller: &Caller, checks: &mut Vec<Check>) -> ServiceResult<()> {
    let runs: Vec<Run> = control.store.live_runs()?.into_iter().filter_map(Entry::into_run).collect();
    let open: Vec<&Run> = runs.iter().filter(|run| run.state.is_open()).collect();
    if control.store.exists() && !open.is_empty() {
        link(control, checks);
    }
    let mut repos: BTreeMap<PathBuf, Repository> = BTreeMap::new();
    repos.insert(control.repo.common_dir().to_owned(), control.repo.clone());
    for run in &open {
        take_part(control, run, &mut repos, checks);
    }
    for repo in repos.values() {
        entries(control, repo, &runs, checks);
        gone_worktrees(repo, &open, checks)?;
    }
    hooks(caller, &repos, &open, checks)?;
    saved(&repos, checks)
}

fn link(control: &Control, checks: &mut Vec<Check>) {
    let Some(top) = control.repo.worktree() else { return };
    let link = top.join(".metawsm/live");
    let leads = std::fs::read_link(&link).is_ok()
        && files::real_path(&link) == files::real_path(&control.store.dir());
    let is_hidden = control.repo.ignore_rule(".metawsm/live").ok().flatten().is_some();
    if leads && is_hidden {
        checks.push(Check::good("link", ".metawsm/live leads to the live records"));
    } else if !leads && link.symlink_metadata().is_ok() && std::fs::read_link(&link).is_err() {
        checks.push(
            Check::warn("link", ".metawsm/live is not our link to the live records")
                .by("mv .metawsm/live .metawsm/live.old"),
        );
    } else {
        let what = if leads {
            "git does not ignore .metawsm/live"
        } else {
            ".metawsm/live does not lead to the live records"
        };
        checks.push(Check::warn("link", what).mended_by(Mend::Link));
    }
}

/// The repositories, worktrees and branches of one open run.
fn take_part(
    control: &Control,
    run: &Run,
    repos: &mut BTreeMap<PathBuf, Repository>,
    checks: &mut Vec<Check>,
) {
    let before = checks.len();
    for part in &run.repos {
        let repo = match steps::open_repo(run, &part.name) {
            Ok(repo) => repo,
            Err(error) => {
                checks.push(
                    Check::bad("repositories", error.to_string())
                        .by(format!("git metawsm discard {}", run.id)),
                );
                continue;
            }
        };
        worktrees(run, part, &repo, checks);
        if !is_entered(control, run, part, &repo) {
            let what = format!("the hooks of '{}' do not know of {}", part.name, run.id);
            checks.push(Check::bad("entries", what).mended_by(Mend::Enter(run.id.clone())));
        }
        repos.entry(repo.common_dir().to_owned()).or_insert(repo);
    }
    if checks.len() == before {
        let repos = counted(run.repos.len(), "repository");
        checks.push(if run.worktrees.iter().any(|tree| tree.start.is_empty()) {
            let what = format!("{}: {repos} there, and not every worktree is made yet", run.id);
            Check::note("repositories", what).by(format!("git metawsm status {}", run.id))
        } else {
            Check::good("repositories", format!("{}: {repos} and its worktrees are there", run.id))
        });
    }
}

fn is_entered(control: &Control, run: &Run, part: &RunRepo, repo: &Repository) -> bool {
    let branches: Vec<_> = run.worktrees_of(&part.name).map(|tree| tree.branch.as_str()).collect();
    let is_its = |entry: &OpenEntry| {
        entry.run == run.id
            && entry.root == control.root()
            && entry.base == part.base
            && entry.branches == branches
    };
    // Before provisioning there is nothing to keep out of a base.
    let is_made = run.worktrees_of(&part.name).any(|tree| !tree.start.is_empty());
    !is_made || store::open_entries(repo.common_dir()).iter().any(is_its)
}

fn worktrees(run: &Run, part: &RunRepo, repo: &Repository, checks: &mut Vec<Check>) {
    let listed = repo.worktrees().unwrap_or_default();
    let resume = format!("git metawsm resume {}", run.id);
    for tree in run.worktrees_of(&part.name).filter(|tree| !tree.start.is_empty()) {
        match repo.branch_id(&tree.branch) {
            Ok(Some(_)) => {}
            Ok(None) => {
                let what = format!("the branch '{}' of {} is gone from '{}'", tree.branch, run.id, part.name);
                let back = format!("git -C {} branch {} <commit>", shown(repo.dir()), quoted(&tree.branch));
                checks.push(Check::bad("branches", what).by(back));
            }
            Err(error) => checks.push(Check::bad("branches", error.to_string()).by(resume.clone())),
        }
        let Some(path) = &tree.path else { continue };
        if !path.is_dir() {
            let what = format!(
                "the worktree {} of {} is gone; its branch holds what was committed",
                path.display(),
                run.id
            );
            checks.push(Check::bad("worktrees", what).by(resume.clone()));
        } else if !listed.iter().any(|known| files::real_path(&known.path) == files::real_path(path)) {
            let what = format!("git does not know {} as a worktree of '{}'", path.display(), part.name);
            let repair = format!("git -C {} worktree repair {}", shown(repo.dir()), shown(path));
            checks.push(Check::bad("worktrees", what).by(repair));
        }
    }
    if let Ok(None) = repo.branch_id(&part.base)
        && part.base_id.is_empty()
    {
        let what = format!("the base '{}' of {} is not in '{}'", part.base, run.id, part.name);
        checks.push(Check::warn("branches", what).by(format!("git -C {} fetch", shown(repo.dir()))));
    }
}

fn shown(path: &Path) -> String {
    quoted(&path.display().to_string())
}

/// Entries of runs that are over keep hooks awake.
fn entries(control: &Control, repo: &Repository, runs: &[Run], checks: &mut Vec<Check>) {
    let (entries, faults) = store::open_all(repo.common_dir());
    for (path, why) in faults {
        checks.push(Check::bad("entries", why).by(format!("rm {}", shown(&path))));
    }
    for entry in entries {
        if !entry.root_exists() {
            let what = format!("{} is open in {}, which is gone", entry.run, entry.root.display());
            let file = repo.common_dir().join("metawsm/open").join(entry.run.as_str());
            checks.push(Check::warn("entries", what).by(format!("rm {}", shown(&file))));
            continue;
        }
        let here = runs.iter().find(|run| entry.root == control.root() && run.id == entry.run);
        let is_open = here.map_or_else(|| is_open_there(&entry), |run| run.state.is_open());
        if !is_open {
            let what = format!("{} has an entry for {}, which is over", repo.dir().display(), entry.run);
            let mend = Mend::Leave(repo.common_dir().to_owned(), entry.run.clone(), entry.root.clone());
            checks.push(Check::warn("entries", what).mended_by(mend));
        }
    }
}

/// What cannot be read there may be open.
fn is_open_there(entry: &OpenEntry) -> bool {
    let Ok(Some(repo)) = Repository::discover(&entry.root) else { return true };
    let store = Control::of(repo).frozen().store;
    match store.find_run(&entry.run) {
        Ok(Some(run)) => run.state.is_open(),
        Ok(None) => store.run_dir(&entry.run).is_dir(),
        Err(_) => true,
    }
}

/// git's notes of worktrees that are gone; those of open runs come back with `resume`.
fn gone_worktrees(repo: &Repository, open: &[&Run], checks: &mut Vec<Check>) -> ServiceResult<()> {
    let is_of_open = |path: &Path| {
        open.iter().flat_map(|run| &run.worktrees).any(|tree| tree.path.as_deref() == Some(path))
    };
    for gone in repo.worktrees()?.into_iter().filter(|tree| tree.prunable && !is_of_open(&tree.path)) {
        let what = format!("git lists the worktree {}, which is gone", gone.path.display());
        checks.push(if holds_nothing(repo, &gone)? {
            Check::note("worktrees", what).mended_by(Mend::Forget(repo.common_dir().to_owned(), gone.path))
        } else {
            // Its log may name the only commits of somebody's afternoon.
            Check::warn("worktrees", format!("{what} and had commits that no branch holds"))
                .by(format!("git -C {} fsck --no-reflogs --lost-found", shown(repo.dir())))
        });
    }
    Ok(())
}

fn holds_nothing(repo: &Repository, gone: &Worktree) -> ServiceResult<bool> {
    match &gone.head {
        Some(head) if gone.detached => Ok(repo.is_held_by_a_ref(head)?),
        _ => Ok(true),
    }
}

/// Hooks: proven where a run is open, gone where none is.
fn hooks(
    caller: &Caller,
    repos: &BTreeMap<PathBuf, Repository>,
    open: &[&Run],
    checks: &mut Vec<Check>,
) -> ServiceResult<()> {
    for (common, repo) in repos {
        let here: Vec<_> = open
            .iter()
            .filter(|run| run.repos.iter().any(|r| r.common_dir.as_ref() == Some(common)))
            .collect();
        let dir = repo.dir().display().to_string();
        let place = place(repo)?;
        if here.is_empty() {
            let is_left = USUAL.iter().any(|shim| hook_by(&place.dir.join(shim.name)) == Some(By::Run));
            if is_left && store::open_entries(common).is_empty() {
                checks.push(
                    Check::note("hooks", format!("{dir} has hooks of runs, and no run is open there"))
                        .mended_by(Mend::Hooks(common.clone())),
                );
            }
            continue;
        }
        let wants =
            here.iter().any(|run| policies::stored(run).is_ok_and(|p| p.hooks.install == HooksInstall::Auto));
        if !wants {
            checks.push(
                Check::note("hooks", format!("{dir}: the policy leaves hooks to you"))
                    .by("git metawsm hooks status"),
            );
        } else if let Some(why) = place.foreign {
            let what =
                format!("{dir} has none of ours, because {why}; unfinished work can reach its base unseen");
            checks.push(
                Check::warn("hooks", what).by(format!("git metawsm hooks install {}", shown(repo.dir()))),
            );
        } else {
            hooks_of(caller, repo, here[0], &place.dir, checks)?;
        }
    }
    Ok(())
}

fn hooks_of(
    caller: &Caller,
    repo: &Repository,
    run: &Run,
    dir: &Path,
    checks: &mut Vec<Check>,
) -> ServiceResult<()> {
    let shown_dir = repo.dir().display();
    let mut missing = Vec::new();
    for shim in USUAL.iter().filter(|shim| !shim.is_strict()) {
        match hook_file(&dir.join(shim.name)) {
            HookFile::Ours => {}
            HookFile::Missing | HookFile::Script => missing.push(shim.name),
            HookFile::Foreign(why) => checks.push(
                Check::warn("hooks", format!("{} of {shown_dir} is left alone: {why}", shim.name))
                    .by(format!("git metawsm hooks install {}", shown(repo.dir()))),
            ),
        }
    }
    if !missing.is_empty() {
        let what = format!("{shown_dir} lacks {}", missing.join(", "));
        checks.push(Check::bad("hooks", what).mended_by(Mend::Enter(run.id.clone())));
        return Ok(());
    }
    let place = repo.dir().display().to_string();
    let proofs: Vec<_> =
        hooks::prove(caller, &[place])?.into_iter().flat_map(|proven| proven.proofs).collect();
    let silent: Vec<_> = proofs.iter().filter(|proof| proof.fires == Some(false)).collect();
    for proof in &silent {
        let what = format!("{} does not fire in {}", proof.hook, proof.place.display());
        checks.push(Check::bad("hooks", what).by(format!("git metawsm hooks status {}", shown(repo.dir()))));
    }
    if silent.is_empty() {
        let fired = proofs.iter().filter(|proof| proof.fires == Some(true)).count();
        checks.push(Check::good(
            "hooks",
            format!("{shown_dir}: git started {}, each of which answered", counted(fired, "hook")),
        ));
    }
    Ok(())
}

fn saved(repos: &BTreeMap<PathBuf, Repository>, checks: &mut Vec<Check>) -> ServiceResult<()> {
    let mut count = 0;
    for repo in repos.values() {
        count += repo.saved_work()?.len();
    }
    if count > 0 {
        checks.push(
            Check::note("rescues", format!("{} of removed work, kept", counted(count, "copy")))
                .by("git metawsm rescue list"),
        );
    }
    Ok(())
}
