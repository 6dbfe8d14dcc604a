//! The forum: people and agents talk in threads, each an ever growing set of immutable events.
//!
//! Live events and those that base's tree holds are read as one; an event that is in both counts once. Nothing here
//! waits for a run's hold: whoever talks never stands in the way of whoever works.

mod about;
mod act;
mod answer;
mod ask;
mod body;
mod docs;
mod exchange;
mod known;
mod list;
mod past;
mod publish;
mod read;
mod relay;
mod sla;
mod travel;
mod view;
mod watch;
mod who;
mod whole;
mod write;

pub use about::About;
pub(super) use act::act_always;
pub use act::{Acted, Deed, act};
pub(super) use answer::{is_over, opening_words, standing};
pub use ask::{AskRequest, Asked, ask, wait_for_answer};
pub use body::{BODY_CAP, BodySource, words};
pub(super) use docs::write_decisions;
pub use list::{Found, Listed, ThreadFilter, list, search};
pub(super) use past::PastThreads;
pub use publish::{Unpublished, publishable, retire};
pub use relay::{News, relay};
pub use sla::escalated;
pub(super) use sla::{Needs, all_escalated, all_waiting, needs, questions, waiting_for};
pub use travel::BusView;
pub(super) use travel::look;
pub use view::{ThreadView, thread};
pub(super) use watch::add_threads;
pub use watch::{Heard, WatchRequest, watch};
pub use who::Speaker;
pub use whole::read_all;
pub(super) use write::write;
