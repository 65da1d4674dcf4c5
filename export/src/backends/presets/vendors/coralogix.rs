//! Coralogix.
//!
//! Sources, read on 2026-11-30: Coralogix documentation, "OpenTelemetry custom logs" (`ingress.<domain>:443`, gRPC and HTTP), "Limitations" (10 MB
//! at most, 2 MB recommended); README of the Collector's coralogixexporter (Bearer, gzip or zstd, the domain, `cx.application.name` and
//! `cx.subsystem.name` as resource attributes). The headers `CX-Application-Name` and `CX-Subsystem-Name` are in Coralogix's examples of SDKs.

use runtime::config::Secret;
use schemas::Signal;

use crate::backends::otlp_grpc::{GrpcConfig, RawGrpc};
use crate::backends::presets::asked::Asked;
use crate::backends::presets::preset::Preset;
use crate::records::limits::BatchLimits;

over_grpc! {
    /// Coralogix, over gRPC.
    pub struct RawCoralogix {
        /// The domain of your team, such as `eu1.coralogix.com`.
        pub domain: String = String::new(),
        /// A Send-Your-Data API key.
        pub api_key: Secret = Secret::default(),
        /// The application, where resources don't name one by `cx.application.name`.
        pub application: Option<String> = None,
        /// The subsystem, where resources don't name one by `cx.subsystem.name`.
        pub subsystem: Option<String> = None,
    }
}

impl Preset for RawCoralogix {
    type Over = GrpcConfig;

    /// 2 MB are recommended, 10 MB is the limit.
    fn batch_limits(_: Signal) -> BatchLimits {
        BatchLimits {
            bytes: 2_000_000,
            ..BatchLimits::USUAL
        }
    }

    fn expand(&self, asked: &mut Asked<'_>) -> RawGrpc {
        let mut own = RawGrpc {
            endpoint: asked.base(self.endpoint.as_ref(), "", |asked| {
                let domain = asked.host("domain", &self.domain, "eu1.coralogix.com");
                format!("https://ingress.{domain}:443")
            }),
            ..RawGrpc::default()
        };
        let key = ("api_key", &self.api_key);
        asked.credential(
            &mut own.headers,
            &self.headers,
            "authorization",
            "Bearer ",
            key,
        );
        let application = self.application.as_ref();
        asked.header(
            &mut own.headers,
            "cx-application-name",
            "application",
            application,
        );
        let subsystem = self.subsystem.as_ref();
        asked.header(
            &mut own.headers,
            "cx-subsystem-name",
            "subsystem",
            subsystem,
        );
        self.over(own)
    }
}
