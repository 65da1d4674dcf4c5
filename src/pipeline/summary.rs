//! What runs, in a few lines for people: on standard error at the start, and from `tailwater check`.

use std::fmt;
use std::net::SocketAddr;

use bus::DEFAULT_CLASS;
use runtime::Admin;
use runtime::config::ByteSize;
use serde_json::Value;

use crate::config::{Config, RawConfig};
use crate::stage::Stage;

/// Lines with a title each.
pub struct Summary {
    title: String,
    lines: Vec<(&'static str, String)>,
}

impl Summary {
    /// Of a configuration alone, nothing running yet.
    pub fn of(config: &Config, stages: &[Stage]) -> Self {
        let raw = &config.raw;
        let mut summary = Self {
            title: format!("tailwater {}", env!("CARGO_PKG_VERSION")),
            lines: vec![("bus", bus(raw))],
        };
        for stage in config.active(stages) {
            let line = match stage {
                Stage::Ingest => otlp(&raw.ingest.grpc.listen, &raw.ingest.http.listen),
                Stage::Sampler => sampler(raw, &config.sampler),
                Stage::Enrich => enrich(raw),
                Stage::Export => export(&config.export),
                Stage::Watch => watched(&config.k8s),
            };
            summary.lines.push((stage.name(), line));
        }
        summary.with_admin(Admin {
            health: config.admin.health,
            metrics: config.admin.metrics,
            pages: config.admin.listen,
        })
    }

    /// With the addresses that were bound.
    pub fn with_admin(mut self, admin: Admin) -> Self {
        let url = |address: Option<SocketAddr>, path: &str| {
            address.map(|address| format!("http://{address}/{path}"))
        };
        let urls = [
            url(admin.health, "readyz"),
            url(admin.metrics, "metrics"),
            url(admin.pages, "why/TRACE_ID"),
        ];
        let line = match urls.iter().flatten().count() {
            0 => "off".to_owned(),
            _ => urls.into_iter().flatten().collect::<Vec<_>>().join(" · "),
        };
        self.set("admin", line);
        self
    }

    pub fn with_instance(mut self, instance: &str) -> Self {
        self.title.push_str(&format!(" · instance {instance}"));
        self
    }

    pub fn listening(&mut self, grpc: SocketAddr, http: SocketAddr) {
        self.set(Stage::Ingest.name(), otlp(&grpc, &http));
    }

    /// On standard error: lines for people, or events when that is for machines.
    pub fn print(&self) {
        if !runtime::logging::is_json() {
            errln!("{self}");
            return;
        }
        tracing::info!("{}", self.title);
        for (part, line) in &self.lines {
            tracing::info!(part, "{line}");
        }
    }

    fn set(&mut self, title: &'static str, line: String) {
        match self.lines.iter_mut().find(|(has, _)| *has == title) {
            Some((_, has)) => *has = line,
            None => self.lines.push((title, line)),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.title)?;
        for (title, line) in &self.lines {
            write!(f, "\n  {title:<8} {line}")?;
        }
        Ok(())
    }
}

fn bus(raw: &RawConfig) -> String {
    let class = match (&raw.bus.topics.class, raw.bus.topics.classes.is_empty()) {
        (Some(class), _) => format!(", retention class {class}"),
        (None, false) => format!(", retention class {DEFAULT_CLASS}"),
        (None, true) => String::new(),
    };
    let partitions = format!("{} partitions{class}", raw.bus.topics.partitions);
    if let Some(kafka) = &raw.bus.kafka {
        let brokers = kafka.brokers.join(", ");
        return format!("kafka at {brokers}, {partitions}");
    }
    let embedded = raw.bus.embedded.clone().unwrap_or_default();
    let (age, bytes) = (embedded.retention.age, embedded.retention.bytes);
    let dir = embedded.dir.display();
    format!("embedded log in {dir}, {partitions}, keeps {age} or {bytes} of a topic")
}

fn otlp(grpc: &impl fmt::Display, http: &impl fmt::Display) -> String {
    format!("OTLP/gRPC on {grpc} · OTLP/HTTP on {http}")
}

fn sampler(raw: &RawConfig, config: &sampler::Config) -> String {
    // By way of JSON, so that this knows nothing of the kinds of policies.
    let policies = serde_json::to_value(&raw.sampler.policies).unwrap_or_default();
    let text = |policy: &Value, key: &str| policy[key].as_str().unwrap_or("?").to_owned();
    let names: Vec<_> = (policies.as_array().into_iter().flatten())
        .map(|policy| format!("{} ({})", text(policy, "name"), text(policy, "type")))
        .collect();
    let wait = raw.sampler.decision_wait;
    format!(
        "{}; a trace is decided {wait} after its first span{}",
        names.join(", "),
        promoted(raw, config)
    )
}

/// Which attributes of entry spans get onto all spans, and what that takes.
fn promoted(raw: &RawConfig, config: &sampler::Config) -> String {
    let keys = &raw.sampler.promote;
    if keys.is_empty() {
        return String::new();
    }
    let of_a_trace = config.options.promote.trace_bytes_max();
    let of_all = config.memory_limit_bytes / sampler::promote::MEMORY_PARTS;
    format!(
        "; promotes {}: at most {of_a_trace} bytes a trace, {} in all",
        keys.join(", "),
        ByteSize(of_all as u64)
    )
}

fn enrich(raw: &RawConfig) -> String {
    let redact = serde_json::to_value(&raw.enrich).unwrap_or_default()["redact"].take();
    let count = |rules: &Value| rules.as_array().map_or(0, Vec::len);
    let rules = [
        ("deletes", count(&redact["delete"])),
        ("hashes", count(&redact["hash"]["keys"])),
        ("masks", count(&redact["mask"])),
    ];
    let active: Vec<_> = (rules.iter())
        .filter(|(_, count)| *count > 0)
        .map(|(verb, count)| {
            format!(
                "{verb} by {count} rule{}",
                if *count == 1 { "" } else { "s" }
            )
        })
        .collect();
    match active.is_empty() {
        true => "redacts nothing".to_owned(),
        false => active.join(", "),
    }
}

fn watched(config: &watch::Config) -> String {
    let clusters = config.clusters.iter().map(|cluster| &*cluster.name);
    let kinds = config.kinds.iter().map(|kind| kind.plural());
    format!(
        "{} of {}",
        kinds.collect::<Vec<_>>().join(", "),
        clusters.collect::<Vec<_>>().join(", ")
    )
}

fn export(config: &export::Config) -> String {
    let described = config.backends.iter().map(|backend| {
        let (name, kind) = (&backend.name, backend.kind.name());
        match &backend.target {
            Some(target) => format!("{name} ({kind} {target})"),
            None => format!("{name} ({kind})"),
        }
    });
    described.collect::<Vec<_>>().join(" · ")
}
