//! When an object is full, what it is called, and what is in it.

use std::collections::BTreeSet;

use schemas::Signal;

use super::{backend, files, spans_in, url};
use crate::support::telemetry::spans;
use crate::support::{
    Running, all_committed, dead_letters, eventually, metric, open_bus, open_bus_with, publish,
};
use tests::duckdb::Duckdb;

/// An object grows to its size in each partition, whatever other partitions hold; what is left is written at the end.
#[test]
fn each_partition_fills_its_own_objects() {
    let Ok(duckdb) = Duckdb::find() else { return };
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus_with(&dir.path().join("bus"), 8);
    let out = dir.path().join("out");
    // Eight records of a partition fill an object; they come in turns.
    let mut next = 0;
    for _ in 0..20 {
        for partition in 0..8 {
            publish(
                &*bus,
                Signal::Traces,
                partition,
                [spans(next..next + 10, 80)],
            );
            next += 10;
        }
    }
    let record = spans(1590..1600, 80).len();
    let keys = format!("roll: {{bytes: {}, interval: 1h}}", record * 8);
    let running = Running::start(&bus, &[backend("fills", &url(&out), &keys)]);
    eventually("two objects of each partition", || {
        out.is_dir()
            && files(&out)
                .iter()
                .filter(|name| name.ends_with("parquet"))
                .count()
                == 16
    });
    // What isn't full waits until the drain.
    running.stop();
    all_committed(&*bus, "fills", Signal::Traces);
    let names = files(&out);
    let expected = |partition: u32, range: &str| {
        names.iter().any(|name| {
            name.starts_with("traces/date=")
                && name.ends_with(&format!("/p{partition:04}-{range}.parquet"))
        })
    };
    for partition in 0..8 {
        for range in ["0-7", "8-15", "16-19"] {
            assert!(expected(partition, range), "{partition} {range} {names:?}");
        }
    }
    assert_eq!((names.len(), spans_in(&duckdb, &out)), (24, (next, next)));
    assert_eq!(metric(export::names::DELIVERED, "fills"), next as f64);
    assert_eq!(dead_letters(&*bus).len(), 0);
}

/// Over the bound, the largest closes before it is full, and reading goes on.
#[test]
fn memory_is_bounded_and_the_largest_closes_first() {
    let Ok(duckdb) = Duckdb::find() else { return };
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus_with(&dir.path().join("bus"), 4);
    let out = dir.path().join("out");
    let mut next = 0;
    let mut put = |partition, records: u64| {
        for _ in 0..records {
            publish(
                &*bus,
                Signal::Traces,
                partition,
                [spans(next..next + 10, 200)],
            );
            next += 10;
        }
        next
    };
    put(0, 3);
    let all = put(1, 40);
    let record = spans(0..10, 200).len();
    let keys = format!(
        "roll: {{bytes: {}, interval: 1h}}, memory_limit: {}",
        record * 30,
        record * 30
    );
    let running = Running::start(&bus, &[backend("bounded", &url(&out), &keys)]);
    let of = |partition: &str| {
        let names = if out.is_dir() { files(&out) } else { vec![] };
        names.iter().filter(|name| name.contains(partition)).count()
    };
    eventually("one of the second partition", || of("/p0001-") > 0);
    assert_eq!(of("/p0000-"), 0, "it is small, and waits");
    running.stop();
    assert_eq!(of("/p0000-"), 1);
    assert_eq!(spans_in(&duckdb, &out), (all, all));
}

/// An object closes when its time is up.
#[test]
fn an_object_closes_after_its_interval() {
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(&dir.path().join("bus"));
    let out = dir.path().join("out");
    publish(&*bus, Signal::Traces, 1, [spans(0..3, 0)]);
    let keys = "roll: {interval: 50ms}, format: otlp_json, compression: none";
    let _running = Running::start(&bus, &[backend("timed", &url(&out), keys)]);
    all_committed(&*bus, "timed", Signal::Traces);
    let names = files(&out);
    assert!(
        matches!(&names[..], [one] if one.ends_with("p0001-0-0.jsonl")),
        "{names:?}"
    );
}

/// Rows go to the folder of their own hour, and each tenant has a folder where the layout says so.
#[test]
fn hours_and_tenants_have_folders() {
    let Ok(duckdb) = Duckdb::find() else { return };
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(&dir.path().join("bus"));
    let out = dir.path().join("out");
    let hour = 3_600_000_000_000;
    let json = |id: u64, time: u64| {
        format!(
            r#"{{"traceId": "{id:032x}", "spanId": "{id:016x}", "startTimeUnixNano": "{time}"}}"#
        )
    };
    for (tenant, first) in [(None, 1), (Some("a/b"), 100)] {
        let all: Vec<_> = [0, 5 * hour, 7 * hour - 1, 7 * hour, 5 * hour]
            .into_iter()
            .zip(first..)
            .map(|(time, id)| json(id, time))
            .collect();
        let request = format!(
            r#"{{"resourceSpans": [{{"scopeSpans": [{{"spans": [{}]}}]}}]}}"#,
            all.join(",")
        );
        let value = crate::support::telemetry::from_json(Signal::Traces, request.as_bytes());
        crate::support::publish_of(&*bus, Signal::Traces, 0, tenant, [value]);
    }
    let keys =
        "by: item, layout: 'of={tenant}/{signal}/date={date}/hour={hour}', roll: {interval: 100ms}";
    let running = Running::start(&bus, &[backend("hours", &url(&out), keys)]);
    all_committed(&*bus, "hours", Signal::Traces);
    running.stop();
    let names: BTreeSet<_> = files(&out).into_iter().collect();
    for of in ["of=default", "of=a%2Fb"] {
        let of_tenant = names.iter().filter(|name| name.starts_with(of)).count();
        assert_eq!(of_tenant, 4, "{names:?}");
        for hour in ["05", "06", "07"] {
            let folder = format!("{of}/traces/date=1970-01-01/hour={hour}/");
            assert!(
                names.iter().any(|name| name.starts_with(&folder)),
                "{folder}"
            );
        }
    }
    assert_eq!(spans_in(&duckdb, &out), (10, 10));
    assert_eq!(metric(export::names::DELIVERED, "hours"), 10.0);
}
