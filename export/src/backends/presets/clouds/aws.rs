//! AWS: X-Ray, CloudWatch Logs and CloudWatch's metrics by OTLP. Requests are signed (SigV4), unless a token is given or an `endpoint` that signs.
//!
//! Source, read on 2026-11-30: Amazon CloudWatch User Guide, "OTLP Endpoints": addresses of the three signals, HTTP/1.1, gzip or none, the headers
//! `x-aws-log-group` and `x-aws-log-stream` of something that exists, bearer tokens for logs; for traces 5 MB, 10,000 spans, 200 kB a span,
//! 16 kB for a resource with its scope, spans from 14 days ago to 2 hours ahead, and at most 24 hours apart within a request. The limit of
//! 1 MB for logs is that of PutLogEvents; that it holds for OTLP, and those of metrics, weren't confirmed.

use std::time::Duration;

use credentials::RawAuth;
use credentials::config::RawAuthAws;
use runtime::config::Secret;
use schemas::Signal;

use crate::backends::otlp_http::{HttpConfig, RawHttp};
use crate::backends::presets::asked::Asked;
use crate::backends::presets::merge::has;
use crate::backends::presets::preset::Preset;
use crate::records::limits::{BatchLimits, ItemLimits};

over_http! {
    /// AWS: X-Ray, CloudWatch Logs, CloudWatch metrics. Requests are signed by the AWS identity that this process has.
    pub struct RawAws {
        /// The region, such as `eu-west-1`.
        pub region: String = String::new(),
        /// The log group that logs go to. It has to exist.
        pub log_group: Option<String> = None,
        /// The log stream that logs go to. It has to exist.
        pub log_stream: Option<String> = None,
        /// The ARN of a role to assume before requests are signed.
        pub role: Option<String> = None,
        /// A bearer token (API key) in place of signatures, where the endpoint takes one.
        pub token: Secret = Secret::default(),
    }
}

impl RawAws {
    /// Nothing else proves who we are.
    fn signs(&self) -> bool {
        self.token.0.is_empty() && !has(&self.headers, "authorization") && self.auth.is_none()
    }

    fn log_headers(&self, asked: &mut Asked<'_>, own: &mut RawHttp) {
        let (group, stream) = (self.log_group.as_ref(), self.log_stream.as_ref());
        asked.header(&mut own.headers, "x-aws-log-group", "log_group", group);
        asked.header(&mut own.headers, "x-aws-log-stream", "log_stream", stream);
        for (key, value) in [("log_group", group), ("log_stream", stream)] {
            if asked.gets(Signal::Logs) && value.is_none() {
                asked.problem(
                    key,
                    "is needed for logs; it has to exist. Or leave logs out of `signals`",
                );
            }
        }
    }
}

impl Preset for RawAws {
    type Over = HttpConfig;

    /// For traces, 5 MB and 10,000 spans.
    fn batch_limits(signal: Signal) -> BatchLimits {
        let (bytes, items) = match signal {
            Signal::Traces => (BatchLimits::USUAL.bytes, 10_000),
            Signal::Logs => (900_000, 10_000),
            Signal::Metrics => (900_000, usize::MAX),
        };
        BatchLimits {
            bytes,
            items,
            ..BatchLimits::USUAL
        }
    }

    /// Spans of up to 200 kB, from 14 days ago to 2 hours ahead.
    fn item_limits(signal: Signal) -> ItemLimits {
        match signal {
            Signal::Traces => ItemLimits {
                max_age: Some(Duration::from_secs(14 * 24 * 60 * 60)),
                max_future: Some(Duration::from_secs(2 * 60 * 60)),
                item_bytes: Some(200_000),
                ..ItemLimits::NONE
            },
            Signal::Logs | Signal::Metrics => ItemLimits::NONE,
        }
    }

    fn expand(&self, asked: &mut Asked<'_>) -> RawHttp {
        let mut own = RawHttp::default();
        match &self.endpoint {
            Some(endpoint) => own.endpoint = endpoint.clone(),
            None => {
                let region = asked.host("region", &self.region, "eu-west-1");
                let address = |service: &str, path: &str| {
                    Some(format!("https://{service}.{region}.amazonaws.com{path}"))
                };
                own.traces_endpoint = address("xray", "/v1/traces");
                own.logs_endpoint = address("logs", "/v1/logs");
                own.metrics_endpoint = address("monitoring", "/v1/metrics");
                own.auth = self.signs().then(|| RawAuth {
                    aws: Some(RawAuthAws {
                        region: Some(region.to_owned()),
                        role: self.role.clone(),
                        ..RawAuthAws::default()
                    }),
                    ..RawAuth::default()
                });
            }
        }
        if self.role.is_some() && own.auth.is_none() {
            asked.problem(
                "role",
                "is not used where requests aren't signed by this preset; remove it, or write it as auth: {aws: {role: …}}",
            );
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
        self.log_headers(asked, &mut own);
        self.over(own)
    }
}
