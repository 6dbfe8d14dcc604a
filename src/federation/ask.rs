//! Asking all servers at once, and collecting what has come when the time is over.

use super::answer::{Found, Freshness, Page, Shelf, freshness};
use super::client::{Client, Limit};
use super::{Endpoint, FederationError, FederationResult};
use reqwest::Method;
use serde::de::DeserializeSeed as _;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Bytes of tickets that are held in all, shared by the servers in equal parts.
const MEMORY: usize = 24 << 20;
/// Pages of one server.
const PAGES: usize = 1000;
/// Tickets of a page; docmgr gives no more.
const PAGE_SIZE: &str = "1000";
/// Stack of a thread that asks: what it reads is never deep.
const STACK: usize = 512 << 10;

/// What is asked of every server.
#[derive(Debug, Clone)]
pub struct Question {
    /// Whether each reads its tree anew first.
    pub refresh: bool,
    /// Only these tickets, upper and lower case alike; all where empty.
    pub tickets: Vec<String>,
    /// The limit for everything that one server is asked, in seconds.
    pub seconds: u64,
}

/// What one server answered within the limit.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The server.
    pub endpoint: Endpoint,
    /// What came of the refresh, if one was asked for.
    pub refresh: Option<FederationResult<Freshness>>,
    /// How fresh its index is.
    pub freshness: FederationResult<Freshness>,
    /// The tickets that came, also where not all did.
    pub tickets: Vec<Found>,
    /// Why not all tickets came.
    pub fault: Option<FederationError>,
    /// How many tickets were left out because their ids are none.
    pub unusable: u64,
    /// Whether tickets were left out because there were too many to hold.
    pub cut: bool,
}

impl Answer {
    /// Whether nothing at all came from it.
    pub fn is_down(&self) -> bool {
        self.freshness.is_err() && self.fault.is_some() && self.tickets.is_empty()
    }
}

/// A piece of an answer.
enum Piece {
    Refreshed(FederationResult<Freshness>),
    Fresh(FederationResult<Freshness>),
    Tickets {
        found: Vec<Found>,
        unusable: u64,
        cut: bool,
    },
    /// The tickets have come to their end.
    Ended(Option<FederationError>),
}

/// A question that is under way.
#[derive(Debug)]
pub struct Asking {
    pieces: Receiver<(usize, Piece)>,
    answers: Vec<Answer>,
    limit: Limit,
}

/// Asks every server at once, each in threads of its own.
pub fn ask(endpoints: Vec<Endpoint>, question: &Question) -> Asking {
    let until = Instant::now() + Duration::from_secs(question.seconds);
    let limit = Limit { until, seconds: question.seconds };
    let (sender, pieces) = channel();
    let room = MEMORY / endpoints.len().max(1);
    let client = Client::new(endpoints.iter().any(Endpoint::is_secure)).map(Arc::new);
    for (index, endpoint) in endpoints.iter().enumerate() {
        let task = client.clone().map(|client| Task {
            client,
            endpoint: endpoint.clone(),
            limit,
            out: Out { index, sender: sender.clone() },
        });
        let shelf = Shelf::new(&question.tickets, room);
        let refresh = question.refresh;
        let begun = task.and_then(|task| begin(move || task.run(refresh, shelf)));
        if let Err(error) = begun {
            let out = Out { index, sender: sender.clone() };
            out.send(Piece::Fresh(Err(error.clone())));
            out.send(Piece::Ended(Some(error)));
        }
    }
    let answers = endpoints.into_iter().map(|endpoint| unanswered(endpoint, question)).collect();
    Asking { pieces, answers, limit }
}

fn begin(task: impl FnOnce() + Send + 'static) -> FederationResult<()> {
    let begun = thread::Builder::new().stack_size(STACK).spawn(task);
    begun.map(drop).map_err(|error| FederationError::Unasked { why: error.to_string() })
}

/// What is true of a server as long as nothing came from it.
fn unanswered(endpoint: Endpoint, question: &Question) -> Answer {
    let slow = FederationError::Slow { seconds: question.seconds };
    Answer {
        endpoint,
        refresh: question.refresh.then(|| Err(slow.clone())),
        freshness: Err(slow.clone()),
        tickets: Vec::new(),
        fault: Some(slow),
        unusable: 0,
        cut: false,
    }
}

impl Asking {
    /// Waits until all have answered or the time is over, and gives what came, in the order of the servers.
    pub fn end(mut self) -> Vec<Answer> {
        // Every thread holds a sender until it is done.
        loop {
            let left = self.limit.until.saturating_duration_since(Instant::now());
            match self.pieces.recv_timeout(left) {
                Ok((index, piece)) => self.take(index, piece),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            }
        }
        while let Ok((index, piece)) = self.pieces.try_recv() {
            self.take(index, piece);
        }
        self.answers
    }

    fn take(&mut self, index: usize, piece: Piece) {
        let answer = &mut self.answers[index];
        match piece {
            Piece::Refreshed(refreshed) => answer.refresh = Some(refreshed),
            Piece::Fresh(fresh) => answer.freshness = fresh,
            Piece::Tickets { found, unusable, cut } => {
                answer.tickets.extend(found);
                answer.unusable += unusable;
                answer.cut |= cut;
            }
            Piece::Ended(fault) => answer.fault = fault,
        }
    }
}

/// Where pieces of one server's answer go. Nobody may listen any more.
#[derive(Clone)]
struct Out {
    index: usize,
    sender: Sender<(usize, Piece)>,
}

impl Out {
    fn send(&self, piece: Piece) {
        let _ = self.sender.send((self.index, piece));
    }
}

/// Everything that is asked of one server.
#[derive(Clone)]
struct Task {
    client: Arc<Client>,
    endpoint: Endpoint,
    limit: Limit,
    out: Out,
}

impl Task {
    /// A refresh comes first, because it changes the other answers; these are asked for side by side, so that one of
    /// them that hangs does not hide the other.
    fn run(self, refresh: bool, held: Shelf) {
        if refresh {
            self.out.send(Piece::Refreshed(self.fresh(&Method::POST, "index/refresh")));
        }
        let other = self.clone();
        let begun =
            begin(move || other.out.send(Piece::Fresh(other.fresh(&Method::GET, "workspace/status"))));
        if let Err(error) = begun {
            self.out.send(Piece::Fresh(Err(error)));
        }
        let fault = self.pages(held).err();
        self.out.send(Piece::Ended(fault));
    }

    fn fresh(&self, method: &Method, path: &str) -> FederationResult<Freshness> {
        let url = self.endpoint.url(path, &[])?;
        self.client.ask(method, url, self.limit, |json| freshness(json))
    }

    /// Sends page after page. A cursor is an offset into a list that changes, so that a server may lead in a circle.
    fn pages(&self, mut held: Shelf) -> FederationResult<()> {
        let (mut cursor, mut seen) = (String::new(), HashSet::new());
        while seen.insert(cursor.clone()) && seen.len() <= PAGES {
            let page = self.page(&cursor, &mut held);
            let (found, unusable) = (std::mem::take(&mut held.found), std::mem::take(&mut held.unusable));
            self.out.send(Piece::Tickets { found, unusable, cut: held.is_full() });
            cursor = page?;
            if cursor.is_empty() || held.is_full() {
                return Ok(());
            }
        }
        Err(FederationError::Circle)
    }

    fn page(&self, cursor: &str, held: &mut Shelf) -> FederationResult<String> {
        // By ticket, because the order by time changes under the reader.
        let mut query = vec![("includeArchived", "true"), ("orderBy", "ticket"), ("pageSize", PAGE_SIZE)];
        if !cursor.is_empty() {
            query.push(("cursor", cursor));
        }
        let url = self.endpoint.url("workspace/tickets", &query)?;
        self.client.ask(&Method::GET, url, self.limit, |json| Page(held).deserialize(json))
    }
}
