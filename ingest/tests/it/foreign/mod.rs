//! Jaeger's and Zipkin's spans become what the Collector's own translators make of them.

mod jaeger;
mod samples;
mod zipkin;

use bytes::Bytes;
use fastrand::Rng;
use ingest::Format;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use schemas::Signal;
use tests::translators::Translators;

const SPANS: usize = 3000;

fn ours(format: Format, record: &[u8]) -> Result<Vec<ResourceSpans>, String> {
    let request = format.to_otlp(Signal::Traces, &Bytes::copy_from_slice(record))?;
    Ok(flat(&request))
}

/// Each span by itself with what it stands in, in an order that doesn't matter.
fn flat(request: &[u8]) -> Vec<ResourceSpans> {
    let request = ExportTraceServiceRequest::decode(request).unwrap();
    let mut spans = Vec::new();
    for of_resource in request.resource_spans {
        let mut resource = of_resource.resource.unwrap_or_default();
        sort(&mut resource.attributes);
        for of_scope in of_resource.scope_spans {
            let scope = of_scope.scope.unwrap_or_default();
            for span in of_scope.spans {
                spans.push(alone(resource.clone(), scope.clone(), plain(span)));
            }
        }
    }
    spans.sort_by_key(Message::encode_to_vec);
    spans
}

fn alone(resource: Resource, scope: InstrumentationScope, span: Span) -> ResourceSpans {
    ResourceSpans {
        resource: Some(resource),
        scope_spans: vec![ScopeSpans {
            scope: Some(scope),
            spans: vec![span],
            ..Default::default()
        }],
        ..Default::default()
    }
}

/// Attributes have no order, ids of zeros are none, and a status that says nothing is none.
fn plain(mut span: Span) -> Span {
    sort(&mut span.attributes);
    span.events
        .iter_mut()
        .for_each(|event| sort(&mut event.attributes));
    for link in &mut span.links {
        sort(&mut link.attributes);
        none(&mut link.trace_id);
        none(&mut link.span_id);
    }
    none(&mut span.trace_id);
    none(&mut span.span_id);
    none(&mut span.parent_span_id);
    span.status = span.status.filter(|status| *status != Default::default());
    span
}

fn sort(attributes: &mut [KeyValue]) {
    attributes.sort_by(|a, b| a.key.cmp(&b.key));
}

fn none(id: &mut Vec<u8>) {
    if id.iter().all(|&byte| byte == 0) {
        id.clear();
    }
}

fn seed() -> u64 {
    let given = std::env::var("TAILWATER_SEED").ok();
    // The same for every change, so that a change is judged by what it does.
    given.map_or(20_261_130, |seed| seed.parse().unwrap())
}

/// Ours and the Collector's translation of what `record` makes, over many of them.
fn compare(format: Format, mut record: impl FnMut(&mut Rng) -> Vec<u8>) {
    let Ok(mut reference) = Translators::start() else {
        return;
    };
    let seed = seed();
    println!("{}: TAILWATER_SEED={seed}", format.name());
    let mut rng = Rng::with_seed(seed);
    let mut translated = 0;
    for number in 0..SPANS {
        let record = record(&mut rng);
        let shown = || String::from_utf8_lossy(&record).into_owned();
        let theirs = reference.translate(format.name(), &record).unwrap();
        let ours = ours(format, &record);
        match (&ours, &theirs) {
            (Ok(ours), Ok(theirs)) => {
                assert_eq!(ours, &flat(theirs), "record {number}: {}", shown());
                translated += ours.len();
            }
            (Err(_), Err(_)) => {}
            _ => panic!(
                "record {number}: {ours:?}, the Collector's {theirs:?}: {}",
                shown()
            ),
        }
    }
    assert!(translated > SPANS / 2, "only {translated} were translated");
}

/// One of these.
fn any<'v, T: ?Sized>(rng: &mut Rng, values: &[&'v T]) -> &'v T {
    values[rng.usize(..values.len())]
}

fn maybe<T>(rng: &mut Rng, value: impl FnOnce(&mut Rng) -> T) -> Option<T> {
    rng.bool().then(|| value(rng))
}

fn many<T>(rng: &mut Rng, most: usize, mut value: impl FnMut(&mut Rng) -> T) -> Vec<T> {
    (0..rng.usize(..=most)).map(|_| value(rng)).collect()
}
