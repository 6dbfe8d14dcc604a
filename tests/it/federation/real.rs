//! The same against real `docmgr api serve` processes. Without docmgr on PATH this says so and passes, unless
//! `METAWSM_TEST_REQUIRE` names it.

use super::{ids, row, stage_with};
use crate::cmd::stage::Stage;
use crate::kit::{Output, require, wait_until};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

/// A running server, ended with the test.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn serve(stage: &Stage, docmgr: &Path, top: &Path, port: u16) -> Served {
    let addr = format!("127.0.0.1:{port}");
    let mut command = stage.world.command(docmgr);
    command.args(["api", "serve", "--addr", &addr, "--root", "ttmp"]).current_dir(top);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let served = Served(command.spawn().expect("docmgr starts"));
    wait_until("docmgr listens", Duration::from_secs(120), || TcpStream::connect(&addr).is_ok());
    served
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port of the loopback");
    listener.local_addr().expect("its address").port()
}

fn add(stage: &Stage, docmgr: &Path, top: &Path, id: &str, title: &str) {
    let mut command = stage.world.command(docmgr);
    command.args(["ticket", "create-ticket", "--ticket", id, "--title", title, "--topics", "core"]);
    Output::of(command.current_dir(top), "docmgr").ok();
}

#[test]
fn real_servers_are_listed_refreshed_and_missed() {
    let Some(docmgr) = require("docmgr") else { return };
    let (port_a, port_b) = (free_port(), free_port());
    let (place_a, place_b) = (format!("http://127.0.0.1:{port_a}"), format!("http://127.0.0.1:{port_b}"));
    let stage = stage_with(&[("a", &place_a), ("b", &place_b)], 60);
    let tops = ["a", "b"].map(|name| {
        let repo = stage.world.repo(name);
        Output::of(stage.world.command(&docmgr).args(["init"]).current_dir(repo.path()), "docmgr").ok();
        repo.path().to_owned()
    });
    add(&stage, &docmgr, &tops[0], "MW-1", "Add login: phase 1");
    add(&stage, &docmgr, &tops[1], "MW-2", "it's #1");
    let a = serve(&stage, &docmgr, &tops[0], port_a);
    let _b = serve(&stage, &docmgr, &tops[1], port_b);
    let answer = stage.json(&["docs"]);
    assert_eq!(ids(&answer), ["MW-1", "MW-2"]);
    assert_eq!(
        (&answer["tickets"][0]["title"], &answer["tickets"][0]["status"]),
        (&"Add login: phase 1".into(), &"active".into())
    );
    assert!(
        row(&answer, "a")["docs_indexed"].as_u64() > Some(0) && row(&answer, "a")["age_seconds"].is_u64(),
        "{answer}"
    );
    // Its index is a snapshot: what is new is served after a refresh only.
    add(&stage, &docmgr, &tops[0], "MW-3", "New");
    assert_eq!(ids(&stage.json(&["docs"])), ["MW-1", "MW-2"]);
    let refreshed = stage.json(&["docs", "--refresh", "--endpoint", "a"]);
    assert_eq!(
        (ids(&refreshed), &row(&refreshed, "a")["refresh"]["refreshed"]),
        (vec!["MW-1", "MW-3"], &true.into())
    );
    assert_eq!(ids(&stage.json(&["docs", "--ticket", "mw-3"])), ["MW-3"]);
    drop(a);
    let answer = stage.json(&["docs"]);
    assert_eq!((ids(&answer), &row(&answer, "a")["down"]), (vec!["MW-2"], &true.into()));
}
