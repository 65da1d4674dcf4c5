//! Honeycomb.
//!
//! Source, read on 2026-11-30: Honeycomb documentation, "Send Data with OpenTelemetry" and "OpenTelemetry SDK" (metrics): addresses of both
//! regions, gRPC among the protocols, the headers. Metrics without a dataset go to `unknown_metrics`. The limit of 1 MB an event
//! wasn't confirmed.

use runtime::config::Secret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::backends::otlp_grpc::{GrpcConfig, RawGrpc};
use crate::backends::presets::asked::Asked;
use crate::backends::presets::preset::Preset;

/// Where an account is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HoneycombRegion {
    #[default]
    Us,
    Eu,
}

over_grpc! {
    /// Honeycomb, over gRPC.
    pub struct RawHoneycomb {
        pub region: HoneycombRegion = HoneycombRegion::default(),
        pub api_key: Secret = Secret::default(),
        /// The dataset that metrics go to. Traces and logs go to the one of their service.
        pub dataset: Option<String> = None,
    }
}

impl Preset for RawHoneycomb {
    type Over = GrpcConfig;

    fn expand(&self, asked: &mut Asked<'_>) -> RawGrpc {
        let host = match self.region {
            HoneycombRegion::Us => "api.honeycomb.io",
            HoneycombRegion::Eu => "api.eu1.honeycomb.io",
        };
        let mut own = RawGrpc {
            endpoint: asked.base(self.endpoint.as_ref(), "", |_| {
                format!("https://{host}:443")
            }),
            ..RawGrpc::default()
        };
        let key = ("api_key", &self.api_key);
        asked.credential(&mut own.headers, &self.headers, "x-honeycomb-team", "", key);
        let dataset = self.dataset.as_ref();
        asked.header(&mut own.headers, "x-honeycomb-dataset", "dataset", dataset);
        self.over(own)
    }
}
