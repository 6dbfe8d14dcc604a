//! A terminal in which the screen is shown: a pane of a tmux server apart from that of the agents.

use crate::kit::{BINARY, Output, World, wait_for};
use crate::stage::{PATIENCE, Stage};
use std::path::Path;

/// A shell in a terminal, from which the program is started by typing.
pub struct Chair<'a> {
    world: &'a World,
}

impl<'a> Chair<'a> {
    /// A shell in this directory, in a terminal of this size.
    pub fn in_dir(world: &'a World, dir: &Path, size: (u16, u16)) -> Self {
        let (columns, lines) = (size.0.to_string(), size.1.to_string());
        let chair = Self { world };
        let shell = "PS1='$ ' exec sh";
        let dir = dir.to_string_lossy();
        // A server that was just ended may still be leaving, and takes whoever comes along.
        wait_for("a terminal is there", PATIENCE, || {
            let session =
                ["new-session", "-d", "-x", &columns, "-y", &lines, "-s", "chair", "-c", &dir, shell];
            (chair.tmux(&session).status == Some(0)).then_some(())
        });
        chair.tmux(&["set-option", "-g", "status", "off"]).ok();
        chair.tmux(&["resize-window", "-t", "chair", "-x", &columns, "-y", &lines]).ok();
        chair.see("$");
        chair
    }

    /// A chair in the control repository, with the program started in it.
    pub fn at(stage: &'a Stage, size: (u16, u16), words: &str) -> Self {
        let chair = Self::in_dir(&stage.world, stage.api.path(), size);
        chair.start("", words);
        chair
    }

    /// Starts the program by its words, with these variables before it; what it ends with is printed.
    pub fn start(&self, variables: &str, words: &str) {
        self.line(&format!(
            "stty -a > before; {variables} '{BINARY}' tui {words}; echo \"left with $?\"; stty -a > after"
        ));
    }

    /// Types a line into the shell.
    pub fn line(&self, line: &str) {
        self.tmux(&["send-keys", "-t", "chair", "-l", line]).ok();
        self.key("Enter");
    }

    /// A command of the chair's own tmux.
    pub fn tmux(&self, words: &[&str]) -> Output {
        Output::of(self.world.command("tmux").args(["-L", "chair", "-f", "/dev/null"]).args(words), "tmux")
    }

    /// Presses a key, as tmux calls it.
    pub fn key(&self, key: &str) {
        self.tmux(&["send-keys", "-t", "chair", key]).ok();
    }

    /// Closes what is told; a key that followed an escape byte at once would be another key.
    #[track_caller]
    pub fn back(&self) {
        // What is under way says the same words before it is over.
        self.see("Esc back");
        self.key("Escape");
        self.see_that("what was told is closed", |screen| !screen.contains("Esc back"));
    }

    /// Types letters.
    pub fn write(&self, text: &str) {
        self.tmux(&["send-keys", "-t", "chair", "-l", text]).ok();
    }

    /// What the terminal shows.
    pub fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-t", "chair"]).ok().stdout
    }

    /// Waits until the terminal shows a text, and gives all of it.
    #[track_caller]
    pub fn see(&self, text: &str) -> String {
        self.see_that(&format!("{text:?} is shown"), |screen| screen.contains(text))
    }

    /// Waits until what the terminal shows is as it should be.
    #[track_caller]
    pub fn see_that(&self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
        let mut last = String::new();
        let deadline = std::time::Instant::now() + PATIENCE;
        wait_for(what, PATIENCE * 2, || {
            last = self.screen();
            assert!(std::time::Instant::now() < deadline, "waited in vain: {what}\n{last}");
            is_so(&last).then(|| last.clone())
        })
    }

    /// The process of the program.
    pub fn program(&self) -> String {
        let shell = self.tmux(&["display-message", "-p", "-t", "chair", "#{pane_pid}"]).ok().stdout;
        let path = format!("/proc/{0}/task/{0}/children", shell.trim());
        wait_for("the program runs", PATIENCE, || {
            let children = std::fs::read_to_string(&path).ok()?;
            children.split_whitespace().next().map(str::to_owned)
        })
    }

    /// Requires that the program was left with this status and the terminal is as it was.
    #[track_caller]
    pub fn is_as_before(&self, dir: &Path, status: &str) {
        let shown = self.see(&format!("left with {status}\n"));
        wait_for("the shell goes on", PATIENCE, || dir.join("after").is_file().then_some(()));
        let pane =
            self.tmux(&["display-message", "-p", "-t", "chair", "#{alternate_on} #{cursor_flag}"]).ok();
        assert_eq!(pane.stdout.trim(), "0 1", "the other page is left and the cursor is shown:\n{shown}");
        let read = |name: &str| std::fs::read_to_string(dir.join(name)).expect("what stty said");
        wait_for("both were written", PATIENCE, || {
            (read("after").len() >= read("before").len()).then_some(())
        });
        assert_eq!(read("before"), read("after"));
    }
}
