//! Azure Monitor. Tokens are fetched, unless one is written.
//!
//! Source, read on 2026-11-30: Microsoft Learn, "Ingest OTLP data into Azure Monitor with OTel Collector": the addresses of the three signals from
//! the endpoints of a data collection endpoint (DCE) and the immutable id of a data collection rule (DCR), protobuf over HTTP, Entra tokens
//! for `https://monitor.azure.com/.default`, delta metrics for the pages of Application Insights. The stream of metrics is
//! `microsoft-otelmetrics` in an earlier version of that page and `Custom-Metrics-Otel` in configurations that follow a later one. Limits
//! weren't confirmed.

use credentials::RawAuth;
use credentials::config::RawAuthAzure;
use runtime::config::Secret;
use schemas::Signal;

use crate::backends::otlp_http::{HttpConfig, RawHttp};
use crate::backends::presets::asked::Asked;
use crate::backends::presets::merge::{has, path_behind};
use crate::backends::presets::preset::Preset;

over_http! {
    /// Azure Monitor. `endpoint` is `logsIngestion` of the data collection endpoint, for traces and logs. Access tokens of
    /// Microsoft Entra are fetched by the identity that this process has.
    pub struct RawAzure {
        /// `metricsIngestion` of the data collection endpoint, for metrics.
        pub metrics_ingestion: Option<String> = None,
        /// The immutable id of the data collection rule, such as `dcr-0123456789abcdef0123456789abcdef`.
        pub rule: String = String::new(),
        /// The stream that metrics go to.
        pub metrics_stream: String = "Custom-Metrics-Otel".to_owned(),
        /// An access token of Microsoft Entra in place of those that are fetched. It lives for about an hour: let something renew the file that
        /// `${file:…}` names.
        pub token: Secret = Secret::default(),
    }
}

impl RawAzure {
    /// The address of a signal, where it isn't written as a whole.
    fn address(&self, asked: &mut Asked<'_>, signal: Signal) -> Option<String> {
        let (written, key, base, stream) = match signal {
            Signal::Traces => (
                &self.traces_endpoint,
                "endpoint",
                &self.endpoint,
                "Microsoft-OTLP-Traces",
            ),
            Signal::Logs => (
                &self.logs_endpoint,
                "endpoint",
                &self.endpoint,
                "Microsoft-OTLP-Logs",
            ),
            Signal::Metrics => (
                &self.metrics_endpoint,
                "metrics_ingestion",
                &self.metrics_ingestion,
                &*self.metrics_stream,
            ),
        };
        if written.is_some() || !asked.gets(signal) {
            return None;
        }
        let path = format!(
            "/datacollectionRules/{}/streams/{stream}/otlp{}",
            self.rule,
            signal.http_path()
        );
        match base {
            Some(base) if !self.rule.is_empty() => Some(path_behind(base, &path)),
            Some(_) => {
                asked.once(
                    "rule",
                    "is needed: the immutable id of the data collection rule",
                );
                Some(Asked::NO_ADDRESS.to_owned())
            }
            None => {
                let name = signal.name();
                asked.once(key, &format!("is needed for {name}: the address of the data collection endpoint; or leave {name} out of `signals`"));
                Some(Asked::NO_ADDRESS.to_owned())
            }
        }
    }
}

impl Preset for RawAzure {
    type Over = HttpConfig;

    fn expand(&self, asked: &mut Asked<'_>) -> RawHttp {
        let mut own = RawHttp {
            traces_endpoint: self.address(asked, Signal::Traces),
            logs_endpoint: self.address(asked, Signal::Logs),
            metrics_endpoint: self.address(asked, Signal::Metrics),
            ..RawHttp::default()
        };
        let by_header = has(&self.headers, "authorization") || !self.token.0.is_empty();
        if !by_header && self.auth.is_none() {
            own.auth = Some(RawAuth {
                azure: Some(RawAuthAzure::default()),
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
        self.over(own)
    }
}
