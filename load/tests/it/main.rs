//! The traffic is what its docs say: repeatable, of realistic shape, complete.
#![allow(clippy::unwrap_used)]

use std::collections::{HashMap, HashSet};

use load::{Mix, Request, Traffic, file};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use schemas::Signal;

const START: u64 = 1_700_000_000_000_000_000;

fn all(seed: u64, spans: u64) -> (Vec<Request>, load::Summary) {
    let mut traffic = Traffic::new(
        Mix {
            signals: vec!["traces", "logs", "metrics"],
            ..Mix::default()
        },
        seed,
        spans,
        START,
    );
    let requests = traffic.by_ref().collect();
    (requests, traffic.summary().clone())
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_does_not() {
    let bytes = |seed| {
        all(seed, 3000)
            .0
            .into_iter()
            .map(|request| request.bytes)
            .collect::<Vec<_>>()
    };
    assert_eq!(bytes(7), bytes(7));
    assert_ne!(bytes(7), bytes(8));
}

#[test]
fn spans_are_as_announced() {
    let (requests, summary) = all(1, 60_000);
    let mut seen: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut errors = HashSet::new();
    let mut traces: HashMap<Vec<u8>, usize> = HashMap::new();
    for request in requests
        .iter()
        .filter(|request| request.signal == Signal::Traces)
    {
        let decoded = ExportTraceServiceRequest::decode(&request.bytes[..]).unwrap();
        for span in decoded
            .resource_spans
            .into_iter()
            .flat_map(|resource| resource.scope_spans)
            .flat_map(|scope| scope.spans)
        {
            if span.status.as_ref().is_some_and(|status| status.code == 2) {
                errors.insert(span.trace_id.clone());
            }
            *traces.entry(span.trace_id).or_default() += 1;
            *seen.entry(span.span_id).or_default() += 1;
        }
    }
    assert_eq!(seen.len() as u64, summary.spans);
    assert_eq!(
        seen.values().sum::<usize>() as u64,
        summary.spans + summary.duplicate_spans
    );
    assert_eq!(errors.len() as u64, summary.error_traces);
    assert_eq!(traces.len() as u64, summary.traces);
    let bytes: usize = requests
        .iter()
        .filter(|request| request.signal == Signal::Traces)
        .map(|request| request.bytes.len())
        .sum();
    let each = bytes as f64 / (summary.spans + summary.duplicate_spans) as f64;
    assert!((400.0..=550.0).contains(&each), "{each} bytes a span");
    let mut sizes: Vec<usize> = traces.into_values().filter(|size| *size > 1).collect();
    sizes.sort_unstable();
    let (median, p99) = (sizes[sizes.len() / 2], sizes[sizes.len() * 99 / 100]);
    assert!(
        (8..=14).contains(&median) && (150..=400).contains(&p99),
        "median {median}, p99 {p99}"
    );
}

#[test]
fn a_file_of_requests_reads_back() {
    let (requests, _) = all(3, 1000);
    let mut written = Vec::new();
    for request in &requests {
        file::write(&mut written, &request.bytes).unwrap();
    }
    let mut input = &written[..];
    let read: Vec<_> = std::iter::from_fn(|| file::read(&mut input).unwrap()).collect();
    assert_eq!(
        read,
        requests
            .iter()
            .map(|request| request.bytes.clone())
            .collect::<Vec<_>>()
    );
    assert!(file::read(&mut &written[..written.len() / 2]).is_ok());
    assert!(file::read(&mut &b"not such a file"[..]).is_err());
}
