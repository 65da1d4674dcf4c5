//! What the decision log says of one trace, with names instead of numbers: also the answer of the admin endpoint.

use std::collections::BTreeMap;

use schemas::decisions::UNKNOWN_THRESHOLD;
use schemas::headers::DEFAULT_TENANT;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// All that is known of a trace id, in whatever tenant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct History {
    pub trace_id: String,
    /// Of the raw traces and of the decision log.
    pub partition: u32,
    /// What the raw partition still holds.
    pub raw_from_offset: u64,
    pub raw_to_offset: u64,
    /// In the order of the log.
    pub entries: Vec<Entry>,
}

/// One entry of the decision log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Whose trace it is: one trace id in two tenants is two traces. Absent: the default tenant's.
    #[serde(default)]
    pub tenant: Option<String>,
    pub kind: Kind,
    pub keep: bool,
    pub policy: Option<String>,
    /// All policies that matched.
    pub matched: Vec<String>,
    /// How probable it was that the trace was kept; absent: unknown.
    pub probability: Option<f64>,
    /// 56-bit T and R, in hexadecimal, where chance decided.
    pub threshold: Option<String>,
    pub randomness: Option<String>,
    /// Which configuration, in hexadecimal; absent: the log doesn't say.
    pub generation: Option<String>,
    pub time_ms: u64,
    pub first_offset: u64,
    pub last_offset: u64,
    pub spans: u32,
    pub errors: u32,
    pub bytes: u64,
    pub duration_us: u64,
    pub root_service: Option<String>,
    pub root_operation: Option<String>,
    /// Attributes that its kept spans get.
    #[serde(default)]
    pub promoted: BTreeMap<String, Value>,
    /// Late errors don't reopen it.
    pub is_final: bool,
    pub links: Vec<String>,
    /// The kept trace that asked for this.
    pub linked_from: Option<String>,
    /// Where its dropped spans lay, that a late error brought back.
    pub rescued_offsets: Option<(u64, u64)>,
    /// Of the record in the decision log.
    pub log_offset: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Decided,
    Extended,
    Reopened,
    Linked,
}

impl History {
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// What is known of it in one tenant (empty, or `default`: the default one), if something is.
    pub fn of_tenant(mut self, tenant: &str) -> Option<Self> {
        let named = |name: &str| match name {
            "" => DEFAULT_TENANT.to_owned(),
            name => name.to_owned(),
        };
        let tenant = named(tenant);
        self.entries
            .retain(|entry| named(entry.tenant.as_deref().unwrap_or_default()) == tenant);
        (!self.entries.is_empty()).then_some(self)
    }

    /// The raw spans that these entries are about can still be read.
    pub fn raw_is_there(&self, entries: &[&Entry]) -> bool {
        let firsts = entries.iter().map(|entry| entry.first_offset);
        firsts
            .min()
            .is_some_and(|first| first >= self.raw_from_offset)
    }
}

/// How probable a threshold makes it to be kept.
pub fn probability(threshold: u64) -> Option<f64> {
    let known = threshold < UNKNOWN_THRESHOLD;
    known.then(|| (UNKNOWN_THRESHOLD - threshold) as f64 / UNKNOWN_THRESHOLD as f64)
}
