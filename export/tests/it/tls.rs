//! TLS: who is trusted.

use crate::support::backend::{Answer, Backend};
use crate::support::tls::CA_FILE;
use crate::support::{
    QUICK, Running, all_committed, eventually, metric, open_bus, publish, telemetry,
};
use schemas::Signal;

/// Offers a record over TLS, and says whether it was delivered. If it isn't, it is tried again and stays on the bus.
fn delivers(name: &str, kind: &str, tls: &str) -> bool {
    let backend = Backend::start_tls(|_| Answer::Accept);
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    let port = backend.address.port();
    let running = Running::start(
        &bus,
        &[format!(
            "{{name: {name}, {kind}: {{endpoint: 'https://localhost:{port}', tls: {{{tls}}}}}, {QUICK}}}"
        )],
    );
    publish(&*bus, Signal::Traces, 0, [telemetry::spans(0..3, 0)]);
    eventually("an attempt", || {
        metric(export::names::DELIVERED, name) > 0.0 || metric(export::names::RETRIES, name) > 2.0
    });
    let delivered = metric(export::names::DELIVERED, name) > 0.0;
    if delivered {
        all_committed(&*bus, name, Signal::Traces);
    }
    running.stop();
    assert_eq!(!backend.received().is_empty(), delivered);
    delivered
}

#[test]
fn a_root_of_ones_own_is_trusted() {
    let ca = format!("ca_file: {CA_FILE}");
    assert!(delivers("grpc-ca", "otlp_grpc", &ca));
    assert!(delivers("http-ca", "otlp_http", &ca));
}

#[test]
fn a_stranger_gets_nothing() {
    assert!(!delivers("grpc-system", "otlp_grpc", ""));
    assert!(!delivers("http-system", "otlp_http", ""));
}

#[test]
fn anybody_is_trusted_on_request() {
    assert!(delivers(
        "grpc-any",
        "otlp_grpc",
        "insecure_skip_verify: true"
    ));
    assert!(delivers(
        "http-any",
        "otlp_http",
        "insecure_skip_verify: true"
    ));
}
