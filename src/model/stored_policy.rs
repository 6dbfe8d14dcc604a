//! The policy inside of a run's record.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::ops::Deref;
use std::sync::Arc;

/// The policy that a run was planned under, as its record holds it. Never changed, only replaced; shared, because it
/// is most of a record, and nearly all runs hold the same one.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StoredPolicy(Arc<toml::Table>);

impl StoredPolicy {
    /// Whether it holds no key.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<toml::Table> for StoredPolicy {
    fn from(table: toml::Table) -> Self {
        Self(Arc::new(table))
    }
}

impl Deref for StoredPolicy {
    type Target = toml::Table;

    fn deref(&self) -> &toml::Table {
        &self.0
    }
}

impl Serialize for StoredPolicy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.as_ref().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for StoredPolicy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        toml::Table::deserialize(deserializer).map(Self::from)
    }
}
