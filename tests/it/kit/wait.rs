//! Waiting for a condition, never for time.

use std::time::{Duration, Instant};

/// Waits until `condition` gives something; panics, naming `what`, when the deadline has passed.
#[track_caller]
pub fn wait_for<T>(what: &str, deadline: Duration, mut condition: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(begun.elapsed() < deadline, "waited {} s in vain: {what}", deadline.as_secs_f32());
        // Nobody unparks this thread: it is the polling interval.
        std::thread::park_timeout(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

/// As [`wait_for`], for a condition that holds or does not.
#[track_caller]
pub fn wait_until(what: &str, deadline: Duration, mut condition: impl FnMut() -> bool) {
    wait_for(what, deadline, || condition().then_some(()));
}
