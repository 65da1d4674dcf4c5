//! Exporters: backends. Queues and their sizes fall away, the bus is the queue.

use serde_json::{Value, json};

use super::super::duration;
use super::super::value::{at, entries};
use super::super::yaml::{Weight, Yaml};
use super::component::{Reason, kind, leftovers, reasons};
use super::pipelines::Pipelines;

pub(super) fn export(pipelines: &Pipelines) -> Yaml {
    let (mut export, mut backends) = (Yaml::map(), Yaml::list());
    for (id, section) in pipelines.used("exporters") {
        let signals = match pipelines.signals(id) {
            // A pipeline of a signal that Tailwater doesn't have, which is said there.
            Some(none) if none.is_empty() => continue,
            Some(signals) => Some(signals),
            None => by_endpoints(section),
        };
        let Some(mut backend) = backend(id, section, &mut backends) else {
            continue;
        };
        if let Some(signals) = signals {
            backend.set("signals", json!(signals));
        }
        retry(
            &format!("exporter {id}"),
            section,
            &mut backend,
            &mut backends,
        );
        backends.push(backend);
    }
    if backends.says_nothing() && pipelines.are_there() {
        backends.lost("no exporter became a backend: write `export.backends`; without it, export writes to ./kept.jsonl and to the terminal");
    }
    export.set("backends", backends);
    export
}

/// An exporter with addresses for single signals, and none for all, gets those.
fn by_endpoints(section: &Value) -> Option<Vec<&'static str>> {
    let named = |signal: &&str| section.get(format!("{signal}_endpoint")).is_some();
    let signals: Vec<_> = ["traces", "logs", "metrics"]
        .into_iter()
        .filter(named)
        .collect();
    (section.get("endpoint").is_none() && !signals.is_empty()).then_some(signals)
}

fn backend(id: &str, section: &Value, backends: &mut Yaml) -> Option<Yaml> {
    let of = format!("exporter {id}");
    let mut backend = Yaml::map();
    backend.set("name", json!(id.replace('/', "-")));
    match kind(id) {
        "otlp" | "otlp_grpc" => backend.set("otlp_grpc", otlp(&of, section, backends)),
        "otlphttp" | "otlp_http" => backend.set("otlp_http", http(&of, section, backends)),
        "file" => backend.set("file", file(&of, section, backends)),
        "debug" | "logging" => {
            leftovers(&of, section, &[], backends);
            backend.set("stdout", Yaml::Plain(json!({})));
        }
        "kafka" => {
            backends.changed(format!(
                "{of}: what was kept is on the bus already: the topics <prefix>.traces.sampled and, redacted, <prefix>.traces.clean, as otlp_proto"
            ));
            return None;
        }
        "loadbalancing" => {
            backends.remark(format!(
                "{of}: not needed, ingest brings each trace to its partition"
            ));
            return None;
        }
        "nop" => {
            backends.remark(format!("{of}: not needed"));
            return None;
        }
        _ => {
            backends.lost(format!(
                "{of}: Tailwater exports OTLP; keep a Collector behind it that speaks this protocol"
            ));
            return None;
        }
    }
    Some(backend)
}

const BUS_IS_THE_QUEUE: &str = "not needed, the bus is the queue";
const REASONS: &[Reason] = &[
    ("sending_queue", Weight::Note, BUS_IS_THE_QUEUE),
    ("queue_config", Weight::Note, BUS_IS_THE_QUEUE),
    ("batcher", Weight::Note, "see `batch` of a backend"),
    ("balancer_name", Weight::Note, "not needed, one connection"),
    (
        "keepalive",
        Weight::Note,
        "not needed, connections are kept",
    ),
    ("write_buffer_size", Weight::Note, "not needed"),
    ("read_buffer_size", Weight::Note, "not needed"),
    (
        "auth",
        Weight::Lost,
        "what it adds to requests goes into `headers`",
    ),
];

fn otlp(of: &str, section: &Value, backends: &mut Yaml) -> Yaml {
    let mut ours = Yaml::map();
    for key in ["endpoint", "headers", "compression"] {
        if let Some(value) = section.get(key).filter(|value| !value.is_null()) {
            ours.set(key, compression(of, key, value, backends));
        }
    }
    let tls = tls(of, section, backends);
    ours.set("tls", tls);
    if let Some(timeout) = section.get("timeout") {
        ours.set("timeout", duration::carried(timeout));
    }
    let mut known = reasons(of, section, REASONS, backends);
    known.extend([
        "endpoint",
        "headers",
        "compression",
        "tls",
        "timeout",
        "retry_on_failure",
    ]);
    known.extend(ENDPOINTS);
    leftovers(of, section, &known, backends);
    ours
}

const ENDPOINTS: [&str; 4] = [
    "traces_endpoint",
    "logs_endpoint",
    "metrics_endpoint",
    "encoding",
];

fn http(of: &str, section: &Value, backends: &mut Yaml) -> Yaml {
    let mut ours = otlp(of, section, backends);
    for key in ENDPOINTS {
        if let Some(value) = section.get(key) {
            ours.set(key, value.clone());
        }
    }
    ours
}

fn compression(of: &str, key: &str, value: &Value, backends: &mut Yaml) -> Value {
    match value.as_str() {
        _ if key != "compression" => value.clone(),
        Some("gzip" | "zstd" | "none") => value.clone(),
        Some("") => json!("none"),
        Some(other) => {
            backends.remark(format!("{of}: compression {other} became gzip"));
            json!("gzip")
        }
        None => value.clone(),
    }
}

fn tls(of: &str, section: &Value, backends: &mut Yaml) -> Yaml {
    let mut ours = Yaml::map();
    for (key, value) in entries(section.get("tls")) {
        let https = section
            .get("endpoint")
            .and_then(Value::as_str)
            .is_some_and(|endpoint| endpoint.starts_with("https://"));
        match key {
            "insecure" if https && value == &Value::Bool(true) => backends.remark(format!(
                "{of}: `tls.insecure` was left out, an https:// address is encrypted"
            )),
            "insecure" | "ca_file" | "cert_file" | "key_file" | "insecure_skip_verify" => {
                ours.set(key, value.clone());
            }
            _ => backends.lost(format!("{of}: `tls.{key}` has no equal here")),
        }
    }
    ours
}

fn file(of: &str, section: &Value, backends: &mut Yaml) -> Yaml {
    let mut ours = Yaml::map();
    ours.set("path", section.get("path").cloned().unwrap_or_default());
    let mut rotate = Yaml::map();
    for (key, value) in entries(section.get("rotation")) {
        match (key, value.as_u64()) {
            ("max_megabytes", Some(size)) => rotate.set("bytes", json!(format!("{size}MiB"))),
            ("max_backups", Some(keep)) => rotate.set("keep", json!(keep)),
            _ => backends.remark(format!("{of}: `rotation.{key}` has no equal here")),
        }
    }
    ours.set("rotate", rotate);
    if let Some(format) = section.get("format").and_then(Value::as_str)
        && format != "json"
    {
        backends.lost(format!(
            "{of}: `format` {format}; Tailwater writes OTLP JSON"
        ));
    }
    leftovers(of, section, &["path", "rotation", "format"], backends);
    ours
}

fn retry(of: &str, section: &Value, backend: &mut Yaml, backends: &mut Yaml) {
    let mut ours = Yaml::map();
    for (key, value) in entries(section.get("retry_on_failure")) {
        match (key, value) {
            ("multiplier" | "randomization_factor", _) => ours.set(key, value.clone()),
            ("initial_interval" | "max_interval" | "max_elapsed_time", _) => {
                ours.set(key, duration::carried(value));
            }
            ("enabled", Value::Bool(true)) => {}
            ("enabled", _) => backends.changed(format!(
                "{of}: `retry_on_failure.enabled`: what a backend can't take is always offered again, see `retry.max_elapsed_time`"
            )),
            _ => backends.remark(format!("{of}: `retry_on_failure.{key}` has no equal here")),
        }
    }
    if at(section, &["retry_on_failure", "max_elapsed_time"]).is_none()
        && at(section, &["retry_on_failure"]).is_some()
    {
        backends.remark(format!(
            "{of}: the Collector gives up after 5m; here nothing is given up unless `retry.max_elapsed_time` says so"
        ));
    }
    backend.set("retry", ours);
}
