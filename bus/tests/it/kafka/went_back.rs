//! Logs that go back: topics created anew under the name of others, and logs that end below the group's position.

use bus::Topic;
use tests::kafka::{Broker, delete_topics};

use super::open;
use crate::fixture::{Fixture, TestMember, at, epoch, position};

/// A topic with `count` records of which all were read and committed.
fn read_and_committed(test: &str, count: usize) -> Option<(Fixture, Topic, TestMember)> {
    let broker = Broker::shared().ok()?;
    let fixture = Fixture::new(open(broker.brokers(), &[]), test);
    let topic = fixture.topic("t", 1);
    fixture.publish(&at(&topic, 0), &vec!["old"; count]);
    let mut member = fixture.member(&[&topic]);
    member.poll_until_read(count);
    commit(&member, &topic, count as u64);
    Some((fixture, topic, member))
}

fn commit(member: &TestMember, topic: &Topic, offset: u64) {
    let positions = [position(&at(topic, 0), offset, "what the stage knows")];
    member.commit(&epoch(&[], &positions)).unwrap();
}

/// Deletes the topic and creates it anew, with other records.
fn replace(fixture: &Fixture, topic: &Topic, values: &[&str]) {
    let broker = Broker::shared().unwrap();
    delete_topics(broker.brokers(), &[topic]).unwrap();
    assert_eq!(fixture.topic("t", 1), *topic);
    fixture.publish(&at(topic, 0), values);
}

/// A member that goes on polling reads what is in the new topic from its beginning, and commits there.
#[track_caller]
fn check_running(test: &str, old: usize, new: &[&str]) {
    let Some((fixture, topic, mut member)) = read_and_committed(test, old) else {
        return;
    };
    replace(&fixture, &topic, new);
    // The client may have read on in the new topic, before it was found to be another one.
    member.poll_until("all of the new topic", |member| {
        member.values().ends_with(new)
    });
    let assigned = member.told.assigned();
    assert!(assigned.last().unwrap().committed.is_none(), "{assigned:?}");
    commit(&member, &topic, new.len() as u64);
    fixture.publish(&at(&topic, 0), &["next"]);
    drop(member);
    let mut next = fixture.member(&[&topic]);
    next.poll_until_read(1);
    assert_eq!(next.values(), ["next"]);
    let committed = next.told.assigned().remove(0).committed;
    assert_eq!(
        committed,
        Some(position(
            &at(&topic, 0),
            new.len() as u64,
            "what the stage knows"
        ))
    );
}

#[test]
fn a_shorter_topic_in_its_place_is_read_from_its_beginning() {
    check_running("shorter", 20, &["a", "b", "c"]);
}

/// The client itself would read on at the old offset as if nothing had happened.
#[test]
fn a_longer_topic_in_its_place_is_read_from_its_beginning() {
    check_running("longer", 3, &["a", "b", "c", "d", "e", "f", "g", "h"]);
}

/// A commit that comes too late for the old topic is on the brokers for the new one: it counts for nothing.
#[test]
fn a_position_in_the_old_topic_counts_for_nothing_in_the_new_one() {
    let Some((fixture, topic, member)) = read_and_committed("stale", 3) else {
        return;
    };
    replace(&fixture, &topic, &["a", "b", "c", "d", "e"]);
    commit(&member, &topic, 4);
    drop(member);
    let mut next = fixture.member(&[&topic]);
    next.poll_until_read(5);
    assert_eq!(next.values(), ["a", "b", "c", "d", "e"]);
    assert!(next.told.assigned()[0].committed.is_none());
}

/// The topic went and came while nobody read.
#[test]
fn a_topic_that_was_replaced_meanwhile_is_read_from_its_beginning() {
    let Some((fixture, topic, member)) = read_and_committed("meanwhile", 5) else {
        return;
    };
    drop(member);
    replace(&fixture, &topic, &["a", "b"]);
    let mut next = fixture.member(&[&topic]);
    next.poll_until_read(2);
    assert_eq!(next.values(), ["a", "b"]);
}

/// The brokers lost the last records. What is left was read; what comes in their place was not.
#[test]
fn a_log_that_lost_its_end_is_read_on_from_there() {
    let Some((fixture, topic, member)) = read_and_committed("shortened", 5) else {
        return;
    };
    commit(&member, &topic, 40);
    drop(member);
    let mut next = fixture.member(&[&topic]);
    next.poll_until_owns(1);
    let committed = next.told.assigned()[0].committed.clone();
    assert_eq!(
        committed,
        Some(position(&at(&topic, 0), 5, "what the stage knows"))
    );
    fixture.publish(&at(&topic, 0), &["a"]);
    next.poll_until_read(1);
    assert_eq!(next.values(), ["a"]);
    commit(&next, &topic, 6);
}
