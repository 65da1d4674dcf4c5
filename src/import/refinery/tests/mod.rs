#![allow(clippy::unwrap_used)]

mod conditions;

use super::super::verify::checked;
use super::*;

const RULES: &str = r#"
RulesVersion: 2
Samplers:
  __default__:
    DeterministicSampler: {SampleRate: 10}
  other:
    EMADynamicSampler: {GoalSampleRate: 2}
  production:
    RulesBasedSampler:
      Rules:
        - Name: drop healthchecks
          Drop: true
          Conditions: [{Field: http.route, Operator: =, Value: /health-check}]
        - Name: keep slow 500 errors
          SampleRate: 1
          Conditions:
            - {Fields: [http.status_code, http.response.status_code], Operator: =, Value: 500, Datatype: int}
            - {Field: duration_ms, Operator: '>=', Value: 1000, Datatype: float}
        - Name: users
          SampleRate: 5
          Scope: span
          Conditions:
            - {Field: service.name, Operator: in, Value: [users, accounts]}
            - {Field: trace.parent_id, Operator: not-exists}
        - Name: rootless
          Drop: true
          Conditions:
            - {Operator: has-root-span, Value: false}
            - {Field: name, Operator: starts-with, Value: 'GET /a.b'}
        - Name: of the root
          SampleRate: 1
          Conditions: [{Field: root.http.method, Operator: '!=', Value: GET}]
        - Name: default rule
          SampleRate: 100
"#;

fn imported(environment: &str) -> String {
    let from = runtime::config::read_foreign("rules.yaml", RULES).expect("it is YAML");
    let ours = import(&from, environment).expect("it can be imported");
    ours.document()
}

/// Verdicts of the imported rules on small traces: who gives them, and which.
#[test]
fn the_first_rule_that_matches_decides() {
    let tests = r#"
tests:
  - {name: health, trace: [{attributes: {http.route: /health-check}}], expect: {verdict: drop, policy: drop healthchecks}}
  - {name: health and slow, trace: [{attributes: {http.route: /health-check}}, {duration: 2s, attributes: {http.status_code: "500"}}], expect: {verdict: drop, policy: drop healthchecks}}
  - {name: "slow on one, 500 on another", trace: [{duration: 2s}, {attributes: {http.response.status_code: 500}}], expect: {verdict: keep, policy: keep slow 500 errors}}
  - {name: the first field counts, trace: [{duration: 2s, attributes: {http.status_code: 200, http.response.status_code: 500}}], expect: {verdict: keep, policy: of the root}}
  - {name: rootless, trace: [{name: GET /a.b/c, parent: far}, {name: far, parent: GET /a.b/c}], expect: {verdict: drop, policy: rootless}}
"#;
    let tests = tests.replace(
        "[{duration: 2s, attributes: {http.status_code: 200, http.response.status_code: 500}}]",
        "[{duration: 2s, attributes: {http.status_code: 200, http.response.status_code: 500, http.method: PUT}}]",
    );
    let text = imported("production");
    let all = format!("{text}{tests}");
    let config =
        match runtime::config::load("ours", &all, &|_| None, crate::config::Config::validate) {
            Ok(config) => config,
            Err(report) => panic!("{all}\n{report}"),
        };
    let outcomes = crate::rehearsal::run(
        &config.raw.tests,
        Some(&config.sampler),
        Some((&config.enrich, &config.sampler.options.promote)),
        std::path::Path::new(""),
    );
    for outcome in &outcomes {
        assert!(outcome.passed(), "{outcome}\n{text}");
    }
    assert_eq!(outcomes.len(), 5);
}

/// The rules as an import, with its remarks.
fn of_rules(rules: &str) -> Yaml {
    let text = format!(
        "RulesVersion: 2\nSamplers:\n  __default__:\n    RulesBasedSampler:\n      Rules:\n{rules}"
    );
    let from = runtime::config::read_foreign("rules.yaml", &text).expect("it is YAML");
    import(&from, "__default__").expect("it can be imported")
}

/// Samplers with their goals, paces and keys.
#[test]
fn samplers_by_key() {
    let check = |sampler: &str, expected: &str, said: &[&str]| {
        let text = format!("RulesVersion: 2\nSamplers: {{__default__: {{{sampler}}}}}");
        let from = runtime::config::read_foreign("rules.yaml", &text).expect("it is YAML");
        let ours = import(&from, "__default__").expect("it can be imported");
        let document = ours.document();
        if let Err(report) = checked(&document) {
            panic!("{document}\n{report}");
        }
        let document: String = document.split_whitespace().collect::<Vec<_>>().join(" ");
        for expected in std::iter::once(&expected).chain(said) {
            assert!(document.contains(expected), "no `{expected}` in {document}");
        }
    };
    check(
        "EMADynamicSampler: {GoalSampleRate: 4, AdjustmentInterval: 1m30s, Weight: 0.3, AgeOutValue: 0.5, MaxKeys: 90, FieldList: [root.name, error, http.route]}",
        "initial_percentage: 25.0",
        &[
            "keys: [root.operation, status, http.route]",
            "interval: \"1m 30s\"",
            "max_keys: 90",
            "# default: `AgeOutValue` has no equal here",
            "tells OK from unset",
        ],
    );
    check(
        "EMAThroughputSampler: {GoalThroughputPerSec: 50, FieldList: [span.kind], AdjustmentInterval: 2.5s, UseClusterSize: true}",
        "spans_per_second: 50.0",
        &[
            "interval: \"2s 500ms\"",
            "initial_percentage: 10.0",
            "keys: [kind]",
        ],
    );
    check(
        "WindowedThroughputSampler: {GoalThroughputPerSec: 50, UpdateFrequency: 1s, LookbackFrequency: 30s, FieldList: [a]}",
        "method: windowed",
        &[
            "window: 30s",
            "initial_percentage: 100.0",
            "multiply it by the number of Refineries",
        ],
    );
    check(
        "TotalThroughputSampler: {GoalThroughputPerSec: 7, ClearFrequency: 1m, FieldList: [a, meta.span_count]}",
        "window: 1m",
        &["not carried over: default: the field meta.span_count can't be part of a key"],
    );
    check(
        "DynamicSampler: {SampleRate: 2, FieldList: [a], UseTraceLength: true}",
        "sampling_percentage: 50.0",
        &["`UseTraceLength`"],
    );
    check("DeterministicSampler: {}", "type: always_sample", &[]);
    check(
        "",
        "type: always_sample",
        &["# default: without a sampler everything is kept"],
    );
    check(
        "MagicSampler: {}",
        "type: always_sample",
        &["not carried over: __default__: MagicSampler is no sampler"],
    );
}

/// Each key of a rules file is carried over, or named in a remark.
#[test]
fn every_key_has_its_equal_or_a_remark() {
    let odd = "RulesVersion: 3\nOdd1: 1\nSamplers:\n  __default__:\n    Odd2: 1\n    RulesBasedSampler:\n      Odd3: 1\n      CheckNestedFields: true\n      Rules:\n        - {Name: a, SampleRate: 5, Odd4: 1, Conditions: [{Field: x, Operator: exists, Value: 1, Odd5: 1}, {Field: x, Operator: contains, Value: b, Datatype: int}]}\n        - {Name: b, Drop: true, SampleRate: 2, Conditions: [{Field: y, Operator: '=', Value: z, Datatype: int}]}\n        - {Name: c, SampleRate: 9, Sampler: {Odd6: 1, EMADynamicSampler: {GoalSampleRate: 2, FieldList: [a], Odd7: 1, BurstMultiple: 2, BurstDetectionDelay: 3}}}\n        - {Name: never, SampleRate: 9}\n  Odd8: {}\n";
    let from = runtime::config::read_foreign("rules.yaml", odd).expect("it is YAML");
    let ours = import(&from, "__default__").expect("it can be imported");
    let said: Vec<String> = ours.remarks().iter().map(ToString::to_string).collect();
    for key in [
        "RulesVersion",
        "Odd1",
        "Odd2",
        "Odd3",
        "CheckNestedFields",
        "Odd4",
        "Odd5",
        "`Value`",
        "`Datatype`",
        "Datatype int",
        "Odd6",
        "Odd7",
        "BurstMultiple",
        "BurstDetectionDelay",
        "Odd8",
        "never",
        "rule \"b\": `SampleRate`",
        "rule \"c\": `SampleRate`",
    ] {
        assert!(
            said.iter().any(|remark| remark.contains(key)),
            "nothing about {key} in {said:#?}"
        );
    }
}

/// Each rule stands behind "none of those before": what they ask is asked once, so that 60 of them stay below the limit of 128 conditions.
#[test]
fn many_rules_share_their_conditions() {
    let rules: String = (0..60)
        .map(|n| {
            format!(
                "        - {{Name: rule {n}, SampleRate: 2, Scope: {}, Conditions: [{{Field: http.route, Operator: =, Value: /{n}}}, {{Field: k, Operator: exists}}]}}\n",
                if n % 2 == 0 { "span" } else { "trace" }
            )
        })
        .collect();
    let rules = format!(
        "RulesVersion: 2\nSamplers:\n  many:\n    RulesBasedSampler:\n      Rules:\n{rules}"
    );
    let from = runtime::config::read_foreign("rules.yaml", &rules).expect("it is YAML");
    let text = import(&from, "many")
        .expect("it can be imported")
        .document();
    if let Err(report) =
        runtime::config::load("ours", &text, &|_| None, crate::config::Config::validate)
    {
        panic!("{report}");
    }
}

#[test]
fn one_in_ten_is_a_percentage_and_other_environments_are_named() {
    let text = imported("__default__");
    assert!(
        text.contains(
            "{name: default, type: probabilistic, probabilistic: {sampling_percentage: 10.0}}"
        ),
        "{text}"
    );
    assert!(
        text.contains("# environment production: not translated"),
        "{text}"
    );
    if let Err(report) = checked(&text) {
        panic!("{text}\n{report}");
    }
}

#[test]
fn what_is_not_a_rules_file_is_refused() {
    assert!(import(&json!({"policies": []}), "x").is_err());
    let from = runtime::config::read_foreign("rules.yaml", RULES).expect("it is YAML");
    let refused = import(&from, "staging").unwrap_err();
    assert!(refused.contains("production"), "{refused}");
}
