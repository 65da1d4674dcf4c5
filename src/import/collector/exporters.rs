//! Exporters: backends. Queues and their sizes fall away, the bus is the queue.

use serde_json::{Value, json};

use super::super::yaml::Yaml;
use super::super::{at, entries};
use super::{Component, kind, leftovers};

pub(super) fn export(exporters: &[Component]) -> Yaml {
    let (mut export, mut backends) = (Yaml::map(), Yaml::List(Vec::new()));
    for (id, section) in exporters {
        let of = format!("exporter {id}");
        let mut backend = Yaml::map();
        backend.set("name", json!(id.replace('/', "-")));
        match kind(id) {
            "otlp" | "otlp_grpc" => backend.set("otlp_grpc", otlp(&of, section, &mut backends)),
            "otlphttp" | "otlp_http" => {
                backend.set("otlp_http", http(&of, section, &mut backends));
            }
            "file" => {
                let mut file = Yaml::map();
                file.set("path", section.get("path").cloned().unwrap_or_default());
                backend.set("file", file);
                leftovers(&of, section, &["path"], &mut backends);
            }
            "debug" | "logging" => {
                backend = json!({"name": id.replace('/', "-"), "stdout": {}}).into()
            }
            "kafka" => {
                backends.remark(format!(
                    "{of}: what was kept is on the bus already: the topics <prefix>.traces.sampled and, redacted, <prefix>.traces.clean, as otlp_proto"
                ));
                continue;
            }
            "loadbalancing" => {
                backends.remark(format!(
                    "{of}: not needed, ingest brings each trace to its partition"
                ));
                continue;
            }
            _ => {
                backends.remark(format!(
                    "{of}: Tailwater exports OTLP; keep a Collector behind it that speaks this protocol"
                ));
                continue;
            }
        }
        retry(section, &mut backend);
        backends.push(backend);
    }
    export.set("backends", backends);
    export
}

const OF_NO_USE: [&str; 15] = [
    "endpoint",
    "headers",
    "compression",
    "tls",
    "timeout",
    "encoding",
    "traces_endpoint",
    "logs_endpoint",
    "metrics_endpoint",
    "sending_queue",
    "retry_on_failure",
    "balancer_name",
    "keepalive",
    "write_buffer_size",
    "read_buffer_size",
];

fn otlp(of: &str, section: &Value, backends: &mut Yaml) -> Yaml {
    let mut ours = Yaml::map();
    for key in ["endpoint", "headers", "compression"] {
        if let Some(value) = section.get(key) {
            ours.set(key, compression(of, key, value, backends));
        }
    }
    let tls = tls(of, section, backends);
    ours.set("tls", tls);
    if let Some(timeout) = section.get("timeout") {
        ours.set("timeout", timeout.clone());
    }
    if section.get("auth").is_some() {
        backends.remark(format!("{of}: `auth` goes into `headers`"));
    }
    let known: Vec<&str> = OF_NO_USE.iter().copied().chain(["auth"]).collect();
    leftovers(of, section, &known, backends);
    ours
}

fn http(of: &str, section: &Value, backends: &mut Yaml) -> Yaml {
    let mut ours = otlp(of, section, backends);
    for key in [
        "traces_endpoint",
        "logs_endpoint",
        "metrics_endpoint",
        "encoding",
    ] {
        if let Some(value) = section.get(key) {
            ours.set(key, value.clone());
        }
    }
    ours
}

fn compression(of: &str, key: &str, value: &Value, backends: &mut Yaml) -> Value {
    match value.as_str() {
        Some("gzip" | "zstd" | "none") => value.clone(),
        Some(other) if key == "compression" => {
            backends.remark(format!("{of}: compression {other} became gzip"));
            json!("gzip")
        }
        _ => value.clone(),
    }
}

fn tls(of: &str, section: &Value, backends: &mut Yaml) -> Yaml {
    let mut ours = Yaml::map();
    for (key, value) in entries(section.get("tls")) {
        match key {
            "insecure" | "ca_file" | "cert_file" | "key_file" | "insecure_skip_verify" => {
                ours.set(key, value.clone());
            }
            _ => backends.remark(format!("{of}: `tls.{key}` has no equal here")),
        }
    }
    ours
}

fn retry(section: &Value, backend: &mut Yaml) {
    let mut ours = Yaml::map();
    for key in [
        "initial_interval",
        "max_interval",
        "multiplier",
        "randomization_factor",
    ] {
        if let Some(value) = at(section, &["retry_on_failure", key]) {
            ours.set(key, value.clone());
        }
    }
    backend.set("retry", ours);
}
