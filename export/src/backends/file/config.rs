//! The section `file`.

use std::path::PathBuf;

use runtime::config::ByteSize;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A file of OTLP JSON, one request per line, as the Collector's `otlpjsonfile` receiver reads it. Existing content is
/// kept.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawFile {
    /// The path of the file. One backend of one process writes to it.
    pub path: PathBuf,
    /// When to start a new file. Absent: the file grows without limit.
    pub rotate: Option<RawRotate>,
}

/// At `bytes` the file becomes `<path>.1`, that `<path>.2`, and so on; the oldest above `keep` goes.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawRotate {
    /// The size at which the file is renamed to `<path>.1`, and a new one begins.
    pub bytes: ByteSize,
    /// How many renamed files to keep.
    pub keep: u32,
}

impl Default for RawRotate {
    fn default() -> Self {
        Self {
            bytes: ByteSize::mib(100),
            keep: 5,
        }
    }
}

#[derive(Clone, Debug)]
pub struct FileConfig {
    pub path: PathBuf,
    pub rotate: Option<Rotate>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotate {
    pub bytes: u64,
    pub keep: u32,
}
