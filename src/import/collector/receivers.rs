//! Receivers: where OTLP comes in.

use serde_json::{Value, json};

use super::super::value::{at, entries};
use super::super::yaml::{Weight, Yaml};
use super::component::{Component, Reason, kind, leftovers, reasons};
use super::kafka::kafka;

/// What ingest has one of.
#[derive(Default)]
struct Taken {
    grpc: bool,
    http: bool,
    kafka: bool,
}

pub(super) fn ingest(receivers: &[Component], bus: &mut Yaml) -> Yaml {
    let (mut ingest, mut taken) = (Yaml::map(), Taken::default());
    for (id, section) in receivers {
        match kind(id) {
            "otlp" => otlp(id, section, &mut taken, &mut ingest),
            "kafka" if taken.kafka => ingest.lost(format!(
                "receiver {id}: ingest reads topics of one group; add this one's to `ingest.kafka.sources`, or run another `tailwater ingest` for them"
            )),
            "kafka" => {
                taken.kafka = true;
                kafka(id, section, bus, &mut ingest);
            }
            _ => ingest.lost(format!(
                "receiver {id}: Tailwater takes OTLP; keep a Collector in front that turns this into OTLP"
            )),
        }
    }
    ingest
}

const REASONS: &[Reason] = &[
    (
        "tls",
        Weight::Lost,
        "Tailwater's listeners are plain text, put a proxy in front",
    ),
    (
        "auth",
        Weight::Lost,
        "Tailwater's listeners ask for no credentials, put a proxy in front",
    ),
    (
        "keepalive",
        Weight::Note,
        "not needed, see `ingest` for deadlines of connections",
    ),
    ("transport", Weight::Note, "not needed, it is tcp"),
    ("read_buffer_size", Weight::Note, "not needed"),
    ("write_buffer_size", Weight::Note, "not needed"),
    (
        "max_concurrent_streams",
        Weight::Note,
        "not needed, memory is bounded by `ingest.memory_limit`",
    ),
];

fn otlp(id: &str, section: &Value, taken: &mut Taken, ingest: &mut Yaml) {
    leftovers(&format!("receiver {id}"), section, &["protocols"], ingest);
    for (protocol, _) in entries(section.get("protocols")) {
        if !["grpc", "http"].contains(&protocol) {
            ingest.lost(format!(
                "receiver {id}: `protocols.{protocol}` has no equal here"
            ));
        }
    }
    for (protocol, port) in [("grpc", 4317), ("http", 4318)] {
        let Some(of) = at(section, &["protocols", protocol]) else {
            continue;
        };
        let is_taken = match protocol {
            "grpc" => &mut taken.grpc,
            _ => &mut taken.http,
        };
        if std::mem::replace(is_taken, true) {
            let endpoint = of.get("endpoint").and_then(Value::as_str);
            ingest.lost(format!(
                "receiver {id}: its {protocol} address {}; ingest listens on one, of the receiver before",
                endpoint.unwrap_or("(the default)")
            ));
            continue;
        }
        // Without an endpoint the Collector listens on localhost, as we do.
        if let Some(endpoint) = of.get("endpoint").and_then(Value::as_str) {
            let mut listen = Yaml::map();
            listen.set("listen", json!(address(endpoint, port)));
            ingest.set(protocol, listen);
        }
        let of_protocol = format!("receiver {id}, {protocol}");
        let mut known = reasons(&of_protocol, of, REASONS, ingest);
        known.extend(["endpoint", "max_recv_msg_size_mib"]);
        leftovers(&of_protocol, of, &known, ingest);
        if let Some(size) = of.get("max_recv_msg_size_mib") {
            match size.as_u64() {
                Some(size) if size > 64 => {
                    ingest.set("request_bytes_max", json!(format!("{size}MiB")));
                }
                _ => ingest.remark(format!(
                    "{of_protocol}: `max_recv_msg_size_mib`: ingest takes requests of up to 64MiB, see `request_bytes_max`"
                )),
            }
        }
    }
}

/// An address to listen on: we take addresses, no names.
fn address(endpoint: &str, port: u16) -> String {
    // What stands in braces may have colons of its own.
    let colon = match endpoint.rfind('}') {
        Some(brace) => endpoint[brace..].rfind(':').map(|at| brace + at),
        None => endpoint.rfind(':'),
    };
    let (host, port) = match colon {
        Some(colon) => (&endpoint[..colon], endpoint[colon + 1..].to_owned()),
        None if endpoint.contains("${") => return behind_reference(endpoint),
        None => (endpoint, port.to_string()),
    };
    match host {
        "localhost" => format!("127.0.0.1:{port}"),
        "" => format!("0.0.0.0:{port}"),
        host => format!("{host}:{port}"),
    }
}

/// `localhost:${env:PORT}`, `:${env:PORT}`, or a reference to the whole address.
fn behind_reference(endpoint: &str) -> String {
    if let Some(port) = endpoint.strip_prefix("localhost:") {
        return format!("127.0.0.1:{port}");
    }
    match endpoint.starts_with(':') {
        true => format!("0.0.0.0{endpoint}"),
        false => endpoint.to_owned(),
    }
}
