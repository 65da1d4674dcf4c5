//! What it costs to export a million spans, in CPU-seconds of the exporting process.
//!
//! `cargo run --release -p tailwater-export --example throughput -- [otlp_grpc|otlp_http|clickhouse] [none|gzip|zstd|lz4] [millions] [embedded|kafka] [plain|skip|match|transform|sample|quota]`
//!
//! The last word is what export does with the spans before: nothing; leaves them to another tenant's route; asks one condition of each
//! (a route with `split_traces`); removes one attribute of each; takes half of the traces; counts them for a quota. The backend is a process of its own, which reads requests and accepts them; ClickHouse is its own engine. Records wait on an embedded bus, or on a
//! Kafka that is started for it.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use bus::{
    Bus, BusConfig, BusKind, RawEmbedded, RawKafka, Record, Timestamps, TopicPartition, TopicSpec,
};
use http_body_util::BodyExt;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use runtime::config::Problems;
use runtime::{Drain, Health};
use schemas::{Signal, Topics};
use tests::clickhouse::Clickhouse;

const PARTITIONS: u32 = 4;
const SPANS_A_RECORD: usize = 600;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |index: usize, default: &str| {
        arguments
            .get(index)
            .map_or(default.to_owned(), Clone::clone)
    };
    match argument(0, "otlp_grpc").as_str() {
        "serve" => serve(),
        kind => measure(
            kind,
            &argument(1, "none"),
            argument(2, "1").parse()?,
            argument(3, "embedded") == "kafka",
            &argument(4, "plain"),
        ),
    }
}

fn measure(
    kind: &str,
    compression: &str,
    millions: f64,
    kafka: bool,
    work: &str,
) -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let backend = Backend::start(kind, &dir.path().join("backend"))?;
    let broker = match kafka {
        true => {
            Some(tests::kafka::Broker::start().map_err(|skipped| anyhow::anyhow!("{skipped}"))?)
        }
        false => None,
    };
    let (bus_name, bus) = match &broker {
        Some(broker) => (
            "Kafka",
            BusKind::Kafka(RawKafka {
                brokers: vec![broker.brokers().to_owned()],
                replication_factor: Some(1),
                ..RawKafka::default()
            }),
        ),
        None => (
            "embedded bus",
            BusKind::Embedded(RawEmbedded {
                dir: dir.path().to_owned(),
                ..RawEmbedded::default()
            }),
        ),
    };
    let prefix = format!("throughput-{}", std::process::id());
    let topics = Topics::new(&prefix);
    let bus = BusConfig {
        kind: bus,
        prefix,
        partitions: PARTITIONS,
        classes: bus::Classes::new(),
    };
    let bus = bus.open()?;
    let (spans, bytes) = fill(&*bus, &topics, (millions * 1e6) as usize)?;

    let section = serde_json::json!({"endpoint": backend.endpoint(), "compression": compression});
    let mut raw = configuration(kind, section, work)?;
    for backend in &mut raw.backends {
        backend.signals = Some(vec![export::RawSignal::Traces]);
    }
    let mut problems = Problems::new();
    let config = raw.validate("export", &mut problems);
    anyhow::ensure!(problems.is_empty(), "{problems:?}");

    let (drain, health) = (Drain::new(), Health::new());
    let (cpu, started) = (cpu_seconds()?, Instant::now());
    let running = {
        let (bus, topics, drain) = (bus.clone(), topics.clone(), drain.clone());
        std::thread::spawn(move || {
            export::run(
                config,
                bus,
                &topics,
                "bench",
                &export::Reload::default(),
                &health,
                &drain,
            )
        })
    };
    // A group that is being made has no coordinator for a moment.
    let lag = || bus.lag(&topics.group("export-sink"), &topics.clean(Signal::Traces));
    while !lag().is_ok_and(|lag| lag == 0) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let (took, cpu) = (started.elapsed().as_secs_f64(), cpu_seconds()? - cpu);
    drain.request();
    running.join().map_err(|_| anyhow::anyhow!("panicked"))??;
    backend.stop(spans)?;
    println!(
        "{kind} {compression} {work}: {spans} spans of {} bytes, {SPANS_A_RECORD} a record, {PARTITIONS} partitions, {bus_name}: \
         {:.2} CPU-seconds per million spans, {:.0} spans/s",
        bytes / spans,
        cpu / spans as f64 * 1e6,
        spans as f64 / took
    );
    Ok(())
}

/// One backend, with this to do.
fn configuration(
    kind: &str,
    section: serde_json::Value,
    work: &str,
) -> anyhow::Result<export::RawConfig> {
    let (routes, more) = match work {
        "plain" => ("[]", "{}"),
        "skip" => (
            r#"[{"name": "r", "tenant": ["another"], "to": ["sink"]}]"#,
            "{}",
        ),
        "match" => (
            r#"[{"name": "r", "split_traces": true, "match": ["span.attributes[\"http.request.method\"] == \"GET\""], "to": ["sink"]}]"#,
            "{}",
        ),
        "transform" => (
            "[]",
            r#"{"transform": ["delete_key(span.attributes, \"user.id\")"]}"#,
        ),
        "sample" => ("[]", r#"{"sample": {"traces": 50}}"#),
        "quota" => ("[]", r#"{"quota": {"bytes": "1TiB"}}"#),
        other => anyhow::bail!("{other} is not plain, skip, match, transform, sample or quota"),
    };
    let mut backend: serde_json::Value = serde_json::from_str(more)?;
    backend["name"] = "sink".into();
    backend[kind] = section;
    let routes: serde_json::Value = serde_json::from_str(routes)?;
    let whole = serde_json::json!({"routes": routes, "backends": [backend]});
    Ok(serde_json::from_value(whole)?)
}

/// What the spans are sent to.
enum Backend {
    Accepting { process: Child, endpoint: String },
    Clickhouse(Clickhouse),
}

impl Backend {
    fn start(kind: &str, dir: &Path) -> anyhow::Result<Self> {
        if kind == "clickhouse" {
            let server = Clickhouse::start(dir, None);
            return Ok(Self::Clickhouse(
                server.map_err(|missing| anyhow::anyhow!("{missing:?}"))?,
            ));
        }
        let mut process = Command::new(std::env::current_exe()?)
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut address = String::new();
        BufReader::new(process.stdout.take().context("no output")?).read_line(&mut address)?;
        let endpoint = format!("http://{}", address.trim());
        Ok(Self::Accepting { process, endpoint })
    }

    fn endpoint(&self) -> String {
        match self {
            Self::Accepting { endpoint, .. } => endpoint.clone(),
            Self::Clickhouse(server) => server.endpoint(),
        }
    }

    fn stop(self, spans: usize) -> anyhow::Result<()> {
        match self {
            Self::Accepting { mut process, .. } => {
                drop(process.stdin.take());
                process.wait()?;
            }
            Self::Clickhouse(server) => {
                let rows = server.number("SELECT count() FROM otel_traces");
                anyhow::ensure!(rows as usize == spans, "{rows} of {spans} spans are there");
            }
        }
        Ok(())
    }
}

fn fill(bus: &dyn Bus, topics: &Topics, spans: usize) -> anyhow::Result<(usize, usize)> {
    let spec = |name| TopicSpec {
        name,
        partitions: PARTITIONS,
        timestamps: Timestamps::LogAppend,
        compacted: false,
        retention: None,
    };
    bus.ensure_topics(&[
        spec(topics.clean(Signal::Traces)),
        spec(topics.dead_letters()),
        TopicSpec {
            partitions: 1,
            compacted: true,
            ..spec(topics.export_state())
        },
    ])?;
    let publisher = bus.publisher()?;
    let (mut written, mut bytes) = (0, 0);
    let mut random = fastrand::Rng::with_seed(1);
    for record in 0u32.. {
        if written >= spans {
            break;
        }
        let value = request(&mut random).encode_to_vec();
        written += SPANS_A_RECORD;
        bytes += value.len();
        let at = TopicPartition::new(topics.clean(Signal::Traces), record % PARTITIONS);
        let record = Record {
            headers: vec![],
            value: value.into(),
        };
        while let Err(bus::Error::QueueFull) =
            publisher.publish(at.clone(), record.clone(), Box::new(drop))
        {
            publisher.flush(Duration::from_secs(60))?;
        }
    }
    publisher.flush(Duration::from_secs(60))?;
    Ok((written, bytes))
}

fn request(random: &mut fastrand::Rng) -> ExportTraceServiceRequest {
    let attribute = |key: &str, value: String| KeyValue {
        key: key.into(),
        value: Some(AnyValue {
            value: Some(Value::StringValue(value)),
        }),
        ..KeyValue::default()
    };
    let mut span = || Span {
        trace_id: random.u128(1..).to_be_bytes().to_vec(),
        span_id: random.u64(1..).to_be_bytes().to_vec(),
        parent_span_id: random.u64(1..).to_be_bytes().to_vec(),
        name: format!("GET /products/{}", random.u8(..)),
        kind: 2,
        start_time_unix_nano: 1_700_000_000_000_000_000 + random.u64(..1 << 40),
        end_time_unix_nano: 1_700_000_001_000_000_000 + random.u64(..1 << 40),
        attributes: vec![
            attribute("http.request.method", "GET".into()),
            attribute("url.path", format!("/products/{}", random.u32(..))),
            attribute("user.id", format!("user-{}", random.u64(..))),
            attribute("server.address", "catalogue.shop.internal".into()),
            attribute(
                "user_agent.original",
                "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101".into(),
            ),
            attribute("http.response.status_code", "200".into()),
        ],
        ..Span::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            scope_spans: vec![ScopeSpans {
                spans: (0..SPANS_A_RECORD).map(|_| span()).collect(),
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }
}

/// Accepts everything until standard input ends.
fn serve() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))?;
    println!("{}", listener.local_addr()?);
    std::io::stdout().flush()?;
    runtime.spawn(async move {
        let accept = async |request: axum::extract::Request| {
            let mut body = request.into_body();
            while let Some(Ok(_)) = body.frame().await {}
            [("content-type", "application/grpc"), ("grpc-status", "0")]
        };
        axum::serve(listener, axum::Router::new().fallback(accept)).await
    });
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(())
}

/// User and system time of this process so far. Linux only; ticks are hundredths of a second there.
fn cpu_seconds() -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit(')').next().context("no fields")?;
    let ticks = |index: usize| -> anyhow::Result<f64> {
        Ok(fields
            .split_whitespace()
            .nth(index)
            .context("no field")?
            .parse()?)
    };
    Ok((ticks(11)? + ticks(12)?) / 100.0)
}
