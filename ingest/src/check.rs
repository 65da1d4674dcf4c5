//! Whether every consumer can decode an item: framing, wire types, UTF-8, depth, and lengths of ids.
//!
//! Items of many senders share a record on the bus. A consumer with generated types (the Collector, a backend) refuses the
//! whole record for one bad string in it, so what can't be decoded is stopped here, where its sender is told. The Collector
//! also refuses ids of a wrong length, wherever they stand. Unknown fields are passed over and kept: they belong to a newer protocol.

use schemas::Signal;
use schemas::otlp::{check_item, check_request};
use schemas::wire::{Field, Fields, WireError, put_len};

/// What is wrong with one item that is well-formed as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A string that is not UTF-8.
    Utf8,
    /// An id of a wrong length, other than a span's own.
    Id,
}

/// The ids of an item, as sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ids<'a> {
    pub trace_id: &'a [u8],
    pub span_id: &'a [u8],
}

/// Checks a span, log record or metric, and finds its ids.
///
/// # Errors
/// The message, or one in it, is not protobuf or not of its type.
pub fn item(signal: Signal, body: &[u8]) -> Result<(Ids<'_>, Option<Fault>), WireError> {
    let utf8 = utf8_fault(check_item(signal, body))?;
    let (ids, id) = match signal {
        Signal::Traces => span(body),
        Signal::Logs => log_record(body),
        Signal::Metrics => metric(body).map(|fault| (Ids::default(), fault)),
    }?;
    Ok((ids, utf8.or(id)))
}

/// Checks what stands round the scopes of a resource, as written by `ResourceHead::write`.
///
/// # Errors
/// As [`item`].
pub fn resource_head(signal: Signal, head: &[u8]) -> Result<Option<Fault>, WireError> {
    let mut request = Vec::with_capacity(head.len() + 8);
    put_len(&mut request, RESOURCES, head);
    utf8_fault(check_request(signal, &request))
}

/// Checks what stands round the items of a scope, as written by `ScopeHead::write`.
///
/// # Errors
/// As [`item`].
pub fn scope_head(signal: Signal, head: &[u8]) -> Result<Option<Fault>, WireError> {
    let mut resource = Vec::with_capacity(head.len() + 8);
    put_len(&mut resource, SCOPES, head);
    resource_head(signal, &resource)
}

/// The number of data points of a metric: what `rejected_data_points` counts.
pub fn data_points(metric: &[u8]) -> u64 {
    let points = |(_, data)| messages(data, POINTS).count() as u64;
    metric_data(metric).map(points).sum()
}

/// `ExportTraceServiceRequest.resource_spans` and its siblings.
const RESOURCES: u32 = 1;
/// `ResourceSpans.scope_spans` and its siblings.
const SCOPES: u32 = 2;
const SPAN_LINKS: u32 = 13;
/// `Gauge.data_points` and its siblings.
const POINTS: u32 = 1;

fn utf8_fault(checked: Result<(), WireError>) -> Result<Option<Fault>, WireError> {
    match checked {
        Ok(()) => Ok(None),
        Err(WireError::Utf8 { .. }) => Ok(Some(Fault::Utf8)),
        Err(error) => Err(error),
    }
}

#[inline]
fn span(body: &[u8]) -> Result<(Ids<'_>, Option<Fault>), WireError> {
    let mut ids = Ids::default();
    let mut good = true;
    for field in Fields::new(body) {
        let field = field?;
        match field.number {
            1 => ids.trace_id = field.len_value()?,
            2 => ids.span_id = field.len_value()?,
            4 => good &= has_length(&field, 8),
            SPAN_LINKS => good &= have_lengths(field.len_value()?, 1, 2),
            _ => {}
        }
    }
    Ok((ids, fault(good)))
}

#[inline]
fn log_record(body: &[u8]) -> Result<(Ids<'_>, Option<Fault>), WireError> {
    let mut ids = Ids::default();
    let mut good = true;
    for field in Fields::new(body) {
        let field = field?;
        match field.number {
            9 => {
                ids.trace_id = field.len_value()?;
                good &= has_length(&field, 16);
            }
            10 => good &= has_length(&field, 8),
            _ => {}
        }
    }
    Ok((ids, fault(good)))
}

fn metric(body: &[u8]) -> Result<Option<Fault>, WireError> {
    let good = metric_data(body)
        .filter_map(|(exemplars, data)| Some((exemplars?, data)))
        .flat_map(|(exemplars, data)| {
            messages(data, POINTS).flat_map(move |point| messages(point, exemplars))
        })
        .all(|exemplar| have_lengths(exemplar, 5, 4));
    Ok(fault(good))
}

/// The data of a metric, with the field number of its points' exemplars.
fn metric_data(metric: &[u8]) -> impl Iterator<Item = (Option<u32>, &[u8])> {
    Fields::new(metric)
        .map_while(Result::ok)
        .filter_map(|field| {
            let exemplars = match field.number {
                5 | 7 => Some(5),
                9 => Some(8),
                10 => Some(11),
                11 => None,
                _ => return None,
            };
            Some((exemplars, field.len_value().ok()?))
        })
}

/// The messages in a repeated field of a message that was checked before.
fn messages(message: &[u8], number: u32) -> impl Iterator<Item = &[u8]> {
    Fields::new(message)
        .map_while(Result::ok)
        .filter(move |field| field.number == number)
        .filter_map(|field| field.len_value().ok())
}

/// Whether all trace and span ids in a message have their length.
fn have_lengths(message: &[u8], trace_id: u32, span_id: u32) -> bool {
    Fields::new(message)
        .map_while(Result::ok)
        .all(|field| match field.number {
            number if number == trace_id => has_length(&field, 16),
            number if number == span_id => has_length(&field, 8),
            _ => true,
        })
}

/// Absent ids are good: only a span's own ones are needed.
fn has_length(id: &Field<'_>, length: usize) -> bool {
    id.len_value()
        .is_ok_and(|id| id.is_empty() || id.len() == length)
}

fn fault(good: bool) -> Option<Fault> {
    (!good).then_some(Fault::Id)
}
