//! Certificates, tokens and passwords that change under load: nothing stops, and nothing is lost or doubled.

use std::time::Duration;

use schemas::Signal;
use serde_json::json;
use tests::kafka::{Identity, Listener, Resource, Started};
use tests::process::Tailwater;
use tests::sending::Load;
use tests::settle::Account;
use tests::wait_until;
use tests::world::World;

use super::{WITHIN, allow_what_is_needed, delivered, setup, token_file, world, write_token};

/// Every span that was acknowledged is decided once and delivered as decided.
fn assert_whole(world: &World, process: &mut Tailwater, load: Load) {
    let sent = load.stop();
    wait_until("all that was published to be read", WITHIN, || {
        let published = "tailwater_ingest_published_items_total";
        let of = |name: &str| process.metrics().sum(name, &[("signal", "traces")]);
        let read = process
            .metrics()
            .sum("tailwater_sampler_consumed_spans_total", &[]);
        read > 0.0 && read == of(published)
    });
    wait_until("what was kept to be delivered", WITHIN, || {
        let kept = process
            .metrics()
            .sum("tailwater_enrich_consumed_items_total", &[]);
        kept > 0.0 && delivered(process) >= kept
    });
    assert_eq!(process.stop(), 0);
    let bus = world.bus();
    let account = Account::of_bus(&*bus, &world.topics(), 500).unwrap();
    account.assert_clean();
    drop(sent);
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
        reloads("error") == 1.0
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
