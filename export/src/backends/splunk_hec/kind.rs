//! Splunk's HTTP Event Collector as a kind of backend.

use http::{HeaderValue, header};
use runtime::config::Problems;
use schemas::Signal;

use super::client::SplunkClient;
use super::config::{RawSplunk, SplunkConfig, Usual};
use crate::backends::kind::{BackendKind, Opening};
use crate::records::limits::BatchLimits;
use crate::transport::address;
use crate::transport::compress::Compression;
use crate::transport::connection::RawConnection;

const PATH: &str = "/services/collector";

impl BackendKind for SplunkConfig {
    type Section = RawSplunk;
    type Sink = SplunkClient;

    const SIGNALS: &'static [Signal] = &[Signal::Logs];

    /// As JSON it is two or three times as much: about the 2 MiB of a request that the Collector sends.
    const BATCH: BatchLimits = BatchLimits {
        bytes: 1 << 20,
        ..BatchLimits::USUAL
    };

    fn validate(section: &RawSplunk, _: &[Signal], at: &str, problems: &mut Problems) -> Self {
        if section.compression == Compression::Zstd {
            problems.push(
                format!("{at}.compression"),
                "Splunk reads no zstd: use gzip or none",
            );
        }
        let key = format!("{at}.endpoint");
        let endpoint = address::parse(&section.endpoint, section.tls.insecure, &key, problems);
        let endpoint = match endpoint.path() {
            "" | "/" => address::join(&endpoint, PATH),
            _ => endpoint,
        };
        Self {
            authorization: authorization(section, at, problems),
            usual: Usual {
                index: section.index.clone(),
                source: section.source.clone(),
                sourcetype: section.sourcetype.clone(),
            },
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

    fn target(section: &RawSplunk) -> Option<String> {
        Some(section.endpoint.clone())
    }

    fn by_tenant(&self) -> bool {
        self.connection.headers.by_tenant()
    }

    fn open(&self, _: &Opening<'_>) -> anyhow::Result<SplunkClient> {
        Ok(SplunkClient::new(self)?)
    }
}

fn authorization(section: &RawSplunk, at: &str, problems: &mut Problems) -> HeaderValue {
    let token = &section.token.0;
    if token.is_empty() {
        problems.push(
            format!("{at}.token"),
            "a token is needed, that of the HTTP Event Collector",
        );
    }
    let named = |name: &String| name.eq_ignore_ascii_case(header::AUTHORIZATION.as_str());
    if section.headers.keys().any(named) {
        problems.push(
            format!("{at}.headers.authorization"),
            "the token sets this header already",
        );
    }
    match HeaderValue::try_from(format!("Splunk {token}")) {
        Ok(mut value) => {
            value.set_sensitive(true);
            value
        }
        Err(_) => {
            problems.push(
                format!("{at}.token"),
                "holds characters that a header can't carry, such as a line break",
            );
            HeaderValue::from_static("")
        }
    }
}
