//! Jaeger, over gRPC.
//!
//! Source, read on 2026-11-30: Jaeger documentation, "Getting Started" (OTLP over gRPC on port 4317), and the page of Apollo's router on Jaeger.

use schemas::Signal;

use crate::backends::otlp_grpc::{GrpcConfig, RawGrpc};
use crate::backends::presets::asked::Asked;
use crate::backends::presets::preset::Preset;

over_grpc! {
    /// Jaeger, over gRPC: traces.
    pub struct RawJaeger {
    }
}

impl Preset for RawJaeger {
    type Over = GrpcConfig;

    const SIGNALS: &'static [Signal] = &[Signal::Traces];

    fn expand(&self, asked: &mut Asked<'_>) -> RawGrpc {
        let own = RawGrpc {
            endpoint: asked.address(self.endpoint.as_ref(), "", "http://jaeger:4317"),
            ..RawGrpc::default()
        };
        self.over(own)
    }
}
