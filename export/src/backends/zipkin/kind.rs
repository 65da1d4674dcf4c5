//! Zipkin as a kind of backend.

use runtime::config::Problems;
use schemas::Signal;

use super::client::ZipkinClient;
use super::config::{RawZipkin, ZipkinConfig};
use crate::backends::kind::{BackendKind, Opening};
use crate::transport::address;
use crate::transport::compress::Compression;
use crate::transport::connection::RawConnection;

/// Where Zipkin takes spans.
const PATH: &str = "/api/v2/spans";

impl BackendKind for ZipkinConfig {
    type Section = RawZipkin;
    type Sink = ZipkinClient;

    const SIGNALS: &'static [Signal] = &[Signal::Traces];

    fn validate(section: &RawZipkin, _: &[Signal], at: &str, problems: &mut Problems) -> Self {
        if section.compression == Compression::Zstd {
            problems.push(
                format!("{at}.compression"),
                "Zipkin reads no zstd: use gzip or none",
            );
        }
        let key = format!("{at}.endpoint");
        let endpoint = address::parse(&section.endpoint, section.tls.insecure, &key, problems);
        if matches!(endpoint.path(), "" | "/") && !section.endpoint.is_empty() {
            let message = format!(
                "has no path, and nothing is appended to it; Zipkin takes spans at {}",
                address::join(&endpoint, PATH)
            );
            problems.warn(key, message);
        }
        Self {
            connection: RawConnection {
                headers: &section.headers,
                compression: section.compression,
                tls: &section.tls,
                timeout: section.timeout,
            }
            .validate(&endpoint, at, problems),
            endpoint,
        }
    }

    fn target(section: &RawZipkin) -> Option<String> {
        Some(section.endpoint.clone())
    }

    fn by_tenant(&self) -> bool {
        self.connection.headers.by_tenant()
    }

    fn open(&self, _: &Opening<'_>) -> anyhow::Result<ZipkinClient> {
        Ok(ZipkinClient::new(self)?)
    }
}
