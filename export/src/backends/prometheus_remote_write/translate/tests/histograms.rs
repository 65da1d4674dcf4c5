//! Histograms, classic and native.

use super::*;

fn histogram(fields: &str) -> String {
    metrics(&format!(
        r#"{{"name": "h", "unit": "ms", "histogram": {{"aggregationTemporality": 2, "dataPoints": [
            {{"startTimeUnixNano": "1000000000", "timeUnixNano": "2000000000", {fields}}}]}}}}"#
    ))
}

const BUCKETS: &str = r#""count": "10", "sum": 2.5, "bucketCounts": ["1", "0", "4", "5"], "explicitBounds": [0.005, 1, 1000000000000000000000]"#;

#[test]
fn classic() {
    let exemplars = r#", "exemplars": [{"timeUnixNano": "9000000", "asDouble": 0.5}, {"timeUnixNano": "8000000", "asDouble": 1},
        {"timeUnixNano": "7000000", "asDouble": 2e21}, {"timeUnixNano": "6000000", "asDouble": 0.001}]"#;
    check(
        &rules(),
        &[&histogram(&format!("{BUCKETS}{exemplars}"))],
        &[
            "h_milliseconds_sum{job=s} 2.5 @2000",
            "h_milliseconds_count{job=s} 10 @2000",
            "h_milliseconds_bucket{job=s,le=0.005} 1 @2000 # {} 0.001 @6",
            "h_milliseconds_bucket{job=s,le=1} 1 @2000 # {} 1 @8 # {} 0.5 @9",
            "h_milliseconds_bucket{job=s,le=1000000000000000000000} 5 @2000",
            "h_milliseconds_bucket{job=s,le=+Inf} 10 @2000 # {} 2000000000000000000000 @7",
        ],
    );
    check(
        &rules(),
        &[&histogram(r#""count": "3""#)],
        &[
            "h_milliseconds_count{job=s} 3 @2000",
            "h_milliseconds_bucket{job=s,le=+Inf} 3 @2000",
        ],
    );
    check(
        &rules(),
        &[&histogram(
            r#""flags": 1, "sum": 0, "bucketCounts": ["0", "0"], "explicitBounds": [1]"#,
        )],
        &[
            "h_milliseconds_sum{job=s} stale @2000",
            "h_milliseconds_count{job=s} stale @2000",
            "h_milliseconds_bucket{job=s,le=1} stale @2000",
            "h_milliseconds_bucket{job=s,le=+Inf} stale @2000",
        ],
    );
    for bounds in ["2, 1", "1, 1", r#"1, "NaN""#] {
        let fields = format!(
            r#""count": "3", "bucketCounts": ["1", "1", "1"], "explicitBounds": [{bounds}]"#
        );
        check_dropped(&rules(), &histogram(&fields), &[Why::Malformed]);
    }
}

#[test]
fn custom_buckets() {
    let nhcb = Rules {
        histograms: Histograms::Nhcb,
        ..rules()
    };
    let lines = |record: &str| {
        let encoded = encode(&nhcb, Version::V2, &batch(&[record]), &memory()).unwrap();
        decoded::lines(Version::V2, &encoded.body)
    };
    let series = "h_milliseconds{job=s}";
    assert_eq!(
        lines(&histogram(BUCKETS)),
        [format!(
            "{series} <10 sum 2.5 schema -53 zero 0/0e0 +[0:1 1:0 2:4 3:5] -[] bounds [0.005, 1.0, 1e21]> @2000"
        )]
    );
    // The receiver would refuse these, and over version 1 all that is with them.
    for fields in [
        r#""count": "11", "sum": 1, "bucketCounts": ["10", "0"], "explicitBounds": [1]"#,
        r#""count": "10", "sum": 1, "bucketCounts": ["10", "0", "0"], "explicitBounds": [1]"#,
        r#""count": "10", "sum": 1, "bucketCounts": ["10", "0"], "explicitBounds": ["Infinity"]"#,
    ] {
        check_dropped(&nhcb, &histogram(fields), &[Why::Malformed]);
    }
    let no_sum = histogram(r#""count": "1", "bucketCounts": ["1", "0"], "explicitBounds": [1]"#);
    check_dropped(&nhcb, &no_sum, &[Why::Sum]);
    assert_eq!(
        lines(&histogram(r#""flags": 1"#)),
        [format!(
            "{series} <stale sum stale schema 0 zero 0/0e0 +[] -[]> @2000"
        )]
    );
    // Version 1 doesn't have them.
    let old = encode(
        &nhcb,
        Version::V1,
        &batch(&[&histogram(BUCKETS)]),
        &memory(),
    )
    .unwrap();
    assert_eq!(decoded::lines(Version::V1, &old.body).len(), 6);
}

fn exponential(fields: &str) -> String {
    metrics(&format!(
        r#"{{"name": "e", "unit": "s", "exponentialHistogram": {{"aggregationTemporality": 2, "dataPoints": [
            {{"startTimeUnixNano": "1000000000", "timeUnixNano": "2000000000", {fields}}}]}}}}"#
    ))
}

#[track_caller]
fn check_exponential(fields: &str, expected: &str) {
    let expected = format!("e_seconds{{job=s}} {expected} @2000");
    check(&rules(), &[&exponential(fields)], &[&expected]);
}

#[test]
fn native() {
    check_exponential(
        r#""count": "16", "sum": 3, "scale": 1, "zeroCount": "1", "positive": {"offset": -2, "bucketCounts": ["0", "1", "2", "0", "0", "3"]},
           "negative": {"offset": 5, "bucketCounts": ["4", "0", "0", "0", "5", "0"]}"#,
        "<16 sum 3 schema 1 zero 1/1e-128 +[0:1 1:2 2:0 3:0 4:3] -[6:4 10:5]>",
    );
    // Scale 10 is two more than Prometheus has: four buckets become one.
    check_exponential(
        r#""count": "21", "sum": 3, "scale": 10, "zeroThreshold": 0.5, "positive": {"offset": -5, "bucketCounts": ["1", "2", "3", "4", "5", "6"]}"#,
        "<21 sum 3 schema 8 zero 0/5e-1 +[-1:1 0:14 1:6] -[]>",
    );
    check_exponential(
        r#""count": "0", "sum": 0, "scale": -4, "positive": {"offset": 3, "bucketCounts": ["0"]}"#,
        "<0 sum 0 schema -4 zero 0/1e-128 +[] -[]>",
    );
    // Values that are NaN are in no bucket.
    check_exponential(
        r#""count": "3", "sum": "NaN", "scale": 0, "positive": {"bucketCounts": ["1"]}"#,
        "<3 sum NaN schema 0 zero 0/1e-128 +[1:1] -[]>",
    );
    check_exponential(
        r#""flags": 1, "scale": 3"#,
        "<stale sum stale schema 3 zero 0/1e-128 +[] -[]>",
    );
    check_exponential(
        r#""count": "1", "sum": 0, "scale": 2147483647, "positive": {"offset": -2147483648, "bucketCounts": ["1"]}"#,
        "<1 sum 0 schema 8 zero 0/1e-128 +[0:1] -[]>",
    );
    for (fields, why) in [
        (
            r#""count": "1", "sum": 0, "scale": -5, "positive": {"bucketCounts": ["1"]}"#,
            Why::Scale,
        ),
        (
            r#""count": "1", "scale": 0, "positive": {"bucketCounts": ["1"]}"#,
            Why::Sum,
        ),
        (
            r#""count": "2", "sum": 0, "scale": 0, "positive": {"bucketCounts": ["1"]}"#,
            Why::Malformed,
        ),
        (
            r#""count": "1", "sum": 0, "scale": 0, "positive": {"offset": 2147483647, "bucketCounts": ["1"]}"#,
            Why::Malformed,
        ),
        (
            r#""count": "1", "sum": 0, "scale": 0, "positive": {"bucketCounts": ["18446744073709551615"]}"#,
            Why::Malformed,
        ),
    ] {
        check_dropped(&rules(), &exponential(fields), &[why]);
    }
}
