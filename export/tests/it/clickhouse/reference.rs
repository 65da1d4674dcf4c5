//! The Collector's own exporter beside ours, into two databases: the same tables, and the same rows.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use prost::Message;
use schemas::Signal;
use tests::clickhouse_reference::Reference;

use super::rows::points::METRICS;
use super::rows::spans::hard_traces;
use super::{backend, server};
use crate::support::telemetry::from_json;
use crate::support::{Running, all_committed, dead_letters, open_bus, publish};

const TABLES: [&str; 8] = [
    "otel_traces",
    "otel_traces_trace_id_ts",
    "otel_logs",
    "otel_metrics_gauge",
    "otel_metrics_sum",
    "otel_metrics_summary",
    "otel_metrics_histogram",
    "otel_metrics_exponential_histogram",
];

fn value(random: &mut fastrand::Rng, depth: usize) -> AnyValue {
    let text = |random: &mut fastrand::Rng| -> String {
        let characters = [
            'a', '<', '&', '"', '\\', '\n', '\u{1}', '\u{7f}', '\u{2028}', 'ü', '🦀',
        ];
        (0..random.usize(..5))
            .map(|_| *random.choice(&characters).unwrap())
            .collect()
    };
    let kinds = if depth == 0 { 6 } else { 8 };
    let value = match random.u8(..kinds) {
        0 => None,
        1 => Some(Value::StringValue(text(random))),
        2 => Some(Value::BoolValue(random.bool())),
        3 => Some(Value::IntValue(random.i64(..) >> random.u8(..64))),
        4 => Some(Value::DoubleValue(match random.u8(..4) {
            0 => f64::from_bits(random.u64(..)),
            1 => f64::from(random.i32(..)) / 1000.0,
            2 => 10_f64.powi(random.i32(-30..30)),
            _ => f64::from(random.i8(..)),
        })),
        5 => Some(Value::BytesValue(
            (0..random.usize(..5)).map(|_| random.u8(..)).collect(),
        )),
        6 => Some(Value::ArrayValue(ArrayValue {
            values: (0..random.usize(..4))
                .map(|_| self::value(random, depth - 1))
                .collect(),
        })),
        _ => Some(Value::KvlistValue(KeyValueList {
            values: (0..random.usize(..4))
                .map(|_| KeyValue {
                    key: text(random),
                    value: Some(self::value(random, depth - 1)),
                    ..KeyValue::default()
                })
                .collect(),
        })),
    };
    AnyValue { value }
}

/// Values of all types, as bodies and as attributes; the number of a record is its time.
fn random_logs(seed: u64) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    let records = (1..=300).map(|number| LogRecord {
        time_unix_nano: number,
        body: Some(value(&mut random, 3)),
        attributes: (0..random.usize(..6))
            .map(|key| KeyValue {
                key: format!("k{key}"),
                value: Some(value(&mut random, 3)),
                ..KeyValue::default()
            })
            .collect(),
        ..LogRecord::default()
    });
    let scope_logs = vec![ScopeLogs {
        log_records: records.collect(),
        ..ScopeLogs::default()
    }];
    let request = ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            scope_logs,
            ..ResourceLogs::default()
        }],
    };
    request.encode_to_vec()
}

#[test]
fn rows_and_tables_are_those_of_the_collector() {
    let Some(server) = server() else { return };
    let Ok(mut reference) = Reference::start(&server.endpoint(), "theirs") else {
        return;
    };
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    // What differs on purpose isn't compared: the span that ends before it starts, which has a strange status too, and times that their column can't hold.
    let metrics = String::from_utf8(METRICS.to_vec()).unwrap();
    let metrics = metrics.replace(
        "18446744073709551615\", \"asDouble",
        "1700000000000000000\", \"asDouble",
    );
    let metrics = metrics.replace(r#"{"name": "nothing"},"#, "");
    let requests = [
        (Signal::Traces, hard_traces()),
        (Signal::Logs, random_logs(seed)),
        (
            Signal::Metrics,
            from_json(Signal::Metrics, metrics.as_bytes()),
        ),
    ];
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    for (signal, request) in &requests {
        reference.write(*signal, request).unwrap();
        publish(&*bus, *signal, 0, [request.clone()]);
    }
    let running = Running::start(&bus, &[backend("ours", &server.endpoint(), "")]);
    for signal in Signal::ALL {
        all_committed(&*bus, "ours", signal);
    }
    running.stop();
    assert_eq!(dead_letters(&*bus).len(), 0);

    for table in TABLES {
        let columns = |database: &str| {
            server.query(&format!(
                "SELECT name, type, default_kind, default_expression, compression_codec FROM system.columns \
                 WHERE database = '{database}' AND table = '{table}' ORDER BY position"
            ))
        };
        assert_eq!(columns("ours"), columns("theirs"), "{table}");
        let indexes = |database: &str| {
            server.query(&format!(
                "SELECT name, expr, type_full, granularity FROM system.data_skipping_indices WHERE database = '{database}' AND table = '{table}' ORDER BY name"
            ))
        };
        assert_eq!(indexes("ours"), indexes("theirs"), "{table}");
        let keys = |database: &str| {
            server.query(&format!(
                "SELECT partition_key, sorting_key, primary_key, replaceAll(engine_full, ', non_replicated_deduplication_window = 1000', '') \
                 FROM system.tables WHERE database = '{database}' AND name = '{table}'"
            ))
        };
        assert_eq!(keys("ours"), keys("theirs"), "{table}");
        let rows = |database: &str| {
            let which = match table {
                "otel_traces" => "WHERE StatusCode != ''",
                _ => "",
            };
            server.rows(&format!(
                "SELECT * FROM {database}.{table} {which} ORDER BY ALL"
            ))
        };
        let (ours, theirs) = (rows("ours"), rows("theirs"));
        assert!(!ours.is_empty() && ours.len() == theirs.len(), "{table}");
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_eq!(ours, theirs, "{table}");
        }
    }
}
