//! SigNoz, its cloud or one of your own, over gRPC.
//!
//! Sources, read on 2026-11-30: SigNoz documentation, "Ingestion Overview" of its cloud (`ingest.<region>.signoz.cloud:443` for both protocols,
//! `signoz-ingestion-key`) and of self-hosted editions (port 4317, no key).

use runtime::config::Secret;

use crate::backends::otlp_grpc::{GrpcConfig, RawGrpc};
use crate::backends::presets::asked::Asked;
use crate::backends::presets::preset::Preset;

over_grpc! {
    /// SigNoz, over gRPC: its cloud, or one of your own by `endpoint`.
    pub struct RawSignoz {
        /// The region of SigNoz Cloud, such as `eu`.
        pub region: String = String::new(),
        /// The ingestion key of SigNoz Cloud.
        pub ingestion_key: Secret = Secret::default(),
    }
}

impl Preset for RawSignoz {
    type Over = GrpcConfig;

    fn expand(&self, asked: &mut Asked<'_>) -> RawGrpc {
        let mut own = RawGrpc {
            endpoint: asked.base(self.endpoint.as_ref(), "", |asked| {
                let region = asked.host("region", &self.region, "eu");
                format!("https://ingest.{region}.signoz.cloud:443")
            }),
            ..RawGrpc::default()
        };
        // One of your own knows no keys.
        if self.endpoint.is_none() || !self.ingestion_key.0.is_empty() {
            let key = ("ingestion_key", &self.ingestion_key);
            asked.credential(
                &mut own.headers,
                &self.headers,
                "signoz-ingestion-key",
                "",
                key,
            );
        }
        self.over(own)
    }
}
