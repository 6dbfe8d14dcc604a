//! Tests of the commands: `tests/it/cmd/<name>.rs` for each `src/cmd/<name>.rs`, through the real binary.
