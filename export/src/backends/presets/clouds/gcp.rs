//! Google Cloud's Telemetry API. Tokens are fetched, unless one is written, or an `endpoint` adds it.
//!
//! Sources, read on 2026-11-30: Google Cloud Observability, "Quotas and limits" (200 points and 200 resources in a request of metrics, 60,000
//! requests a minute and region, 300 MB of traces a minute in most regions, 512 bytes for a key and 64 KiB for a value), "OTLP support"
//! (HTTP and gRPC; the roles `telemetry.writer` and `serviceusage.serviceUsageConsumer`; a quota project), "REST Telemetry (OTLP) API"
//! (`telemetry.googleapis.com/v1/traces`). The header `x-goog-user-project` is Google's for all its APIs.

use credentials::RawAuth;
use credentials::config::RawAuthGcp;
use runtime::config::Secret;
use schemas::Signal;

use crate::backends::otlp_http::{HttpConfig, RawHttp};
use crate::backends::presets::asked::Asked;
use crate::backends::presets::merge::has;
use crate::backends::presets::preset::Preset;
use crate::records::limits::{BatchLimits, ItemLimits};

over_http! {
    /// Google Cloud, by its Telemetry API. Access tokens are fetched by the Google identity that this process has.
    pub struct RawGcp {
        /// The project that quotas are counted for.
        pub project: String = String::new(),
        /// An OAuth access token in place of those that are fetched. It lives for about an hour: let something renew the file that `${file:…}` names.
        pub token: Secret = Secret::default(),
    }
}

impl Preset for RawGcp {
    type Over = HttpConfig;

    /// 200 points in a request of metrics. The limit here is of metrics: a request with more points is refused, and divided.
    fn batch_limits(signal: Signal) -> BatchLimits {
        BatchLimits {
            items: match signal {
                Signal::Metrics => 200,
                Signal::Traces | Signal::Logs => usize::MAX,
            },
            ..BatchLimits::USUAL
        }
    }

    /// Values of up to 64 KiB.
    fn item_limits(_: Signal) -> ItemLimits {
        ItemLimits {
            attribute_bytes: Some(64 << 10),
            clip: true,
            ..ItemLimits::NONE
        }
    }

    fn expand(&self, asked: &mut Asked<'_>) -> RawHttp {
        let mut own = RawHttp {
            endpoint: asked.base(self.endpoint.as_ref(), "", |_| {
                "https://telemetry.googleapis.com".to_owned()
            }),
            ..RawHttp::default()
        };
        let by_header = has(&self.headers, "authorization") || !self.token.0.is_empty();
        if self.endpoint.is_none() && !by_header && self.auth.is_none() {
            own.auth = Some(RawAuth {
                gcp: Some(RawAuthGcp::default()),
                ..RawAuth::default()
            });
        }
        if !self.token.0.is_empty() {
            let key = ("token", &self.token);
            asked.credential(
                &mut own.headers,
                &self.headers,
                "authorization",
                "Bearer ",
                key,
            );
        }
        let project = Some(&self.project).filter(|project| !project.is_empty());
        asked.header(&mut own.headers, "x-goog-user-project", "project", project);
        self.over(own)
    }
}
