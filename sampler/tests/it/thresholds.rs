//! What kept spans say of how they were sampled: counts stay right on average, nothing upstream said is lost, and asked-for attributes are there.

use std::collections::BTreeMap;

use bytes::Bytes;
use fastrand::Rng;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value as Any};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;
use runtime::config::Problems;
use sampler::RawConfig;
use sampler::partition::Partition;
use sampler::position::Start;
use sampler::record::RawRecord;
use schemas::decisions::DecisionBatch;
use serde_json::{Value, json};

const NOW_MS: u64 = 1_780_000_000_000;
const ALL: f64 = (1_u64 << 56) as f64;

struct Sampled {
    spans: Vec<Span>,
    decisions: DecisionBatch,
}

/// Two spans a trace, of services in turn; the second has an error in one of twenty. `state` gives both their tracestate.
fn traces(count: u32, state: impl Fn(&[u8; 16], &mut Rng) -> Option<String>) -> Vec<Vec<Span>> {
    let mut rng = Rng::with_seed(11);
    let mut traces = Vec::new();
    for n in 0..count {
        let id: [u8; 16] = std::array::from_fn(|_| rng.u8(..));
        let Some(state) = state(&id, &mut rng) else {
            continue;
        };
        let span = |child: bool, error: bool| Span {
            trace_id: id.to_vec(),
            span_id: vec![1 + u8::from(child); 8],
            parent_span_id: if child { vec![1; 8] } else { Vec::new() },
            name: if n % 2 == 0 { "payment" } else { "browse" }.to_owned(),
            trace_state: state.clone(),
            start_time_unix_nano: 1_000_000_000,
            end_time_unix_nano: 1_100_000_000,
            attributes: vec![text("kind", if n % 2 == 0 { "payment" } else { "browse" })],
            status: error.then(|| Status {
                code: 2,
                ..Status::default()
            }),
            ..Span::default()
        };
        traces.push(vec![span(false, false), span(true, n % 20 == 0)]);
    }
    traces
}

fn text(key: &str, value: &str) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue {
            value: Some(Any::StringValue(value.to_owned())),
        }),
        ..KeyValue::default()
    }
}

fn sample(section: Value, traces: &[Vec<Span>]) -> Sampled {
    let raw: RawConfig = serde_json::from_value(section).unwrap();
    let mut problems = Problems::new();
    let config = raw.validate("sampler", &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    let start = Start {
        clock_emit_ms: NOW_MS,
        ..Start::default()
    };
    let mut partition = Partition::new(0, config.policies, config.options, start, 1 << 30);
    for (offset, traces) in (0..).zip(traces.chunks(100)) {
        partition.observe(RawRecord {
            offset,
            timestamp_ms: NOW_MS + offset,
            tenant: None,
            value: request(traces.concat()),
        });
    }
    partition.tick(NOW_MS + 1_000_000);
    partition.emit(usize::MAX);
    let output = partition.take();
    let requests = output.sampled.iter();
    let requests =
        requests.map(|(_, value)| ExportTraceServiceRequest::decode(&value[..]).unwrap());
    let scopes = requests.flat_map(|request| request.resource_spans);
    Sampled {
        spans: (scopes.flat_map(|resource| resource.scope_spans))
            .flat_map(|scope| scope.spans)
            .collect(),
        decisions: DecisionBatch::decode(&output.decisions.encode()).unwrap(),
    }
}

fn request(spans: Vec<Span>) -> Bytes {
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource::default()),
            scope_spans: vec![ScopeSpans {
                spans,
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    };
    Bytes::from(request.encode_to_vec())
}

/// Sub-keys of `ot`.
fn ot(span: &Span) -> BTreeMap<String, String> {
    let members = span.trace_state.split(',');
    let value = members
        .filter_map(|member| member.trim().strip_prefix("ot="))
        .next();
    let pairs = value.unwrap_or_default().split(';');
    pairs
        .filter_map(|pair| pair.split_once(':'))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

fn number(digits: &str) -> u64 {
    u64::from_str_radix(digits, 16).unwrap() << (4 * (14 - digits.len()))
}

fn trace_id_randomness(id: &[u8]) -> u64 {
    u64::from_be_bytes(id[8..].try_into().unwrap()) & ((1 << 56) - 1)
}

/// How many spans a span stands for, and that its random value agrees.
fn count(span: &Span) -> f64 {
    let ot = ot(span);
    let Some(threshold) = ot.get("th").map(|th| number(th)) else {
        return 1.0;
    };
    let randomness = match ot.get("rv") {
        Some(rv) => number(rv),
        None => trace_id_randomness(&span.trace_id),
    };
    assert!(
        randomness >= threshold,
        "{:?} {:?}",
        span.trace_state,
        span.trace_id
    );
    ALL / (ALL - threshold as f64)
}

/// What the kept spans stand for, by service, comes to what there was.
#[track_caller]
fn unbiased(policies: Value, traces: &[Vec<Span>], there_were: f64) {
    let sampled = sample(json!({"policies": policies}), traces);
    let kept = sampled.spans.len() as f64;
    assert!(
        kept > 500.0 && kept < traces.len() as f64 * 1.8,
        "{kept} spans say nothing"
    );
    let mut totals: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for span in &sampled.spans {
        let count = count(span);
        let (total, variance) = totals.entry(&span.name).or_default();
        *total += count;
        // Of a Horvitz-Thompson estimator, two spans a trace going together.
        *variance += 2.0 * count * (count - 1.0);
    }
    for (name, (total, variance)) in totals {
        let off = (total - there_were).abs();
        assert!(
            off <= 5.0 * variance.sqrt() + 1e-6 * total,
            "{name}: {total} instead of {there_were}, σ {}",
            variance.sqrt()
        );
    }
}

fn errors() -> Value {
    json!({"name": "errors", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}})
}

fn some(percentage: f64) -> Value {
    json!({"name": "some", "type": "probabilistic", "probabilistic": {"sampling_percentage": percentage}})
}

fn half_of_payments() -> Value {
    json!({"name": "payments", "type": "and", "and": {"and_sub_policy": [
        {"name": "kind", "type": "string_attribute", "string_attribute": {"key": "kind", "values": ["payment"]}},
        {"name": "half", "type": "probabilistic", "probabilistic": {"sampling_percentage": 50}},
    ]}})
}

const TRACES: u32 = 20_000;

#[test]
fn counts_are_right_on_average() {
    let traces = traces(TRACES, |_, _| Some(String::new()));
    let there_were = f64::from(TRACES);
    unbiased(json!([some(10.0)]), &traces, there_were);
    unbiased(json!([errors(), some(10.0)]), &traces, there_were);
    // Whatever the order, and whichever is named: the more probable of two that match counts.
    unbiased(
        json!([some(10.0), half_of_payments(), errors()]),
        &traces,
        there_were,
    );
    unbiased(json!([half_of_payments(), some(3.0)]), &traces, there_were);
}

#[test]
fn counts_are_right_behind_a_sampler_upstream() {
    // Half of the traces come, by the random value in their ids.
    let half = |id: &[u8; 16], _: &mut Rng| {
        (trace_id_randomness(id) >= 1 << 55).then(|| "v=x,ot=th:8".to_owned())
    };
    let policies = json!([errors(), some(10.0), half_of_payments()]);
    unbiased(
        policies.clone(),
        &traces(2 * TRACES, half),
        2.0 * f64::from(TRACES),
    );
    // A quarter, by a random value of their own.
    let quarter = |_: &[u8; 16], rng: &mut Rng| {
        let randomness = rng.u64(..1 << 56);
        (randomness >= 0xc0_0000_0000_0000).then(|| format!("ot=rv:{randomness:014x};th:c,v=x"))
    };
    let traces = traces(2 * TRACES, quarter);
    unbiased(policies.clone(), &traces, 2.0 * f64::from(TRACES));
    let sampled = sample(json!({"policies": policies}), &traces);
    for span in sampled.spans {
        assert!(span.trace_state.contains("v=x"), "{}", span.trace_state);
        let ot = ot(&span);
        assert!(
            ot.contains_key("rv") && number(&ot["th"]) >= 0xc0_0000_0000_0000,
            "{ot:?}"
        );
    }
}

#[test]
fn a_rate_limit_says_that_nothing_is_known() {
    let limit = json!({"name": "limit", "type": "rate_limiting", "rate_limiting": {"spans_per_second": 1_000_000}});
    let traces = traces(200, |_, _| Some("ot=th:0;rv:ffffffffffffff,v=x".to_owned()));
    let sampled = sample(json!({"policies": [limit]}), &traces);
    assert_eq!(sampled.spans.len(), 400);
    for span in sampled.spans {
        assert_eq!(span.trace_state, "ot=rv:ffffffffffffff,v=x");
    }
}

#[test]
fn what_was_kept_for_sure_is_left_as_it_was() {
    let all = json!({"name": "all", "type": "always_sample"});
    for state in [
        "",
        "v=x",
        "ot=th:8;rv:ffffffffffffff",
        "ot=th:0",
        "garbage,,;",
    ] {
        let traces = traces(100, |_, _| Some(state.to_owned()));
        let sampled = sample(json!({"policies": [all]}), &traces);
        assert_eq!(sampled.spans, traces.concat());
    }
}

#[test]
fn attributes_are_there_when_asked_for() {
    let traces = traces(2000, |_, _| Some(String::new()));
    let section = json!({"policies": [errors(), some(10.0)], "annotate": true, "sample_rate_attribute": true});
    let sampled = sample(section, &traces);
    let (mut by_chance, mut for_sure) = (0, 0);
    for span in &sampled.spans {
        let value = |key: &str| {
            let mut found = span.attributes.iter().filter(|pair| pair.key == key);
            let value = found.next().and_then(|pair| pair.value.clone()?.value);
            assert_eq!(found.count(), 0, "{key} twice");
            value
        };
        let root = span.parent_span_id.is_empty();
        let policy = value("tailwater.policy");
        assert_eq!(policy.is_some(), root);
        assert!(value("kind").is_some());
        let probability = match value("tailwater.probability") {
            Some(Any::DoubleValue(probability)) => Some(probability),
            None => None,
            other => panic!("{other:?}"),
        };
        assert_eq!(probability.is_some(), root);
        match value("SampleRate") {
            Some(rate) => {
                by_chance += 1;
                assert_eq!(rate, Any::IntValue(10));
                assert!(probability.is_none_or(|p| (p - 0.1).abs() < 1e-9));
            }
            None => {
                for_sure += 1;
                assert!(probability.is_none_or(|p| p == 1.0));
            }
        }
    }
    assert!(by_chance > 100 && for_sure > 100, "{by_chance} {for_sure}");
}

/// The log says by what each trace was kept, and R ≥ T holds there too.
#[test]
fn the_decision_log_has_thresholds_and_random_values() {
    let traces = traces(2000, |_, _| Some(String::new()));
    let sampled = sample(json!({"policies": [errors(), some(10.0)]}), &traces);
    let batch = &sampled.decisions;
    let mut by_chance = 0;
    for entry in &batch.entries {
        if let Some(randomness) = entry.randomness {
            by_chance += 1;
            assert!(randomness >= entry.threshold && entry.threshold > 0);
        }
        assert_eq!(entry.spans, 2);
        assert_eq!(entry.duration_us, 100_000);
        assert!(entry.errors <= 1);
    }
    assert!(by_chance > 100, "{by_chance}");
    assert_ne!(batch.generation, 0);
}
