//! Rows without a server: order of columns, what is copied, and that damaged input is an error.
#![allow(clippy::unwrap_used)]

use bus::Fetched;
use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::backends::clickhouse::config::RawClickhouse;
use crate::backends::clickhouse::schema::plan::Plan;
use crate::backends::clickhouse::schema::tables::TableId;
use crate::backends::kind::BackendKind;
use crate::records::entry::Entry;
use rowbinary::{put_id, put_text};

/// Tables as we create them, with these columns alone where any are named; JSON is what the server answers.
fn tables(signal: Signal, only: &[&str]) -> Tables {
    let layout = crate::backends::clickhouse::ClickhouseConfig::validate(
        &RawClickhouse {
            endpoint: "http://h:8123".to_owned(),
            ..RawClickhouse::default()
        },
        &[signal],
        "",
        &mut runtime::config::Problems::new(),
    )
    .layout;
    let plan = |table: &TableId| {
        let columns = table.columns();
        let rows: Vec<_> = columns
            .iter()
            .map(|column| serde_json::json!([column.name, column.sql(), "", "", "", "", ""]))
            .collect();
        let description = serde_json::json!({ "data": rows }).to_string();
        let mut plan = Plan::new(&layout, *table, description.as_bytes()).unwrap();
        if !only.is_empty() {
            plan.preamble.clear();
            let names = |columns: String| only.contains(&columns.as_str());
            plan.head.retain(|step| names(format!("{:?}", step.column)));
            plan.span.retain(|step| names(format!("{:?}", step.column)));
        }
        Ok(plan)
    };
    Tables(TableId::of(signal).iter().map(plan).collect())
}

fn batch(values: impl IntoIterator<Item = Vec<u8>>) -> Batch {
    let entry = |(offset, value): (u64, Vec<u8>)| {
        Entry::new(Fetched {
            topic: "t".into(),
            partition: 0,
            offset,
            timestamp_ms: 0,
            headers: vec![],
            value: Bytes::from(value),
        })
    };
    (0..).zip(values).map(entry).collect()
}

fn request(signal: Signal, json: &str) -> Vec<u8> {
    schemas::json::to_protobuf(signal, json.as_bytes()).unwrap()
}

fn plain(encoded: &Encoded) -> Vec<u8> {
    encoded.payload.chunks().flatten().copied().collect()
}

#[test]
fn columns_of_a_scope_are_copied_into_each_row() {
    let scopes = |service: &str, ids: &[&str]| {
        let scope = |id: &&str| {
            format!(
                r#"{{"scope": {{"name": "lib{id}"}}, "spans": [{{"spanId": "{id}"}}, {{"spanId": "{id}"}}]}}"#
            )
        };
        let scopes: Vec<_> = ids.iter().map(scope).collect();
        format!(
            r#"{{"resource": {{"attributes": [{{"key": "service.name", "value": {{"stringValue": "{service}"}}}}]}}, "scopeSpans": [{}]}}"#,
            scopes.join(",")
        )
    };
    let (a, b) = ("00000000000000aa", "00000000000000bb");
    let first = request(
        Signal::Traces,
        &format!(
            r#"{{"resourceSpans": [{}, {}]}}"#,
            scopes("one", &[a, b]),
            scopes("two", &[a])
        ),
    );
    let second = request(
        Signal::Traces,
        &format!(r#"{{"resourceSpans": [{}]}}"#, scopes("three", &[b])),
    );
    let tables = tables(Signal::Traces, &["ServiceName", "ScopeName", "SpanId"]);
    let encoded = encode(
        Signal::Traces,
        &batch([first, second]),
        &tables,
        Compression::None,
    )
    .unwrap();
    assert_eq!(encoded.len(), 1);
    let mut expected = Vec::new();
    for (service, id) in [("one", a), ("one", b), ("two", a), ("three", b)] {
        for _ in 0..2 {
            put_text(&mut expected, service.as_bytes());
            put_text(&mut expected, format!("lib{id}").as_bytes());
            put_text(&mut expected, id.as_bytes());
        }
    }
    assert_eq!(plain(&encoded[0]), expected);
}

#[test]
fn columns_are_named_in_the_order_of_their_values() {
    let tables = tables(Signal::Metrics, &[]);
    let plan = tables.0[1].as_ref().unwrap();
    let place = |name: &str| plan.insert.find(&format!("`{name}`")).unwrap();
    assert!(
        plan.insert
            .starts_with("INSERT INTO `default`.`otel_metrics_sum` (`ResourceAttributes`, ")
    );
    assert!(plan.insert.ends_with(") FORMAT RowBinaryWithNamesAndTypes"));
    assert!(place("ServiceName") < place("MetricName"));
    assert!(place("IsMonotonic") < place("Value"));
    assert!(place("Exemplars.Value") < place("Exemplars.TraceId"));
}

/// What compression has done is undone by a reader of the standard format, over several pieces.
#[test]
fn compressed_rows_are_the_same_rows() {
    let span = format!(r#"{{"name": "{}"}}"#, "name ".repeat(20_000));
    let json =
        format!(r#"{{"resourceSpans": [{{"scopeSpans": [{{"spans": [{span}, {span}]}}]}}]}}"#);
    let records: Vec<_> = (0..10).map(|_| request(Signal::Traces, &json)).collect();
    let tables = tables(Signal::Traces, &[]);
    let encoded = |compression| {
        let encoded = encode(
            Signal::Traces,
            &batch(records.clone()),
            &tables,
            compression,
        );
        plain(&encoded.unwrap()[0])
    };
    let rows = encoded(Compression::None);
    assert!(rows.len() > 2_000_000);
    assert_eq!(
        zstd::decode_all(&encoded(Compression::Zstd)[..]).unwrap(),
        rows
    );
    let mut read = Vec::new();
    let lz4 = encoded(Compression::Lz4);
    std::io::Read::read_to_end(&mut lz4_flex::frame::FrameDecoder::new(&lz4[..]), &mut read)
        .unwrap();
    assert!(read == rows && lz4.len() < rows.len() / 20);
}

#[test]
fn a_table_that_can_not_be_used_is_missed_only_by_rows() {
    let mut tables = tables(Signal::Metrics, &[]);
    tables.0[2] = Err("no summaries".to_owned());
    let metric = |kind: &str| {
        let json = format!(
            r#"{{"resourceMetrics": [{{"scopeMetrics": [{{"metrics": [{{"name": "m", "{kind}": {{"dataPoints": [{{}}]}}}}, {{"name": "none"}}]}}]}}]}}"#
        );
        batch([request(Signal::Metrics, &json)])
    };
    let gauge = encode(Signal::Metrics, &metric("gauge"), &tables, Compression::Lz4).unwrap();
    assert_eq!((gauge.len(), gauge[0].table), (1, 0));
    let error = encode(
        Signal::Metrics,
        &metric("summary"),
        &tables,
        Compression::Lz4,
    )
    .unwrap_err();
    assert_eq!(error, EncodeError::Table("no summaries".to_owned()));
    let nothing = br#"{"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "none"}]}]}]}"#;
    let nothing = batch([schemas::json::to_protobuf(Signal::Metrics, nothing).unwrap()]);
    let nothing = encode(Signal::Metrics, &nothing, &tables, Compression::Lz4).unwrap();
    assert!(nothing.is_empty());
}

#[test]
fn ids_of_any_length_are_hexadecimal() {
    // A span id of three bytes.
    let value = vec![0x0a, 9, 0x12, 7, 0x12, 5, 0x12, 3, 1, 2, 3];
    let tables = tables(Signal::Traces, &["SpanId"]);
    let encoded = encode(Signal::Traces, &batch([value]), &tables, Compression::None).unwrap();
    let mut expected = Vec::new();
    put_id(&mut expected, &[1, 2, 3]);
    assert_eq!(plain(&encoded[0]), expected);
}

/// A request of each signal with everything in it.
fn full(signal: Signal) -> Vec<u8> {
    let value = r#"{"kvlistValue": {"values": [{"key": "k", "value": {"arrayValue": {"values": [{"doubleValue": 1e30}, {"bytesValue": "AAA="}]}}}]}}"#;
    let attributes = format!(
        r#""attributes": [{{"key": "a", "value": {value}}}, {{"key": "b", "value": {{"intValue": "7"}}}}]"#
    );
    let exemplars =
        r#""exemplars": [{"asInt": "1", "traceId": "0102030405060708090a0b0c0d0e0f10"}]"#;
    let (resources, scopes, items) = match signal {
        Signal::Traces => (
            "resourceSpans",
            "scopeSpans",
            format!(
                r#""spans": [{{{attributes}, "events": [{{"name": "e", {attributes}}}], "links": [{{"traceId": "0102030405060708090a0b0c0d0e0f10", {attributes}}}], "status": {{"message": "m", "code": 2}}}}]"#
            ),
        ),
        Signal::Logs => (
            "resourceLogs",
            "scopeLogs",
            format!(r#""logRecords": [{{{attributes}, "body": {value}, "eventName": "e"}}]"#),
        ),
        Signal::Metrics => (
            "resourceMetrics",
            "scopeMetrics",
            format!(
                r#""metrics": [{{"name": "g", "gauge": {{"dataPoints": [{{{attributes}, {exemplars}}}]}}}},
                {{"name": "h", "histogram": {{"dataPoints": [{{{attributes}, {exemplars}, "bucketCounts": ["1", "2"], "explicitBounds": [1]}}]}}}},
                {{"name": "e", "exponentialHistogram": {{"dataPoints": [{{{attributes}, {exemplars}, "positive": {{"offset": 1, "bucketCounts": ["1", "200"]}}}}]}}}},
                {{"name": "s", "summary": {{"dataPoints": [{{{attributes}, "quantileValues": [{{"quantile": 0.5}}]}}]}}}}]"#
            ),
        ),
    };
    request(
        signal,
        &format!(
            r#"{{"{resources}": [{{"resource": {{{attributes}}}, "schemaUrl": "u", "{scopes}": [{{"scope": {{"name": "n", {attributes}}}, {items}}}]}}]}}"#
        ),
    )
}

proptest! {
    /// On any damage: rows or an error, and no panic. The same bytes give the same rows.
    #[test]
    fn damage_is_an_error_or_rows(signal in 0..3usize, at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        let signal = Signal::ALL[signal];
        let mut value = full(signal);
        let at = at.index(value.len());
        match cut {
            true => value.truncate(at),
            false => value[at] = byte,
        }
        let tables = tables(signal, &[]);
        let encoded = || encode(signal, &batch([value.clone()]), &tables, Compression::None);
        match (encoded(), encoded()) {
            (Ok(first), Ok(second)) => {
                let plain = |all: &[Encoded]| all.iter().map(plain).collect::<Vec<_>>();
                prop_assert_eq!(plain(&first), plain(&second));
            }
            (Err(EncodeError::Record(reason)), Err(_)) => prop_assert!(reason.contains("at offset 0")),
            other => prop_assert!(false, "{:?}", other),
        }
    }
}
