//! `transform`.

use schemas::Signal;
use serde_json::json;

use super::{applied, attribute, check, encoded, logs, out, span, traces};

#[test]
fn statements_read_what_statements_before_them_wrote() {
    let request = traces(&[(
        &[],
        &[span(
            1,
            0,
            "GET /cart/77",
            &[attribute("url.path", "/cart/77")],
        )],
    )]);
    let expected = traces(&[(
        &[],
        &[span(
            1,
            0,
            "GET /cart",
            &[
                attribute("url.path", "/cart/77"),
                attribute("http.route", "/cart"),
            ],
        )],
    )]);
    let yaml = r#"
steps:
  - transform:
      trace_statements:
        - 'set(span.attributes["http.route"], "/cart") where IsMatch(span.attributes["url.path"], "^/cart/[0-9]+$")'
        - 'set(span.name, Concat(["GET", span.attributes["http.route"]], " ")) where span.attributes["http.route"] != nil'
"#;
    check(yaml, Signal::Traces, &request, &expected);
}

#[test]
fn what_no_step_changes_goes_on_as_it_came() {
    // Two resources with equal heads: packed anew they would be one.
    let one = span(1, 0, "a", &[]);
    let other = span(2, 0, "b", &[]);
    let request = traces(&[
        (&[attribute("k", "v")], &[one]),
        (&[attribute("k", "v")], &[other]),
    ]);
    let yaml = r#"
steps:
  - transform: {trace_statements: ['set(span.name, "x") where span.name == "c"']}
  - filter: {trace_conditions: ['span.name == "c"']}
"#;
    let came = encoded(Signal::Traces, &request);
    assert_eq!(applied(yaml, Signal::Traces, &request).clean, [came]);
}

#[test]
fn a_step_sees_what_the_steps_before_it_made() {
    let request = traces(&[(&[], &[span(1, 0, "a", &[]), span(2, 1, "b", &[])])]);
    let yaml = r#"
steps:
  - transform/first: {trace_statements: ['set(span.attributes["seen"], span.name)']}
  - filter: {trace_conditions: ['span.attributes["seen"] == "b"']}
  - transform/last: {trace_statements: ['delete_key(span.attributes, "seen")']}
"#;
    let expected = traces(&[(&[], &[span(1, 0, "a", &[])])]);
    check(yaml, Signal::Traces, &request, &expected);
}

#[test]
fn events_are_changed_one_by_one() {
    let mut with_events = span(1, 0, "a", &[]);
    with_events["events"] = json!([
        {"name": "one", "attributes": [attribute("n", "1")]},
        {"name": "two"},
        {"name": "three"},
    ]);
    let yaml = r#"
steps:
  - transform:
      trace_statements:
        - context: spanevent
          statements: ['set(name, Concat([name, span.name], "-")) where event_index != 1']
        - context: spanevent
          conditions: ['IsMatch(name, "^one")']
          statements: ['set(attributes["m"], attributes["n"])']
"#;
    let mut expected = with_events.clone();
    expected["events"] = json!([
        {"name": "one-a", "attributes": [attribute("n", "1"), attribute("m", "1")]},
        {"name": "two"},
        {"name": "three-a"},
    ]);
    check(
        yaml,
        Signal::Traces,
        &traces(&[(&[], &[with_events])]),
        &traces(&[(&[], &[expected])]),
    );
}

#[test]
fn log_records_are_transformed_too() {
    let record = json!({"severityNumber": 9, "body": {"stringValue": "user=ann action=pay"}});
    let yaml = r#"
steps:
  - transform:
      log_statements:
        - 'merge_maps(log.attributes, ExtractPatterns(log.body, "user=(?P<user>[a-z]+)"), "upsert")'
        - 'set(log.severity_text, "INFO") where log.severity_number == SEVERITY_NUMBER_INFO'
"#;
    let expected = json!({
        "severityNumber": 9, "severityText": "INFO", "body": {"stringValue": "user=ann action=pay"},
        "attributes": [attribute("user", "ann")],
    });
    check(
        yaml,
        Signal::Logs,
        &logs(&[], &[record]),
        &logs(&[], &[expected]),
    );
}

#[test]
fn the_cache_belongs_to_one_item() {
    let request = traces(&[(&[], &[span(1, 0, "a", &[]), span(2, 0, "b", &[])])]);
    let yaml = r#"
steps:
  - transform:
      trace_statements:
        - 'set(span.attributes["before"], span.cache["name"])'
        - 'set(span.cache["name"], span.name)'
        - 'set(span.attributes["after"], span.cache["name"])'
"#;
    let expected = traces(&[(
        &[],
        &[
            span(1, 0, "a", &[attribute("after", "a")]),
            span(2, 0, "b", &[attribute("after", "b")]),
        ],
    )]);
    check(yaml, Signal::Traces, &request, &expected);
}

/// Redaction comes last, and sees everything that a step has added.
#[test]
fn nothing_that_a_step_adds_escapes_redaction() {
    let request = traces(&[(
        &[],
        &[span(1, 0, "a", &[attribute("mail", "ann@example.org")])],
    )]);
    let yaml = r#"
steps:
  - transform: {trace_statements: ['set(span.name, span.attributes["mail"])', 'set(span.attributes["user"], span.attributes["mail"])']}
redact:
  delete: [user]
  mask: [{name: mail, pattern: '[a-z]+@[a-z.]+'}]
"#;
    let found = out(yaml, Signal::Traces, &request);
    assert!(!found.to_string().contains("ann@"), "{found}");
    assert!(!found.to_string().contains("user"), "{found}");
}

/// Whatever one group put into the cache, the next one doesn't find.
#[test]
fn the_cache_belongs_to_one_group() {
    let yaml = r#"
steps:
  - transform:
      trace_statements:
        - {context: span, statements: ['set(cache["name"], name)']}
        - {context: span, statements: ['set(attributes["found"], cache["name"])']}
        - {context: resource, statements: ['set(attributes["found"], cache["name"])']}
  - filter: {trace_conditions: [{context: span, conditions: ['cache["name"] != nil']}]}
"#;
    let request = traces(&[(&[], &[span(1, 0, "a", &[]), span(2, 0, "b", &[])])]);
    check(yaml, Signal::Traces, &request, &request);
}

/// Half a million events fit into a span of a megabyte: a walk from the first to each of them would take hours.
#[test]
fn a_span_of_many_events_takes_no_time() {
    let mut with_events = span(1, 0, "a", &[]);
    with_events["events"] = json!(vec![json!({}); 200_000]);
    let yaml = "steps: [{filter: {trace_conditions: ['IsMatch(spanevent.name, \"^x\")']}}]\n";
    let found = applied(yaml, Signal::Traces, &traces(&[(&[], &[with_events])]));
    assert_eq!((found.clean.len(), found.dead.len()), (1, 0));
}

/// It is the time of the record: the same for all of its items, and in tests that of the test.
#[test]
fn now_is_when_the_record_was_published() {
    let yaml = r#"
steps:
  - transform: {trace_statements: ['set(span.attributes["at"], UnixNano(Now()))']}
  - filter: {trace_conditions: ['span.attributes["at"] != UnixNano(Now()) or Now() < Time("2024-01-01", "%Y-%m-%d")']}
"#;
    let spans = [span(1, 0, "a", &[]), span(2, 0, "b", &[])];
    let found = applied(yaml, Signal::Traces, &traces(&[(&[], &spans)]));
    assert_eq!((found.dropped, found.clean.len()), (0, 1));
}
