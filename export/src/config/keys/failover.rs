//! Standbys: `failover` of a backend, and `standby` of those that it names.

use std::time;

use runtime::config::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::backends::table::Kind;

/// Which backends take a backend's place while it is down.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawFailover {
    /// Backends with `standby: true`, in order. Of each only where and how it sends is used.
    #[schemars(length(min = 1))]
    pub to: Vec<String>,
    /// The next one is used when nothing was accepted for so long; at once where credentials or address are refused.
    pub after: Duration,
    /// While a standby is used, one request this often is tried at the backend itself.
    pub back_after: Duration,
}

impl Default for RawFailover {
    fn default() -> Self {
        Self {
            to: Vec::new(),
            after: Duration::from_secs(120),
            back_after: Duration::from_secs(300),
        }
    }
}

/// When to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailoverTimes {
    pub after: time::Duration,
    pub back_after: time::Duration,
}

/// The same, as used.
#[derive(Clone, Debug)]
pub struct Failover {
    /// By name.
    pub to: Vec<(String, Kind)>,
    pub times: FailoverTimes,
}
