//! Signal files: what agents say in JSON (behaviour 6), from the file to the record.
//!
//! A look reads each file once, into memory, and says what it means or why it cannot be taken; nothing changes. Taking
//! happens under the run's hold: first the record, then the forum, then the file to `seen/`, so that who is stopped in
//! between is gone on with, and nobody is asked twice. What cannot be taken is left where it is.

mod away;
mod look;
mod parse;
mod session;
mod strict;
mod take;
mod write;

pub(super) use away::put_all_away;
pub(super) use look::{Odd, Signals, look, look_among, roots};
pub(super) use take::{fold_in, take};
pub use write::{SignalRequest, SignalWords, Signalled, signal, wait_for_response};
