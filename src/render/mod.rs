//! Floor 5. Reports to text or JSON.
//!
//! Lives here: everything that knows colour, width and escaping, and the only place that prints. Does not live
//! here: looking anything up. Commands call it with a service's report. One rule: the answer goes to standard
//! output, the story to standard error, and every foreign string through [`escape`].

mod alerts;
mod bus;
mod close;
mod demo;
mod docs;
mod docs_sync;
mod doctor;
mod escape;
mod failure;
mod forum;
mod guide;
mod hooks;
mod import;
mod json;
mod list;
mod policy;
mod range;
mod rescue;
mod run;
mod screen;
mod setup;
mod sheet;
mod show;
mod signal;
mod status;
mod update;
mod verdict;
mod width;

pub use alerts::{alert, not_notified, watched, watching};
pub use bus::relayed;
pub use close::{cleanup, closing, committed, discarded};
pub use demo::Scenes;
pub use docs::docs;
pub use docs_sync::{docs_diff, docs_synced};
pub use doctor::diagnosis;
pub use escape::{escape, escape_lines};
pub use failure::{Failure, failure};
pub use forum::{acted as forum_acted, answered, heard, opened, thread, threads, unreadable};
pub use guide::{guided, iterated};
pub use hooks::{hook_answer, hook_failed, hooks_acknowledged, hooks_changed, hooks_proven};
pub use import::imported;
pub use list::{Listing, Which};
pub use policy::{policy_applied, policy_checked, policy_init, policy_shown, policy_trusted};
pub use range::range;
pub use rescue::{rescue, rescue_dropped, rescued_file, rescues, restored};
pub use run::{acted, question, ran, resumed};
pub use screen::{ColorChoice, Paint, Screen};
pub use setup::set_up;
pub use sheet::Line;
pub use show::{attach_command, diffs, journal, output_end, output_lines, plain_path, raw, told};
pub use signal::{responded, signalled};
pub use status::{Frames, OtherScreen, status, status_lines, status_mark};
pub use update::{published, updated};
pub use verdict::{judged, verdict_lines};
pub use width::{columns, cut, wrap};
