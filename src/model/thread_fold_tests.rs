use super::*;
use jiff::Timestamp;
use proptest::prelude::*;
use proptest::strategy::Strategy;

fn time(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

fn filed(what: EventWhat, lamport: u64, nonce: &str, set: impl FnOnce(&mut ForumEvent)) -> FiledEvent {
    let thread = ThreadId::parse("fthr-20260102-030405-abcdefgh").expect("an id");
    let actor = Actor { kind: ActorKind::Operator, name: "Ada".to_owned() };
    let seconds = i64::try_from(lamport % 1_000_000).expect("small");
    let mut event = ForumEvent::new(thread, what, lamport, time(1_767_323_045 + seconds), actor);
    event.nonce = nonce.to_owned();
    if matches!(what, EventWhat::Opened | EventWhat::Posted | EventWhat::Answered) {
        event.body = Some(format!("words {nonce}"));
    }
    set(&mut event);
    event.check().expect("a whole event");
    // Debug holds every field: what differs has another id.
    let id = FiledEvent::id_of(lamport, format!("{event:?}").as_bytes()).expect("an id");
    FiledEvent { id, event }
}

fn opened() -> FiledEvent {
    filed(EventWhat::Opened, 1, "open", |event| {
        event.title = Some("What now".to_owned());
        event.priority = Some(Priority::Normal);
    })
}

fn moved(to: ThreadState, lamport: u64, nonce: &str) -> FiledEvent {
    filed(EventWhat::StateChanged, lamport, nonce, |event| event.state = Some(to))
}

fn plain(what: EventWhat, lamport: u64, nonce: &str) -> FiledEvent {
    filed(what, lamport, nonce, |_| {})
}

fn folded(events: &[FiledEvent]) -> Folded {
    fold(events.iter().cloned()).expect("it is opened")
}

#[test]
fn every_pair_of_states_moves_or_is_kept_as_superseded() {
    for &from in ThreadState::ALL {
        for &to in ThreadState::ALL {
            let first = moved(from, 2, "a");
            let result = folded(&[opened(), first, moved(to, 3, "b")]);
            let legal = from.check_move(to).is_ok();
            assert_eq!(result.thread.state, if legal { to } else { from }, "{from} -> {to}");
            let told = &result.told[2];
            assert_eq!(told.superseded.is_none(), legal, "{from} -> {to}: {told:?}");
            assert_eq!(result.thread.superseded, usize::from(!legal));
            assert_eq!(told.before.as_deref(), Some(from.as_str()));
        }
    }
}

#[test]
fn words_after_the_end_are_kept_and_move_nothing() {
    let late = plain(EventWhat::Answered, 3, "late");
    let result = folded(&[opened(), plain(EventWhat::Closed, 2, "end"), late]);
    assert_eq!((result.thread.state, result.thread.posts), (ThreadState::Closed, 2));
    let why = result.told[2].superseded.as_deref();
    assert_eq!(why, Some("the thread was closed by then, and closed is final"));
}

#[test]
fn a_counter_at_the_end_of_the_world_wins_nothing() {
    let far = moved(ThreadState::Closed, 1 << 53, "far");
    let words = plain(EventWhat::Posted, 1 << 52, "far words");
    let result = folded(&[opened(), far, words, moved(ThreadState::Triaged, 2, "near")]);
    assert_eq!((result.thread.state, result.thread.lamport), (ThreadState::Triaged, 2));
    assert_eq!((result.thread.superseded, result.thread.posts), (2, 2), "its words are kept");
    let claims_more = ForumEvent { lamport: (1 << 53) + 1, ..opened().event };
    assert!(claims_more.check().is_err());
}

#[test]
fn a_second_opening_opens_nothing() {
    let mut all = [
        opened(),
        filed(EventWhat::Opened, 1, "again", |event| {
            event.title = Some("Mine".to_owned());
            event.priority = Some(Priority::Urgent);
        }),
    ];
    let one = folded(&all);
    all.reverse();
    assert_eq!(folded(&all), one);
    assert_eq!((one.thread.superseded, one.told.len()), (1, 2));
    assert_eq!(fold([plain(EventWhat::Posted, 2, "x")]), None, "nothing opened it");
}

#[test]
fn a_wait_is_as_long_as_somebody_waits_and_a_future_one_is_endless() {
    let waiting = folded(&[opened(), moved(ThreadState::WaitingHuman, 100, "a")]).thread;
    let begun = waiting.opened;
    assert_eq!(waiting.waiting_since, Some(begun), "new waits already");
    assert_eq!(waiting.waiting_seconds(time(begun.as_second() + 90)), Some(90));
    assert_eq!(waiting.waiting_seconds(time(begun.as_second() - 200)), Some(0), "clocks differ a little");
    assert_eq!(waiting.waiting_seconds(time(begun.as_second() - 301)), Some(i64::MAX));
    let minutes = |minutes: i64| time(begun.as_second() + 60 * minutes);
    assert!(!waiting.is_escalated(minutes(29), 30) && waiting.is_escalated(minutes(30), 30));
    assert!(waiting.is_escalated(minutes(-60 * 24 * 365), 30), "a clock a year ahead hides nothing");
    assert!(!waiting.is_escalated(minutes(1), u64::MAX));
    let again = [opened(), plain(EventWhat::Answered, 2, "a"), moved(ThreadState::WaitingOperator, 600, "b")];
    let thread = folded(&again).thread;
    assert_eq!(thread.waiting_since, Some(time(1_767_323_645)), "it waits anew");
    let answered = folded(&again[..2]).thread;
    assert!(!answered.is_escalated(minutes(9999), 0) && answered.waiting_since.is_none());
    let urgent = filed(EventWhat::PriorityChanged, 2, "p", |event| event.priority = Some(Priority::High));
    assert!(folded(&[opened(), urgent.clone()]).thread.is_escalated(minutes(0), 30));
    let triaged = [opened(), urgent, moved(ThreadState::Triaged, 3, "t")];
    assert!(!folded(&triaged).thread.is_escalated(minutes(9999), 30), "nobody waits");
}

#[test]
fn events_that_miss_something_are_no_events() {
    let blank = ["", " \n\t", "\u{200b}\u{202e}\x1b"];
    for text in blank {
        let mut event = opened().event;
        event.body = Some(text.to_owned());
        assert!(event.check().is_err(), "{text:?}");
        let mut event = opened().event;
        event.title = Some(text.to_owned());
        assert!(event.check().is_err(), "{text:?}");
    }
    for what in [EventWhat::Posted, EventWhat::Assigned, EventWhat::StateChanged, EventWhat::PriorityChanged]
    {
        let event = ForumEvent { what, lamport: 2, body: None, priority: None, ..opened().event };
        let why = event.check().expect_err("it misses something");
        assert!(why.starts_with(&format!("an event '{what}' needs ")), "{why}");
    }
    assert!(ForumEvent { lamport: 2, ..opened().event }.check().is_err(), "an opening is the first");
    assert!(ForumEvent { lamport: 0, ..plain(EventWhat::Closed, 1, "x").event }.check().is_err());
}

fn any_event() -> impl Strategy<Value = FiledEvent> {
    let lamport = prop_oneof![8 => 1u64..12, 1 => Just(1 << 53), 1 => 99_990u64..100_020];
    (0usize..EventWhat::ALL.len(), lamport, 0usize..6, 0usize..4, 0u32..50).prop_map(
        |(what, lamport, state, priority, nonce)| {
            let what = EventWhat::ALL[what];
            let lamport = if what == EventWhat::Opened { 1 } else { lamport };
            filed(what, lamport, &nonce.to_string(), |event| {
                event.state = Some(ThreadState::ALL[state]);
                event.priority = Some(Priority::ALL[priority]);
                event.title = Some("t".to_owned());
                event.assignee_type = Some(ActorKind::Human);
                event.assignee = Some(format!("somebody {nonce}"));
            })
        },
    )
}

proptest! {
    #[test]
    fn any_order_and_any_repetition_fold_to_the_same(
        events in proptest::collection::vec(any_event(), 1..40),
        picks in proptest::collection::vec(any::<prop::sample::Index>(), 0..80),
    ) {
        let expected = fold(events.iter().cloned());
        let mut mixed: Vec<_> = picks.iter().map(|pick| pick.get(&events).clone()).collect();
        mixed.extend(events.iter().rev().cloned());
        prop_assert_eq!(&fold(mixed), &expected);
        if let Some(folded) = expected {
            let ids: std::collections::BTreeSet<_> = events.iter().map(|e| &e.id).collect();
            prop_assert_eq!(folded.told.len(), ids.len(), "none is dropped");
            let bound = folded.told.iter().filter(|t| t.superseded.is_none()).map(|t| t.event.event.lamport).max();
            prop_assert!(bound.is_some_and(|bound| bound <= folded.thread.lamport));
        }
    }

    #[test]
    fn what_two_clones_wrote_folds_alike_whoever_is_merged_first(
        ours in proptest::collection::vec(any_event(), 0..20),
        theirs in proptest::collection::vec(any_event(), 0..20),
    ) {
        let all = |first: &[FiledEvent], second: &[FiledEvent]| {
            fold([opened()].into_iter().chain(first.iter().cloned()).chain(second.iter().cloned()))
        };
        prop_assert_eq!(all(&ours, &theirs), all(&theirs, &ours));
    }
}
