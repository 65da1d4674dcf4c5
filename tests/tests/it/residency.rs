//! Residency: the telemetry of a tenant with a retention class lies under that class's prefix and nowhere else, in whatever topic of whatever stage; and what belongs to
//! a class that isn't served here is not taken.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use bus::{Bus, Header, Record, Timestamps, TopicPartition, TopicSpec, topic_specs};
use bytes::Bytes;
use schemas::{Signal, Topics, headers};
use serde_json::{Value, json};
use tests::bus_reader::read_all;
use tests::kafka::Broker;
use tests::process::Tailwater;
use tests::wait_until;
use tests::world::{PARTITIONS, World};

const WITHIN: Duration = Duration::from_secs(90);
/// Stand in everything that is sent for the tenant. The bank is of the class `eu`, the shop of none.
const OF_BANK: &str = "mark-of-the-bank";
const OF_SHOP: &str = "mark-of-the-shop";
/// Of a class that nobody serves here.
const OF_MILL: &str = "mark-of-the-mill";

/// A request of each signal, with its path. The trace is one that is kept.
fn requests(mark: &str) -> [(&'static str, Value); 3] {
    let (from, to) = ("1780000000000000000", "1780000000001000000");
    let span = json!({
        "traceId": "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a", "spanId": "0102030405060708", "name": mark, "kind": 2,
        "status": {"code": 2}, "startTimeUnixNano": from, "endTimeUnixNano": to,
    });
    let log = json!({"timeUnixNano": from, "body": {"stringValue": mark}});
    let gauge = json!({"name": "g", "description": mark, "gauge": {"dataPoints": [{"timeUnixNano": from, "asInt": "1"}]}});
    [
        (
            "/v1/traces",
            json!({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}),
        ),
        (
            "/v1/logs",
            json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [log]}]}]}),
        ),
        (
            "/v1/metrics",
            json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [gauge]}]}]}),
        ),
    ]
}

/// The answer to the head of a request with this body, which is sent only if asked for.
fn post(process: &Tailwater, path: &str, tenant: &str, body: &str, with_body: bool) -> String {
    let mut socket = TcpStream::connect(("127.0.0.1", process.http)).unwrap();
    socket.set_read_timeout(Some(WITHIN)).unwrap();
    let length = body.len();
    write!(
        socket,
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
         x-scope-orgid: {tenant}\r\ncontent-length: {length}\r\n\r\n"
    )
    .unwrap();
    if with_body {
        socket.write_all(body.as_bytes()).unwrap();
    }
    // Not to the end of the connection: where the body is missing, that is waited for.
    let mut reader = BufReader::new(socket);
    let (mut answer, mut length) = (String::new(), 0);
    while !answer.ends_with("\r\n\r\n") {
        let mut line = String::new();
        assert!(reader.read_line(&mut line).unwrap() > 0, "{answer}");
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        answer += &line;
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    answer + &String::from_utf8_lossy(&body)
}

/// Everybody sends everything. The mill is refused, before its body is read.
fn send_all(process: &Tailwater) {
    for (tenant, mark) in [("bank", OF_BANK), ("shop", OF_SHOP)] {
        for (path, body) in requests(mark) {
            let answer = post(process, path, tenant, &body.to_string(), true);
            assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        }
    }
    for (path, body) in requests(OF_MILL) {
        let answer = post(process, path, "mill", &body.to_string(), false);
        assert!(answer.starts_with("HTTP/1.1 403"), "{path}: {answer}");
        assert!(answer.contains("retention class `us`"), "{answer}");
    }
    let labels = [("reason", "retention_class"), ("protocol", "http")];
    let refused = process
        .metrics()
        .sum("tailwater_ingest_refused_requests_total", &labels);
    assert_eq!(refused, 3.0);
}

fn prefix_of(world: &World, class: &str) -> String {
    match class {
        "default" => world.prefix().to_owned(),
        class => format!("{}-{class}", world.prefix()),
    }
}

fn configure(world: &mut World) {
    world.set_decision_wait(1000);
    let config = &mut world.config;
    config["bus"]["topics"]["classes"] = json!({"eu": {}, "us": {}});
    config["ingest"] =
        json!({"tenant_header": "x-scope-orgid", "retention_classes": ["default", "eu"]});
    config["tenants"] = json!({
        "bank": {"retention_class": "eu"},
        "mill": {"retention_class": "us"},
        "shop": {},
    });
}

/// A process whose stages work on a class, with a file of its own for what it exports.
fn of_class(world: &World, class: &str) -> Tailwater {
    let process = world.process("run", class);
    let mut config = process.configuration();
    config["bus"]["topics"]["class"] = json!(class);
    config["export"]["backends"] =
        json!([{"name": "kept", "file": {"path": format!("{class}.jsonl")}}]);
    process.configure(&format!("{config:#}"));
    process
}

/// Waits until a file holds a tenant's telemetry of every signal.
fn wait_exported(world: &World, class: &str, mark: &str) {
    wait_until(&format!("{class} to export {mark}"), WITHIN, || {
        let text = std::fs::read_to_string(world.path(&format!("{class}.jsonl")));
        let text = text.unwrap_or_default();
        let has = |kind: &str| {
            text.lines()
                .any(|line| line.contains(kind) && line.contains(mark))
        };
        ["resourceSpans", "resourceLogs", "resourceMetrics"]
            .into_iter()
            .all(has)
    });
}

fn publish(bus: &dyn Bus, topic: &str, tenant: &str, value: Vec<u8>) {
    let header = |name: &str, value: &str| Header {
        name: name.into(),
        value: Bytes::copy_from_slice(value.as_bytes()),
    };
    let record = Record {
        headers: vec![
            header(headers::VERSION_NAME, headers::VERSION),
            header(headers::TENANT, tenant),
        ],
        value: value.into(),
    };
    let publisher = bus.publisher().unwrap();
    let durable = Box::new(|result: bus::Result<u64>| assert!(result.is_ok()));
    publisher
        .publish(TopicPartition::new(topic, 0), record, durable)
        .unwrap();
    publisher.flush(WITHIN).unwrap();
}

/// No OTLP, and somebody's all the same: ends as a dead letter.
fn malformed(mark: &str) -> Vec<u8> {
    [b"\xff\xff", mark.as_bytes()].concat()
}

fn publish_malformed(world: &World, bus: &dyn Bus) {
    for (class, tenant, mark) in [("default", "shop", OF_SHOP), ("eu", "bank", OF_BANK)] {
        let raw = Topics::new(&prefix_of(world, class)).raw(Signal::Traces);
        publish(bus, &raw, tenant, malformed(mark));
    }
}

/// In which topics each mark stands, in values and headers, of all topics of all classes; as what follows the prefix.
fn found(
    world: &World,
    bus: &dyn Bus,
    classes: &[&str],
) -> BTreeMap<(String, &'static str), BTreeSet<String>> {
    let mut found: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for class in classes {
        let prefix = prefix_of(world, class);
        for spec in topic_specs(&Topics::new(&prefix), PARTITIONS) {
            for record in read_all(bus, &spec.name).unwrap() {
                let headers = record.headers.iter().map(|header| &header.value);
                let all: Vec<_> = headers.chain([&record.value]).collect();
                for mark in [OF_BANK, OF_SHOP, OF_MILL] {
                    let holds = |bytes: &Bytes| {
                        bytes
                            .windows(mark.len())
                            .any(|part| part == mark.as_bytes())
                    };
                    if all.iter().any(|bytes| holds(bytes)) {
                        let topic = spec.name[prefix.len() + 1..].to_owned();
                        found
                            .entry(((*class).to_owned(), mark))
                            .or_default()
                            .insert(topic);
                    }
                }
            }
        }
    }
    found
}

/// Every topic of every stage holds the tenants of its class and of no other.
#[track_caller]
fn assert_apart(world: &World, bus: &dyn Bus) {
    let everywhere: BTreeSet<_> = [
        "traces.raw",
        "logs.raw",
        "metrics.raw",
        "traces.sampled",
        "decisions",
        "dead-letters",
        "traces.clean",
        "logs.clean",
        "metrics.clean",
    ]
    .map(str::to_owned)
    .into();
    let expected = BTreeMap::from([
        (("default".to_owned(), OF_SHOP), everywhere.clone()),
        (("eu".to_owned(), OF_BANK), everywhere),
    ]);
    assert_eq!(found(world, bus, &["default", "eu"]), expected);
    // Nobody made topics for what isn't taken.
    let us = Topics::new(&prefix_of(world, "us")).raw(Signal::Traces);
    assert!(bus.partition_count(&us).is_err());
}

/// Read first as the one class and then as the other: an embedded bus belongs to one process.
#[test]
fn a_class_stays_under_its_prefix_on_an_embedded_bus() {
    let mut world = World::embedded();
    configure(&mut world);
    let mut first = of_class(&world, "default");
    first.start_and_wait();
    send_all(&first);
    wait_exported(&world, "default", OF_SHOP);
    assert_eq!(first.stop(), 0, "{}", first.log_text());
    publish_malformed(&world, &*world.bus());
    for class in ["default", "eu"] {
        let mut process = of_class(&world, class);
        process.start_and_wait();
        if class == "eu" {
            wait_exported(&world, "eu", OF_BANK);
        }
        let dead = Topics::new(&prefix_of(&world, class)).dead_letters();
        wait_until("the dead letter", WITHIN, || {
            process.metrics().sum(sampler::names::BAD_RECORDS, &[]) == 1.0
        });
        assert_eq!(process.stop(), 0, "{}", process.log_text());
        assert_eq!(read_all(&*world.bus(), &dead).unwrap().len(), 1);
    }
    assert_apart(&world, &*world.bus());
}

/// Two processes, each with the stages of one class; both take everything, by socket and from a topic that others write.
#[test]
fn a_class_stays_under_its_prefix_on_kafka() {
    let Ok(broker) = Broker::shared() else { return };
    let mut world = World::kafka(broker);
    configure(&mut world);
    let foreign = format!("{}-foreign", world.prefix());
    world.config["ingest"]["kafka"] = json!({"topics": [foreign], "format": "otlp_json"});
    let bus = world.bus();
    let spec = TopicSpec {
        name: foreign.as_str().into(),
        partitions: 1,
        timestamps: Timestamps::Create,
        compacted: false,
        retention: None,
    };
    bus.ensure_topics(&[spec]).unwrap();
    for (tenant, mark) in [("bank", OF_BANK), ("shop", OF_SHOP), ("mill", OF_MILL)] {
        let [(_, traces), ..] = requests(mark);
        publish(&*bus, &foreign, tenant, traces.to_string().into_bytes());
        publish(&*bus, &foreign, tenant, malformed(mark));
    }
    let mut processes = ["default", "eu"].map(|class| of_class(&world, class));
    processes.iter_mut().for_each(Tailwater::start_and_wait);
    send_all(&processes[0]);
    publish_malformed(&world, &*bus);
    wait_exported(&world, "default", OF_SHOP);
    wait_exported(&world, "eu", OF_BANK);
    wait_until("the foreign topic to be read", WITHIN, || {
        let counted = |outcome| -> f64 {
            let labels = [("outcome", outcome)];
            let of = |process: &Tailwater| {
                process
                    .metrics()
                    .sum("tailwater_ingest_kafka_records_total", &labels)
            };
            processes.iter().map(of).sum()
        };
        ["taken", "dead", "refused"].map(counted) == [2.0; 3]
    });
    wait_until("dead letters of ingest and of the sampler", WITHIN, || {
        ["default", "eu"].into_iter().all(|class| {
            let topic = Topics::new(&prefix_of(&world, class)).dead_letters();
            read_all(&*bus, &topic).is_ok_and(|letters| letters.len() == 2)
        })
    });
    for process in &mut processes {
        assert_eq!(process.stop(), 0, "{}", process.log_text());
    }
    assert_apart(&world, &*bus);
}
