//! Tailwater's configuration: defaults, but for what the comparison itself sets.

use std::path::Path;

use serde_json::{Value, json};
use tests::process::Tailwater;

use super::{Job, Running, Work};
use crate::steps::{CONDITIONS, STATEMENTS};

/// The name of the one backend.
const BACKEND: &str = "sink";

pub fn start(job: &Job, folder: &Path) -> Running {
    let command = match job.work {
        Work::Ingest => "ingest",
        Work::Sample => "sample",
        Work::Redact | Work::Transform | Work::Filter => "enrich",
        Work::Export => "export",
        Work::Everything => "run",
    };
    let mut tailwater = Tailwater::new(folder, command, "tailwater", &config(job, folder));
    tailwater.start_and_wait();
    Running::Tailwater(Box::new(tailwater))
}

pub fn group(job: &Job) -> String {
    let stage = match job.work {
        Work::Redact | Work::Transform | Work::Filter => "enrich".to_owned(),
        Work::Export => format!("export-{BACKEND}"),
        _ => "sampler".to_owned(),
    };
    job.topics().group(&stage)
}

/// The folder of the embedded bus.
pub fn data(folder: &Path) -> std::path::PathBuf {
    folder.join("data")
}

fn config(job: &Job, folder: &Path) -> Value {
    let mut bus = match job.work {
        Work::Everything => json!({"embedded": {"dir": data(folder)}}),
        _ => json!({"kafka": {
            "brokers": [job.brokers],
            "replication_factor": 1,
            "properties": {"compression.type": job.codec},
        }}),
    };
    bus["topics"] = json!({"prefix": job.prefix, "partitions": job.partitions});
    let mut config = json!({
        "bus": bus,
        "sampler": {
            "decision_wait": format!("{}s", job.decision_wait_s),
            "decision_cache_ttl": format!("{}s", (job.decision_wait_s * 2).max(600)),
            "memory_limit": job.record_cache,
            "workers": job.workers,
            "delivery": job.delivery,
            "policies": job.policies,
        },
        "enrich": enrich(job.work),
    });
    if job.work.gives_otlp() {
        config["export"] = json!({"backends": [{
            "name": BACKEND,
            "otlp_grpc": {"endpoint": job.sink, "compression": job.otlp_compression},
        }]});
    }
    for (section, value) in job.ingest.as_object().into_iter().flatten() {
        config[section] = value.clone();
    }
    config
}

fn enrich(work: Work) -> Value {
    match work {
        Work::Transform => json!({"steps": [{"transform": {"trace_statements": STATEMENTS}}]}),
        Work::Filter => json!({"steps": [{"filter": {"trace_conditions": CONDITIONS}}]}),
        _ => json!({"redact": {
            "delete": [super::policies::DELETE],
            "hash": {"keys": [super::policies::HASH], "key": super::policies::HASH_KEY},
            "mask": super::policies::MASKS
                .iter()
                .map(|(name, pattern)| json!({"name": name, "pattern": pattern, "with": "****"}))
                .collect::<Vec<_>>(),
        }}),
    }
}
