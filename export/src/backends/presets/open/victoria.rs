//! VictoriaMetrics, VictoriaLogs and VictoriaTraces.
//!
//! Sources, read on 2026-11-30: VictoriaMetrics documentation, "OpenTelemetry Collector" (`/opentelemetry/v1/metrics` on port 8428; a cluster has the
//! tenant in its path), "OpenTelemetry Setup" of VictoriaLogs (`/insert/opentelemetry/v1/logs` on 9428) and of VictoriaTraces
//! (`/insert/opentelemetry/v1/traces` on 10428); `AccountID` and `ProjectID` are headers of the latter two. VictoriaLogs 1.52 refuses JSON.

use schemas::Signal;

use crate::backends::otlp_http::{HttpConfig, RawHttp};
use crate::backends::presets::asked::Asked;
use crate::backends::presets::merge::path_behind;
use crate::backends::presets::preset::Preset;

over_http! {
    /// VictoriaMetrics, VictoriaLogs, VictoriaTraces. `endpoint` is one address for all, such as that of vmauth.
    pub struct RawVictoria {
        /// The address of VictoriaMetrics, such as `http://vm:8428`.
        pub metrics: Option<String> = None,
        /// The address of VictoriaLogs, such as `http://vl:9428`.
        pub logs: Option<String> = None,
        /// The address of VictoriaTraces, such as `http://vt:10428`.
        pub traces: Option<String> = None,
    }
}

impl RawVictoria {
    /// The address of a signal, where it isn't written as a whole.
    fn address(&self, asked: &mut Asked<'_>, signal: Signal) -> Option<String> {
        let (written, base, prefix) = match signal {
            Signal::Traces => (&self.traces_endpoint, &self.traces, "/insert/opentelemetry"),
            Signal::Logs => (&self.logs_endpoint, &self.logs, "/insert/opentelemetry"),
            Signal::Metrics => (&self.metrics_endpoint, &self.metrics, "/opentelemetry"),
        };
        if written.is_some() || !asked.gets(signal) {
            return None;
        }
        let path = format!("{prefix}{}", signal.http_path());
        match base.as_ref().or(self.endpoint.as_ref()) {
            Some(base) => Some(path_behind(base, &path)),
            None => {
                let name = signal.name();
                asked.problem(
                    name,
                    format!("is needed: the address for {name}; or leave {name} out of `signals`"),
                );
                Some(Asked::NO_ADDRESS.to_owned())
            }
        }
    }
}

impl Preset for RawVictoria {
    type Over = HttpConfig;

    fn expand(&self, asked: &mut Asked<'_>) -> RawHttp {
        let own = RawHttp {
            traces_endpoint: self.address(asked, Signal::Traces),
            logs_endpoint: self.address(asked, Signal::Logs),
            metrics_endpoint: self.address(asked, Signal::Metrics),
            ..RawHttp::default()
        };
        self.over(own)
    }
}
