//! OTTL: any text on any telemetry. Nothing panics, everything ends, the same gives the same, and what editors leave can be read.
//!
//! A text in OTTL, a byte 0, and a request of any signal.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ottl::{Condition, Context, Draft, Expression, RootAnswers, Statement, Subject, TraceFacts};
use schemas::Signal;
use schemas::otlp::{
    Item, Items, LogView, MetricView, SpanView, check_item, check_resource, check_scope,
};

const CONTEXTS: [Context; 8] = [
    Context::Resource,
    Context::Scope,
    Context::Span,
    Context::SpanEvent,
    Context::Log,
    Context::Metric,
    Context::DataPoint,
    Context::Trace,
];
/// Items of a request, at most: one behaves as the others do.
const ITEMS_MAX: usize = 8;

fuzz_target!(init: tailwater_fuzz::keep_overflowing_inputs(), |bytes: &[u8]| {
    let mut parts = bytes.splitn(2, |byte| *byte == 0);
    let text = parts.next().unwrap_or_default();
    let request = parts.next().unwrap_or_default();
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    for context in CONTEXTS {
        conditions(context, text, request);
        statements(context, text, request);
    }
});

fn items(request: &[u8]) -> impl Iterator<Item = Item<'_>> {
    Items::new(request).map_while(Result::ok).take(ITEMS_MAX)
}

fn conditions(context: Context, text: &str, request: &[u8]) {
    let condition = Condition::compile(context, text);
    let expression = Expression::compile(context, text);
    if let Err(problems) = &condition {
        let _ = problems.to_string();
    }
    let evaluate = |subject: &Subject<'_>| {
        if let Ok(condition) = &condition {
            let found = condition.eval(subject);
            assert_eq!(found, condition.eval(subject), "{text}");
            if let Some(constant) = condition.constant() {
                assert_eq!(found, constant, "constant: {text}");
            }
        }
        if let Ok(expression) = &expression {
            let _ = expression
                .eval(subject)
                .and_then(|value| value.into_owned());
        }
    };
    evaluate(&Subject::default());
    for item in items(request) {
        let mut subject = Subject::default();
        if context == Context::Log {
            let Ok(log) = LogView::parse(item.body) else {
                continue;
            };
            subject.set_log(item.resource, item.scope, log);
        } else if matches!(context, Context::Metric | Context::DataPoint) {
            let Ok(metric) = MetricView::parse(item.body) else {
                continue;
            };
            subject.set_metric(item.resource, item.scope, metric);
            if let Some(Ok(point)) = metric.points().next() {
                subject.set_point(point, 0);
            }
        } else {
            let Ok(span) = SpanView::parse(item.body) else {
                continue;
            };
            subject.set_span(item.resource, item.scope, span);
            if let Some(Ok(event)) = span.events().next() {
                subject.set_event(event, 0);
            }
        }
        evaluate(&subject);
        if let (Context::Trace, Ok(condition)) = (context, &condition) {
            let facts = TraceFacts {
                duration_ns: 1,
                span_count: 2,
                bytes: item.body.len() as u64,
                has_root: true,
                ..TraceFacts::default()
            };
            let _ = condition.eval_trace(facts, condition.root_answers(&subject));
            let _ = condition.eval_trace(facts, RootAnswers::default());
        }
    }
}

fn statements(context: Context, text: &str, request: &[u8]) {
    let Ok(statement) = Statement::compile(context, text) else {
        return;
    };
    for item in items(request) {
        let signal = match context {
            Context::Log => Signal::Logs,
            Context::Metric | Context::DataPoint => Signal::Metrics,
            _ => Signal::Traces,
        };
        let Ok(mut draft) = Draft::of(signal, &item) else {
            continue;
        };
        let Some(before) = written(&draft) else {
            continue;
        };
        let is_within = matches!(context, Context::SpanEvent | Context::DataPoint);
        if is_within && draft.begin_inner(0) != Ok(true) {
            continue;
        }
        let edited = statement.execute(&mut draft);
        if is_within {
            draft.end_inner(true);
        }
        let after = written(&draft);
        if edited.is_err() || edited == Ok(false) {
            assert_eq!(Some(&before), after.as_ref(), "edited all the same: {text}");
        }
        let Some(after) = after else {
            assert!(
                !is_sound(signal, &before),
                "{text}: sound, and can't be written"
            );
            continue;
        };
        if is_sound(signal, &before) {
            assert!(is_sound(signal, &after), "{text}: {after:02x?}");
        }
    }
}

/// Resource, scope and item; `None`: something in them can't be read.
fn written(draft: &Draft<'_>) -> Option<(Vec<u8>, Vec<u8>, Vec<u8>)> {
    let (mut resource, mut scope, mut item) = (Vec::new(), Vec::new(), Vec::new());
    draft.write_resource(&mut resource).ok()?;
    draft.write_scope(&mut scope).ok()?;
    draft.write_item(&mut item).ok()?;
    Some((resource, scope, item))
}

/// Framing and text of resource, scope and item.
fn is_sound(signal: Signal, (resource, scope, item): &(Vec<u8>, Vec<u8>, Vec<u8>)) -> bool {
    let resource = check_resource(signal, resource);
    let scope = check_scope(signal, scope);
    let item = check_item(signal, item).map(|checked| checked.fault);
    [resource, scope, item]
        .into_iter()
        .all(|part| part == Ok(None))
}
