//! What was archived comes back, byte for byte.

use std::collections::BTreeMap;
use std::path::Path;

use schemas::Signal;
use schemas::otlp::Items;
use tests::duckdb::Duckdb;

use super::{backend, files, url};
use crate::support::telemetry::{from_json, gauge, one_log, one_metric, spans};
use crate::support::{Running, all_committed, dead_letters, metric, open_bus, publish};

/// How often there is an item: what stands round its resource and its scope, and its own bytes.
type Counted = BTreeMap<(Vec<u8>, Vec<u8>, Vec<u8>), usize>;

fn count(request: &[u8], counted: &mut Counted) {
    for item in Items::new(request) {
        let item = item.unwrap();
        let (mut resource, mut scope) = (Vec::new(), Vec::new());
        item.resource.write(&mut resource);
        item.scope.write(&mut scope);
        *counted
            .entry((resource, scope, item.body.to_vec()))
            .or_default() += 1;
    }
}

fn records(signal: Signal) -> Vec<Vec<u8>> {
    let odd = r#"{"resourceSpans": [{"schemaUrl": "u"}, {"scopeSpans": [{"scope": {"name": "a"}, "spans": [{}, {}]},
        {"schemaUrl": "v", "spans": [{"startTimeUnixNano": "9", "attributes": [{"key": "a"}, {"key": "a"}]}]}]}]}"#;
    match signal {
        Signal::Traces => vec![
            spans(0..20, 3),
            from_json(signal, odd.as_bytes()),
            spans(0..2, 0),
            spans([7], 100_000),
        ],
        Signal::Logs => vec![one_log("a"), one_log(""), one_log("b")],
        Signal::Metrics => vec![
            one_metric("m"),
            gauge("g", [1, 7_200_000_000_000, 3]),
            from_json(
                signal,
                br#"{"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "without points"}]}]}]}"#,
            ),
        ],
    }
}

/// Archives all signals; of each signal, the items that went in and the folder that has them.
fn archive(name: &str, keys: &str, check: impl Fn(Signal, &Path) -> Counted) {
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(&dir.path().join("bus"));
    let out = dir.path().join("out");
    for signal in Signal::ALL {
        publish(&*bus, signal, 0, records(signal));
        publish(&*bus, signal, 1, records(signal));
    }
    let keys = format!("roll: {{interval: 50ms}}, {keys}");
    let running = Running::start(&bus, &[backend(name, &url(&out), &keys)]);
    for signal in Signal::ALL {
        all_committed(&*bus, name, signal);
    }
    running.stop();
    assert_eq!(dead_letters(&*bus).len(), 0);
    assert!(metric(export::names::DELIVERED, name) > 0.0);
    for signal in Signal::ALL {
        let mut expected = Counted::new();
        for record in records(signal).iter().chain(&records(signal)) {
            count(record, &mut expected);
        }
        let found = check(signal, &out.join(signal.name()));
        assert!(
            found == expected,
            "{name} {signal:?}: {found:?}\n{expected:?}"
        );
    }
}

fn read(file: &Path) -> Vec<u8> {
    let bytes = std::fs::read(file).unwrap();
    match file.extension().unwrap().to_str().unwrap() {
        "zst" => zstd::decode_all(&bytes[..]).unwrap(),
        "gz" => {
            let mut plain = Vec::new();
            let mut from = flate2::read::GzDecoder::new(&bytes[..]);
            std::io::Read::read_to_end(&mut from, &mut plain).unwrap();
            plain
        }
        _ => bytes,
    }
}

/// Requests behind their lengths.
fn delimited(folder: &Path) -> Counted {
    let mut counted = Counted::new();
    for name in files(folder) {
        let bytes = read(&folder.join(name));
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let length = prost::decode_length_delimiter(&mut rest).unwrap();
            let (request, behind) = rest.split_at(length);
            count(request, &mut counted);
            rest = behind;
        }
    }
    counted
}

#[test]
fn otlp_as_protobuf() {
    archive("proto-zstd", "format: otlp_proto", |_, folder| {
        delimited(folder)
    });
    let keys = "format: otlp_proto, compression: gzip, by: item";
    archive("proto-gzip", keys, |_, folder| delimited(folder));
}

#[test]
fn otlp_as_json() {
    let check = |signal: Signal, folder: &Path| {
        let mut counted = Counted::new();
        for name in files(folder) {
            let text = String::from_utf8(read(&folder.join(name))).unwrap();
            for line in text.lines() {
                count(&from_json(signal, line.as_bytes()), &mut counted);
            }
        }
        counted
    };
    archive("json", "format: otlp_json, compression: none", check);
}

#[test]
fn raw_items_of_parquet() {
    let Ok(duckdb) = Duckdb::find() else { return };
    let check = |_: Signal, folder: &Path| {
        let select = format!(
            "SELECT hex(Raw) FROM read_parquet('{}/**/*.parquet') WHERE Raw IS NOT NULL",
            folder.display()
        );
        let mut counted = Counted::new();
        for row in duckdb.rows(&select) {
            let raw = const_hex::decode(row[0].as_str().unwrap()).unwrap();
            count(&raw, &mut counted);
        }
        counted
    };
    archive("raw", "raw: true", check);
    archive(
        "raw-by-item",
        "raw: true, by: item, compression: none",
        check,
    );
}
