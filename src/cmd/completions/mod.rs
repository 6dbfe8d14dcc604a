//! `completions`, by which the shells ask what can follow. Not for people: a line that is not understood gives nothing,
//! and nothing that goes wrong reaches the prompt.

mod offer;

use super::plain_screen;
use crate::service::{self, Caller, Shell};
use crate::sys::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

/// The text that a shell loads, and by which it asks us.
pub(super) fn script(shell: Shell) -> &'static str {
    match shell {
        Shell::Bash => include_str!("git-metawsm.bash"),
        Shell::Zsh => include_str!("git-metawsm.zsh"),
        Shell::Fish => include_str!("git-metawsm.fish"),
    }
}

/// What a shell asked: the words after `completions`, if they are a shell's.
pub(super) struct Asked {
    shell: Shell,
    place: usize,
    words: Vec<OsString>,
}

impl Asked {
    /// Reads `<shell> <place> -- <words>`.
    pub(super) fn of(words: &[OsString]) -> Option<Self> {
        let [shell, place, dashes, words @ ..] = words else { return None };
        let shell = Shell::ALL.into_iter().find(|known| *shell == *known.as_str())?;
        let place = place.to_str()?.parse().ok()?;
        let is_understood = dashes == "--" && !words.is_empty() && place > 0 && place <= words.len();
        is_understood.then(|| Self { shell, place, words: words.to_vec() })
    }

    /// From where the commands that are being typed will look.
    fn caller(&self) -> Option<Caller> {
        let mut cwd = env::cwd()?;
        let mut root = env::text(env::ROOT).map(PathBuf::from);
        let mut words = self.words.iter().take(self.place).skip(1);
        while let Some(word) = words.next() {
            match word.to_str() {
                Some("-C") => cwd = cwd.join(words.next()?),
                Some("--root") => root = words.next().map(PathBuf::from),
                Some(word) => {
                    if let Some(given) = word.strip_prefix("--root=") {
                        root = Some(PathBuf::from(given));
                    }
                }
                None => {}
            }
        }
        Some(service::word_caller(cwd, root))
    }
}

/// Answers a shell.
pub(super) fn enter(mut asked: Asked) -> ExitCode {
    // A word that is still empty may not have been handed on.
    if asked.place == asked.words.len() {
        asked.words.push(OsString::new());
    }
    // What a parser meant for others does with half a line is not to be seen at a prompt.
    std::panic::set_hook(Box::new(|_| {}));
    let lines = std::panic::catch_unwind(|| {
        let caller = asked.caller()?;
        Some(offer::lines(&caller, asked.shell, &asked.words, asked.place))
    });
    plain_screen(false).answer(&lines.ok().flatten().unwrap_or_default());
    ExitCode::SUCCESS
}
