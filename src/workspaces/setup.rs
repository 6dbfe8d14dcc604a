//! The set-up commands of policy.

use super::{WorkspaceError, WorkspaceResult};
use crate::sys::Cmd;
use std::path::Path;
use std::time::Duration;

/// How long one command may take.
pub(super) const LIMIT: Duration = Duration::from_secs(600);
/// How much of its output an error quotes.
const QUOTED: usize = 2_000;

/// Runs argument vectors one after the other in `workspace`, which must exist; the first that fails is the
/// error, with the end of its output. They inherit our environment without what points git at another repository
/// and without our own words, and get `vars` on top. A relative program with a `/` is looked up in `workspace`.
pub fn run_setup(
    workspace: &Path,
    commands: &[Vec<String>],
    vars: &[(String, String)],
) -> WorkspaceResult<()> {
    for argv in commands {
        let (program, args) = argv.split_first().ok_or(WorkspaceError::EmptyCommand)?;
        if program.is_empty() {
            return Err(WorkspaceError::EmptyCommand);
        }
        let own = program.contains('/') && Path::new(program).is_relative();
        let program = if own { workspace.join(program) } else { Path::new(program).to_owned() };
        let cmd = Cmd::new(program).args(args).cwd(workspace).limit(LIMIT);
        let cmd = cmd.without_outside().awaited();
        let cmd = vars.iter().fold(cmd, |cmd, (name, value)| cmd.env(name, value));
        let output = cmd.output()?;
        if !output.exit.is_ok() {
            return Err(WorkspaceError::SetupFailed {
                command: cmd.display(),
                dir: workspace.to_owned(),
                exit: output.exit.to_string(),
                output: end_of(&[output.stdout, output.stderr].concat()),
            });
        }
    }
    Ok(())
}

/// The last lines of an output, at most [`QUOTED`] characters.
pub(super) fn end_of(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim();
    let start = text.char_indices().rev().nth(QUOTED - 1).map_or(0, |(at, _)| at);
    let cut = &text[start..];
    // A line that was cut in two is left out.
    let cut = if start == 0 { cut } else { cut.split_once('\n').map_or(cut, |(_, rest)| rest) };
    cut.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Vec<String> {
        ["sh", "-c", script].map(str::to_owned).to_vec()
    }

    #[test]
    fn commands_run_in_order_in_the_workspace_with_its_variables() {
        let dir = tempfile::tempdir().expect("temp");
        let vars = [("NAME".to_owned(), "two words".to_owned())];
        run_setup(dir.path(), &[sh("echo one > out"), sh("echo \"$NAME\" >> out")], &vars).expect("set up");
        assert_eq!(std::fs::read_to_string(dir.path().join("out")).expect("read"), "one\ntwo words\n");
    }

    #[test]
    fn a_failure_names_the_command_and_quotes_its_output() {
        let dir = tempfile::tempdir().expect("temp");
        let commands = [sh("echo said; echo wrong >&2; exit 3"), sh("touch later")];
        let error = run_setup(dir.path(), &commands, &[]).expect_err("fails").to_string();
        for part in ["sh -c", "exit 3", "said", "wrong"] {
            assert!(error.contains(part), "{part:?} is missing in {error}");
        }
        assert!(!dir.path().join("later").exists());
    }

    #[test]
    fn an_empty_command_is_refused() {
        let dir = tempfile::tempdir().expect("temp");
        assert!(matches!(run_setup(dir.path(), &[vec![]], &[]), Err(WorkspaceError::EmptyCommand)));
    }

    #[test]
    fn a_long_output_is_quoted_from_a_whole_line() {
        let text = (0..1_000).map(|n| format!("line {n}")).collect::<Vec<_>>().join("\n");
        let end = end_of(text.as_bytes());
        assert!(end.len() <= QUOTED && end.starts_with("line ") && end.ends_with("line 999"), "{end}");
    }
}
