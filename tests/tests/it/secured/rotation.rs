//! Certificates, tokens and passwords that change under load: nothing stops, and nothing is lost or doubled.

use std::time::Duration;

use schemas::Signal;
use serde_json::json;
use tests::bus_reader::tally;
use tests::kafka::{Identity, Listener, PASSWORD, Resource, Started};
use tests::process::Tailwater;
use tests::sending::Load;
use tests::settle::Account;
use tests::tally::TraceId;
use tests::wait_until;
use tests::world::World;

use super::{WITHIN, allow_what_is_needed, delivered, setup, token_file, world, write_token};

/// Every span that was acknowledged is on the bus, decided once, and kept as decided.
fn assert_whole(world: &World, process: &mut Tailwater, load: Load) {
    account(world, process, load).assert_clean();
}

/// Every span that was acknowledged is on the bus; what became of them.
fn account(world: &World, process: &mut Tailwater, load: Load) -> Account {
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
    Account::of_bus(&*bus, &world.topics(), 500).unwrap()
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

/// A pipeline with this delivery of the sampler, whose certificate is exchanged; what became of everything.
fn exchange_certificates(delivery: &str) -> Option<Account> {
    let started = own()?;
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
    world.config["sampler"]["delivery"] = json!(delivery);
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
    Some(account(&world, &mut process, load))
}

#[test]
fn a_certificate_changes_under_load() {
    if let Some(account) = exchange_certificates("exactly_once") {
        account.assert_clean();
    }
}

/// The client behind it is another one: no transactions, and a producer that lives through the exchange.
#[test]
fn a_certificate_changes_under_load_at_least_once() {
    if let Some(account) = exchange_certificates("at_least_once") {
        assert!(account.loses_nothing() && account.kept > 0, "{account}");
    }
}

/// The file that holds a password changes, and then the brokers forget the old one: at their restart everybody logs in anew.
#[test]
fn a_password_changes_under_load() {
    let Some(started) = own() else { return };
    let rights = started.rights.as_ref().unwrap();
    let mut world = world(&started, Listener::ScramTls);
    allow_what_is_needed(&rights.of("User:tailwater"), world.prefix());
    let file = world.path("password");
    std::fs::write(&file, PASSWORD).unwrap();
    let reference = format!("${{file:{}}}", file.display());
    world.config["bus"]["kafka"]["sasl"]["password"] = json!(reference);
    let mut process = world.process("run", "all");
    process.start_and_wait();
    let load = Load::start_patient(process.grpc_endpoint(), 5, 500.0, Duration::from_secs(240));
    wait_until("traffic", WITHIN, || delivered(&process) > 50.0);
    let next = "another password";
    let credential = format!("SCRAM-SHA-512=[password={next}]");
    let change = [
        "--alter",
        "--add-config",
        &credential,
        "--entity-type",
        "users",
        "--entity-name",
        "tailwater",
    ];
    rights.tool("kafka.admin.ConfigCommand", &change).unwrap();
    std::fs::write(&file, next).unwrap();
    wait_until("the new password to be read", WITHIN, || {
        process.logged("takes effect with the next login: bus.kafka.sasl.password") == 1
    });
    goes_on(&process);
    started.broker.restart();
    wait_until("ready again", WITHIN, || process.is_ready());
    goes_on(&process);
    let log = process.log_text();
    assert!(
        !log.contains(PASSWORD) && !log.contains(next),
        "the log shows a password"
    );
    world.config["bus"]["kafka"]["sasl"]["password"] = json!(next);
    assert_whole(&world, &mut process, load);
}

#[test]
fn tokens_change_under_load() {
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
