//! Floor 6. The same services behind a screen that stays: runs on the left, the chosen one on the right.
//!
//! Lives here: the state of the screen, what a key or an answer does to it (pure), panes that only draw, and the
//! threads that ask the services. Does not live here: what a run is, what is judged, and the words of an answer; those
//! come from `service` and `render`. `cmd` calls [`run`]. One rule: `update` touches nothing but the state and says
//! what is to be done as effects, and everything that arrives comes through one channel.

mod acts;
mod answers;
mod boxes;
mod dialog;
mod drive;
mod editor;
mod input;
mod keys;
mod layout;
mod look;
mod message;
mod output;
mod page;
mod painted;
mod panes;
mod plans;
mod rows;
mod start;
mod state;
mod tabs;
mod terminal;
mod update;
mod work;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod update_tests;

pub use drive::{Explain, TuiRequest, run};
pub use terminal::Terminal;
