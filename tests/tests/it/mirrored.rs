//! Two regions, two brokers, MirrorMaker 2 between them: a trace with spans in both is decided centrally, as one.

use std::time::Duration;

use bus::fault::Step;
use load::{Compression, Protocol, Request};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use schemas::Signal;
use serde_json::json;
use tests::bus_reader::tally;
use tests::kafka::Broker;
use tests::mirror_maker::{self, MirrorMaker};
use tests::sending::{options, send_all, traffic};
use tests::settle::{Account, hex};
use tests::wait_until;
use tests::world::World;

/// Longer than everything takes to arrive, deaths included.
const DECISION_WAIT_MS: u64 = 45_000;
const WITHIN: Duration = Duration::from_secs(120);
const SPANS: u64 = 6000;

/// Each request once with the spans of one region, and once with those of the other: nearly every trace is in both.
fn halves(requests: Vec<Request>) -> [Vec<Request>; 2] {
    [0, 1].map(|region| {
        let traces = requests
            .iter()
            .filter(|request| request.signal == Signal::Traces);
        let half = traces.map(|request| {
            let mut of_region = ExportTraceServiceRequest::decode(&*request.bytes).unwrap();
            let scopes = (of_region.resource_spans.iter_mut()).flat_map(|of| &mut of.scope_spans);
            for scope in scopes {
                scope.spans.retain(|span| span.span_id[7] & 1 == region);
            }
            let items = (of_region.resource_spans.iter())
                .flat_map(|of| &of.scope_spans)
                .map(|of| of.spans.len());
            Request {
                items: items.sum(),
                bytes: of_region.encode_to_vec().into(),
                ..request.clone()
            }
        });
        half.filter(|request| request.items > 0).collect()
    })
}

#[test]
fn a_trace_in_two_regions_is_decided_as_one() {
    let Ok(jars) = mirror_maker::jars() else {
        return;
    };
    let (Ok(eu), Ok(central)) = (Broker::start(), Broker::shared()) else {
        return;
    };
    let (requests, sent) = traffic(7, SPANS);
    let [in_eu, in_central] = halves(requests);
    let send = |requests, endpoint| {
        send_all(vec![(
            requests,
            options(endpoint, Protocol::Grpc, Compression::None),
        )]);
    };

    // The region: its agents' ingest, and its raw topic.
    let regional = World::kafka(&eu);
    let mut agents = regional.process("ingest", "eu");
    agents.start_and_wait();
    send(in_eu, agents.grpc_endpoint());
    assert_eq!(agents.stop(), 0);
    let raw = regional.topics().raw(Signal::Traces);
    let of_eu = tally(&*regional.bus(), Signal::Traces, &raw).unwrap();

    let mut world = World::kafka(central);
    world.set_decision_wait(DECISION_WAIT_MS);
    let mirrored = format!("eu.{raw}");
    world.config["ingest"] = json!({
        "kafka": {"topics": [mirrored]},
        "record_bytes_max": "4KiB",
    });
    let mut mirror = MirrorMaker::start(&jars, &world.path(""), "eu", &eu, central, &raw);
    let bus = world.bus();
    wait_until("MirrorMaker to copy everything", WITHIN, || {
        assert!(mirror.is_running(), "MirrorMaker ended");
        tally(&*bus, Signal::Traces, &mirrored)
            .is_ok_and(|copied| copied.count(Signal::Traces) == of_eu.count(Signal::Traces))
    });

    // The centre: its own half by socket, the other by way of the mirror, with deaths before and behind the commit.
    let mut sampler = world.process("sample", "sampler");
    sampler.start();
    let mut ingest = world.process("ingest", "central");
    for step in [Step::Produced, Step::Positioned, Step::Committed] {
        ingest.start_dying_at(step, 1);
        assert!(
            ingest.wait_dead(WITHIN),
            "it did not come to {}",
            step.name()
        );
    }
    ingest.start_and_wait();
    ingest.kill();
    ingest.start_and_wait();
    send(in_central, ingest.grpc_endpoint());
    let topics = world.topics();
    wait_until("everything to be on the central raw topic", WITHIN, || {
        tally(&*bus, Signal::Traces, &topics.raw(Signal::Traces))
            .is_ok_and(|raw| raw.count(Signal::Traces) >= sent.count(Signal::Traces))
    });
    wait_until("the sampler to decide everything", WITHIN, || {
        let figures = sampler.metrics();
        let spans =
            figures.sum(sampler::names::KEPT, &[]) + figures.sum(sampler::names::DROPPED, &[]);
        spans as u64 >= sent.count(Signal::Traces)
    });
    let arrived = tally(&*bus, Signal::Traces, &topics.raw(Signal::Traces)).unwrap();
    assert_eq!(arrived.count(Signal::Traces), sent.count(Signal::Traces));
    let mut in_both = 0;
    for (id, trace) in &sent.traces {
        let here = arrived.traces.get(id).expect("no trace is lost");
        for (span, seen) in &trace.spans {
            assert_eq!(
                here.spans.get(span).map(|seen| seen.times),
                Some(seen.times),
                "{}",
                hex(id)
            );
        }
        let there = of_eu.traces.get(id).map_or(0, |trace| trace.spans.len());
        in_both += usize::from(there > 0 && there < trace.spans.len());
    }
    assert!(in_both > 100, "only {in_both} traces are in both regions");
    println!(
        "{in_both} of {} traces have spans in both regions",
        sent.traces.len()
    );
    // One verdict each, and what is kept is whole.
    let account = Account::of_bus(&*bus, &topics, DECISION_WAIT_MS).unwrap();
    account.assert_clean();
    assert_eq!(sampler.stop(), 0);
    assert_eq!(ingest.stop(), 0);
}
