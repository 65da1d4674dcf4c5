//! A cluster that asks who comes.

use schemas::Signal;
use tests::kafka::{Listener, PASSWORD, Resource, Setup, USER, create_topic, unique};

use super::ids_in;
use crate::support::telemetry::spans;
use crate::support::{
    QUICK, Running, all_committed, config, dead_letters, eventually, metric, open_bus, publish,
};

/// A wrong password holds the backend, and a mended one takes effect without a restart.
#[test]
fn a_wrong_password_loses_nothing() {
    let Ok(started) = Setup::default().listener(Listener::Plain).start() else {
        return;
    };
    let topic = unique("login");
    create_topic(started.broker.brokers(), &topic, 1, &[]).unwrap();
    let brokers = &started.listeners[0].brokers;
    let line = |password: &str| {
        [format!(
            "{{name: to-login, signals: [traces], kafka: {{brokers: ['{brokers}'], topic: {topic}, \
             sasl: {{mechanism: PLAIN, username: '{USER}', password: '{password}'}}}}, credentials: {{probe: 200ms}}, {QUICK}}}"
        )]
    };
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    publish(&*bus, Signal::Traces, 0, (0..50).map(|id| spans([id], 0)));
    let running = Running::start(&bus, &line("wrong"));
    eventually("the backend is held", || {
        metric("tailwater_export_breaker_state", "to-login") as u8 == 2
    });
    let mut told = String::new();
    eventually("it is told why", || {
        let parts = running.health.parts();
        let found = parts.iter().find_map(|part| part.state.clone().err());
        told = found.unwrap_or_default();
        !told.is_empty()
    });
    assert!(told.to_lowercase().contains("authentication"), "{told}");
    assert!(!told.contains("wrong"), "{told}");
    running.reload.apply(config(&line(PASSWORD)));
    all_committed(&*bus, "to-login", Signal::Traces);
    running.stop();
    assert_eq!(ids_in(started.broker.brokers(), &topic).len(), 50);
    assert!(dead_letters(&*bus).is_empty());
}

/// A right that is missing holds the backend; what is refused is named.
#[test]
fn a_missing_right_loses_nothing() {
    let Ok(started) = Setup::default().checking_rights().start() else {
        return;
    };
    let rights = started.rights.unwrap();
    let topic = unique("rights");
    rights
        .tool(
            "org.apache.kafka.tools.TopicCommand",
            &["--create", "--topic", &topic],
        )
        .unwrap();
    rights.allow(Resource::Topic(&topic), &["Describe"]);
    let brokers = started.broker.brokers();
    let backends = [format!(
        "{{name: to-rights, signals: [traces], kafka: {{brokers: ['{brokers}'], topic: {topic}}}, credentials: {{probe: 200ms}}, {QUICK}}}"
    )];
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    publish(&*bus, Signal::Traces, 0, (0..50).map(|id| spans([id], 0)));
    let running = Running::start(&bus, &backends);
    eventually("the backend is held", || {
        let parts = running.health.parts();
        parts
            .iter()
            .any(|part| part.state.as_ref().is_err_and(|why| why.contains(&topic)))
    });
    rights.allow(Resource::Topic(&topic), &["Write", "Read"]);
    // For who looks what is there.
    rights.allow(Resource::Group("messages-of-a-test"), &["Read"]);
    all_committed(&*bus, "to-rights", Signal::Traces);
    running.stop();
    assert_eq!(ids_in(brokers, &topic).len(), 50);
    assert!(dead_letters(&*bus).is_empty());
}
