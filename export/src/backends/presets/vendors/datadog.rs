//! Datadog's OTLP intake.
//!
//! Sources, read on 2026-11-30: Datadog documentation, "Datadog OTLP Traces Intake Endpoint", "Datadog OTLP Metrics Intake Endpoint"
//! (`/opentelemetry/setup/otlp_ingest/`): protobuf over HTTP, no gRPC; 202 on success; 403 for a key or an address that isn't the
//! organization's; at most 3.2 MB for traces; delta metrics only. "Submit metrics" of its API reference: at most 500 kB, 5 MB
//! uncompressed.

use runtime::config::Secret;
use schemas::Signal;

use crate::backends::otlp_http::{HttpConfig, RawHttp};
use crate::backends::presets::asked::Asked;
use crate::backends::presets::preset::Preset;
use crate::records::limits::BatchLimits;

over_http! {
    /// Datadog, by its OTLP intake.
    pub struct RawDatadog {
        /// The site of your organization, such as `datadoghq.eu` or `us5.datadoghq.com`.
        pub site: String = "datadoghq.com".to_owned(),
        pub api_key: Secret = Secret::default(),
        /// Let Datadog compute APM metrics (requests, errors, latency) from the spans. Without it there are none; with it they are
        /// figures of the traces that were kept.
        pub compute_stats: bool = true,
    }
}

impl Preset for RawDatadog {
    type Over = HttpConfig;

    const DELTA_ONLY: bool = true;

    /// Below 3.2 MB, the limit of traces. Metrics are limited to 5 MB, and to 500 kB compressed, to which gzip brings 3 MB.
    fn batch_limits(_: Signal) -> BatchLimits {
        BatchLimits {
            bytes: 3_000_000,
            ..BatchLimits::USUAL
        }
    }

    fn expand(&self, asked: &mut Asked<'_>) -> RawHttp {
        let mut own = RawHttp {
            endpoint: asked.base(self.endpoint.as_ref(), "", |asked| {
                format!(
                    "https://otlp.{}",
                    asked.host("site", &self.site, "datadoghq.eu")
                )
            }),
            ..RawHttp::default()
        };
        let key = ("api_key", &self.api_key);
        asked.credential(&mut own.headers, &self.headers, "dd-api-key", "", key);
        if self.compute_stats {
            own.headers
                .insert("compute_stats".to_owned(), "true".to_owned());
        }
        self.over(own)
    }
}
