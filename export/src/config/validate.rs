//! From the section as written to the section as used; every problem with its path.

use std::collections::BTreeMap;

use http::uri::{PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use runtime::config::Problems;
use schemas::Signal;

use super::*;

/// A backend that is used when the written one is wrong; it is never run, since there are problems then.
const WRONG: Kind = Kind::Stdout;

impl RawConfig {
    /// Reports everything that is wrong under `path`. The result may be used only if `problems` stays empty.
    pub fn validate(&self, path: &str, problems: &mut Problems) -> Config {
        if self.backends.is_empty() {
            problems.push(
                format!("{path}.backends"),
                "no backend, so nothing would be exported: name at least one",
            );
        }
        let mut names = BTreeMap::new();
        let mut files = BTreeMap::new();
        let backends = self.backends.iter().enumerate().map(|(index, raw)| {
            let at = format!("{path}.backends[{index}]");
            if let Some(first) = names.insert(raw.name.clone(), index) {
                problems.push(
                    format!("{at}.name"),
                    format!(
                        "`{}` is also the name of backend {first}: names are unique, since each names a consumer group",
                        raw.name
                    ),
                );
            }
            if let Some(file) = &raw.file
                && let Some(first) = files.insert(file.path.clone(), index)
            {
                problems.push(
                    format!("{at}.file.path"),
                    format!("backend {first} writes to the same file"),
                );
            }
            raw.validate(&at, problems)
        });
        Config {
            backends: backends.collect(),
        }
    }
}

impl RawBackend {
    fn validate(&self, at: &str, problems: &mut Problems) -> Backend {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if self.name.is_empty() || self.name.len() > 100 || !self.name.chars().all(allowed) {
            problems.push(
                format!("{at}.name"),
                format!(
                    "`{}` is not 1 to 100 letters, digits, `-`, `_` or `.`",
                    self.name
                ),
            );
        }
        let mut signals = Vec::new();
        for signal in &self.signals {
            let signal = match signal {
                RawSignal::Traces => Signal::Traces,
                RawSignal::Logs => Signal::Logs,
                RawSignal::Metrics => Signal::Metrics,
            };
            if !signals.contains(&signal) {
                signals.push(signal);
            }
        }
        if signals.is_empty() {
            problems.push(
                format!("{at}.signals"),
                "no signal: name at least one of traces, logs, metrics, or leave the key out for all",
            );
        }
        if !(1..=256).contains(&self.concurrency) {
            problems.push(
                format!("{at}.concurrency"),
                format!("{} is not between 1 and 256", self.concurrency),
            );
        }
        let kind = self.kind(at, problems);
        Backend {
            name: self.name.clone(),
            // One writer keeps a file's and the terminal's order, and is as fast as they are.
            concurrency: match kind {
                Kind::File(_) | Kind::Stdout => 1,
                _ => self.concurrency,
            },
            kind,
            signals,
            batch: self.batch.validate(&format!("{at}.batch"), problems),
            retry: self.retry.validate(&format!("{at}.retry"), problems),
        }
    }

    fn kind(&self, at: &str, problems: &mut Problems) -> Kind {
        let mut kinds = Vec::new();
        if let Some(grpc) = &self.otlp_grpc {
            kinds.push(grpc.validate(&format!("{at}.otlp_grpc"), problems));
        }
        if let Some(http) = &self.otlp_http {
            kinds.push(http.validate(&format!("{at}.otlp_http"), &self.signals, problems));
        }
        if let Some(file) = &self.file {
            kinds.push(file.validate(&format!("{at}.file"), problems));
        }
        if self.stdout.is_some() {
            kinds.push(Kind::Stdout);
        }
        if kinds.len() != 1 {
            let named: Vec<_> = kinds.iter().map(Kind::name).collect();
            problems.push(
                at,
                format!(
                    "a backend is exactly one of otlp_grpc, otlp_http, file and stdout, this one is {}",
                    if named.is_empty() { "none".to_owned() } else { named.join(" and ") }
                ),
            );
        }
        kinds.into_iter().next().unwrap_or(WRONG)
    }
}

impl RawGrpc {
    fn validate(&self, at: &str, problems: &mut Problems) -> Kind {
        let endpoint = url(
            &self.endpoint,
            &self.tls,
            &format!("{at}.endpoint"),
            problems,
        );
        Kind::OtlpGrpc(GrpcConfig {
            connection: Connection {
                headers: headers(&self.headers, &format!("{at}.headers"), problems),
                compression: self.compression,
                tls: tls(&self.tls, &endpoint, at, problems),
                timeout: timeout(self.timeout, at, problems),
            },
            endpoint,
        })
    }
}

impl RawHttp {
    fn validate(&self, at: &str, signals: &[RawSignal], problems: &mut Problems) -> Kind {
        let own = [
            (RawSignal::Traces, &self.traces_endpoint),
            (RawSignal::Logs, &self.logs_endpoint),
            (RawSignal::Metrics, &self.metrics_endpoint),
        ];
        let needs_base = own
            .iter()
            .any(|(signal, own)| signals.contains(signal) && own.is_none());
        let base = if needs_base || !self.endpoint.is_empty() {
            url(
                &self.endpoint,
                &self.tls,
                &format!("{at}.endpoint"),
                problems,
            )
        } else {
            Uri::from_static("http://unused.invalid")
        };
        let endpoints = own.map(|(signal, own)| match own {
            Some(own) => {
                let key = match signal {
                    RawSignal::Traces => "traces_endpoint",
                    RawSignal::Logs => "logs_endpoint",
                    RawSignal::Metrics => "metrics_endpoint",
                };
                url(own, &self.tls, &format!("{at}.{key}"), problems)
            }
            None => {
                let path = match signal {
                    RawSignal::Traces => "/v1/traces",
                    RawSignal::Logs => "/v1/logs",
                    RawSignal::Metrics => "/v1/metrics",
                };
                join(&base, path)
            }
        });
        Kind::OtlpHttp(HttpConfig {
            encoding: self.encoding,
            connection: Connection {
                headers: headers(&self.headers, &format!("{at}.headers"), problems),
                compression: self.compression,
                tls: tls(&self.tls, &endpoints[0], at, problems),
                timeout: timeout(self.timeout, at, problems),
            },
            endpoints,
        })
    }
}

impl RawFile {
    fn validate(&self, at: &str, problems: &mut Problems) -> Kind {
        if self.path.as_os_str().is_empty() {
            problems.push(format!("{at}.path"), "a path is needed, e.g. ./kept.jsonl");
        }
        if let Some(rotate) = self.rotate
            && rotate.bytes.0 == 0
        {
            problems.push(
                format!("{at}.rotate.bytes"),
                "0 would start a new file with each batch: leave `rotate` out for one file",
            );
        }
        Kind::File(FileConfig {
            path: self.path.clone(),
            rotate: self.rotate.map(|rotate| Rotate {
                bytes: rotate.bytes.0,
                keep: rotate.keep,
            }),
        })
    }
}

impl RawBatch {
    fn validate(&self, at: &str, problems: &mut Problems) -> BatchLimits {
        let bytes = self.bytes.0;
        if !(1024..=256 << 20).contains(&bytes) {
            problems.push(
                format!("{at}.bytes"),
                format!("{bytes} bytes is not between 1KiB and 256MiB"),
            );
        }
        if self.timeout.0 > std::time::Duration::from_secs(60) {
            problems.push(format!("{at}.timeout"), "more than 60s");
        }
        BatchLimits {
            bytes: bytes as usize,
            items: if self.items == 0 {
                usize::MAX
            } else {
                self.items
            },
            timeout: self.timeout.0,
        }
    }
}

impl RawRetry {
    fn validate(&self, at: &str, problems: &mut Problems) -> RetryPolicy {
        if self.initial_interval.0.is_zero() {
            problems.push(
                format!("{at}.initial_interval"),
                "0 would try again without a pause: use at least 1ms",
            );
        }
        if self.max_interval < self.initial_interval {
            problems.push(
                format!("{at}.max_interval"),
                "is shorter than `initial_interval`",
            );
        }
        if !(0.0..=1.0).contains(&self.randomization_factor) {
            problems.push(
                format!("{at}.randomization_factor"),
                format!("{} is not between 0 and 1", self.randomization_factor),
            );
        }
        if !(1.0..=100.0).contains(&self.multiplier) {
            problems.push(
                format!("{at}.multiplier"),
                format!("{} is not between 1 and 100", self.multiplier),
            );
        }
        RetryPolicy {
            initial_interval: self.initial_interval.0,
            randomization_factor: self.randomization_factor,
            multiplier: self.multiplier,
            max_interval: self.max_interval.0,
            max_elapsed_time: Some(self.max_elapsed_time.0).filter(|time| !time.is_zero()),
        }
    }
}

fn timeout(timeout: runtime::config::Duration, at: &str, problems: &mut Problems) -> Duration {
    if timeout.0.is_zero() {
        problems.push(format!("{at}.timeout"), "0 leaves no time for an answer");
    }
    timeout.0
}

/// An absolute http or https address. Without a scheme it is https, unless `tls.insecure` says otherwise.
fn url(text: &str, tls: &RawTls, at: &str, problems: &mut Problems) -> Uri {
    let full = match (text.contains("://"), tls.insecure) {
        (true, _) => text.to_owned(),
        (false, true) => format!("http://{text}"),
        (false, false) => format!("https://{text}"),
    };
    let problem = match full.parse::<Uri>() {
        _ if text.is_empty() => "an address is needed, e.g. https://host:4317".to_owned(),
        Err(error) => format!("`{text}` is not an address: {error}"),
        Ok(uri) if !matches!(uri.scheme_str(), Some("http" | "https")) => {
            format!("`{text}` is neither http:// nor https://")
        }
        Ok(uri) if uri.host().is_none_or(str::is_empty) => format!("`{text}` has no host"),
        Ok(uri) if uri.authority().is_some_and(|a| a.as_str().contains('@')) => {
            "credentials don't belong into the address: use `headers` (authorization: Basic …)"
                .to_owned()
        }
        Ok(uri) => return uri,
    };
    problems.push(at, problem);
    Uri::from_static("http://invalid.invalid")
}

/// `path` behind the base's own path; a query stays at the end.
pub(crate) fn join(base: &Uri, path: &str) -> Uri {
    let query = base.query().map(|q| format!("?{q}")).unwrap_or_default();
    let joined = format!("{}{path}{query}", base.path().trim_end_matches('/'));
    let mut parts = base.clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(joined).ok();
    Uri::from_parts(parts).unwrap_or_else(|_| base.clone())
}

fn tls(tls: &RawTls, endpoint: &Uri, at: &str, problems: &mut Problems) -> RawTls {
    if tls.insecure && endpoint.scheme() == Some(&Scheme::HTTPS) {
        problems.push(
            format!("{at}.tls.insecure"),
            "contradicts an https:// address: use http://, or `insecure_skip_verify` to encrypt without trust",
        );
    }
    if tls.cert_file.is_some() != tls.key_file.is_some() {
        problems.push(format!("{at}.tls"), "cert_file and key_file go together");
    }
    let files = [
        ("ca_file", &tls.ca_file),
        ("cert_file", &tls.cert_file),
        ("key_file", &tls.key_file),
    ];
    for (key, file) in files {
        if let Some(file) = file
            && let Err(error) = std::fs::File::open(file)
        {
            problems.push(
                format!("{at}.tls.{key}"),
                format!("can't read {}: {error}", file.display()),
            );
        }
    }
    tls.clone()
}

fn headers(raw: &BTreeMap<String, String>, at: &str, problems: &mut Problems) -> HeaderMap {
    /// What a request is made of; a second opinion on these breaks it.
    const OURS: [&str; 7] = [
        "content-type",
        "content-length",
        "content-encoding",
        "transfer-encoding",
        "grpc-encoding",
        "connection",
        "te",
    ];
    let mut headers = HeaderMap::new();
    for (name, value) in raw {
        let at = format!("{at}.{name}");
        let Ok(name) = HeaderName::try_from(name.as_str()) else {
            problems.push(at, format!("`{name}` is not a header name"));
            continue;
        };
        if OURS.contains(&name.as_str()) {
            problems.push(at, format!("`{name}` is set by the exporter itself"));
            continue;
        }
        // The value may be a credential: it isn't shown.
        match HeaderValue::try_from(value.as_str()) {
            Ok(mut value) => {
                value.set_sensitive(true);
                headers.insert(name, value);
            }
            Err(_) => problems.push(
                at,
                "the value holds characters that a header can't carry, such as a line break",
            ),
        }
    }
    headers
}

#[cfg(test)]
#[path = "validate_tests.rs"]
mod tests;
