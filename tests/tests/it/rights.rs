//! Rights that a broker takes away while everything runs: named in `/readyz` and in the log within ten seconds, and nothing ends by it or is lost.
//!
//! What is allowed at the start is what `docs/how-to/secure.md` says is needed, and no more.

use std::time::{Duration, Instant};

use schemas::Signal;
use serde_json::Value;
use tests::kafka::{Resource, Rights, Setup, Started};
use tests::process::Tailwater;
use tests::sending::Load;
use tests::wait_until;
use tests::world::World;

/// What is promised.
const TOLD_WITHIN: Duration = Duration::from_secs(10);
const BACK_WITHIN: Duration = Duration::from_secs(60);
const PATIENT: Duration = Duration::from_secs(240);

fn readyz(process: &Tailwater) -> (u16, String) {
    let (status, body) = process.get("/readyz").expect("the process answers");
    let told: Value = serde_json::from_str(&body).expect("JSON");
    (status, told["parts"].to_string())
}

/// As the documentation has it.
fn allow_what_is_needed(rights: &Rights, prefix: &str) {
    let topic = ["Describe", "DescribeConfigs", "Read", "Write", "Create"];
    rights.allow(Resource::Topic(prefix), &topic);
    for group in [prefix, "tailwater-reader"] {
        rights.allow(Resource::Group(group), &["Describe", "Read"]);
    }
    rights.allow(Resource::TransactionalId(prefix), &["Describe", "Write"]);
}

/// Takes a right, and gives it back once that was told.
#[track_caller]
fn check(rights: &Rights, process: &mut Tailwater, resource: Resource<'_>, operation: &str) {
    let (Resource::Topic(name) | Resource::Group(name) | Resource::TransactionalId(name)) =
        resource;
    let logged = process.log_text().len();
    rights.take(resource, operation);
    let since = Instant::now();
    let what = format!("{operation} on {resource:?} to be told");
    wait_until(&what, TOLD_WITHIN, || {
        let (status, told) = readyz(process);
        status == 503 && told.contains(name) && told.contains("authorization failed")
    });
    let said = process.log_text().split_off(logged);
    let mut said = said.lines().filter(|line| !line.contains(" INFO "));
    let line = said.find(|line| line.contains(name) && line.contains("authorization failed"));
    println!(
        "{operation} on {name}, after {:?}: {}\n{}",
        since.elapsed(),
        readyz(process).1,
        line.expect("the log names it")
    );
    let received = |process: &Tailwater| {
        let name = "tailwater_export_delivered_items_total";
        process.metrics().sum(name, &[])
    };
    rights.give_back(resource, operation);
    let since = Instant::now();
    let before = received(process);
    wait_until(&format!("{operation} on {name} to do"), BACK_WITHIN, || {
        assert!(process.is_running(), "it ended");
        readyz(process).0 == 200 && received(process) > before
    });
    println!("ready and delivering again after {:?}", since.elapsed());
}

#[test]
fn a_right_that_is_taken_is_named_and_nothing_ends_by_it() {
    let Ok(started) = Setup::default().checking_rights().start() else {
        return;
    };
    let Started { broker, rights, .. } = started;
    let rights = rights.expect("they are checked");
    let mut world = World::kafka(&broker);
    world.set_decision_wait(500);
    allow_what_is_needed(&rights, world.prefix());
    let mut process = world.process("run", "all");
    process.start_and_wait();
    let load = Load::start_patient(process.grpc_endpoint(), 5, 500.0, PATIENT);
    wait_until("traffic", BACK_WITHIN, || load.sent() > 500);
    let topics = world.topics();
    let raw = topics.raw(Signal::Traces);
    let group = topics.group("sampler");
    let id = format!("{group}-all");
    for (resource, operation) in [
        (Resource::Topic(&raw), "Write"),
        (Resource::Topic(&raw), "Read"),
        (Resource::Topic(&raw), "Describe"),
        (Resource::Topic(&topics.decisions()), "Write"),
        (Resource::Group(&group), "Read"),
        (Resource::Group(&topics.group("export-kept")), "Read"),
        (Resource::TransactionalId(&id), "Write"),
    ] {
        check(&rights, &mut process, resource, operation);
    }
    load.stop();
    wait_until("all that was published to be read", BACK_WITHIN, || {
        let of = |name| process.metrics().sum(name, &[("signal", "traces")]);
        let read = process
            .metrics()
            .sum("tailwater_sampler_consumed_spans_total", &[]);
        read == of("tailwater_ingest_published_items_total")
    });
    assert_eq!(process.stop(), 0);
}
