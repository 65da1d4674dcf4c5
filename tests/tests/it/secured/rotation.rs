//! Certificates, tokens and passwords that change under load: nothing stops, and nothing is lost or doubled.

use std::time::Duration;

use schemas::Signal;
use serde_json::json;
use tests::bus_reader::tally;
use tests::kafka::{Identity, Listener, Resource, Started};
use tests::process::Tailwater;
use tests::sending::Load;
use tests::settle::Account;
use tests::tally::TraceId;
use tests::wait_until;
use tests::world::World;

use super::{WITHIN, allow_what_is_needed, delivered, setup, token_file, world, write_token};

/// Every span that was acknowledged is on the bus, decided once, and kept as decided.
fn assert_whole(world: &World, process: &mut Tailwater, load: Load) {
    let sent = load.stop();
    let bus = world.bus();
    wait_until("everything to be read", WITHIN, || {
        let lags = world.lags(&*bus, &["kept"]);
        lags.is_some_and(|lags| lags.is_empty())
    });
    assert_eq!(process.stop(), 0);
    let raw = tally(&*bus, Signal::Traces, &world.topics().raw(Signal::Traces)).unwrap();
    let lost = |trace: &&TraceId| {
        let there = raw.traces.get(*trace).map(|trace| &trace.spans);
        let spans = &sent.traces[*trace].spans;
        !spans
            .keys()
            .all(|span| there.is_some_and(|there| there.contains_key(span)))
    };
    assert!(sent.traces.len() > 100);
    assert_eq!(
        sent.traces.keys().filter(lost).count(),
        0,
        "traces lack spans"
    );
    let account = Account::of_bus(&*bus, &world.topics(), 500).unwrap();
    account.assert_clean();
}

fn goes_on(process: &Tailwater) {
    let before = delivered(process);
    wait_until("spans to be delivered after the change", WITHIN, || {
        delivered(process) > before + 50.0
    });
}

/// A broker of its own: it is restarted.
fn own() -> Option<Started> {
    setup().start().ok()
}

#[test]
fn a_certificate_changes_under_load() {
    let Some(started) = own() else { return };
    let tls = started.tls.as_ref().unwrap();
    let mut world = world(&started, Listener::MutualTls);
    for principal in ["User:CN=First", "User:CN=Second"] {
        let rights = started.rights.as_ref().unwrap().of(principal);
        allow_what_is_needed(&rights, world.prefix());
    }
    let copy = |identity| {
        let (cert, key) = tls.identity(identity);
        std::fs::copy(cert, world.path("tls.crt")).unwrap();
        std::fs::copy(key, world.path("tls.key")).unwrap();
    };
    copy(Identity::First);
    let (cert, key) = (world.path("tls.crt"), world.path("tls.key"));
    world.config["bus"]["kafka"]["tls"]["cert_file"] = json!(cert);
    world.config["bus"]["kafka"]["tls"]["key_file"] = json!(key);
    let mut process = world.process("run", "all");
    process.start_and_wait();
    let load = Load::start_patient(process.grpc_endpoint(), 5, 500.0, Duration::from_secs(240));
    wait_until("traffic", WITHIN, || delivered(&process) > 50.0);
    let reloads = |result| {
        let name = "tailwater_kafka_certificate_reloads_total";
        process.metrics().sum(name, &[("result", result)])
    };
    // Half of a pair is told, and changes nothing.
    std::fs::copy(tls.identity(Identity::Second).0, &cert).unwrap();
    wait_until("the wrong pair to be told", WITHIN, || {
        reloads("failed") == 1.0
    });
    assert_eq!(process.logged("isn't the key of the certificate"), 1);
    goes_on(&process);
    std::fs::copy(tls.identity(Identity::Second).1, &key).unwrap();
    wait_until("the new pair", WITHIN, || reloads("ok") == 1.0);
    goes_on(&process);
    // The brokers know nobody any more who has the old one.
    tls.trust(&[Identity::Second]).unwrap();
    started.broker.restart();
    wait_until("ready again", WITHIN, || process.is_ready());
    goes_on(&process);
    // As the world's own reader comes.
    assert_whole(&world, &mut process, load);
}

#[test]
fn tokens_and_passwords_change_under_load() {
    let Some(started) = own() else { return };
    let rights = started.rights.as_ref().unwrap();
    let world = world(&started, Listener::OauthTls);
    for principal in ["User:tailwater", "User:another"] {
        allow_what_is_needed(&rights.of(principal), world.prefix());
    }
    let mut process = world.process("run", "all");
    process.start_and_wait();
    let load = Load::start_patient(process.grpc_endpoint(), 5, 500.0, Duration::from_secs(240));
    wait_until("traffic", WITHIN, || delivered(&process) > 50.0);
    write_token(&token_file(&world), "another", Duration::from_secs(3600));
    // Brokers that ask for a login anew see the new one, and refuse the old.
    let raw = world.topics().raw(Signal::Traces);
    rights
        .of("User:tailwater")
        .take(Resource::Topic(&raw), "Write");
    started.broker.restart();
    wait_until("ready again", WITHIN, || process.is_ready());
    goes_on(&process);
    assert_whole(&world, &mut process, load);
}
