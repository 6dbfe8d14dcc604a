//! Ending all of a process tree: asked first, then killed, again until nothing is left.

use super::tmux;
use crate::model::Child;
use crate::sys::{env, procs, supervise};
use std::time::{Duration, Instant};

/// How long processes have between SIGTERM and SIGKILL, where the wrapper ends them.
pub(super) const GRACE: Duration = Duration::from_secs(2);
/// How long we go on killing. What survives SIGKILL for so long waits for a device or a dead file server.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(15);

/// Ends everything that `find` finds, again and again, because a process may start others while it is ended.
/// Returns what is still alive when patience is over.
pub(super) fn end_all(grace: Duration, mut find: impl FnMut() -> Vec<Child>) -> Vec<Child> {
    let begun = Instant::now();
    let mut asked: Vec<Child> = Vec::new();
    loop {
        let found = find();
        if found.is_empty() || begun.elapsed() > grace + PATIENCE {
            return found;
        }
        let kill = begun.elapsed() >= grace;
        for child in found {
            if kill {
                procs::kill_hard(child);
            } else if !asked.contains(&child) {
                procs::terminate(child);
                asked.push(child);
            }
        }
        std::thread::sleep(PAUSE);
    }
}

/// Ends all that lives below this process, `spare` and what is below that excepted, and reaps it. `seen` gets every end that is reaped.
pub(super) fn end_below_us(spare: &[Child], seen: &mut dyn FnMut(i32, supervise::Change)) -> Vec<Child> {
    let own = procs::own().pid;
    let mut server = None;
    let mut reap = || {
        while let Some((pid, change)) = supervise::reap() {
            seen(pid, change);
        }
    };
    let left = end_all(GRACE, || {
        reap();
        let found = procs::descendants(own);
        let server = *server.get_or_insert_with(|| users_server(&found));
        let alive = spare.iter().filter(|c| procs::is_alive(**c)).map(|c| c.pid);
        alive.chain(server).fold(found, without_tree_of)
    });
    // The last one may have ended between the reaping and the look that found nothing.
    reap();
    left
}

/// Ends every process that carries the token, and what lives below it.
pub(super) fn end_marked(token: &str, grace: Duration) -> (usize, Vec<Child>) {
    let mut ended: Vec<Child> = Vec::new();
    let left = end_all(grace, || {
        let mut found = procs::marked(env::SESSION, token);
        for child in found.clone() {
            found.extend(procs::descendants(child.pid));
        }
        found.sort_unstable_by_key(|c| (c.pid, c.start));
        found.dedup();
        let found = users_server(&found).into_iter().fold(found, without_tree_of);
        ended.extend(found.iter().filter(|c| !ended.contains(c)).copied().collect::<Vec<_>>());
        found
    });
    (ended.len(), left)
}

/// The user's tmux server, where it is among these processes: an agent that was the first to call tmux has
/// started it, and by now other sessions of the user may live in it.
fn users_server(found: &[Child]) -> Option<i32> {
    let is_tmux = |c: &Child| {
        procs::command_line(c.pid).is_some_and(|line| {
            line.split(' ').next().is_some_and(|program| program == "tmux" || program.ends_with("/tmux"))
        })
    };
    if !found.iter().any(is_tmux) {
        return None;
    }
    tmux::server().filter(|server| found.iter().any(|c| c.pid == *server))
}

fn without_tree_of(found: Vec<Child>, root: i32) -> Vec<Child> {
    let below = procs::descendants(root);
    found.into_iter().filter(|c| c.pid != root && !below.contains(c)).collect()
}
