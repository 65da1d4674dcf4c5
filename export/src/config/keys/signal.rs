//! The names of signals.

use schemars::JsonSchema;
use schemas::Signal;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RawSignal {
    Traces,
    Logs,
    Metrics,
}

impl From<RawSignal> for Signal {
    fn from(raw: RawSignal) -> Self {
        match raw {
            RawSignal::Traces => Self::Traces,
            RawSignal::Logs => Self::Logs,
            RawSignal::Metrics => Self::Metrics,
        }
    }
}
