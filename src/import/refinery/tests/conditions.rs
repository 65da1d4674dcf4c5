//! Conditions: which traces the imported rules keep, value by value.

use super::super::super::yaml::Weight;
use super::of_rules;

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
    let outcomes = crate::rehearsal::run(
        &config.raw.tests,
        Some(&config.sampler),
        Some((&config.enrich, &config.sampler.options.promote)),
        std::path::Path::new(""),
    );
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
        super::conditions::check(&format!("{{Field: v, {condition}}}"), &kept, &dropped);
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
