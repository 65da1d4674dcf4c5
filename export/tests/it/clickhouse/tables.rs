//! The schema that is created is that of the Collector's exporter: names, types and keys, in their order.

use schemas::Signal;

use super::{backend, server};
use crate::support::telemetry::{one_log, one_metric, spans};
use crate::support::{Running, all_committed, open_bus, publish};

/// Name and type of each column, as `clickhouseexporter` 0.165.1 creates them.
const TRACES: &str = "Timestamp DateTime64(9), TraceId String, SpanId String, ParentSpanId String, TraceState String, SpanName LowCardinality(String), \
    SpanKind LowCardinality(String), ServiceName LowCardinality(String), ResourceAttributes Map(LowCardinality(String), String), ScopeName String, \
    ScopeVersion String, SpanAttributes Map(LowCardinality(String), String), Duration UInt64, StatusCode LowCardinality(String), StatusMessage String, \
    Events.Timestamp Array(DateTime64(9)), Events.Name Array(LowCardinality(String)), Events.Attributes Array(Map(LowCardinality(String), String)), \
    Links.TraceId Array(String), Links.SpanId Array(String), Links.TraceState Array(String), Links.Attributes Array(Map(LowCardinality(String), String))";
const TRACE_IDS: &str = "TraceId String, Start DateTime, End DateTime";
const LOGS: &str = "Timestamp DateTime64(9), TraceId String, SpanId String, TraceFlags UInt8, SeverityText LowCardinality(String), SeverityNumber UInt8, \
    ServiceName LowCardinality(String), Body String, ResourceSchemaUrl LowCardinality(String), ResourceAttributes Map(LowCardinality(String), String), \
    ScopeSchemaUrl LowCardinality(String), ScopeName String, ScopeVersion LowCardinality(String), ScopeAttributes Map(LowCardinality(String), String), \
    LogAttributes Map(LowCardinality(String), String), EventName String, __otel_materialized_k8s.cluster.name LowCardinality(String), \
    __otel_materialized_k8s.container.name LowCardinality(String), __otel_materialized_k8s.deployment.name LowCardinality(String), \
    __otel_materialized_k8s.namespace.name LowCardinality(String), __otel_materialized_k8s.node.name LowCardinality(String), \
    __otel_materialized_k8s.pod.name LowCardinality(String), __otel_materialized_k8s.pod.uid LowCardinality(String), \
    __otel_materialized_deployment.environment.name LowCardinality(String)";
const METRIC: &str = "ResourceAttributes Map(LowCardinality(String), String), ResourceSchemaUrl String, ScopeName String, ScopeVersion String, \
    ScopeAttributes Map(LowCardinality(String), String), ScopeDroppedAttrCount UInt32, ScopeSchemaUrl String, ServiceName LowCardinality(String), \
    MetricName LowCardinality(String), MetricDescription String, MetricUnit String, Attributes Map(LowCardinality(String), String), \
    StartTimeUnix DateTime, TimeUnix DateTime, ";
const EXEMPLARS: &str = "Exemplars.FilteredAttributes Array(Map(LowCardinality(String), String)), Exemplars.TimeUnix Array(DateTime), \
    Exemplars.Value Array(Float64), Exemplars.SpanId Array(String), Exemplars.TraceId Array(String)";

#[test]
fn tables_are_those_of_the_collector() {
    let Some(server) = server() else { return };
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    publish(&*bus, Signal::Traces, 0, [spans(0..1, 0)]);
    publish(&*bus, Signal::Logs, 0, [one_log("x")]);
    publish(&*bus, Signal::Metrics, 0, [one_metric("m")]);
    // Its name has to be quoted.
    let keys = "database: \"a`b c\", ttl: 216000h";
    let written = backend("tables", &server.endpoint(), "").replace("database: tables, ", keys);
    let running = Running::start(&bus, &[written]);
    for signal in Signal::ALL {
        all_committed(&*bus, "tables", signal);
    }
    running.stop();

    let columns = |table: &str| {
        let rows = server.rows(&format!(
            "SELECT name, type FROM system.columns WHERE database = 'a`b c' AND table = '{table}' ORDER BY position"
        ));
        let text = |row: &serde_json::Value| {
            format!(
                "{} {}",
                row["name"].as_str().unwrap(),
                row["type"].as_str().unwrap()
            )
        };
        rows.iter().map(text).collect::<Vec<_>>().join(", ")
    };
    let number = "Value Float64, Flags UInt32, ";
    let range = ", Flags UInt32, Min Float64, Max Float64, AggregationTemporality Int32";
    let expected = [
        ("otel_traces", TRACES.to_owned()),
        ("otel_traces_trace_id_ts", TRACE_IDS.to_owned()),
        ("otel_logs", LOGS.to_owned()),
        ("otel_metrics_gauge", format!("{METRIC}{number}{EXEMPLARS}")),
        (
            "otel_metrics_sum",
            format!("{METRIC}{number}{EXEMPLARS}, AggregationTemporality Int32, IsMonotonic Bool"),
        ),
        (
            "otel_metrics_summary",
            format!(
                "{METRIC}Count UInt64, Sum Float64, ValueAtQuantiles.Quantile Array(Float64), ValueAtQuantiles.Value Array(Float64), Flags UInt32"
            ),
        ),
        (
            "otel_metrics_histogram",
            format!(
                "{METRIC}Count UInt64, Sum Float64, BucketCounts Array(UInt64), ExplicitBounds Array(Float64), {EXEMPLARS}{range}"
            ),
        ),
        (
            "otel_metrics_exponential_histogram",
            format!(
                "{METRIC}Count UInt64, Sum Float64, Scale Int32, ZeroCount UInt64, PositiveOffset Int32, \
            PositiveBucketCounts Array(UInt64), NegativeOffset Int32, NegativeBucketCounts Array(UInt64), {EXEMPLARS}{range}"
            ),
        ),
    ];
    for (table, expected) in expected {
        assert_eq!(columns(table), expected, "{table}");
        let created = server.query(&format!("SELECT create_table_query FROM system.tables WHERE database = 'a`b c' AND name = '{table}'"));
        assert!(
            created.contains("non_replicated_deduplication_window = 1000"),
            "{created}"
        );
        assert!(created.contains("toIntervalDay(9000)"), "{created}");
    }
    // The way from a trace's id to its spans, as dashboards go it.
    let start = "SELECT toUnixTimestamp(min(Start)) FROM `a``b c`.otel_traces_trace_id_ts WHERE TraceId = '00000000000000000000000000000001'";
    assert_eq!(server.number(start), 1_700_000_000);
}
