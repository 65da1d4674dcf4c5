//! The plain evaluation on decoded spans, written after the Collector's sources (v0.155).

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::Span;
use schemas::decisions::Verdict;
use serde_json::Value as Json;

use super::condition;

pub fn spans(request: &ExportTraceServiceRequest) -> impl Iterator<Item = &Span> {
    let scopes = request
        .resource_spans
        .iter()
        .flat_map(|resource| &resource.scope_spans);
    scopes.flat_map(|scope| &scope.spans)
}

/// The Collector's `Attributes().Get`: the first of its key.
pub fn get<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a Value> {
    static EMPTY: Value = Value::StringValue(String::new());
    let pair = attributes.iter().find(|pair| pair.key == key)?;
    Some(
        pair.value
            .as_ref()
            .and_then(|value| value.value.as_ref())
            .unwrap_or(&EMPTY),
    )
}

/// Some resource or span has the attribute and satisfies the condition, which is told whether it is a span.
fn any(
    request: &ExportTraceServiceRequest,
    key: &str,
    condition: impl Fn(&Value, bool) -> bool,
) -> bool {
    let on_resource = request.resource_spans.iter().any(|resource| {
        let resource = resource.resource.as_ref().unwrap();
        get(&resource.attributes, key).is_some_and(|value| condition(value, false))
    });
    on_resource
        || spans(request)
            .any(|span| get(&span.attributes, key).is_some_and(|value| condition(value, true)))
}

fn samples(policy: &Json, request: &ExportTraceServiceRequest) -> bool {
    let kind = policy["type"].as_str().unwrap();
    let section = &policy[kind];
    let text = |name: &str| section[name].as_str().unwrap_or_default().to_owned();
    let number = |name: &str| section[name].as_i64().unwrap_or(0);
    let invert = section["invert_match"].as_bool().unwrap_or(false);
    match kind {
        "always_sample" => true,
        "status_code" => {
            let codes: Vec<_> = section["status_codes"]
                .as_array()
                .unwrap()
                .iter()
                .map(|code| match code.as_str().unwrap() {
                    "OK" => 1,
                    "ERROR" => 2,
                    _ => 0,
                })
                .collect();
            spans(request)
                .any(|span| codes.contains(&span.status.as_ref().map_or(0, |status| status.code)))
        }
        "latency" => {
            let (threshold, upper) = (number("threshold_ms"), number("upper_threshold_ms"));
            let (mut min, mut max) = (0, 0);
            spans(request).any(|span| {
                if min == 0 || span.start_time_unix_nano < min {
                    min = span.start_time_unix_nano;
                }
                if max == 0 || span.end_time_unix_nano > max {
                    max = span.end_time_unix_nano;
                }
                let millis = (max as i64 - min as i64) / 1_000_000;
                if upper == 0 {
                    millis >= threshold
                } else {
                    threshold < millis && millis <= upper
                }
            })
        }
        "string_attribute" => {
            let values: Vec<_> = section["values"]
                .as_array()
                .unwrap()
                .iter()
                .map(|value| value.as_str().unwrap())
                .collect();
            let pattern = section["enabled_regex_matching"].as_bool().unwrap_or(false);
            let hit = any(request, &text("key"), |value, on_span| {
                let value = match value {
                    Value::StringValue(value) => value.as_str(),
                    _ => "",
                };
                if pattern {
                    !(on_span && value.is_empty())
                        && values
                            .iter()
                            .any(|pattern| regex::Regex::new(pattern).unwrap().is_match(value))
                } else {
                    !value.is_empty() && values.contains(&value)
                }
            });
            hit != invert
        }
        "numeric_attribute" => {
            let (min, max) = (number("min_value"), number("max_value"));
            let hit = any(request, &text("key"), |value, _| {
                let value = match value {
                    Value::IntValue(value) => *value,
                    _ => 0,
                };
                (min == 0 || value >= min) && (max == 0 || value <= max)
            });
            hit != invert
        }
        "boolean_attribute" => {
            let wanted = section["value"].as_bool().unwrap_or(false);
            let hit = any(request, &text("key"), |value, _| {
                (value == &Value::BoolValue(true)) == wanted
            });
            hit != invert
        }
        "span_count" => {
            let count = spans(request).count() as i64;
            let max = number("max_spans");
            count >= number("min_spans") && (max == 0 || count <= max)
        }
        "condition" => condition::samples(section, request),
        "trace_flags" => spans(request).any(|span| span.flags & 1 != 0),
        "and" => section["and_sub_policy"]
            .as_array()
            .unwrap()
            .iter()
            .all(|sub| samples(sub, request)),
        "drop" => section["drop_sub_policy"]
            .as_array()
            .unwrap()
            .iter()
            .all(|sub| samples(sub, request)),
        "not" => !samples(&section["not_sub_policy"], request),
        other => unreachable!("{other}"),
    }
}

pub fn expected(
    policies: &[Json],
    request: &ExportTraceServiceRequest,
) -> (Verdict, Option<String>) {
    let name = |policy: &Json| policy["name"].as_str().unwrap().to_owned();
    let (drops, keeps): (Vec<_>, Vec<_>) =
        policies.iter().partition(|policy| policy["type"] == "drop");
    if let Some(policy) = drops.into_iter().find(|policy| samples(policy, request)) {
        return (Verdict::Drop, Some(name(policy)));
    }
    match keeps.into_iter().find(|policy| samples(policy, request)) {
        Some(policy) => (Verdict::Keep, Some(name(policy))),
        None => (Verdict::Drop, None),
    }
}
