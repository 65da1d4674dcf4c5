//! What a batch becomes, over both versions, as another implementation of protobuf reads it.
#![allow(clippy::unwrap_used)]

mod histograms;
mod labels;
mod points;
mod robust;

use bus::Fetched;
use schemas::Signal;

use super::dropped::Why;
use super::*;
use crate::backends::prometheus_remote_write::naming::Names;
use crate::backends::prometheus_remote_write::tests::decoded;
use crate::backends::prometheus_remote_write::wire::Version;
use crate::records::batch::Batch;
use crate::records::entry::Entry;
use crate::temporality::{StreamLimits, Streams};

pub(super) fn rules() -> Rules {
    Rules {
        names: Names::UnderscoreWithSuffixes,
        scope_labels: true,
        promote: vec![],
        histograms: Histograms::Classic,
        cumulates: false,
        external_labels: vec![],
    }
}

pub(super) fn memory() -> Memory {
    Memory::new(Streams::new(StreamLimits {
        max_streams: 10,
        max_stale_ms: 60_000,
    }))
}

/// A batch of records in OTLP JSON.
pub(super) fn batch(records: &[&str]) -> Batch {
    let record = |(offset, json): (u64, &&str)| {
        Entry::new(Fetched {
            topic: "t".into(),
            partition: 0,
            offset,
            timestamp_ms: 0,
            headers: vec![],
            value: schemas::json::to_protobuf(Signal::Metrics, json.as_bytes())
                .unwrap()
                .into(),
        })
    };
    (0..).zip(records).map(record).collect()
}

/// A record with these metrics, of a service `s`.
pub(super) fn metrics(metrics: &str) -> String {
    format!(
        r#"{{"resourceMetrics": [{{"resource": {{"attributes": [{{"key": "service.name", "value": {{"stringValue": "s"}}}}]}},
        "scopeMetrics": [{{"metrics": [{metrics}]}}]}}]}}"#
    )
}

/// What a batch becomes in both versions, which is the same.
#[track_caller]
pub(super) fn check(rules: &Rules, records: &[&str], expected: &[&str]) {
    for version in [Version::V1, Version::V2] {
        let encoded = encode(rules, version, &batch(records), &memory()).unwrap();
        let lines = decoded::lines(version, &encoded.body);
        assert_eq!(lines, expected, "{version:?}");
        assert_eq!(encoded.samples, lines.len() as u64);
    }
}

/// Nothing of it can be sent, for these reasons.
#[track_caller]
pub(super) fn check_dropped(rules: &Rules, record: &str, expected: &[Why]) {
    let encoded = encode(rules, Version::V2, &batch(&[record]), &memory()).unwrap();
    let mut dropped = Dropped::default();
    expected.iter().for_each(|why| dropped.count(*why));
    assert_eq!(encoded.dropped, dropped, "{}", encoded.dropped);
    assert_eq!(encoded.samples, 0);
}
