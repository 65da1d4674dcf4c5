//! A whole record, with its metrics of one temporality made those of the other.
//!
//! Gauges, summaries and metrics without a temporality stay as they are; so do sums that aren't monotonic, on their way to delta. A metric of which no
//! point is left goes. What is converted is converted once, when the record is read.

use std::collections::BTreeMap;
use std::ops::Range;

use bus::TopicPartition;
use schemas::otlp::{Item, Items, MetricKind, MetricView, PointView};
use schemas::pack::Packer;
use schemas::wire::{Fields, Value, put_len, put_varint_field};

use super::cumulative::Streams;
use super::delta::Deltas;
use super::identity::Identity;
use super::points::{self, Point};
use super::table::StreamLimits;
use super::why::Why;
use crate::records::entry::Entry;
use crate::records::parts::Parts;
use crate::records::skipped::{Reason, Skipped};

/// `AggregationTemporality`.
const DELTA: i32 = 1;
const CUMULATIVE: i32 = 2;
/// `data_points` and `aggregation_temporality` of sums and histograms.
const POINTS: u32 = 1;
const TEMPORALITY: u32 = 2;

/// Which temporality a backend gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    ToDelta,
    ToCumulative,
}

/// How it is converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub direction: Direction,
    pub streams: StreamLimits,
}

/// Converts the metrics of one backend.
#[derive(Debug)]
pub struct Converter {
    state: State,
    identity: Identity,
    packer: Packer,
}

#[derive(Debug)]
enum State {
    Delta(Deltas),
    Cumulative(Streams),
}

/// A record after its conversion.
#[derive(Debug)]
pub struct Converted {
    /// `None`: nothing of it is left.
    pub entry: Option<Entry>,
    /// Metrics of which nothing is left, and what was skipped before.
    pub skipped: Skipped,
    /// Data points that are left out.
    pub dropped: BTreeMap<Why, u64>,
}

/// Where a record is from.
struct Place {
    at: TopicPartition,
    now_ms: i64,
}

impl Converter {
    pub fn new(limits: Limits) -> Self {
        let state = match limits.direction {
            Direction::ToDelta => State::Delta(Deltas::new(limits.streams)),
            Direction::ToCumulative => State::Cumulative(Streams::new(limits.streams)),
        };
        Self {
            state,
            identity: Identity::default(),
            packer: Packer::new(),
        }
    }

    /// How many streams are remembered.
    pub fn count(&self) -> usize {
        match &self.state {
            State::Delta(deltas) => deltas.count(),
            State::Cumulative(streams) => streams.count(),
        }
    }

    /// A partition is ours from this time on, in nanoseconds since 1970.
    pub fn own(&mut self, at: &TopicPartition, now_ns: u64) {
        match &mut self.state {
            State::Delta(deltas) => deltas.own(at, now_ns),
            State::Cumulative(streams) => streams.forget(std::slice::from_ref(at)),
        }
    }

    /// These partitions are another process's.
    pub fn forget(&mut self, gone: &[TopicPartition]) {
        match &mut self.state {
            State::Delta(deltas) => deltas.forget(gone),
            State::Cumulative(streams) => streams.forget(gone),
        }
    }

    /// Converts what is offered of a record of metrics; records of a partition come in order.
    pub fn convert(&mut self, entry: Entry) -> Converted {
        let place = Place {
            at: entry.at(),
            now_ms: i64::try_from(entry.record.timestamp_ms).unwrap_or(i64::MAX),
        };
        if let State::Delta(deltas) = &mut self.state {
            deltas.passes(&place.at, place.now_ms);
        }
        let value = entry.record.value.clone();
        let items = || Items::new(&value).map_while(Result::ok);
        let is_wanted = |item: Item<'_>| self.wanted(&item).is_some();
        let mut dropped = BTreeMap::new();
        if entry.defect.is_some() || !items().any(is_wanted) {
            return Converted {
                skipped: entry.skipped,
                entry: Some(entry),
                dropped,
            };
        }
        self.identity.begin();
        self.packer.begin_source();
        let (mut unit, mut gone) = (0, 0);
        let mut kept: Vec<Vec<Range<usize>>> = Vec::new();
        let mut body = Vec::new();
        for item in items() {
            let metric = MetricView::parse(item.body).ok();
            let count = metric.map_or(1, |metric| metric.points().count().max(1));
            let units = unit..unit + count;
            unit = units.end;
            let Some(metric) = self.wanted(&item) else {
                self.packer.push(&item);
                kept.push(vec![units]);
                continue;
            };
            body.clear();
            let left = self.metric(
                &place,
                (entry.tenant(), &item, &metric),
                &mut body,
                &mut dropped,
            );
            if left.is_empty() && metric.points().next().is_some() {
                gone += 1;
                continue;
            }
            self.packer.push(&Item {
                body: &body,
                ..item
            });
            let left = left
                .into_iter()
                .map(|point| units.start + point..units.start + point + 1);
            kept.push(left.collect());
        }
        self.finish(entry, &kept, gone, dropped)
    }

    fn finish(
        &mut self,
        mut entry: Entry,
        kept: &[Vec<Range<usize>>],
        gone: usize,
        dropped: BTreeMap<Why, u64>,
    ) -> Converted {
        let ordered = self
            .packer
            .order()
            .flat_map(|item| kept[item].iter().cloned());
        let ordered: Vec<_> = ordered.collect();
        let value = self.packer.finish();
        entry.skipped.add(Reason::Temporality, gone as u64);
        entry.items = kept.len();
        let skipped = entry.skipped;
        let entry = match (kept.is_empty(), entry.failed.take()) {
            (false, failed) => {
                let parts = entry.parts.within(&ordered);
                entry.offer(value, parts);
                entry.failed = failed;
                Some(entry)
            }
            // What is left is to be set aside, as a record with a defect is.
            (true, Some(failed)) => {
                entry.items = failed.items;
                entry.parts = Parts::of(failed.units);
                entry.defect = Some(failed.reason);
                Some(entry)
            }
            (true, None) => None,
        };
        Converted {
            entry,
            skipped,
            dropped,
        }
    }

    /// The metric of an item that is to be converted.
    fn wanted<'a>(&self, item: &Item<'a>) -> Option<MetricView<'a>> {
        let metric = MetricView::parse(item.body).ok()?;
        let kind = metric.kind?;
        let counts = match (kind, &self.state) {
            (MetricKind::Sum, State::Delta(_)) => metric.is_monotonic,
            (MetricKind::Sum | MetricKind::Histogram | MetricKind::ExponentialHistogram, _) => true,
            (MetricKind::Gauge | MetricKind::Summary, _) => false,
        };
        let from = match self.state {
            State::Delta(_) => CUMULATIVE,
            State::Cumulative(_) => DELTA,
        };
        (counts && metric.aggregation_temporality == from).then_some(metric)
    }

    /// Writes a metric with the other temporality; which of its points are left.
    fn metric(
        &mut self,
        place: &Place,
        (tenant, item, metric): (Option<&[u8]>, &Item<'_>, &MetricView<'_>),
        out: &mut Vec<u8>,
        dropped: &mut BTreeMap<Why, u64>,
    ) -> Vec<usize> {
        let (mut left, mut index) = (Vec::new(), 0);
        let Some(kind) = metric.kind else {
            return left;
        };
        let entered = self
            .identity
            .enter(tenant.unwrap_or_default(), item, metric);
        let mut data_of = Vec::new();
        let mut point_of = Vec::new();
        for field in Fields::new(item.body).map_while(Result::ok) {
            let Value::Len(data) = field.value else {
                out.extend_from_slice(field.raw);
                continue;
            };
            if field.number != kind.field() {
                out.extend_from_slice(field.raw);
                continue;
            }
            data_of.clear();
            for inner in Fields::new(data).map_while(Result::ok) {
                match (inner.number, inner.value) {
                    (POINTS, Value::Len(body)) => {
                        point_of.clear();
                        let point = PointView { body, kind };
                        let converted = match entered {
                            Ok(()) => self.point(place, &point, &mut point_of),
                            Err(_) => Err(Why::Malformed),
                        };
                        match converted {
                            Ok(()) => {
                                put_len(&mut data_of, POINTS, &point_of);
                                left.push(index);
                            }
                            Err(why) => *dropped.entry(why).or_default() += 1,
                        }
                        index += 1;
                    }
                    (TEMPORALITY, _) => {}
                    _ => data_of.extend_from_slice(inner.raw),
                }
            }
            let to = match self.state {
                State::Delta(_) => DELTA,
                State::Cumulative(_) => CUMULATIVE,
            };
            put_varint_field(&mut data_of, TEMPORALITY, to as u64);
            put_len(out, field.number, &data_of);
        }
        left
    }

    /// Writes a point as it is in the other temporality.
    fn point(
        &mut self,
        place: &Place,
        point: &PointView<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Why> {
        let key = self.identity.of(point).map_err(|_| Why::Malformed)?;
        let read = points::read(point).map_err(|_| Why::Malformed)?;
        let (at, now_ms) = (&place.at, place.now_ms);
        let (start_ns, value) = match (read, &mut self.state) {
            (Point::Value(value), State::Delta(deltas)) => deltas.take(at, now_ms, key, &value)?,
            (Point::Value(value), State::Cumulative(streams)) => {
                let mut tentative = streams.begin();
                let total = tentative.add(streams, at, now_ms, key, &value)?;
                streams.accept(tentative);
                total
            }
            (Point::Ended, State::Cumulative(streams)) => {
                let mut tentative = streams.begin();
                tentative.end(at, key);
                streams.accept(tentative);
                out.extend_from_slice(point.body);
                return Ok(());
            }
            (Point::Ended | Point::Other, _) => {
                out.extend_from_slice(point.body);
                return Ok(());
            }
        };
        points::write(point.body, start_ns, &value, out);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
