//! Processes as `/proc` shows them: identity by pid and start time, descendants, marks in the environment.

use crate::model::Child;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

/// What `/proc/<pid>/stat` tells that we need.
#[derive(Debug, Clone, Copy)]
struct Stat {
    state: u8,
    parent: i32,
    group: i32,
    session: i32,
    start: u64,
}

fn stat_of(pid: i32) -> Option<Stat> {
    // The file says it has no bytes, and would be read in small pieces; it is one line of a few hundred.
    let mut bytes = [0; 4096];
    let length = fs::File::open(format!("/proc/{pid}/stat")).and_then(|mut f| f.read(&mut bytes)).ok()?;
    let text = String::from_utf8_lossy(&bytes[..length]);
    // The command name stands in parentheses and may hold anything, also parentheses.
    let mut fields = text.get(text.rfind(')')? + 2..)?.split_ascii_whitespace();
    let state = *fields.next()?.as_bytes().first()?;
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    let session = fields.next()?.parse().ok()?;
    let start = fields.nth(15)?.parse().ok()?;
    Some(Stat { state, parent, group, session, start })
}

/// The process behind a child handle.
pub fn of_child(child: &std::process::Child) -> Child {
    of_pid(i32::try_from(child.id()).unwrap_or(0))
}

/// The process that has this pid now; start 0 where it is gone already.
pub fn of_pid(pid: i32) -> Child {
    Child { pid, start: stat_of(pid).map_or(0, |s| s.start) }
}

/// We.
pub fn own() -> Child {
    of_pid(i32::try_from(std::process::id()).unwrap_or(0))
}

/// Whether exactly this process is alive (a zombie is not).
pub fn is_alive(child: Child) -> bool {
    stat_of(child.pid).is_some_and(|s| s.start == child.start && !matches!(s.state, b'Z' | b'X'))
}

/// The id of this boot of the machine.
pub fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

fn all_pids() -> Vec<i32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|e| e.file_name().to_str()?.parse().ok()).collect()
}

/// Every living descendant of a process, children before grandchildren.
pub fn descendants(root: i32) -> Vec<Child> {
    let mut children: HashMap<i32, Vec<Child>> = HashMap::new();
    for pid in all_pids() {
        if let Some(stat) = stat_of(pid)
            && !matches!(stat.state, b'Z' | b'X')
        {
            children.entry(stat.parent).or_default().push(Child { pid, start: stat.start });
        }
    }
    let mut found = Vec::new();
    let mut next = vec![root];
    while let Some(pid) = next.pop() {
        for child in children.remove(&pid).unwrap_or_default() {
            found.push(child);
            next.push(child.pid);
        }
    }
    found
}

/// Every living process, ourselves excepted, whose environment holds exactly `name=value`.
pub fn marked(name: &str, value: &str) -> Vec<Child> {
    let wanted = format!("{name}={value}");
    let own = own().pid;
    let holds = |pid: &i32| {
        *pid != own
            && fs::read(format!("/proc/{pid}/environ"))
                .is_ok_and(|env| env.split(|b| *b == 0).any(|entry| entry == wanted.as_bytes()))
    };
    let alive = |pid| Some(of_pid(pid)).filter(|child| is_alive(*child));
    all_pids().into_iter().filter(holds).filter_map(alive).collect()
}

/// What a process of ours writes into the environment of the children that are to be waited for.
pub(super) fn mark_of(starter: Child) -> String {
    format!("{}-{}", starter.pid, starter.start)
}

/// The children that this process of ours started with [`super::Cmd::awaited`] and that still work, whether it is
/// there or not. What they left in the background (a daemon, a cache of passwords) is not among them: a child of
/// ours leads its group and no session.
pub fn awaited_of(starter: Child) -> Vec<Child> {
    let mut found = marked(super::env::STARTER, &mark_of(starter));
    found.retain(|child| stat_of(child.pid).is_some_and(|s| s.group == child.pid && s.session != child.pid));
    found
}

/// The living processes, ourselves excepted, that run this program in one of these directories or hold a file below
/// one of them open.
pub fn working_in(program: &str, dirs: &[std::path::PathBuf]) -> Vec<Child> {
    let own = own().pid;
    let below = |path: std::io::Result<std::path::PathBuf>| {
        path.is_ok_and(|path| dirs.iter().any(|dir| path.starts_with(dir)))
    };
    let works = |pid: &i32| {
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        if *pid == own || name.trim_end() != program {
            return false;
        }
        let files = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        below(fs::read_link(format!("/proc/{pid}/cwd"))) || files.map(|f| fs::read_link(f.path())).any(below)
    };
    let alive = |pid| Some(of_pid(pid)).filter(|child| is_alive(*child));
    all_pids().into_iter().filter(works).filter_map(alive).collect()
}

/// The pids above a process, nearest first.
pub fn ancestors(pid: i32) -> Vec<i32> {
    let mut found = Vec::new();
    let mut at = pid;
    while let Some(stat) = stat_of(at) {
        if stat.parent <= 0 || found.contains(&stat.parent) {
            break;
        }
        found.push(stat.parent);
        at = stat.parent;
    }
    found
}

/// The words of a process's command line; empty where it is gone.
pub fn command_words(pid: i32) -> Vec<String> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words = bytes.split(|b| *b == 0).filter(|w| !w.is_empty());
    words.map(|w| String::from_utf8_lossy(w).into_owned()).collect()
}

/// The same of a process that may be just about to become its program: the kernel shows no words for a moment then.
pub fn settled_words(child: Child) -> Vec<String> {
    for _ in 0..100 {
        let words = command_words(child.pid);
        if !words.is_empty() || !is_alive(child) {
            return words;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Vec::new()
}

/// The command line of a process, as text for people.
pub fn command_line(pid: i32) -> Option<String> {
    let words = command_words(pid);
    (!words.is_empty()).then(|| words.join(" "))
}

/// Whether a process runs this program with these first arguments.
pub fn is_running(pid: i32, program: &Path, words: &[&str]) -> bool {
    let runs = fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == program);
    let line = || fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    runs && words.iter().zip(line().split(|b| *b == 0).skip(1)).filter(|(a, b)| a.as_bytes() == *b).count()
        == words.len()
}

/// Asks a process to end (SIGTERM), if it still is the one we mean.
pub fn terminate(child: Child) {
    send(child, Signal::SIGTERM);
}

/// Ends a process (SIGKILL), if it still is the one we mean.
pub fn kill_hard(child: Child) {
    send(child, Signal::SIGKILL);
}

fn send(child: Child, signal: Signal) {
    if child.pid > 1 && is_alive(child) {
        let _ = kill(Pid::from_raw(child.pid), signal);
    }
}

/// Ends a whole process group (SIGKILL).
pub fn kill_group(pid: i32) {
    if pid > 1 {
        let _ = killpg(Pid::from_raw(pid), Signal::SIGKILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::Cmd;

    #[test]
    fn we_are_alive_and_a_reused_pid_is_not_us() {
        let own = own();
        assert!(is_alive(own));
        assert!(!is_alive(Child { start: own.start + 1, ..own }));
    }

    #[test]
    fn a_marked_process_is_found_by_its_environment() {
        let token = crate::sys::random::base32(12);
        let mut child =
            Cmd::new("sleep").arg("60").env("METAWSM_TEST_MARK", &token).start_inherited().expect("sleep");
        // The kernel shows no environment before the start of the program is through.
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        let mut found = marked("METAWSM_TEST_MARK", &token);
        while found.is_empty() && std::time::Instant::now() < deadline {
            std::thread::yield_now();
            found = marked("METAWSM_TEST_MARK", &token);
        }
        assert_eq!(
            found.iter().map(|c| c.pid).collect::<Vec<_>>(),
            [i32::try_from(child.id()).expect("pid")]
        );
        assert!(descendants(std::process::id().cast_signed()).contains(&found[0]));
        let _ = child.kill();
        let _ = child.wait();
    }
}
