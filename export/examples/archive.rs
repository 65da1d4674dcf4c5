//! What it costs to make objects of a million spans, in CPU-seconds, and how large they are: without network, bus and retries.
//!
//! `cargo run --release -p tailwater-export --example archive -- [parquet|otlp_proto|otlp_json] [zstd|gzip|none] [millions] [KEY=VALUE of the section…]`
//!
//! The spans are those of `tailwater load`; an object is made of 64 MiB of them.

use std::time::Instant;

use anyhow::Context;
use export::backends::kind::Opening;
use export::records::batch::Batch;
use export::records::entry::Entry;
use load::{Mix, Traffic};
use runtime::config::Problems;
use schemas::Signal;
use serde_json::json;

const OBJECT_BYTES: usize = 64 << 20;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |index: usize, default: &str| {
        let given = arguments.get(index).cloned();
        given.unwrap_or_else(|| default.to_owned())
    };
    let (format, compression) = (argument(0, "parquet"), argument(1, "zstd"));
    let millions = argument(2, "1").parse::<f64>()?;
    let mut section =
        json!({"url": "file:///nowhere", "format": format, "compression": compression});
    for pair in arguments.iter().skip(3) {
        let (key, value) = pair.split_once('=').context("KEY=VALUE")?;
        section[key] = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
    }
    let raw: export::RawConfig = serde_json::from_value(json!({
        "backends": [{"name": "archive", "signals": ["traces"], "object_store": section}]
    }))?;
    let mut problems = Problems::new();
    let config = raw.validate("export", &mut problems);
    anyhow::ensure!(problems.is_empty(), "{problems:?}");
    // Nothing is asked of it.
    let folder = tempfile::tempdir()?;
    let bus = bus::embedded::open(folder.path(), bus::embedded::Options::default())?;
    let sources = Default::default();
    let opening = Opening {
        backend: "archive",
        group: "archive",
        bus: &bus,
        sources: &sources,
    };
    let sink = config.backends[0].kind.open(&opening)?;
    let batch = batch()?;
    let batches = (millions * 1e6 / batch.items as f64).ceil() as usize;
    let (cpu, started, mut bytes) = (cpu_seconds()?, Instant::now(), 0);
    for _ in 0..batches {
        let prepared = sink.prepare(Signal::Traces, &batch);
        bytes += prepared.map_err(anyhow::Error::msg)?.bytes();
    }
    let (took, cpu) = (started.elapsed().as_secs_f64(), cpu_seconds()? - cpu);
    let items = (batches * batch.items) as f64;
    println!(
        "{section}: {:.2} CPU-seconds per million spans, {:.0} a second; {} bytes a span of OTLP, {:.1} in the object: {:.3} of it; {} spans an object",
        cpu / items * 1e6,
        items / took,
        batch.bytes / batch.items,
        bytes as f64 / items,
        bytes as f64 / (batches * batch.bytes) as f64,
        batch.items,
    );
    Ok(())
}

fn batch() -> anyhow::Result<Batch> {
    let mut batch = Batch::default();
    let traffic = Traffic::new(Mix::default(), 1, u64::MAX, 1_700_000_000_000_000_000);
    for request in traffic {
        let offset = batch.entries.len() as u64;
        batch.push(Entry::new(bus::Fetched {
            topic: "tailwater.clean".into(),
            partition: 3,
            offset,
            timestamp_ms: 1_700_000_000_000,
            headers: vec![],
            value: request.bytes,
        }));
        if batch.bytes >= OBJECT_BYTES {
            return Ok(batch);
        }
    }
    anyhow::bail!("the traffic ended")
}

/// User and system time of this process so far. Linux only; ticks are hundredths of a second there.
fn cpu_seconds() -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit(')').next().context("no fields")?;
    let ticks = |index: usize| -> anyhow::Result<f64> {
        let field = fields.split_whitespace().nth(index);
        Ok(field.context("no field")?.parse()?)
    };
    Ok((ticks(11)? + ticks(12)?) / 100.0)
}
