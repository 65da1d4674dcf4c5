//! The section `clickhouse`. Its keys are those of the Collector's `clickhouseexporter`, where that has one.

use std::time;

use http::Uri;
use runtime::config::{Duration, Secret};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::transport::tls::RawTls;

/// ClickHouse over HTTP, into the tables of the Collector's exporter.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawClickhouse {
    /// The address of ClickHouse's HTTP interface, such as `https://host:8443` or `http://host:8123`.
    pub endpoint: String,
    /// The user. Empty: the server's default user.
    pub username: String,
    /// The user's password.
    pub password: Secret,
    /// The database of all tables.
    pub database: String,
    /// Create the database, the tables and the view that are missing. Tables that exist are left as they are.
    pub create_schema: bool,
    /// The table of spans. The table `<name>_trace_id_ts` and its view `<name>_trace_id_ts_mv` belong to it.
    pub traces_table_name: String,
    /// The table of log records.
    pub logs_table_name: String,
    pub metrics_tables: RawMetricsTables,
    /// How long ClickHouse keeps rows, where the schema is created. 0: for ever.
    pub ttl: Duration,
    pub table_engine: RawEngine,
    /// The cluster on which the schema is created (`ON CLUSTER`).
    pub cluster_name: String,
    /// The compression of requests.
    pub compression: Compression,
    pub tls: RawTls,
    /// The time limit of one request.
    pub timeout: Duration,
}

/// The tables of data points, one for each kind of metric.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawMetricsTables {
    pub gauge: RawTable,
    pub sum: RawTable,
    pub summary: RawTable,
    pub histogram: RawTable,
    pub exponential_histogram: RawTable,
}

/// A table.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawTable {
    /// Its name.
    pub name: String,
}

/// The engine of the tables that are created.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawEngine {
    /// `MergeTree`, `ReplicatedMergeTree` or another of that family.
    pub name: String,
    /// What stands between its brackets, as SQL.
    pub params: String,
}

/// How requests are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    None,
    /// The least work on both sides.
    #[default]
    Lz4,
    /// About half of the bytes of lz4.
    Zstd,
}

impl Default for RawClickhouse {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            username: String::new(),
            password: Secret::default(),
            database: "default".to_owned(),
            create_schema: true,
            traces_table_name: "otel_traces".to_owned(),
            logs_table_name: "otel_logs".to_owned(),
            metrics_tables: RawMetricsTables::default(),
            ttl: Duration(time::Duration::ZERO),
            table_engine: RawEngine::default(),
            cluster_name: String::new(),
            compression: Compression::default(),
            tls: RawTls::default(),
            timeout: Duration::from_secs(60),
        }
    }
}

impl Default for RawMetricsTables {
    fn default() -> Self {
        let named = |suffix: &str| RawTable {
            name: format!("otel_metrics_{suffix}"),
        };
        Self {
            gauge: named("gauge"),
            sum: named("sum"),
            summary: named("summary"),
            histogram: named("histogram"),
            exponential_histogram: named("exponential_histogram"),
        }
    }
}

impl Default for RawEngine {
    fn default() -> Self {
        Self {
            name: "MergeTree".to_owned(),
            params: String::new(),
        }
    }
}

/// Where to, and into which tables.
#[derive(Clone, Debug)]
pub struct ClickhouseConfig {
    pub endpoint: Uri,
    pub username: String,
    pub password: Secret,
    pub layout: Layout,
    pub create_schema: bool,
    pub compression: Compression,
    pub tls: RawTls,
    pub timeout: time::Duration,
}

/// The names of the tables, and how they are created.
#[derive(Clone, Debug)]
pub struct Layout {
    pub database: String,
    pub traces: String,
    pub logs: String,
    pub gauge: String,
    pub sum: String,
    pub summary: String,
    pub histogram: String,
    pub exponential_histogram: String,
    /// Zero: for ever.
    pub ttl: time::Duration,
    /// With its brackets.
    pub engine: String,
    /// Empty: none.
    pub cluster: String,
}
