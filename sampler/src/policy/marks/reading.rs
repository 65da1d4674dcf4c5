//! One span as numbers: its fields, its shape, and what it takes from its resource.

use schemas::otlp::{AnyValue, Attributes, SpanView, StatusCode};
use schemas::wire::Fields;
use xxhash_rust::xxh3::xxh3_64;

use crate::policy::on_spans::per_operation::Memo;
use crate::stats::set_hash::{self, mix};

/// Words of a set of field values: see [`set_hash`].
pub(super) const SET_WORDS: usize = 4;

/// A field of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// The span's name.
    Operation,
    Status,
    Kind,
    /// `service.name` of the resource.
    Service,
    /// Index into [`Marks`](super::Marks)' attributes: of the span, else of its resource.
    Attribute(usize),
}

/// What the spans of one resource have in common, and what was found out before: reused from record to record.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    pub(super) service: Box<[u8]>,
    pub(super) service_hash: u64,
    /// Of the span's name.
    pub(super) name_hash: u64,
    /// By attribute: the hash of its value, 0 when it isn't there.
    pub(super) resource_values: Vec<u64>,
    pub(super) values: Vec<u64>,
    pub(super) memo: Memo,
}

pub(super) fn hash_of(value: AnyValue<'_>) -> u64 {
    match value {
        AnyValue::Empty => 1,
        AnyValue::String(text) => mix(2, xxh3_64(text)),
        AnyValue::Bool(value) => mix(3, value.into()),
        AnyValue::Int(value) => mix(4, value as u64),
        AnyValue::Double(value) => mix(5, value.to_bits()),
        AnyValue::Array(bytes) | AnyValue::Kvlist(bytes) | AnyValue::Bytes(bytes) => {
            mix(6, xxh3_64(bytes))
        }
    }
}

fn status_of(span: &SpanView<'_>) -> u64 {
    match span.status {
        StatusCode::Unset => 1,
        StatusCode::Ok => 2,
        StatusCode::Error => 3,
        StatusCode::Other(code) => mix(4, code as u64),
    }
}

pub(super) fn fields_of(fields: &[Field], span: &SpanView<'_>, reading: &Reading) -> u64 {
    let mut hash = 0;
    let mut found = false;
    for field in fields {
        let value = match *field {
            Field::Operation => reading.name_hash,
            Field::Status => status_of(span),
            Field::Kind => mix(2, span.kind as u64),
            Field::Service if reading.service.is_empty() => 0,
            Field::Service => reading.service_hash,
            Field::Attribute(at) => reading.values[at],
        };
        found |= value != 0;
        hash = mix(hash, value);
    }
    if found { hash } else { 0 }
}

pub(super) fn shape_of(span: &SpanView<'_>, reading: &Reading) -> u64 {
    let hash = mix(
        mix(reading.service_hash, reading.name_hash),
        status_of(span),
    );
    if span.has_events {
        mix(hash, exceptions_of(span))
    } else {
        hash
    }
}

/// The types of the exceptions that a span recorded as events, whatever their order.
fn exceptions_of(span: &SpanView<'_>) -> u64 {
    /// `Span.events`, `Event.attributes`.
    const EVENTS: u32 = 11;
    const ATTRIBUTES: u32 = 3;
    let mut types = [0; SET_WORDS];
    let fields = Fields::new(span.body).map_while(Result::ok);
    for event in fields.filter(|field| field.number == EVENTS) {
        let Ok(event) = event.len_value() else { break };
        let attributes = Attributes::new(event, ATTRIBUTES).map_while(Result::ok);
        for attribute in attributes.filter(|attribute| attribute.key == b"exception.type") {
            set_hash::add(&mut types, hash_of(attribute.value));
        }
    }
    set_hash::number(&types)
}
