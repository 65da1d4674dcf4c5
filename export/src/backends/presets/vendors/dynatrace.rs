//! Dynatrace.
//!
//! Sources, read on 2026-11-30: Dynatrace documentation, "OpenTelemetry metrics ingest API" and its siblings (protobuf over HTTP, the address,
//! `Api-Token`), "Dynatrace API - Access limit" (8 MB for traces, 4 MB for metrics, 2 MB for logs; 429 when its queue is full), "Ingest
//! OTLP traces" (a span's end from 60 minutes ago to 10 minutes ahead), "About OTLP metrics ingest" (cumulative counters and histograms
//! aren't taken).

use std::time::Duration;

use runtime::config::Secret;
use schemas::Signal;

use crate::backends::otlp_http::{HttpConfig, RawHttp};
use crate::backends::presets::asked::Asked;
use crate::backends::presets::preset::Preset;
use crate::records::limits::{BatchLimits, ItemLimits};

over_http! {
    /// Dynatrace.
    pub struct RawDynatrace {
        /// The id of the environment: the first part of its host name. ActiveGates and Managed: `endpoint`.
        pub environment: String = String::new(),
        /// An access token with the scopes `openTelemetryTrace.ingest`, `metrics.ingest`, `logs.ingest`.
        pub token: Secret = Secret::default(),
    }
}

impl Preset for RawDynatrace {
    type Over = HttpConfig;

    const DELTA_ONLY: bool = true;

    /// Below 8 MB, 4 MB and 2 MB.
    fn batch_limits(signal: Signal) -> BatchLimits {
        let bytes = match signal {
            Signal::Traces => BatchLimits::USUAL.bytes,
            Signal::Metrics => 3_800_000,
            Signal::Logs => 1_900_000,
        };
        BatchLimits {
            bytes,
            ..BatchLimits::USUAL
        }
    }

    /// A span's end from 60 minutes ago to 10 minutes ahead.
    fn item_limits(signal: Signal) -> ItemLimits {
        match signal {
            Signal::Traces => ItemLimits {
                max_age: Some(Duration::from_secs(60 * 60)),
                max_future: Some(Duration::from_secs(10 * 60)),
                ..ItemLimits::NONE
            },
            Signal::Logs | Signal::Metrics => ItemLimits::NONE,
        }
    }

    fn expand(&self, asked: &mut Asked<'_>) -> RawHttp {
        let mut own = RawHttp {
            endpoint: asked.base(self.endpoint.as_ref(), "/api/v2/otlp", |asked| {
                let environment = asked.host("environment", &self.environment, "abc12345");
                format!("https://{environment}.live.dynatrace.com")
            }),
            ..RawHttp::default()
        };
        let key = ("token", &self.token);
        asked.credential(
            &mut own.headers,
            &self.headers,
            "authorization",
            "Api-Token ",
            key,
        );
        self.over(own)
    }
}
