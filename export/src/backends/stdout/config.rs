//! The section `stdout`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The terminal: a short line for each trace, log record and metric.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawStdout {}

/// There is nothing to configure.
#[derive(Clone, Debug)]
pub struct StdoutConfig;
