//! Lengths of time in words: one number and one unit, which is what a reader keeps.

/// A length of time, such as `3 min` or `2 days`; what is less than a minute is `less than a minute`.
pub fn span(seconds: i64) -> String {
    let of = |number: i64, unit: &str, units: &str| {
        let unit = if number == 1 { unit } else { units };
        format!("{number} {unit}")
    };
    match seconds {
        s if s < 60 => "less than a minute".to_owned(),
        s if s < 3600 => of(s / 60, "min", "min"),
        s if s < 86_400 => of(s / 3600, "h", "h"),
        s if s < 100 * 86_400 => of(s / 86_400, "day", "days"),
        s if s < 730 * 86_400 => of(s / (30 * 86_400), "month", "months"),
        s => of(s / (365 * 86_400), "year", "years"),
    }
}

/// How long ago something was, such as `just now`, `3 min ago` or `2 days ago`. A clock that went back makes nothing
/// happen in the future.
pub fn ago(seconds: i64) -> String {
    if seconds < 60 { "just now".to_owned() } else { format!("{} ago", span(seconds)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_one_number_and_one_unit() {
        let day = 86_400;
        let cases = [
            (-5, "just now"),
            (59, "just now"),
            (60, "1 min ago"),
            (3599, "59 min ago"),
            (3600, "1 h ago"),
            (day - 1, "23 h ago"),
            (day, "1 day ago"),
            (99 * day, "99 days ago"),
            (100 * day, "3 months ago"),
            (729 * day, "24 months ago"),
            (730 * day, "2 years ago"),
        ];
        for (seconds, words) in cases {
            assert_eq!(ago(seconds), words, "{seconds}");
        }
        assert_eq!(span(7), "less than a minute");
    }
}
