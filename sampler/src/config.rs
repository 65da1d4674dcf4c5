//! The `sampler` section of the configuration.

use std::sync::Arc;
use std::time;

use runtime::config::{ByteSize, Duration, Problems};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::partition::Options;
use crate::policy::{Policies, RawPolicy};

/// The section as written.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawConfig {
    /// From a trace's first span to its verdict.
    pub decision_wait: Duration,
    /// From a trace's root span to its verdict; 0s: only `decision_wait` counts.
    pub decision_wait_after_root_received: Duration,
    /// How long a verdict holds for late spans; at least twice `decision_wait`.
    pub decision_cache_ttl: Duration,
    /// Bound of the record caches of all partitions together; what doesn't fit is read from the bus again.
    pub memory_limit: ByteSize,
    /// A trace that grows beyond it is dropped at once; absent: no limit.
    pub maximum_trace_size_bytes: Option<ByteSize>,
    /// Stop evaluating policies at the first that matches; the verdict is the same.
    pub sample_on_first_match: bool,
    pub delivery: RawDelivery,
    /// An epoch ends when it is this old,
    pub epoch_interval: Duration,
    /// or has read this much input.
    pub epoch_bytes: ByteSize,
    /// Worker threads; 0: one a core.
    pub workers: usize,
    /// On an idle partition, the clock follows the wall clock this far behind.
    pub idle_allowance: Duration,
    pub policies: Vec<RawPolicy>,
}

/// How epochs are committed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawDelivery {
    #[default]
    ExactlyOnce,
    AtLeastOnce,
}

impl Default for RawConfig {
    fn default() -> Self {
        Self {
            decision_wait: Duration::from_secs(30),
            decision_wait_after_root_received: Duration::default(),
            decision_cache_ttl: Duration::from_secs(600),
            memory_limit: ByteSize::mib(512),
            maximum_trace_size_bytes: None,
            sample_on_first_match: false,
            delivery: RawDelivery::default(),
            epoch_interval: Duration::from_millis(250),
            epoch_bytes: ByteSize::mib(8),
            workers: 0,
            idle_allowance: Duration::from_secs(2),
            policies: Vec::new(),
        }
    }
}

/// A valid section. `options.partitions` and `options.record_bytes_max` are for the caller to set from the bus.
#[derive(Clone, Debug)]
pub struct Config {
    pub options: Options,
    pub policies: Arc<Policies>,
    pub memory_limit_bytes: usize,
    pub delivery: bus::Delivery,
    pub epoch_interval: time::Duration,
    pub epoch_bytes: usize,
    /// 0: one a core.
    pub workers: usize,
    pub idle_allowance: time::Duration,
}

impl RawConfig {
    /// Every problem goes to `problems` by its path below `path`; the result is only of use when there are none.
    pub fn validate(&self, path: &str, problems: &mut Problems) -> Config {
        let _ = (path, problems);
        todo!()
    }
}
