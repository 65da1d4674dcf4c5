//! `filter`.

use schemas::Signal;
use serde_json::json;

use super::{applied, attribute, check, logs, span, traces};

#[test]
fn spans_go_and_orphans_are_counted() {
    let redis = attribute("db.system.name", "redis");
    let request = traces(&[(
        &[],
        &[
            span(1, 0, "a", &[]),
            span(2, 1, "hit", &[redis]),
            span(3, 2, "b", &[]),
            span(4, 1, "c", &[]),
        ],
    )]);
    let yaml = r#"
steps:
  - filter/cache-hits:
      trace_conditions: ['span.attributes["db.system.name"] == "redis" and span.status.code != STATUS_CODE_ERROR']
"#;
    let expected = traces(&[(
        &[],
        &[
            span(1, 0, "a", &[]),
            span(3, 2, "b", &[]),
            span(4, 1, "c", &[]),
        ],
    )]);
    check(yaml, Signal::Traces, &request, &expected);
    let found = applied(yaml, Signal::Traces, &request);
    assert_eq!((found.dropped, found.orphans), (1, 1));
}

#[test]
fn a_record_of_which_nothing_is_left_is_not_written() {
    let request = traces(&[(&[], &[span(1, 0, "a", &[])])]);
    let found = applied(
        "steps: [{filter: {trace_conditions: ['span.name == \"a\"']}}]\n",
        Signal::Traces,
        &request,
    );
    assert_eq!(
        (found.clean.len(), found.dead.len(), found.dropped),
        (0, 0, 1)
    );
}

#[test]
fn both_forms_say_the_same() {
    let mut with_events = span(1, 0, "a", &[]);
    with_events["events"] = json!([{"name": "noise"}, {"name": "exception"}]);
    let request = traces(&[
        (
            &[attribute("env", "prod")],
            &[with_events.clone(), span(2, 0, "drop", &[])],
        ),
        (&[attribute("env", "test")], &[span(3, 0, "c", &[])]),
    ]);
    let mut kept = with_events;
    kept["events"] = json!([{"name": "exception"}]);
    let expected = traces(&[(&[attribute("env", "prod")], &[kept])]);
    let newer = r#"
steps:
  - filter:
      trace_conditions:
        - {context: resource, conditions: ['attributes["env"] == "test"']}
        - {context: span, conditions: ['name == "drop"']}
        - {context: spanevent, conditions: ['name == "noise"']}
"#;
    let older = r#"
steps:
  - filter:
      traces: {resource: ['attributes["env"] == "test"'], span: ['name == "drop"'], spanevent: ['name == "noise"']}
"#;
    check(newer, Signal::Traces, &request, &expected);
    check(older, Signal::Traces, &request, &expected);
}

#[test]
fn log_records_go_by_severity() {
    let record = |severity: u8| json!({"severityNumber": severity});
    let yaml =
        "steps: [{filter: {log_conditions: ['log.severity_number < SEVERITY_NUMBER_INFO']}}]\n";
    let request = logs(&[], &[record(5), record(9), record(17)]);
    check(
        yaml,
        Signal::Logs,
        &request,
        &logs(&[], &[record(9), record(17)]),
    );
    let older =
        "steps: [{filter: {logs: {log_record: ['severity_number < SEVERITY_NUMBER_INFO']}}}]\n";
    check(
        older,
        Signal::Logs,
        &request,
        &logs(&[], &[record(9), record(17)]),
    );
}
