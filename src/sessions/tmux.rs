//! The tmux provider: sessions of the user's own server, found by exact ids together with the server's process
//! and our mark.
//!
//! tmux reads formats (`#(...)` runs a command) in names and directories, `;` at the end of a word as the end of a
//! command, and ids start again with each server. So: names of a closed alphabet, directories by the working
//! directory of the child, every act behind a condition that the server itself judges.

use super::SessionError;
use super::launch::Launch;
use crate::model::{Session, SessionBackend};
use crate::sys::{Cmd, Output, env, procs};
use std::path::Path;
use std::time::Duration;

/// The run, on a session of ours.
const RUN: &str = "@metawsm_run";
/// The token of the start, on a session of ours.
const TOKEN: &str = "@metawsm_token";
/// The agent's key while the agent is alive; the wrapper takes it off before it leaves a shell.
const AGENT: &str = "@metawsm_agent";
const LIMIT: Duration = Duration::from_secs(20);
const GONE: &str = "metawsm-gone";

/// One pane of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pane {
    pub server: i32,
    pub session: String,
    pub id: String,
    /// Seconds since 1970 of the last output.
    pub activity: i64,
    pub token: String,
    pub run: String,
    pub name: String,
}

impl Pane {
    pub(super) fn is_of(&self, session: &Session) -> bool {
        self.server == session.process.pid
            && self.session == session.id
            && self.id == session.pane
            && self.token == session.token
    }
}

/// tmux on the user's server. The server that this may start hands its environment to all later sessions, so
/// nothing that speaks for one run or repository may be in it; TMUX would lead to another server.
fn tmux() -> Cmd {
    Cmd::new("tmux").arg("-u").without_outside().without_env(["TMUX", "TMUX_PANE"]).limit(LIMIT)
}

/// Whether tmux found no server, or one that had lost its last session and was about to leave.
fn is_without_server(output: &Output) -> bool {
    let said = String::from_utf8_lossy(&output.stderr).to_lowercase();
    let absent = [
        "no server running",
        "error connecting",
        "no sessions",
        "server exited",
        "lost server",
        "no current target",
    ];
    absent.iter().any(|words| said.contains(words))
}

fn failed(action: &str, output: &Output) -> SessionError {
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    SessionError::Tmux { action: action.to_owned(), said }
}

pub(super) fn is_installed() -> bool {
    env::find_program("tmux").is_some()
}

/// All panes of the server; none where no server runs.
pub(super) fn panes() -> Result<Vec<Pane>, SessionError> {
    let fields = ["#{pid}", "#{session_id}", "#{pane_id}", "#{window_activity}"];
    let marks = [TOKEN, RUN].map(|mark| format!("#{{{mark}}}"));
    // The name comes last: it is the only field that somebody else may have put spaces into.
    let format = format!("{} {} #{{session_name}}", fields.join(" "), marks.join(" "));
    let output = tmux().args(["list-panes", "-a", "-F", &format]).output()?;
    if !output.exit.is_ok() {
        if is_without_server(&output) {
            return Ok(Vec::new());
        }
        return Err(failed("list its panes", &output));
    }
    Ok(output.text().lines().filter_map(pane_of).collect())
}

fn pane_of(line: &str) -> Option<Pane> {
    let mut fields = line.splitn(7, ' ');
    let mut next = || fields.next();
    Some(Pane {
        server: next()?.parse().ok()?,
        session: next()?.to_owned(),
        id: next()?.to_owned(),
        activity: next()?.parse().ok()?,
        token: next()?.to_owned(),
        run: next()?.to_owned(),
        name: next()?.to_owned(),
    })
}

/// A word of a tmux command line: a `;` at its end would end the command.
fn word(text: &str) -> String {
    text.strip_suffix(';').map_or_else(|| text.to_owned(), |rest| format!("{rest}\\;"))
}

/// Starts the wrapper in a new session and marks the session, in one command.
pub(super) fn start(launch: &Launch, program: &Path) -> Result<Session, SessionError> {
    launch.check()?;
    let target = format!("={}:", launch.name);
    let key = format!("{}.{}", launch.ticket, launch.agent);
    let ids = "#{session_id} #{pane_id} #{pid}";
    let size = ["-x", "200", "-y", "50"];
    let mut cmd = tmux().args(["new-session", "-d", "-P", "-F", ids, "-s", &launch.name]).args(size);
    cmd = cmd.args(["--", &word(&program.to_string_lossy()), "agent", "exec"]);
    cmd = cmd.arg(word(&launch.files.launch.to_string_lossy()));
    for (mark, value) in [(RUN, &launch.run), (TOKEN, &launch.token), (AGENT, &key)] {
        cmd = cmd.args([";", "set-option", "-t", &target, mark, &word(value)]);
    }
    // tmux takes the directory of its client for the session, and unlike the value of -c it reads no format in it.
    let cmd = cmd.cwd(&launch.cwd);
    let mut output = cmd.output()?;
    // A server that was just about to leave takes the command with it; the next one is a new one.
    if !output.exit.is_ok() && is_without_server(&output) && !launch.files.exit.exists() {
        output = cmd.output()?;
    }
    if !output.exit.is_ok() {
        return Err(failed(&format!("start the session '{}'", launch.name), &output));
    }
    let text = output.text();
    let broken = || SessionError::Tmux {
        action: format!("name the session '{}' that it started", launch.name),
        said: text.clone(),
    };
    let mut words = text.split_whitespace();
    let (Some(id), Some(pane), Some(pid)) = (words.next(), words.next(), words.next()) else {
        return Err(broken());
    };
    let process = procs::of_pid(pid.parse().map_err(|_| broken())?);
    let (id, pane, token) = (id.to_owned(), pane.to_owned(), launch.token.clone());
    Ok(Session { backend: SessionBackend::Tmux, id, pane, process, token })
}

/// The session that we run in, by what tmux put into our environment: socket, server, session, pane.
pub(super) fn own_session(token: &str) -> Option<Session> {
    let place = env::text("TMUX")?;
    let mut parts = place.rsplitn(3, ',');
    let (session, server) = (parts.next()?, parts.next()?);
    Some(Session {
        backend: SessionBackend::Tmux,
        id: format!("${session}"),
        pane: env::text("TMUX_PANE")?,
        process: procs::of_pid(server.parse().ok()?),
        token: token.to_owned(),
    })
}

/// The condition that a pane or session is the one we mean, for the server to judge.
fn is_ours(session: &Session, alive: bool) -> Result<String, SessionError> {
    super::launch::require_plain("The session token", &session.token)?;
    let server = format!("#{{==:#{{pid}},{}}}", session.process.pid);
    let mark = format!("#{{==:#{{{TOKEN}}},{}}}", session.token);
    let ours = format!("#{{&&:{server},{mark}}}");
    Ok(if alive { format!("#{{&&:{ours},#{{!=:#{{{AGENT}}},}}}}") } else { ours })
}

fn require_id(id: &str, sign: char) -> Result<(), SessionError> {
    let digits = id.strip_prefix(sign).unwrap_or_default();
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(());
    }
    Err(SessionError::BadName { what: "The tmux id", text: id.chars().take(80).collect() })
}

/// Runs tmux commands if the target still is ours, else does nothing and says [`SessionError::Gone`].
fn guarded(
    session: &Session,
    alive: bool,
    before: &[&str],
    commands: &str,
    stdin: &str,
) -> Result<Output, SessionError> {
    require_id(&session.id, '$')?;
    require_id(&session.pane, '%')?;
    if !procs::is_alive(session.process) {
        return Err(SessionError::Gone);
    }
    let otherwise = format!("display-message -p {GONE}");
    let condition = is_ours(session, alive)?;
    let cmd = tmux().args(before).args(["if-shell", "-F", "-t", &session.pane, &condition]);
    let output = cmd.args([commands, &otherwise]).stdin(stdin).output()?;
    let said = String::from_utf8_lossy(&output.stderr).to_lowercase();
    if output.text().ends_with(GONE) || said.contains("can't find") || is_without_server(&output) {
        return Err(SessionError::Gone);
    }
    if !output.exit.is_ok() {
        return Err(failed("reach the session", &output));
    }
    Ok(output)
}

/// Ends the session if it still is ours; `false` where it was gone.
pub(super) fn kill(session: &Session) -> Result<bool, SessionError> {
    match guarded(session, false, &[], &format!("kill-session -t '{}'", session.id), "") {
        Ok(_) => Ok(true),
        Err(SessionError::Gone) => Ok(false),
        // The last session takes the server along, sometimes before it has answered.
        Err(_) if !procs::is_alive(session.process) => Ok(true),
        Err(error) => Err(error),
    }
}

/// The text of the pane, history included, at most `lines` of it.
pub(super) fn capture(session: &Session, lines: usize) -> Result<String, SessionError> {
    let command = format!("capture-pane -p -J -S -{lines} -t '{}'", session.pane);
    let output = guarded(session, false, &[], &command, "")?;
    let text = output.text();
    let all: Vec<_> = text.trim_end().lines().map(str::trim_end).collect();
    Ok(all[all.len().saturating_sub(lines)..].join("\n"))
}

/// Pastes text into the pane as if a person had pasted it; the keys that it holds are not keys.
pub(super) fn paste(session: &Session, text: &str) -> Result<(), SessionError> {
    let buffer = format!("metawsm-{}", session.token);
    let before = ["load-buffer", "-b", &buffer, "-", ";"];
    let pane = &session.pane;
    guarded(session, true, &before, &format!("paste-buffer -p -d -b {buffer} -t '{pane}'"), text)?;
    Ok(())
}

/// Presses Enter in the pane.
pub(super) fn enter(session: &Session) -> Result<(), SessionError> {
    guarded(session, true, &[], &format!("send-keys -t '{}' Enter", session.pane), "").map(|_| ())
}

/// The command that brings the user into the session.
pub(super) fn attach_argv(session: &Session) -> Vec<String> {
    let inside = own_session("").is_some_and(|here| here.process == session.process);
    let words: &[&str] = if inside {
        &["tmux", "switch-client", "-t"]
    } else {
        &["env", "-u", "TMUX", "tmux", "attach-session", "-t"]
    };
    words.iter().map(|w| (*w).to_owned()).chain([session.id.clone()]).collect()
}

/// Within the pane: the server and pane that we are in, whatever the user's default server is.
fn tmux_here() -> Cmd {
    Cmd::new("tmux").arg("-u").limit(Duration::from_secs(5))
}

/// Within the pane: says that what runs here from now on is no agent.
pub(super) fn unmark_own_pane() -> bool {
    let Some(pane) = env::text("TMUX_PANE") else { return false };
    tmux_here().args(["set-option", "-u", "-t", &pane, AGENT]).run().is_ok()
}

/// Within the pane: its text with all history.
pub(super) fn capture_own_pane() -> Option<Vec<u8>> {
    let pane = env::text("TMUX_PANE")?;
    let output = tmux_here().args(["capture-pane", "-p", "-J", "-S", "-", "-t", &pane]).run().ok()?;
    Some(output.stdout)
}

/// The process of the user's server, if one runs.
pub(super) fn server() -> Option<i32> {
    tmux().args(["display-message", "-p", "#{pid}"]).run().ok()?.text().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pane_is_read_whatever_its_name_holds() {
        let pane = pane_of("12 $3 %4 1700000000 tok run-1 a name with  spaces").expect("a pane");
        assert_eq!(
            (pane.server, pane.token.as_str(), pane.name.as_str()),
            (12, "tok", "a name with  spaces")
        );
        let plain = pane_of("12 $3 %4 1700000000   tok").expect("a pane without marks");
        assert_eq!((plain.token.as_str(), plain.name.as_str()), ("", "tok"));
    }

    #[test]
    fn a_word_never_ends_a_command() {
        assert_eq!(word("a;b"), "a;b");
        assert_eq!(word("a;"), "a\\;");
    }
}
