//! What can't go on: items that fail, and configurations that are wrong.

use enrich::rehearse;
use schemas::Signal;

use super::{applied, attribute, decoded, encoded, span, steps, traces};

const FAILS_ON_TEXT: &str = r#"
steps:
  - transform/first: {trace_statements: ['set(span.attributes["first"], true)']}
  - transform/number:
      error_mode: ERROR_MODE
      trace_statements: ['set(span.name, Concat([span.name, "x"], ""))', 'set(span.attributes["n"], ParseInt(span.attributes["n"], 10))']
"#;

#[test]
fn a_statement_that_fails_is_passed_over() {
    let request = traces(&[(
        &[],
        &[
            span(1, 0, "a", &[attribute("n", "1")]),
            span(2, 0, "b", &[attribute("n", "no")]),
        ],
    )]);
    let found = applied(
        &FAILS_ON_TEXT.replace("ERROR_MODE", "ignore"),
        Signal::Traces,
        &request,
    );
    assert_eq!((found.clean.len(), found.dead.len()), (1, 0));
    let clean = decoded(Signal::Traces, &found.clean[0]).to_string();
    assert!(
        clean.contains("\"ax\"") && clean.contains("\"bx\"") && clean.contains("\"no\""),
        "{clean}"
    );
}

/// Only the items that failed, and as they came: what steps did before is not in them.
#[test]
fn an_item_that_fails_goes_to_the_dead_letters_alone() {
    let items: Vec<_> = (1..=9)
        .map(|n| {
            span(
                n,
                0,
                "a",
                &[attribute("n", if n % 3 == 0 { "no" } else { "1" })],
            )
        })
        .collect();
    let request = traces(&[(&[], &items)]);
    let found = applied(
        &FAILS_ON_TEXT.replace("ERROR_MODE", "propagate"),
        Signal::Traces,
        &request,
    );
    let failed: Vec<_> = items.iter().skip(2).step_by(3).cloned().collect();
    assert_eq!(found.dead.len(), 1);
    let (letter, reason) = &found.dead[0];
    assert_eq!(letter, &encoded(Signal::Traces, &traces(&[(&[], &failed)])));
    assert_eq!(
        reason,
        "the statement or condition number 2 of the step `transform/number` failed on it"
    );
    let clean = decoded(Signal::Traces, &found.clean[0]);
    assert_eq!(
        clean["resourceSpans"][0]["scopeSpans"][0]["spans"]
            .as_array()
            .map(Vec::len),
        Some(6)
    );
}

/// Redaction refuses by numbers of the record that it sees; steps have taken items out of it, and put them in another order.
#[test]
fn what_redaction_refuses_is_found_in_the_record_that_came() {
    // An attribute that is not UTF-8.
    let bad = b"\xff\xfe";
    let item = |n: u8, tenant: &str| {
        span(
            n,
            0,
            &format!("name {n}"),
            &[attribute("tenant", tenant), attribute("bytes", "??")],
        )
    };
    let items = [
        item(1, "red"),
        item(2, "drop"),
        item(3, "blue"),
        item(4, "red"),
        item(5, "blue"),
    ];
    let config = steps(
        r#"
steps:
  - filter: {trace_conditions: ['span.attributes["tenant"] == "drop"']}
  - transform: {trace_statements: ['set(resource.attributes["tenant"], span.attributes["tenant"])']}
redact: {delete: [x]}
"#,
    )
    .unwrap_or_else(|report| panic!("{report}"));
    let mut request = encoded(Signal::Traces, &traces(&[(&[], &items)])).to_vec();
    // The third and the fourth are bad.
    let places: Vec<_> = request
        .windows(2)
        .enumerate()
        .filter(|(_, bytes)| bytes == b"??")
        .map(|(at, _)| at)
        .collect();
    for at in &places[2..4] {
        request[*at..at + 2].copy_from_slice(bad);
    }
    let found = rehearse(&config, Signal::Traces, None, request.into(), 1 << 20);
    assert_eq!(found.dead.len(), 1, "{:?}", found.dead);
    let letter = String::from_utf8_lossy(&found.dead[0].0).into_owned();
    for n in 1..=5 {
        assert_eq!(
            letter.contains(&format!("name {n}")),
            [3, 4].contains(&n),
            "{n}: {letter}"
        );
    }
    let clean = String::from_utf8_lossy(&found.clean[0]).into_owned();
    for n in 1..=5 {
        assert_eq!(
            clean.contains(&format!("name {n}")),
            [1, 5].contains(&n),
            "{n}: {clean}"
        );
    }
    assert_eq!(found.dropped, 1);
}

#[test]
fn an_item_that_a_step_makes_too_large_goes_alone() {
    let config = steps(
        "steps: [{transform: {trace_statements: ['set(span.attributes[\"copy\"], span.attributes[\"big\"])']}}]\n",
    );
    let config = config.unwrap_or_else(|report| panic!("{report}"));
    let big = "x".repeat(600);
    let items = [
        span(1, 0, "a", &[]),
        span(2, 0, "b", &[attribute("big", &big)]),
        span(3, 0, "c", &[]),
    ];
    let request = encoded(Signal::Traces, &traces(&[(&[], &items)]));
    let found = rehearse(&config, Signal::Traces, None, request, 1000);
    assert_eq!(found.dead.len(), 1);
    assert_eq!(
        found.dead[0].0,
        encoded(Signal::Traces, &traces(&[(&[], &items[1..2])]))
    );
    assert!(
        found.dead[0].1.starts_with("the record takes "),
        "{}",
        found.dead[0].1
    );
}

/// All at once, each with its place and its column.
#[test]
fn everything_that_is_wrong_is_told() {
    let report = steps(
        r#"
steps:
  - transform:
      trace_statements:
        - 'set(span.nme, "x")'
        - 'sett(span.name, "x")'
      log_statements:
        - {context: span, statements: ['set(name, "x")']}
  - filter: {trace_conditions: ['span.name = "a"']}
  - filter: {trace_conditions: ['span.name == "a"']}
  - attributes: {actions: [{key: a, action: insert}, {key: b, action: extract, pattern: '([a-z]+)'}, {action: delete}]}
  - resorce: {attributes: []}
  - {filter/a: {trace_conditions: ['true']}, filter/b: {trace_conditions: ['true']}}
  - transform/nothing: {}
"#,
    )
    .map(drop)
    .expect_err("it is wrong");
    for part in [
        "column 5: no path `span.nme`",
        "no editor `sett`",
        "logs have no context `span`: known are log, scope, resource",
        "there is another `filter` before",
        "the action `insert` needs `value`, `from_attribute` or `default_value`",
        "every group needs a name",
        "the key `key` is missing",
        "unknown key `resorce`",
        "a step has one key, its kind, but this has 2",
        "has no statements",
    ] {
        assert!(report.contains(part), "no {part:?} in\n{report}");
    }
}
