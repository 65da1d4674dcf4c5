//! What ingest costs: CPU-seconds per million spans from a gRPC socket to the bus, the client's own CPU not counted.
//!
//! `cargo run --release -p tailwater-ingest --example measure -- [nothing|embedded] [spans] [spans per request] [calls in flight]`;
//! with `KAFKA_BROKERS` set, `kafka` too. Prints its conditions.
#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bus::{
    Ack, Bus, Committer, GroupOptions, Member, Publisher, RawBusConfig, Reader, Rebalance, Record,
    TopicPartition, TopicSpec,
};
use bytes::{BufMut, Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use runtime::config::{ByteSize, Problems};
use runtime::{Drain, Health};
use schemas::{Signal, Topics};

const PARTITIONS: u32 = 16;
const CONNECTIONS: usize = 8;
const PATH: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let mut args = std::env::args().skip(1);
    let kind = args.next().unwrap_or_else(|| "nothing".into());
    let mut number = |or: usize| args.next().map_or(or, |text| text.parse().unwrap());
    let (spans, per_request, in_flight) = (number(1_000_000), number(250), number(256));

    let topics = Topics::new(&format!("measure-{}", std::process::id()));
    let dir = tempfile::tempdir().unwrap();
    let bus = open(&kind, &topics, dir.path());
    let server = runtime("ingest", 2);
    let raw = ingest::RawConfig {
        grpc: ingest::RawGrpc {
            listen: "127.0.0.1:0".into(),
            ..Default::default()
        },
        http: ingest::RawHttp {
            listen: "127.0.0.1:0".into(),
            ..Default::default()
        },
        ..Default::default()
    };
    let config = raw.validate("ingest", &mut Problems::new());
    let drain = Drain::new();
    let ingest = server
        .block_on(ingest::bind(
            config,
            bus,
            topics,
            Health::new().part("ingest"),
            &drain,
        ))
        .unwrap()
        .expect("nobody has drained it");
    let address = ingest.grpc_addr().unwrap();
    let running = server.spawn(ingest.run(drain.clone()));

    let bodies: Arc<[Bytes]> = (0..64)
        .map(|index| framed(&request(index, per_request)))
        .collect();
    let request_bytes = bodies[0].len();
    let client = runtime("client", 1);
    client.block_on(send(address, bodies.clone(), 200, in_flight));
    let requests = spans.div_ceil(per_request);
    let (cpu, began) = (cpu_seconds(), Instant::now());
    client.block_on(send(address, bodies, requests, in_flight));
    let (cpu, took) = (cpu_seconds() - cpu, began.elapsed().as_secs_f64());
    drain.request();
    server.block_on(running).unwrap().unwrap();

    let spans = requests * per_request;
    println!(
        "bus {kind}, {PARTITIONS} partitions; {spans} spans of {} bytes, {per_request} a request of {request_bytes} bytes; {CONNECTIONS} connections, {in_flight} calls in flight",
        request_bytes / per_request,
    );
    println!(
        "{:.2} CPU-seconds per million spans; {:.0} spans/s; peak {} MB resident, client included",
        cpu * 1e6 / spans as f64,
        spans as f64 / took,
        status_kb("VmHWM") / 1024,
    );
}

fn runtime(name: &str, threads: usize) -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder
        .worker_threads(threads)
        .thread_name(name)
        .enable_all()
        .build()
        .unwrap()
}

fn open(kind: &str, topics: &Topics, dir: &std::path::Path) -> Arc<dyn Bus> {
    let mut raw = RawBusConfig::default();
    match kind {
        "nothing" => return Arc::new(Nothing),
        "embedded" => {
            raw.embedded = Some(bus::RawEmbedded {
                dir: dir.into(),
                ..Default::default()
            });
        }
        "kafka" => {
            let brokers = std::env::var("KAFKA_BROKERS").unwrap();
            let brokers = brokers.split(',').map(String::from).collect();
            raw.kafka = Some(bus::RawKafka {
                brokers,
                replication_factor: Some(1),
                ..Default::default()
            });
        }
        other => panic!("no bus is called {other}"),
    }
    let mut problems = Problems::new();
    let config = raw.validate("bus", &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    let bus = config.open().unwrap();
    let spec = |signal| TopicSpec {
        name: topics.raw(signal),
        partitions: PARTITIONS,
        timestamps: bus::Timestamps::LogAppend,
        compacted: false,
        retention: None,
    };
    bus.ensure_topics(&Signal::ALL.map(spec)).unwrap();
    bus
}

/// A request of spans of about 400 bytes, ten to a trace.
fn request(seed: usize, spans: usize) -> Vec<u8> {
    let text = |key: &str, value: String| KeyValue {
        key: key.into(),
        value: Some(AnyValue {
            value: Some(any_value::Value::StringValue(value)),
        }),
        ..Default::default()
    };
    let span = |index: usize| {
        let trace = schemas::partition_of(&(seed * spans + index / 10).to_le_bytes(), u32::MAX);
        Span {
            trace_id: [trace.to_le_bytes(); 4].concat(),
            span_id: ((seed * spans + index + 1) as u64).to_le_bytes().into(),
            parent_span_id: vec![7; 8],
            name: "GET /api/v1/products/{id}".into(),
            kind: 2,
            start_time_unix_nano: 1_700_000_000_000_000_000,
            end_time_unix_nano: 1_700_000_000_123_000_000,
            attributes: vec![
                text("http.request.method", "GET".into()),
                text("http.route", "/api/v1/products/{id}".into()),
                text("url.path", format!("/api/v1/products/{}", trace % 10_000)),
                text("http.response.status_code", "200".into()),
                text("server.address", "catalog.shop.svc.cluster.local".into()),
                text(
                    "user_agent.original",
                    "Mozilla/5.0 (X11; Linux x86_64)".into(),
                ),
                text(
                    "network.peer.address",
                    format!("10.0.{}.{}", trace % 256, index % 256),
                ),
                text("thread.name", format!("worker-{}", index % 16)),
            ],
            ..Default::default()
        }
    };
    let service = vec![
        text("service.name", format!("service-{}", seed % 8)),
        text("host.name", "node-17".into()),
    ];
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource {
                attributes: service,
                ..Default::default()
            }),
            scope_spans: vec![ScopeSpans {
                spans: (0..spans).map(span).collect(),
                ..Default::default()
            }],
            ..Default::default()
        }],
    }
    .encode_to_vec()
}

fn framed(message: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(message.len() + 5);
    out.put_u8(0);
    out.put_u32(message.len() as u32);
    out.put_slice(message);
    out.freeze()
}

/// Sends `requests` calls, `in_flight` at a time; each must succeed.
async fn send(address: SocketAddr, bodies: Arc<[Bytes]>, requests: usize, in_flight: usize) {
    let next = Arc::new(AtomicUsize::new(0));
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..CONNECTIONS {
        let stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (sender, connection) = hyper::client::conn::http2::handshake::<_, _, Full<Bytes>>(
            TokioExecutor::new(),
            TokioIo::new(stream),
        )
        .await
        .unwrap();
        tokio::spawn(connection);
        for _ in 0..in_flight / CONNECTIONS {
            let (mut sender, bodies, next) = (sender.clone(), bodies.clone(), next.clone());
            callers.spawn(async move {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= requests {
                        return;
                    }
                    let request = http::Request::post(format!("http://{address}{PATH}"))
                        .header("content-type", "application/grpc");
                    let body = Full::new(bodies[index % bodies.len()].clone());
                    let response = sender
                        .send_request(request.body(body).unwrap())
                        .await
                        .unwrap();
                    let collected = response.into_body().collect().await.unwrap();
                    assert_eq!(collected.trailers().unwrap()["grpc-status"], "0");
                }
            });
        }
    }
    while let Some(caller) = callers.join_next().await {
        caller.unwrap();
    }
}

/// CPU of this process less that of the client's threads.
fn cpu_seconds() -> f64 {
    let ticks = |path: &std::path::Path| -> (String, f64) {
        let stat = std::fs::read_to_string(path).unwrap_or_default();
        let (name, rest) = stat
            .split_once('(')
            .and_then(|(_, rest)| rest.rsplit_once(')'))
            .unwrap_or_default();
        let fields: Vec<f64> = rest
            .split_whitespace()
            .map(|field| field.parse().unwrap_or(0.0))
            .collect();
        (
            name.into(),
            fields.get(11).unwrap_or(&0.0) + fields.get(12).unwrap_or(&0.0),
        )
    };
    let (_, all) = ticks("/proc/self/stat".as_ref());
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let threads = tasks.map(|task| ticks(&task.unwrap().path().join("stat")));
    let client: f64 = threads
        .filter(|(name, _)| name == "client")
        .map(|(_, ticks)| ticks)
        .sum();
    (all - client) / 100.0
}

fn status_kb(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status
        .lines()
        .find(|line| line.starts_with(name))
        .unwrap_or_default();
    line.split_whitespace()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}

/// A bus that takes everything and keeps nothing: what ingest costs by itself.
struct Nothing;

impl Publisher for Nothing {
    fn publish(&self, _: TopicPartition, record: Record, ack: Ack) -> bus::Result<()> {
        drop(record);
        ack(Ok(0));
        Ok(())
    }
    fn flush(&self, _: Duration) -> bus::Result<()> {
        Ok(())
    }
}

impl Bus for Nothing {
    fn ensure_topics(&self, _: &[TopicSpec]) -> bus::Result<()> {
        Ok(())
    }
    fn partition_count(&self, _: &str) -> bus::Result<u32> {
        Ok(PARTITIONS)
    }
    fn timestamps(&self, _: &str) -> bus::Result<bus::Timestamps> {
        Ok(bus::Timestamps::LogAppend)
    }
    fn record_bytes_max(&self) -> usize {
        ByteSize::mib(1).0 as usize
    }
    fn publisher(&self) -> bus::Result<Arc<dyn Publisher>> {
        Ok(Arc::new(Nothing))
    }
    fn reader(&self) -> bus::Result<Box<dyn Reader>> {
        unimplemented!("nothing is read")
    }
    fn join(
        &self,
        _: GroupOptions,
        _: Arc<dyn Rebalance>,
    ) -> bus::Result<(Box<dyn Member>, Box<dyn Committer>)> {
        unimplemented!("nothing is read")
    }
    fn lag(&self, _: &str, _: &str) -> bus::Result<u64> {
        unimplemented!("nothing is read")
    }
}
