//! `attributes` and `resource`.

use schemas::Signal;
use serde_json::{Value, json};

use super::{attribute, check, out, span, traces};

/// Actions make these attributes of those.
#[track_caller]
fn acted(actions: &str, before: &[Value], after: &[Value]) {
    let yaml = format!("steps:\n  - attributes:\n      actions:\n{actions}");
    let request = traces(&[(&[], &[span(1, 0, "a", before)])]);
    check(
        &yaml,
        Signal::Traces,
        &request,
        &traces(&[(&[], &[span(1, 0, "a", after)])]),
    );
}

#[test]
fn values_are_inserted_updated_and_upserted() {
    let (a, b) = (attribute("a", "1"), attribute("b", "2"));
    acted(
        "        - {key: a, value: x, action: insert}\n        - {key: c, value: x, action: insert}\n",
        &[a.clone(), b.clone()],
        &[a.clone(), b.clone(), attribute("c", "x")],
    );
    acted(
        "        - {key: a, value: x, action: update}\n        - {key: c, value: x, action: update}\n",
        &[a.clone(), b.clone()],
        &[attribute("a", "x"), b.clone()],
    );
    acted(
        "        - {key: a, from_attribute: b, action: upsert}\n        - {key: c, from_attribute: none, action: upsert}\n        - {key: d, from_attribute: none, default_value: 5, action: upsert}\n",
        &[a, b.clone()],
        &[
            attribute("a", "2"),
            b,
            json!({"key": "d", "value": {"intValue": "5"}}),
        ],
    );
}

#[test]
fn attributes_are_deleted_by_key_and_by_pattern() {
    let before = [
        attribute("a", "1"),
        attribute("http.x", "2"),
        attribute("http.y", "3"),
        attribute("b", "4"),
    ];
    acted(
        "        - {key: a, pattern: '^http\\.', action: delete}\n",
        &before,
        &[attribute("b", "4")],
    );
}

#[test]
fn text_is_taken_apart() {
    acted(
        "        - {key: url, pattern: '^(?P<scheme>[a-z]+)://(?P<host>[^/]+)', action: extract}\n",
        &[attribute("url", "https://shop/x"), attribute("host", "old")],
        &[
            attribute("url", "https://shop/x"),
            attribute("host", "shop"),
            attribute("scheme", "https"),
        ],
    );
    acted(
        "        - {key: url, pattern: '(?P<n>[0-9]+)', action: extract}\n",
        &[attribute("url", "x")],
        &[attribute("url", "x")],
    );
}

#[test]
fn types_are_converted_where_that_is_possible() {
    let int = |key: &str, value: i64| json!({"key": key, "value": {"intValue": value.to_string()}});
    acted(
        "        - {key: a, converted_type: int, action: convert}\n",
        &[attribute("a", "12")],
        &[int("a", 12)],
    );
    acted(
        "        - {key: a, converted_type: int, action: convert}\n",
        &[attribute("a", "x")],
        &[attribute("a", "x")],
    );
    acted(
        "        - {key: a, converted_type: string, action: convert}\n",
        &[int("a", 5)],
        &[attribute("a", "5")],
    );
    acted(
        "        - {key: a, converted_type: double, action: convert}\n",
        &[int("a", 5)],
        &[json!({"key": "a", "value": {"doubleValue": 5.0}})],
    );
}

/// The same value gives the same hash, whoever hashes it: the step or redaction.
#[test]
fn hashes_are_those_of_redaction() {
    let request = traces(&[(
        &[],
        &[span(
            1,
            0,
            "a",
            &[attribute("user", "ann"), attribute("id", "ann")],
        )],
    )]);
    let yaml = r#"
steps: [{attributes: {actions: [{key: user, action: hash}]}}]
redact: {hash: {keys: [id], key: sixteen-bytes-and-more}}
"#;
    let found = out(yaml, Signal::Traces, &request);
    let attributes = &found["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["attributes"];
    assert_eq!(attributes[0]["value"], attributes[1]["value"]);
    assert_eq!(
        attributes[0]["value"]["stringValue"].as_str().map(str::len),
        Some(64)
    );
}

/// A hundred thousand attributes fit into a span of a megabyte.
#[test]
fn many_attributes_take_no_time() {
    let many: Vec<_> = (0..50_000)
        .map(|n| attribute(&format!("a{n}"), ""))
        .collect();
    let request = traces(&[(&[], &[span(1, 0, "a", &many)])]);
    let yaml = r#"
steps:
  - attributes: {actions: [{pattern: '^a', action: hash}, {pattern: '^a.*[1-9]$', action: delete}]}
  - transform: {trace_statements: ['keep_matching_keys(span.attributes, "00$")']}
redact: {hash: {key: sixteen-bytes-and-more}}
"#;
    let config = super::steps(yaml).unwrap_or_else(|report| panic!("{report}"));
    let request = super::encoded(Signal::Traces, &request);
    let found = enrich::rehearse(&config, Signal::Traces, None, request, 64 << 20);
    let clean = super::decoded(Signal::Traces, &found.clean[0]);
    let left = clean["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["attributes"].as_array();
    // 100, 200, … 49,900.
    assert_eq!(left.map(Vec::len), Some(499));
}

/// Of a name that is there twice, neither value may stay.
#[test]
fn all_attributes_of_a_name_are_hashed() {
    let twice = [attribute("user", "ann"), attribute("user", "bob")];
    let request = traces(&[(&[], &[span(1, 0, "a", &twice)])]);
    let yaml = r#"
steps: [{attributes: {actions: [{key: user, action: hash}]}}]
redact: {hash: {key: sixteen-bytes-and-more}}
"#;
    let found = out(yaml, Signal::Traces, &request).to_string();
    assert!(!found.contains("ann") && !found.contains("bob"), "{found}");
}
