//! The Collector's configuration, tuned for throughput as its documentation says.
//!
//! - Exporters block when their queue is full (`block_on_overflow`), so that nothing is dropped; they batch in the queue, as is
//!   recommended today in place of the batch processor. Senders are answered before the broker has acknowledged: waiting for it
//!   (`wait_for_result`) would cost throughput.
//! - `acks=all`, fetches of 16 MiB, records of up to 16 MiB, which the topics take; no telemetry of its own, no memory limiter.
//! - Tail sampling with room for all traces and caches of decisions for late spans, as Tailwater has.
//! - Deletion and hashing by the attributes processor, which is cheaper than the redaction processor and does less (attributes of spans
//!   alone, an unkeyed hash); masking by the redaction processor, which can't do either beside it.

use std::path::Path;
use std::sync::OnceLock;

use serde_json::{Map, Value, json};
use tests::collector::{Collector, binary};
use tests::free_port;

use super::policies::{DELETE, HASH, MASKS};
use super::{Job, Running, Work};
use crate::steps::{CONDITIONS, STATEMENTS};

#[derive(Clone, Copy, Debug)]
pub struct Ports {
    pub grpc: u16,
    pub http: u16,
}

/// Whether it is there, or could be built.
pub fn is_there() -> bool {
    path().is_some()
}

fn path() -> Option<&'static Path> {
    static PATH: OnceLock<Option<std::path::PathBuf>> = OnceLock::new();
    PATH.get_or_init(|| binary().ok()).as_deref()
}

pub fn start(job: &Job, folder: &Path) -> Running {
    let ports = Ports {
        grpc: free_port().unwrap(),
        http: free_port().unwrap(),
    };
    let binary = path().expect("the Collector was built");
    let mut collector = Collector::start(binary, folder, &config(job, ports));
    collector.wait_ready();
    Running::Collector(Box::new(collector), ports)
}

pub fn group(job: &Job) -> String {
    format!("{}-collector", job.prefix)
}

fn config(job: &Job, ports: Ports) -> Value {
    let mut receivers = Map::new();
    if job.work.takes_otlp() {
        let receiver = json!({"protocols": {
            "grpc": {"endpoint": format!("127.0.0.1:{}", ports.grpc), "max_recv_msg_size_mib": 64},
            "http": {"endpoint": format!("127.0.0.1:{}", ports.http)},
        }});
        receivers.insert("otlp".into(), receiver);
    } else {
        receivers.insert("kafka".into(), kafka_receiver(job));
    }
    let mut exporters = Map::new();
    if job.work.gives_otlp() {
        exporters.insert("otlp".into(), otlp_exporter(job));
    } else {
        exporters.insert("kafka".into(), kafka_exporter(job));
    }
    let processors = processors(job);
    let names = |section: &Map<String, Value>| section.keys().cloned().collect::<Vec<_>>();
    json!({
        "receivers": receivers,
        "processors": processors,
        "exporters": exporters,
        "service": {
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": {"traces": {
                "receivers": names(&receivers),
                "processors": names(&processors),
                "exporters": names(&exporters),
            }},
        },
    })
}

fn kafka_receiver(job: &Job) -> Value {
    json!({
        "brokers": [job.brokers],
        "group_id": group(job),
        "initial_offset": "earliest",
        "max_fetch_size": 16 << 20,
        "max_partition_fetch_size": 4 << 20,
        "traces": {"topics": [job.work.input(&job.topics())], "encoding": "otlp_proto"},
    })
}

fn kafka_exporter(job: &Job) -> Value {
    json!({
        "brokers": [job.brokers],
        // Only what the next reader needs whole has to be split by trace.
        "partition_traces_by_id": job.work == Work::Ingest,
        "producer": {
            "required_acks": -1,
            "compression": job.codec,
            "max_message_bytes": 16 << 20,
        },
        "timeout": "30s",
        "sending_queue": queue(),
        "traces": {"topic": job.work.output(&job.topics()), "encoding": "otlp_proto"},
    })
}

fn otlp_exporter(job: &Job) -> Value {
    json!({
        "endpoint": job.sink,
        "tls": {"insecure": true},
        "compression": job.otlp_compression,
        "timeout": "30s",
        "sending_queue": queue(),
    })
}

fn queue() -> Value {
    json!({
        "sizer": "items",
        "queue_size": 200_000,
        "block_on_overflow": true,
        "batch": {"min_size": 8192, "max_size": 16_384, "flush_timeout": "200ms"},
    })
}

fn processors(job: &Job) -> Map<String, Value> {
    let mut processors = Map::new();
    if job.work.samples() {
        let sampling = json!({
            "decision_wait": format!("{}s", job.decision_wait_s),
            "num_traces": job.traces_max,
            "block_on_overflow": true,
            "expected_new_traces_per_sec": 5000,
            "decision_cache": {
                "sampled_cache_size": job.traces_max,
                "non_sampled_cache_size": job.traces_max,
            },
            "policies": job.policies,
        });
        processors.insert("tail_sampling".into(), sampling);
    }
    if matches!(job.work, Work::Redact | Work::Everything) {
        let attributes = json!({"actions": [
            {"key": DELETE, "action": "delete"},
            {"key": HASH, "action": "hash"},
        ]});
        let redaction = json!({
            "allow_all_keys": true,
            "blocked_values": MASKS.iter().map(|(_, pattern)| pattern).collect::<Vec<_>>(),
            "summary": "silent",
        });
        processors.insert("attributes".into(), attributes);
        processors.insert("redaction".into(), redaction);
    }
    match job.work {
        Work::Transform => {
            let statements = json!({"error_mode": "ignore", "trace_statements": STATEMENTS});
            processors.insert("transform".into(), statements);
        }
        Work::Filter => {
            let conditions = json!({"error_mode": "ignore", "trace_conditions": CONDITIONS});
            processors.insert("filter".into(), conditions);
        }
        _ => {}
    }
    processors
}
