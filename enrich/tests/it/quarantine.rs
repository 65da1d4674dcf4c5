//! Items that are kept aside: on a topic of their own, once, with where they came from, and counted.

use std::sync::Arc;
use std::time::Duration;

use bus::{Bus, Header, Record, TopicPartition};
use bytes::Bytes;
use enrich::{RawConfig, Reload};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use prost::Message;
use runtime::config::Problems;
use runtime::{Drain, Health};
use schemas::{Signal, headers};

use super::stage::{open, read, start_with, topics, wait_until};

const CARD: &str = "paid with 4111 1111 1111 1111";

fn config() -> enrich::Config {
    let pii = serde_json::json!({
        "packs": ["pci", "gdpr"],
        "detectors": {"pan": {"action": "quarantine"}, "iban": {"action": "drop_item"}},
    });
    let raw = RawConfig {
        pii: serde_json::from_value(pii).unwrap(),
        ..RawConfig::default()
    };
    let mut problems = Problems::new();
    let config = raw.validate("enrich", &mut problems);
    assert!(problems.is_empty());
    config
}

fn request(bodies: &[&str]) -> Bytes {
    let log = |body: &&str| LogRecord {
        body: Some(AnyValue {
            value: Some(Value::StringValue((*body).to_owned())),
        }),
        ..LogRecord::default()
    };
    let scope = ScopeLogs {
        log_records: bodies.iter().map(log).collect(),
        ..ScopeLogs::default()
    };
    let resource = ResourceLogs {
        scope_logs: vec![scope],
        ..ResourceLogs::default()
    };
    let request = ExportLogsServiceRequest {
        resource_logs: vec![resource],
    };
    request.encode_to_vec().into()
}

fn publish(bus: &Arc<dyn Bus>, value: Bytes) {
    let publisher = bus.publisher().unwrap();
    let tenant = Header {
        name: headers::TENANT.into(),
        value: Bytes::from_static(b"shop"),
    };
    let record = Record {
        headers: vec![tenant],
        value,
    };
    let to = TopicPartition::new(topics().raw(Signal::Logs), 2);
    publisher
        .publish(to, record, Box::new(|acked| assert!(acked.is_ok())))
        .unwrap();
    publisher.flush(Duration::from_secs(60)).unwrap();
}

#[test]
fn each_item_ends_in_one_place() {
    let dir = tempfile::tempdir().unwrap();
    let bus = open(dir.path());
    bus.ensure_topics(&[bus::quarantine_spec(&topics(), 3)])
        .unwrap();
    let bodies = [
        "hello",
        CARD,
        "to DE89 3704 0044 0532 0130 00",
        "mail ann@example.org",
    ];
    publish(&bus, request(&bodies));
    let running = start_with(&bus, "one", config(), Reload::default());
    wait_until("all is read", || {
        let (group, raw) = (topics().group("enrich"), topics().raw(Signal::Logs));
        bus.lag(&group, &raw).unwrap() == 0
    });
    running.stop();

    let values = |topic: &str| -> Vec<Bytes> {
        let records = read(&bus, topic).into_iter();
        records.map(|record| record.value).collect()
    };
    let clean = request(&["hello", "mail ****"]);
    assert_eq!(values(&topics().clean(Signal::Logs)), [clean]);
    assert!(values(&topics().dead_letters()).is_empty());
    let aside = read(&bus, &topics().quarantine());
    let [aside] = &aside[..] else {
        panic!("{aside:?}")
    };
    assert_eq!(aside.value, request(&[CARD]), "as it came");
    assert_eq!(aside.partition, 2);
    let header = |name: &str| {
        let header = aside.headers.iter().find(|header| &*header.name == name);
        String::from_utf8(header.unwrap().value.to_vec()).unwrap()
    };
    assert_eq!(header(headers::DEAD_TOPIC), "tw.logs.raw");
    assert_eq!(header(headers::DEAD_PARTITION), "2");
    assert_eq!(header(headers::DEAD_OFFSET), "0");
    assert_eq!(header(headers::DEAD_STAGE), "enrich");
    assert_eq!(header(headers::TENANT), "shop");
    let reason = header(headers::DEAD_REASON);
    assert!(
        reason.contains("pan") && !reason.contains("4111"),
        "{reason}"
    );
}

/// Without its topic enrich doesn't begin: what it keeps aside would have no place to go.
#[test]
fn a_missing_topic_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let bus = open(dir.path());
    let setting = enrich::Setting::new(topics(), topics(), "one".to_owned());
    let ready = Health::new().part("enrich");
    let ended = enrich::run(
        config(),
        bus,
        setting,
        Reload::default(),
        ready,
        Drain::new(),
    );
    let error = ended.expect_err("there is no place to keep items aside");
    assert!(format!("{error:#}").contains("tw.quarantine"), "{error:#}");
}
