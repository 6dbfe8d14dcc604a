//! Floor 3. Trees of documents that docmgr serves elsewhere: asking the servers, and one view of many copies.
//!
//! Lives here: where a server is, what is asked of it over HTTP, how its answers are read, and the pure rules by which
//! copies of one ticket become one line. Does not live here: which servers there are, runs, local trees, text for
//! people. Only `service/docs` may call it; it imports `model` and `policy`. One rule: every answer is foreign, so each
//! server has its own share of time and memory, and whatever it does costs that share and nobody else's.
//!
//! All servers are asked at once. [`Asking::end`] returns when all have answered or the time is over, whichever is
//! first: threads that still wait are left behind, and hold nothing that anybody waits for.

mod answer;
mod ask;
mod client;
mod endpoint;
mod error;
mod guard;
mod merge;

pub use answer::{Found, Freshness};
pub use ask::{Answer, Asking, Question, ask};
pub use endpoint::{Endpoint, Kind};
pub use error::{FederationError, FederationResult};
pub use merge::{DocCopy, Entry, Origin, Rank, merge, time_of};
