//! Grafana Tempo, over gRPC.
//!
//! Source, read on 2026-11-30: Tempo documentation, "Enable multi-tenancy": OTLP over gRPC (port 4317) and HTTP, `X-Scope-OrgID` on both.

use schemas::Signal;

use crate::backends::otlp_grpc::{GrpcConfig, RawGrpc};
use crate::backends::presets::asked::Asked;
use crate::backends::presets::preset::Preset;

over_grpc! {
    /// Grafana Tempo, over gRPC: traces.
    pub struct RawTempo {
        /// The tenant that data goes to (`X-Scope-OrgID`). `"{tenant}"` stands for the name of the tenant whose data it is.
        pub tenant: Option<String> = None,
    }
}

impl Preset for RawTempo {
    type Over = GrpcConfig;

    const SIGNALS: &'static [Signal] = &[Signal::Traces];

    fn expand(&self, asked: &mut Asked<'_>) -> RawGrpc {
        let mut own = RawGrpc {
            endpoint: asked.address(self.endpoint.as_ref(), "", "http://tempo:4317"),
            ..RawGrpc::default()
        };
        let tenant = self.tenant.as_ref();
        asked.header(&mut own.headers, "x-scope-orgid", "tenant", tenant);
        self.over(own)
    }
}
