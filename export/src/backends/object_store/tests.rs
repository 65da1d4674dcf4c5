//! What the section says, and that a batch makes the same objects whoever makes them.
#![allow(clippy::unwrap_used)]

use bus::{Fetched, Header};
use bytes::Bytes;
use runtime::config::Problems;
use schemas::Signal;
use serde_json::{Value, json};

use super::sink::ObjectStoreSink;
use crate::backends::kind::Sink;
use crate::backends::table::Kind;
use crate::config::RawConfig;
use crate::records::batch::Batch;
use crate::records::entry::Entry;

/// The problems of a configuration with these sections, by path.
fn problems(sections: &[Value]) -> Vec<String> {
    let backends = sections.iter().enumerate().map(|(index, section)| {
        let mut backend = section.get("backend").cloned().unwrap_or_else(|| json!({}));
        backend["name"] = json!(format!("b{index}"));
        let mut section = section.clone();
        section.as_object_mut().unwrap().remove("backend");
        backend["object_store"] = section;
        backend
    });
    let raw = json!({"backends": backends.collect::<Vec<_>>()});
    let raw: RawConfig = serde_json::from_value(raw).unwrap();
    let mut problems = Problems::new();
    raw.validate("export", &mut problems);
    problems
        .iter()
        .map(|problem| format!("{problem:?}"))
        .collect()
}

#[track_caller]
fn wrong(section: Value, expected: &str) {
    let found = problems(&[section]);
    assert!(
        matches!(&found[..], [one] if one.contains(expected)),
        "{expected}: {found:?}"
    );
}

#[test]
fn sections() {
    let url = "s3://b/p";
    assert_eq!(problems(&[json!({"url": url})]), Vec::<String>::new());
    wrong(json!({}), "object_store.url");
    wrong(json!({"url": url, "layout": "{date}"}), "no `{signal}`");
    wrong(
        json!({"url": url, "layout": "{signal}/{when}"}),
        "none of {signal}",
    );
    wrong(
        json!({"url": url, "by": "item", "layout": "{signal}/{date}"}),
        "overwrite each other",
    );
    wrong(json!({"url": url, "compression": "gzip"}), "zstd or none");
    wrong(
        json!({"url": url, "format": "otlp_json", "raw": true}),
        "object_store.raw",
    );
    wrong(json!({"url": url, "memory_limit": "1MiB"}), "memory_limit");
    wrong(
        json!({"url": url, "roll": {"interval": "0s"}}),
        "roll.interval",
    );
    wrong(
        json!({"url": url, "login": {"access_key_id": "a"}}),
        "go together",
    );
    wrong(
        json!({"url": url, "login": {"account_key": "a"}}),
        "has no use for it",
    );
    wrong(
        json!({"url": url, "backend": {"batch": {"bytes": "1MiB"}}}),
        "in its own section",
    );
    let one_signal = json!({"url": url, "layout": "{date}", "backend": {"signals": ["logs"]}});
    assert_eq!(problems(&[one_signal]), Vec::<String>::new());
    let same = problems(&[json!({"url": url}), json!({"url": "s3://b/p/"})]);
    assert!(
        matches!(&same[..], [one] if one.contains("prefix of its own")),
        "{same:?}"
    );
    let other = problems(&[
        json!({"url": url}),
        json!({"url": url, "format": "otlp_json"}),
    ]);
    assert_eq!(other, Vec::<String>::new());
}

#[test]
fn secrets_are_not_shown() {
    let raw = json!({"backends": [{"name": "a", "object_store": {
        "url": "s3://b", "login": {"access_key_id": "id", "secret_access_key": "hidden", "session_token": "hidden"}}}]});
    let raw: RawConfig = serde_json::from_value(raw).unwrap();
    let config = raw.validate("export", &mut Problems::new());
    let shown = format!(
        "{raw:?} {config:?} {}",
        serde_json::to_string(&raw).unwrap()
    );
    assert!(!shown.contains("hidden"));
}

fn sink(section: &Value) -> ObjectStoreSink {
    let raw = json!({"backends": [{"name": "a", "object_store": section}]});
    let raw: RawConfig = serde_json::from_value(raw).unwrap();
    let mut problems = Problems::new();
    let config = raw.validate("export", &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    let Kind::ObjectStore(config) = &config.backends[0].kind else {
        panic!("another kind");
    };
    ObjectStoreSink::open(config).unwrap()
}

fn batch(spans: usize, tenants: &[&'static str]) -> Batch {
    let entry = |(offset, tenant): (usize, &&'static str)| {
        let spans: Vec<_> = (0..spans)
            .map(|span| {
                let id = offset * spans + span + 1;
                json!({"traceId": format!("{id:032x}"), "spanId": format!("{id:016x}"), "name": format!("n{}", id % 7),
                    "startTimeUnixNano": (id as u64 * 3_600_000_000_000).to_string(),
                    "attributes": [{"key": "k", "value": {"intValue": id.to_string()}}]})
            })
            .collect();
        let json = json!({"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "s"}}]},
            "scopeSpans": [{"spans": spans}]}]});
        let value =
            schemas::json::to_protobuf(Signal::Traces, json.to_string().as_bytes()).unwrap();
        Entry::new(Fetched {
            topic: "t.clean".into(),
            partition: 1,
            offset: offset as u64,
            timestamp_ms: 1_700_000_000_000,
            headers: vec![Header {
                name: schemas::headers::TENANT.into(),
                value: Bytes::from_static(tenant.as_bytes()),
            }],
            value: value.into(),
        })
    };
    tenants.iter().enumerate().map(entry).collect()
}

/// Whoever takes over makes the same objects again, byte for byte.
#[test]
fn the_same_batch_makes_the_same_objects() {
    let batch = batch(200, &["a", "", "a", "b"]);
    for section in [
        json!({"url": "file:///x"}),
        json!({"url": "file:///x", "raw": true, "by": "item"}),
        json!({"url": "file:///x", "layout": "{signal}/{tenant}/{date}/{hour}", "format": "otlp_proto"}),
        json!({"url": "file:///x", "format": "otlp_json", "compression": "gzip"}),
    ] {
        let made = |sink: &ObjectStoreSink| sink.prepare(Signal::Traces, &batch).unwrap();
        let one = made(&sink(&section));
        let two = made(&sink(&section));
        assert!(one.objects == two.objects, "{section}");
        let mut paths: Vec<_> = one.objects.iter().map(|(path, _)| path).collect();
        paths.sort_unstable();
        paths.dedup();
        assert_eq!(
            paths.len(),
            one.objects.len(),
            "one would overwrite the other"
        );
    }
}

/// As many objects as there are hours would be a means to make millions; what is beyond the bound goes to the hour of receipt.
#[test]
fn times_that_are_all_over_the_place() {
    let request = |spans, tenants: &[&'static str]| {
        let section =
            json!({"url": "file:///x", "by": "item", "layout": "{signal}/{tenant}/{date}/{hour}"});
        sink(&section).prepare(Signal::Traces, &batch(spans, tenants))
    };
    assert_eq!(request(40, &["a"]).unwrap().objects.len(), 40);
    assert_eq!(request(400, &["a"]).unwrap().objects.len(), 49);
    // Too many tenants: a part of the batch has fewer.
    let names: Vec<&'static str> = (0..120).map(|index| &*format!("t{index}").leak()).collect();
    let refused = request(2, &names).err().unwrap();
    assert!(refused.contains("more than 96 objects"), "{refused}");
}

#[test]
fn a_malformed_record_is_named() {
    let mut batch = batch(1, &["a", "a"]);
    let mut bytes = batch.entries[1].record.value.to_vec();
    let last = bytes.len() - 1;
    bytes[last] = 0xff;
    bytes[last - 1] = 0xff;
    batch.entries[1].record.value = bytes.into();
    for format in ["parquet", "otlp_json"] {
        let section = json!({"url": "file:///x", "format": format});
        let refused = sink(&section)
            .prepare(Signal::Traces, &batch)
            .err()
            .unwrap();
        assert!(refused.contains("at offset 1"), "{refused}");
    }
}
