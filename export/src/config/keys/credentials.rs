//! What to do while a backend refuses everything: `on_refused` and `probe`.

use std::time;

use runtime::config::{Duration, Problems};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What to do while the backend refuses everything (401, 403, 404, 405, redirects, and their equivalents in gRPC),
/// since a key was revoked or the address is wrong.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawCredentials {
    /// `hold`: data stays on the bus. `dead_letters`: each record goes to the dead letters at once.
    pub on_refused: OnRefused,
    /// While the backend is held, one request is tried this often.
    pub probe: Duration,
}

impl Default for RawCredentials {
    fn default() -> Self {
        Self {
            on_refused: OnRefused::default(),
            probe: Duration::from_secs(60),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnRefused {
    /// Everything stays on the bus, which keeps it while it retains.
    #[default]
    Hold,
    /// Each record goes to the dead letters at once.
    DeadLetters,
}

/// What to do while the backend takes nothing from us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials {
    pub on_refused: OnRefused,
    pub probe: time::Duration,
}

impl RawCredentials {
    pub(in crate::config) fn validate(&self, at: &str, problems: &mut Problems) -> Credentials {
        if self.probe.0.is_zero() || self.probe.0 > time::Duration::from_secs(3600) {
            problems.push(format!("{at}.probe"), "is not between 1ms and 1h");
        }
        Credentials {
            on_refused: self.on_refused,
            probe: self.probe.0,
        }
    }
}
