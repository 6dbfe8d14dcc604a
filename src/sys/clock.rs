//! The clock.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Now, cut to whole seconds, as records hold it.
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

/// Now, with all the clock knows.
pub fn precise() -> Timestamp {
    Timestamp::now()
}

/// `yyyymmdd-hhmmss` in UTC, as in run ids.
pub fn compact(at: Timestamp) -> String {
    at.strftime("%Y%m%d-%H%M%S").to_string()
}

/// `yyyy-mm-dd` in local time, as in the directories of workspaces.
pub fn local_date(at: Timestamp) -> String {
    at.to_zoned(TimeZone::system()).strftime("%Y-%m-%d").to_string()
}

/// `hh:mm:ss` in local time, for who looks at the screen now.
pub fn local_time(at: Timestamp) -> String {
    at.to_zoned(TimeZone::system()).strftime("%H:%M:%S").to_string()
}

/// `yyyy-mm` in UTC, as in the directories of published records.
pub fn month(at: Timestamp) -> String {
    at.strftime("%Y-%m").to_string()
}
