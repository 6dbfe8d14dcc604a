//! A web server for tests: it listens on the loopback and says to each question whatever its script says.

use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A question that came.
#[derive(Debug, Clone)]
pub struct Asked {
    /// `GET` or `POST`.
    pub method: String,
    /// The path with its question mark.
    pub path: String,
    /// All header lines.
    pub headers: Vec<String>,
}

impl Asked {
    /// The value of a word after the question mark, as it was sent.
    pub fn value(&self, name: &str) -> Option<&str> {
        let query = self.path.split_once('?')?.1;
        query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, v)| v)
    }

    /// Whether this header line came.
    pub fn has(&self, line: &str) -> bool {
        self.headers.iter().any(|header| header.eq_ignore_ascii_case(line))
    }
}

/// A server that runs until the test program ends.
pub struct Server {
    port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// A server with this script, which is run for each question in a thread of its own.
    pub fn with(script: impl Fn(&Asked, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        Self {
            asked,
            ..Self::raw(move |mut talk| {
                let Some(question) = question(&talk) else { return };
                log.lock().expect("nobody fell").push(question.clone());
                script(&question, &mut talk);
            })
        }
    }

    /// A server that is given each connection as it comes.
    pub fn raw(script: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port of the loopback");
        let port = listener.local_addr().expect("its address").port();
        let script = Arc::new(script);
        thread::spawn(move || {
            for talk in listener.incoming().flatten() {
                let script = Arc::clone(&script);
                thread::spawn(move || script(talk));
            }
        });
        Self { port, asked: Arc::default() }
    }

    /// Where nobody listens.
    pub fn closed() -> String {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port of the loopback");
        format!("http://127.0.0.1:{}", listener.local_addr().expect("its address").port())
    }

    /// Its address.
    pub fn place(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its address, as if it spoke TLS.
    pub fn secure_place(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("nobody fell").clone()
    }

    /// The paths that were asked for, without their question marks.
    pub fn paths(&self) -> Vec<String> {
        let asked = self.asked();
        asked.iter().map(|a| a.path.split('?').next().unwrap_or_default().to_owned()).collect()
    }
}

/// Reads a question to the end of its headers.
fn question(talk: &TcpStream) -> Option<Asked> {
    let mut lines = BufReader::new(talk.take(64 << 10)).lines().map_while(Result::ok);
    let first = lines.next()?;
    let mut words = first.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    Some(Asked { method, path, headers: lines.take_while(|line| !line.is_empty()).collect() })
}

/// Says a whole answer. Whoever asked may have left.
pub fn say(talk: &mut TcpStream, status: &str, headers: &[&str], body: &[u8]) {
    let mut head = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    for header in headers {
        let _ = write!(head, "{header}\r\n");
    }
    let _ = talk.write_all(format!("{head}\r\n").as_bytes());
    let _ = talk.write_all(body);
}

/// The header of JSON as docmgr sends it.
pub const JSON: &str = "Content-Type: application/json; charset=utf-8";

/// Says JSON.
pub fn say_json(talk: &mut TcpStream, value: &Value) {
    say(talk, "200 OK", &[JSON], value.to_string().as_bytes());
}

/// Begins an answer in JSON that has no length, then says this again and again until whoever asked leaves; gives the
/// number of times. A pause lies between them.
pub fn say_without_end(talk: &mut TcpStream, begin: &str, again: &[u8], pause: Duration) -> usize {
    let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\n{JSON}\r\n\r\n{begin}");
    let _ = talk.write_all(head.as_bytes());
    let mut times = 0;
    while talk.write_all(again).and_then(|()| talk.flush()).is_ok() {
        times += 1;
        if !pause.is_zero() {
            thread::park_timeout(pause);
        }
    }
    times
}

/// Waits until whoever asked leaves.
pub fn be_silent(talk: &mut TcpStream) {
    let _ = talk.read_to_end(&mut Vec::new());
}

/// Answers as docmgr documents it: pages by a cursor, `null` for what is empty, times with trailing zeros dropped.
pub fn as_docmgr(prefix: &str, count: usize, asked: &Asked, talk: &mut TcpStream) {
    let fresh = || jiff::Timestamp::now().to_string();
    let path = asked.path.split('?').next().unwrap_or_default();
    match (asked.method.as_str(), path) {
        ("GET", "/api/v1/workspace/status") => say_json(
            talk,
            &json!({ "root": "/srv/app/ttmp", "configDir": "/srv/app", "repoRoot": "/srv/app", "configPath": "",
                "vocabularyPath": "/srv/app/ttmp/vocabulary.yaml", "indexedAt": fresh(),
                "docsIndexed": 3 * count, "ftsAvailable": false }),
        ),
        ("POST", "/api/v1/index/refresh") => {
            let value = json!({ "refreshed": true, "indexedAt": fresh(), "docsIndexed": 3 * count, "ftsAvailable": false });
            say_json(talk, &value);
        }
        ("GET", "/api/v1/workspace/tickets") => say_json(talk, &page(prefix, count, asked)),
        _ => say(talk, "404 Not Found", &["Content-Type: text/plain"], b"404 page not found\n"),
    }
}

fn page(prefix: &str, count: usize, asked: &Asked) -> Value {
    let size = asked.value("pageSize").and_then(|size| size.parse().ok()).unwrap_or(200_usize).min(1000);
    let begin: usize = asked.value("cursor").and_then(|c| c.strip_prefix("at-")?.parse().ok()).unwrap_or(0);
    let end = count.min(begin + size);
    let results: Vec<_> = (begin..end)
        .map(|n| {
            json!({ "ticket": format!("{prefix}-{n}"), "title": format!("Ticket {n} of {prefix}"),
                "status": "active", "topics": null, "owners": null, "intent": "long-term",
                "createdAt": "2026-07-06", "updatedAt": "2026-07-08T12:00:00.25Z",
                "ticketDir": format!("2026/07/06/{prefix}-{n}--x"),
                "indexPath": format!("2026/07/06/{prefix}-{n}--x/index.md"), "snippet": "", "stats": null })
        })
        .collect();
    let next = if end < count { format!("at-{end}") } else { String::new() };
    let results = if results.is_empty() { Value::Null } else { Value::from(results) };
    json!({ "query": { "q": "", "topics": null, "pageSize": size }, "total": count, "results": results, "nextCursor": next })
}
