//! What it costs to write a million samples by remote write, in CPU-seconds of the exporting process, and how many bytes a sample takes.
//!
//! `cargo run --release -p tailwater-export --example remote_write -- [2|1] [mixed|gauges] [millions]`
//!
//! The receiver is a process of its own, which reads requests and says that everything was written. Records wait on an embedded bus.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use bus::{Bus, BusConfig, BusKind, RawEmbedded, Record, Timestamps, TopicPartition, TopicSpec};
use http_body_util::BodyExt;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics,
    Sum, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;
use runtime::config::Problems;
use runtime::{Drain, Health};
use schemas::{Signal, Topics};

const PARTITIONS: u32 = 4;
/// Series of each metric of a resource.
const POINTS: u64 = 5;
const METRICS: u64 = 20;
const BOUNDS: [f64; 12] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 7.5, 10.0,
];

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |index: usize, default: &str| {
        arguments
            .get(index)
            .map_or(default.to_owned(), Clone::clone)
    };
    match argument(0, "2").as_str() {
        "serve" => serve(),
        version => measure(
            version.parse()?,
            argument(1, "mixed") == "mixed",
            argument(2, "2").parse()?,
        ),
    }
}

fn measure(version: u32, mixed: bool, millions: f64) -> anyhow::Result<()> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg("serve")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut output = BufReader::new(child.stdout.take().context("no output")?);
    let mut address = String::new();
    output.read_line(&mut address)?;

    let dir = tempfile::tempdir()?;
    let prefix = format!("remote-write-{}", std::process::id());
    let topics = Topics::new(&prefix);
    let config = BusConfig {
        kind: BusKind::Embedded(RawEmbedded {
            dir: dir.path().to_owned(),
            ..RawEmbedded::default()
        }),
        prefix,
        partitions: PARTITIONS,
        classes: bus::Classes::new(),
    };
    let bus = config.open()?;
    let (samples, bytes) = fill(&*bus, &topics, mixed, (millions * 1e6) as u64)?;

    let raw: export::RawConfig = serde_json::from_value(serde_json::json!({
        "backends": [{
            "name": "sink",
            "prometheus_remote_write": {"endpoint": format!("http://{}/api/v1/write", address.trim()), "version": version},
        }]
    }))?;
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
    let lag = || bus.lag(&topics.group("export-sink"), &topics.clean(Signal::Metrics));
    while !lag().is_ok_and(|lag| lag == 0) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let (took, cpu) = (started.elapsed().as_secs_f64(), cpu_seconds()? - cpu);
    drain.request();
    running.join().map_err(|_| anyhow::anyhow!("panicked"))??;
    drop(child.stdin.take());
    let mut received = String::new();
    output.read_to_string(&mut received)?;
    child.wait()?;
    let received: f64 = received.trim().parse()?;
    println!(
        "version {version}, {}: {samples} samples, {:.0} bytes of OTLP a sample, {PARTITIONS} partitions, embedded bus: {:.2} CPU-seconds per \
         million samples, {:.1} bytes a sample as sent, {:.0} samples/s",
        if mixed { "mixed" } else { "gauges" },
        bytes as f64 / samples as f64,
        cpu / samples as f64 * 1e6,
        received / samples as f64,
        samples as f64 / took
    );
    Ok(())
}

/// The samples that were written to the bus, and their bytes.
fn fill(bus: &dyn Bus, topics: &Topics, mixed: bool, samples: u64) -> anyhow::Result<(u64, u64)> {
    let spec = |name| TopicSpec {
        name,
        partitions: PARTITIONS,
        timestamps: Timestamps::LogAppend,
        compacted: false,
        retention: None,
    };
    bus.ensure_topics(&[
        spec(topics.clean(Signal::Metrics)),
        spec(topics.dead_letters()),
    ])?;
    let publisher = bus.publisher()?;
    let (mut written, mut bytes) = (0, 0);
    let mut random = fastrand::Rng::with_seed(1);
    for number in 0_u32.. {
        if written >= samples {
            break;
        }
        // A thousand instances, read every 15 s.
        let time_s = 1_700_000_000 + u64::from(number / 1000) * 15;
        let (request, count) = request(number % 1000, time_s, mixed, &mut random);
        let value = request.encode_to_vec();
        written += count;
        bytes += value.len() as u64;
        let at = TopicPartition::new(topics.clean(Signal::Metrics), number % PARTITIONS);
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

fn attribute(key: &str, value: String) -> KeyValue {
    KeyValue {
        key: key.into(),
        value: Some(AnyValue {
            value: Some(Value::StringValue(value)),
        }),
        ..KeyValue::default()
    }
}

/// What one instance reads at one time, and how many samples that is: gauges and counters, and one histogram for each five of them if mixed.
fn request(
    instance: u32,
    time_s: u64,
    mixed: bool,
    random: &mut fastrand::Rng,
) -> (ExportMetricsServiceRequest, u64) {
    let (start_time_unix_nano, time_unix_nano) =
        (1_600_000_000_000_000_000, time_s * 1_000_000_000);
    let attributes = |point: u64| {
        vec![
            attribute("http.request.method", "GET".into()),
            attribute("http.route", format!("/api/v1/products/{point}")),
            attribute("http.response.status_code", "200".into()),
            attribute("server.address", "catalogue.shop.internal".into()),
        ]
    };
    let mut samples = 0;
    let mut metrics = Vec::new();
    for metric in 0..METRICS {
        let mut numbers = (0..POINTS).map(|point| NumberDataPoint {
            attributes: attributes(point),
            start_time_unix_nano,
            time_unix_nano,
            value: Some(number_data_point::Value::AsDouble(random.f64() * 1e6)),
            ..NumberDataPoint::default()
        });
        let data = match metric % 5 {
            0 if mixed => {
                samples += POINTS * (BOUNDS.len() as u64 + 3);
                let points = (0..POINTS).map(|point| {
                    let counts: Vec<_> = (0..=BOUNDS.len()).map(|_| random.u64(..1000)).collect();
                    HistogramDataPoint {
                        attributes: attributes(point),
                        start_time_unix_nano,
                        time_unix_nano,
                        count: counts.iter().sum(),
                        sum: Some(random.f64() * 1e4),
                        bucket_counts: counts,
                        explicit_bounds: BOUNDS.to_vec(),
                        ..HistogramDataPoint::default()
                    }
                });
                Data::Histogram(Histogram {
                    data_points: points.collect(),
                    aggregation_temporality: 2,
                })
            }
            1 | 2 => {
                samples += POINTS;
                Data::Sum(Sum {
                    data_points: numbers.by_ref().collect(),
                    aggregation_temporality: 2,
                    is_monotonic: true,
                })
            }
            _ => {
                samples += POINTS;
                Data::Gauge(Gauge {
                    data_points: numbers.by_ref().collect(),
                })
            }
        };
        metrics.push(Metric {
            name: format!("http.server.metric_{metric}"),
            unit: "s".into(),
            description: "What is read of the server".into(),
            data: Some(data),
            ..Metric::default()
        });
    }
    let request = ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(Resource {
                attributes: vec![
                    attribute("service.name", "catalogue".into()),
                    attribute("service.namespace", "shop".into()),
                    attribute("service.instance.id", format!("catalogue-{instance}")),
                    attribute("service.version", "1.2.3".into()),
                    attribute("host.name", format!("node-{}", instance / 10)),
                ],
                ..Resource::default()
            }),
            scope_metrics: vec![ScopeMetrics {
                scope: Some(InstrumentationScope {
                    name: "io.opentelemetry.http".into(),
                    version: "2.1.0".into(),
                    ..InstrumentationScope::default()
                }),
                metrics,
                ..ScopeMetrics::default()
            }],
            ..ResourceMetrics::default()
        }],
    };
    (request, samples)
}

/// Accepts everything until standard input ends, then prints how many bytes that was.
fn serve() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))?;
    println!("{}", listener.local_addr()?);
    std::io::stdout().flush()?;
    let bytes = Arc::new(AtomicU64::new(0));
    let counted = bytes.clone();
    runtime.spawn(async move {
        let accept = async move |request: axum::extract::Request| {
            let mut body = request.into_body();
            while let Some(Ok(frame)) = body.frame().await {
                let length = frame.data_ref().map_or(0, |data| data.len() as u64);
                counted.fetch_add(length, Ordering::Relaxed);
            }
            [("x-prometheus-remote-write-samples-written", "1000000000")]
        };
        axum::serve(listener, axum::Router::new().fallback(accept)).await
    });
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    println!("{}", bytes.load(Ordering::Relaxed));
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
