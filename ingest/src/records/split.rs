//! Splitting: which items of a request go to which partition, and which are rejected. Pure; nothing is copied but pointers.
//!
//! The whole request is walked before any item is used: a request whose framing turns out broken behind its last span leaves no trace. What
//! is broken inside an item costs that item.

use schemas::json::Tally;
use schemas::otlp::{Checked, Fault, Item, Items, check_item};
use schemas::wire::WireError;
use schemas::{Signal, partition_of};

use super::heads::{Heads, Place};
use super::partial::Partial;
use super::points::data_points;
use super::stamp::Stamp;

/// What the split needs to know besides the request.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub partitions: u32,
    /// The largest record that the bus takes: an item that doesn't fit with its heads is rejected.
    pub item_bytes_max: usize,
}

/// An accepted item, ready to be packed.
pub struct Routed<'a> {
    pub item: Item<'a>,
    /// The bytes of a record that holds nothing else: the item with its heads.
    pub alone_bytes: usize,
}

/// A request's items by partition.
pub struct Split<'a> {
    heads: Heads,
    items: Vec<(Place, &'a [u8])>,
    /// Indexes into `items`, partition by partition, each in the order of the request.
    order: Vec<u32>,
    /// Where each partition ends in `order`.
    ends: Vec<u32>,
    pub rejected: Rejected,
}

/// Splits one request.
///
/// # Errors
/// The request is not protobuf of its type down to its items, or no item of it is.
pub fn split(signal: Signal, request: &[u8], limits: Limits) -> Result<Split<'_>, WireError> {
    split_stamped(signal, request, limits, &Stamp::default())
}

/// The same, with attributes for resources that lack them.
///
/// # Errors
/// As [`split`].
pub fn split_stamped<'a>(
    signal: Signal,
    request: &'a [u8],
    limits: Limits,
    stamp: &Stamp,
) -> Result<Split<'a>, WireError> {
    let mut items = Vec::new();
    let mut partitions = Vec::new();
    let mut rejected = Rejected::default();
    let mut heads = Heads::default();
    for item in Items::new(request) {
        let item = item?;
        let place = heads.enter(signal, &item, stamp);
        let checked = check_item(signal, item.body);
        let route = if heads.alone_bytes(place, item.body) > limits.item_bytes_max {
            Err(Reason::TooLarge)
        } else if let Some(error) = checked.as_ref().err().or(heads.malformed(place)) {
            rejected.malformed(error);
            Err(Reason::Malformed)
        } else {
            let mut checked = checked.unwrap_or_default();
            checked.fault = checked.fault.or(heads.fault(place));
            let by_resource = || heads.partition(place, limits.partitions);
            route(signal, &checked, by_resource, limits.partitions)
        };
        match route {
            Ok(partition) => {
                items.push((place, item.body));
                partitions.push(partition);
            }
            Err(reason) => rejected.count(reason, signal, item.body),
        }
    }
    if items.is_empty()
        && let Some(error) = rejected.wire_error.take()
    {
        return Err(error);
    }
    let (order, ends) = sort(&partitions, limits.partitions);
    Ok(Split {
        heads,
        items,
        order,
        ends,
        rejected,
    })
}

impl Split<'_> {
    /// Items that were not rejected.
    pub fn accepted(&self) -> usize {
        self.items.len()
    }

    /// The partitions that have items, with them.
    pub fn partitions(&self) -> impl Iterator<Item = (u32, impl Iterator<Item = Routed<'_>>)> {
        let mut start = 0;
        let ends = self.ends.iter().enumerate();
        ends.filter_map(move |(partition, &end)| {
            let order = &self.order[start as usize..end as usize];
            start = end;
            let items = order.iter().map(|&index| {
                let (place, body) = self.items[index as usize];
                Routed {
                    item: self.heads.item(place, body),
                    alone_bytes: self.heads.alone_bytes(place, body),
                }
            });
            (!order.is_empty()).then_some((partition as u32, items))
        })
    }
}

/// Why one item is rejected while the rest of its request is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    TraceId,
    SpanId,
    /// An id in a link, an exemplar, a log record or a parent.
    OtherId,
    Utf8,
    TooLarge,
    /// It can't be read, or what it stands in can't.
    Malformed,
}

impl Reason {
    pub const ALL: [Self; 6] = [
        Self::TraceId,
        Self::SpanId,
        Self::OtherId,
        Self::Utf8,
        Self::TooLarge,
        Self::Malformed,
    ];

    /// The `reason` label of the rejected items' counter.
    pub fn name(self) -> &'static str {
        match self {
            Self::TraceId => "trace_id",
            Self::SpanId => "span_id",
            Self::OtherId => "other_id",
            Self::Utf8 => "utf8",
            Self::TooLarge => "too_large",
            Self::Malformed => "malformed",
        }
    }
}

/// How many items were rejected, by reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rejected {
    items: [u64; Reason::ALL.len()],
    /// In the unit of `partial_success`: data points for metrics, items otherwise.
    units: u64,
    wire_error: Option<WireError>,
    /// What was wrong with the first malformed item.
    fault: Option<String>,
}

impl Rejected {
    fn count(&mut self, reason: Reason, signal: Signal, body: &[u8]) {
        self.items[reason as usize] += 1;
        self.units += match signal {
            // Of what can't be read, as many as can be seen, and it is one at least.
            Signal::Metrics => data_points(body).max(u64::from(reason == Reason::Malformed)),
            Signal::Traces | Signal::Logs => 1,
        };
    }

    fn malformed(&mut self, error: &WireError) {
        self.fault.get_or_insert_with(|| error.to_string());
        self.wire_error.get_or_insert(*error);
    }

    /// Items that could not be read before there was anything to split.
    pub fn add_unread(&mut self, unread: Tally, fault: String) {
        self.items[Reason::Malformed as usize] += unread.items;
        self.units += unread.units;
        self.fault = Some(fault);
    }

    /// Whether an item, or what it stands in, is not protobuf of its type.
    pub fn wire_error(&self) -> Option<&WireError> {
        self.wire_error.as_ref()
    }

    pub fn total(&self) -> u64 {
        self.items.iter().sum()
    }

    /// The reasons that occurred, with their counts.
    pub fn by_reason(&self) -> impl Iterator<Item = (Reason, u64)> {
        Reason::ALL
            .into_iter()
            .zip(self.items)
            .filter(|&(_, count)| count > 0)
    }

    /// What the client is told.
    pub fn partial(&self, signal: Signal, limits: Limits) -> Partial {
        let what = signal.items();
        let fault = self.fault.as_deref().unwrap_or_default();
        let message = self.by_reason().map(|(reason, count)| match reason {
            Reason::TraceId => format!("{count} {what} with a trace_id that is not 16 bytes or all zero"),
            Reason::SpanId => format!("{count} {what} with a span_id that is not 8 bytes or all zero"),
            Reason::OtherId => format!(
                "{count} {what} with an id of a wrong length (trace ids have 16 bytes, span ids 8) in the record, its parent, a link or an exemplar"
            ),
            Reason::Utf8 => format!("{count} {what} with a string that is not UTF-8"),
            Reason::TooLarge => format!(
                "{count} {what} above the limit of {} bytes for one record, with resource and scope",
                limits.item_bytes_max
            ),
            Reason::Malformed => format!("{count} {what} that could not be read; the first fault: {fault}"),
        });
        Partial {
            rejected: self.units,
            message: message.collect::<Vec<_>>().join("; "),
        }
    }
}

/// Spans go by trace, logs by trace where they have one, all else by resource.
#[inline]
fn route(
    signal: Signal,
    checked: &Checked<'_>,
    by_resource: impl FnOnce() -> u32,
    partitions: u32,
) -> Result<u32, Reason> {
    let trace = is_id(checked.trace_id, 16).then_some(checked.trace_id);
    if signal == Signal::Traces && trace.is_none() {
        return Err(Reason::TraceId);
    }
    if signal == Signal::Traces && !is_id(checked.span_id, 8) {
        return Err(Reason::SpanId);
    }
    match (checked.fault, trace) {
        (Some(Fault::Utf8 { .. }), _) => Err(Reason::Utf8),
        (Some(Fault::Id), _) => Err(Reason::OtherId),
        (None, Some(trace_id)) => Ok(partition_of(trace_id, partitions)),
        (None, None) => Ok(by_resource()),
    }
}

#[inline]
fn is_id(id: &[u8], length: usize) -> bool {
    id.len() == length && id.iter().any(|&byte| byte != 0)
}

/// A counting sort: indexes by partition, and where each partition ends.
fn sort(partitions: &[u32], count: u32) -> (Vec<u32>, Vec<u32>) {
    let mut ends = vec![0_u32; count as usize];
    for &partition in partitions {
        ends[partition as usize] += 1;
    }
    let mut start = 0;
    for end in &mut ends {
        start += std::mem::replace(end, start);
    }
    let mut order = vec![0; partitions.len()];
    for (index, &partition) in partitions.iter().enumerate() {
        // Each start moves on until it has become its partition's end.
        let next = &mut ends[partition as usize];
        order[*next as usize] = index as u32;
        *next += 1;
    }
    (order, ends)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every index once, partition by partition, in order.
    #[test]
    fn sorting_by_partition() {
        assert_eq!(sort(&[], 2), (vec![], vec![0, 0]));
        assert_eq!(
            sort(&[2, 0, 2, 1, 0], 4),
            (vec![1, 4, 3, 0, 2], vec![2, 3, 5, 5])
        );
    }
}
