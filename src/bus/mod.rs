//! Floor 3. Forum events between machines: Redis Streams.
//!
//! Lives here: where the server is and how it is talked to, what an entry of the stream looks like, the consumer group
//! of a clone, and the small files in which a clone remembers what waits to be sent. Does not live here: what is done
//! with an event that came in, threads, policy files, git. Only `service/forum` may call it; it imports `model`, `sys`,
//! `policy` and `store`. One rule: what comes from Redis is foreign, and an event counts as sent, or an entry as taken,
//! only after it is: a kill in between sends or takes it twice, never not at all.
//!
//! Everything is done within limits: a server that is silent, slow or talks without end costs time and memory that
//! were set aside for it, and no more.

mod address;
mod entry;
mod error;
mod memory;
mod place;
mod stream;
mod wire;

pub use address::Address;
pub use entry::{Posting, Refusal};
pub use error::{BusError, BusResult};
pub use memory::{Away, Memory, State, Waiting};
pub use place::{EntryId, LEAST, Names, Standing};
pub use stream::{Arrived, Bus, Got};
pub use wire::Limits;
