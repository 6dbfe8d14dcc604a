//! `docs sync` and `docs diff`: the two copies of a ticket's documents come together, whatever happened to either.

mod bad_input;
mod conflicts;
mod diffs;
mod kills;
mod random;
mod scene;
mod syncs;
