//! The whole pipeline by each way of logging in, with the least rights.

use std::time::{Duration, Instant};

use tests::kafka::Listener;
use tests::sending::Load;
use tests::wait_until;

use super::{WITHIN, allow_what_is_needed, delivered, principal, secured, world};

#[track_caller]
fn check(listener: Listener) {
    let Some(started) = secured() else { return };
    let rights = started.rights.as_ref().unwrap().of(principal(listener));
    let world = world(started, listener);
    allow_what_is_needed(&rights, world.prefix());
    let mut process = world.process("run", "all");
    let begin = Instant::now();
    process.start();
    let what = format!("{listener:?} to be ready");
    wait_until(&what, WITHIN, || {
        assert!(process.is_running(), "it ended");
        process.is_ready()
    });
    println!(
        "{listener:?}: ready after {:?}, topics made included",
        begin.elapsed()
    );
    let load = Load::start(process.grpc_endpoint(), 5, 500.0);
    wait_until("spans to be delivered", WITHIN, || {
        delivered(&process) > 50.0
    });
    load.stop();
    assert_eq!(process.stop(), 0);
    // Again, with the topics there: what a restart takes.
    let begin = Instant::now();
    process.start();
    wait_until("a restart", WITHIN, || process.is_ready());
    println!(
        "{listener:?}: ready after {:?}, with its topics there",
        begin.elapsed()
    );
    assert_eq!(process.stop(), 0);
    let log = process.log_text();
    for secret in ["a secret", "eyJ"] {
        assert!(!log.contains(secret), "the log shows what one logs in with");
    }
    assert_eq!(process.logged(" ERROR "), 0, "{log}");
}

#[test]
fn by_plain() {
    check(Listener::Plain);
}

#[test]
fn by_scram_over_tls() {
    check(Listener::ScramTls);
}

#[test]
fn by_certificate() {
    check(Listener::MutualTls);
}

#[test]
fn by_token_over_tls() {
    check(Listener::OauthTls);
}

/// A token that a provider gives for the client's credentials, and gives anew before it ends.
#[test]
fn by_a_token_of_a_provider() {
    let Some(started) = secured() else { return };
    let provider = super::wrong::Provider::start(Duration::from_secs(10));
    let rights = started.rights.as_ref().unwrap().of("User:of-provider");
    let mut world = world(started, Listener::OauthTls);
    world.config["bus"]["kafka"]["sasl"]["oauth"] = provider.section("right");
    allow_what_is_needed(&rights, world.prefix());
    let mut process = world.process("run", "all");
    process.start_and_wait();
    let load = Load::start(process.grpc_endpoint(), 5, 500.0);
    wait_until("the third token", WITHIN, || provider.given() >= 3);
    let before = delivered(&process);
    wait_until("spans to be delivered after it", WITHIN, || {
        delivered(&process) > before + 50.0
    });
    load.stop();
    assert_eq!(process.stop(), 0);
    assert_eq!(process.logged(" ERROR "), 0, "{}", process.log_text());
}
