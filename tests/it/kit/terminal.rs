//! The binary on a terminal of its own.

use super::run::BINARY;
use super::world::World;
use super::{Output, wait_until};
use nix::fcntl::OFlag;
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

/// Runs the binary with a terminal as standard input and standard error, and types these keys; `\x04` at the start of a
/// line is the end of input. What the terminal showed is the output's standard error.
#[track_caller]
pub fn on_terminal(world: &World, dir: impl AsRef<Path>, args: &[&str], keys: &str) -> Output {
    // Nothing else that tests start at this moment may inherit it.
    let pty = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).expect("a terminal");
    grantpt(&pty).and_then(|()| unlockpt(&pty)).expect("it is ours");
    let name = ptsname_r(&pty).expect("its name");
    let open = || File::options().read(true).write(true).custom_flags(OFlag::O_NOCTTY.bits()).open(&name);
    let slave = || Stdio::from(open().expect("its other side"));
    let mut command = world.command(BINARY);
    command.args(args).current_dir(dir).stdin(slave()).stderr(slave());
    let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
    drop(command);
    let mut master = File::from(OwnedFd::from(pty));
    master.write_all(keys.as_bytes()).expect("the keys are typed");
    let mut screen = master.try_clone().expect("a copy");
    let reader = std::thread::spawn(move || {
        let (mut shown, mut part) = (Vec::new(), [0; 4096]);
        // A terminal that nobody has open any more reads as an error.
        while let Ok(count @ 1..) = screen.read(&mut part) {
            shown.extend_from_slice(&part[..count]);
        }
        String::from_utf8_lossy(&shown).replace("\r\n", "\n")
    });
    let mut status = None;
    // An answer here is short and fits into the pipe.
    wait_until("the program on a terminal ends", Duration::from_secs(120), || {
        status = child.try_wait().expect("a process of ours can be waited for");
        status.is_some()
    });
    let mut stdout = String::new();
    child.stdout.take().expect("a pipe").read_to_string(&mut stdout).expect("text");
    let stderr = reader.join().expect("the reader ends");
    let status = status.and_then(|status| status.code());
    Output { command: format!("git-metawsm {}", args.join(" ")), status, stdout, stderr }
}
