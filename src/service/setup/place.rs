//! Where man and the shells look.

use super::super::{ServiceError, ServiceResult};
use super::Shell;
use crate::sys::{Cmd, env};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a program may think about where it looks.
const LIMIT: Duration = Duration::from_secs(10);

/// Where our files go.
pub(super) struct Places {
    /// The directory that holds `man1` and `man5`.
    pub man: PathBuf,
    bash: PathBuf,
    zsh: PathBuf,
    fish: PathBuf,
    /// The list of what was written.
    pub ledger: PathBuf,
}

impl Places {
    /// The user's own places, or those below a prefix.
    pub(super) fn find(prefix: Option<&Path>) -> ServiceResult<Self> {
        if let Some(prefix) = prefix {
            let share = prefix.join("share");
            return Ok(Self {
                man: share.join("man"),
                bash: share.join("bash-completion/completions"),
                zsh: share.join("zsh/site-functions"),
                fish: share.join("fish/vendor_conf.d"),
                ledger: share.join("git-metawsm/setup"),
            });
        }
        let (home, data, config, state) = homes().ok_or_else(|| {
            ServiceError::failed(
                "HOME is not set, so there is no place of this user's own to write to.",
                &["HOME=<your home directory> git metawsm setup", "git metawsm setup --prefix <directory>"],
            )
        })?;
        Ok(Self {
            man: man_dir(&home),
            bash: data.join("bash-completion/completions"),
            zsh: zsh_dir(&home, &data),
            fish: config.join("fish/conf.d"),
            ledger: state.join("git-metawsm/setup"),
        })
    }

    /// The file that a shell loads.
    pub(super) fn of(&self, shell: Shell) -> PathBuf {
        match shell {
            Shell::Bash => self.bash.join("git-metawsm"),
            Shell::Zsh => self.zsh.join("_git-metawsm"),
            Shell::Fish => self.fish.join("git-metawsm.fish"),
        }
    }
}

fn homes() -> Option<(PathBuf, PathBuf, PathBuf, PathBuf)> {
    let home = env::home().filter(|home| home.is_absolute())?;
    Some((home, env::data_dir()?, env::config_dir()?, env::state_dir()?))
}

/// man looks beside the `bin` of each entry of PATH (and, where MANPATH is set, there alone): the first such place of the
/// user's own, else the usual one.
fn man_dir(home: &Path) -> PathBuf {
    let usual = home.join(".local/share/man");
    let searched = man_path();
    if searched.contains(&usual) || on_path(&home.join(".local/bin")) {
        return usual;
    }
    let own = |dir: &&PathBuf| dir.starts_with(home);
    if let Some(dir) = searched.iter().find(own) {
        return dir.clone();
    }
    // A directory that is not there yet is not among those that are searched.
    let beside = env::find_program("git-metawsm")
        .and_then(|program| Some(program.parent()?.parent()?.to_owned()))
        .filter(|above| above.starts_with(home) && above != home);
    beside.map_or(usual, |above| above.join("share/man"))
}

fn on_path(dir: &Path) -> bool {
    env::os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|entry| entry == dir))
}

fn man_path() -> Vec<PathBuf> {
    let Ok(said) = Cmd::new("manpath").arg("-q").limit(LIMIT).run() else { return Vec::new() };
    said.text().split(':').filter(|dir| !dir.is_empty()).map(PathBuf::from).collect()
}

/// Where zsh finds functions of this user: a place of theirs that it searches already, else the usual one.
fn zsh_dir(home: &Path, data: &Path) -> PathBuf {
    let usual = data.join("zsh/site-functions");
    let searched = zsh_path();
    if searched.contains(&usual) {
        return usual;
    }
    searched.into_iter().find(|dir| dir.starts_with(home) && dir.is_dir()).unwrap_or(usual)
}

/// The directories that zsh searches by `.zshenv` alone; what `.zshrc` does is not run for a question of ours.
pub(super) fn zsh_path() -> Vec<PathBuf> {
    let ask = ["-c", r#"print -rl -- "${fpath[@]}""#];
    let Ok(said) = Cmd::new("zsh").args(ask).limit(LIMIT).run() else { return Vec::new() };
    said.text().lines().map(PathBuf::from).filter(|dir| dir.is_absolute()).collect()
}
