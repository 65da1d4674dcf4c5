//! Log records.

use schemas::Signal;
use serde_json::{Value as Json, json};

use super::{changed, deliver};
use crate::clickhouse::server;
use crate::support::telemetry::from_json;

#[test]
fn logs_are_read_back_as_they_were() {
    let Some(server) = server() else { return };
    let mut request = from_json(
        Signal::Logs,
        br#"{"resourceLogs": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}, {"key": "k8s.pod.name", "value": {"stringValue": "shop-7"}}]},
        "schemaUrl": "https://r", "scopeLogs": [{
            "scope": {"name": "lib", "version": "2", "attributes": [{"key": "s", "value": {"intValue": "1"}}]}, "schemaUrl": "https://s",
            "logRecords": [
                {"timeUnixNano": "1700000000000000001", "observedTimeUnixNano": "5", "severityNumber": 17, "severityText": "ERROR",
                 "body": {"stringValue": "it broke"}, "attributes": [{"key": "a", "value": {"arrayValue": {"values": [{"intValue": "1"}, {"stringValue": "x"}]}}}],
                 "flags": 257, "traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0102030405060708", "eventName": "device.app.crash"},
                {"observedTimeUnixNano": "1600000000000000000", "severityNumber": -3, "body": {"kvlistValue": {"values": [
                    {"key": "z", "value": {"boolValue": true}}, {"key": "y", "value": {}}]}}},
                {"severityNumber": 1000}
            ]}]}]}"#,
    );
    // Bytes that aren't UTF-8 where text belongs: a fourth record, of a request that is concatenated to the first.
    request.extend([
        0x0a, 14, 0x12, 12, 0x12, 10, 0x2a, 4, 0x0a, 2, 0xff, 0x00, 0x1a, 2, 0xc3, 0x28,
    ]);
    deliver("logs", Signal::Logs, request, "");
    let row = |changes: Json| {
        let row = json!({
            "Timestamp": "1970-01-01 00:00:00.000000000", "TraceId": "", "SpanId": "", "TraceFlags": 0, "SeverityText": "", "SeverityNumber": 0,
            "ServiceName": "shop", "Body": "", "ResourceSchemaUrl": "https://r",
            "ResourceAttributes": {"service.name": "shop", "k8s.pod.name": "shop-7"}, "ScopeSchemaUrl": "https://s", "ScopeName": "lib",
            "ScopeVersion": "2", "ScopeAttributes": {"s": "1"}, "LogAttributes": {}, "EventName": "",
        });
        changed(row, &changes)
    };
    let found = server
        .rows("SELECT * FROM logs.otel_logs WHERE ServiceName = 'shop' ORDER BY SeverityNumber");
    assert_eq!(
        found,
        [
            row(
                json!({"Timestamp": "2020-09-13 12:26:40.000000000", "Body": r#"{"y":null,"z":true}"#})
            ),
            row(
                json!({"Timestamp": "2023-11-14 22:13:20.000000001", "TraceId": "0102030405060708090a0b0c0d0e0f10",
                "SpanId": "0102030405060708", "TraceFlags": 1, "SeverityText": "ERROR", "SeverityNumber": 17, "Body": "it broke",
                "LogAttributes": {"a": r#"[1,"x"]"#}, "EventName": "device.app.crash"})
            ),
            row(json!({"SeverityNumber": 255})),
        ]
    );
    let raw = server
        .query("SELECT hex(Body), hex(SeverityText) FROM logs.otel_logs WHERE ServiceName = ''");
    assert_eq!(raw, "FF00\tC328");
    let pods = "SELECT DISTINCT `__otel_materialized_k8s.pod.name` FROM logs.otel_logs WHERE ServiceName = 'shop'";
    assert_eq!(server.query(pods), "shop-7");
}
