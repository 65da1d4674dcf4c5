//! Statements: what the Collector's implementation and ours make of the same spans.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{NumberDataPoint, number_data_point};
use ottl::{Context, Draft, Statement};
use prost::{DecodeError, Message};
use schemas::Signal;
use schemas::otlp::Items;
use schemas::wire::put_len;
use serde_json::json;
use tests::Deadline;

use super::{Answer, Reference, agree, generate, number, seed};

/// What a statement makes of a request, or why not.
pub type Changed = Result<Vec<u8>, Answer>;

pub fn theirs(
    reference: &mut Reference,
    context: Context,
    statement: &str,
    request: &[u8],
) -> Changed {
    let answer = reference.answer(&json!({
        "context": context.name(),
        "statement": statement,
        "request": STANDARD.encode(request),
    }));
    match answer["changed"].as_str() {
        Some(changed) => {
            let changed = STANDARD.decode(changed).expect("base64");
            // Text that is not UTF-8, which is told of nowhere there.
            plain(context, &changed).map_or(Err(Answer::Panicked), |_| Ok(changed))
        }
        None => Err(Answer::of(&answer)),
    }
}

fn signal(context: Context) -> Signal {
    match context {
        Context::Log => Signal::Logs,
        Context::Metric | Context::DataPoint => Signal::Metrics,
        _ => Signal::Traces,
    }
}

/// The generated requests have one item.
pub fn ours(context: Context, statement: &str, request: &[u8]) -> Changed {
    let compiled = Statement::compile(context, statement)
        .map_err(|problems| Answer::Refused(problems.to_string()))?;
    let item = Items::new(request).next().expect("an item").expect("sound");
    let mut draft = Draft::of(signal(context), &item).expect("an item");
    let is_within = matches!(context, Context::SpanEvent | Context::DataPoint);
    if is_within {
        assert_eq!(draft.begin_inner(0), Ok(true));
    }
    (compiled.execute(&mut draft)).map_err(|error| Answer::Failed(error.to_string()))?;
    if is_within {
        draft.end_inner(true);
    }
    let (mut resource, mut scope, mut body) = (Vec::new(), Vec::new(), Vec::new());
    draft.write_resource(&mut resource).expect("sound");
    draft.write_scope(&mut scope).expect("sound");
    draft.write_item(&mut body).expect("sound");
    put_len(&mut scope, 2, &body);
    put_len(&mut resource, 2, &scope);
    let mut out = Vec::new();
    put_len(&mut out, 1, &resource);
    Ok(out)
}

/// Without what has no meaning: the order of attributes, and messages that are there but empty. As text, where NaN equals itself.
pub fn plain(context: Context, request: &[u8]) -> Result<String, DecodeError> {
    Ok(match signal(context) {
        Signal::Traces => plain_spans(ExportTraceServiceRequest::decode(request)?),
        Signal::Logs => plain_logs(ExportLogsServiceRequest::decode(request)?),
        Signal::Metrics => plain_metrics(ExportMetricsServiceRequest::decode(request)?),
    })
}

fn plain_spans(mut request: ExportTraceServiceRequest) -> String {
    for resource in &mut request.resource_spans {
        sort(&mut resource.resource.get_or_insert_default().attributes);
        for scope in &mut resource.scope_spans {
            sort(&mut scope.scope.get_or_insert_default().attributes);
            for span in &mut scope.spans {
                span.status.get_or_insert_default();
                sort(&mut span.attributes);
                span.events
                    .iter_mut()
                    .for_each(|event| sort(&mut event.attributes));
                span.links
                    .iter_mut()
                    .for_each(|link| sort(&mut link.attributes));
            }
        }
    }
    format!("{request:?}")
}

fn plain_logs(mut request: ExportLogsServiceRequest) -> String {
    for resource in &mut request.resource_logs {
        sort(&mut resource.resource.get_or_insert_default().attributes);
        for scope in &mut resource.scope_logs {
            sort(&mut scope.scope.get_or_insert_default().attributes);
            for record in &mut scope.log_records {
                value(record.body.get_or_insert_default());
                sort(&mut record.attributes);
            }
        }
    }
    format!("{request:?}")
}

fn plain_metrics(mut request: ExportMetricsServiceRequest) -> String {
    for resource in &mut request.resource_metrics {
        sort(&mut resource.resource.get_or_insert_default().attributes);
        for scope in &mut resource.scope_metrics {
            sort(&mut scope.scope.get_or_insert_default().attributes);
            for metric in &mut scope.metrics {
                sort(&mut metric.metadata);
                match metric.data.as_mut().expect("data") {
                    Data::Gauge(gauge) => numbers(&mut gauge.data_points),
                    Data::Sum(sum) => numbers(&mut sum.data_points),
                    Data::Histogram(histogram) => (histogram.data_points.iter_mut())
                        .for_each(|point| sort(&mut point.attributes)),
                    Data::ExponentialHistogram(histogram) => {
                        for point in &mut histogram.data_points {
                            sort(&mut point.attributes);
                            point.positive.get_or_insert_default();
                            point.negative.get_or_insert_default();
                        }
                    }
                    Data::Summary(summary) => (summary.data_points.iter_mut())
                        .for_each(|point| sort(&mut point.attributes)),
                }
            }
        }
    }
    format!("{request:?}")
}

fn numbers(points: &mut [NumberDataPoint]) {
    for point in points {
        sort(&mut point.attributes);
        // Zeros of both kinds are nothing there.
        point
            .value
            .get_or_insert(number_data_point::Value::AsInt(0));
    }
}

fn sort(pairs: &mut [KeyValue]) {
    for pair in pairs.iter_mut() {
        value(pair.value.get_or_insert_default());
    }
    // Stable: of several of one key the first counts.
    pairs.sort_by(|one, other| one.key.cmp(&other.key));
}

fn value(any: &mut AnyValue) {
    match &mut any.value {
        Some(Value::KvlistValue(list)) => sort(&mut list.values),
        Some(Value::ArrayValue(list)) => list.values.iter_mut().for_each(value),
        _ => {}
    }
}

/// What `docs/reference/ottl.md` tells of: single members of a `tracestate`, maps that are put into themselves, `Format`.
fn differs_on_purpose(statement: &str) -> bool {
    let whole_map = |(at, found): (usize, &str)| {
        let behind = &statement[at + found.len()..];
        behind.starts_with([',', ')', ']', '}'])
    };
    let sets = statement.starts_with("set(") || statement.starts_with("append(");
    let maps = |name| statement.match_indices(name).skip(1);
    let mut maps = maps("attributes").chain(maps("metadata"));
    let target = statement.split_once(']').map_or("", |(target, _)| target);
    let target = target
        .trim_start_matches("set(")
        .trim_start_matches("append(")
        .trim_start_matches("span.");
    let into_itself = statement.matches(target).count() > 1 && !target.is_empty();
    // How lists and maps are shown, and the last digit of a logarithm.
    let shown = statement.contains("Format(") || statement.contains("Log(");
    statement.starts_with("set(trace_state[")
        || shown
        || sets && into_itself
        || statement.starts_with("set(span.trace_state[")
        || sets && maps.any(whole_map)
}

#[test]
fn random_statements_make_what_the_reference_makes() {
    let Some(mut reference) = Reference::start() else {
        return;
    };
    let seed = seed();
    println!("OTTL_SEED={seed}");
    let cases = number("OTTL_CASES", 4000);
    let differences_max = number("OTTL_DIFFERENCES", 1);
    let _deadline = Deadline::of_this_test();
    let mut rng = fastrand::Rng::with_seed(seed);
    let (mut executed, mut changed, mut differences) = (0, 0, 0);
    for case in 0..cases {
        let context = generate::context(&mut rng);
        let request = generate::request(&mut rng, context);
        let plain = |request: &[u8]| plain(context, request).expect("a request");
        let statement = generate::statement(&mut rng, context);
        if differs_on_purpose(&statement) {
            continue;
        }
        let theirs = theirs(&mut reference, context, &statement, &request);
        let ours = ours(context, &statement, &request);
        let alike = match (&ours, &theirs) {
            (Ok(ours), Ok(theirs)) => {
                executed += 1;
                let ours = plain(ours);
                changed += u64::from(ours != plain(&request));
                ours == plain(theirs)
            }
            (Err(ours), Err(theirs)) => agree(ours, theirs),
            // What `agree` takes for no difference on one side alone.
            // In a list, the reference takes what can't be stored for nothing.
            (Err(Answer::Failed(reason)), Ok(_))
                if reason.contains("that an attribute can hold") =>
            {
                true
            }
            (Err(ours), Ok(_)) => agree(ours, &Answer::Held(true)),
            (Ok(_), Err(theirs)) => agree(&Answer::Held(true), theirs),
        };
        if !alike {
            differences += 1;
            let shown = |side: &Changed| match side {
                Ok(request) => plain(request),
                Err(answer) => format!("{answer:?}"),
            };
            println!(
                "case {case} of seed {seed}, {}\n  {statement}\n  ours   {}\n  theirs {}",
                context.name(),
                shown(&ours),
                shown(&theirs)
            );
        }
        assert!(differences < differences_max, "they differ");
    }
    println!("{cases} statements: {executed} executed, {changed} with a change");
    assert!(
        changed > cases / 8,
        "most statements change nothing: {changed} of {cases}"
    );
}
