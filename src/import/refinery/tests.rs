#![allow(clippy::unwrap_used)]

use super::super::verify::checked;
use super::super::yaml::Weight;
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
    let outcomes =
        crate::rehearsal::run(&config.raw.tests, &config.sampler, std::path::Path::new(""));
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

/// A rule with these conditions, and no other, keeps the traces of `kept` and drops those of `dropped`.
#[track_caller]
fn check_rule(scope: &str, conditions: &str, kept: &[&str], dropped: &[&str]) {
    let ours = of_rules(&format!(
        "        - {{Name: asked, SampleRate: 1, Scope: {scope}, Conditions: {conditions}}}\n        - {{Name: rest, Drop: true}}\n"
    ));
    let cases = kept.iter().map(|trace| (trace, "keep"));
    let cases = cases.chain(dropped.iter().map(|trace| (trace, "drop")));
    let tests: String = cases
        .enumerate()
        .map(|(at, (trace, verdict))| {
            format!("  - {{name: \"{at}\", trace: [{trace}], expect: {{verdict: {verdict}}}}}\n")
        })
        .collect();
    let text = format!("{}tests:\n{tests}", ours.document());
    let config =
        match runtime::config::load("ours", &text, &|_| None, crate::config::Config::validate) {
            Ok(config) => config,
            Err(report) => panic!("{text}\n{report}"),
        };
    let outcomes =
        crate::rehearsal::run(&config.raw.tests, &config.sampler, std::path::Path::new(""));
    assert_eq!(outcomes.len(), kept.len() + dropped.len());
    for outcome in &outcomes {
        assert!(outcome.passed(), "{outcome}\n{text}");
    }
}

/// One condition, of a trace.
#[track_caller]
fn check(condition: &str, kept: &[&str], dropped: &[&str]) {
    check_rule("trace", &format!("[{condition}]"), kept, dropped);
}

/// What Honeycomb makes of a span's own fields.
#[test]
fn fields_of_the_span_itself() {
    let failed = "{status: ERROR}";
    check(
        "{Field: error, Operator: exists}",
        &[failed, "{attributes: {error: 'no'}}"],
        &["{}", "{status: OK}"],
    );
    check(
        "{Field: error, Operator: '=', Value: true}",
        &[failed, "{attributes: {error: true}}"],
        &["{}", "{status: ERROR, attributes: {error: false}}"],
    );
    check(
        "{Field: error, Operator: '=', Value: 'true', Datatype: string}",
        &[failed],
        &["{}"],
    );
    check(
        "{Field: error, Operator: not-exists}",
        &["{}", "{status: ERROR}, {}"],
        &[failed],
    );
    check(
        "{Field: error, Operator: '!=', Value: true}",
        &["{attributes: {error: false}}"],
        &[failed, "{}"],
    );
    check(
        "{Field: root.error, Operator: '=', Value: true, Datatype: bool}",
        &[failed],
        &["{}, {status: ERROR}"],
    );
    for field in ["type", "span.kind"] {
        check(
            &format!("{{Field: {field}, Operator: in, Value: [producer, consumer]}}"),
            &["{kind: CONSUMER}"],
            &["{kind: SERVER}"],
        );
        check(
            &format!("{{Field: root.{field}, Operator: '!=', Value: server}}"),
            &["{kind: CLIENT}, {kind: SERVER}"],
            &[
                "{kind: SERVER}, {kind: CLIENT}",
                "{name: a, parent: b}, {name: b, parent: a}",
            ],
        );
    }
    check(
        "{Field: type, Operator: not-in, Value: [1.5, 2], Datatype: float}",
        &["{}"],
        &["{attributes: {type: 2}}"],
    );
    check(
        "{Field: type, Operator: '=', Value: batch}",
        &["{attributes: {type: batch}}"],
        &["{}"],
    );
    check(
        "{Field: name, Operator: starts-with, Value: 'GET /a.'}",
        &["{name: GET /a.b}"],
        &["{name: GET /ab}"],
    );
    check(
        "{Field: status_code, Operator: '=', Value: 2}",
        &[failed],
        &["{}"],
    );
    check(
        "{Field: status_message, Operator: exists}",
        &["{status_message: gone}"],
        &["{}"],
    );
    check(
        "{Field: status_message, Operator: not-exists}",
        &["{}"],
        &["{status_message: gone}"],
    );
    check(
        "{Field: duration_ms, Operator: '>', Value: 20}",
        &["{duration: 20001us}"],
        &["{duration: 20ms}"],
    );
    check(
        "{Field: duration_ms, Operator: '>', Value: 20, Datatype: int}",
        &["{duration: 21ms}"],
        &["{duration: 20001us}"],
    );
    check(
        "{Field: root.duration_ms, Operator: '<', Value: 0.5, Datatype: float}",
        &["{duration: 499us}"],
        &["{duration: 1ms}, {}"],
    );
}

/// Refinery copies what an exception's event says to its span.
#[test]
fn exceptions_are_found_on_their_events() {
    let thrown = "{events: [{name: exception, attributes: {exception.type: Timeout}}]}";
    let copied = "{attributes: {exception.type: Timeout}}";
    check(
        "{Field: exception.type, Operator: exists}",
        &[thrown, copied],
        &["{}"],
    );
    check(
        "{Field: exception.type, Operator: contains, Value: Time}",
        &[thrown],
        &["{events: [{name: exception, attributes: {exception.type: Refused}}]}"],
    );
    let both = "[{Field: exception.type, Operator: '=', Value: Timeout}, {Field: service.name, Operator: '=', Value: shop}]";
    check_rule(
        "trace",
        both,
        &["{events: [{name: exception, attributes: {exception.type: Timeout}}]}, {service: shop}"],
        &[thrown, "{service: shop}"],
    );
}

/// A root has no parent; who has one has its id.
#[test]
fn parents() {
    let rootless = "{name: a, parent: b}, {name: b, parent: a}";
    check(
        "{Field: trace.parent_id, Operator: not-exists}",
        &["{}", "{}, {}"],
        &[rootless],
    );
    check(
        "{Field: trace.parent_id, Operator: exists}",
        &["{}, {}", rootless],
        &["{}"],
    );
    check(
        "{Field: trace.parent_id, Operator: '!=', Value: '', Datatype: string}",
        &["{}", rootless],
        &[],
    );
    check(
        "{Field: root.trace.parent_id, Operator: exists}",
        &[],
        &["{}, {}"],
    );
    check(
        "{Operator: has-root-span, Value: false}",
        &[rootless],
        &["{}"],
    );
    check("{Operator: has-root-span}", &[rootless], &["{}"]);
}

#[test]
fn counts_of_spans() {
    for field in ["meta.span_count", "'?.NUM_DESCENDANTS'", "meta.event_count"] {
        check(
            &format!("{{Field: {field}, Operator: '>=', Value: 3, Datatype: int}}"),
            &["{count: 3}"],
            &["{count: 2}"],
        );
        check(
            &format!("{{Field: {field}, Operator: in, Value: [2, 4]}}"),
            &["{count: 2}"],
            &["{count: 3}"],
        );
    }
    check(
        "{Field: meta.span_count, Operator: '=', Value: '2'}",
        &[],
        &["{count: 2}"],
    );
}

/// A missing field is `<nil>` where texts are compared, and compares with nothing else.
#[test]
fn missing_fields() {
    let (with, without) = ("{attributes: {team: a}}", "{}");
    for holds in [
        "Operator: not-in, Value: [b, c]",
        "Operator: not-in, Value: [1, 2], Datatype: int",
        "Operator: not-in, Value: [1.5], Datatype: float",
        "Operator: does-not-contain, Value: b",
        "Operator: '!=', Value: b, Datatype: string",
    ] {
        check(&format!("{{Field: team, {holds}}}"), &[with, without], &[]);
        check(
            &format!("{{Field: root.team, {holds}}}"),
            &[with, without, "{name: a, parent: b}, {name: b, parent: a}"],
            &[],
        );
    }
    check(
        "{Field: team, Operator: '!=', Value: b}",
        &[with],
        &[without, "{attributes: {team: b}}"],
    );
    check(
        "{Field: team, Operator: '!=', Value: 1, Datatype: int}",
        &["{attributes: {team: 2}}"],
        &[with, without],
    );
    check(
        "{Field: team, Operator: '!=', Value: true, Datatype: bool}",
        &[with],
        &[without],
    );
    check(
        "{Field: team, Operator: matches, Value: '^[^a]*$'}",
        &[without],
        &[with],
    );
    check("{Field: team, Operator: not-exists}", &[without], &[with]);
    check("{Field: team, Operator: '!='}", &[with], &[without]);
}

/// With a data type both sides are converted; without one, values of different types don't compare.
#[test]
fn types() {
    let of = |value: &str| format!("{{attributes: {{v: {value}}}}}");
    let check = |condition: &str, kept: &[&str], dropped: &[&str]| {
        let kept: Vec<_> = kept.iter().map(|value| of(value)).collect();
        let dropped: Vec<_> = dropped.iter().map(|value| of(value)).collect();
        let kept: Vec<_> = kept.iter().map(String::as_str).collect();
        let dropped: Vec<_> = dropped.iter().map(String::as_str).collect();
        super::tests::check(&format!("{{Field: v, {condition}}}"), &kept, &dropped);
    };
    check(
        "Operator: '=', Value: 500",
        &["500", "500.0"],
        &["'500'", "true"],
    );
    check(
        "Operator: '=', Value: '500', Datatype: int",
        &["500", "'500'", "500.9"],
        &["'500.0'", "501"],
    );
    check(
        "Operator: '=', Value: 1, Datatype: int",
        &["1", "'1'"],
        &["true"],
    );
    check(
        "Operator: '>=', Value: '2.5', Datatype: float",
        &["2.5", "3", "'2.6'"],
        &["2", "x", "true"],
    );
    check(
        "Operator: '=', Value: 2, Datatype: string",
        &["2", "'2'"],
        &["3"],
    );
    check(
        "Operator: '<', Value: '10', Datatype: string",
        &["1"],
        &["2"],
    );
    check(
        "Operator: '=', Value: true, Datatype: bool",
        &["true", "'T'", "1", "1.0"],
        &["'yes'", "false", "2"],
    );
    check(
        "Operator: '=', Value: false, Datatype: bool",
        &["false", "'yes'", "2"],
        &["true", "'1'"],
    );
    check(
        "Operator: '!=', Value: GET",
        &["PUT"],
        &["5", "true", "GET"],
    );
    check("Operator: in, Value: a", &["a"], &["b", "''"]);
    check(
        "Operator: in, Value: [200, 404]",
        &["200", "'404'"],
        &["500"],
    );
    check(
        "Operator: not-in, Value: 7, Datatype: int",
        &["8", "x"],
        &["7", "'7'", "7.5"],
    );
    check(
        "Operator: in, Value: [1, 2], Datatype: int",
        &["2"],
        &["true", "3"],
    );
    check(
        "Operator: not-in, Value: [a.c, b]",
        &["abc", "aac"],
        &["a.c", "b"],
    );
    check(
        "Operator: contains, Value: '$${x'",
        &["'a$$$${xb'"],
        &["'a${env:X:-x}'"],
    );
    check("Operator: contains, Value: 50", &["1500"], &["15"]);
    check("Operator: '>', Value: b", &["c"], &["a", "9"]);
}

/// `Fields` are looked at in turn, on each span; some may be the root's.
#[test]
fn the_first_field_that_is_there_counts() {
    check(
        "{Fields: [a, b], Operator: '=', Value: 1}",
        &["{attributes: {b: 1}}", "{attributes: {a: 1, b: 2}}"],
        &["{attributes: {a: 2, b: 1}}", "{}"],
    );
    let mixed = "{Fields: [root.a, b], Operator: '=', Value: 1}";
    check(
        mixed,
        &["{attributes: {a: 1}}, {}", "{}, {attributes: {b: 1}}"],
        &[
            "{attributes: {a: 2}}, {attributes: {b: 1}}",
            "{}, {attributes: {a: 1}}",
        ],
    );
    let both = format!("[{mixed}, {{Field: c, Operator: exists}}]");
    check_rule(
        "span",
        &both,
        &[
            "{attributes: {a: 1}}, {attributes: {c: 1}}",
            "{}, {attributes: {b: 1, c: 1}}",
        ],
        &["{}, {attributes: {b: 1}}, {attributes: {c: 1}}"],
    );
    check_rule(
        "trace",
        &both,
        &["{}, {attributes: {b: 1}}, {attributes: {c: 1}}"],
        &["{}, {attributes: {b: 1}}"],
    );
    check(
        "{Fields: one, Operator: exists}",
        &["{attributes: {one: 1}}"],
        &["{}"],
    );
}

#[test]
fn where_conditions_hold_together() {
    let both = "[{Field: service.name, Operator: '=', Value: users}, {Field: trace.parent_id, Operator: not-exists}]";
    let elsewhere = "{service: web}, {service: users}";
    check_rule("span", both, &["{service: users}"], &[elsewhere]);
    check_rule(
        "trace",
        both,
        &["{service: users}", elsewhere],
        &["{service: web}"],
    );
    let rooted = "[{Field: root.a, Operator: '=', Value: 1}, {Field: b, Operator: '=', Value: 1}]";
    check_rule(
        "span",
        rooted,
        &["{attributes: {a: 1}}, {attributes: {b: 1}}"],
        &["{attributes: {b: 1}}"],
    );
    // A single condition without a list; a scope that Refinery doesn't know; a condition that holds on no span.
    check_rule(
        "trace",
        "{Field: a, Operator: exists}",
        &["{attributes: {a: 1}}"],
        &["{}"],
    );
    check_rule("spans", "[{Field: a, Operator: exists}]", &["{}"], &[]);
    check_rule(
        "span",
        "[{Operator: has-root-span, Value: true}]",
        &[],
        &["{}"],
    );
    check(
        "{Field: a, Operator: like, Value: b}",
        &[],
        &["{attributes: {a: b}}"],
    );
}

/// What can't be said leaves the whole rule out: a part of it would match other traces.
#[test]
fn a_rule_that_cannot_be_said_is_lost_whole() {
    let ours = of_rules(
        "        - {Name: links, Drop: true, Conditions: [{Field: meta.span_link_count, Operator: '>', Value: 5}, {Field: a, Operator: exists}]}\n",
    );
    let lost: Vec<_> = ours
        .remarks()
        .into_iter()
        .filter(|remark| remark.weight == Weight::Lost)
        .cloned()
        .collect();
    assert!(
        matches!(lost.as_slice(), [one] if one.text.contains("links") && one.text.contains("meta.span_link_count")),
        "{lost:?}"
    );
    assert!(
        !ours.document().contains("type: drop"),
        "{}",
        ours.document()
    );
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
