//! Ctrl-C and SIGTERM in the middle of `run`: it stops cleanly, nothing is lost, and `resume` goes on.

use crate::crash::{IDLES, PATIENCE, Scene, TICKET, WORKS};
use crate::kit::{Running, wait_until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Lets `git worktree add` wait in the middle of its work, in one workspace, until it is let go.
fn waiting_hook(workspace: &str) -> String {
    format!(
        "#!/bin/sh
case $PWD in */{workspace}/*) ;; *) exit 0 ;; esac
touch \"$HOME/checked-out\"
n=0
until [ -e \"$HOME/go-on\" ] || [ $n -ge 600 ]; do sleep 0.05; n=$((n + 1)); done
"
    )
}

fn send(running: &Running, signal: Signal) {
    kill(Pid::from_raw(running.pid().cast_signed()), signal).expect("it runs");
}

/// A run over these tickets that is stuck in the middle of provisioning the last one.
fn stuck(scene: &Scene, tickets: &str) -> Running {
    let workspace = tickets.rsplit(',').next().unwrap_or(tickets).to_lowercase();
    let hook = scene.app.path().join(".git/hooks/post-checkout");
    std::fs::create_dir_all(hook.parent().expect("a folder")).expect("a folder");
    let script = scene.world.script("hook", &waiting_hook(&workspace));
    std::os::unix::fs::symlink(script, hook).expect("the hook");
    let running = scene.world.run(["run", "--ticket", tickets, "--create", "Do it"]).at(&scene.app).start();
    wait_until("git makes the worktree", PATIENCE, || scene.world.home().join("checked-out").exists());
    running
}

fn let_go(scene: &Scene) {
    std::fs::write(scene.world.home().join("go-on"), "").expect("a file");
}

fn require_resumable(scene: &Scene) {
    scene.metawsm(["status"]).ok();
    scene.require_no_lock();
    scene.metawsm(["resume", TICKET]).ok();
    scene.wait_for_state(TICKET, "completed");
    scene.wait_until_quiet();
    let tree = scene.app.seen_from(scene.worktree());
    assert_eq!(
        (tree.git(["status", "--porcelain"]), tree.read("WORK.txt")),
        (String::new(), "work\n".to_owned())
    );
    scene.metawsm(["check", TICKET]).ok();
    scene.require_whole();
}

#[test]
fn ctrl_c_in_the_middle_of_run_stops_it_cleanly() {
    for (signal, status) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let scene = Scene::new(WORKS);
        let running = stuck(&scene, TICKET);
        send(&running, signal);
        let_go(&scene);
        running.end().code(status).tells("git metawsm resume").lacks("panicked");
        assert_eq!(scene.state(TICKET), "stopped");
        require_resumable(&scene);
    }
}

#[test]
fn a_second_ctrl_c_ends_run_at_once_and_the_git_that_outlived_it_is_waited_for() {
    let scene = Scene::new(WORKS);
    let running = stuck(&scene, TICKET);
    send(&running, Signal::SIGINT);
    // The first one must have been taken, or the two would count as one.
    let taken = format!("/proc/{}/status", running.pid());
    wait_until("the first signal is taken", PATIENCE, || {
        let status = std::fs::read_to_string(&taken).unwrap_or_default();
        status
            .lines()
            .filter(|l| l.starts_with("ShdPnd") || l.starts_with("SigPnd"))
            .all(|l| l.ends_with("0000000000000000"))
    });
    send(&running, Signal::SIGINT);
    running.end().code(130);
    let resumed = scene.world.run(["resume", TICKET]).at(&scene.app).start();
    // It waits for git, so it is still there; nothing tells more than that the worktree is whole in the end.
    let_go(&scene);
    resumed.end().ok();
    require_resumable(&scene);
}

#[test]
fn ctrl_c_ends_the_agents_that_were_started_already() {
    let scene = Scene::new("touch \"$HOME/agent-works\"; sleep 600");
    let running = stuck(&scene, "T-1,T-2");
    wait_until("the agent of the first ticket works", PATIENCE, || {
        scene.world.home().join("agent-works").exists()
    });
    send(&running, Signal::SIGINT);
    let_go(&scene);
    running.end().code(130);
    assert_eq!(scene.state(TICKET), "stopped");
    scene.wait_until_quiet();
    scene.agent(IDLES);
    scene.metawsm(["resume", TICKET]).ok();
    scene.wait_until_quiet();
}
