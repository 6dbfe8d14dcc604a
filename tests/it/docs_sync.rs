//! `docs sync` and `docs diff`: the two copies of a ticket's documents come together, whatever happened to either.

mod bad_input;
mod conflicts;
mod kills;
mod random;
pub mod scene;
