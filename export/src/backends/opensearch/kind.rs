//! OpenSearch and Elasticsearch as a kind of backend.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Uri, header};
use runtime::config::Problems;
use schemas::Signal;

use super::client::BulkClient;
use super::config::{Mapping, OpenSearchConfig, RawOpenSearch, Target};
use super::index::Index;
use crate::backends::kind::{BackendKind, Opening, Order};
use crate::records::limits::BatchLimits;
use crate::transport::address;
use crate::transport::compress::Compression;
use crate::transport::connection::RawConnection;

/// Only what is read of the answer: it has a line for each document.
const ASKED: &str = "filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason,items.*.error.caused_by.reason";

impl BackendKind for OpenSearchConfig {
    type Section = RawOpenSearch;
    type Sink = BulkClient;

    /// As JSON it is about three times as much: within the 5 to 15 MB that both advise for a bulk request.
    const BATCH: BatchLimits = BatchLimits {
        bytes: 2 << 20,
        ..BatchLimits::USUAL
    };

    fn validate(
        section: &RawOpenSearch,
        signals: &[Signal],
        at: &str,
        problems: &mut Problems,
    ) -> Self {
        if section.mapping == Mapping::Otel && signals.contains(&Signal::Metrics) {
            problems.push(
                format!("{at}.mapping"),
                "`otel` has no metrics: Elasticsearch keeps them in time series of its own, with its own ids; leave metrics out of `signals`, use the mapping `ss4o`, or send them by `otlp_http`",
            );
        }
        if section.compression == Compression::Zstd {
            problems.push(
                format!("{at}.compression"),
                "neither OpenSearch nor Elasticsearch reads zstd: use gzip or none",
            );
        }
        let base = address::parse(
            &section.endpoint,
            section.tls.insecure,
            &format!("{at}.endpoint"),
            problems,
        );
        let targets = indices(section, at, problems).map(|index| Target {
            uri: address_of(&base, &index),
            index,
        });
        Self {
            mapping: section.mapping,
            targets: Box::new(targets),
            authorization: authorization(section, at, problems),
            connection: RawConnection {
                headers: &section.headers,
                compression: section.compression,
                tls: &section.tls,
                timeout: section.timeout,
            }
            .validate(&base, at, problems),
        }
    }

    fn target(section: &RawOpenSearch) -> Option<String> {
        Some(section.endpoint.clone())
    }

    /// A document doesn't care which came first.
    fn order(_: Signal) -> Order {
        Order::None
    }

    fn by_tenant(&self) -> bool {
        self.connection.headers.by_tenant()
    }

    fn open(&self, opening: &Opening<'_>) -> anyhow::Result<BulkClient> {
        Ok(BulkClient::new(self, opening.backend)?)
    }
}

fn indices(section: &RawOpenSearch, at: &str, problems: &mut Problems) -> [Index; 3] {
    let usual = match section.mapping {
        Mapping::Ss4o => "ss4o_{signal}-default-namespace",
        Mapping::Otel => "{signal}-generic.otel-default",
    };
    let template = section.index.as_deref().unwrap_or(usual);
    let mut problem = None;
    let indices = Signal::ALL.map(|signal| {
        Index::of(template, signal).unwrap_or_else(|error| {
            problem = Some(error);
            Index {
                name: String::new(),
                data_stream: None,
            }
        })
    });
    if let Some(problem) = problem {
        problems.push(format!("{at}.index"), format!("`{template}` {problem}"));
    }
    indices
}

/// The bulk API of an index. A path and a query of the base stay.
fn address_of(base: &Uri, index: &Index) -> Uri {
    let joined = address::join(base, &format!("/{}/_bulk", encoded(&index.name)));
    let query = match joined.query() {
        Some(query) => format!("{}?{query}&{ASKED}", joined.path()),
        None => format!("{}?{ASKED}", joined.path()),
    };
    let mut parts = joined.clone().into_parts();
    parts.path_and_query = query.try_into().ok();
    Uri::from_parts(parts).unwrap_or(joined)
}

/// A name as a part of a path.
fn encoded(name: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let mut path = String::new();
    for byte in name.bytes() {
        match is_plain(byte) {
            true => path.push(byte.into()),
            false => path.push_str(&format!("%{byte:02X}")),
        }
    }
    path
}

fn authorization(
    section: &RawOpenSearch,
    at: &str,
    problems: &mut Problems,
) -> Option<HeaderValue> {
    let (user, password, key) = (&section.user, &section.password.0, &section.api_key.0);
    if !user.is_empty() && !key.is_empty() {
        problems.push(
            format!("{at}.api_key"),
            "takes the place of user and password: give one of them",
        );
    }
    if user.is_empty() != password.is_empty() {
        problems.push(format!("{at}.user"), "user and password go together");
    }
    let named = |name: &String| name.eq_ignore_ascii_case(header::AUTHORIZATION.as_str());
    let text = match (user.is_empty(), key.is_empty()) {
        (true, true) => return None,
        (true, false) => format!("ApiKey {key}"),
        (false, _) => format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))),
    };
    if section.headers.keys().any(named) {
        problems.push(
            format!("{at}.headers.authorization"),
            "user or api_key set this header already",
        );
    }
    match HeaderValue::try_from(text) {
        Ok(mut value) => {
            value.set_sensitive(true);
            Some(value)
        }
        Err(_) => {
            problems.push(
                format!("{at}.api_key"),
                "holds characters that a header can't carry, such as a line break",
            );
            None
        }
    }
}
