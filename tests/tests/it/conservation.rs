//! From the sockets of ingest to the backends, over both buses: what went in is what came out, item by item.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::Bus;
use load::{Compression, Protocol};
use runtime::Snapshot;
use schemas::Signal;
use serde_json::json;
use tests::bus_reader::{read_all, tally};
use tests::kafka::Broker;
use tests::process::Tailwater;
use tests::sending::{options, send_all, traffic};
use tests::settle::{Account, hex};
use tests::sink::Sink;
use tests::tally::Tally;
use tests::wait_until;
use tests::world::{SLOW_MS, World};

const DECISION_WAIT_MS: u64 = 8000;
const SPANS_A_PROTOCOL: u64 = 2500;
const SETTLED_WITHIN: Duration = Duration::from_secs(120);
const BACKENDS: [&str; 3] = ["kept", "grpc", "http"];

/// Everything that went in over three protocols comes out once, through processes that run these commands.
fn check(mut world: World, commands: &[(&'static str, &str)]) {
    let (grpc, http) = (Sink::start(), Sink::start());
    world.set_decision_wait(DECISION_WAIT_MS);
    world.config["export"]["backends"] = json!([
        {"name": "kept", "file": {"path": "kept.jsonl"}},
        {"name": "grpc", "otlp_grpc": {"endpoint": grpc.endpoint()}},
        {"name": "http", "otlp_http": {"endpoint": http.endpoint(), "encoding": "json", "compression": "zstd"}},
    ]);
    let mut processes: Vec<_> = commands
        .iter()
        .map(|&(command, name)| world.process(command, name))
        .collect();
    processes.iter_mut().for_each(Tailwater::start);
    processes.iter_mut().for_each(Tailwater::wait_ready);

    let (first, begin) = (&processes[0], Instant::now());
    let parts = [
        (Protocol::Grpc, Compression::Gzip, first.grpc_endpoint()),
        (
            Protocol::HttpProtobuf,
            Compression::Zstd,
            first.http_endpoint(),
        ),
        (Protocol::HttpJson, Compression::None, first.http_endpoint()),
    ];
    let mut sent = Tally::default();
    let parts = parts
        .into_iter()
        .zip(1..)
        .map(|((protocol, compression, to), seed)| {
            let (requests, part) = traffic(seed, SPANS_A_PROTOCOL);
            sent.merge(&part);
            (requests, options(to, protocol, compression))
        });
    send_all(parts.collect());
    let took = begin.elapsed();

    wait_until("everything to be exported", SETTLED_WITHIN, || {
        let metrics: Vec<_> = processes.iter().map(Tailwater::metrics).collect();
        is_at_rest(&metrics, &sent)
    });
    let metrics: Vec<_> = processes.iter().map(Tailwater::metrics).collect();
    for process in &mut processes {
        assert_eq!(process.stop(), 0, "{} drains", process.name);
    }
    let bus = world.bus();
    let lags = world.lags(&*bus, &BACKENDS).unwrap();
    assert!(lags.is_empty(), "not all positions are committed: {lags:?}");
    let account = Account::of_bus(&*bus, &world.topics(), DECISION_WAIT_MS).unwrap();
    account.assert_clean();
    counters_close(&metrics, &sent, &account);

    let sampled = on_the_bus(&world, &bus, &sent);
    let delivered = [
        ("kept", Tally::of_file(&world.path("kept.jsonl"))),
        ("grpc", grpc.taken()),
        ("http", http.taken()),
    ];
    for (backend, tally) in &delivered {
        assert_same_spans(backend, &sampled, tally);
        assert!(tally.logs == sent.logs, "{backend}: logs differ");
        assert!(tally.metrics == sent.metrics, "{backend}: metrics differ");
    }
    if took < Duration::from_millis(DECISION_WAIT_MS) {
        errors_and_slow_traces_are_whole(&sent, &delivered[0].1);
    } else {
        eprintln!("sending took {took:?}: what had to be kept is judged by the raw topic alone");
    }
}

/// What is on the bus is what was sent, and nothing is dead; returns what was kept.
fn on_the_bus(world: &World, bus: &Arc<dyn Bus>, sent: &Tally) -> Tally {
    let topics = world.topics();
    let read = |signal, topic: &str| tally(&**bus, signal, topic).unwrap();
    assert_same_spans(
        "raw",
        sent,
        &read(Signal::Traces, &topics.raw(Signal::Traces)),
    );
    assert!(read(Signal::Logs, &topics.clean(Signal::Logs)).logs == sent.logs);
    assert!(read(Signal::Metrics, &topics.clean(Signal::Metrics)).metrics == sent.metrics);
    let sampled = read(Signal::Traces, &topics.sampled());
    assert_same_spans(
        "clean",
        &sampled,
        &read(Signal::Traces, &topics.clean(Signal::Traces)),
    );
    assert_eq!(read_all(&**bus, &topics.dead_letters()).unwrap().len(), 0);
    sampled
}

/// Same spans, each as often, with the same content.
fn assert_same_spans(place: &str, expected: &Tally, found: &Tally) {
    for (id, trace) in &expected.traces {
        let other = found.traces.get(id);
        assert!(
            other.is_some_and(|other| other.spans == trace.spans),
            "{place}: trace {} differs: {:?}, expected {:?}",
            hex(id),
            other.map(|other| &other.spans),
            trace.spans
        );
    }
    assert_eq!(found.traces.len(), expected.traces.len(), "{place}");
}

fn errors_and_slow_traces_are_whole(sent: &Tally, kept: &Tally) {
    let mut interesting = 0;
    for (id, trace) in &sent.traces {
        if trace.error || trace.length_ms() > SLOW_MS {
            interesting += 1;
            let found = kept.traces.get(id).map(|kept| &kept.spans);
            assert_eq!(found, Some(&trace.spans), "trace {}", hex(id));
        }
    }
    assert!(interesting > 10, "too few to say anything: {interesting}");
}

/// The sum over all processes.
fn sum(metrics: &[Snapshot], name: &str, labels: &[(&str, &str)]) -> u64 {
    metrics
        .iter()
        .map(|snapshot| snapshot.sum(name, labels))
        .sum::<f64>() as u64
}

fn is_at_rest(metrics: &[Snapshot], sent: &Tally) -> bool {
    let of = |name| sum(metrics, name, &[]);
    let spans = sent.count(Signal::Traces);
    let kept = of(sampler::names::KEPT);
    let others = sent.count(Signal::Logs) + sent.count(Signal::Metrics);
    of(sampler::names::CONSUMED) == spans
        && kept + of(sampler::names::DROPPED) == spans
        && BACKENDS.iter().all(|backend| {
            let delivered = sum(metrics, export::names::DELIVERED, &[("backend", backend)]);
            delivered == kept + others
        })
}

/// Every count closes, stage by stage.
fn counters_close(metrics: &[Snapshot], sent: &Tally, account: &Account) {
    let of = |name: &str, labels: &[(&str, &str)]| sum(metrics, name, labels);
    for signal in Signal::ALL {
        let label = ("signal", signal.name());
        let published = of(ingest::names::PUBLISHED, &[label]);
        let received = of(ingest::names::RECEIVED, &[label]);
        assert_eq!(received, sent.count(signal), "received {label:?}");
        assert_eq!(received, published + of(ingest::names::REJECTED, &[label]));
        let onward = match signal {
            Signal::Traces => account.kept,
            _ => published,
        };
        assert_eq!(of(enrich::names::CONSUMED, &[label]), onward, "{label:?}");
        assert_eq!(of(enrich::names::WRITTEN, &[label]), onward, "{label:?}");
        for backend in BACKENDS {
            let labels = [label, ("backend", backend)];
            assert_eq!(of(export::names::CONSUMED, &labels), onward, "{labels:?}");
            assert_eq!(of(export::names::DELIVERED, &labels), onward, "{labels:?}");
        }
    }
    assert_eq!(of(export::names::PENDING, &[]), 0);
    assert_eq!(of(export::names::DEAD_LETTERED, &[]), 0);
    assert_eq!(of(sampler::names::CONSUMED, &[]), account.spans);
    assert_eq!(of(sampler::names::KEPT, &[]), account.kept);
    assert_eq!(of(sampler::names::DROPPED, &[]), account.dropped);
    assert_eq!(of(sampler::names::PENDING, &[]), 0);
    assert_eq!(of(sampler::names::VERDICTS, &[]), account.traces);
    let kept = [("verdict", "keep")];
    assert_eq!(of(sampler::names::VERDICTS, &kept), account.kept_traces);
}

#[test]
fn run_on_the_embedded_bus() {
    check(World::embedded(), &[("run", "all")]);
}

#[test]
fn run_on_kafka() {
    let Ok(broker) = Broker::shared() else { return };
    check(World::kafka(broker), &[("run", "all")]);
}

/// Each stage as processes of its own, two samplers among them.
#[test]
fn stages_apart_on_kafka() {
    let Ok(broker) = Broker::shared() else { return };
    let commands = [
        ("ingest", "ingest"),
        ("sample", "sample-a"),
        ("sample", "sample-b"),
        ("enrich", "enrich"),
        ("export", "export"),
    ];
    check(World::kafka(broker), &commands);
}
