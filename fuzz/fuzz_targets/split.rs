//! From a request to records: no item is lost, doubled or changed, each is where its trace belongs, and no record is too large or unreadable.
//!
//! The first five bytes are the signal, the number of partitions, the two limits of a record, and whether resources are stamped.
#![no_main]

use std::collections::HashMap;
use std::time::Instant;

use libfuzzer_sys::fuzz_target;
use model::{Flat, model, walk};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use records::pack::{Closed, Pack, RecordLimits};
use records::split::{Limits, Split, split_stamped};
use records::stamp::{Stamp, StampValue};
use schemas::otlp::{Items, SpanView, check_request};
use schemas::wire::{Fields, put_len};
use schemas::{Signal, partition_of};

#[allow(dead_code)]
#[path = "../../schemas/tests/it/model.rs"]
mod model;

/// The pure part of ingest.
#[allow(dead_code)]
#[path = "../../ingest/src/records"]
mod records {
    pub mod heads;
    pub mod pack;
    pub mod partial;
    pub mod points;
    pub mod split;
    pub mod stamp;
}

fuzz_target!(init: tailwater_fuzz::keep_overflowing_inputs(), |bytes: &[u8]| {
    let Some(([signal, partitions, wanted, hard, stamped], request)) = bytes.split_first_chunk()
    else {
        return;
    };
    let signal = Signal::ALL[usize::from(signal % 3)];
    let hard = 64 + 64 * usize::from(*hard);
    let limits = Limits {
        partitions: 1 + u32::from(partitions % 8),
        item_bytes_max: hard,
    };
    let stamp = match stamped % 2 {
        0 => Stamp::default(),
        _ => Stamp::new([("zone".to_owned(), StampValue::Text("a".to_owned()))]),
    };
    let Ok(split) = split_stamped(signal, request, limits, &stamp) else {
        // Nothing of it is taken: it has no item that can be read, or broken framing.
        let sound = model(signal, request);
        assert!(sound.is_err() || has_group(signal, request));
        return;
    };
    let whole = walk(request).expect("what was split");
    let total = split.accepted() as u64 + split.rejected.total();
    assert_eq!(whole.len() as u64, total, "accepted and rejected");
    let _ = split.rejected.partial(signal, limits);
    if stamped % 2 == 0 {
        check_choice(signal, &whole, &split, limits);
    }
    // What another sender has in other heads, and packs hold beside it.
    let mut item = (Vec::new(), Vec::new(), Vec::new());
    put_len(&mut item.0, 3, b"other");
    if let Some((_, mut items)) = split.partitions().next() {
        item.2 = items.next().expect("one at least").item.body.to_vec();
    }
    let other = alone(&item);
    let other = split_stamped(signal, &other, limits, &stamp);
    let splits: Vec<_> = [Ok(split), other].into_iter().flatten().collect();
    let records = pack(
        &splits,
        RecordLimits {
            wanted: 64 * usize::from(*wanted),
            hard,
        },
    );
    check_records(signal, &splits, &records, limits);
});

/// Nothing but groups, which prost passes over, explains that we refuse what it reads.
fn has_group(signal: Signal, request: &[u8]) -> bool {
    check_request(signal, request).is_err()
}

/// By partition, the records that a process would publish of these requests.
fn pack(splits: &[Split<'_>], limits: RecordLimits) -> Vec<(u32, Vec<u8>)> {
    let now = Instant::now();
    let mut packs: HashMap<u32, (Pack<usize>, Vec<Closed<usize>>)> = HashMap::new();
    for (sender, split) in splits.iter().enumerate() {
        for (partition, items) in split.partitions() {
            let (pack, closed) = packs.entry(partition).or_default();
            pack.add(items, &sender, now, limits, closed);
        }
    }
    let mut records = Vec::new();
    for (partition, (mut pack, mut closed)) in packs {
        closed.extend(pack.close_due(now));
        assert!(pack.close().is_none(), "nothing is left");
        for record in closed {
            assert!(record.value.len() <= limits.hard, "above the limit");
            assert_eq!(Items::new(&record.value).count() as u64, record.items);
            assert!(matches!(record.waiters[..], [0] | [1] | [0, 1]));
            records.push((partition, record.value.to_vec()));
        }
    }
    records
}

/// What is in the records is what was accepted.
fn check_records(signal: Signal, splits: &[Split<'_>], records: &[(u32, Vec<u8>)], limits: Limits) {
    let mut expected: HashMap<Flat, i64> = HashMap::new();
    for (_, items) in splits.iter().flat_map(Split::partitions) {
        for routed in items {
            let (mut resource, mut scope) = (Vec::new(), Vec::new());
            routed.item.resource.write(&mut resource);
            routed.item.scope.write(&mut scope);
            let flat = (resource, scope, routed.item.body.to_vec());
            *expected.entry(flat).or_default() += 1;
        }
    }
    for (partition, record) in records {
        assert_eq!(
            check_request(signal, record),
            Ok(()),
            "a record that others refuse"
        );
        model(signal, record).expect("a record that prost reads");
        for flat in walk(record).expect("a record") {
            if signal == Signal::Traces {
                let span = SpanView::parse(&flat.2).expect("a span");
                assert_eq!(partition_of(span.trace_id, limits.partitions), *partition);
            }
            *expected.entry(flat).or_default() -= 1;
        }
    }
    let wrong: Vec<_> = expected.iter().filter(|(_, count)| **count != 0).collect();
    assert!(
        wrong.is_empty(),
        "lost (above 0) or doubled (below): {wrong:?}"
    );
}

/// Exactly those spans are taken that have valid ids, fit, and can be read by anybody when they stand alone.
fn check_choice(signal: Signal, whole: &[Flat], split: &Split<'_>, limits: Limits) {
    if signal != Signal::Traces {
        return;
    }
    let mut accepted: HashMap<&[u8], i64> = HashMap::new();
    for (_, items) in split.partitions() {
        for routed in items {
            *accepted.entry(routed.item.body).or_default() += 1;
        }
    }
    for flat in whole {
        if is_good(flat, limits.item_bytes_max) {
            *accepted.entry(&flat.2).or_default() -= 1;
        }
    }
    let wrong: Vec<_> = accepted.iter().filter(|(_, count)| **count != 0).collect();
    assert!(
        wrong.is_empty(),
        "taken (above 0) or refused (below): {wrong:02x?}"
    );
}

/// By prost, and by looking at each id.
fn is_good(flat: &Flat, bytes_max: usize) -> bool {
    let (resource, scope, item) = flat;
    let alone = alone(flat);
    if ExportTraceServiceRequest::decode(&*alone).is_err() || has_group(Signal::Traces, &alone) {
        return false;
    }
    let span = Span::decode(&**item).expect("it can be read where it stands");
    let own = span.trace_id.len() == 16 && span.trace_id != [0; 16];
    let own = own && span.span_id.len() == 8 && span.span_id != [0; 8];
    // Tags and lengths of resource, scope and item may take so much.
    let bytes = resource.len() + scope.len() + item.len() + 18;
    own && ids_fit(item, &[1, 2, 4])
        && links(item).all(|link| ids_fit(link, &[1, 2]))
        && bytes <= bytes_max
}

/// Of an id that stands there twice, each counts; 1 is a trace's, the others are spans'.
fn ids_fit(message: &[u8], numbers: &[u32]) -> bool {
    let ids = Fields::new(message)
        .flatten()
        .filter(|field| numbers.contains(&field.number));
    let mut ids = ids.map(|field| (field.number, field.len_value().expect("an id")));
    ids.all(|(number, id)| id.is_empty() || id.len() == if number == 1 { 16 } else { 8 })
}

fn links(span: &[u8]) -> impl Iterator<Item = &[u8]> {
    let links = Fields::new(span)
        .flatten()
        .filter(|field| field.number == 13);
    links.map(|link| link.len_value().expect("a link"))
}

/// A request with this one item.
fn alone((resource, scope, item): &Flat) -> Vec<u8> {
    let mut in_scope = scope.clone();
    put_len(&mut in_scope, 2, item);
    let mut in_resource = resource.clone();
    put_len(&mut in_resource, 2, &in_scope);
    let mut request = Vec::new();
    put_len(&mut request, 1, &in_resource);
    request
}
