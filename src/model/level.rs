//! How much a gate weighs.

use serde::{Deserialize, Serialize};

/// What a gate's failure does; a higher level is stricter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateLevel {
    /// Not judged.
    Off,
    /// Said, but lets pass.
    Warn,
    /// Refuses.
    Block,
}

impl GateLevel {
    /// Every level's word, in the order of the enum.
    pub const WORDS: &'static [&'static str] = &["off", "warn", "block"];

    /// The level's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Warn => "warn",
            Self::Block => "block",
        }
    }
}

impl std::fmt::Display for GateLevel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}
