//! Servers of documents: what docmgr's answer, what anything else may answer, and the real ones.

mod hostile;
mod pages;
mod real;
pub mod server;

use crate::cmd::stage::{Stage, WORKS};
use server::Server;

/// A stage whose policy names these servers: name, kind and place.
fn stage_with(endpoints: &[(&str, &str)], seconds: u64) -> Stage {
    let stage = Stage::with(WORKS);
    let mut lines = String::new();
    for (name, place) in endpoints {
        let words = [
            "[[docs.api.repo_endpoints]]\nname = \"",
            name,
            "\"\nrepo = \"api\"\nbase_url = \"",
            place,
            "\"\n",
        ];
        lines.push_str(&words.concat());
    }
    let text = format!("[docs.api]\nrequest_timeout_seconds = {seconds}\n{lines}");
    stage.repo.write(".metawsm/policy.toml", &text);
    stage
}

/// The row of a server in an answer.
#[track_caller]
fn row<'a>(answer: &'a serde_json::Value, name: &str) -> &'a serde_json::Value {
    let rows = answer["endpoints"].as_array().expect("a list");
    rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("no row {name} in {answer}"))
}

/// The ids of the tickets of an answer.
fn ids(answer: &serde_json::Value) -> Vec<&str> {
    answer["tickets"].as_array().expect("a list").iter().filter_map(|t| t["ticket"].as_str()).collect()
}

/// A server of `count` tickets as docmgr's.
fn docmgr(prefix: &'static str, count: usize) -> Server {
    Server::with(move |asked, talk| server::as_docmgr(prefix, count, asked, talk))
}
