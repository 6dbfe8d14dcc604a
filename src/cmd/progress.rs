//! Progress on the screen.

use crate::render::{Paint, Screen, escape};
use crate::service::Event;

/// A callback that shows events: a live line on a terminal, plain lines elsewhere.
pub(super) fn progress(screen: &Screen) -> impl FnMut(Event) + '_ {
    move |event| match event {
        Event::Began(what) => screen.live(&escape(&what)),
        Event::Done(what) => line(screen, Paint::Good, "ok", &what),
        Event::Failed(what, why) => line(screen, Paint::Bad, "failed", &format!("{what}: {why}")),
        Event::Note(text) => {
            screen.clear_live();
            screen.story(&escape(&text));
        }
    }
}

fn line(screen: &Screen, paint: Paint, mark: &str, text: &str) {
    screen.clear_live();
    screen.story(&format!("  {} {}", screen.paint_story(paint, &format!("{mark:<6}")), escape(text)));
}
