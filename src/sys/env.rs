//! The environment: every variable we read or set, in one register.

use std::path::PathBuf;

/// The control repository, for us and for agents.
pub const ROOT: &str = "METAWSM_ROOT";
/// The run, inside a session.
pub const RUN: &str = "METAWSM_RUN";
/// The ticket, inside a session.
pub const TICKET: &str = "METAWSM_TICKET";
/// The agent, inside a session; set below an agent's wrapper only.
pub const AGENT: &str = "METAWSM_AGENT";
/// The workspace directory, inside a session.
pub const WORKSPACE: &str = "METAWSM_WORKSPACE";
/// The random token of one start of one session; finds stray processes again.
pub const SESSION: &str = "METAWSM_SESSION";
/// The run whose git child this is; who finds one alive after a crash waits for it.
pub const STEP: &str = "METAWSM_STEP";
/// The process of ours that started this child, as `<pid>-<start time>`: who takes a lock after it was killed waits
/// for what it started.
pub const STARTER: &str = "METAWSM_STARTER";
/// The hold token that lets our own git children pass our hooks.
pub const HOLD: &str = "METAWSM_HOLD";
/// The reason that lets one operation pass the hooks.
pub const BYPASS: &str = "METAWSM_BYPASS";

/// What happened, for `notify.command`.
pub const EVENT: &str = "METAWSM_EVENT";
/// The same as a sentence.
pub const MESSAGE: &str = "METAWSM_MESSAGE";
/// The run that it happened to.
pub const RUN_ID: &str = "METAWSM_RUN_ID";
/// The state of that run.
pub const RUN_STATUS: &str = "METAWSM_RUN_STATUS";
/// Its tickets, with commas between them.
pub const TICKETS: &str = "METAWSM_TICKETS";
/// The command that goes on, for the program of `watch --notify-cmd`.
pub const COMMAND: &str = "METAWSM_COMMAND";

/// Makes each of our hooks say that it was reached, and refuse whatever is going on.
pub const PROBE: &str = "METAWSM_PROBE";

/// Where the Redis server of the forum answers, password and all: no policy file need hold it.
pub const REDIS_URL: &str = "METAWSM_REDIS_URL";

/// Variables that point git at a repository or configure it from outside; cleared for every child that is to
/// find its own repository (`git rev-parse --local-env-vars`, and what `git -c` and `GIT_CONFIG_COUNT` bring).
pub const GIT_LOCAL: [&str; 20] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INDEX_VERSION",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_GRAFT_FILE",
    "GIT_SHALLOW_FILE",
    "GIT_REPLACE_REF_BASE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_CONFIG",
    "GIT_CONFIG_PARAMETERS",
    "GIT_CONFIG_COUNT",
    "GIT_CEILING_DIRECTORIES",
    "GIT_ATTR_SOURCE",
];

/// Our own variables that must not reach a session or a set-up command from outside.
pub const OURS: [&str; 11] =
    [ROOT, RUN, TICKET, AGENT, WORKSPACE, SESSION, STEP, STARTER, HOLD, BYPASS, PROBE];

/// A variable as text; `None` where it is unset, empty or not UTF-8.
pub fn text(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|v| !v.is_empty())
}

/// A variable as it is; `None` where it is unset or empty.
pub fn os(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name).filter(|v| !v.is_empty())
}

/// The names of all variables that begin like this.
pub fn names(prefix: &str) -> Vec<String> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    names.filter(|name| name.starts_with(prefix)).collect()
}

/// The user's home directory.
pub fn home() -> Option<PathBuf> {
    std::env::var_os("HOME").filter(|v| !v.is_empty()).map(PathBuf::from)
}

fn xdg(name: &str, fallback: &str) -> Option<PathBuf> {
    let given = std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    given.or_else(|| home().map(|h| h.join(fallback)))
}

/// `$XDG_CONFIG_HOME` or `~/.config`.
pub fn config_dir() -> Option<PathBuf> {
    xdg("XDG_CONFIG_HOME", ".config")
}

/// `$XDG_DATA_HOME` or `~/.local/share`.
pub fn data_dir() -> Option<PathBuf> {
    xdg("XDG_DATA_HOME", ".local/share")
}

/// `$XDG_STATE_HOME` or `~/.local/state`.
pub fn state_dir() -> Option<PathBuf> {
    xdg("XDG_STATE_HOME", ".local/state")
}

/// A program found on PATH, absolute.
pub fn find_program(name: &str) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let runs =
        |path: &PathBuf| path.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0);
    if name.contains('/') {
        return std::path::absolute(name).ok().filter(runs);
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).filter(|dir| dir.is_absolute()).map(|dir| dir.join(name)).find(runs)
}

/// The path of our own binary.
pub fn own_program() -> Option<PathBuf> {
    std::env::current_exe().ok()
}

/// The working directory.
pub fn cwd() -> Option<PathBuf> {
    std::env::current_dir().ok()
}

/// The user's id.
pub fn user_id() -> u32 {
    nix::unistd::getuid().as_raw()
}
