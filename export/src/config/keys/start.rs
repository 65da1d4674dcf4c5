//! Where a backend that is new begins to read: `start`.

use std::fmt;
use std::time::UNIX_EPOCH;

use runtime::config::Problems;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `oldest`, `latest`, or a time such as `2026-11-01T00:00:00Z`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct RawStart(pub String);

impl Default for RawStart {
    fn default() -> Self {
        Self("oldest".to_owned())
    }
}

impl fmt::Display for RawStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a consumer group begins that has never committed a position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    #[default]
    Oldest,
    Latest,
    /// At the first record of that bus time, in milliseconds since the epoch.
    At(u64),
}

impl RawStart {
    pub(in crate::config) fn validate(&self, at: &str, problems: &mut Problems) -> Start {
        match self.0.as_str() {
            "oldest" => Start::Oldest,
            "latest" => Start::Latest,
            time => match humantime::parse_rfc3339_weak(time) {
                Ok(time) => {
                    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
                    Start::At(since.as_millis() as u64)
                }
                Err(_) => {
                    let message = format!(
                        "{time:?} is not oldest, latest, or a time in UTC such as 2026-11-01T00:00:00Z"
                    );
                    problems.push(at, message);
                    Start::Oldest
                }
            },
        }
    }
}
