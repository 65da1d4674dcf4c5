#![allow(clippy::unwrap_used)]

use super::super::checked;
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
    let outcomes =
        crate::rehearsal::run(&config.raw.tests, &config.sampler, std::path::Path::new(""));
    for outcome in &outcomes {
        assert!(outcome.passed(), "{outcome}\n{text}");
    }
    assert_eq!(outcomes.len(), 5);
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
