//! ClickHouse as a kind of backend.

use std::collections::BTreeMap;
use std::time::Duration;

use http::HeaderValue;
use runtime::config::Problems;
use schemas::Signal;

use super::config::{ClickhouseConfig, Layout, RawClickhouse};
use super::sink::Clickhouse;
use crate::backends::kind::{BackendKind, Opening};
use crate::records::limits::BatchLimits;
use crate::transport::address;
use crate::transport::compress::Compression;
use crate::transport::connection::RawConnection;

/// Ports of the native protocol, by default.
const NATIVE_PORTS: [u16; 2] = [9000, 9440];

/// A row's time with the TTL added is a `DateTime`, which begins anew at its end.
const TTL_MAX: Duration = Duration::from_secs(10_000 * 24 * 3600);

impl BackendKind for ClickhouseConfig {
    type Section = RawClickhouse;
    type Sink = Clickhouse;

    /// Each insert is a part that ClickHouse has to merge later: few large ones are what it is made for. One insert of up to 1,048,449 rows becomes
    /// one part for each partition of its table.
    const BATCH: BatchLimits = BatchLimits {
        bytes: 64 << 20,
        items: 100_000,
        timeout: Duration::from_secs(5),
        waiting_bytes: None,
    };

    fn validate(section: &RawClickhouse, _: &[Signal], at: &str, problems: &mut Problems) -> Self {
        let endpoint = endpoint(section, at, problems);
        let connection = RawConnection {
            headers: &BTreeMap::new(),
            compression: Compression::None,
            tls: &section.tls,
            timeout: section.timeout,
        }
        .validate(&endpoint, at, problems);
        for (key, value) in [
            ("username", &section.username),
            ("password", &section.password.0),
        ] {
            if HeaderValue::try_from(value.as_str()).is_err() {
                // The value may be a credential: it isn't shown.
                problems.push(
                    format!("{at}.{key}"),
                    "holds characters that a header can't carry, such as a line break",
                );
            }
        }
        Self {
            layout: layout(section, at, problems),
            endpoint,
            username: section.username.clone(),
            password: section.password.clone(),
            create_schema: section.create_schema,
            compression: section.compression,
            tls: connection.tls,
            timeout: connection.timeout,
        }
    }

    fn target(section: &RawClickhouse) -> Option<String> {
        Some(format!("{} {}", section.endpoint, section.database))
    }

    fn once(&self) -> bool {
        true
    }

    fn open(&self, opening: &Opening<'_>) -> anyhow::Result<Clickhouse> {
        Ok(Clickhouse::new(self, opening.group)?)
    }
}

fn endpoint(section: &RawClickhouse, at: &str, problems: &mut Problems) -> http::Uri {
    let key = format!("{at}.endpoint");
    let behind_scheme = section.endpoint.rsplit("://").next().unwrap_or_default();
    let authority = behind_scheme.split('/').next().unwrap_or_default();
    if authority.contains('@') {
        problems.push(
            key,
            "credentials don't belong into the address: use `username` and `password`",
        );
        return http::Uri::from_static("http://invalid.invalid");
    }
    let endpoint = address::parse(&section.endpoint, section.tls.insecure, &key, problems);
    if endpoint
        .port_u16()
        .is_some_and(|port| NATIVE_PORTS.contains(&port))
    {
        problems.warn(
            key,
            "is a port of ClickHouse's native protocol; HTTP is on 8123, or 8443 with TLS, unless the server says otherwise",
        );
    }
    endpoint
}

fn layout(section: &RawClickhouse, at: &str, problems: &mut Problems) -> Layout {
    let metrics = &section.metrics_tables;
    for (key, name) in [
        ("database", &section.database),
        ("traces_table_name", &section.traces_table_name),
        ("logs_table_name", &section.logs_table_name),
        ("metrics_tables.gauge.name", &metrics.gauge.name),
        ("metrics_tables.sum.name", &metrics.sum.name),
        ("metrics_tables.summary.name", &metrics.summary.name),
        ("metrics_tables.histogram.name", &metrics.histogram.name),
        (
            "metrics_tables.exponential_histogram.name",
            &metrics.exponential_histogram.name,
        ),
    ] {
        if name.is_empty() {
            problems.push(format!("{at}.{key}"), "is empty");
        }
    }
    let engine = &section.table_engine.name;
    if engine.is_empty()
        || !engine
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_')
    {
        problems.push(
            format!("{at}.table_engine.name"),
            format!("`{engine}` is not the name of an engine; its parameters belong into `params`"),
        );
    }
    if section.ttl.0.subsec_nanos() > 0 {
        problems.push(format!("{at}.ttl"), "is not whole seconds");
    }
    if section.ttl.0 > TTL_MAX {
        problems.push(
            format!("{at}.ttl"),
            "is more than 10,000 days: ClickHouse's times end in 2106, and beyond that rows are deleted at once",
        );
    }
    Layout {
        database: section.database.clone(),
        traces: section.traces_table_name.clone(),
        logs: section.logs_table_name.clone(),
        gauge: metrics.gauge.name.clone(),
        sum: metrics.sum.name.clone(),
        summary: metrics.summary.name.clone(),
        histogram: metrics.histogram.name.clone(),
        exponential_histogram: metrics.exponential_histogram.name.clone(),
        ttl: section.ttl.0,
        engine: format!("{engine}({})", section.table_engine.params),
        cluster: section.cluster_name.clone(),
    }
}
