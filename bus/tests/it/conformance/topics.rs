//! Topics: created when missing, checked when there.

use std::sync::mpsc;

use bus::{Error, Header, Record, Timestamps, TopicSpec};
use bytes::Bytes;
use schemas::headers;

use crate::fixture::{DEADLINE, Fixture, at};

fn spec(fixture: &Fixture, label: &str, partitions: u32) -> TopicSpec {
    TopicSpec {
        name: fixture.topic_name(label),
        partitions,
        timestamps: Timestamps::LogAppend,
        compacted: false,
        retention: None,
    }
}

/// Missing topics are created with their partitions; a second call finds nothing to do.
pub fn creates_what_is_missing(fixture: &Fixture) {
    let specs = [spec(fixture, "one", 1), spec(fixture, "three", 3)];
    fixture.bus.ensure_topics(&specs).unwrap();
    fixture.bus.ensure_topics(&specs).unwrap();
    assert_eq!(fixture.bus.partition_count(&specs[0].name).unwrap(), 1);
    assert_eq!(fixture.bus.partition_count(&specs[1].name).unwrap(), 3);
    // A day on the embedded bus, seven on Kafka.
    let kept = fixture.bus.retention(&specs[0].name).unwrap();
    assert!(
        kept.is_some_and(|kept| kept.as_secs() >= 86_400),
        "{kept:?}"
    );
}

/// The error names every topic that doesn't fit, with both counts, and what to do.
pub fn mismatch_names_every_topic(fixture: &Fixture) {
    let (a, b) = (fixture.topic("a", 2), fixture.topic("b", 3));
    fixture.topic("fits", 7);
    let wanted = [
        spec(fixture, "a", 7),
        spec(fixture, "fits", 7),
        spec(fixture, "b", 7),
    ];
    let error = fixture.bus.ensure_topics(&wanted).unwrap_err();
    assert!(matches!(error, Error::Fatal(_)), "{error:?}");
    let message = error.to_string();
    for part in [&*a, &*b, "2", "3", "7", "bus.topics.partitions"] {
        assert!(message.contains(part), "no {part:?} in {message:?}");
    }
    assert!(!message.contains(&*fixture.topic_name("fits")), "{message}");
}

/// Asking for what doesn't exist is an error, not an empty topic.
pub fn unknown_topics_are_errors(fixture: &Fixture) {
    assert!(
        fixture
            .bus
            .partition_count(&fixture.topic_name("nowhere"))
            .is_err()
    );
    let topic = fixture.topic("here", 2);
    let mut reader = fixture.bus.reader().unwrap();
    assert!(reader.range(&at(&topic, 2)).is_err());
}

/// The key is a header, and comes back as one. Kafka refuses records without a key on such a topic.
pub fn a_compacted_topic_takes_records_with_a_key(fixture: &Fixture) {
    let spec = TopicSpec {
        compacted: true,
        retention: None,
        ..spec(fixture, "newest", 1)
    };
    let at = at(&spec.name, 0);
    fixture.bus.ensure_topics(&[spec]).unwrap();
    let publisher = fixture.bus.publisher().unwrap();
    let (acks, acked) = mpsc::channel();
    let record = Record {
        headers: vec![Header {
            name: headers::KEY.into(),
            value: Bytes::from_static(b"a"),
        }],
        value: Bytes::from_static(b"newest"),
    };
    let ack = Box::new(move |result| acks.send(result).unwrap());
    publisher.publish(at.clone(), record.clone(), ack).unwrap();
    assert_eq!(acked.recv_timeout(DEADLINE).unwrap().unwrap(), 0);
    assert_eq!(fixture.read(&at, 0, 1)[0].headers, record.headers);
}
