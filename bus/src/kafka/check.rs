//! What is wrong with the `bus.kafka` section, and what is doubtful.

use runtime::config::Problems;

use super::config::RawKafka;
use super::login;
use crate::kafka::connecting::properties::doubts;

/// Each problem of a section goes under the path of its key; `path` is that of the section.
pub fn check(kafka: &RawKafka, path: &str, problems: &mut Problems) {
    if kafka.brokers.is_empty() {
        problems.push(
            format!("{path}.brokers"),
            "no brokers; name at least one, as host:port",
        );
    }
    for (index, broker) in kafka.brokers.iter().enumerate() {
        if !is_host_port(broker) {
            problems.push(
                format!("{path}.brokers[{index}]"),
                format!("{broker:?} isn't host:port; write it as 127.0.0.1:9092 or broker.example.com:9092"),
            );
        }
    }
    if kafka.replication_factor == Some(0) {
        problems.push(
            format!("{path}.replication_factor"),
            "0 replicas hold nothing; give 3, or leave it out for the broker's default",
        );
    }
    let (tls, sasl) = (kafka.tls.as_ref(), kafka.sasl.as_deref());
    let doubted = doubts(kafka).into_iter();
    for (key, message) in doubted.chain(login::doubts(tls, sasl)) {
        problems.warn(format!("{path}.{key}"), message);
    }
    for (key, message) in crate::kafka::connecting::properties::problems(kafka) {
        if key != "brokers" {
            problems.push(format!("{path}.{key}"), message);
        }
    }
}

/// `host:port`, `[v6]:port`, and librdkafka's `protocol://` before either.
fn is_host_port(broker: &str) -> bool {
    let address = broker
        .split_once("://")
        .map_or(broker, |(_, address)| address);
    let Some((host, port)) = address.rsplit_once(':') else {
        return false;
    };
    let bracketed = host.starts_with('[') && host.ends_with(']') && host.len() > 2;
    let host_fits = bracketed || (!host.is_empty() && !host.contains([':', '/', '[', ']', ',']));
    let spaced = broker.contains(char::is_whitespace);
    host_fits && !spaced && port.parse::<u16>().is_ok_and(|port| port != 0)
}
