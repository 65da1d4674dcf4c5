//! Which temporality the metrics of a backend get.

use runtime::config::{Duration, Problems};
use schemars::JsonSchema;
use schemas::Signal;
use serde::{Deserialize, Serialize};

use crate::temporality::{Direction, Limits, StreamLimits};

const MAX_STREAMS: usize = 100_000;
const MAX_STALE: std::time::Duration = std::time::Duration::from_secs(300);

/// The temporality of the metrics that a backend gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawMetrics {
    /// `delta`: what came since the last point. `cumulative`: totals. `as_is`: metrics stay as they are. Absent: `delta` for `datadog` and `dynatrace`, which
    /// take nothing else, and `as_is` for all others.
    pub temporality: Option<RawTemporality>,
    /// How many series are converted at a time; points of further ones are left out, and counted.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub max_streams: usize,
    /// A series that nothing came for in this time is forgotten.
    pub max_stale: Duration,
}

impl Default for RawMetrics {
    fn default() -> Self {
        Self {
            temporality: None,
            max_streams: MAX_STREAMS,
            max_stale: Duration(MAX_STALE),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawTemporality {
    /// Metrics stay as they are.
    AsIs,
    /// What came since the last point.
    Delta,
    /// Totals since a start.
    Cumulative,
}

impl RawMetrics {
    /// As it would be written where the kind has `usual`.
    pub(in crate::config) fn or(self, usual: RawTemporality) -> Self {
        Self {
            temporality: Some(self.temporality.unwrap_or(usual)),
            ..self
        }
    }

    /// `once`: the backend recognizes a batch that it has already. `None`: nothing is converted.
    pub(in crate::config) fn validate(
        self,
        usual: RawTemporality,
        (signals, once): (&[Signal], bool),
        at: &str,
        problems: &mut Problems,
    ) -> Option<Limits> {
        if !(1..=10_000_000).contains(&self.max_streams) {
            let message = format!("{} is not between 1 and 10000000", self.max_streams);
            problems.push(format!("{at}.max_streams"), message);
        }
        if self.max_stale.0.is_zero() || self.max_stale.0.as_secs() > 24 * 3600 {
            problems.push(format!("{at}.max_stale"), "is not between 1ms and 24h");
        }
        let direction = match self.temporality.unwrap_or(usual) {
            RawTemporality::AsIs => return None,
            RawTemporality::Delta => Direction::ToDelta,
            RawTemporality::Cumulative => Direction::ToCumulative,
        };
        if !signals.contains(&Signal::Metrics) {
            if self.temporality.is_some() {
                let message = "the backend gets no metrics: see its `signals`";
                problems.push(format!("{at}.temporality"), message);
            }
            return None;
        }
        if once {
            let message = "depends on what came before, and this kind has to make the same batch of the same records after a crash: leave it out";
            problems.push(format!("{at}.temporality"), message);
        }
        Some(Limits {
            direction,
            streams: StreamLimits {
                max_streams: self.max_streams,
                max_stale_ms: i64::try_from(self.max_stale.0.as_millis()).unwrap_or(i64::MAX),
            },
        })
    }
}
