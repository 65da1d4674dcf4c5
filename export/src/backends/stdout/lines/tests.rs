//! Telemetry in, lines out.
#![allow(clippy::unwrap_used)]

use bus::Fetched;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

use super::*;
use crate::records::entry::Entry;

/// Records as OTLP JSON, which reads better than constructors.
#[track_caller]
fn check(signal: Signal, records: &[&str], expected: &str) {
    let entries = (0..).zip(records).map(|(offset, json)| {
        let value = schemas::json::to_protobuf(signal, json.as_bytes()).unwrap();
        // The reference types agree that this is what it claims to be.
        match signal {
            Signal::Traces => drop(ExportTraceServiceRequest::decode(&value[..]).unwrap()),
            Signal::Logs => drop(ExportLogsServiceRequest::decode(&value[..]).unwrap()),
            Signal::Metrics => drop(ExportMetricsServiceRequest::decode(&value[..]).unwrap()),
        }
        Entry::new(Fetched {
            topic: "t".into(),
            partition: 0,
            offset,
            timestamp_ms: 43_200_000,
            headers: vec![],
            value: value.into(),
        })
    });
    let payload = encode(signal, &entries.collect()).unwrap();
    let shown: Vec<u8> = payload.chunks().flatten().copied().collect();
    assert_eq!(String::from_utf8(shown).unwrap(), expected);
}

fn traces(service: &str, spans: &str) -> String {
    format!(
        r#"{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"{service}"}}}}]}},
        "scopeSpans":[{{"spans":[{spans}]}}]}}]}}"#
    )
}

fn span(trace: u8, parent: &str, name: &str, start_ms: u64, end_ms: u64, rest: &str) -> String {
    format!(
        r#"{{"traceId":"{trace:032x}","spanId":"0000000000000001","parentSpanId":"{parent}","name":"{name}",
        "startTimeUnixNano":"{start_ms}000000","endTimeUnixNano":"{end_ms}000000"{rest}}}"#
    )
}

#[test]
fn a_trace_is_a_line_whatever_records_it_came_in() {
    let child = "0000000000000009";
    check(
        Signal::Traces,
        &[
            &traces(
                "cart",
                &span(1, child, "GET /cart", 1010, 1400, r#","status":{"code":2}"#),
            ),
            &traces(
                "frontend",
                &[
                    span(2, child, "query", 2000, 3250, ""),
                    span(1, "", "POST /orders", 1000, 1482, ""),
                    span(1, child, "render", 1100, 1200, ""),
                ]
                .join(","),
            ),
        ],
        "00:00:01.000  frontend  POST /orders  482ms  3 spans  ERROR  00000000000000000000000000000001\n\
         00:00:02.000  frontend  … query  1.25s  1 span  ok  00000000000000000000000000000002\n",
    );
}

#[test]
fn foreign_text_moves_no_cursor_and_breaks_no_line() {
    let name = format!("{}\\n\\u001b[2J", "x".repeat(78));
    check(
        Signal::Traces,
        &[&traces("s\\tv", &span(1, "", &name, 0, 200_000, ""))],
        &format!(
            "00:00:00.000  s v  {}  …  3m 20s  1 span  ok  00000000000000000000000000000001\n",
            "x".repeat(78)
        ),
    );
}

#[test]
fn a_log_record_is_a_line() {
    check(
        Signal::Logs,
        &[
            r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"pay"}}]},"scopeLogs":[{"logRecords":[
            {"timeUnixNano":"1500000000","severityNumber":17,"body":{"stringValue":"card declined"},"traceId":"00000000000000000000000000000007"},
            {"severityText":"Notice","body":{"kvlistValue":{"values":[]}}},
            {"body":{"intValue":"42"}}]}]}]}"#,
        ],
        "00:00:01.500  pay  ERROR  card declined  00000000000000000000000000000007\n\
         12:00:00.000  pay  Notice  {…}\n\
         12:00:00.000  pay  -  42\n",
    );
}

#[test]
fn a_metric_is_a_line() {
    check(
        Signal::Metrics,
        &[r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[
            {"name":"http.server.duration","unit":"ms","histogram":{"dataPoints":[{},{}]}},
            {"name":"up","gauge":{"dataPoints":[{}]}}]}]}]}"#],
        "12:00:00.000  -  http.server.duration (ms)  histogram  2 points\n\
         12:00:00.000  -  up  gauge  1 point\n",
    );
}
