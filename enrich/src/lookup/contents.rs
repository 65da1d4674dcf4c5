//! What a table holds, ready to be asked.

use ottl::Value;

use super::geo::{Network, Networks};
use super::rows::{Row, Rows};

/// The values of a table.
#[derive(Debug)]
pub(crate) enum Contents {
    Rows(Rows),
    Networks(Networks),
}

/// What a table knows of one key.
pub(crate) enum Found<'t> {
    Row(Row<'t>),
    Network(Network<'t>),
}

impl Contents {
    /// What is known of a key; of networks the key is an address.
    pub(crate) fn find(&self, key: &str) -> Option<Found<'_>> {
        match self {
            Self::Rows(rows) => rows.find(key).map(Found::Row),
            Self::Networks(networks) => networks.find(key).map(Found::Network),
        }
    }

    /// In bytes.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Rows(rows) => rows.bytes(),
            Self::Networks(networks) => networks.bytes(),
        }
    }

    /// Keys, or what stands for them.
    pub(super) fn entries(&self) -> u64 {
        match self {
            Self::Rows(rows) => rows.len() as u64,
            Self::Networks(networks) => networks.nodes(),
        }
    }
}

impl Found<'_> {
    /// The value in a column, by its place among those that are wanted; nil where there is none.
    pub(crate) fn value(&self, column: usize) -> Value<'static> {
        match self {
            Self::Row(row) => row.value(column),
            Self::Network(network) => network.value(column),
        }
    }
}
