//! What a secured edge costs ingest: TLS, keys and tenants, each beside the same without it, on the way from OTLP/gRPC to Kafka.

use std::path::Path;

use anyhow::{Result, ensure};
use load::{Access, Protocol};
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use schemas::Signal;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::execute::{self, Sender};
use crate::kafka;
use crate::measure::Bench;
use crate::peers::{Peer, Running, Work};
use crate::table::{Report, Table};

/// What ingest asks of who sends. Every second one is measured beside the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edge {
    Open,
    Tls,
    Key,
    /// As many senders as there are tenants below, one connection each, of nobody.
    Many,
    /// A tenant for each connection, with a key and a rate.
    Tenants,
}

const ALL: [Edge; 5] = [Edge::Open, Edge::Tls, Edge::Key, Edge::Many, Edge::Tenants];
const TENANTS: usize = 1000;

impl Edge {
    fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Tls => "TLS",
            Self::Key => "a key",
            Self::Many => "open, 1,000 senders",
            Self::Tenants => "1,000 senders, each a tenant with a key and a rate",
        }
    }

    /// What it is compared with.
    fn beside(self) -> Option<Self> {
        match self {
            Self::Open | Self::Many => None,
            Self::Tls | Self::Key => Some(Self::Open),
            Self::Tenants => Some(Self::Many),
        }
    }
}

/// What one run came to.
struct Run {
    edge: Edge,
    cpu_seconds_per_million: f64,
    resident_peak_bytes: u64,
}

pub fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    let mut runs = Vec::new();
    for turn in 0..bench.options.runs {
        let mut edges = ALL.to_vec();
        if turn % 2 == 1 {
            edges.reverse();
        }
        for edge in edges {
            eprintln!("edges: {} …", edge.name());
            runs.push(once(bench, edge)?);
        }
    }
    let mut table = Table::new(
        "Secured edges",
        "OTLP/gRPC → Kafka by trace, ingest alone. Runs alternate; the mean of each.",
        &["edge", "CPU-s/M spans", "more than without", "peak MB"],
    );
    for edge in ALL {
        let cpu = mean(&runs, edge, |run| run.cpu_seconds_per_million);
        let more = edge.beside().map(|beside| {
            let without = mean(&runs, beside, |run| run.cpu_seconds_per_million);
            format!("{:+.1} %", (cpu / without - 1.0) * 100.0)
        });
        let peak = mean(&runs, edge, |run| run.resident_peak_bytes as f64);
        table.row(vec![
            json!(edge.name()),
            json!((cpu * 100.0).round() / 100.0),
            json!(more),
            json!((peak / 1e5).round() / 10.0),
        ]);
    }
    report.add_table(table);
    Ok(())
}

fn mean(runs: &[Run], edge: Edge, of: impl Fn(&Run) -> f64) -> f64 {
    let runs: Vec<f64> = (runs.iter().filter(|run| run.edge == edge))
        .map(of)
        .collect();
    runs.iter().sum::<f64>() / runs.len() as f64
}

fn once(bench: &Bench, edge: Edge) -> Result<Run> {
    let folder = execute::folder()?;
    let mut job = bench.job(
        Work::Ingest,
        json!([{"name": "all", "type": "always_sample"}]),
    );
    let (settings, accesses) = secure(folder.path(), edge)?;
    job.ingest = settings;
    let sender = Sender {
        protocol: Protocol::Grpc,
        connections: bench.options.connections,
        accesses,
    };
    execute::create_topics(&job)?;
    let running = Running::start(Peer::Tailwater, &job, folder.path());
    let topic = job.topics().raw(Signal::Traces).to_string();
    let endpoint = match edge {
        Edge::Tls => running.grpc().replace("http://", "https://"),
        _ => running.grpc(),
    };
    // All is on the bus when the last request was answered, so the account ends there.
    execute::send(&bench.corpus.requests, &endpoint, &sender)?;
    let usage = running.usage()?;
    drop(running);
    let (spans, _) = kafka::read(&bench.broker, &topic)?;
    let sent = bench.corpus.spans.len();
    // A request that was sent again is there twice.
    ensure!(spans.len() >= sent, "{} of {sent} spans came", spans.len());
    kafka::remove(bench.broker.brokers(), &job.prefix)?;
    Ok(Run {
        edge,
        cpu_seconds_per_million: usage.cpu_seconds * 1e6 / sent as f64,
        resident_peak_bytes: usage.resident_peak_bytes,
    })
}

/// The sections of the configuration that make the edge so, and what a sender has to bring: one for each connection in turn.
fn secure(folder: &Path, edge: Edge) -> Result<(Value, Vec<Access>)> {
    Ok(match edge {
        Edge::Open => (json!({}), vec![Access::default()]),
        Edge::Many => (json!({}), vec![Access::default(); TENANTS]),
        Edge::Tls => {
            let issuer = CertifiedIssuer::self_signed(authority(), KeyPair::generate()?)?;
            let key = KeyPair::generate()?;
            let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
            let certificate = CertificateParams::new(names)?.signed_by(&key, &issuer)?;
            let (cert_file, key_file) = (folder.join("tls.crt"), folder.join("tls.key"));
            std::fs::write(&cert_file, certificate.pem())?;
            std::fs::write(&key_file, key.serialize_pem())?;
            (
                json!({"ingest": {"tls": {"cert_file": cert_file, "key_file": key_file}}}),
                vec![Access::default().with_ca(issuer.pem().into_bytes())],
            )
        }
        Edge::Key => {
            let (keys_file, accesses) = keys(folder, 1)?;
            (
                json!({"ingest": {"auth": {"required": true, "keys_file": keys_file}}}),
                accesses,
            )
        }
        Edge::Tenants => {
            let (keys_file, accesses) = keys(folder, TENANTS)?;
            let tenant = |at| (format!("tenant-{at}"), json!({"rate": "1GiB/s"}));
            let tenants: serde_json::Map<_, _> = (0..TENANTS).map(tenant).collect();
            let ingest = json!({
                "auth": {"required": true, "keys_file": keys_file},
            });
            (json!({"ingest": ingest, "tenants": tenants}), accesses)
        }
    })
}

fn authority() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params
}

/// A file with a key for each of so many tenants, and who has them.
fn keys(folder: &Path, tenants: usize) -> Result<(std::path::PathBuf, Vec<Access>)> {
    let path = folder.join("keys.yaml");
    let key = |at: usize| format!("key of tenant {at}");
    let entry = |at| {
        let sha256: String = (Sha256::digest(key(at))
            .iter()
            .map(|byte| format!("{byte:02x}")))
        .collect();
        json!({"sha256": sha256, "tenant": format!("tenant-{at}")})
    };
    let entries: Vec<Value> = (0..tenants).map(entry).collect();
    std::fs::write(&path, serde_json::to_vec(&entries)?)?;
    let access = |at| Access::default().with_header(&format!("x-api-key: {}", key(at)));
    Ok((path, (0..tenants).map(access).collect::<Result<_>>()?))
}
