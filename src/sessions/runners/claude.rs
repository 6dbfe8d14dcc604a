//! claude: `claude [-p] --permission-mode acceptEdits --allowedTools ... --session-id ID -- PROMPT`.

use super::{AgentCommand, RunnerInput, is_git_place};
use crate::sys::random;
use std::path::Path;

/// What may be run unasked besides edits: what it takes to commit, to look, and to speak as the prompt says.
const TOOLS: [&str; 8] = [
    "Bash(git add:*)",
    "Bash(git commit:*)",
    "Bash(git rm:*)",
    "Bash(git mv:*)",
    "Bash(git status:*)",
    "Bash(git diff:*)",
    "Bash(git log:*)",
    "Bash(git metawsm signal:*)",
];

pub(super) fn command_line(input: &RunnerInput) -> AgentCommand {
    let interactive = input.is_interactive();
    let mut argv = vec![input.program_or("claude")];
    if !interactive {
        argv.push("-p".to_owned());
    }
    let conversation = input.conversation.map_or_else(new_id, str::to_owned);
    let flag = if input.conversation.is_some() { "--resume" } else { "--session-id" };
    argv.extend([flag.to_owned(), conversation.clone()]);
    let mode = match input.permissions {
        Some("ask") => "default",
        Some("full") => "bypassPermissions",
        _ => "acceptEdits",
    };
    argv.extend(["--permission-mode".to_owned(), mode.to_owned()]);
    let places: Vec<_> = input.writable.iter().filter(|path| !is_git_place(path)).collect();
    if mode == "acceptEdits" {
        argv.push("--allowedTools".to_owned());
        argv.extend(TOOLS.map(str::to_owned));
        // The places of signal files are no worktrees.
        argv.extend(
            places.iter().filter(|path| !path.ends_with(".metawsm")).flat_map(|path| elsewhere(path)),
        );
    }
    for path in places {
        argv.extend(["--add-dir".to_owned(), path.to_string_lossy().into_owned()]);
    }
    // Two of the options above take as many words as follow.
    argv.extend(["--".to_owned(), input.prompt_argument()]);
    AgentCommand { argv, interactive, conversation: Some(conversation) }
}

/// The same commands for a worktree that is not the working directory. A pattern with a `*` in the place of the
/// directory would let through options that start other programs.
fn elsewhere(worktree: &Path) -> Vec<String> {
    let path = worktree.to_string_lossy();
    if !path.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c)) {
        return Vec::new();
    }
    ["add", "commit", "rm", "mv", "status", "diff", "log"]
        .map(|verb| format!("Bash(git -C {path} {verb}:*)"))
        .to_vec()
}

/// A random UUID (version 4).
fn new_id() -> String {
    let bits = |bits: u32| random::below(1 << bits);
    let (version, variant) = (0x4000 | bits(12), 0x8000 | bits(14));
    format!("{:08x}-{:04x}-{version:04x}-{variant:04x}-{:012x}", bits(32), bits(16), bits(48))
}

#[cfg(test)]
mod tests {
    use super::super::{command_line, git_places, is_uuid, tests::input};
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn a_new_conversation_has_an_id_and_an_old_one_is_continued() {
        let made = command_line(&input("claude", &[])).expect("made");
        let id = made.conversation.expect("an id");
        assert!(is_uuid(&id), "{id}");
        assert_eq!(made.argv[..3], ["claude", "--session-id", &id]);
        let again = RunnerInput { conversation: Some(&id), mode: Some("headless"), ..input("claude", &[]) };
        let made = command_line(&again).expect("made");
        assert_eq!(made.argv[..4], ["claude", "-p", "--resume", &id]);
        assert!(!made.interactive);
    }

    #[test]
    fn worktrees_are_opened_and_places_of_git_are_not() {
        let dir = tempfile::tempdir().expect("temp");
        let common = dir.path().join(".git");
        std::fs::create_dir_all(common.join("worktrees/ws")).expect("dir");
        std::fs::write(common.join("HEAD"), "ref: refs/heads/main\n").expect("write");
        std::fs::write(common.join("worktrees/ws/commondir"), "../..\n").expect("write");
        let mut writable = git_places(&common, "ws");
        writable.push(PathBuf::from("/w/worktrees/repo"));
        let argv = command_line(&input("claude", &writable)).expect("made").argv;
        let added: Vec<_> = argv.iter().skip_while(|w| *w != "--add-dir").collect();
        assert_eq!(added[..3], ["--add-dir", "/w/worktrees/repo", "--"]);
        assert!(argv.contains(&"Bash(git -C /w/worktrees/repo commit:*)".to_owned()));
    }

    #[test]
    fn the_command_that_the_prompt_names_is_run_unasked() {
        let argv = command_line(&input("claude", &[])).expect("made").argv;
        assert!(argv.contains(&"Bash(git metawsm signal:*)".to_owned()), "{argv:?}");
    }

    #[test]
    fn full_access_is_given_only_where_it_is_asked_for() {
        let by_default = command_line(&input("claude", &[])).expect("made").argv.join(" ");
        assert!(by_default.contains("--permission-mode acceptEdits") && !by_default.contains("bypass"));
        let full = RunnerInput { permissions: Some("full"), ..input("claude", &[]) };
        assert!(command_line(&full).expect("made").argv.join(" ").contains("bypassPermissions"));
    }
}
