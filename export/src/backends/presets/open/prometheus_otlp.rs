//! Prometheus, by its OTLP receiver. It takes a series in order only, unless `out_of_order_time_window` says otherwise, and answers 400 when it
//! refuses a part of a request.
//!
//! Source, read on 2026-11-30: Prometheus documentation, "Using Prometheus as your OpenTelemetry backend": `--web.enable-otlp-receiver`,
//! `/api/v1/otlp/v1/metrics`.

use schemas::Signal;

use crate::backends::otlp_http::{HttpConfig, RawHttp};
use crate::backends::presets::asked::Asked;
use crate::backends::presets::preset::Preset;

over_http! {
    /// Prometheus, by its OTLP receiver: metrics.
    pub struct RawPrometheusOtlp {
    }
}

impl Preset for RawPrometheusOtlp {
    type Over = HttpConfig;

    const SIGNALS: &'static [Signal] = &[Signal::Metrics];

    fn expand(&self, asked: &mut Asked<'_>) -> RawHttp {
        let endpoint = self.endpoint.as_ref();
        let own = RawHttp {
            endpoint: asked.address(endpoint, "/api/v1/otlp", "http://prometheus:9090"),
            ..RawHttp::default()
        };
        self.over(own)
    }
}
