//! Reading outside of groups.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use bus::{Fetched, Scan};

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

/// A scan reads just its ranges, a few partitions at a time, and ends where it should; what is replaced goes on where it stood.
pub fn scans_read_ranges(fixture: &Fixture) {
    let topic = fixture.topic("t", 5);
    for partition in 0..5 {
        fixture.publish(&at(&topic, partition), &["a", "b", "c", "d", "e"]);
    }
    let mut scan = Scan::new(fixture.bus.reader().unwrap()).with_partitions_max(2);
    for partition in 0..5 {
        scan.add(at(&topic, partition), u64::from(partition)..4);
    }
    scan.forget(&at(&topic, 0));
    assert_eq!(scan.left(&at(&topic, 0)), None);
    assert_eq!(scan.left(&at(&topic, 3)), Some(3..4));
    let mut found = Vec::new();
    let each = |record: Fetched| {
        found.push((record.partition, record.offset));
        ControlFlow::Continue(())
    };
    scan.to_end(DEADLINE, each).unwrap();
    found.sort_unstable();
    // Partition 4's range was empty.
    assert_eq!(found, [(1, 1), (1, 2), (1, 3), (2, 2), (2, 3), (3, 3)]);
    let progress = scan.progress();
    assert_eq!((progress.records, progress.bytes), (6, 6));
    assert!(scan.is_done());

    scan.replace(BTreeMap::from([(at(&topic, 0), 1..u64::MAX)]));
    let first = scan.step(DEADLINE, 1).unwrap();
    assert_eq!(first[0].offset, 1);
    let stands = scan.left(&at(&topic, 0)).unwrap().start;
    scan.replace(BTreeMap::from([(at(&topic, 0), stands..5)]));
    let mut rest = Vec::new();
    scan.to_end(DEADLINE, |record| {
        rest.push(record.offset);
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(rest, (stands..5).collect::<Vec<_>>());

    // Whoever has enough breaks off.
    let mut all = 0;
    bus::read_topic(&*fixture.bus, &topic, DEADLINE, |_| {
        all += 1;
        ControlFlow::Break(())
    })
    .unwrap();
    assert_eq!(all, 1);
}

/// A throttled scan takes its time: twice as many bytes as a second allows take a second at least.
pub fn scans_are_throttled(fixture: &Fixture) {
    let topic = fixture.topic("t", 1);
    let value = "x".repeat(1000);
    fixture.publish(&at(&topic, 0), &[value.as_str(); 20]);
    let mut scan = Scan::new(fixture.bus.reader().unwrap()).with_bytes_per_second_max(10_000);
    scan.add(at(&topic, 0), 0..20);
    let begun = Instant::now();
    scan.to_end(DEADLINE, |_| ControlFlow::Continue(()))
        .unwrap();
    assert_eq!(scan.progress().bytes, 20_000);
    assert!(
        begun.elapsed() >= Duration::from_millis(900),
        "{:?}",
        begun.elapsed()
    );
}
