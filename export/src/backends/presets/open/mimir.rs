//! Grafana Mimir.
//!
//! Source, read on 2026-11-30: Mimir documentation, "Configure the OpenTelemetry Collector to write metrics into Mimir": `/otlp` is the base address.
//! `X-Scope-OrgID` is the header of all of Grafana's databases ("Enable multi-tenancy" of Tempo).

use schemas::Signal;

use crate::backends::otlp_http::{HttpConfig, RawHttp};
use crate::backends::presets::asked::Asked;
use crate::backends::presets::preset::Preset;

over_http! {
    /// Grafana Mimir: metrics.
    pub struct RawMimir {
        /// The tenant that data goes to (`X-Scope-OrgID`). `"{tenant}"` stands for the name of the tenant whose data it is.
        pub tenant: Option<String> = None,
    }
}

impl Preset for RawMimir {
    type Over = HttpConfig;

    const SIGNALS: &'static [Signal] = &[Signal::Metrics];

    fn expand(&self, asked: &mut Asked<'_>) -> RawHttp {
        let endpoint = self.endpoint.as_ref();
        let mut own = RawHttp {
            endpoint: asked.address(endpoint, "/otlp", "http://mimir:8080"),
            ..RawHttp::default()
        };
        let tenant = self.tenant.as_ref();
        asked.header(&mut own.headers, "x-scope-orgid", "tenant", tenant);
        self.over(own)
    }
}
