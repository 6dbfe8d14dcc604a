//! A tracer that makes one call of our own process go wrong: killed in front of it, or the call fails.
//!
//! This is strace's `inject=...:signal=KILL:when=N` and `:error=...`, with two differences that the tests need.
//! strace counts `when` in each thread by itself, and our steps run in threads: with it the first calls of a worker
//! can never be reached, because the main thread reaches that number first. Here one counter goes over all threads
//! of the process. And only threads are followed: what the process starts (git, the wrapper of an agent) runs on
//! untraced and unharmed, also after the kill. The program under test is the ordinary one, without fault points in
//! it, so that also what SQLite, libgit2 and the standard library do counts.

use git_metawsm::sys::procs;
use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::collections::{HashMap, HashSet};
use std::ffi::CStr;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: the calls are only listed.
    None,
    /// The process is killed in front of this call, counted from 0.
    Kill(usize),
    /// This call fails with an input/output error and does nothing.
    Eio(usize),
    /// From this call on the disk is full: what would take space fails.
    Full(usize),
}

impl Fault {
    /// By its short name.
    pub fn of(kind: &str, at: usize) -> Self {
        match kind {
            "kill" => Self::Kill(at),
            "eio" => Self::Eio(at),
            _ => Self::Full(at),
        }
    }
}

/// A traced run of a program.
#[derive(Debug)]
pub struct Traced {
    /// Its exit status; `None` when it was killed.
    pub status: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// Every call that changes something, in order, as `name path`; a process that was started counts once before
    /// and once after that.
    pub calls: Vec<String>,
    /// The call that went wrong.
    pub hit: Option<String>,
}

/// How long a traced command may take.
const LIMIT: Duration = Duration::from_secs(120);

/// Runs a command to its end under the tracer. Its standard input is empty. `None` where the system lets nobody
/// trace even a child.
pub fn traced(command: &Command, fault: Fault) -> Option<Traced> {
    trace(command, fault, false)
}

/// As [`traced`], with every process that the program starts: their calls count too, they are made to fail as well, and
/// a kill takes all of them, as a machine that stops does.
pub fn traced_whole(command: &Command, fault: Fault) -> Option<Traced> {
    trace(command, fault, true)
}

fn trace(command: &Command, fault: Fault, whole: bool) -> Option<Traced> {
    let command = held(command);
    // Only the thread that traces may wait for its tracees, and it must not take the children of other tests.
    let tracer = std::thread::scope(|scope| scope.spawn(|| Tracer::run(command, fault, whole)).join());
    tracer.expect("the tracer works")
}

/// The same command behind a shell that waits for a line: time to seize it.
fn held(command: &Command) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "read -r go && exec \"$@\"", "sh"]).arg(command.get_program()).args(command.get_args());
    shell.env_clear();
    for (name, value) in command.get_envs() {
        shell.envs(value.map(|value| (name, value)));
    }
    if let Some(dir) = command.get_current_dir() {
        shell.current_dir(dir);
    }
    shell
}

struct Tracer {
    main: Pid,
    fault: Fault,
    /// Processes that it starts are followed.
    whole: bool,
    /// The program itself runs, no longer the shell in front of it.
    begun: bool,
    /// Threads that are inside of a call, and whether it starts a process.
    inside: HashMap<Pid, bool>,
    /// Threads whose call was made to fail.
    failing: HashSet<Pid>,
    calls: Vec<String>,
    hit: Option<String>,
}

impl Tracer {
    fn run(mut command: Command, fault: Fault, whole: bool) -> Option<Traced> {
        let (out, err) = (tempfile::tempfile().expect("a file"), tempfile::tempfile().expect("a file"));
        command.stdout(out.try_clone().expect("a file")).stderr(err.try_clone().expect("a file"));
        let mut child = command.stdin(Stdio::piped()).spawn().expect("the shell starts");
        let main = Pid::from_raw(child.id().cast_signed());
        let mut options =
            Options::PTRACE_O_TRACESYSGOOD | Options::PTRACE_O_TRACECLONE | Options::PTRACE_O_TRACEEXEC;
        if whole {
            options |= Options::PTRACE_O_TRACEFORK | Options::PTRACE_O_TRACEVFORK;
        }
        if ptrace::seize(main, options | Options::PTRACE_O_EXITKILL) == Err(Errno::EPERM) {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        child.stdin.take().expect("a pipe").write_all(b"\n").expect("the shell reads");
        let (done, over) = channel::<()>();
        std::thread::spawn(move || {
            if over.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout) {
                let _ = kill(main, Signal::SIGKILL);
            }
        });
        let mut tracer = Self {
            main,
            fault,
            whole,
            begun: false,
            inside: HashMap::new(),
            failing: HashSet::new(),
            calls: Vec::new(),
            hit: None,
        };
        let status = tracer.attend();
        drop(done);
        // It is gone already; this only tells the standard library.
        let _ = child.wait();
        let (stdout, stderr) = (text(&out), text(&err));
        Some(Traced { status, stdout, stderr, calls: tracer.calls, hit: tracer.hit })
    }

    /// Follows all threads until none is left.
    fn attend(&mut self) -> Option<i32> {
        let mut status = None;
        loop {
            match waitpid(None, Some(WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD)) {
                Ok(WaitStatus::Exited(pid, code)) if pid == self.main => status = Some(code),
                Ok(WaitStatus::PtraceSyscall(pid)) => self.at_call(pid),
                Ok(WaitStatus::PtraceEvent(pid, _, event)) => {
                    self.begun |= event == libc::PTRACE_EVENT_EXEC;
                    go_on(pid, None);
                }
                Ok(WaitStatus::Stopped(pid, signal)) => go_on(pid, Some(signal)),
                Ok(_) | Err(Errno::EINTR) => {}
                Err(_) => return status,
            }
        }
    }

    fn at_call(&mut self, pid: Pid) {
        let Ok(mut regs) = ptrace::getregs(pid) else { return go_on(pid, None) };
        if let Some(starts) = self.inside.remove(&pid) {
            if self.failing.remove(&pid) {
                regs.rax = errno_of(self.fault);
                let _ = ptrace::setregs(pid, regs);
            } else if starts && self.begun && self.note("started".to_owned()) {
                // The child is there and outlives us.
                return;
            }
            return go_on(pid, None);
        }
        let call =
            Call { pid, number: regs.orig_rax.cast_signed(), args: [regs.rdi, regs.rsi, regs.rdx, regs.r10] };
        let name = self.begun.then(|| call.change()).flatten();
        self.inside.insert(pid, name.as_deref() == Some("start"));
        let Some(name) = name else { return go_on(pid, None) };
        let at = self.calls.len();
        if self.note(name.clone()) {
            return;
        }
        match self.fault {
            Fault::Eio(n) if n == at => self.fail(pid, regs, name),
            Fault::Full(n) if n <= at && call.takes_space() => self.fail(pid, regs, name),
            _ => {}
        }
        go_on(pid, None);
    }

    /// Counts a call; kills the process where it is the one. A call at its entry is then never carried out: the
    /// process dies on its way into it.
    fn note(&mut self, name: String) -> bool {
        let at = self.calls.len();
        self.calls.push(name.clone());
        if self.fault != Fault::Kill(at) {
            return false;
        }
        self.hit = Some(name);
        let children = if self.whole { procs::descendants(self.main.as_raw()) } else { Vec::new() };
        let _ = kill(self.main, Signal::SIGKILL);
        children.into_iter().for_each(procs::kill_hard);
        true
    }

    fn fail(&mut self, pid: Pid, mut regs: libc::user_regs_struct, name: String) {
        self.hit.get_or_insert(name);
        self.failing.insert(pid);
        // No call has this number, so the kernel does nothing.
        regs.orig_rax = u64::MAX;
        let _ = ptrace::setregs(pid, regs);
    }
}

/// Lets a thread run to its next stop; one that was killed meanwhile is reported by the next wait.
fn go_on(pid: Pid, signal: Option<Signal>) {
    let _ = ptrace::syscall(pid, signal);
}

fn errno_of(fault: Fault) -> u64 {
    let errno = if matches!(fault, Fault::Full(_)) { Errno::ENOSPC } else { Errno::EIO };
    i64::from(-(errno as i32)).cast_unsigned()
}

fn text(file: &File) -> String {
    let mut bytes = vec![0; usize::try_from(file.metadata().expect("a file").len()).expect("small")];
    file.read_exact_at(&mut bytes, 0).expect("a file");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A call at its entry.
struct Call {
    pid: Pid,
    number: i64,
    args: [u64; 4],
}

impl Call {
    /// The name and place of a call that changes something outside of the process; `None` for all others.
    fn change(&self) -> Option<String> {
        let name = |name: &str, at: usize| Some(format!("{name} {}", self.path(at)));
        match self.number {
            libc::SYS_openat if self.makes(2) => name("create", 1),
            libc::SYS_open if self.makes(1) => name("create", 0),
            libc::SYS_creat => name("create", 0),
            libc::SYS_write
            | libc::SYS_pwrite64
            | libc::SYS_writev
            | libc::SYS_pwritev
            | libc::SYS_pwritev2
            | libc::SYS_sendfile => self.on_file("write", 0),
            libc::SYS_copy_file_range => self.on_file("write", 2),
            libc::SYS_fsync | libc::SYS_fdatasync => self.on_file("sync", 0),
            libc::SYS_ftruncate | libc::SYS_fallocate => self.on_file("cut", 0),
            libc::SYS_fchmod => self.on_file("mode", 0),
            libc::SYS_truncate => name("cut", 0),
            libc::SYS_chmod => name("mode", 0),
            libc::SYS_fchmodat => name("mode", 1),
            libc::SYS_utimensat => name("time", 1),
            libc::SYS_rename | libc::SYS_link | libc::SYS_symlink => name("move", 1),
            libc::SYS_renameat | libc::SYS_renameat2 | libc::SYS_linkat => name("move", 3),
            libc::SYS_symlinkat => name("symlink", 2),
            libc::SYS_unlink | libc::SYS_rmdir => name("remove", 0),
            libc::SYS_unlinkat => name("remove", 1),
            libc::SYS_mkdir => name("mkdir", 0),
            libc::SYS_mkdirat => name("mkdir", 1),
            libc::SYS_fork | libc::SYS_vfork => Some("start".to_owned()),
            libc::SYS_clone if !is_thread(self.args[0]) => Some("start".to_owned()),
            libc::SYS_clone3 if !is_thread(self.word(self.args[0])) => Some("start".to_owned()),
            _ => None,
        }
    }

    /// Whether a full disk refuses the call.
    fn takes_space(&self) -> bool {
        match self.number {
            libc::SYS_openat => !self.exists(1),
            libc::SYS_open | libc::SYS_creat => !self.exists(0),
            libc::SYS_write
            | libc::SYS_pwrite64
            | libc::SYS_writev
            | libc::SYS_pwritev
            | libc::SYS_pwritev2
            | libc::SYS_sendfile
            | libc::SYS_copy_file_range
            | libc::SYS_fallocate
            | libc::SYS_link
            | libc::SYS_linkat
            | libc::SYS_symlink
            | libc::SYS_symlinkat
            | libc::SYS_mkdir
            | libc::SYS_mkdirat => true,
            _ => false,
        }
    }

    fn makes(&self, at: usize) -> bool {
        let flags = i32::try_from(self.args[at] & 0xffff_ffff).unwrap_or_default();
        flags & (libc::O_CREAT | libc::O_TRUNC) != 0
    }

    /// The call where its descriptor is a file of a disk: not a pipe, a device or one of the standard streams.
    fn on_file(&self, name: &str, at: usize) -> Option<String> {
        let fd = self.args[at] & 0xffff_ffff;
        let path = fs::read_link(format!("/proc/{}/fd/{fd}", self.pid)).ok()?;
        let is_file = fd > 2 && path.is_absolute() && !path.starts_with("/dev") && !path.starts_with("/proc");
        is_file.then(|| format!("{name} {}", path.display()))
    }

    fn exists(&self, at: usize) -> bool {
        let path = self.path(at);
        let path = fs::read_link(format!("/proc/{}/cwd", self.pid)).unwrap_or_default().join(path);
        path.symlink_metadata().is_ok()
    }

    fn memory(&self, address: u64, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        let memory = File::open(format!("/proc/{}/mem", self.pid));
        let read = memory.and_then(|memory| memory.read_at(&mut bytes, address)).unwrap_or(0);
        bytes.truncate(read);
        bytes
    }

    fn word(&self, address: u64) -> u64 {
        self.memory(address, 8).try_into().map_or(0, u64::from_ne_bytes)
    }

    fn path(&self, at: usize) -> String {
        let bytes = self.memory(self.args[at], 4096);
        CStr::from_bytes_until_nul(&bytes).map(|s| s.to_string_lossy().into_owned()).unwrap_or_default()
    }
}

fn is_thread(flags: u64) -> bool {
    flags & i64::from(libc::CLONE_THREAD).cast_unsigned() != 0
}
