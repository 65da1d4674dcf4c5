//! Input that is bad, or meant to be.

use bytes::Bytes;
use proptest::prelude::*;
use schemas::wire::{put_fixed64, put_len};

use super::*;

/// A record of a gauge `name` with one point that has these bytes as its attribute `key`.
fn raw(name: &[u8], key: &[u8], value: &[u8]) -> Vec<u8> {
    let message = |fields: &[(u32, &[u8])]| {
        let mut out = Vec::new();
        for (field, bytes) in fields {
            put_len(&mut out, *field, bytes);
        }
        out
    };
    let attribute = message(&[(1, key), (2, &message(&[(1, value)]))]);
    let mut point = message(&[(7, &attribute)]);
    put_fixed64(&mut point, 3, 1_000_000_000);
    put_fixed64(&mut point, 4, 1f64.to_bits());
    let metric = message(&[(1, name), (5, &message(&[(1, &point)]))]);
    let scope = message(&[(2, &metric)]);
    message(&[(1, &message(&[(2, &scope)]))])
}

fn batch_of(value: Vec<u8>) -> Batch {
    let mut batch = batch(&["{}"]);
    batch.entries[0].record.value = Bytes::from(value);
    batch
}

#[test]
fn what_is_not_utf8_is_replaced() {
    let batch = batch_of(raw(b"m\xff", b"k\xff", b"v\xff"));
    let utf8 = Rules {
        names: Names::Utf8,
        ..rules()
    };
    for (rules, expected) in [
        (utf8, "m\u{fffd}{k\u{fffd}=v\u{fffd}} 1 @1000"),
        (rules(), "m{k_=v\u{fffd}} 1 @1000"),
    ] {
        let encoded = encode(&rules, Version::V1, &batch, &memory()).unwrap();
        assert_eq!(decoded::lines(Version::V1, &encoded.body), [expected]);
    }
}

#[test]
fn what_nothing_is_left_of_is_counted() {
    for value in [
        raw(b"...", b"k", b"v"),
        raw(b"m", b"...", b"v"),
        raw(b"", b"k", b"v"),
    ] {
        let encoded = encode(&rules(), Version::V2, &batch_of(value), &memory()).unwrap();
        let mut dropped = Dropped::default();
        dropped.count(Why::Name);
        assert_eq!(encoded.dropped, dropped);
    }
    let point = |fields: &str| {
        metrics(&format!(
            r#"{{"name": "g", "gauge": {{"dataPoints": [{{{fields}}}]}}}}"#
        ))
    };
    check_dropped(&rules(), &point(r#""asInt": "1""#), &[Why::Time]);
    check_dropped(&rules(), &point(r#""timeUnixNano": "5""#), &[Why::Value]);
    check_dropped(
        &rules(),
        &metrics(r#"{"name": "c", "sum": {"dataPoints": [{"timeUnixNano": "5", "asInt": "1"}]}}"#),
        &[Why::Temporality],
    );
    check_dropped(&rules(), &metrics(r#"{"name": "nothing"}"#), &[]);
}

/// Labels of a resource are in each series: a small batch mustn't become gigabytes.
#[test]
fn requests_are_bounded() {
    let promoting = Rules {
        promote: vec!["big".into()],
        ..rules()
    };
    let points = (0..3000).map(|i| format!(r#"{{"timeUnixNano": "{}", "asInt": "1"}}"#, i + 1));
    let record = format!(
        r#"{{"resourceMetrics": [{{"resource": {{"attributes": [{{"key": "big", "value": {{"stringValue": "{}"}}}}]}},
        "scopeMetrics": [{{"metrics": [{{"name": "g", "gauge": {{"dataPoints": [{}]}}}}]}}]}}]}}"#,
        "x".repeat(1 << 20),
        points.collect::<Vec<_>>().join(",")
    );
    let error = encode(&promoting, Version::V1, &batch(&[&record]), &memory()).unwrap_err();
    assert!(error.contains("more than"), "{error}");
    assert!(encode(&promoting, Version::V2, &batch(&[&record]), &memory()).is_ok());
}

proptest! {
    /// No bytes make it panic, and what it makes can be read.
    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0_usize..100, cut: bool) {
        let mut value = raw(b"m", b"key", b"value");
        let at = at.min(value.len());
        let end = if cut { value.len() } else { (at + bytes.len()).min(value.len()) };
        value.splice(at..end, bytes);
        for version in [Version::V1, Version::V2] {
            if let Ok(encoded) = encode(&rules(), version, &batch_of(value.clone()), &memory()) {
                decoded::lines(version, &encoded.body);
            }
        }
    }
}
