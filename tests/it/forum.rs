//! The forum as a whole: talking, many at once, two clones whose histories meet, and faults at every call.

mod clones;
mod crowd;
mod follow;
mod history;
mod hostile;
mod overview;
mod talk;
