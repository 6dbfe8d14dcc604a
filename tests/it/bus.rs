//! Forum events between clones over a real Redis server: that they arrive, once, whatever happens to the server, the
//! stream, or who carries them; and that a server can neither hold anybody up nor put anything in that is not checked.

mod alone;
mod hostile;
mod losses;
mod outages;
pub mod place;
pub mod server;
