//! The `bus.embedded` section of the configuration.

use std::path::PathBuf;

use runtime::config::{ByteSize, Duration, Problems};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawEmbedded {
    /// The directory of the log. One process at a time uses it.
    pub dir: PathBuf,
    pub retention: RawRetention,
}

impl Default for RawEmbedded {
    fn default() -> Self {
        Self {
            dir: "./tailwater-data".into(),
            retention: RawRetention::default(),
        }
    }
}

/// How long records are kept: up to `age`, and up to `bytes` per topic.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawRetention {
    /// The age at which records are deleted.
    pub age: Duration,
    /// The size of a topic from which on its oldest records are deleted.
    pub bytes: ByteSize,
}

impl Default for RawRetention {
    fn default() -> Self {
        Self {
            age: Duration::from_secs(24 * 3600),
            bytes: ByteSize(10 << 30),
        }
    }
}

/// Below these a window of the sampler would hardly fit.
const RETENTION_AGE_MIN: Duration = Duration::from_secs(60);
const RETENTION_BYTES_MIN: ByteSize = ByteSize::mib(64);

impl RawEmbedded {
    pub(crate) fn check(&self, path: &str, problems: &mut Problems) {
        if self.dir.as_os_str().is_empty() {
            problems.push(
                format!("{path}.dir"),
                "the directory is empty; give a path such as ./tailwater-data",
            );
        }
        if self.retention.age < RETENTION_AGE_MIN {
            problems.push(
                format!("{path}.retention.age"),
                "shorter than 1m; records must outlive the sampler's window, so give 1h or more",
            );
        }
        if self.retention.bytes < RETENTION_BYTES_MIN {
            problems.push(
                format!("{path}.retention.bytes"),
                "less than 64MiB; it is what each topic may take on disk, so give 1GiB or more",
            );
        }
    }
}
