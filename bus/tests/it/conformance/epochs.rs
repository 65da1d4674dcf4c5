//! Epochs: output and positions become visible together, or not at all.

use std::sync::{Arc, Mutex};

use bus::CommitError;

use crate::fixture::{Fixture, at, epoch, position, values};

/// What is committed is read, and the next owner gets position and metadata.
pub fn records_and_positions_come_together(fixture: &Fixture) {
    let (input, output) = (fixture.topic("in", 2), fixture.topic("out", 1));
    fixture.publish(&at(&input, 0), &["a", "b", "c"]);
    let mut member = fixture.member(&[&input]);
    member.poll_until_owns(2);
    assert!(
        member
            .told
            .assigned()
            .iter()
            .all(|assigned| assigned.committed.is_none())
    );
    member.poll_until_read(3);
    let first = position(&at(&input, 0), 2, "state: päct");
    member
        .commit(&epoch(
            &[(&at(&output, 0), "A"), (&at(&output, 0), "B")],
            &[first],
        ))
        .unwrap();
    let positions = [
        position(&at(&input, 0), 3, "two"),
        position(&at(&input, 1), 0, ""),
    ];
    member
        .commit(&epoch(&[(&at(&output, 0), "C")], &positions))
        .unwrap();
    member.member.close().unwrap();
    assert_eq!(
        values(&fixture.read(&at(&output, 0), 0, 3)),
        ["A", "B", "C"]
    );

    let mut next = fixture.member(&[&input]);
    next.poll_until_owns(2);
    let mut assigned = next.told.assigned();
    assigned.sort_by_key(|assigned| assigned.at.partition);
    assert_eq!(assigned[0].committed.as_ref(), Some(&positions[0]));
    assert_eq!(assigned[1].committed.as_ref(), Some(&positions[1]));
}

/// One epoch may write to many partitions; within one the order stays.
pub fn output_spans_partitions_in_order(fixture: &Fixture) {
    let (input, output) = (fixture.topic("in", 1), fixture.topic("out", 3));
    let mut member = fixture.member(&[&input]);
    member.poll_until_owns(1);
    for round in 0..10_u64 {
        let texts: Vec<String> = (0..6).map(|index| format!("{round}.{index}")).collect();
        let partitions: Vec<_> = (0..6).map(|index| at(&output, index % 3)).collect();
        let records: Vec<_> = partitions
            .iter()
            .zip(texts.iter().map(String::as_str))
            .collect();
        member
            .commit(&epoch(&records, &[position(&at(&input, 0), round, "")]))
            .unwrap();
    }
    for partition in 0..3 {
        let read = fixture.read(&at(&output, partition), 0, 20);
        let expected: Vec<String> = (0..10)
            .flat_map(|round| [partition, partition + 3].map(|index| format!("{round}.{index}")))
            .collect();
        assert_eq!(values(&read), expected);
    }
}

/// A member that gave a partition up can't commit for it any more, and nothing of the attempt is seen.
pub fn commit_after_revoke_is_fenced(fixture: &Fixture) {
    let (input, output) = (fixture.topic("in", 2), fixture.topic("out", 1));
    let mut first = fixture.member(&[&input]);
    first.poll_until_owns(2);
    let mut second = fixture.member(&[&input]);
    // Both are members in good standing, of which the group alone would take positions of each partition.
    while first.told.owned().len() != 1 || second.told.owned().len() != 1 {
        first.poll();
        second.poll();
    }
    let gone = second.told.owned()[0].clone();
    let refused = first.commit(&epoch(
        &[(&at(&output, 0), "stolen")],
        &[position(&gone, 7, "stolen")],
    ));
    assert!(
        matches!(refused, Err(CommitError::Fenced(_))),
        "{refused:?}"
    );
    second
        .commit(&epoch(
            &[(&at(&output, 0), "mine")],
            &[position(&gone, 1, "mine")],
        ))
        .unwrap();
    assert_eq!(values(&fixture.read(&at(&output, 0), 0, 1)), ["mine"]);
}

/// Inside `revoked` the last epoch can still be committed, and the next owner goes on behind it.
pub fn commit_inside_revoked_succeeds(fixture: &Fixture) {
    let (input, output) = (fixture.topic("in", 2), fixture.topic("out", 1));
    // A position beyond the end would be that of a log that went back.
    for partition in 0..2 {
        fixture.publish(&at(&input, partition), &["a", "b", "c", "d", "e"]);
    }
    let mut first = fixture.member(&[&input]);
    first.poll_until_owns(2);
    let results = Arc::new(Mutex::new(Vec::new()));
    let (committer, out, log) = (first.committer.clone(), at(&output, 0), results.clone());
    first.told.on_revoked(move |partitions| {
        let positions: Vec<_> = partitions
            .iter()
            .map(|at| position(at, 5, "last"))
            .collect();
        let committed = committer
            .lock()
            .unwrap()
            .commit(&epoch(&[(&out, "last words")], &positions));
        log.lock()
            .unwrap()
            .push(committed.map_err(|error| error.to_string()));
    });
    let mut second = fixture.member(&[&input]);
    while second.told.owned().len() != 1 {
        first.poll();
        second.poll();
    }
    assert!(
        results.lock().unwrap().iter().all(Result::is_ok),
        "{results:?}"
    );
    let assigned = second.told.assigned();
    let last = assigned.last().unwrap();
    assert_eq!(last.committed, Some(position(&last.at, 5, "last")));
    assert_eq!(
        values(&fixture.read(&at(&output, 0), 0, 1))[0],
        "last words"
    );
}

/// An epoch with nothing in it, or with positions alone, is fine.
pub fn empty_epoch(fixture: &Fixture) {
    let input = fixture.topic("in", 1);
    let mut member = fixture.member(&[&input]);
    member.poll_until_owns(1);
    member.commit(&epoch(&[], &[])).unwrap();
    member
        .commit(&epoch(&[], &[position(&at(&input, 0), 0, "only")]))
        .unwrap();
    member.member.close().unwrap();
    let mut next = fixture.member(&[&input]);
    next.poll_until_owns(1);
    assert_eq!(
        next.told.assigned()[0].committed,
        Some(position(&at(&input, 0), 0, "only"))
    );
}
