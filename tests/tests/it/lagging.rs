//! A sampler that was away finds far more than its memory could hold: it catches up epoch by epoch, none larger than it may be, and takes no
//! more memory than one that keeps up.

use std::time::{Duration, Instant};

use schemas::Signal;
use serde_json::json;
use tests::bus_reader::each_record;
use tests::kafka::Broker;
use tests::sending::{options, send_all, traffic};
use tests::settle::Account;
use tests::wait_until;
use tests::world::World;

const SPANS: u64 = 150_000;
const EPOCH_BYTES: u64 = 1 << 20;
const DECISION_WAIT_MS: u64 = 1000;
const WITHIN: Duration = Duration::from_secs(180);
/// Above what the sampler has when it is idle: its record cache of 16 MiB, what the client has fetched, three epochs with their output.
const MEMORY_BYTES_MAX: u64 = 72 << 20;

#[test]
fn a_backlog_is_worked_off_in_bounded_epochs_and_memory() {
    let Ok(broker) = Broker::shared() else { return };
    let mut world = World::kafka(broker);
    world.set_decision_wait(DECISION_WAIT_MS);
    world.config["sampler"]["epoch_bytes"] = json!("1MiB");
    let (bus, topics) = (world.bus(), world.topics());
    let (mut ingest, mut sampler) = (world.process("ingest", "i"), world.process("sample", "s"));
    ingest.start_and_wait();
    sampler.start_and_wait();
    let idle = sampler.peak_memory_bytes();
    assert_eq!(sampler.stop(), 0);
    let (mut requests, _) = traffic(11, SPANS);
    requests.retain(|request| request.signal == Signal::Traces);
    let to = options(
        ingest.grpc_endpoint(),
        load::Protocol::Grpc,
        load::Compression::None,
    );
    send_all(vec![(requests, to)]);
    assert_eq!(ingest.stop(), 0);
    let mut bytes = 0;
    each_record(&*bus, &topics.raw(Signal::Traces), |record| {
        bytes += record.value.len() as u64;
    })
    .unwrap();
    assert!(
        bytes > MEMORY_BYTES_MAX,
        "only {bytes} bytes to catch up with"
    );

    let begin = Instant::now();
    sampler.start_and_wait();
    wait_until("the sampler to catch up", WITHIN, || {
        world.lags(&*bus, &[]).is_some_and(|lags| lags.is_empty())
    });
    let took = begin.elapsed();
    let metrics = sampler.metrics();
    let commits = format!("{}_count", sampler::names::COMMIT_SECONDS);
    let epochs = metrics.sum(&commits, &[]) as u64;
    let peak = sampler.peak_memory_bytes();
    println!(
        "{} MiB behind, worked off in {epochs} epochs and {took:?}; {} MiB idle, {} MiB at the peak",
        bytes >> 20,
        idle >> 20,
        peak >> 20
    );
    assert_eq!(sampler.stop(), 0);
    Account::of_bus(&*bus, &topics, DECISION_WAIT_MS)
        .unwrap()
        .assert_clean();
    // One takes its last record whole.
    assert!(
        epochs >= bytes / (EPOCH_BYTES * 5 / 4),
        "{epochs} epochs for {bytes} bytes"
    );
    assert!(
        peak - idle < MEMORY_BYTES_MAX,
        "{peak} bytes, {idle} when idle"
    );
}
