//! Names and ids, all checked by one allow-list: `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "The {what} '{}' is not usable: {why}. Names start with a letter or digit and hold only letters, digits, '.', '_' and '-', at most 64 of them",
    text.escape_debug()
)]
pub struct NameError {
    /// What was to be named, such as "ticket".
    pub what: &'static str,
    /// The refused text, cut to 80 characters.
    pub text: String,
    /// The reason, as the middle of a sentence.
    pub why: &'static str,
}

const WINDOWS_DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// Checks a text against the allow-list; `what` names the thing in the error.
pub fn check_name(what: &'static str, text: &str) -> Result<(), NameError> {
    let refuse = |why| Err(NameError { what, text: text.chars().take(80).collect(), why });
    let Some(first) = text.bytes().next() else { return refuse("it is empty") };
    if text.len() > 64 {
        return refuse("it is longer than 64 characters");
    }
    if !first.is_ascii_alphanumeric() {
        return refuse("it does not start with a letter or a digit");
    }
    if !text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-')) {
        return refuse("it holds a character outside the allowed ones");
    }
    if text.contains("..") {
        return refuse("it holds '..'");
    }
    let lower = text.to_ascii_lowercase();
    let lock = ".lock";
    // git refuses refs that end in ".lock" or "."; device names cannot be checked out on Windows.
    if lower.ends_with(lock) || lower.ends_with('.') {
        return refuse("git does not take a name that ends like this");
    }
    if WINDOWS_DEVICES.contains(&lower.as_str()) {
        return refuse("it is a device name on Windows");
    }
    Ok(())
}

macro_rules! names {
    ($($(#[$doc:meta])* $type:ident = $what:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// Parses a text from outside; refuses what the allow-list does not hold.
            pub fn parse(text: &str) -> Result<Self, NameError> {
                check_name($what, text)?;
                Ok(Self(text.to_owned()))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $type {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                Self::parse(&text)
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.0
            }
        }
    )*};
}

names! {
    /// The id of a run, `run-<yyyymmdd>-<hhmmss>-<4 base32>` unless the user gave one.
    RunId = "run id";
    /// The id of a ticket.
    TicketId = "ticket";
    /// The name of a repository within a run; also its directory in a workspace.
    RepoName = "repository name";
    /// The name of an agent (a role).
    AgentName = "agent";
    /// The name of a workspace; also its directory and the end of its branch.
    WorkspaceName = "workspace";
    /// The id of a forum thread, `fthr-<yyyymmdd>-<hhmmss>-<8 base32>` where we made it; also its directory.
    ThreadId = "thread id";
    /// The id of a forum event, `fevt-<number>-<hash>`; also the name of its file.
    EventId = "event id";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_outside_the_allow_list_are_refused() {
        let long = "a".repeat(65);
        let bad = [
            "", "../x", "-x", ".x", "a/b", "a b", "a\nb", "é", "a..b", "x.lock", "X.LOCK", "a.", "nul",
            "a:b", &long,
        ];
        for text in bad {
            assert!(check_name("ticket", text).is_err(), "{text:?} must be refused");
        }
    }

    #[test]
    fn names_inside_the_allow_list_are_taken() {
        for text in ["T-1", "a", "9", "MW_12.b", "x.locked", &"a".repeat(64)] {
            assert_eq!(check_name("ticket", text), Ok(()), "{text:?} must be taken");
        }
    }

    #[test]
    fn a_name_cannot_be_deserialized_unchecked() {
        assert!(serde_json::from_str::<TicketId>("\"../x\"").is_err());
        assert_eq!(
            serde_json::from_str::<TicketId>("\"T-1\"").map(|t| t.to_string()).ok().as_deref(),
            Some("T-1")
        );
    }
}
