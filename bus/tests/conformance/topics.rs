//! Topics: created when missing, checked when there.

use bus::{Error, Timestamps, TopicSpec};

use crate::fixture::{Fixture, at};

fn spec(fixture: &Fixture, label: &str, partitions: u32) -> TopicSpec {
    TopicSpec {
        name: fixture.topic_name(label),
        partitions,
        timestamps: Timestamps::LogAppend,
    }
}

/// Missing topics are created with their partitions; a second call finds nothing to do.
pub fn creates_what_is_missing(fixture: &Fixture) {
    let specs = [spec(fixture, "one", 1), spec(fixture, "three", 3)];
    fixture.bus.ensure_topics(&specs).unwrap();
    fixture.bus.ensure_topics(&specs).unwrap();
    assert_eq!(fixture.bus.partition_count(&specs[0].name).unwrap(), 1);
    assert_eq!(fixture.bus.partition_count(&specs[1].name).unwrap(), 3);
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
