//! Groups: who reads what, from where, and how it changes hands.

use std::time::{Duration, Instant};

use crate::fixture::{DEADLINE, Fixture, at, epoch, position};

/// A group without positions begins with the oldest record.
pub fn starts_at_the_oldest_record(fixture: &Fixture) {
    let topic = fixture.topic("t", 2);
    fixture.publish(&at(&topic, 0), &["a", "b"]);
    fixture.publish(&at(&topic, 1), &["c"]);
    let mut member = fixture.member(&[&topic]);
    member.poll_until_read(3);
    let mut values = member.values();
    values.sort_unstable();
    assert_eq!(values, ["a", "b", "c"]);
    assert!(member.told.truncated().is_empty());
}

/// With a position it begins there, whatever was read beyond it.
pub fn goes_on_where_the_group_committed(fixture: &Fixture) {
    let topic = fixture.topic("t", 1);
    fixture.publish(&at(&topic, 0), &["a", "b", "c", "d"]);
    let mut member = fixture.member(&[&topic]);
    member.poll_until_read(4);
    member
        .commit(&epoch(&[], &[position(&at(&topic, 0), 2, "")]))
        .unwrap();
    drop(member);
    let mut next = fixture.member(&[&topic]);
    next.poll_until_read(2);
    assert_eq!(next.values(), ["c", "d"]);
}

/// `caught_up` names a partition once everything on it was returned, and not before.
pub fn reports_caught_up(fixture: &Fixture) {
    let topic = fixture.topic("t", 2);
    let large = "x".repeat(100_000);
    let large = large.as_str();
    fixture.publish(&at(&topic, 0), &[large; 5]);
    let mut member = fixture.member(&[&topic]);
    let deadline = Instant::now() + DEADLINE;
    while !member.caught_up.contains(&at(&topic, 0)) {
        assert!(Instant::now() < deadline);
        member.poll_at_most(1000);
        if member.caught_up.contains(&at(&topic, 0)) {
            assert_eq!(member.records.len(), 5, "caught up too early");
        }
    }
    member.poll_until("the empty partition is caught up", |member| {
        member.caught_up.contains(&at(&topic, 1))
    });
    let read = member.records.len();
    fixture.publish(&at(&topic, 0), &["more"]);
    member.poll_until_read(read + 1);
    member.poll_until("caught up again", |member| {
        member.caught_up.contains(&at(&topic, 0))
    });
}

/// A paused partition returns nothing while the others go on; seeking goes back or forth.
pub fn pause_resume_seek(fixture: &Fixture) {
    let topic = fixture.topic("t", 2);
    let mut member = fixture.member(&[&topic]);
    member.poll_until_owns(2);
    member.member.pause(&[at(&topic, 0)]).unwrap();
    fixture.publish(&at(&topic, 0), &["a", "b", "c"]);
    fixture.publish(&at(&topic, 1), &["x", "y"]);
    member.poll_until_read(2);
    for _ in 0..5 {
        member.poll();
    }
    assert_eq!(member.values(), ["x", "y"]);
    member.member.resume(&[at(&topic, 0)]).unwrap();
    member.poll_until_read(5);
    assert_eq!(&member.values()[2..], ["a", "b", "c"]);
    member.member.seek(&at(&topic, 0), 1).unwrap();
    member.poll_until_read(7);
    assert_eq!(&member.values()[5..], ["b", "c"]);
    // Sought while paused: it goes on there once resumed.
    member.member.pause(&[at(&topic, 0)]).unwrap();
    member.member.seek(&at(&topic, 0), 2).unwrap();
    for _ in 0..3 {
        member.poll();
    }
    assert_eq!(member.records.len(), 7);
    member.member.resume(&[at(&topic, 0)]).unwrap();
    member.poll_until_read(8);
    assert_eq!(member.values()[7], "c");
}

/// Two members share the partitions, each record is read by one; when one leaves, the other has all.
pub fn two_members_share_and_hand_over(fixture: &Fixture) {
    let topic = fixture.topic("t", 4);
    let mut first = fixture.member(&[&topic]);
    first.poll_until_owns(4);
    let mut second = fixture.member(&[&topic]);
    while first.told.owned().len() != 2 || second.told.owned().len() != 2 {
        first.poll();
        second.poll();
    }
    let (mine, other) = (first.told.owned(), second.told.owned());
    assert!(mine.iter().all(|at| !other.contains(at)));
    for partition in 0..4 {
        fixture.publish(&at(&topic, partition), &["x", "y"]);
    }
    let deadline = Instant::now() + DEADLINE;
    while first.records.len() + second.records.len() < 8 {
        assert!(Instant::now() < deadline);
        first.poll();
        second.poll();
    }
    assert_eq!((first.records.len(), second.records.len()), (4, 4));
    for member in [&first, &second] {
        let positions: Vec<_> = member
            .told
            .owned()
            .iter()
            .map(|at| position(at, 2, ""))
            .collect();
        member.commit(&epoch(&[], &positions)).unwrap();
    }
    drop(first);
    second.poll_until_owns(4);
    for partition in 0..4 {
        fixture.publish(&at(&topic, partition), &["z"]);
    }
    second.poll_until_read(8);
    assert!(
        second.values()[4..].iter().all(|value| *value == "z"),
        "{:?}",
        second.values()
    );
}

/// Topics with equal counts are dealt out alike: who has a number of one has it of the other.
pub fn equal_counts_are_assigned_together(fixture: &Fixture) {
    let (a, b) = (fixture.topic("a", 5), fixture.topic("b", 5));
    let mut members: Vec<_> = (0..3).map(|_| fixture.member(&[&a, &b])).collect();
    let deadline = Instant::now() + DEADLINE;
    loop {
        members.iter_mut().for_each(|member| member.poll());
        let owned: Vec<usize> = members
            .iter()
            .map(|member| member.told.owned().len())
            .collect();
        if owned.iter().sum::<usize>() == 10 && owned.iter().all(|count| *count > 0) {
            break;
        }
        assert!(Instant::now() < deadline, "{owned:?}");
    }
    for member in &members {
        let numbers = |topic: &bus::Topic| -> Vec<u32> {
            let owned = member.told.owned();
            owned
                .iter()
                .filter(|at| at.topic == *topic)
                .map(|at| at.partition)
                .collect()
        };
        assert_eq!(numbers(&a), numbers(&b));
    }
}

/// Closing revokes everything, and the other member has it without waiting for a timeout.
pub fn close_hands_over_at_once(fixture: &Fixture) {
    let topic = fixture.topic("t", 2);
    let mut first = fixture.member(&[&topic]);
    first.poll_until_owns(2);
    let mut second = fixture.member(&[&topic]);
    while second.told.owned().len() != 1 {
        first.poll();
        second.poll();
    }
    let (told, start) = (first.told.clone(), Instant::now());
    first.member.close().unwrap();
    assert!(told.owned().is_empty());
    assert_eq!(told.revoked().len(), 2);
    second.poll_until_owns(2);
    assert!(
        start.elapsed() < Duration::from_secs(15),
        "{:?}",
        start.elapsed()
    );
}

/// Lag is what the group has not committed yet.
pub fn lag_counts_unread_records(fixture: &Fixture) {
    let topic = fixture.topic("t", 2);
    fixture.publish(&at(&topic, 0), &["a", "b", "c"]);
    fixture.publish(&at(&topic, 1), &["d"]);
    assert_eq!(fixture.bus.lag(&fixture.group(), &topic).unwrap(), 4);
    let mut member = fixture.member(&[&topic]);
    member.poll_until_owns(2);
    member
        .commit(&epoch(&[], &[position(&at(&topic, 0), 2, "")]))
        .unwrap();
    assert_eq!(fixture.bus.lag(&fixture.group(), &topic).unwrap(), 2);
}
