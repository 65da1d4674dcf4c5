//! What is finished in any order, and the positions that follow.
use super::*;
use crate::records::skipped::Reason;

fn at(partition: u32) -> TopicPartition {
    TopicPartition::new("t", partition)
}

fn taken(progress: &mut Progress) -> Vec<(u32, u64)> {
    let mut positions: Vec<_> = progress
        .take()
        .into_iter()
        .map(|moved| (moved.position.at.partition, moved.position.offset))
        .collect();
    positions.sort_unstable();
    positions
}

/// A record is read and handed over.
fn begin(progress: &mut Progress, partition: u32, offset: u64, items: u64) {
    progress.read(&at(partition), offset, items, "a".into());
    progress.begin(&at(partition), offset);
}

/// Begins offsets 10.. on one partition, finishes some in the given order, and says what could be committed after each.
#[track_caller]
fn check(begun: u64, finished: &[u64], expected: &[Option<u64>]) {
    let mut progress = Progress::default();
    progress.own(at(0));
    (10..10 + begun).for_each(|offset| begin(&mut progress, 0, offset, 1));
    let found: Vec<_> = finished
        .iter()
        .map(|offset| {
            progress.finish(&at(0), *offset, 0, Skipped::default(), Vec::new());
            taken(&mut progress).first().map(|(_, offset)| *offset)
        })
        .collect();
    assert_eq!(found, expected);
    assert_eq!(progress.is_settled(&at(0)), finished.len() as u64 == begun);
}

#[test]
fn positions_move_only_over_what_is_done() {
    check(3, &[10, 11, 12], &[Some(11), Some(12), Some(13)]);
    check(3, &[12, 11, 10], &[None, None, Some(13)]);
    check(4, &[11, 10, 13], &[None, Some(12), None]);
    check(2, &[11], &[None]);
}

#[test]
fn gaps_between_offsets_are_passed() {
    let mut progress = Progress::default();
    progress.own(at(0));
    for offset in [3, 7, 20] {
        begin(&mut progress, 0, offset, 1);
    }
    progress.finish(&at(0), 7, 0, Skipped::default(), Vec::new());
    progress.finish(&at(0), 3, 0, Skipped::default(), Vec::new());
    assert_eq!(taken(&mut progress), [(0, 8)]);
    progress.finish(&at(0), 20, 0, Skipped::default(), Vec::new());
    assert!(progress.has_moved());
    assert_eq!(taken(&mut progress), [(0, 21)]);
    assert!(!progress.has_moved());
}

#[test]
fn partitions_do_not_wait_for_each_other() {
    let mut progress = Progress::default();
    for partition in 0..2 {
        progress.own(at(partition));
        begin(&mut progress, partition, 0, 1);
        begin(&mut progress, partition, 1, 1);
    }
    progress.finish(&at(1), 0, 0, Skipped::default(), Vec::new());
    progress.finish(&at(0), 1, 0, Skipped::default(), Vec::new());
    assert_eq!(taken(&mut progress), [(1, 1)]);
}

#[test]
fn what_was_lost_is_never_committed() {
    let mut progress = Progress::default();
    progress.own(at(0));
    begin(&mut progress, 0, 5, 1);
    progress.forget(&at(0));
    progress.finish(&at(0), 5, 0, Skipped::default(), Vec::new());
    assert_eq!(taken(&mut progress), []);
    assert!(progress.is_settled(&at(0)));
}

#[test]
fn a_batch_of_an_earlier_ownership_finishes_only_what_is_the_same_record() {
    let mut progress = Progress::default();
    progress.own(at(0));
    begin(&mut progress, 0, 5, 1);
    progress.own(at(0));
    progress.finish(&at(0), 5, 0, Skipped::default(), Vec::new());
    assert_eq!(taken(&mut progress), [], "5 was not handed over again yet");
    begin(&mut progress, 0, 5, 1);
    begin(&mut progress, 0, 6, 1);
    progress.finish(&at(0), 5, 0, Skipped::default(), Vec::new());
    assert_eq!(taken(&mut progress), [(0, 6)]);
}

/// Records of 10 items each, of which the second has 3 in the dead letters.
fn three_done() -> Progress {
    let mut progress = Progress::default();
    progress.own(at(0));
    (0..3).for_each(|offset| begin(&mut progress, 0, offset, 10));
    progress.finish(&at(0), 1, 3, Skipped::default(), Vec::new());
    progress.finish(&at(0), 0, 0, Skipped::default(), Vec::new());
    progress
}

#[test]
fn items_count_with_the_position_that_passes_them() {
    let mut progress = three_done();
    assert_eq!(progress.pending(&"t".into()), 30);
    let moved = progress.take();
    let tally = Tally {
        items: 20,
        dead: 3,
        skipped: Skipped::default(),
    };
    assert_eq!((moved.len(), moved[0].tally), (1, tally));
    assert_eq!(progress.pending(&"t".into()), 30, "not committed yet");
    progress.committed(&moved);
    assert_eq!(progress.pending(&"t".into()), 10);
    progress.finish(&at(0), 2, 0, Skipped::default(), Vec::new());
    assert_eq!(
        progress.take()[0].tally,
        Tally {
            items: 10,
            dead: 0,
            skipped: Skipped::default()
        }
    );
}

#[test]
fn what_was_refused_counts_with_a_later_commit_and_once() {
    let mut progress = three_done();
    let refused = progress.take();
    progress.finish(&at(0), 2, 0, Skipped::default(), Vec::new());
    progress.refused(refused);
    let moved = progress.take();
    assert_eq!(moved[0].position.offset, 3);
    assert_eq!(
        moved[0].tally,
        Tally {
            items: 30,
            dead: 3,
            skipped: Skipped::default()
        }
    );
    progress.committed(&moved);
    assert_eq!(progress.pending(&"t".into()), 0);
}

#[test]
fn what_was_refused_is_committed_again_if_the_partition_is_still_owned() {
    let mut progress = three_done();
    let moved = progress.take();
    progress.refused(moved.clone());
    assert_eq!(progress.take(), moved);
    progress.own(at(0));
    progress.refused(moved);
    assert_eq!(
        progress.take(),
        [],
        "its records are read and counted again"
    );
    assert_eq!(progress.pending(&"t".into()), 0);
}

/// Batches that are of one tenant each begin in another order than the log's.
#[test]
fn no_position_passes_a_record_that_waits() {
    let mut progress = Progress::default();
    progress.own(at(0));
    for (offset, tenant) in ["a", "b", "a", "c"].into_iter().enumerate() {
        progress.read(&at(0), offset as u64, 1, tenant.into());
    }
    progress.begin(&at(0), 0);
    progress.begin(&at(0), 2);
    assert_eq!(progress.pending(&"t".into()), 2);
    assert!(!progress.is_settled(&at(0)));
    progress.finish(&at(0), 0, 0, Skipped::default(), Vec::new());
    progress.finish(&at(0), 2, 0, Skipped::default(), Vec::new());
    progress.skip(&at(0), 3, Skipped::of(Reason::Tenant, 1));
    // What waits isn't in flight: nobody has to wait for it when the partition goes.
    assert!(progress.is_settled(&at(0)));
    assert_eq!(taken(&mut progress), [(0, 1)]);
    progress.begin(&at(0), 1);
    progress.finish(&at(0), 1, 1, Skipped::default(), Vec::new());
    let moved = progress.take();
    assert_eq!(moved[0].position.offset, 4);
    let tally = |items, dead, skipped| Tally {
        items,
        dead,
        skipped: Skipped::of(Reason::Tenant, skipped),
    };
    assert_eq!(moved[0].tally, tally(3, 1, 1));
    assert_eq!(moved[0].tally.delivered(), 1);
    let expected = [
        ("a", tally(1, 0, 0)),
        ("b", tally(1, 1, 0)),
        ("c", tally(1, 0, 1)),
    ];
    let by_tenant = moved[0].by_tenant.iter();
    let by_tenant: Vec<_> = by_tenant
        .map(|(tenant, tally)| (&**tenant, *tally))
        .collect();
    assert_eq!(by_tenant, expected);
    progress.committed(&moved);
}

/// A batch of which a part was accepted is made again as a whole.
#[test]
fn a_batch_that_is_recognized_is_passed_as_a_whole() {
    let mut progress = Progress::default();
    progress.own(at(0));
    (10..14).for_each(|offset| progress.read(&at(0), offset, 1, "a".into()));
    progress.skip(&at(0), 10, Skipped::of(Reason::Tenant, 1));
    assert_eq!(taken(&mut progress), [(0, 11)]);
    (11..13).for_each(|offset| progress.begin(&at(0), offset));
    let intent = Intent { last: 12 };
    assert!(progress.intend(&at(0), intent));
    let moved = progress.take();
    let written: Vec<_> = (moved.iter())
        .map(|moved| {
            (
                moved.position.offset,
                &*moved.position.metadata,
                moved.intent,
            )
        })
        .collect();
    assert_eq!(written, [(11, "next=12", Some(intent))]);
    // It isn't committed, so it is to be taken once more.
    progress.refused(moved);
    assert!(progress.has_moved());
    assert_eq!(progress.take()[0].intent, Some(intent));
    assert!(!progress.has_moved());

    progress.finish(&at(0), 11, 0, Skipped::default(), Vec::new());
    assert_eq!(taken(&mut progress), [], "a part of it is no position");
    progress.finish(&at(0), 12, 1, Skipped::default(), Vec::new());
    // One commit is for what is done and for the next.
    progress.begin(&at(0), 13);
    assert!(progress.intend(&at(0), Intent { last: 13 }));
    let moved = progress.take();
    assert_eq!(
        (moved[0].position.offset, &*moved[0].position.metadata),
        (13, "next=13")
    );
    assert_eq!((moved[0].tally.items, moved[0].tally.dead), (2, 1));
    progress.finish(&at(0), 13, 0, Skipped::default(), Vec::new());
    let moved = progress.take();
    assert_eq!(
        (moved[0].position.offset, &*moved[0].position.metadata),
        (14, "")
    );
    assert!(!progress.intend(&at(1), intent), "not owned");
}

/// A message for the bus that says what it is of.
fn output(text: &'static str) -> Output {
    let record = bus::Record {
        headers: Vec::new(),
        value: bytes::Bytes::from_static(text.as_bytes()),
    };
    vec![(at(9), record)]
}

fn outputs(moved: &[Moved]) -> Vec<&[u8]> {
    let all = moved.iter().flat_map(|moved| &moved.output);
    all.map(|(_, record)| &record.value[..]).collect()
}

/// What a record becomes goes with the position that passes it: neither before nor after it, nor twice.
#[test]
fn output_leaves_with_the_position_that_passes_it() {
    let mut progress = Progress::default();
    progress.own(at(0));
    (1..5).for_each(|offset| begin(&mut progress, 0, offset, 1));
    progress.finish(&at(0), 2, 0, Skipped::default(), output("2"));
    assert!(progress.take().is_empty());
    assert!(progress.output_bytes() > 0);
    progress.finish(&at(0), 1, 0, Skipped::default(), output("1"));
    let moved = progress.take();
    assert_eq!(
        (moved[0].position.offset, outputs(&moved)),
        (3, vec![&b"1"[..], b"2"])
    );
    // Refused, and more is done meanwhile.
    progress.finish(&at(0), 3, 0, Skipped::default(), output("3"));
    progress.refused(moved);
    let moved = progress.take();
    assert_eq!(
        (moved[0].position.offset, outputs(&moved)),
        (4, vec![&b"1"[..], b"2", b"3"])
    );
    progress.committed(&moved);
    assert_eq!(progress.output_bytes(), 0);
    progress.finish(&at(0), 4, 0, Skipped::default(), output("4"));
    assert_eq!(outputs(&progress.take()), [b"4"]);
}

/// A batch that outlived its ownership finishes records that were read again: each counts once.
#[test]
fn output_of_an_earlier_ownership_is_not_added() {
    let mut progress = Progress::default();
    progress.own(at(0));
    begin(&mut progress, 0, 1, 1);
    progress.forget(&at(0));
    progress.finish(&at(0), 1, 0, Skipped::default(), output("lost"));
    assert_eq!(progress.output_bytes(), 0);
    progress.own(at(0));
    begin(&mut progress, 0, 0, 1);
    begin(&mut progress, 0, 1, 1);
    progress.finish(&at(0), 1, 0, Skipped::default(), output("early"));
    progress.finish(&at(0), 1, 0, Skipped::default(), output("late"));
    progress.finish(&at(0), 0, 0, Skipped::default(), output("first"));
    let moved = progress.take();
    assert_eq!(outputs(&moved), [&b"first"[..], b"late"]);
    progress.forget(&at(0));
    progress.own(at(0));
    progress.refused(moved);
    assert!(progress.take().is_empty(), "another's now");
    assert_eq!(progress.output_bytes(), 0);
}
