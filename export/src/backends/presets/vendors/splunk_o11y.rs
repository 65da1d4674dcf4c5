//! Splunk Observability Cloud. Logs don't go there by OTLP, but to Splunk's HTTP Event Collector.
//!
//! Sources, read on 2026-11-30: Splunk documentation, "Send traces to Splunk Observability Cloud using the gRPC endpoint" (host, `X-SF-Token`),
//! "OTLP/HTTP exporter", and Splunk's Observability Workshop (`/v2/datapoint/otlp`). That the path of traces is `/v2/trace/otlp` is said by
//! the former, and by LiteLLM's page on Splunk. Limits of a request weren't confirmed.

use runtime::config::Secret;
use schemas::Signal;

use crate::backends::otlp_http::{HttpConfig, RawHttp};
use crate::backends::presets::asked::Asked;
use crate::backends::presets::preset::Preset;

over_http! {
    /// Splunk Observability Cloud: traces and metrics.
    pub struct RawSplunkO11y {
        /// The realm of your organization, such as `us1`.
        pub realm: String = String::new(),
        /// An access token with the scope INGEST.
        pub token: Secret = Secret::default(),
    }
}

impl Preset for RawSplunkO11y {
    type Over = HttpConfig;

    const SIGNALS: &'static [Signal] = &[Signal::Traces, Signal::Metrics];

    fn expand(&self, asked: &mut Asked<'_>) -> RawHttp {
        let base = asked.base(self.endpoint.as_ref(), "", |asked| {
            let realm = asked.host("realm", &self.realm, "us1");
            format!("https://ingest.{realm}.signalfx.com")
        });
        let mut own = RawHttp {
            traces_endpoint: Some(format!("{base}/v2/trace/otlp")),
            metrics_endpoint: Some(format!("{base}/v2/datapoint/otlp")),
            endpoint: base,
            ..RawHttp::default()
        };
        let key = ("token", &self.token);
        asked.credential(&mut own.headers, &self.headers, "x-sf-token", "", key);
        self.over(own)
    }
}
