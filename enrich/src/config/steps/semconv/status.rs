//! `status`: which protocols tell that a span failed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Spans that failed by their protocol, and have no status yet, get the status ERROR.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawStatus {
    /// By the status code of HTTP: of a server from 500 on, of a client from 400 on.
    pub http: bool,
    /// By the status code of gRPC: of a server UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE and DATA_LOSS, of a client all but OK.
    pub grpc: bool,
}

impl Default for RawStatus {
    fn default() -> Self {
        Self {
            http: true,
            grpc: true,
        }
    }
}
