//! Receivers: where OTLP comes in.

use serde_json::{Value, json};

use super::super::yaml::Yaml;
use super::super::{at, items};
use super::{Component, kind, leftovers};

pub(super) fn ingest(receivers: &[Component], bus: &mut Yaml) -> Yaml {
    let mut ingest = Yaml::map();
    for (id, section) in receivers {
        match kind(id) {
            "otlp" => otlp(id, section, &mut ingest),
            "kafka" => kafka(id, section, bus, &mut ingest),
            _ => ingest.remark(format!(
                "receiver {id}: Tailwater takes OTLP; keep a Collector in front that turns this into OTLP"
            )),
        }
    }
    ingest
}

fn otlp(id: &str, section: &Value, ingest: &mut Yaml) {
    for (protocol, port) in [("grpc", 4317), ("http", 4318)] {
        let Some(of) = at(section, &["protocols", protocol]) else {
            continue;
        };
        // Without an endpoint the Collector listens on localhost, as we do.
        if let Some(endpoint) = of.get("endpoint").and_then(Value::as_str) {
            let mut listen = Yaml::map();
            listen.set("listen", json!(address(endpoint, port)));
            ingest.set(protocol, listen);
        }
        if of.get("tls").is_some() {
            ingest.remark(format!(
                "receiver {id}: {protocol} has `tls`; Tailwater's listeners are plain text, put a proxy in front"
            ));
        }
        let of_no_use = [
            "endpoint",
            "tls",
            "max_recv_msg_size_mib",
            "keepalive",
            "transport",
            "read_buffer_size",
            "write_buffer_size",
        ];
        leftovers(
            &format!("receiver {id}, {protocol}"),
            of,
            &of_no_use,
            ingest,
        );
        if let Some(size) = of.get("max_recv_msg_size_mib").and_then(Value::as_u64)
            && size > 64
        {
            ingest.set("request_bytes_max", json!(format!("{size}MiB")));
        }
    }
}

/// An address to listen on: we take addresses, no names.
fn address(endpoint: &str, port: u16) -> String {
    if endpoint.contains("${") {
        return endpoint.to_owned();
    }
    let (host, port) = match endpoint.rsplit_once(':') {
        Some((host, number)) => (host, number.to_owned()),
        None => (endpoint, port.to_string()),
    };
    match host {
        "localhost" => format!("127.0.0.1:{port}"),
        "" => format!("0.0.0.0:{port}"),
        host => format!("{host}:{port}"),
    }
}

fn kafka(id: &str, section: &Value, bus: &mut Yaml, ingest: &mut Yaml) {
    let brokers = section.get("brokers").cloned();
    let mut kafka = Yaml::map();
    kafka.set(
        "brokers",
        brokers.unwrap_or_else(|| json!(["localhost:9092"])),
    );
    for key in ["auth", "tls"] {
        if section.get(key).is_some() {
            kafka.remark(format!(
                "receiver {id}: `{key}` goes into `properties`, under librdkafka's names (security.protocol, sasl.…, ssl.…)"
            ));
        }
    }
    bus.set("kafka", kafka);
    let traces = section.get("traces").unwrap_or(&Value::Null);
    let topics = items(traces.get("topics"));
    let topic = topics.first().or_else(|| section.get("topic"));
    let encoding = traces.get("encoding").or_else(|| section.get("encoding"));
    if topics.len() > 1 {
        ingest.remark(format!(
            "receiver {id}: of its topics the first; run one `tailwater ingest` for each of the others"
        ));
    }
    if let Some(encoding) = encoding.and_then(Value::as_str)
        && encoding != "otlp_proto"
    {
        ingest.remark(format!(
            "receiver {id}: encoding {encoding}; Tailwater reads otlp_proto"
        ));
    }
    let mut rekey = Yaml::map();
    rekey.set(
        "topic",
        topic.cloned().unwrap_or_else(|| json!("otlp_spans")),
    );
    if let Some(group) = section.get("group_id") {
        rekey.set("group", group.clone());
    }
    ingest.set("kafka", rekey);
}
