//! What is wrong with routes, samples and standbys, all of it at once.
#![allow(clippy::unwrap_used)]

use super::tests::{problems_of, valid};

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let found = problems_of(
        r#"
routes:
  - {name: a, to: [vendr]}
  - {name: a, match: ['span.name == "x"'], to: [vendor]}
  - {name: c, signals: [logs], match: ['log.severity_nmber > 1'], to: [vendor]}
  - {name: d, to: [spare]}
  - {name: e, signals: [metrics], match: ['datapoint.value_int == 1'], to: [vendor]}
  - {name: f, signals: [logs], final: false}
backends:
  - {name: vendor, otlp_grpc: {endpoint: "h:1"}, sample: {traces: 101}, failover: {to: [vendor, archive, nobody]}}
  - {name: archive, stdout: {}, signals: [logs], sample: {traces: 5}, start: yesterday, concurrency: {min: 5, max: 2}}
  - {name: spare, standby: true, stdout: {}, filter: ['nonsense('], transform: ['set(span.name)']}
"#,
    );
    let expected = [
        r#"export.routes[0].to[0]: no backend of the name "vendr": did you mean "vendor"?"#,
        "export.routes[1].name: `a` is also the name of route 0",
        "export.routes[1].match[0]: would tear traces apart",
        "export.routes[2].match[0]: ",
        "export.routes[3].to[0]: `spare` is a standby",
        "export.routes[4].match[0]: looks at parts of items",
        "export.routes[5]: does nothing",
        "export.backends[0].sample.traces: 101 is not a percentage",
        "export.backends[0].failover.to[0]: is the backend itself",
        "export.backends[0].failover.to[1]: `archive` is no standby",
        r#"export.backends[0].failover.to[2]: no backend of the name "nobody""#,
        "export.backends[1].sample.traces: the backend gets no traces",
        r#"export.backends[1].start: "yesterday" is not oldest, latest, or a time"#,
        "export.backends[1].concurrency: `min` 5 is above `max` 2",
        "export.backends[2].filter[0]: ",
        "export.backends[2].transform[0]: ",
        "export.backends[2].standby: no `failover.to` names it",
    ];
    for one in expected {
        assert!(
            found.iter().any(|problem| problem.starts_with(one)),
            "{one}: {found:#?}"
        );
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
}

#[test]
fn a_condition_concerns_the_signals_that_it_can_be_about() {
    let config = valid(
        r#"
routes:
  - {name: quiet, match: ['log.severity_number < 9', 'resource.attributes["a"] == "b"'], to: [one]}
  - {name: torn, signals: [traces], match: ['span.name == "x"'], split_traces: true, to: [two]}
backends:
  - {name: one, stdout: {}}
  - {name: two, stdout: {}, failover: {to: [three]}}
  - {name: three, standby: true, file: {path: x}}
"#,
    );
    let names: Vec<_> = config
        .backends
        .iter()
        .map(|backend| &*backend.name)
        .collect();
    assert_eq!(names, ["one", "two"], "a standby doesn't run by itself");
    assert_eq!(
        config.backends[1].failover.as_ref().unwrap().to[0].0,
        "three"
    );
}

/// A key that was rotated starts its backend anew, whatever the key of the configuration that holds it; the others go on.
#[test]
fn another_secret_is_another_backend() {
    let prints = |key: &str| {
        let config = valid(&format!(
            "backends:\n  - {{name: a, datadog: {{api_key: {key}}}, signals: [traces]}}\n  - {{name: b, splunk_hec: {{endpoint: 'https://h', token: {key}}}}}\n  - {{name: c, otlp_http: {{endpoint: 'https://h', headers: {{k: {key}}}}}}}\n  - {{name: d, stdout: {{}}}}"
        ));
        config
            .backends
            .iter()
            .map(|backend| backend.fingerprint)
            .collect::<Vec<_>>()
    };
    let (before, same, after) = (prints("one"), prints("one"), prints("two"));
    assert_eq!(before, same);
    let changed: Vec<_> = before
        .iter()
        .zip(&after)
        .map(|(before, after)| before != after)
        .collect();
    assert_eq!(changed, [true, true, true, false]);
}
