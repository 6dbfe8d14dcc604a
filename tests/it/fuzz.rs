//! Whatever is read from files that others can write: no text breaks a reader, and what is understood comes back the
//! same. With `METAWSM_TEST_ALL=1` many more texts are tried.

use crate::kit::all;
use git_metawsm::model::{
    Actor, ActorKind, EventWhat, FiledEvent, ForumEvent, Priority, Thread, ThreadId, ThreadState, fold,
    is_deceptive, plain_line, title_of,
};
use git_metawsm::policy::{self, Format};
use git_metawsm::render::{escape, escape_lines};
use git_metawsm::store::{event_bytes, parse_event, parse_run, to_toml};
use git_metawsm::tickets::{Reference, parse_index, reference_document, set_field};
use proptest::collection::vec;
use proptest::prelude::*;

/// The frozen examples that are bent.
const RECORD: &str = include_str!("../../fixtures/store/v1/published.toml");

fn cases(few: u32) -> ProptestConfig {
    let cases = if all() { few * 40 } else { few };
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Texts that somebody might try: anything, pieces of the formats, and all of it nested.
fn text() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        any::<String>(),
        "[\\[\\]{}\"'=:,.\\n #-]{0,40}",
        Just("\u{1b}]0;x\u{7}\u{202e}".to_owned()),
        Just("---\nTitle: x\n---\n".to_owned()),
        Just("format = 1\nkind = \"run\"\n".to_owned()),
        Just("\"version\": 2,".to_owned()),
        Just("'''".to_owned()),
        Just("\u{feff}".to_owned()),
        Just("9223372036854775808".to_owned()),
        Just("1e999999".to_owned()),
        Just("[".repeat(2000)),
        Just("{\"a\":".repeat(2000)),
    ];
    vec(pieces, 0..8).prop_map(|pieces| pieces.concat())
}

/// The last border between characters that is not behind this byte.
fn border(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// A text with a piece of it taken out and another one put in.
fn bent(good: &'static str) -> impl Strategy<Value = String> {
    (0..good.len(), 0..60_usize, text()).prop_map(move |(at, length, piece)| {
        let from = border(good, at);
        let to = border(good, (from + length).min(good.len()));
        format!("{}{piece}{}", &good[..from], &good[to..])
    })
}

/// Any event that may be written.
fn event() -> impl Strategy<Value = ForumEvent> {
    let what = prop::sample::select(EventWhat::ALL);
    let words = || any::<String>().prop_map(|text| format!("x{text}"));
    (what, 1..500_u64, words(), words(), words(), words()).prop_map(
        |(what, lamport, name, title, body, nonce)| {
            let thread = ThreadId::parse("fthr-20260101-000000-aaaaaaaa").expect("an id");
            let actor = Actor { kind: ActorKind::Human, name: name.clone() };
            let lamport = if what == EventWhat::Opened { 1 } else { lamport };
            let at = jiff::Timestamp::from_second(1_700_000_000).expect("a time");
            let mut event = ForumEvent::new(thread, what, lamport, at, actor);
            event.nonce = nonce;
            event.title = Some(title);
            event.note = Some(name.clone());
            event.body = Some(body);
            event.priority = Some(Priority::High);
            event.state = Some(ThreadState::WaitingHuman);
            event.assignee = Some(name);
            event.assignee_type = Some(ActorKind::Agent);
            event
        },
    )
}

fn folded(events: &[FiledEvent]) -> Option<Thread> {
    fold(events.to_vec()).map(|folded| folded.thread)
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn no_text_breaks_the_reader_of_records(text in prop_oneof![text(), bent(RECORD)]) {
        if let Ok(run) = parse_run(&text) {
            let again = parse_run(&to_toml(&run)).expect("what was understood can be read again");
            prop_assert_eq!(again, run);
        }
    }

    #[test]
    fn no_text_breaks_the_reader_of_policies(text in text(), json in any::<bool>()) {
        let _ = policy::parse(&text, if json { Format::Json } else { Format::Toml });
    }

    #[test]
    fn no_text_breaks_the_reader_of_documents(text in text(), value in any::<String>()) {
        let _ = parse_index(text.as_bytes());
        if let Ok(bytes) = set_field(text.as_bytes(), "Status", &value) {
            parse_index(&bytes).expect("what was set can be read again");
        }
    }

    #[test]
    fn no_bytes_break_a_reader(bytes in vec(any::<u8>(), 0..300)) {
        let _ = parse_index(&bytes);
        prop_assert!(parse_event("fevt-000001-aaaa", &bytes).is_err());
    }

    #[test]
    fn an_event_comes_back_as_it_was_written_and_a_changed_byte_is_noticed(
        event in event(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let bytes = event_bytes(&event).expect("it can be written");
        let id = FiledEvent::id_of(event.lamport, &bytes).expect("an id").to_string();
        let read = parse_event(&id, &bytes).expect("it can be read");
        prop_assert_eq!(&read.event, &event);
        let mut changed = bytes.clone();
        changed[at.index(bytes.len())] = byte;
        prop_assert!(changed == bytes || parse_event(&id, &changed).is_err());
    }

    #[test]
    fn whoever_folds_gets_the_same_in_whatever_order_and_however_often(
        events in vec(event(), 1..12), order in vec(any::<prop::sample::Index>(), 0..24),
    ) {
        let filed: Vec<_> = events.iter().map(|event| {
            let bytes = event_bytes(event).expect("it can be written");
            FiledEvent { id: FiledEvent::id_of(event.lamport, &bytes).expect("an id"), event: event.clone() }
        }).collect();
        let mut other: Vec<_> = order.iter().map(|at| filed[at.index(filed.len())].clone()).collect();
        other.extend(filed.iter().rev().cloned());
        prop_assert_eq!(folded(&other), folded(&filed));
    }

    #[test]
    fn what_is_escaped_holds_no_order_for_a_terminal_and_is_not_escaped_twice(text in text()) {
        let line = escape(&text);
        prop_assert!(!line.chars().any(is_deceptive));
        prop_assert_eq!(escape(&line), line.clone());
        let lines = escape_lines(&text);
        prop_assert!(!lines.chars().any(|c| is_deceptive(c) && !matches!(c, '\n' | '\t')));
        prop_assert_eq!(lines.matches('\n').count(), text.matches('\n').count());
        prop_assert!(!plain_line(&text).chars().any(is_deceptive));
        prop_assert!(title_of(&text, 60).chars().count() <= 60);
    }

    #[test]
    fn a_document_of_ours_can_be_read_whatever_its_words_are(title in any::<String>(), body in text()) {
        let topics = [title.clone()];
        let now = jiff::Timestamp::UNIX_EPOCH;
        let (title, summary) = (title.as_str(), title.as_str());
        let all = Reference { ticket: "T-1", title, topics: &topics, summary, body: &body, now };
        let bytes = reference_document(&all);
        let head = parse_index(&bytes).expect("it has a head");
        prop_assert_eq!(head.ticket, "T-1");
    }
}
