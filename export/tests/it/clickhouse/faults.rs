//! What ClickHouse refuses, and what isn't ClickHouse: what is held, what is divided, and that nothing counts as delivered.

use std::sync::Mutex;

use schemas::Signal;
use tests::clickhouse::Clickhouse;

use super::{backend, server};
use crate::support::proxy::{Proxy, Verdict};
use crate::support::telemetry::{from_json, spans};
use crate::support::{
    Running, all_committed, dead_letters, eventually, header, metric, open_bus, publish,
};

/// Why a backend isn't ready, once it isn't.
fn trouble(running: &Running, name: &str) -> String {
    let mut found = String::new();
    eventually("the backend says what is wrong", || {
        let parts = running.health.parts();
        found = format!(
            "{:?}",
            parts.iter().find(|part| format!("{part:?}").contains(name))
        );
        found.contains("refuses all")
    });
    found
}

/// Answers that look like success, and aren't.
#[test]
fn what_clickhouse_did_not_take_is_not_delivered() {
    let Some(server) = server() else { return };
    let answers = Mutex::new(vec![
        Verdict::Answer(200, "content-type: text/html\r\n", "<html>welcome</html>"),
        Verdict::Answer(200, "", ""),
        Verdict::Answer(
            200,
            "x-clickhouse-query-id: q\r\n",
            "Code: 241. DB::Exception: Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED)",
        ),
        Verdict::Answer(
            200,
            "x-clickhouse-query-id: q\r\nx-clickhouse-exception-code: 252\r\n",
            "",
        ),
        Verdict::Answer(200, "x-clickhouse-query-id: q\r\n", "1 row"),
        Verdict::Answer(
            500,
            "x-clickhouse-exception-code: 252\r\n",
            "Code: 252. DB::Exception: Too many parts",
        ),
        Verdict::Answer(
            500,
            "x-clickhouse-exception-code: 242\r\n",
            "Code: 242. DB::Exception: Table is in readonly mode",
        ),
        Verdict::Answer(503, "", "no upstream"),
        Verdict::Answer(500, "", ""),
        Verdict::Answer(400, "", "bad gateway"),
        Verdict::Lose,
        Verdict::LoseAnswer,
    ]);
    let tries = answers.lock().unwrap().len();
    let script = move |_: &str| answers.lock().unwrap().pop().unwrap_or(Verdict::Forward);
    let proxy = Proxy::start(&server.endpoint(), script, |_, _| {});
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    publish(&*bus, Signal::Traces, 0, [spans(0..10, 0)]);
    let running = Running::start(&bus, &[backend("answers", &proxy.endpoint(), "")]);
    all_committed(&*bus, "answers", Signal::Traces);
    running.stop();
    assert_eq!(dead_letters(&*bus).len(), 0);
    assert_eq!(proxy.inserts().len(), tries + 1);
    assert_eq!(server.number("SELECT count() FROM answers.otel_traces"), 10);
    assert_eq!(metric(export::names::DELIVERED, "answers"), 10.0);
}

/// A column that isn't there, or is of another type: held, with what to do; when it is mended, everything flows again.
#[test]
fn a_table_that_can_not_be_used_holds_the_backend() {
    let Some(server) = server() else { return };
    server.query("CREATE DATABASE unusable");
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    publish(&*bus, Signal::Traces, 0, [spans(0..10, 0)]);
    let endpoint = server.endpoint();
    let running = Running::start(
        &bus,
        &[backend("unusable", &endpoint, "create_schema: false")],
    );
    assert!(
        trouble(&running, "unusable").contains("otel_traces"),
        "no table"
    );

    let create = "CREATE TABLE unusable.otel_traces (Timestamp DateTime64(9), TraceId String, SpanId FixedString(16)) ENGINE = MergeTree ORDER BY SpanId";
    server.query(create);
    eventually("the type is named", || {
        let said = trouble(&running, "unusable");
        said.contains("`SpanId`") && said.contains("FixedString(16)")
    });
    server.query("DROP TABLE unusable.otel_traces");
    server.query(&create.replace("FixedString(16)", "String"));
    eventually("the missing column is named", || {
        trouble(&running, "unusable").contains("no column `ParentSpanId`")
    });
    server.query("DROP TABLE unusable.otel_traces");
    server.query(
        "CREATE TABLE unusable.otel_traces (Timestamp DateTime64(9), TraceId String, SpanId String, ParentSpanId String, TraceState String, SpanName String, \
         SpanKind String, ServiceName String, ResourceAttributes Map(String, String), SpanAttributes Map(String, String), Duration UInt64, StatusCode String, \
         StatusMessage String, Events Nested(Timestamp DateTime64(9), Name String, Attributes Map(String, String)), \
         Links Nested(TraceId String, SpanId String, TraceState String, Attributes Map(String, String))) ENGINE = MergeTree ORDER BY SpanId",
    );
    all_committed(&*bus, "unusable", Signal::Traces);
    // Now it changes under us, and nothing but the type's name tells old rows from new ones.
    server.query("ALTER TABLE unusable.otel_traces MODIFY COLUMN Timestamp DateTime64(3)");
    publish(&*bus, Signal::Traces, 0, [spans(10..20, 0)]);
    all_committed(&*bus, "unusable", Signal::Traces);
    running.stop();
    assert_eq!(dead_letters(&*bus).len(), 0);
    let found = "SELECT count(), uniqExact(SpanId), any(toUnixTimestamp(Timestamp)), max(toUnixTimestamp(Timestamp)) FROM unusable.otel_traces WHERE SpanId > '000000000000000a'";
    assert_eq!(server.query(found), "10\t10\t1700000000\t1700000000");
}

/// A table for a kind of metric that nobody sends is in nobody's way.
#[test]
fn a_table_without_rows_is_not_needed() {
    let Some(server) = server() else { return };
    server.query("CREATE DATABASE lacking");
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    let gauge = br#"{"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "g", "gauge": {"dataPoints": [{"asInt": "1"}]}}]}]}]}"#;
    let summary = br#"{"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "q", "summary": {"dataPoints": [{"count": "1"}]}}]}]}]}"#;
    let endpoint = server.endpoint();
    publish(
        &*bus,
        Signal::Metrics,
        1,
        [from_json(Signal::Metrics, gauge)],
    );
    let running = Running::start(&bus, &[backend("lacking", &endpoint, "")]);
    all_committed(&*bus, "lacking", Signal::Metrics);
    running.stop();
    server.query("DROP TABLE lacking.otel_metrics_summary");
    publish(
        &*bus,
        Signal::Metrics,
        1,
        [from_json(Signal::Metrics, gauge)],
    );
    let running = Running::start(
        &bus,
        &[backend("lacking", &endpoint, "create_schema: false")],
    );
    all_committed(&*bus, "lacking", Signal::Metrics);
    publish(
        &*bus,
        Signal::Metrics,
        1,
        [from_json(Signal::Metrics, summary)],
    );
    assert!(trouble(&running, "lacking").contains("otel_metrics_summary"));
    assert_eq!(
        server.number("SELECT count() FROM lacking.otel_metrics_gauge"),
        2
    );
}

/// More days in a batch than an insert may have partitions for: divided, and nothing is lost.
#[test]
fn too_many_days_in_a_batch_are_divided() {
    let Some(server) = server() else { return };
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    let day = 86_400_000_000_000_u64;
    for record in 0..3 {
        let spans: Vec<_> = (0..100)
            .map(|span| {
                format!(
                    r#"{{"spanId": "{:016x}", "startTimeUnixNano": "{}"}}"#,
                    record * 100 + span + 1,
                    (record * 100 + span) * day
                )
            })
            .collect();
        let json = format!(
            r#"{{"resourceSpans": [{{"scopeSpans": [{{"spans": [{}]}}]}}]}}"#,
            spans.join(",")
        );
        publish(
            &*bus,
            Signal::Traces,
            0,
            [from_json(Signal::Traces, json.as_bytes())],
        );
    }
    let running = Running::start(&bus, &[backend("days", &server.endpoint(), "")]);
    all_committed(&*bus, "days", Signal::Traces);
    running.stop();
    assert_eq!(dead_letters(&*bus).len(), 0);
    let counts = server.query("SELECT count(), uniqExact(SpanId) FROM days.otel_traces");
    assert_eq!(counts, "300\t300");
}

/// A record that isn't what it says: it alone goes to the dead letters.
#[test]
fn a_malformed_span_is_set_aside_alone() {
    let Some(server) = server() else { return };
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    // An attribute of a span that is longer than the span.
    let bad = vec![0x0a, 8, 0x12, 6, 0x12, 4, 0x4a, 2, 0x0a, 9];
    publish(
        &*bus,
        Signal::Traces,
        0,
        [spans(0..5, 0), bad.clone(), spans(5..10, 0)],
    );
    let running = Running::start(&bus, &[backend("malformed", &server.endpoint(), "")]);
    all_committed(&*bus, "malformed", Signal::Traces);
    running.stop();
    let letters = dead_letters(&*bus);
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].value, bad);
    assert!(header(&letters[0], schemas::headers::DEAD_REASON).contains("at offset 1"));
    let counts = server.query("SELECT count(), uniqExact(SpanId) FROM malformed.otel_traces");
    assert_eq!(counts, "10\t10");
}

/// Held, until the password is right; it is never shown.
#[test]
fn a_wrong_password_holds_the_backend() {
    let folder = tempfile::tempdir().unwrap().keep();
    let Ok(server) = Clickhouse::start(&folder, Some(("writer", "geheim"))) else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    publish(&*bus, Signal::Traces, 0, [spans(0..10, 0)]);
    let with = |password: &str| {
        let keys = format!("username: writer, password: {password}");
        [backend("login", &server.endpoint(), &keys)]
    };
    let running = Running::start(&bus, &with("falsch"));
    let said = trouble(&running, "login");
    assert!(
        said.contains("Authentication failed") && !said.contains("falsch"),
        "{said}"
    );
    running.stop();
    let running = Running::start(&bus, &with("geheim"));
    all_committed(&*bus, "login", Signal::Traces);
    running.stop();
    assert_eq!(dead_letters(&*bus).len(), 0);
}
