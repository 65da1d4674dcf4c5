//! Grafana Loki. It refuses old lines, by its `reject_old_samples_max_age`, with 400.
//!
//! Source, read on 2026-11-30: Loki documentation, "Ingesting logs to Loki using OpenTelemetry Collector": `/otlp/v1/logs` on its HTTP port, structured
//! metadata has to be allowed. `X-Scope-OrgID` is the header of all of Grafana's databases ("Enable multi-tenancy" of Tempo).

use schemas::Signal;

use crate::backends::otlp_http::{HttpConfig, RawHttp};
use crate::backends::presets::asked::Asked;
use crate::backends::presets::preset::Preset;

over_http! {
    /// Grafana Loki: logs.
    pub struct RawLoki {
        /// The tenant that data goes to (`X-Scope-OrgID`). `"{tenant}"` stands for the name of the tenant whose data it is.
        pub tenant: Option<String> = None,
    }
}

impl Preset for RawLoki {
    type Over = HttpConfig;

    const SIGNALS: &'static [Signal] = &[Signal::Logs];

    fn expand(&self, asked: &mut Asked<'_>) -> RawHttp {
        let endpoint = self.endpoint.as_ref();
        let mut own = RawHttp {
            endpoint: asked.address(endpoint, "/otlp", "http://loki:3100"),
            ..RawHttp::default()
        };
        let tenant = self.tenant.as_ref();
        asked.header(&mut own.headers, "x-scope-orgid", "tenant", tenant);
        self.over(own)
    }
}
