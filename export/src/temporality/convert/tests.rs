//! Whole records: what changes, what stays, and what is left out.
#![allow(clippy::unwrap_used)]

use bus::Fetched;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use prost::Message as _;
use schemas::Signal;
use serde_json::{Value as Json, json};

use super::*;

fn converter(direction: Direction) -> Converter {
    let mut converter = Converter::new(Limits {
        direction,
        streams: StreamLimits {
            max_streams: 10,
            max_stale_ms: 1000,
        },
    });
    converter.own(&TopicPartition::new("t", 0), 100);
    converter
}

/// A record with these metrics, in one scope each.
fn entry(metrics: &[Json]) -> Entry {
    let scopes: Vec<_> = metrics
        .iter()
        .map(|metric| json!({"metrics": [metric]}))
        .collect();
    let json = json!({"resourceMetrics": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
        "scopeMetrics": scopes,
    }]});
    let value = schemas::json::to_protobuf(Signal::Metrics, json.to_string().as_bytes()).unwrap();
    Entry::new(Fetched {
        topic: "t".into(),
        partition: 0,
        offset: 7,
        timestamp_ms: 1,
        headers: vec![],
        value: value.into(),
    })
}

fn point(route: &str, start: u64, time: u64, value: u64) -> Json {
    json!({
        "attributes": [{"key": "route", "value": {"stringValue": route}}],
        "startTimeUnixNano": start.to_string(), "timeUnixNano": time.to_string(), "asInt": value.to_string(),
        "exemplars": [{"timeUnixNano": "5", "asInt": "1"}], "flags": 0,
    })
}

fn sum(name: &str, temporality: u8, monotonic: bool, points: &[Json]) -> Json {
    json!({"name": name, "unit": "1", "description": "d", "sum": {
        "aggregationTemporality": temporality, "isMonotonic": monotonic, "dataPoints": points,
    }})
}

fn metrics(entry: &Entry) -> Vec<Metric> {
    let request = ExportMetricsServiceRequest::decode(&entry.record.value[..]).unwrap();
    let resources = request.resource_metrics.into_iter();
    let scopes = resources.flat_map(|resource| {
        assert_eq!(resource.resource.unwrap().attributes.len(), 1);
        resource.scope_metrics
    });
    scopes.flat_map(|scope| scope.metrics).collect()
}

/// A metric as JSON has it.
fn as_json(metric: &Json) -> Vec<Metric> {
    metrics(&entry(std::slice::from_ref(metric)))
}

#[test]
fn what_is_cumulative_becomes_delta_and_all_else_stays() {
    let gauge =
        json!({"name": "g", "gauge": {"dataPoints": [{"timeUnixNano": "1", "asDouble": 1.5}]}});
    let summary =
        json!({"name": "s", "summary": {"dataPoints": [{"timeUnixNano": "1", "count": "3"}]}});
    let up_down = sum("u", 2, false, &[point("a", 1, 110, 7)]);
    let delta = sum("d", 1, true, &[point("a", 1, 110, 7)]);
    let unspecified = sum("n", 0, true, &[point("a", 1, 110, 7)]);
    let untouched = [gauge, summary, up_down, delta, unspecified];
    let mut converter = converter(Direction::ToDelta);
    let before = entry(&untouched);
    let after = converter.convert(before.clone()).entry.unwrap();
    assert_eq!(
        after.record.value.as_ptr(),
        before.record.value.as_ptr(),
        "nothing is copied"
    );

    let mut all = untouched.to_vec();
    all.insert(
        2,
        sum(
            "c",
            2,
            true,
            &[point("a", 1, 110, 7), point("b", 105, 110, 4)],
        ),
    );
    let converted = converter.convert(entry(&all));
    assert_eq!(converted.dropped, [(Why::Initial, 1)].into());
    let first = converted.entry.unwrap();
    assert_eq!(
        (first.items, first.parts.written().as_deref()),
        (6, Some("0..2,3..7"))
    );
    let found = metrics(&first);
    let expected = sum("c", 1, true, &[point("b", 105, 110, 4)]);
    assert_eq!(
        found[2..3],
        as_json(&expected)[..],
        "its attributes, exemplars and unit stay"
    );
    all.remove(2);
    let others: Vec<_> = all.iter().flat_map(as_json).collect();
    assert_eq!([&found[..2], &found[3..]].concat(), others);

    let next = sum(
        "c",
        2,
        true,
        &[point("b", 105, 120, 9), point("a", 1, 120, 9)],
    );
    let second = converter.convert(entry(&[next])).entry.unwrap();
    let expected = sum(
        "c",
        1,
        true,
        &[point("b", 110, 120, 5), point("a", 110, 120, 2)],
    );
    assert_eq!(metrics(&second), as_json(&expected));
    assert_eq!(second.parts.written().as_deref(), Some("0..2"));
    assert_eq!(converter.count(), 2);
}

#[test]
fn a_metric_of_which_nothing_is_left_goes() {
    let mut converter = converter(Direction::ToDelta);
    let first = || sum("c", 2, true, &[point("a", 1, 110, 7)]);
    let gone = converter.convert(entry(&[first(), first()]));
    assert!(gone.entry.is_none());
    assert_eq!(gone.skipped.get(Reason::Temporality), 2);
    assert_eq!(gone.dropped, [(Why::Initial, 1), (Why::Late, 1)].into());
    let gauge =
        json!({"name": "g", "gauge": {"dataPoints": [{"timeUnixNano": "1", "asDouble": 1.5}]}});
    let left = converter.convert(entry(&[first(), gauge])).entry.unwrap();
    assert_eq!((left.items, left.items_of_record()), (1, 2));
    assert_eq!(left.unit(0), 1, "units keep their numbers");
    assert_ne!(left.original(), &left.record.value);
}

#[test]
fn what_ends_or_is_no_number_goes_on() {
    let mut converter = converter(Direction::ToDelta);
    let mut ended = point("a", 1, 110, 7);
    ended["flags"] = json!(1);
    let mut nan = point("b", 1, 110, 7);
    nan.as_object_mut().unwrap().remove("asInt");
    nan["asDouble"] = json!("NaN");
    let entry = converter
        .convert(entry(&[sum("c", 2, true, &[ended, nan])]))
        .entry
        .unwrap();
    let found = format!("{:?}", metrics(&entry));
    assert!(
        found.contains("NaN") && found.contains("aggregation_temporality: Delta"),
        "{found}"
    );
    assert_eq!(converter.count(), 0);
}

#[test]
fn tenants_and_attributes_tell_streams_apart() {
    let mut converter = converter(Direction::ToDelta);
    let of = |tenant: &'static str, name: &str, route: &str| {
        let mut entry = entry(&[sum(name, 2, true, &[point(route, 105, 110, 7)])]);
        entry.record.headers.push(bus::Header {
            name: schemas::headers::TENANT.into(),
            value: tenant.into(),
        });
        entry
    };
    for (tenant, name, route) in [
        ("x", "c", "a"),
        ("y", "c", "a"),
        ("x", "d", "a"),
        ("x", "c", "b"),
    ] {
        assert!(converter.convert(of(tenant, name, route)).entry.is_some());
    }
    assert_eq!(converter.count(), 4);
    assert!(
        converter.convert(of("x", "c", "a")).entry.is_none(),
        "it isn't newer"
    );
}

#[test]
fn histograms_of_both_kinds_become_delta() {
    let explicit = |time: u64, counts: [u64; 3]| {
        json!({"name": "h", "histogram": {"aggregationTemporality": 2, "dataPoints": [{
            "startTimeUnixNano": "105", "timeUnixNano": time.to_string(), "count": counts.iter().sum::<u64>().to_string(), "sum": counts[0] as f64,
            "bucketCounts": counts.map(|count| count.to_string()), "explicitBounds": [1.0, 2.0], "min": 0.5, "max": 9.0,
        }]}})
    };
    let exponential = |time: u64, counts: [u64; 3]| {
        json!({"name": "e", "exponentialHistogram": {"aggregationTemporality": 2, "dataPoints": [{
            "startTimeUnixNano": "105", "timeUnixNano": time.to_string(), "count": counts.iter().sum::<u64>().to_string(), "sum": counts[0] as f64, "scale": -2,
            "positive": {"offset": -7, "bucketCounts": counts.map(|count| count.to_string())}, "min": 0.5, "max": 9.0,
        }]}})
    };
    let mut converter = converter(Direction::ToDelta);
    converter.convert(entry(&[
        explicit(110, [1, 2, 3]),
        exponential(110, [1, 2, 3]),
    ]));
    let second = converter.convert(entry(&[
        explicit(120, [2, 2, 5]),
        exponential(120, [2, 2, 5]),
    ]));
    let found = format!("{:?}", metrics(&second.entry.unwrap()));
    for part in [
        "count: 3, sum: Some(1.0), bucket_counts: [1, 0, 2], explicit_bounds: [1.0, 2.0]",
        "scale: -2",
        "offset: -7, bucket_counts: [1, 0, 2]",
    ] {
        assert!(found.contains(part), "{part} isn't in {found}");
    }
    assert!(found.contains("min: None, max: None") && !found.contains("Some(9.0)"));
    assert_eq!(found.matches("start_time_unix_nano: 110").count(), 2);
}

#[test]
fn deltas_become_cumulative() {
    let mut converter = converter(Direction::ToCumulative);
    let delta =
        |start: u64, value: u64| sum("d", 1, false, &[point("a", start, start + 10, value)]);
    converter.convert(entry(&[delta(10, 2)]));
    let second = converter.convert(entry(&[delta(20, 3)])).entry.unwrap();
    assert_eq!(
        metrics(&second),
        as_json(&sum("d", 2, false, &[point("a", 10, 30, 5)]))
    );
    let late = converter.convert(entry(&[delta(5, 3)]));
    assert_eq!(late.dropped, [(Why::Late, 1)].into());
    converter.forget(&[TopicPartition::new("t", 0)]);
    assert_eq!(converter.count(), 0);
}

#[test]
fn what_a_filter_left_keeps_its_numbers() {
    let mut converter = converter(Direction::ToDelta);
    let mut before = entry(&[sum(
        "c",
        2,
        true,
        &[point("a", 1, 110, 7), point("b", 105, 110, 4)],
    )]);
    let value = before.record.value.clone();
    before.offer(value, Parts::of([3..4, 8..9]));
    let after = converter.convert(before).entry.unwrap();
    assert_eq!(after.parts.written().as_deref(), Some("8..9"));
}
