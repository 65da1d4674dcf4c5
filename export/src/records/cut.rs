//! A record cut into parts: spans, log records, and data points of metrics, since backends bound requests in those.
//! Off the hot path: only what a backend refused is cut.

use std::ops::Range;

use bytes::Bytes;
use schemas::Signal;
use schemas::otlp::Items;
use schemas::pack::Packer;
use schemas::wire::{Fields, Value, WireError, put_len};

/// `Metric {gauge = 5, sum = 7, histogram = 9, exponential_histogram = 10, summary = 11}`.
const POINTS: [u32; 5] = [5, 7, 9, 10, 11];
/// `data_points` of each of them.
const DATA_POINTS: u32 = 1;

/// The smallest things that a record can be cut into, by the item that each belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Units {
    /// Where the units of each item end.
    ends: Vec<usize>,
}

impl Units {
    pub fn of(signal: Signal, value: &[u8]) -> Result<Self, WireError> {
        let mut ends = Vec::new();
        let mut end = 0;
        for item in Items::new(value) {
            let body = item?.body;
            end += match signal {
                Signal::Metrics => points(body)?.max(1),
                _ => 1,
            };
            ends.push(end);
        }
        Ok(Self { ends })
    }

    pub fn count(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    /// How many items have units in these ranges, which are in order and don't overlap.
    pub fn items_in(&self, ranges: &[Range<usize>]) -> usize {
        let mut counted = 0;
        let mut items = 0;
        for range in ranges.iter().filter(|range| !range.is_empty()) {
            let first = self.ends.partition_point(|end| *end <= range.start);
            let end = self.ends.partition_point(|end| *end < range.end) + 1;
            items += end - first.max(counted);
            counted = end;
        }
        items
    }

    /// A request with the units in these ranges, which are in order and don't overlap. `value` is what the units are of: it was
    /// walked down to the points then, so nothing in it can be malformed.
    pub fn cut(&self, value: &[u8], ranges: &[Range<usize>]) -> Bytes {
        let mut packer = Packer::new();
        packer.begin_source();
        let mut start = 0;
        let mut body = Vec::new();
        for (item, end) in Items::new(value).map_while(Result::ok).zip(&self.ends) {
            let own = start..*end;
            let wanted = |unit: usize| {
                ranges
                    .iter()
                    .any(|range| range.contains(&(own.start + unit)))
            };
            let count = (0..own.len()).filter(|unit| wanted(*unit)).count();
            if count == own.len() {
                packer.push(&item);
            } else if count > 0 {
                body.clear();
                write_points(item.body, wanted, &mut body);
                packer.push(&schemas::otlp::Item {
                    body: &body,
                    ..item
                });
            }
            start = *end;
        }
        packer.finish()
    }
}

/// The data points of a metric.
fn points(metric: &[u8]) -> Result<usize, WireError> {
    let mut points = 0;
    for field in Fields::new(metric) {
        let field = field?;
        if let (true, Value::Len(data)) = (POINTS.contains(&field.number), field.value) {
            for point in Fields::new(data) {
                points += usize::from(point?.number == DATA_POINTS);
            }
        }
    }
    Ok(points)
}

/// The metric with some of its points; all its other fields as they stand.
fn write_points(metric: &[u8], wanted: impl Fn(usize) -> bool, out: &mut Vec<u8>) {
    let mut point = 0;
    for field in Fields::new(metric).map_while(Result::ok) {
        let data = match field.value {
            Value::Len(data) if POINTS.contains(&field.number) => data,
            _ => {
                out.extend_from_slice(field.raw);
                continue;
            }
        };
        let mut kept = Vec::with_capacity(data.len());
        for inner in Fields::new(data).map_while(Result::ok) {
            let is_point = inner.number == DATA_POINTS;
            if !is_point || wanted(point) {
                kept.extend_from_slice(inner.raw);
            }
            point += usize::from(is_point);
        }
        put_len(out, field.number, &kept);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
    use proptest::prelude::*;
    use prost::Message;

    /// Two resources; metrics with so many points each, a sum among gauges.
    fn metrics(points: &[usize]) -> Vec<u8> {
        let metrics: Vec<_> = (0..).zip(points).map(|(index, points)| {
            let points = (0..*points).map(|point| format!(r#"{{"timeUnixNano":"{point}","asInt":"{index}"}}"#));
            let points = points.collect::<Vec<_>>().join(",");
            let data = match index % 2 {
                0 => format!(r#""gauge":{{"dataPoints":[{points}]}}"#),
                _ => format!(r#""sum":{{"dataPoints":[{points}],"aggregationTemporality":2,"isMonotonic":true}}"#),
            };
            format!(
                r#"{{"resource":{{"attributes":[{{"key":"r","value":{{"intValue":"{}"}}}}]}},"schemaUrl":"s","scopeMetrics":[{{"scope":{{"name":"x"}},
                "metrics":[{{"name":"m{index}","unit":"ms",{data}}}]}}]}}"#,
                index / 2
            )
        }).collect();
        let json = format!(r#"{{"resourceMetrics":[{}]}}"#, metrics.join(","));
        schemas::json::to_protobuf(Signal::Metrics, json.as_bytes()).unwrap()
    }

    /// (metric, point) of everything in a request, by the reference types; metrics without points as point `None`.
    fn content(request: &[u8]) -> Vec<(String, Option<u64>)> {
        use opentelemetry_proto::tonic::metrics::v1::metric::Data;
        let request = ExportMetricsServiceRequest::decode(request).unwrap();
        let mut found = Vec::new();
        for resource in &request.resource_metrics {
            assert_eq!(resource.schema_url, "s");
            assert_eq!(resource.resource.as_ref().unwrap().attributes.len(), 1);
            for scope in &resource.scope_metrics {
                assert_eq!(scope.scope.as_ref().unwrap().name, "x");
                for metric in &scope.metrics {
                    assert_eq!(metric.unit, "ms");
                    let points = match metric.data.as_ref().unwrap() {
                        Data::Gauge(gauge) => &gauge.data_points,
                        Data::Sum(sum) => {
                            assert!(sum.is_monotonic && sum.aggregation_temporality == 2);
                            &sum.data_points
                        }
                        other => panic!("{other:?}"),
                    };
                    let name = || metric.name.clone();
                    match points.is_empty() {
                        true => found.push((name(), None)),
                        false => {
                            found.extend(points.iter().map(|p| (name(), Some(p.time_unix_nano))))
                        }
                    }
                }
            }
        }
        found
    }

    proptest! {
        /// The parts of any cut hold everything once, and count the items that they touch.
        #[test]
        fn parts_hold_everything_once(points in prop::collection::vec(0..5usize, 1..6), at in 0..30usize, to in 0..30usize) {
            let value = metrics(&points);
            let units = Units::of(Signal::Metrics, &value).unwrap();
            let whole = content(&value);
            prop_assert_eq!(units.count(), whole.len());
            let (at, to) = (at.min(units.count()), to.min(units.count()));
            let (at, to) = (at.min(to), at.max(to));
            let part = |ranges: &[Range<usize>]| content(&units.cut(&value, ranges));
            prop_assert_eq!(part(std::slice::from_ref(&(at..to))), &whole[at..to]);
            let mut rest = whole.clone();
            rest.drain(at..to);
            prop_assert_eq!(part(&[0..at, to..units.count()]), rest.clone());
            rest.dedup_by(|a, b| a.0 == b.0);
            prop_assert_eq!(units.items_in(&[0..at, to..units.count()]), rest.len());
        }
    }

    #[test]
    fn spans_are_units_and_garbage_is_an_error() {
        // One resource with one scope with three spans of a byte that is no field: bodies are not looked at.
        let request = [0x0a, 11, 0x12, 9, 0x12, 1, 8, 0x12, 1, 8, 0x12, 1, 8];
        let units = Units::of(Signal::Traces, &request).unwrap();
        assert_eq!(units.count(), 3);
        assert_eq!(
            units.cut(&request, std::slice::from_ref(&(1..2))),
            [0x0a, 5, 0x12, 3, 0x12, 1, 8][..]
        );
        assert_eq!(units.items_in(&[0..1, 2..3]), 2);
        assert!(Units::of(Signal::Metrics, &request).is_err());
    }
}
