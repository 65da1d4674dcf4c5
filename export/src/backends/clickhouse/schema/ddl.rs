//! The statements that create what is missing, so that tables are those of the Collector's exporter: columns, indexes, keys and partitions.
//!
//! There is one difference: `non_replicated_deduplication_window`, without which a table that isn't replicated forgets at once what was
//! inserted, and a batch that comes again is there twice.

use std::fmt::Write;
use std::time::Duration;

use super::tables::TableId;
use crate::backends::clickhouse::config::Layout;

/// How many inserts a table that isn't replicated remembers. Replicated ones have `replicated_deduplication_window` instead, 10,000 and an hour by default.
const DEDUPLICATION_WINDOW: u32 = 1000;

/// Columns of logs that are filled from attributes of their resource, since people ask by them.
const PROMOTED: [&str; 8] = [
    "k8s.cluster.name",
    "k8s.container.name",
    "k8s.deployment.name",
    "k8s.namespace.name",
    "k8s.node.name",
    "k8s.pod.name",
    "k8s.pod.uid",
    "deployment.environment.name",
];

/// The first version of ClickHouse with indexes of the type `text`.
const TEXT_INDEXES_SINCE: (u32, u32) = (26, 2);

/// A name as it stands in SQL.
pub fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}

/// `database.table`.
pub fn qualified(layout: &Layout, table: &str) -> String {
    format!("{}.{}", identifier(&layout.database), identifier(table))
}

/// What a table is made of beside its columns.
struct Keys {
    /// Maps of attributes, and their names in indexes.
    indexed_maps: &'static [(&'static str, &'static str)],
    /// Column of time for TTL and partitions.
    time: &'static str,
    order_by: &'static str,
}

fn keys(table: TableId) -> Keys {
    let metrics = Keys {
        indexed_maps: &[
            ("ResourceAttributes", "res_attr"),
            ("ScopeAttributes", "scope_attr"),
            ("Attributes", "attr"),
        ],
        time: "TimeUnix",
        order_by: "ServiceName, MetricName, toStartOfHour(TimeUnix), cityHash64(Attributes), TimeUnix",
    };
    match table {
        TableId::Traces => Keys {
            indexed_maps: &[
                ("ResourceAttributes", "res_attr"),
                ("SpanAttributes", "span_attr"),
            ],
            time: "Timestamp",
            order_by: "ServiceName, SpanName, toDateTime(Timestamp)",
        },
        TableId::Logs => Keys {
            indexed_maps: &[
                ("ResourceAttributes", "res_attr"),
                ("ScopeAttributes", "scope_attr"),
                ("LogAttributes", "log_attr"),
            ],
            time: "Timestamp",
            order_by: "toStartOfFiveMinutes(Timestamp), ServiceName, Timestamp",
        },
        _ => metrics,
    }
}

/// Creates the database. `None`: it is `default`, which is always there.
pub fn create_database(layout: &Layout) -> Option<String> {
    (layout.database != "default").then(|| {
        format!(
            "CREATE DATABASE IF NOT EXISTS {}{}",
            identifier(&layout.database),
            on_cluster(layout)
        )
    })
}

/// Creates all that belongs to a table; `version` is the server's, such as `26.9.2.1`.
pub fn create(layout: &Layout, table: TableId, version: &str) -> Vec<String> {
    let created = create_table(layout, table, has_text_indexes(version));
    match table {
        TableId::Traces => {
            let mut all = vec![created];
            all.extend(create_trace_ids(layout));
            all
        }
        _ => vec![created],
    }
}

fn create_table(layout: &Layout, table: TableId, has_text_indexes: bool) -> String {
    let mut parts: Vec<String> = Vec::new();
    for column in table.columns() {
        let codec = codec(column.codec);
        parts.push(format!(
            "{} {}{codec}",
            identifier(column.name),
            column.sql()
        ));
    }
    if table == TableId::Logs {
        parts.extend(PROMOTED.map(|attribute| {
            format!(
                "{} LowCardinality(String) MATERIALIZED ResourceAttributes['{attribute}']{}",
                identifier(&format!("__otel_materialized_{attribute}")),
                codec("ZSTD(3)")
            )
        }));
    }
    parts.extend(indexes(table, has_text_indexes));
    let keys = keys(table);
    statement(
        layout,
        table.name(layout),
        &parts,
        (keys.time, keys.order_by),
    )
}

/// The table of when each trace began and ended, and the view that fills it: dashboards find a trace by its id with it.
fn create_trace_ids(layout: &Layout) -> [String; 2] {
    let name = format!("{}_trace_id_ts", layout.traces);
    let time = |column: &str| format!("`{column}` DateTime{}", codec("Delta, ZSTD(3)"));
    let parts = [
        format!("`TraceId` String{}", codec("ZSTD(3)")),
        time("Start"),
        time("End"),
        "INDEX idx_trace_id TraceId TYPE bloom_filter(0.01) GRANULARITY 1".to_owned(),
    ];
    let table = statement(layout, &name, &parts, ("Start", "TraceId, Start"));
    let view = format!(
        "CREATE MATERIALIZED VIEW IF NOT EXISTS {}{} TO {} AS SELECT TraceId, min(Timestamp) AS Start, max(Timestamp) AS End \
         FROM {} WHERE TraceId != '' GROUP BY TraceId",
        qualified(layout, &format!("{name}_mv")),
        on_cluster(layout),
        qualified(layout, &name),
        qualified(layout, &layout.traces)
    );
    [table, view]
}

fn statement(layout: &Layout, name: &str, parts: &[String], (time, order): (&str, &str)) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {}{} ({}) ENGINE = {} PARTITION BY toDate({time}) ORDER BY ({order}){} \
         SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, non_replicated_deduplication_window = {DEDUPLICATION_WINDOW}",
        qualified(layout, name),
        on_cluster(layout),
        parts.join(", "),
        layout.engine,
        ttl(layout.ttl, time)
    )
}

fn codec(codec: &str) -> String {
    match codec {
        "" => String::new(),
        codec => format!(" CODEC({codec})"),
    }
}

fn on_cluster(layout: &Layout) -> String {
    match layout.cluster.as_str() {
        "" => String::new(),
        cluster => format!(" ON CLUSTER {}", identifier(cluster)),
    }
}

/// In the largest unit that divides it, for people who read it later.
fn ttl(ttl: Duration, time: &str) -> String {
    let seconds = ttl.as_secs();
    if seconds == 0 {
        return String::new();
    }
    let units = [(86_400, "Day"), (3600, "Hour"), (60, "Minute")];
    let unit = units
        .into_iter()
        .find(|(length, _)| seconds.is_multiple_of(*length));
    let (length, unit) = unit.unwrap_or((1, "Second"));
    format!(
        " TTL toDateTime({time}) + toInterval{unit}({})",
        seconds / length
    )
}

fn indexes(table: TableId, has_text_indexes: bool) -> Vec<String> {
    // The Collector has the new type for logs alone.
    let text = has_text_indexes && table == TableId::Logs;
    let bloom = |rate: &str| match text {
        true => "text(tokenizer = 'array')".to_owned(),
        false => format!("bloom_filter({rate}) GRANULARITY 1"),
    };
    let mut indexes = Vec::new();
    if matches!(table, TableId::Traces | TableId::Logs) {
        let kind = bloom("0.001");
        indexes.push(format!("INDEX idx_trace_id TraceId TYPE {kind}"));
    }
    for (column, name) in keys(table).indexed_maps {
        for (part, function) in [("key", "mapKeys"), ("value", "mapValues")] {
            let mut index = format!("INDEX idx_{name}_{part} {function}({column}) TYPE ");
            // Writing to a string doesn't fail.
            let _ = write!(index, "{}", bloom("0.01"));
            indexes.push(index);
        }
    }
    indexes.extend(
        match (table, text) {
            (TableId::Traces, _) => vec!["INDEX idx_duration Duration TYPE minmax GRANULARITY 1"],
            (TableId::Logs, true) => {
                vec!["INDEX idx_lower_body lower(Body) TYPE text(tokenizer = 'splitByNonAlpha')"]
            }
            (TableId::Logs, false) => vec![
                "INDEX idx_lower_body lower(Body) TYPE tokenbf_v1(32768, 3, 0) GRANULARITY 8",
                "INDEX idx_event_name EventName TYPE bloom_filter(0.01) GRANULARITY 1",
            ],
            _ => vec!["INDEX idx_time_minmax TimeUnix TYPE minmax GRANULARITY 1"],
        }
        .into_iter()
        .map(str::to_owned),
    );
    indexes
}

fn has_text_indexes(version: &str) -> bool {
    let mut numbers = version.split('.').map_while(|number| number.parse().ok());
    let (major, minor) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    (major, minor) >= TEXT_INDEXES_SINCE
}
