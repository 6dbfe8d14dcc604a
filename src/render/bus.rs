//! What is said about events on their way between machines.

use super::escape::escape;
use super::screen::{Paint, Screen};
use crate::model::ago;
use crate::service::forum::{BusView, News};
use crate::sys::clock;
use jiff::Timestamp;
use serde_json::{Value, json};

/// Tells what a relay does, a line each.
pub fn relayed(screen: &Screen, news: &News) {
    if screen.json {
        screen.answer_json(news_json(news));
        return;
    }
    let events = |n: &usize| if *n == 1 { "1 event".to_owned() } else { format!("{n} events") };
    let (paint, word, rest) = match news {
        News::Reached(place, stream) => {
            (Paint::Good, "reached:", format!("Redis at {place}, stream {stream}"))
        }
        News::Sent(count) => (Paint::Good, "sent:", events(count)),
        News::Took(filed) => {
            let event = &filed.event;
            (Paint::Good, "took:", format!("{} {} by {}", event.thread, event.what, event.actor()))
        }
        News::LeftOut(why) => (Paint::Warn, "left out:", why.clone()),
        News::Renewed(why) => {
            (Paint::Warn, "sending anew:", format!("{why}; every clone sends its live events once more"))
        }
        News::Settled(run) => (Paint::Good, "answered:", format!("{run} has its answer")),
        News::Away(why, seconds) => {
            let next = if *seconds == 0 { "at once".to_owned() } else { format!("in {seconds} s") };
            (Paint::Warn, "away:", format!("{why}; trying again {next}"))
        }
    };
    screen.answer(&format!("{} {}\n", screen.paint(paint, word), escape(&rest)));
}

fn news_json(news: &News) -> Value {
    match news {
        News::Reached(place, stream) => json!({ "news": "reached", "place": place, "stream": stream }),
        News::Sent(count) => json!({ "news": "sent", "events": count }),
        News::Took(filed) => {
            let event = &filed.event;
            json!({ "news": "took", "event": filed.id, "thread": event.thread, "what": event.what })
        }
        News::LeftOut(why) => json!({ "news": "left_out", "why": why }),
        News::Renewed(why) => json!({ "news": "renewed", "why": why }),
        News::Settled(run) => json!({ "news": "settled", "run": run }),
        News::Away(why, seconds) => json!({ "news": "away", "why": why, "next_seconds": seconds }),
    }
}

/// What `status` says of events that cannot travel, and what to type; `None` where they do.
pub(super) fn bus_said(bus: &BusView) -> Option<(String, Option<&'static str>)> {
    let ago = |at: &Timestamp| ago(clock::now().as_second().saturating_sub(at.as_second()));
    let away = bus.away.as_ref().map(|(since, why)| format!("{why} (first noticed {})", ago(since)));
    let waiting = match (bus.waiting, bus.since) {
        (0, _) => None,
        (1, Some(since)) => Some(format!("1 event waits to be sent, from {}", ago(&since))),
        (count, Some(since)) => {
            Some(format!("{count} events wait to be sent, the oldest from {}", ago(&since)))
        }
        (count, None) => Some(format!("{count} events wait to be sent")),
    };
    let parts: Vec<_> = waiting.into_iter().chain(away).collect();
    let command = bus.relay.is_none().then_some("git metawsm forum relay --once");
    (!parts.is_empty()).then(|| (parts.join("; "), command))
}

pub(super) fn bus_json(bus: &BusView) -> Value {
    let away = bus.away.as_ref().map(|(since, why)| json!({ "since": since, "why": why }));
    json!({
        "place": bus.place,
        "waiting": bus.waiting,
        "waiting_since": bus.since,
        "away": away,
        "relay": bus.relay,
        "left_out": bus.left_out,
    })
}
