//! Reading outside of groups.

use std::time::{Duration, Instant};

use crate::fixture::{DEADLINE, Fixture, PLENTY, at, epoch, position, values};

/// Reading begins at the offset that was given, and goes on over polls.
pub fn from_an_offset(fixture: &Fixture) {
    let topic = fixture.topic("t", 1);
    fixture.publish(&at(&topic, 0), &["a", "b", "c", "d"]);
    assert_eq!(values(&fixture.read(&at(&topic, 0), 2, 2)), ["c", "d"]);
    let mut reader = fixture.bus.reader().unwrap();
    reader.assign(&[(at(&topic, 0), 1)]).unwrap();
    let mut read = Vec::new();
    while read.len() < 3 {
        let before = read.len();
        read.extend(reader.poll(DEADLINE, 1).unwrap());
        assert!(read.len() > before, "an empty poll although there is more");
    }
    assert_eq!(values(&read), ["b", "c", "d"]);
    assert_eq!(
        read.iter().map(|record| record.offset).collect::<Vec<_>>(),
        [1, 2, 3]
    );
    // Assigning again replaces.
    reader.assign(&[(at(&topic, 0), 3)]).unwrap();
    assert_eq!(values(&reader.poll(DEADLINE, PLENTY).unwrap()), ["d"]);
    assert_eq!(reader.position(&at(&topic, 0)).unwrap(), 4);
}

/// All partitions at once, the same as one by one.
pub fn ranges_are_of_all_partitions(fixture: &Fixture) {
    let topic = fixture.topic("t", 3);
    fixture.publish(&at(&topic, 0), &["a", "b"]);
    fixture.publish(&at(&topic, 2), &["c"]);
    let ranges = fixture.bus.ranges(&topic, DEADLINE).unwrap();
    assert_eq!(ranges, [0..2, 0..0, 0..1]);
    let mut reader = fixture.bus.reader().unwrap();
    for (partition, range) in (0..).zip(ranges) {
        assert_eq!(reader.range(&at(&topic, partition)).unwrap(), range);
    }
    let missing = fixture.bus.ranges("no-such-topic", DEADLINE).unwrap_err();
    assert!(missing.to_string().contains("no-such-topic"), "{missing}");
}

/// Of several partitions none waits for another, and each is in order.
pub fn partitions_share_a_poll(fixture: &Fixture) {
    let topic = fixture.topic("t", 3);
    let large = "x".repeat(50_000);
    let large = large.as_str();
    for partition in 0..3 {
        fixture.publish(&at(&topic, partition), &[large; 10]);
    }
    let mut reader = fixture.bus.reader().unwrap();
    let from: Vec<_> = (0..3).map(|partition| (at(&topic, partition), 0)).collect();
    reader.assign(&from).unwrap();
    let mut next = [0; 3];
    let deadline = Instant::now() + DEADLINE;
    while next != [10, 10, 10] {
        assert!(Instant::now() < deadline, "{next:?}");
        for record in reader.poll(Duration::from_millis(500), 200_000).unwrap() {
            let partition = record.partition as usize;
            assert_eq!(record.offset, next[partition]);
            next[partition] += 1;
        }
    }
}

/// Partitions come, go, come back and jump between polls, at random: each gives its records in order, without a gap, from where it was assigned.
pub fn other_partitions_between_polls(fixture: &Fixture) {
    const RECORDS: u64 = 60;
    let topic = fixture.topic("t", 4);
    for partition in 0..4 {
        fixture.publish(&at(&topic, partition), &["x"; RECORDS as usize]);
    }
    let mut reader = fixture.bus.reader().unwrap();
    let mut rng = fastrand::Rng::with_seed(10);
    let mut next = [0; 4];
    let deadline = Instant::now() + DEADLINE;
    while next != [RECORDS; 4] {
        assert!(Instant::now() < deadline, "{next:?}");
        let back = rng.usize(0..40);
        if back < 4 {
            next[back] -= rng.u64(0..=next[back].min(5));
        }
        let chosen: Vec<u32> = (0..4).filter(|_| rng.u8(0..4) > 0).collect();
        let from: Vec<_> = (chosen.iter())
            .map(|partition| (at(&topic, *partition), next[*partition as usize]))
            .collect();
        reader.assign(&from).unwrap();
        for record in reader.poll(Duration::from_millis(20), 3).unwrap() {
            let partition = record.partition;
            assert!(chosen.contains(&partition), "{partition} was unassigned");
            assert_eq!(record.offset, next[partition as usize], "{partition}");
            next[partition as usize] += 1;
        }
        for partition in chosen {
            let position = reader.position(&at(&topic, partition)).unwrap();
            assert_eq!(position, next[partition as usize]);
        }
    }
}

/// Without records a poll takes its timeout, and not much more.
pub fn empty_after_timeout(fixture: &Fixture) {
    let topic = fixture.topic("t", 1);
    let mut reader = fixture.bus.reader().unwrap();
    reader.assign(&[(at(&topic, 0), 0)]).unwrap();
    let start = Instant::now();
    assert!(
        reader
            .poll(Duration::from_millis(100), PLENTY)
            .unwrap()
            .is_empty()
    );
    assert!(start.elapsed() >= Duration::from_millis(100));
    assert!(start.elapsed() < Duration::from_secs(10));
}

/// A poll that waits returns as soon as there is a record.
pub fn wakes_for_a_new_record(fixture: &Fixture) {
    let topic = fixture.topic("t", 1);
    let mut reader = fixture.bus.reader().unwrap();
    reader.assign(&[(at(&topic, 0), 0)]).unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(move || {
            let start = Instant::now();
            let records = reader.poll(DEADLINE, PLENTY).unwrap();
            (records, start.elapsed())
        });
        fixture.publish(&at(&topic, 0), &["now"]);
        let (records, took) = waiting.join().unwrap();
        assert_eq!(values(&records), ["now"]);
        assert!(took < DEADLINE / 2, "{took:?}");
    });
}

/// By time: the first record at or after it, the end when there is none.
pub fn offset_at_a_time(fixture: &Fixture) {
    let topic = fixture.topic("t", 1);
    let mut reader = fixture.bus.reader().unwrap();
    assert_eq!(reader.offset_at(&at(&topic, 0), 0).unwrap(), 0);
    for _ in 0..20 {
        fixture.publish(&at(&topic, 0), &["x", "y"]);
    }
    let times: Vec<u64> = fixture
        .read(&at(&topic, 0), 0, 40)
        .iter()
        .map(|record| record.timestamp_ms)
        .collect();
    let mut check = |time: u64| {
        let expected = times.iter().position(|at| *at >= time).unwrap_or(40) as u64;
        assert_eq!(
            reader.offset_at(&at(&topic, 0), time).unwrap(),
            expected,
            "{time} in {times:?}"
        );
    };
    check(0);
    check(times[0]);
    check(times[7]);
    check(times[7] + 1);
    check(times[39]);
    check(times[39] + 1);
    check(times[39] + 1_000_000);
}

/// After transactions a reader's position still comes to the end of the range, whatever the bus keeps there besides records.
pub fn position_reaches_the_end_after_epochs(fixture: &Fixture) {
    let (input, output) = (fixture.topic("in", 1), fixture.topic("out", 1));
    let mut member = fixture.member(&[&input]);
    member.poll_until_owns(1);
    for round in 0..3 {
        let positions = [position(&at(&input, 0), round, "")];
        member
            .commit(&epoch(
                &[(&at(&output, 0), "a"), (&at(&output, 0), "b")],
                &positions,
            ))
            .unwrap();
    }
    let mut reader = fixture.bus.reader().unwrap();
    reader.assign(&[(at(&output, 0), 0)]).unwrap();
    let mut count = 0;
    let deadline = Instant::now() + DEADLINE;
    loop {
        count += reader
            .poll(Duration::from_millis(50), PLENTY)
            .unwrap()
            .len();
        let end = reader.range(&at(&output, 0)).unwrap().end;
        if reader.position(&at(&output, 0)).unwrap() == end {
            break;
        }
        assert!(
            Instant::now() < deadline,
            "{} of {end}",
            reader.position(&at(&output, 0)).unwrap()
        );
    }
    assert_eq!(count, 6);
}
