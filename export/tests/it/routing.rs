//! Routes, filter, sample and transform, from the bus to backends: each item at exactly its backends, and the sums close.

use std::collections::BTreeSet;

use schemas::Signal;

use crate::support::backend::{Answer, Backend, Received, http};
use crate::support::telemetry::{ids, spans};
use crate::support::{
    QUICK, Running, all_committed, config_routed, dead_letters, header, metric, metric_with,
    open_bus, publish_of,
};

fn delivered(requests: &[Received]) -> Vec<u64> {
    let accepted = requests.iter().filter(|request| request.accepted);
    let mut all: Vec<_> = accepted.flat_map(|request| ids(&request.body)).collect();
    all.sort_unstable();
    all
}

fn backend(name: &str, to: &Backend, more: &str) -> String {
    format!(
        "{{name: {name}, signals: [traces], otlp_http: {{endpoint: 'http://{}', compression: none}}, {QUICK}, {more}}}",
        to.address
    )
}

/// Ids 0..40 are the tenant `pay`'s, 100..140 everybody's; ten in a record.
fn publish_all(bus: &dyn bus::Bus) {
    for record in 0..4 {
        let partition = record % 2;
        let ids = |base: u64| base + u64::from(record) * 10..base + u64::from(record + 1) * 10;
        publish_of(
            bus,
            Signal::Traces,
            partition,
            Some("pay"),
            [spans(ids(0), 0)],
        );
        publish_of(bus, Signal::Traces, partition, None, [spans(ids(100), 0)]);
    }
}

/// Consumed, delivered, in the dead letters, skipped.
fn counted(name: &str) -> [u64; 4] {
    ["consumed", "delivered", "dead_lettered", "skipped"]
        .map(|what| metric(&format!("tailwater_export_{what}_items_total"), name) as u64)
}

#[test]
fn each_item_is_at_exactly_its_backends() {
    let [pay, rest, even, named] = std::array::from_fn(|_| Backend::start(|_| Answer::Accept));
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    publish_all(&*bus);
    let fails = r#"set(span.attributes["a"], ParseJSON(span.name)) where span.name == "span 105""#;
    let backends = [
        backend("routed-pay", &pay, ""),
        backend("routed-rest", &rest, &format!("transform: ['{fails}']")),
        backend(
            "routed-even",
            &even,
            r#"filter: ['IsMatch(span.name, "[13579]$")']"#,
        ),
        backend("unnamed", &named, "sample: {traces: 0}"),
    ];
    let routes = [
        "{name: copies, to: [routed-even], final: false}",
        "{name: pay, tenant: [pay], to: [routed-pay]}",
        "{name: checkout, match: ['resource.attributes[\"service.name\"] == \"checkout\"'], to: [routed-rest]}",
        "{name: others, to: [routed-pay]}",
    ];
    let running = Running::start_with(&bus, config_routed(&routes, &backends));
    for name in ["routed-pay", "routed-rest", "routed-even", "unnamed"] {
        all_committed(&*bus, name, Signal::Traces);
    }
    running.stop();

    let expected: Vec<u64> = (0..40).collect();
    assert_eq!(delivered(&pay.received()), expected);
    let expected: Vec<u64> = (100..140).filter(|id| *id != 105).collect();
    assert_eq!(delivered(&rest.received()), expected);
    let expected: Vec<u64> = (0..40).chain(100..140).filter(|id| id % 2 == 0).collect();
    assert_eq!(delivered(&even.received()), expected);
    assert!(named.received().is_empty());

    assert_eq!(counted("routed-pay"), [80, 40, 0, 40]);
    assert_eq!(counted("routed-rest"), [80, 39, 1, 40]);
    assert_eq!(counted("routed-even"), [80, 40, 0, 40]);
    assert_eq!(counted("unnamed"), [80, 0, 0, 80]);
    let skipped = |backend: &str, reason: &str| {
        let labels = [("backend", backend), ("reason", reason)];
        metric_with("tailwater_export_skipped_items_total", &labels) as u64
    };
    assert_eq!(skipped("routed-pay", "route"), 40);
    assert_eq!(skipped("routed-even", "filter"), 40);
    assert_eq!(skipped("unnamed", "sample"), 80);

    // What could not be transformed is there as it was read, alone.
    let letters = dead_letters(&*bus);
    assert_eq!(letters.len(), 1);
    assert_eq!(
        ids(&letters[0].value),
        BTreeSet::from([105]).into_iter().collect::<Vec<_>>()
    );
    assert_eq!(header(&letters[0], "tailwater.dead.units"), "5..6");
    assert!(header(&letters[0], "tailwater.dead.reason").contains("transform"));
}

/// What a backend refuses of a record that was filtered is named by its number in the record.
#[test]
fn refused_items_of_a_filtered_record_keep_their_numbers() {
    let picky = Backend::start(|request| match ids(&request.body).contains(&6) {
        true => http(400),
        false => Answer::Accept,
    });
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    publish_of(&*bus, Signal::Traces, 0, None, [spans(0..10, 0)]);
    let odd = r#"filter: ['IsMatch(span.name, "[13579]$")'], transform: ['set(span.kind, SPAN_KIND_CLIENT)']"#;
    let running = Running::start_with(
        &bus,
        config_routed(
            &["{name: all, to: [picky]}"],
            &[backend("picky", &picky, odd)],
        ),
    );
    all_committed(&*bus, "picky", Signal::Traces);
    running.stop();
    assert_eq!(delivered(&picky.received()), [0, 2, 4, 8]);
    assert_eq!(counted("picky"), [10, 4, 1, 5]);
    let letters = dead_letters(&*bus);
    assert_eq!((letters.len(), ids(&letters[0].value)), (1, vec![6]));
    assert_eq!(header(&letters[0], "tailwater.dead.units"), "6..7");
}
