//! Servers that answer as docmgr documents it.

use super::server::{JSON, Server, as_docmgr, say, say_json};
use super::{docmgr, ids, row, stage_with};
use serde_json::json;

#[test]
fn all_pages_of_all_servers_are_read_at_once_and_nothing_else_is_asked() {
    let (many, few, none) = (docmgr("MANY", 2500), docmgr("FEW", 2), docmgr("NONE", 0));
    let stage = stage_with(&[("many", &many.place()), ("few", &few.place()), ("none", &none.place())], 60);
    let answer = stage.json(&["docs"]);
    assert_eq!(answer["configured"], 3);
    let counts: Vec<_> = ["many", "few", "none"].map(|name| row(&answer, name)["tickets"].as_u64()).to_vec();
    assert_eq!(counts, [Some(2500), Some(2), Some(0)]);
    assert!(
        ["many", "few", "none"].iter().all(|name| row(&answer, name)["problems"] == json!([])),
        "{answer}"
    );
    let found = ids(&answer);
    assert_eq!(found.len(), 2502);
    assert!(found.windows(2).all(|pair| pair[0] < pair[1]), "they are sorted");
    let first = &answer["tickets"][0];
    assert_eq!(
        (&first["ticket"], &first["title"], &first["status"], &first["repo"], &first["source"]),
        (&json!("FEW-0"), &json!("Ticket 0 of FEW"), &json!("active"), &json!("api"), &json!("few"))
    );
    assert_eq!(
        (&row(&answer, "few")["docs_indexed"], &row(&answer, "few")["root"]),
        (&json!(6), &json!("/srv/app/ttmp"))
    );
    let asked = many.asked();
    assert_eq!(asked.len(), 4, "one status and three pages: {asked:?}");
    let agent = concat!("user-agent: git-metawsm/", env!("CARGO_PKG_VERSION"));
    for question in &asked {
        assert!(question.method == "GET" && question.has(agent), "{question:?}");
        assert!(
            !question.headers.iter().any(|h| h.to_ascii_lowercase().starts_with("accept-encoding:")),
            "{question:?}"
        );
    }
    let cursors: Vec<_> = asked.iter().filter_map(|question| question.value("cursor")).collect();
    assert_eq!(cursors, ["at-1000", "at-2000"]);
    // One of them is found on whatever page, in whatever case.
    assert_eq!(ids(&stage.json(&["docs", "--ticket", "many-2400,few-1"])), ["FEW-1", "MANY-2400"]);
}

#[test]
fn a_refresh_is_asked_of_the_chosen_servers_before_anything_else() {
    let (one, two) = (docmgr("ONE", 1), docmgr("TWO", 1));
    let stage = stage_with(&[("one", &one.place()), ("two", &two.place())], 60);
    let answer = stage.json(&["docs", "--refresh", "--endpoint", "one"]);
    assert_eq!(row(&answer, "one")["refresh"]["refreshed"], true);
    assert_eq!((answer["endpoints"].as_array().map(Vec::len), ids(&answer)), (Some(1), vec!["ONE-0"]));
    let asked = one.asked();
    assert_eq!((asked[0].method.as_str(), asked[0].path.as_str()), ("POST", "/api/v1/index/refresh"));
    assert!(
        asked[0].has("content-type: application/json") && asked[0].has("content-length: 0"),
        "{:?}",
        asked[0]
    );
    assert!(asked[1..].iter().all(|question| question.method == "GET"), "{asked:?}");
    assert_eq!(two.asked().len(), 0);
    let told = stage.said(&["docs", "--refresh"]);
    assert!(
        told.starts_with(
            "Refreshed:\n  one  3 documents indexed now\n  two  3 documents indexed now\nServers:\n"
        ),
        "{told}"
    );
}

#[test]
fn a_status_that_fails_hides_no_ticket_and_no_ticket_hides_the_status() {
    let down = |what: &'static str| {
        Server::with(move |asked, talk| {
            if asked.path.contains(what) {
                let body = json!({ "error": { "code": "index_not_ready", "message": "index not ready" } });
                say(talk, "503 Service Unavailable", &[JSON], body.to_string().as_bytes());
            } else {
                as_docmgr("T", 2, asked, talk);
            }
        })
    };
    let (status, tickets, refresh) = (down("status"), down("tickets"), down("refresh"));
    let places = [("status", status.place()), ("tickets", tickets.place()), ("refresh", refresh.place())];
    let stage = stage_with(&places.each_ref().map(|(name, place)| (*name, place.as_str())), 60);
    let answer = stage.json(&["docs", "--refresh"]);
    let said = "It answered 503 (index_not_ready: index not ready).";
    let of = |name: &str| row(&answer, name).clone();
    assert_eq!(
        (&of("status")["problems"], &of("status")["tickets"]),
        (&json!([format!("status: {said}")]), &json!(2))
    );
    assert_eq!(of("tickets")["problems"], json!([format!("tickets: {said}")]));
    assert_eq!((&of("tickets")["docs_indexed"], &of("tickets")["down"]), (&json!(6), &json!(false)));
    assert_eq!(of("refresh")["refresh"], json!({ "refreshed": false, "error": said }));
    assert_eq!((&of("refresh")["problems"], &of("refresh")["tickets"]), (&json!([]), &json!(2)));
    // What a refresh says of freshness holds where the status does not come.
    assert_eq!(of("status")["docs_indexed"], 6);
}

#[test]
fn an_index_that_is_old_is_marked_with_what_reads_it_anew() {
    let old = Server::with(|asked, talk| {
        if asked.path.contains("status") {
            say_json(talk, &json!({ "indexedAt": "2026-01-02T03:04:05.678+02:00", "docsIndexed": 1 }));
        } else {
            as_docmgr("T", 1, asked, talk);
        }
    });
    let stage = stage_with(&[("it's old", &old.place())], 60);
    let answer = stage.json(&["docs"]);
    assert_eq!(row(&answer, "it's old")["stale"], true);
    let told = stage.said(&["docs"]);
    assert!(
        told.contains(r"Its index is old: git metawsm docs --refresh --endpoint 'it'\''s old'"),
        "{told}"
    );
}
