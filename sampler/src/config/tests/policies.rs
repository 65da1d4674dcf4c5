//! What is wrong with policies.

use super::*;

#[track_caller]
fn check_policies(policies: Value, paths: &[&str]) {
    check(json!({ "policies": policies }), paths);
}

#[test]
fn names_and_types_are_there_known_and_unique() {
    check_policies(json!([]), &["sampler.policies"]);
    check_policies(
        json!([{"type": "always_sample"}, {"name": "a", "type": "lateness"}, {"name": "a", "type": "composite"}, {"name": "b"}]),
        &[
            "sampler.policies[0].name",
            "sampler.policies[2].name",
            "sampler.policies[1].type",
            "sampler.policies[2].composite",
            "sampler.policies[3].type",
        ],
    );
}

#[test]
fn sections_fit_their_type() {
    check_policies(
        json!([
            {"name": "a", "type": "latency"},
            {"name": "b", "type": "latency", "latency": {"threshold_ms": 5}, "probabilistic": {}},
            {"name": "c", "type": "always_sample", "always_sample": {}},
        ]),
        &[
            "sampler.policies[0].latency",
            "sampler.policies[1].probabilistic",
        ],
    );
}

#[test]
fn ranges_make_sense() {
    check_policies(
        json!([
            {"name": "a", "type": "latency", "latency": {"threshold_ms": 5, "upper_threshold_ms": 5}},
            {"name": "b", "type": "latency", "latency": {}},
            {"name": "c", "type": "probabilistic", "probabilistic": {"sampling_percentage": 100.5}},
            {"name": "d", "type": "numeric_attribute", "numeric_attribute": {"key": "k", "min_value": 5, "max_value": 4}},
            {"name": "e", "type": "numeric_attribute", "numeric_attribute": {"key": "k"}},
            {"name": "f", "type": "span_count", "span_count": {"min_spans": 5, "max_spans": 4}},
            {"name": "g", "type": "rate_limiting", "rate_limiting": {}},
        ]),
        &[
            "sampler.policies[0].latency.upper_threshold_ms",
            "sampler.policies[1].latency.threshold_ms",
            "sampler.policies[2].probabilistic.sampling_percentage",
            "sampler.policies[3].numeric_attribute.max_value",
            "sampler.policies[4].numeric_attribute",
            "sampler.policies[5].span_count.max_spans",
            "sampler.policies[6].rate_limiting.spans_per_second",
        ],
    );
}

#[test]
fn lists_are_filled_and_patterns_compile() {
    check_policies(
        json!([
            {"name": "a", "type": "status_code", "status_code": {"status_codes": ["ERROR", "Error"]}},
            {"name": "b", "type": "status_code", "status_code": {}},
            {"name": "c", "type": "string_attribute", "string_attribute": {}},
            {"name": "d", "type": "string_attribute",
                "string_attribute": {"key": "k", "values": ["fine", "(", "(?=look)"], "enabled_regex_matching": true}},
            {"name": "e", "type": "string_attribute",
                "string_attribute": {"key": "k", "values": ["(a{1000}){1000}"], "enabled_regex_matching": true}},
        ]),
        &[
            "sampler.policies[0].status_code.status_codes[1]",
            "sampler.policies[1].status_code.status_codes",
            "sampler.policies[2].string_attribute.key",
            "sampler.policies[2].string_attribute.values",
            "sampler.policies[3].string_attribute.values[1]",
            "sampler.policies[3].string_attribute.values[2]",
            "sampler.policies[4].string_attribute.values[0]",
        ],
    );
}

#[test]
fn sub_policies_are_checked_in_place() {
    check_policies(
        json!([
            {"name": "a", "type": "and", "and": {}},
            {"name": "b", "type": "drop", "drop": {"drop_sub_policy": [
                {"name": "x", "type": "drop", "drop": {}},
                {"name": "x", "type": "not", "not": {"not_sub_policy": {"name": "y", "type": "what"}}},
            ]}},
        ]),
        &[
            "sampler.policies[0].and.and_sub_policy",
            "sampler.policies[1].drop.drop_sub_policy[1].name",
            "sampler.policies[1].drop.drop_sub_policy[0].type",
            "sampler.policies[1].drop.drop_sub_policy[1].not.not_sub_policy.type",
        ],
    );
}

#[test]
fn composites_add_up() {
    let sub = |name: &str| json!({"name": name, "type": "always_sample"});
    check_policies(
        json!([
            {"name": "a", "type": "composite", "composite": {}},
            {"name": "b", "type": "composite", "composite": {
                "max_total_spans_per_second": 10,
                "policy_order": ["y", "x"],
                "composite_sub_policy": [sub("x"), sub("y")],
                "rate_allocation": [{"policy": "x", "percent": 60}, {"policy": "y", "percent": 60}],
            }},
            {"name": "c", "type": "composite", "composite": {
                "max_total_spans_per_second": 10,
                "policy_order": ["x", "z"],
                "composite_sub_policy": [sub("x"), {"name": "y", "type": "composite", "composite": {}}],
                "rate_allocation": [{"policy": "x", "percent": 101}, {"policy": "x"}, {"policy": "q"}],
            }},
        ]),
        &[
            "sampler.policies[0].composite.max_total_spans_per_second",
            "sampler.policies[0].composite.composite_sub_policy",
            "sampler.policies[1].composite.policy_order",
            "sampler.policies[1].composite.rate_allocation",
            "sampler.policies[2].composite.policy_order[1]",
            "sampler.policies[2].composite.rate_allocation[0].percent",
            "sampler.policies[2].composite.rate_allocation[1].policy",
            "sampler.policies[2].composite.rate_allocation[2].policy",
            "sampler.policies[2].composite.composite_sub_policy[1].type",
        ],
    );
}

#[test]
fn conditions_are_read_whole() {
    check_policies(
        json!([
            {"name": "a", "type": "ottl_condition", "ottl_condition": {}},
            {"name": "b", "type": "ottl_condition", "ottl_condition": {
                "span": ["attributes[\"a\"] == 1", "nme == 1 and sttus.code == 2"],
                "spanevent": ["name ==", "name == \"x\""],
            }},
            {"name": "c", "type": "condition", "condition": {}},
            {"name": "d", "type": "condition", "condition": {"scope": "root", "conditions": [
                "trace.duration > Duration(\"1s\")", "root.nam == \"x\"", "trace.span_count > 3 and span.name == \"x\"", "name = 3",
            ]}},
        ]),
        &[
            "sampler.policies[0].ottl_condition",
            "sampler.policies[1].ottl_condition.span[1]",
            "sampler.policies[1].ottl_condition.span[1]",
            "sampler.policies[1].ottl_condition.spanevent[0]",
            "sampler.policies[2].condition.conditions",
            "sampler.policies[3].condition.conditions[1]",
            "sampler.policies[3].condition.conditions[2]",
            "sampler.policies[3].condition.conditions[3]",
        ],
    );
}

#[test]
fn a_problem_in_a_condition_has_its_column() {
    let raw: RawConfig = serde_json::from_value(json!({"policies": [
        {"name": "a", "type": "ottl_condition", "ottl_condition": {"span": ["name == \"x\" and sttus.code == 2"]}},
    ]}))
    .unwrap();
    let mut problems = Problems::new();
    raw.validate("sampler", &mut problems);
    let message = &problems.iter().next().unwrap().message;
    assert!(message.starts_with("column 17: "), "{message}");
    assert!(message.contains("did you mean `status.code`?"), "{message}");
}

#[test]
fn only_whole_policies_have_a_mode() {
    check_policies(
        json!([
            {"name": "a", "type": "always_sample", "mode": "shadow"},
            {"name": "b", "type": "and", "and": {"and_sub_policy": [{"name": "x", "type": "always_sample", "mode": "shadow"}]}},
        ]),
        &["sampler.policies[1].and.and_sub_policy[0].mode"],
    );
}

#[test]
fn conditions_have_a_limit() {
    let policies: Vec<_> = (0..129)
        .map(|n| json!({"name": format!("p{n}"), "type": "latency", "latency": {"threshold_ms": n + 1}}))
        .collect();
    check_policies(policies[..128].into(), &[]);
    check_policies(policies.into(), &["sampler.policies"]);
}
