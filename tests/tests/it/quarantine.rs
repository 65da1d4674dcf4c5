//! Enrich killed again and again while it keeps spans aside, drops others, and redacts the rest: every span ends in exactly one place, and nothing that
//! was found leaves.
//!
//! `TAILWATER_SEED` repeats the order of attacks of an earlier run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::fault::Step;
use bus::{Bus, Record, TopicPartition};
use bytes::Bytes;
use fastrand::Rng;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use schemas::Signal;
use serde_json::json;
use tests::bus_reader::read_all;
use tests::kafka::Broker;
use tests::process::Tailwater;
use tests::wait_until;
use tests::world::{PARTITIONS, World};

const KILLS: u64 = 12;
const RECORDS_A_ROUND: u64 = 60;
const SPANS_A_RECORD: u64 = 20;
const WITHIN: Duration = Duration::from_secs(120);
/// A process that has just started has counted nothing either.
const QUIET_FOR: Duration = Duration::from_secs(2);

/// What becomes of a span, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Quarantined,
    Dropped,
    LosesAttribute,
    Redacted,
    AsItCame,
}

fn end_of(number: u64) -> End {
    match number % 11 {
        0 => End::Quarantined,
        3 => End::Dropped,
        5 => End::LosesAttribute,
        7 | 8 => End::Redacted,
        _ => End::AsItCame,
    }
}

const CARD: &str = "4111 1111 1111 1111";
const IBAN: &str = "DE89 3704 0044 0532 0130 00";
const MAC: &str = "00:1b:44:11:3a:b7";
const EMAIL: &str = "ann@example.org";
const PHONE: &str = "+1 (212) 555-0199";

fn pii() -> serde_json::Value {
    json!({
        "packs": ["pci", "gdpr"],
        "keys": [{"id": "k1", "key": "a secret of sixteen bytes or more"}],
        "detectors": {
            "pan": {"action": "quarantine"},
            "iban": {"action": "drop_item"},
            "mac": {"action": "drop_attribute"},
            "email": {"action": "hash"},
        },
    })
}

fn span(number: u64) -> Span {
    let text = match end_of(number) {
        End::Quarantined => format!("paid with {CARD} by {EMAIL}"),
        End::Dropped => format!("paid from {IBAN}"),
        End::LosesAttribute => format!("seen at {MAC}"),
        End::Redacted => format!("of {EMAIL}, call {PHONE}"),
        End::AsItCame => "nothing".to_owned(),
    };
    let note = KeyValue {
        key: "note".to_owned(),
        value: Some(AnyValue {
            value: Some(Value::StringValue(text)),
        }),
        ..KeyValue::default()
    };
    Span {
        trace_id: vec![1; 16],
        span_id: (number + 1).to_be_bytes().to_vec(),
        name: "work".to_owned(),
        attributes: vec![note],
        ..Span::default()
    }
}

fn publish(bus: &dyn Bus, topic: &str, round: u64) {
    let publisher = bus.publisher().unwrap();
    for record in 0..RECORDS_A_ROUND {
        let first = (round * RECORDS_A_ROUND + record) * SPANS_A_RECORD;
        let scope = ScopeSpans {
            spans: (first..first + SPANS_A_RECORD).map(span).collect(),
            ..ScopeSpans::default()
        };
        let resource = ResourceSpans {
            scope_spans: vec![scope],
            ..ResourceSpans::default()
        };
        let request = ExportTraceServiceRequest {
            resource_spans: vec![resource],
        };
        let record_of = Record {
            headers: vec![],
            value: request.encode_to_vec().into(),
        };
        let to = TopicPartition::new(topic, record as u32 % PARTITIONS);
        let acknowledged = Box::new(|outcome: bus::Result<_>| assert!(outcome.is_ok()));
        publisher.publish(to, record_of, acknowledged).unwrap();
    }
    publisher.flush(WITHIN).unwrap();
}

/// The notes of all spans in records, by the spans' numbers; each time a span is there.
fn notes(values: impl IntoIterator<Item = Bytes>) -> BTreeMap<u64, Vec<Option<String>>> {
    let mut notes = BTreeMap::<u64, Vec<_>>::new();
    for value in values {
        let request = ExportTraceServiceRequest::decode(value).unwrap();
        let resources = request.resource_spans.into_iter();
        for span in resources
            .flat_map(|resource| resource.scope_spans)
            .flat_map(|scope| scope.spans)
        {
            let id: [u8; 8] = span.span_id.as_slice().try_into().unwrap();
            let text = span.attributes.first().map(|note| {
                match note.value.clone().and_then(|value| value.value) {
                    Some(Value::StringValue(text)) => text,
                    other => panic!("{other:?}"),
                }
            });
            let number = u64::from_be_bytes(id) - 1;
            notes.entry(number).or_default().push(text);
        }
    }
    notes
}

fn of_topic(bus: &dyn Bus, topic: &str) -> BTreeMap<u64, Vec<Option<String>>> {
    let records = read_all(bus, topic).unwrap().into_iter();
    notes(records.map(|record| record.value))
}

/// Kills the process at a step of its commit, or at some instant.
fn kill(process: &mut Tailwater, rng: &mut Rng, kafka: bool) {
    // Of the others the embedded bus knows nothing: there a commit is one write.
    const STEPS: [Step; 4] = [
        Step::Decided,
        Step::Produced,
        Step::Positioned,
        Step::Committed,
    ];
    let steps = if kafka { &STEPS[..] } else { &STEPS[..1] };
    if rng.bool() {
        let step = steps[rng.usize(0..steps.len())];
        process.start_dying_at(step, 1);
        assert!(process.wait_dead(WITHIN), "it never was {}", step.name());
        return;
    }
    process.start();
    if rng.u8(0..4) > 0 {
        process.wait_ready();
    }
    std::thread::sleep(Duration::from_millis(rng.u64(0..400)));
    process.kill();
}

fn check(mut world: World, command: &'static str) {
    let seed = std::env::var("TAILWATER_SEED").ok();
    let seed = seed.map_or_else(|| fastrand::u64(..1_000_000), |seed| seed.parse().unwrap());
    println!("TAILWATER_SEED={seed}");
    let mut rng = Rng::with_seed(seed);
    world.config["enrich"] = json!({"pii": pii()});
    let (topics, kafka) = (world.topics(), world.is_kafka());
    let mut process = world.process(command, "enrich");
    // The topics come with the first start.
    process.start_and_wait();
    process.kill();
    for round in 0..KILLS {
        publish(&*world.bus(), &topics.sampled(), round);
        kill(&mut process, &mut rng, kafka);
    }
    publish(&*world.bus(), &topics.sampled(), KILLS);
    let bus = come_to_rest(&world, &mut process);
    let clean = of_topic(&*bus, &topics.clean(Signal::Traces));
    let aside = of_topic(&*bus, &topics.quarantine());
    assert!(read_all(&*bus, &topics.dead_letters()).unwrap().is_empty());
    let count = (KILLS + 1) * RECORDS_A_ROUND * SPANS_A_RECORD;
    for number in 0..count {
        let places = (clean.get(&number), aside.get(&number));
        let as_it_came = notes([one(number)]).remove(&number);
        match (end_of(number), places) {
            (End::Quarantined, (None, Some(aside))) => assert_eq!(Some(aside), as_it_came.as_ref()),
            (End::Dropped, (None, None)) => {}
            (End::LosesAttribute, (Some(clean), None)) => assert_eq!(clean[..], [None]),
            (End::AsItCame, (Some(clean), None)) => assert_eq!(Some(clean), as_it_came.as_ref()),
            (End::Redacted, (Some(clean), None)) => {
                let [Some(text)] = &clean[..] else {
                    panic!("span {number}: {clean:?}");
                };
                assert!(
                    text.starts_with("of k1:") && text.ends_with(", call ****"),
                    "{text}"
                );
            }
            (end, places) => panic!("span {number} should be {end:?}, and is {places:?}"),
        }
    }
    assert_eq!(
        clean.len() + aside.len(),
        (0..count).filter(|n| end_of(*n) != End::Dropped).count()
    );
    drop(bus);
    people_get_at_it(&process);
}

/// The commands that people have for it: the reason is told and nothing of what was found, and nothing is delivered.
fn people_get_at_it(process: &Tailwater) {
    let (code, listed, said) = process.command(&[
        "dead-letters",
        "list",
        "--quarantine",
        "--limit",
        "2",
        "--json",
    ]);
    assert_eq!((code, listed.lines().count()), (0, 2), "{said}");
    let first: serde_json::Value = serde_json::from_str(listed.lines().next().unwrap()).unwrap();
    assert_eq!(first["stage"], "enrich");
    assert!(first["reason"].as_str().unwrap().contains("pan") && !listed.contains(CARD));
    let id = first["id"].as_str().unwrap();
    let show = ["dead-letters", "show", "--quarantine", "--json", id];
    let (code, shown, _) = process.command(&show);
    assert!(code == 0 && shown.contains(CARD), "{shown}");
    let retry = ["dead-letters", "retry", "--quarantine", "--backend", "kept"];
    let (code, _, said) = process.command(&retry);
    assert!(code == 2 && said.contains("unredacted"), "{said}");
    let (code, _, said) = process.command(&["dead-letters", "purge", "--quarantine", id]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(process.command(&show).0, 1, "it was struck off");
    let (_, dead, _) = process.command(&["dead-letters", "list"]);
    assert_eq!(dead, "");
}

/// Starts the process and stops it once it has nothing left to do.
fn come_to_rest(world: &World, process: &mut Tailwater) -> Arc<dyn Bus> {
    loop {
        process.start_and_wait();
        let (mut consumed, mut since) = (0.0, Instant::now());
        wait_until("enrich to come to rest", WITHIN, || {
            let now = process.metrics().sum(enrich::names::CONSUMED, &[]);
            if now > consumed {
                (consumed, since) = (now, Instant::now());
            }
            consumed > 0.0 && since.elapsed() > QUIET_FOR
        });
        reconciles(process);
        assert_eq!(process.stop(), 0, "it drains");
        let (bus, topics) = (world.bus(), world.topics());
        let lag = bus.lag(&topics.group("enrich"), &topics.sampled());
        if lag.unwrap() == 0 {
            return bus;
        }
    }
}

/// A request with one span.
fn one(number: u64) -> Bytes {
    let scope = ScopeSpans {
        spans: vec![span(number)],
        ..ScopeSpans::default()
    };
    let resource = ResourceSpans {
        scope_spans: vec![scope],
        ..ResourceSpans::default()
    };
    let request = ExportTraceServiceRequest {
        resource_spans: vec![resource],
    };
    request.encode_to_vec().into()
}

/// What the last process has counted: everything it consumed is somewhere.
fn reconciles(process: &Tailwater) {
    let metrics = process.metrics();
    let of = |name: &str| metrics.sum(name, &[("signal", "traces")]) as u64;
    let (dropped, aside) = (of(enrich::names::DROPPED), of(enrich::names::QUARANTINED));
    assert!(dropped > 0 && aside > 0, "{dropped} {aside}");
    let written = of(enrich::names::WRITTEN);
    let dead = of(enrich::names::DEAD_LETTERED);
    assert_eq!(
        of(enrich::names::CONSUMED),
        written + dropped + aside + dead
    );
    let found = |detector: &str, action: &str| {
        let labels = [("detector", detector), ("action", action), ("mode", "act")];
        metrics.sum(enrich::names::PII, &labels) as u64
    };
    assert_eq!(found("pan", "quarantine"), aside);
    assert_eq!(found("iban", "drop_item"), dropped);
}

#[test]
fn every_span_ends_in_one_place_on_the_embedded_bus() {
    check(World::embedded(), "run");
}

#[test]
fn every_span_ends_in_one_place_on_kafka() {
    let Ok(broker) = Broker::shared() else { return };
    check(World::kafka(broker), "enrich");
}

/// Where topics aren't created, one that is missing is named before anything is read.
#[test]
fn a_missing_quarantine_is_named_on_kafka() {
    let Ok(broker) = Broker::shared() else { return };
    let mut world = World::kafka(broker);
    let mut process = world.process("enrich", "before");
    process.start_and_wait();
    assert_eq!(process.stop(), 0);

    world.config["enrich"] = json!({"pii": pii()});
    world.config["bus"]["kafka"]["create_topics"] = json!(false);
    let mut process = world.process("enrich", "enrich");
    process.start();
    assert!(process.wait_dead(WITHIN), "it runs without the topic");
    let missing = format!("topics are missing: `{}`", world.topics().quarantine());
    let log = process.log_text();
    assert!(log.contains(&missing), "{log}");
}
