//! Numbers and summaries, exemplars, ends of series, times, metadata.

use super::*;

const COUNTER: &str = r#"{"name": "http.requests", "unit": "{request}", "description": "how many", "sum": {
    "aggregationTemporality": 2, "isMonotonic": true, "dataPoints": [{"startTimeUnixNano": "1000000000", "timeUnixNano": "2000000000", "asInt": "5",
        "exemplars": [
            {"timeUnixNano": "1900000000", "asDouble": 2, "traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0102030405060708",
             "filteredAttributes": [{"key": "user.id", "value": {"stringValue": "u"}}, {"key": "trace_id", "value": {"stringValue": "mine"}}]},
            {"timeUnixNano": "1800000000", "asInt": "1"}]},
        {"timeUnixNano": "3000000000", "flags": 1}]}}"#;

#[test]
fn counters() {
    let record = metrics(COUNTER);
    check(
        &rules(),
        &[&record],
        &[
            "http_requests_total{job=s} 5 @2000 # {} 1 @1800 \
             # {span_id=0102030405060708,trace_id=0102030405060708090a0b0c0d0e0f10,user.id=u} 2 @1900",
            "http_requests_total{job=s} stale @3000",
        ],
    );
    let body = encode(&rules(), Version::V2, &batch(&[&record]), &memory()).unwrap();
    assert_eq!(
        decoded::described(&body.body),
        ["1000 1  how many", "0 1  how many"]
    );
    let body = encode(&rules(), Version::V1, &batch(&[&record]), &memory()).unwrap();
    assert_eq!(
        decoded::families(&body.body),
        ["http_requests_total 1  how many"]
    );
}

/// Attributes of an exemplar are left out when all of it would be above 128 characters.
#[test]
fn exemplars_are_short() {
    let exemplar = |length: usize| {
        metrics(&format!(
            r#"{{"name": "c", "sum": {{"aggregationTemporality": 2, "dataPoints": [{{"timeUnixNano": "2000000000", "asInt": "5",
            "exemplars": [{{"asInt": "1", "spanId": "0102030405060708", "filteredAttributes": [{{"key": "k", "value": {{"stringValue": "{}"}}}}]}}]}}]}}}}"#,
            "é".repeat(length)
        ))
    };
    // `span_id`, 16 digits, `k`.
    let fits = 128 - 7 - 16 - 1;
    let k = "é".repeat(fits);
    check(
        &rules(),
        &[&exemplar(fits)],
        &[&format!(
            "c{{job=s}} 5 @2000 # {{k={k},span_id=0102030405060708}} 1 @0"
        )],
    );
    check(
        &rules(),
        &[&exemplar(fits + 1)],
        &["c{job=s} 5 @2000 # {span_id=0102030405060708} 1 @0"],
    );
}

#[test]
fn gauges_and_sums_that_fall_have_no_start() {
    let record = metrics(
        r#"{"name": "g", "unit": "1", "gauge": {"dataPoints": [{"startTimeUnixNano": "1000000000", "timeUnixNano": "2000000000", "asDouble": -0.5,
            "exemplars": [{"asInt": "1"}]}]}},
           {"name": "q", "unit": "By", "sum": {"aggregationTemporality": 2, "dataPoints": [{"startTimeUnixNano": "1000000000", "timeUnixNano": "2000000000", "asInt": "-3"}]}}"#,
    );
    check(
        &rules(),
        &[&record],
        &["g_ratio{job=s} -0.5 @2000", "q_bytes{job=s} -3 @2000"],
    );
    let body = encode(&rules(), Version::V2, &batch(&[&record]), &memory()).unwrap();
    assert_eq!(decoded::described(&body.body), ["0 2  ", "0 2 bytes "]);
}

#[test]
fn summaries() {
    let record = metrics(
        r#"{"name": "rpc", "unit": "s", "summary": {"dataPoints": [
            {"startTimeUnixNano": "1000000000", "timeUnixNano": "2000000000", "count": "7", "sum": 1.5,
             "quantileValues": [{"quantile": 0.5, "value": 0.1}, {"quantile": 1, "value": 3}]},
            {"timeUnixNano": "3000000000", "flags": 1, "quantileValues": [{"quantile": 0.5}]}]}}"#,
    );
    check(
        &rules(),
        &[&record],
        &[
            "rpc_seconds_sum{job=s} 1.5 @2000",
            "rpc_seconds_count{job=s} 7 @2000",
            "rpc_seconds{job=s,quantile=0.5} 0.1 @2000",
            "rpc_seconds{job=s,quantile=1} 3 @2000",
            "rpc_seconds_sum{job=s} stale @3000",
            "rpc_seconds_count{job=s} stale @3000",
            "rpc_seconds{job=s,quantile=0.5} stale @3000",
        ],
    );
    let body = encode(&rules(), Version::V2, &batch(&[&record]), &memory()).unwrap();
    assert_eq!(decoded::described(&body.body)[0], "1000 5 seconds ");
}

/// Samples of a series stay in the order of the log, over records.
#[test]
fn records_follow_each_other() {
    let record = |time: u64| {
        metrics(&format!(
            r#"{{"name": "g", "gauge": {{"dataPoints": [{{"timeUnixNano": "{time}000000000", "asInt": "1"}}]}}}}"#
        ))
    };
    check(
        &rules(),
        &[&record(1), &record(2), &record(3)],
        &["g{job=s} 1 @1000", "g{job=s} 1 @2000", "g{job=s} 1 @3000"],
    );
}

#[test]
fn deltas_are_dropped_or_added_up() {
    let record = |time: u64| {
        metrics(&format!(
            r#"{{"name": "c", "sum": {{"aggregationTemporality": 1, "isMonotonic": true, "dataPoints": [
                {{"startTimeUnixNano": "1000000000", "timeUnixNano": "{time}000000000", "asInt": "2"}}]}}}},
               {{"name": "h", "histogram": {{"aggregationTemporality": 1, "dataPoints": [
                {{"startTimeUnixNano": "1000000000", "timeUnixNano": "{time}000000000", "count": "3", "sum": 1, "bucketCounts": ["1", "2"], "explicitBounds": [5]}}]}}}}"#
        ))
    };
    check_dropped(&rules(), &record(2), &[Why::Delta, Why::Delta]);
    let cumulating = Rules {
        cumulates: true,
        ..rules()
    };
    let lines = |n: u64| {
        [
            format!("c_total{{job=s}} {} @{}", 2 * n, 1000 * (n + 1)),
            format!("h_sum{{job=s}} {n} @{}", 1000 * (n + 1)),
            format!("h_count{{job=s}} {} @{}", 3 * n, 1000 * (n + 1)),
            format!("h_bucket{{job=s,le=5}} {n} @{}", 1000 * (n + 1)),
            format!("h_bucket{{job=s,le=+Inf}} {} @{}", 3 * n, 1000 * (n + 1)),
        ]
    };
    let expected = [lines(1), lines(2)].concat();
    let expected: Vec<_> = expected.iter().map(|line| &**line).collect();
    check(&cumulating, &[&record(2), &record(3)], &expected);
    // Over requests, and only what was accepted.
    let mut memory = memory();
    let encode = |time, memory: &Memory| {
        encode(&cumulating, Version::V2, &batch(&[&record(time)]), memory).unwrap()
    };
    memory.accept(encode(2, &memory).new);
    let refused = encode(3, &memory);
    let again = encode(3, &memory);
    assert_eq!(refused.body, again.body);
    memory.accept(again.new);
    let third = encode(4, &memory);
    assert_eq!(decoded::lines(Version::V2, &third.body), lines(3));
    assert_eq!(decoded::described(&third.body)[0], "1000 1  ");
}
