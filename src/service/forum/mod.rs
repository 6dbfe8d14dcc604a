//! The forum: people and agents talk in threads, each an ever growing set of immutable events.
//!
//! Live events and those that base's tree holds are read as one; an event that is in both counts once. Nothing here
//! waits for a run's hold: whoever talks never stands in the way of whoever works.

mod about;
mod act;
mod answer;
mod ask;
mod body;
mod known;
mod list;
mod publish;
mod read;
mod sla;
mod view;
mod watch;
mod who;
mod write;

pub use about::About;
pub(super) use act::act_always;
pub use act::{Acted, Deed, act};
pub(super) use answer::standing;
pub use ask::{AskRequest, Asked, ask, wait_for_answer};
pub use body::{BODY_CAP, BodySource, words};
pub use list::{Found, Listed, ThreadFilter, list, search};
pub use publish::{publishable, retire};
pub use sla::escalated;
pub(super) use sla::{all_escalated, needs};
pub use view::{ThreadView, thread};
pub use watch::{Heard, WatchRequest, watch};
pub use who::Speaker;
pub(super) use write::write;
