//! Chronosphere: metrics and traces. Its OTLP endpoint for logs isn't open to all.
//!
//! Source, read on 2026-11-30: Chronosphere documentation, "Use OpenTelemetry protocol endpoints": `COMPANY.chronosphere.io:443` for gRPC, which is
//! recommended, `API-Token`, zstd recommended, compressed payloads below 16 MB, metric payloads below 10,000 items, batches of up to
//! 2,000 items recommended.

use runtime::config::Secret;
use schemas::Signal;

use crate::backends::otlp_grpc::{GrpcConfig, RawGrpc};
use crate::backends::presets::asked::Asked;
use crate::backends::presets::preset::Preset;
use crate::records::limits::BatchLimits;
use crate::transport::compress::Compression;

over_grpc! {
    /// Chronosphere, over gRPC: metrics and traces.
    pub struct RawChronosphere {
        /// The name of your instance: the first part of its host name.
        pub company: String = String::new(),
        /// The token of a service account that may write.
        pub token: Secret = Secret::default(),
    }
}

impl Preset for RawChronosphere {
    type Over = GrpcConfig;

    const SIGNALS: &'static [Signal] = &[Signal::Traces, Signal::Metrics];

    fn batch_limits(_: Signal) -> BatchLimits {
        BatchLimits {
            items: 2000,
            ..BatchLimits::USUAL
        }
    }

    fn expand(&self, asked: &mut Asked<'_>) -> RawGrpc {
        let mut own = RawGrpc {
            endpoint: asked.base(self.endpoint.as_ref(), "", |asked| {
                let company = asked.host("company", &self.company, "mycompany");
                format!("https://{company}.chronosphere.io:443")
            }),
            compression: Compression::Zstd,
            ..RawGrpc::default()
        };
        let key = ("token", &self.token);
        asked.credential(&mut own.headers, &self.headers, "api-token", "", key);
        self.over(own)
    }
}
