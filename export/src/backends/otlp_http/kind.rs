//! OTLP over HTTP as a kind of backend.

use http::Uri;
use runtime::config::Problems;
use schemas::Signal;

use super::client::HttpClient;
use super::config::{HttpConfig, RawHttp};
use crate::backends::kind::{BackendKind, Opening};
use crate::otlp::paths::path_of_a_signal;
use crate::transport::address;
use crate::transport::auth::{self, Reached};
use crate::transport::connection::RawConnection;

impl BackendKind for HttpConfig {
    type Section = RawHttp;
    type Sink = HttpClient;

    fn validate(section: &RawHttp, signals: &[Signal], at: &str, problems: &mut Problems) -> Self {
        let own = [
            (Signal::Traces, &section.traces_endpoint),
            (Signal::Logs, &section.logs_endpoint),
            (Signal::Metrics, &section.metrics_endpoint),
        ];
        let needs_base = own
            .iter()
            .any(|(signal, own)| signals.contains(signal) && own.is_none());
        let base = if needs_base || !section.endpoint.is_empty() {
            let key = format!("{at}.endpoint");
            let base = address::parse(&section.endpoint, section.tls.insecure, &key, problems);
            if let Some(path) = path_of_a_signal(&base).filter(|_| needs_base) {
                let message = format!(
                    "ends in {path}, and the path of each signal is appended to it, as in {}; leave it out, or give whole addresses: traces_endpoint, logs_endpoint, metrics_endpoint",
                    address::join(&base, Signal::Traces.http_path())
                );
                problems.warn(key, message);
            }
            base
        } else {
            Uri::from_static("http://unused.invalid")
        };
        let endpoints = own.map(|(signal, own)| match own {
            Some(own) => {
                let key = match signal {
                    Signal::Traces => "traces_endpoint",
                    Signal::Logs => "logs_endpoint",
                    Signal::Metrics => "metrics_endpoint",
                };
                address::parse(own, section.tls.insecure, &format!("{at}.{key}"), problems)
            }
            None => address::join(&base, signal.http_path()),
        });
        let signalled = Signal::ALL.iter().zip(&endpoints);
        let used: Vec<_> = signalled
            .filter(|(signal, _)| signals.contains(signal))
            .map(|(_, endpoint)| endpoint)
            .collect();
        let reached = Reached {
            endpoints: &used,
            headers: &section.headers,
            signs: true,
        };
        let key = format!("{at}.auth");
        let auth = auth::validate(section.auth.as_ref(), &reached, &key, problems);
        Self {
            auth,
            encoding: section.encoding,
            connection: RawConnection {
                headers: &section.headers,
                compression: section.compression,
                tls: &section.tls,
                timeout: section.timeout,
            }
            .validate(&endpoints[0], at, problems),
            endpoints,
        }
    }

    fn target(section: &RawHttp) -> Option<String> {
        let own = [
            &section.traces_endpoint,
            &section.logs_endpoint,
            &section.metrics_endpoint,
        ];
        let first = own.into_iter().flatten().next();
        match section.endpoint.is_empty() {
            true => first.cloned(),
            false => Some(section.endpoint.clone()),
        }
    }

    fn by_tenant(&self) -> bool {
        self.connection.headers.by_tenant()
    }

    fn open(&self, opening: &Opening<'_>) -> anyhow::Result<HttpClient> {
        let source = |auth| {
            let sources = opening.sources;
            sources.of(auth, &self.endpoints[0], opening.backend)
        };
        let auth = self.auth.as_ref().map(source).transpose()?;
        Ok(HttpClient::new(self, auth)?)
    }
}
