//! The Kafka receiver: topics to partition anew, with their signals and formats.

use serde_json::{Value, json};

use super::super::value::items;
use super::super::yaml::Yaml;
use super::component::leftovers;

/// The older keys, for all signals at once.
const KEYS: [&str; 9] = [
    "brokers", "traces", "topic", "encoding", "group_id", "auth", "tls", "logs", "metrics",
];

/// Each signal with the topic that the receiver reads where none is named.
const SIGNALS: [(&str, &str); 3] = [
    ("traces", "otlp_spans"),
    ("logs", "otlp_logs"),
    ("metrics", "otlp_metrics"),
];

pub(super) fn kafka(id: &str, section: &Value, bus: &mut Yaml, ingest: &mut Yaml) {
    let brokers = section.get("brokers").cloned();
    let mut kafka = Yaml::map();
    kafka.set(
        "brokers",
        brokers.unwrap_or_else(|| json!(["localhost:9092"])),
    );
    for key in ["auth", "tls"] {
        if section.get(key).is_some() {
            kafka.lost(format!(
                "receiver {id}: `{key}` goes into `properties`, under librdkafka's names (security.protocol, sasl.…, ssl.…)"
            ));
        }
    }
    bus.set("kafka", kafka);
    leftovers(&format!("receiver {id}"), section, &KEYS, ingest);
    // Without a section for any signal, it is about traces.
    let named = SIGNALS
        .iter()
        .any(|(signal, _)| section.get(signal).is_some());
    let mut sources: Vec<Yaml> = (SIGNALS.iter())
        .filter(|(signal, _)| section.get(signal).is_some() || (!named && *signal == "traces"))
        .filter_map(|(signal, topic)| source(id, section, signal, topic, ingest))
        .collect();
    let mut read = match sources.len() {
        0 => return,
        1 => sources.remove(0),
        _ => {
            let mut several = Yaml::map();
            let mut list = Yaml::list();
            sources.into_iter().for_each(|source| list.push(source));
            several.set("sources", list);
            several
        }
    };
    if let Some(group) = section.get("group_id") {
        read.set("group", group.clone());
    }
    ingest.set("kafka", read);
}

/// The topics of one signal.
fn source(id: &str, section: &Value, signal: &str, topic: &str, ingest: &mut Yaml) -> Option<Yaml> {
    let own = section.get(signal).unwrap_or(&Value::Null);
    let known = ["topics", "topic", "encoding"];
    leftovers(&format!("receiver {id}, {signal}"), own, &known, ingest);
    let of = |key: &str| own.get(key).or_else(|| section.get(key));
    let encoding = of("encoding")
        .and_then(Value::as_str)
        .unwrap_or("otlp_proto");
    let format = match format(encoding) {
        Some(format) if signal == "traces" || encoding.starts_with("otlp_") => format,
        _ => {
            ingest.lost(format!(
                "receiver {id}: {signal} in encoding {encoding}; Tailwater reads OTLP, and spans of Jaeger and Zipkin"
            ));
            return None;
        }
    };
    let topics = match (items(own.get("topics")), of("topic")) {
        ([], Some(topic)) => json!([topic]),
        ([], None) => json!([topic]),
        (topics, _) => json!(topics),
    };
    for pattern in items(Some(&topics)).iter().filter_map(Value::as_str) {
        if pattern.starts_with('^') {
            ingest.lost(format!(
                "receiver {id}: `{pattern}` is a pattern; name the topics in `ingest.kafka`"
            ));
        }
    }
    let mut source = Yaml::map();
    source.set("topics", topics);
    if signal != "traces" {
        source.set("signal", json!(signal));
    }
    if format != ingest::Format::default() {
        source.set("format", json!(format.name()));
    }
    Some(source)
}

/// The format that an encoding's name stands for.
fn format(encoding: &str) -> Option<ingest::Format> {
    serde_json::from_value(json!(encoding)).ok()
}
