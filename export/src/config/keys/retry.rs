//! How a batch is retried.

use std::time;

use runtime::config::{Duration, Problems};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a batch is retried that the backend could not accept. As in the Collector's `retry_on_failure`.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawRetry {
    /// The pause before the first retry.
    pub initial_interval: Duration,
    /// How much an interval varies at random. 0.5: between half and one and a half of its length.
    #[schemars(range(min = 0, max = 1))]
    pub randomization_factor: f64,
    /// The factor from one pause to the next.
    #[schemars(range(min = 1, max = 100))]
    pub multiplier: f64,
    /// The longest pause.
    pub max_interval: Duration,
    /// The time after which a batch goes to the dead letters. 0s: never, and what follows stays on the bus.
    pub max_elapsed_time: Duration,
    /// A batch that fails for this long (HTTP 500, INTERNAL, UNKNOWN) while others are accepted is divided, until the
    /// items that fail stand alone. These go to the dead letters.
    pub poison_after: Duration,
}

impl Default for RawRetry {
    fn default() -> Self {
        Self {
            initial_interval: Duration::from_secs(5),
            randomization_factor: 0.5,
            multiplier: 1.5,
            max_interval: Duration::from_secs(30),
            max_elapsed_time: Duration::from_secs(0),
            poison_after: Duration::from_secs(600),
        }
    }
}

/// The same, as used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPolicy {
    pub initial_interval: time::Duration,
    pub randomization_factor: f64,
    pub multiplier: f64,
    pub max_interval: time::Duration,
    /// `None`: for ever.
    pub max_elapsed_time: Option<time::Duration>,
    /// A batch that fails for this long, while others are accepted, is to blame itself.
    pub poison_after: time::Duration,
}

impl RawRetry {
    pub(in crate::config) fn validate(&self, at: &str, problems: &mut Problems) -> RetryPolicy {
        if self.initial_interval.0.is_zero() {
            problems.push(
                format!("{at}.initial_interval"),
                "0 would try again without a pause: use at least 1ms",
            );
        }
        if self.max_interval < self.initial_interval {
            problems.push(
                format!("{at}.max_interval"),
                "is shorter than `initial_interval`",
            );
        }
        if !(0.0..=1.0).contains(&self.randomization_factor) {
            problems.push(
                format!("{at}.randomization_factor"),
                format!("{} is not between 0 and 1", self.randomization_factor),
            );
        }
        if !(1.0..=100.0).contains(&self.multiplier) {
            problems.push(
                format!("{at}.multiplier"),
                format!("{} is not between 1 and 100", self.multiplier),
            );
        }
        if self.poison_after.0.is_zero() {
            problems.push(
                format!("{at}.poison_after"),
                "0 would blame a batch for the first error of the backend: use at least 1s, better 10m",
            );
        }
        RetryPolicy {
            initial_interval: self.initial_interval.0,
            randomization_factor: self.randomization_factor,
            multiplier: self.multiplier,
            max_interval: self.max_interval.0,
            max_elapsed_time: Some(self.max_elapsed_time.0).filter(|time| !time.is_zero()),
            poison_after: self.poison_after.0,
        }
    }
}
