//! What it costs to encode a million items for a kind of backend, in CPU-seconds: without network, bus and retries.
//!
//! `cargo run --release -p tailwater-export --example encode -- [KIND] [traces|logs] [none|gzip|zstd] [millions] [KEY=VALUE of the section…]`
//!
//! For example `opensearch traces none 2 mapping=otel`.

use std::time::Instant;

use anyhow::Context;
use bytes::Bytes;
use export::backends::kind::Opening;
use export::records::batch::Batch;
use export::records::entry::Entry;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use runtime::config::Problems;
use schemas::Signal;
use serde_json::json;

const ITEMS_A_RECORD: usize = 600;
const RECORDS_A_BATCH: usize = 8;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |index: usize, default: &str| {
        let given = arguments.get(index).cloned();
        given.unwrap_or_else(|| default.to_owned())
    };
    let (kind, signal) = (argument(0, "opensearch"), argument(1, "traces"));
    let (compression, millions) = (argument(2, "none"), argument(3, "1").parse::<f64>()?);
    // Kafka encodes when it sends; to the bus itself, sending is nothing else.
    let sends = kind == "kafka";
    let mut section = match sends {
        true => json!({"create_topics": {}}),
        false => json!({"endpoint": "http://localhost", "compression": compression}),
    };
    for pair in arguments.iter().skip(4) {
        let (key, value) = pair.split_once('=').context("KEY=VALUE")?;
        section[key] = json!(value);
    }
    let raw: export::RawConfig = serde_json::from_value(json!({
        "backends": [{"name": "encode", "signals": [signal], kind.as_str(): section}]
    }))?;
    let mut problems = Problems::new();
    let config = raw.validate("export", &mut problems);
    anyhow::ensure!(problems.is_empty(), "{problems:?}");
    let folder = tempfile::tempdir()?;
    let bus = bus::embedded::open(folder.path(), bus::embedded::Options::default())?;
    let sources = Default::default();
    let opening = Opening {
        backend: "encode",
        group: "encode",
        bus: &bus,
        sources: &sources,
    };
    let sink = config.backends[0].kind.open(&opening)?;
    let signal = match signal.as_str() {
        "traces" => Signal::Traces,
        "logs" => Signal::Logs,
        other => anyhow::bail!("no items of {other}"),
    };

    let batch = batch(signal);
    let batches = (millions * 1e6 / batch.items as f64).ceil() as usize;
    let io = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (cpu, started, mut bytes) = (cpu_seconds()?, Instant::now(), 0);
    for _ in 0..batches {
        let prepared = sink.prepare(signal, &batch).map_err(anyhow::Error::msg)?;
        if sends {
            let sent = io.block_on(prepared.send());
            sent.map_err(|failure| anyhow::anyhow!(failure.reason))?;
        }
        bytes += prepared.bytes();
    }
    let (took, cpu) = (started.elapsed().as_secs_f64(), cpu_seconds()? - cpu);
    let items = (batches * batch.items) as f64;
    println!(
        "{kind} {} {compression} {:?}: {:.2} CPU-seconds per million {}, {:.0} a second; {} bytes an item of OTLP, {:.0} as sent; \
         {ITEMS_A_RECORD} items a record, {RECORDS_A_BATCH} records a batch",
        signal.name(),
        &arguments[arguments.len().min(4)..],
        cpu / items * 1e6,
        signal.items(),
        items / took,
        batch.bytes / batch.items,
        bytes as f64 / items,
    );
    Ok(())
}

fn batch(signal: Signal) -> Batch {
    let mut random = fastrand::Rng::with_seed(1);
    let entry = |offset: usize| {
        let value = match signal {
            Signal::Logs => logs(&mut random),
            _ => spans(&mut random),
        };
        Entry::new(bus::Fetched {
            topic: "tailwater.clean".into(),
            partition: 3,
            offset: 1_000_000 + offset as u64,
            timestamp_ms: 1_700_000_000_000,
            headers: vec![],
            value: Bytes::from(value),
        })
    };
    (0..RECORDS_A_BATCH).map(entry).collect()
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.into(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

fn text(key: &str, value: impl Into<String>) -> KeyValue {
    attribute(key, Value::StringValue(value.into()))
}

fn resource() -> Option<Resource> {
    Some(Resource {
        attributes: vec![
            text("service.name", "catalogue"),
            text("service.namespace", "shop"),
            text("service.version", "1.17.3"),
            text("k8s.pod.name", "catalogue-7d8f9c6b5-x2x4z"),
            text("telemetry.sdk.language", "java"),
        ],
        ..Resource::default()
    })
}

fn scope() -> Option<InstrumentationScope> {
    Some(InstrumentationScope {
        name: "io.opentelemetry.tomcat-10.0".into(),
        version: "2.9.0-alpha".into(),
        ..InstrumentationScope::default()
    })
}

fn spans(random: &mut fastrand::Rng) -> Vec<u8> {
    let mut span = || Span {
        trace_id: random.u128(1..).to_be_bytes().to_vec(),
        span_id: random.u64(1..).to_be_bytes().to_vec(),
        parent_span_id: random.u64(1..).to_be_bytes().to_vec(),
        name: format!("GET /products/{}", random.u8(..)),
        kind: 2,
        start_time_unix_nano: 1_700_000_000_000_000_000 + random.u64(..1 << 40),
        end_time_unix_nano: 1_700_001_200_000_000_000 + random.u64(..1 << 40),
        attributes: vec![
            text("http.request.method", "GET"),
            text("url.path", format!("/products/{}", random.u32(..))),
            text("user.id", format!("user-{}", random.u64(..))),
            text("server.address", "catalogue.shop.internal"),
            text(
                "user_agent.original",
                "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101",
            ),
            attribute("http.response.status_code", Value::IntValue(200)),
        ],
        ..Span::default()
    };
    let spans = (0..ITEMS_A_RECORD).map(|_| span()).collect();
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: resource(),
            scope_spans: vec![ScopeSpans {
                scope: scope(),
                spans,
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    };
    request.encode_to_vec()
}

fn logs(random: &mut fastrand::Rng) -> Vec<u8> {
    let mut record = || LogRecord {
        time_unix_nano: 1_700_000_000_000_000_000 + random.u64(..1 << 40),
        observed_time_unix_nano: 1_700_000_000_000_000_000 + random.u64(..1 << 40),
        severity_number: 9,
        severity_text: "INFO".into(),
        body: Some(AnyValue {
            value: Some(Value::StringValue(format!(
                "GET /products/{} answered in {} ms for user-{}",
                random.u32(..),
                random.u8(..),
                random.u64(..)
            ))),
        }),
        trace_id: random.u128(1..).to_be_bytes().to_vec(),
        span_id: random.u64(1..).to_be_bytes().to_vec(),
        attributes: vec![
            text("log.iostream", "stdout"),
            text(
                "thread.name",
                format!("http-nio-8080-exec-{}", random.u8(..)),
            ),
            attribute("http.response.status_code", Value::IntValue(200)),
        ],
        ..LogRecord::default()
    };
    let log_records = (0..ITEMS_A_RECORD).map(|_| record()).collect();
    let request = ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: resource(),
            scope_logs: vec![ScopeLogs {
                scope: scope(),
                log_records,
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        }],
    };
    request.encode_to_vec()
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
