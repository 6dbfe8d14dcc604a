//! Whether what was written is found, and what a person must add where it is not.

use super::ledger::Ledger;
use super::place::{Places, zsh_path};
use super::{Content, SetupReport, SetupRequest, Shell, content};
use crate::model::sha256_hex;
use crate::sys::process::quoted;
use crate::sys::{Cmd, env, files};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long man may look.
const LIMIT: Duration = Duration::from_secs(20);

/// Where the package bash-completion lies.
const BASH_COMPLETION: [&str; 5] = [
    "/usr/share/bash-completion/bash_completion",
    "/usr/local/share/bash-completion/bash_completion",
    "/opt/homebrew/share/bash-completion/bash_completion",
    "/opt/homebrew/etc/profile.d/bash_completion.sh",
    "/etc/bash_completion",
];

/// Asks the programs themselves.
pub(super) fn look(request: &SetupRequest, places: &Places, report: &mut SetupReport) {
    if request.dry_run || request.prefix.is_some() {
        return;
    }
    man(places, report);
    let written: Vec<_> = report.files.iter().map(|file| file.part).collect();
    for shell in Shell::ALL.into_iter().filter(|shell| written.contains(&shell.as_str())) {
        match shell {
            Shell::Bash => bash(&places.of(shell), report),
            Shell::Zsh => zsh(&places.of(shell), report),
            Shell::Fish => report.works.push("fish completes 'git metawsm' from now on".to_owned()),
        }
    }
}

/// The page that man shows.
fn installed() -> Option<PathBuf> {
    let said = Cmd::new("man").args(["-w", "git-metawsm"]).limit(LIMIT).run().ok()?;
    let first = said.text().lines().next()?.to_owned();
    (!first.is_empty()).then(|| PathBuf::from(first))
}

/// Whether a set-up has been here, and everything that it wrote stands as it was.
pub fn is_set_up() -> Option<bool> {
    let places = env::state_dir()?.join("git-metawsm/setup");
    let ledger = Ledger::load(&places).ok()?;
    let paths = ledger.files();
    if paths.is_empty() {
        return None;
    }
    let stands = |path: &PathBuf| match content(path) {
        Ok(Content::File(bytes)) => ledger.knows(path, &sha256_hex(&bytes)),
        _ => false,
    };
    Some(paths.iter().all(stands))
}

fn man(places: &Places, report: &mut SetupReport) {
    if env::find_program("man").is_none() {
        report.left_out.push("man is not installed; 'git metawsm help' shows the same texts".to_owned());
        return;
    }
    let page = places.man.join("man1/git-metawsm.1");
    let same = |found: &Path| files::real_path(found) == files::real_path(&page);
    match installed() {
        Some(found) if same(&found) => {
            report.works.push("'git metawsm --help' shows the man page".to_owned());
        }
        Some(found) => report.to_do.push((
            format!("man shows another page first, {}", found.display()),
            format!("man {}", quoted(&page.display().to_string())),
        )),
        None => report.to_do.push((
            "man does not look there; add this to the file that your shell reads at its start".to_owned(),
            format!("export MANPATH={}:\"$MANPATH\"", quoted(&places.man.display().to_string())),
        )),
    }
}

fn bash(file: &Path, report: &mut SetupReport) {
    let place = file.display().to_string();
    let rc = env::home().map(|home| home.join(".bashrc"));
    let is_named = rc
        .as_deref()
        .is_some_and(|rc| names(rc, &place) || names(rc, "bash-completion/completions/git-metawsm"));
    if is_named || BASH_COMPLETION.iter().any(|path| Path::new(path).is_file()) {
        report.works.push("bash completes 'git metawsm' in new shells".to_owned());
    } else {
        report.to_do.push((
            "bash finds its file by the package bash-completion, which is not installed; install it, or add to ~/.bashrc, below the line that loads git's own completion".to_owned(),
            format!("source {}", quoted(&place)),
        ));
    }
}

fn zsh(file: &Path, report: &mut SetupReport) {
    let dir = file.parent().unwrap_or(file);
    let shown = dir.display().to_string();
    let home = env::home().unwrap_or_default();
    let rc = env::os("ZDOTDIR").map_or(home.clone(), PathBuf::from).join(".zshrc");
    let short = dir.strip_prefix(&home).map(|rest| rest.display().to_string()).unwrap_or_default();
    let is_named = names(&rc, &shown) || (!short.is_empty() && names(&rc, &short));
    if is_named || zsh_path().iter().any(|known| known == dir) {
        report.works.push("zsh completes 'git metawsm' in new shells".to_owned());
    } else {
        report.to_do.push((
            "zsh does not look there yet; add to ~/.zshrc, above the line with compinit".to_owned(),
            format!("fpath=({} $fpath)", quoted(&shown)),
        ));
    }
}

/// Whether a start-up file of a shell speaks of a place.
fn names(file: &Path, place: &str) -> bool {
    files::find_text(file).ok().flatten().is_some_and(|text| text.contains(place))
}
