//! What the view of all documents costs where half of the servers are hostile: the limit and a little more.

use crate::measure::{Extra, Failed, Peak, peak_of};
use crate::scene::Scene;
use crate::server::{Server, as_docmgr, be_silent, say_without_end};
use crate::{Line, MOST_KIB};
use std::fmt::Write as _;
use std::io::Write as _;
use std::time::{Duration, Instant};

/// Servers that answer well, and as many that do not.
const GOOD: usize = 16;

/// Tickets of each good server.
const TICKETS: usize = 1500;

/// The limit in the policy.
const LIMIT: Duration = Duration::from_secs(3);

/// What may come on top of it: the start, the merge and the answer.
const MORE: Duration = Duration::from_millis(500);

/// `docs` over 32 servers, against its own limit.
pub fn docs() -> Result<Vec<Line>, Failed> {
    let scene = Scene::new(1, 20);
    let good = ["A", "B", "C", "D"].into_iter().cycle().take(GOOD);
    let good = good.map(|prefix| Server::with(move |asked, talk| as_docmgr(prefix, TICKETS, asked, talk)));
    let servers: Vec<_> = good.chain((0..GOOD).map(hostile)).collect();
    let mut policy = format!("version = 2\n[docs.api]\nrequest_timeout_seconds = {}\n", LIMIT.as_secs());
    for (n, server) in servers.iter().enumerate() {
        let place = server.place();
        let _ = write!(
            policy,
            "[[docs.api.repo_endpoints]]\nname = \"s{n}\"\nrepo = \"r{n}\"\nbase_url = \"{place}\"\n"
        );
    }
    scene.repos[0].write(".metawsm/policy.toml", &policy);
    let begun = Instant::now();
    let kib = peak_of(&mut scene.ours(&["docs", "--json"]), &[0])?;
    let work = format!("docs, {} servers, {GOOD} hostile", servers.len());
    let time = Extra {
        work: work.clone(),
        against: "its limit".to_owned(),
        floor: LIMIT,
        ours: begun.elapsed(),
        budget: MORE,
    };
    let peak = Peak { work, kib, budget_kib: MOST_KIB };
    Ok(vec![(time.to_string(), time.holds()), (peak.to_string(), peak.holds())])
}

/// Slow, silent, endless, deep and broken ones in turn.
fn hostile(number: usize) -> Server {
    let endless = |begin: &'static str, again: Vec<u8>, pause: Duration| {
        Server::with(move |_, talk| {
            say_without_end(talk, begin, &again, pause);
        })
    };
    match number % 5 {
        0 => endless("{\"results\":[", vec![b' '], Duration::from_millis(20)),
        1 => Server::raw(|mut talk| be_silent(&mut talk)),
        2 => endless("", vec![b' '; 1 << 16], Duration::ZERO),
        3 => endless("{\"results\":", vec![b'['; 1 << 16], Duration::ZERO),
        _ => Server::raw(|mut talk| {
            let _ = talk.write_all(b"\x00\x01this is no HTTP\r\n\r\n");
            be_silent(&mut talk);
        }),
    }
}
