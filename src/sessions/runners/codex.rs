//! codex: `codex [exec] [resume] -c sandbox_mode=... -c sandbox_workspace_write.writable_roots=[...] -- PROMPT`.
//!
//! Settings go by `-c`: unlike `--sandbox`, `--add-dir` and `--ask-for-approval` every subcommand takes it.

use super::{AgentCommand, RunnerInput, first_line, is_uuid};
use crate::sys::{env, files};
use jiff::Timestamp;
use std::path::{Path, PathBuf};

pub(super) fn command_line(input: &RunnerInput) -> AgentCommand {
    let interactive = input.is_interactive();
    let mut argv = vec![input.program_or("codex")];
    if !interactive {
        argv.push("exec".to_owned());
    }
    if input.conversation.is_some() {
        argv.push("resume".to_owned());
    }
    for setting in settings(input, interactive) {
        argv.extend(["-c".to_owned(), setting]);
    }
    argv.push("--".to_owned());
    argv.extend(input.conversation.map(str::to_owned));
    argv.push(input.prompt_argument());
    AgentCommand { argv, interactive, conversation: input.conversation.map(str::to_owned) }
}

fn settings(input: &RunnerInput, interactive: bool) -> Vec<String> {
    let sandbox = if input.permissions == Some("full") { "danger-full-access" } else { "workspace-write" };
    // What is not allowed is refused to the agent, which can say so; nobody has to be there to be asked.
    let approval = if interactive && input.permissions != Some("full") { "on-request" } else { "never" };
    let sandbox = if input.permissions == Some("ask") { "read-only" } else { sandbox };
    let mut all = vec![format!("sandbox_mode=\"{sandbox}\""), format!("approval_policy=\"{approval}\"")];
    if sandbox == "workspace-write" && !input.writable.is_empty() {
        let roots: Vec<_> = input.writable.iter().map(|path| toml_text(path)).collect();
        all.push(format!("sandbox_workspace_write.writable_roots=[{}]", roots.join(",")));
    }
    all
}

fn toml_text(path: &Path) -> String {
    toml::Value::String(path.to_string_lossy().into_owned()).to_string()
}

pub(super) fn could_commit(writable: &[PathBuf]) -> Result<(), String> {
    let has = |name: &str| writable.iter().any(|path| path.file_name().is_some_and(|n| n == name));
    let has_worktree = writable.iter().any(|path| path.parent().is_some_and(|p| p.ends_with("worktrees")));
    if has("objects") && has("refs") && has("logs") && has_worktree {
        return Ok(());
    }
    Err("its sandbox would not let it write what git writes for a commit".to_owned())
}

/// By what `codex exec` prints (`session id: ...`), else by the newest of codex's own files of a conversation in
/// that directory.
pub(super) fn find_conversation(cwd: &Path, since: Timestamp, log: &Path) -> Option<String> {
    printed(&super::super::talk::tail(log, 100_000)).or_else(|| kept(cwd, since))
}

fn printed(log: &str) -> Option<String> {
    let mut ids = log.lines().rev().filter_map(|line| line.trim().strip_prefix("session id: "));
    ids.find(|id| is_uuid(id.trim())).map(|id| id.trim().to_owned())
}

/// `$CODEX_HOME/sessions/yyyy/mm/dd/rollout-<time>-<id>.jsonl`; the first line names the directory.
fn kept(cwd: &Path, since: Timestamp) -> Option<String> {
    let home = env::text("CODEX_HOME").map(PathBuf::from);
    let root = home.or_else(|| env::home().map(|h| h.join(".codex")))?.join("sessions");
    let mut found: Vec<(Timestamp, String)> = Vec::new();
    for file in recent_files(&root) {
        let written = file.metadata().and_then(|m| m.modified()).ok();
        let written = written.and_then(|t| Timestamp::try_from(t).ok()).filter(|t| *t >= since);
        let first = first_line(&file, 1 << 20).and_then(|l| serde_json::from_str(&l).ok());
        let (Some(written), Some(first)) = (written, first) else { continue };
        let first: serde_json::Value = first;
        let payload = first.get("payload").unwrap_or(&first);
        let text = |key: &str| payload.get(key).and_then(serde_json::Value::as_str);
        if text("cwd").is_some_and(|dir| files::real_path(Path::new(dir)) == files::real_path(cwd)) {
            found.extend(text("id").filter(|id| is_uuid(id)).map(|id| (written, id.to_owned())));
        }
    }
    found.into_iter().max().map(|(_, id)| id)
}

/// The files of the last three days that have any: names sort by time.
fn recent_files(root: &Path) -> Vec<PathBuf> {
    let below = |dir: PathBuf| {
        files::names_in(&dir).unwrap_or_default().into_iter().rev().map(move |name| dir.join(name))
    };
    let days = below(root.to_owned()).flat_map(below).flat_map(below).take(3);
    days.flat_map(below).take(500).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{command_line, git_places, tests::input};
    use super::*;
    use crate::model::SessionBackend;

    #[test]
    fn the_sandbox_opens_what_a_commit_needs() {
        let places = git_places(Path::new("/r \"x\"/.git"), "ws");
        let alone = RunnerInput { backend: SessionBackend::Process, ..input("codex", &places[..2]) };
        let argv = command_line(&alone).expect("made").argv;
        assert_eq!(
            argv,
            [
                "codex",
                "exec",
                "-c",
                "sandbox_mode=\"workspace-write\"",
                "-c",
                "approval_policy=\"never\"",
                "-c",
                "sandbox_workspace_write.writable_roots=['/r \"x\"/.git/objects','/r \"x\"/.git/refs']",
                "--",
                "--do it",
            ]
        );
    }

    #[test]
    fn a_conversation_is_continued_by_its_id() {
        let id = "01a20382-5894-7481-a70a-ca72312d6d5f";
        let again = RunnerInput { conversation: Some(id), ..input("codex", &[]) };
        let argv = command_line(&again).expect("made").argv;
        assert_eq!((argv[1].as_str(), argv[argv.len() - 2].as_str()), ("resume", id));
    }

    #[test]
    fn the_printed_conversation_is_found() {
        let id = "01a20382-5894-7481-a70a-ca72312d6d5f";
        assert_eq!(printed(&format!("model: x\nsession id: {id}\n--------\n")).as_deref(), Some(id));
        assert_eq!(printed("session id: ../../x\n"), None);
    }
}
