//! The set-up scripts of wsm's users: `.wsm/setup.sh` and `.wsm/setup.d/*`.

use super::setup::{LIMIT, end_of};
use crate::model::{plain_line, title_of};
use crate::sys::{Cmd, files};
use std::path::{Path, PathBuf};

/// A set-up script that a person trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// What people call it, such as `app/.wsm/setup.d/10-deps`.
    pub name: String,
    /// Where it lies.
    pub path: PathBuf,
    /// Where it runs.
    pub cwd: PathBuf,
    /// The bytes that are trusted: nothing else runs.
    pub bytes: Vec<u8>,
}

/// How much of a failure a note quotes, in characters.
const QUOTED: usize = 400;

/// Runs scripts one after the other with `bash`, as wsm does: a failure is no error and keeps no other from running.
/// Gives a sentence for each that failed, or that does not hold what is trusted. They inherit our environment without
/// what points git at another repository and without our own words, and get `vars` on top.
pub fn run_scripts(scripts: &[Script], vars: &[(String, String)]) -> Vec<String> {
    scripts.iter().filter_map(|script| run(script, vars).err()).collect()
}

fn run(script: &Script, vars: &[(String, String)]) -> Result<(), String> {
    let name = &script.name;
    let found = files::find_foreign(&script.path, script.bytes.len() as u64 + 1);
    if found.ok().flatten().as_deref() != Some(script.bytes.as_slice())
        || leads_away(&script.path, &script.cwd)
    {
        return Err(format!(
            "The set-up script {name} was not run: {} is not what is committed at base.",
            script.path.display()
        ));
    }
    let cmd = Cmd::new("bash").arg(&script.path).cwd(&script.cwd).limit(LIMIT).keep_last(16 * 1024);
    let cmd = vars.iter().fold(cmd.without_outside().awaited(), |cmd, (name, value)| cmd.env(name, value));
    let output = cmd.output().map_err(|error| format!("The set-up script {name} failed: {error}."))?;
    if output.exit.is_ok() {
        return Ok(());
    }
    let told = end_of(&[output.stdout, output.stderr].concat());
    let told = told.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" | ");
    let told = title_of(&plain_line(&told), QUOTED);
    let told = if told.is_empty() { String::new() } else { format!(": {told}") };
    Err(format!("The set-up script {name} ended with {}{told}.", output.exit))
}

/// Whether the way from where a script runs to the script leads over a link.
fn leads_away(path: &Path, cwd: &Path) -> bool {
    path.canonicalize().ok()
        != cwd.canonicalize().ok().and_then(|real| path.strip_prefix(cwd).ok().map(|rest| real.join(rest)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn script(dir: &Path, name: &str, text: &str) -> Script {
        let path = dir.join(".wsm/setup.d").join(name);
        fs::create_dir_all(path.parent().expect("parent")).expect("mkdir");
        fs::write(&path, text).expect("write");
        Script { name: format!("app/{name}"), path, cwd: dir.to_owned(), bytes: text.as_bytes().to_vec() }
    }

    #[test]
    fn scripts_run_in_order_in_their_directory_and_a_failure_is_told_and_passed_over() {
        let dir = tempfile::tempdir().expect("temp");
        let scripts = [
            script(dir.path(), "10-a", "echo a $WSM_WORKSPACE_NAME >> out"),
            script(dir.path(), "20-b", "echo so far; echo wrong >&2; exit 3"),
            script(dir.path(), "30-c", "[[ -n $BASH_VERSION ]] && echo c >> out"),
        ];
        let vars = [("WSM_WORKSPACE_NAME".to_owned(), "t-1".to_owned())];
        let told = run_scripts(&scripts, &vars);
        assert_eq!(told, ["The set-up script app/20-b ended with exit 3: so far | wrong."]);
        assert_eq!(fs::read_to_string(dir.path().join("out")).expect("read"), "a t-1\nc\n");
    }

    #[test]
    fn what_is_not_the_trusted_content_never_runs() {
        let dir = tempfile::tempdir().expect("temp");
        let changed = script(dir.path(), "10-a", "touch ran");
        fs::write(&changed.path, "touch ran; touch more").expect("write");
        let linked = script(dir.path(), "20-b", "touch ran");
        fs::remove_file(&linked.path).expect("remove");
        fs::write(dir.path().join("elsewhere"), "touch ran").expect("write");
        std::os::unix::fs::symlink(dir.path().join("elsewhere"), &linked.path).expect("link");
        let mut gone = script(dir.path(), "30-c", "touch ran");
        gone.path = dir.path().join("nowhere");
        let mut away = script(dir.path(), "40-d", "touch ran");
        std::os::unix::fs::symlink(dir.path().join(".wsm"), dir.path().join("way")).expect("link");
        away.path = dir.path().join("way/setup.d/40-d");
        let told = run_scripts(&[changed, linked, gone, away], &[]);
        assert_eq!(told.len(), 4, "{told:?}");
        assert!(told.iter().all(|line| line.contains("was not run")), "{told:?}");
        assert!(!dir.path().join("ran").exists());
    }
}
