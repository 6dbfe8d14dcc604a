//! Servers that are slow, endless, broken or not docmgr's: each is a row with a sentence, and none keeps another from
//! being shown.

use super::server::{JSON, Server, as_docmgr, be_silent, say, say_json, say_without_end};
use super::{docmgr, ids, row, stage_with};
use crate::kit::{BINARY, wait_for, wait_until};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const NO_PAUSE: Duration = Duration::ZERO;

/// A hostile server, and how its sentence begins.
type Case = (&'static str, Server, &'static str);

/// A server that says the same to every question.
fn always(status: &'static str, headers: &'static [&'static str], body: &'static [u8]) -> Server {
    Server::with(move |_, talk| say(talk, status, headers, body))
}

/// A server that answers every question with JSON that goes on like this.
fn endless(begin: &'static str, again: Vec<u8>) -> Server {
    Server::with(move |_, talk| {
        say_without_end(talk, begin, &again, NO_PAUSE);
    })
}

fn cases() -> Vec<Case> {
    answers().into_iter().chain(streams()).collect()
}

/// Answers that are whole, and not what was asked for.
fn answers() -> Vec<Case> {
    const HTML: &[&str] = &["Content-Type: text/html"];
    let moved: &[&str] = &["Location: http://127.0.0.1:1/else\u{202e}x"];
    let ok = "200 OK";
    vec![
        ("html", always(ok, HTML, b"<html>Hi</html>"), "It answered with text/html where JSON belongs"),
        ("untyped", always(ok, &[], b"{}"), "It answered with something without a kind where JSON belongs"),
        ("redirect", always("302 Found", moved, b""), "It sends us elsewhere (http://127.0.0.1:1/else"),
        ("gzip", always(ok, &[JSON, "Content-Encoding: gzip"], b"\x1f\x8b"), "It packed its answer (gzip)"),
        ("error", always("500 No", HTML, b"<html>\n<b>no</b>"), "It answered 500."),
        (
            "words",
            always("404 Not Found", &["Content-Type: text/plain"], b"404 page \x1b[31mnot found\n"),
            "It answered 404 (404 page  [31mnot found).",
        ),
        ("shape", always(ok, &[JSON], b"[1,2,3]"), "Its answer is not understood: invalid type: sequence"),
        (
            "bytes",
            always(ok, &[JSON], b"{\"root\":\"\xff\",\"results\":[{\"ticket\":\"\xff\xfe\"}]}"),
            "Its answer is not understood: ",
        ),
        ("empty", always(ok, &[JSON], b""), "Its answer is not understood: it ends in the middle."),
    ]
}

/// Answers that break off, or have no end.
fn streams() -> Vec<Case> {
    let begun = |length: u64| format!("HTTP/1.1 200 OK\r\n{JSON}\r\nContent-Length: {length}\r\n\r\n");
    let (long, half) = (begun(99_999_999_999), begun(9999) + r#"{"results":[{"ticket":"HALF-1"},"#);
    let said_then_gone = |words: String| {
        Server::with(move |_, talk| {
            let _ = talk.write_all(words.as_bytes());
        })
    };
    let garbage = Server::raw(|mut talk| {
        let _ = talk.write_all(b"\x00\x01hello, this is no HTTP\r\n\r\n");
        be_silent(&mut talk);
    });
    let headers = Server::raw(|mut talk| {
        let _ = talk.write_all(b"HTTP/1.1 200 OK\r\n");
        while talk.write_all(&b"X-More: and more\r\n".repeat(1 << 10)).is_ok() {}
    });
    let full = |byte: u8| vec![byte; 1 << 16];
    vec![
        ("long", said_then_gone(long), "Its answer was cut: it is longer than 8 MiB."),
        ("half", said_then_gone(half), "It cannot be reached: "),
        ("blank", endless("", full(b' ')), "Its answer was cut: it is longer than 8 MiB."),
        (
            "text",
            endless("{\"title\":\"", full(b'x')),
            "Its answer was cut: one text in it is longer than 64 KiB.",
        ),
        ("deep", endless("{\"results\":", full(b'[')), "Its answer was cut: it nests more than 32 deep."),
        ("garbage", garbage, "It cannot be reached: "),
        ("headers", headers, "It cannot be reached: "),
    ]
}

#[test]
fn each_kind_of_nonsense_is_a_row_with_a_sentence_and_hides_nobody() {
    let (good, cases) = (docmgr("GOOD", 3), cases());
    let closed = Server::closed();
    let mut places: Vec<_> = cases.iter().map(|(name, server, _)| (*name, server.place())).collect();
    places.push(("good", good.place()));
    places.push(("closed", closed));
    let places: Vec<_> = places.iter().map(|(name, place)| (*name, place.as_str())).collect();
    let stage = stage_with(&places, 120);
    let output = stage.run(&["docs"]).ok();
    crate::cmd::stage::plain(&output);
    let answer = stage.json(&["docs"]);
    for (name, _, sentence) in &cases {
        let row = row(&answer, name);
        let said = row["problems"].to_string();
        assert!(said.contains(sentence), "{name}: {said}");
        assert_eq!(row["down"], *name != "half", "{name}: {row}");
        assert!(output.stdout.contains(&format!("  {name} ")), "{name} is no row of {output}");
    }
    let said = row(&answer, "closed")["problems"].to_string();
    assert!(said.contains("It cannot be reached: Connection refused"), "{said}");
    // What came whole before an answer broke off is shown.
    assert_eq!(ids(&answer), ["GOOD-0", "GOOD-1", "GOOD-2", "HALF-1"]);
    assert_eq!(row(&answer, "good")["problems"], json!([]));
    assert!(
        answer["endpoints"].as_array().expect("a list").iter().all(|row| !row.to_string().contains('\u{1b}'))
    );
}

#[test]
fn pages_that_go_round_or_on_without_end_are_cut() {
    let round = Server::with(|asked, talk| {
        if asked.path.contains("status") {
            as_docmgr("ROUND", 1, asked, talk);
        } else {
            let next = if asked.value("cursor") == Some("a") { "b" } else { "a" };
            say_json(talk, &json!({ "results": [{ "ticket": "ROUND-1" }], "nextCursor": next }));
        }
    });
    let results: Vec<_> =
        (0..1000).map(|n| json!({ "ticket": format!("MANY-{n}"), "title": "x".repeat(100) })).collect();
    let results = Value::from(results).to_string();
    let count = AtomicUsize::new(0);
    let million = Server::with(move |asked, talk| {
        if asked.path.contains("status") {
            as_docmgr("MANY", 1, asked, talk);
        } else {
            let page = count.fetch_add(1, Ordering::Relaxed);
            let body = format!(r#"{{"total":1000000,"results":{results},"nextCursor":"at {page}"}}"#);
            say(talk, "200 OK", &[JSON], body.as_bytes());
        }
    });
    let stage = stage_with(&[("round", &round.place()), ("million", &million.place())], 120);
    let answer = stage.json(&["docs"]);
    let problem = |name: &str| row(&answer, name)["problems"].to_string();
    assert!(
        problem("round").contains("Its pages lead back to one that was read already"),
        "{}",
        problem("round")
    );
    assert!(
        problem("million").contains("It has more tickets than are held at once: only "),
        "{}",
        problem("million")
    );
    assert!(ids(&answer).contains(&"ROUND-1") && ids(&answer).len() == 1001, "{}", ids(&answer).len());
    let held = row(&answer, "million")["tickets"].as_u64().unwrap_or_default();
    assert!((1001..100_000).contains(&held), "a server has its share of memory, and not more: {held}");
    assert_eq!(round.paths().iter().filter(|path| path.ends_with("tickets")).count(), 3);
}

#[test]
fn a_redirect_is_told_and_not_followed() {
    let good = docmgr("ELSE", 1);
    let place = good.place();
    let mover = Server::with(move |asked, talk| {
        say(talk, "307 Temporary Redirect", &[&format!("Location: {place}{}", asked.path)], b"");
    });
    let stage = stage_with(&[("mover", &mover.place())], 60);
    let answer = stage.run(&["docs", "--refresh", "--json"]).code(5).json();
    assert_eq!(row(&answer, "mover")["down"], true);
    assert_eq!((ids(&answer), good.asked().len()), (vec![], 0));
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_refused() {
    let key = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    let chain = vec![key.cert.der().clone()];
    let secret = rustls::pki_types::PrivateKeyDer::try_from(key.signing_key.serialize_der()).expect("a key");
    let config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(chain, secret)
            .expect("a certificate with its key");
    let config = Arc::new(config);
    let heard = Arc::new(AtomicUsize::new(0));
    let log = Arc::clone(&heard);
    let server = Server::raw(move |talk| {
        let talk = &mut { talk };
        let mut session = rustls::ServerConnection::new(Arc::clone(&config)).expect("a session");
        let mut stream = rustls::Stream::new(&mut session, talk);
        if stream.read(&mut [0; 1024]).is_ok_and(|count| count > 0) {
            log.fetch_add(1, Ordering::Relaxed);
        }
    });
    let stage = stage_with(&[("self", &server.secure_place())], 60);
    let output = stage.run(&["docs"]).code(5);
    output.says("down: It cannot be reached: invalid peer certificate: ");
    assert_eq!(heard.load(Ordering::Relaxed), 0, "nothing was asked before the certificate was known");
}

/// A server that answers good questions byte after byte for ten minutes, and tells when whoever asked has left.
fn dripping(left: &Arc<AtomicUsize>) -> Server {
    let left = Arc::clone(left);
    Server::with(move |_, talk| {
        if say_without_end(talk, "{\"results\":[", b" ", Duration::from_millis(20)) < 30_000 {
            left.fetch_add(1, Ordering::Relaxed);
        }
    })
}

/// Ends by itself while servers still have much to say, whatever half of them does, within 64 MiB.
#[test]
fn thirty_two_servers_of_which_half_are_hostile_cost_the_limit_and_no_more() {
    let left = Arc::new(AtomicUsize::new(0));
    let mut hostile: Vec<Server> = (0..3).map(|_| dripping(&left)).collect();
    hostile.extend((0..3).map(|_| Server::raw(|mut talk| be_silent(&mut talk))));
    let worst = ["blank", "text", "deep", "headers", "garbage", "gzip", "redirect", "html", "half", "long"];
    hostile
        .extend(cases().into_iter().filter(|(name, _, _)| worst.contains(name)).map(|(_, server, _)| server));
    assert_eq!(hostile.len(), 16);
    let good: Vec<_> =
        ["A", "B", "C", "D"].into_iter().cycle().take(16).map(|prefix| docmgr(prefix, 1500)).collect();
    let mut named: Vec<_> = good.iter().enumerate().map(|(n, s)| (format!("good-{n}"), s.place())).collect();
    named.extend(hostile.iter().enumerate().map(|(n, s)| (format!("bad-{n}"), s.place())));
    let places: Vec<_> = named.iter().map(|(name, place)| (name.as_str(), place.as_str())).collect();
    let stage = stage_with(&places, 10);
    let mut command = stage.world.command(BINARY);
    let out = stage.world.root().join("answer.json");
    let file = std::fs::File::create(&out).expect("a file");
    command.args(["docs", "--json"]).current_dir(stage.repo.path()).stdin(Stdio::null()).stdout(file);
    let mut child = command.spawn().expect("it starts");
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let ended = wait_for("the command ends", Duration::from_secs(120), || {
        peak = peak.max(high_water(&status));
        child.try_wait().expect("our child")
    });
    assert_eq!(ended.code(), Some(0));
    assert!(peak > 0 && peak < 64 << 10, "{peak} KiB at most");
    wait_until("the drips are noticed", Duration::from_secs(60), || left.load(Ordering::Relaxed) == 6);
    let answer: Value = serde_json::from_slice(&std::fs::read(&out).expect("the answer")).expect("JSON");
    for (name, _) in &named {
        let row = row(&answer, name);
        if name.starts_with("good") {
            assert_eq!((&row["problems"], &row["tickets"]), (&json!([]), &json!(1500)), "{row}");
        } else {
            assert_ne!(row["problems"], json!([]), "{row}");
        }
    }
    let slow = (0..6).map(|n| row(&answer, &format!("bad-{n}"))["problems"].clone());
    assert!(
        slow.into_iter().all(|said| said == json!(["It did not answer in whole within 10 s."])),
        "{answer}"
    );
}

/// The most memory that a process held so far, in KiB.
fn high_water(status: &str) -> u64 {
    let text = std::fs::read_to_string(status).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or_default()
}
