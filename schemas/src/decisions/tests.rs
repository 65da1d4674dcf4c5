//! The batch there and back, damaged, and its pinned layout.

#![allow(clippy::unwrap_used)]
use super::*;
use crate::wire::{WireError, put_len, put_varint};
use proptest::prelude::*;

/// Dictionary sizes that the indexes of generated entries fit.
const POLICIES: u16 = 2;
const STRINGS: u32 = 3;
const SETS: u32 = 2;
const TENANTS: u32 = 2;
const PROMOTED: u32 = 2;

fn decision() -> impl Strategy<Value = Decision> {
    let ids = (any::<[u8; 16]>(), any::<bool>(), 0..4_usize, any::<bool>());
    let indexes = (
        proptest::option::of(0..TENANTS),
        proptest::option::of(0..PROMOTED),
    );
    let longs = any::<[u64; 7]>();
    let counts = (any::<u32>(), any::<u32>(), 0..SETS);
    let names = (
        proptest::option::of(0..POLICIES),
        proptest::option::of(0..STRINGS),
        proptest::option::of(0..STRINGS),
        proptest::option::of(any::<u64>()),
    );
    (ids, longs, counts, names, indexes).prop_map(|(ids, longs, counts, names, indexes)| Decision {
        tenant: indexes.0,
        promoted: indexes.1,
        trace_id: ids.0,
        verdict: if ids.1 { Verdict::Keep } else { Verdict::Drop },
        kind: KINDS[ids.2],
        is_final: ids.3,
        policy: names.0,
        match_set: counts.2,
        threshold: longs[0],
        randomness: names.3,
        first_offset: longs[1],
        last_offset: longs[2],
        time_ms: longs[3],
        spans: counts.0,
        errors: counts.1,
        bytes: longs[4],
        duration_us: longs[5],
        shape: longs[6],
        root_service: names.1,
        root_operation: names.2,
    })
}

/// One attribute with text.
fn promoted(key: &str, value: &str) -> Bytes {
    let (mut any, mut pair, mut list) = (Vec::new(), Vec::new(), Vec::new());
    put_len(&mut any, 1, value.as_bytes());
    put_len(&mut pair, 1, key.as_bytes());
    put_len(&mut pair, 2, &any);
    put_len(&mut list, super::PROMOTED, &pair);
    list.into()
}

fn batch() -> impl Strategy<Value = DecisionBatch> {
    let names = |from| proptest::collection::vec(".{0,12}", from..5_usize);
    let entries = proptest::collection::vec(decision(), 1..20);
    let sets = proptest::collection::vec(proptest::collection::vec(0..POLICIES, 0..4), 2..5);
    let links = proptest::collection::vec((any::<prop::sample::Index>(), any::<[u8; 16]>()), 0..4);
    let rescues = proptest::collection::vec(
        (any::<prop::sample::Index>(), any::<u64>(), any::<u64>()),
        0..4,
    );
    let asked = (
        proptest::collection::vec(any::<u64>(), 0..3),
        proptest::collection::vec(0..5_u64, 40),
    );
    let tenants = proptest::option::of(proptest::collection::vec(
        proptest::collection::vec(any::<u8>(), 0..12),
        TENANTS as usize..5,
    ));
    let lists = ("[a-z.]{1,9}", ".{0,9}").prop_map(|(key, value)| promoted(&key, &value));
    let lists = proptest::collection::vec(lists, PROMOTED as usize..5);
    let promoted = proptest::option::of(lists);
    let extras = (
        any::<u64>(),
        links.clone(),
        links,
        rescues,
        asked,
        (tenants, promoted),
    );
    (names(2), names(3), sets, entries, extras).prop_map(
        |(policies, strings, match_sets, mut entries, extras)| {
            let (tenants, promoted) = extras.5;
            if tenants.is_none() {
                entries.iter_mut().for_each(|entry| entry.tenant = None);
            }
            if promoted.is_none() {
                entries.iter_mut().for_each(|entry| entry.promoted = None);
            }
            let at = |index: prop::sample::Index| index.index(entries.len()) as u32;
            let links = |links: Vec<(prop::sample::Index, [u8; 16])>| {
                let link = |(entry, trace_id)| Link {
                    entry: at(entry),
                    trace_id,
                };
                links.into_iter().map(link).collect()
            };
            DecisionBatch {
                generation: extras.0,
                policies,
                strings,
                match_sets,
                links: links(extras.1),
                sources: links(extras.2),
                rescues: (extras.3.into_iter())
                    .map(|(entry, from_offset, to_offset)| Rescue {
                        entry: at(entry),
                        from_offset,
                        to_offset,
                    })
                    .collect(),
                keys: extras.4.1[..extras.4.0.len() * entries.len()].to_vec(),
                statistics: extras.4.0,
                tenants: (tenants.into_iter().flatten().map(Into::into)).collect(),
                promoted: promoted.unwrap_or_default(),
                entries,
            }
        },
    )
}

proptest! {
    #[test]
    fn a_batch_survives_the_way_there_and_back(batch in batch()) {
        prop_assert_eq!(DecisionBatch::decode(&batch.encode()), Ok(batch));
    }

    /// The same entries with the same names, in order, whatever fits a record.
    #[test]
    fn a_batch_in_pieces_says_the_same(batch in batch(), bytes_max in 0..2000_usize) {
        let pieces: Vec<_> = batch
            .encode_within(bytes_max)
            .iter()
            .map(|piece| {
                let decoded = DecisionBatch::decode(piece).unwrap();
                assert!(piece.len() <= bytes_max || decoded.entries.len() == 1);
                decoded
            })
            .collect();
        let told: Vec<_> = pieces.iter().flat_map(spelled).collect();
        prop_assert_eq!(told, spelled(&batch));
        for piece in pieces {
            prop_assert_eq!((piece.generation, piece.policies), (batch.generation, batch.policies.clone()));
        }
    }

    #[test]
    fn a_truncated_batch_is_an_error(batch in batch(), cut in any::<prop::sample::Index>()) {
        let value = batch.encode();
        prop_assert!(DecisionBatch::decode(&value[..cut.index(value.len())]).is_err());
    }

    #[test]
    fn a_mutated_batch_is_decoded_or_an_error(
        batch in batch(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut value = batch.encode().to_vec();
        let at = at.index(value.len());
        value[at] = byte;
        if let Ok(decoded) = DecisionBatch::decode(&value) {
            prop_assert_eq!(DecisionBatch::decode(&decoded.encode()), Ok(decoded));
        }
    }
}

/// Each entry with what its indexes and what points at it stand for.
fn spelled(batch: &DecisionBatch) -> Vec<String> {
    let of = |links: &[Link], at: usize| -> Vec<_> {
        let links = links.iter().filter(|link| link.entry as usize == at);
        links.map(|link| link.trace_id).collect()
    };
    let name = |at: Option<u32>| at.map(|at| &batch.strings[at as usize]);
    let entries = batch.entries.iter().enumerate();
    let spelled = entries.map(|(at, entry)| {
        let bare = Decision {
            match_set: 0,
            tenant: None,
            promoted: None,
            root_service: None,
            root_operation: None,
            ..entry.clone()
        };
        let rescues = batch
            .rescues
            .iter()
            .filter(|rescue| rescue.entry as usize == at);
        let rescues: Vec<_> = rescues
            .map(|rescue| (rescue.from_offset, rescue.to_offset))
            .collect();
        format!(
            "{bare:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {rescues:?} {:?} {:?}",
            batch.tenant_of(entry),
            batch.promoted_of(entry),
            batch.match_sets[entry.match_set as usize],
            name(entry.root_service),
            name(entry.root_operation),
            of(&batch.links, at),
            of(&batch.sources, at),
            batch.statistics,
            batch.keys_of(at),
        )
    });
    spelled.collect()
}

fn example() -> DecisionBatch {
    let entry = |n: u8, policy: Option<u16>| Decision {
        tenant: None,
        trace_id: [n; 16],
        verdict: if policy.is_some() {
            Verdict::Keep
        } else {
            Verdict::Drop
        },
        kind: EntryKind::Decided,
        is_final: false,
        policy,
        match_set: u32::from(policy.is_none()),
        threshold: 0,
        randomness: None,
        first_offset: 1_000 + u64::from(n),
        last_offset: 1_003 + u64::from(n),
        time_ms: 1_700_000_000_000,
        spans: 12,
        errors: 0,
        bytes: 5_000,
        duration_us: 0,
        shape: 0,
        root_service: Some(0),
        root_operation: Some(1),
        promoted: None,
    };
    DecisionBatch {
        policies: vec!["errors".to_owned()],
        strings: vec!["shop".to_owned(), "GET /".to_owned()],
        match_sets: vec![vec![0], vec![]],
        entries: vec![entry(1, Some(0)), entry(2, None)],
        ..DecisionBatch::default()
    }
}

/// The example, with everything that version 2 has and version 1 has not.
fn full_example() -> DecisionBatch {
    let mut batch = example();
    batch.generation = 0x1234;
    for entry in &mut batch.entries {
        entry.errors = 2;
        entry.duration_us = 250;
        entry.shape = 0x0102_0304_0506_0708;
    }
    batch.entries[0].kind = EntryKind::Reopened;
    batch.entries[0].threshold = 0x80_0000_0000_0000;
    batch.entries[0].randomness = Some(0x9a);
    batch.entries[1].kind = EntryKind::Linked;
    batch.entries[1].is_final = true;
    batch.links = vec![Link {
        entry: 0,
        trace_id: [8; 16],
    }];
    batch.sources = vec![Link {
        entry: 1,
        trace_id: [9; 16],
    }];
    batch.rescues = vec![Rescue {
        entry: 0,
        from_offset: 900,
        to_offset: 905,
    }];
    batch
}

/// The layout is read by other releases: this value may only change together with the version byte.
#[test]
fn the_layout_is_pinned() {
    let mut expected = vec![2, 0xb4, 0x24, 1, 6];
    expected.extend(b"errors");
    expected.extend([2, 4]);
    expected.extend(b"shop");
    expected.push(5);
    expected.extend(b"GET /");
    expected.extend([2, 1, 0, 0]); // match sets: one with policy 0, one empty
    expected.extend([1, 8, 7, 6, 5, 4, 3, 2, 1]); // shapes
    expected.push(2);
    expected.extend([[1; 16], [2; 16]].concat());
    expected.extend([1 | 2 << 1 | 8 | 16 | 32 | 64, 3 << 1 | 16 | 32 | 128]);
    expected.push(0); // policy of the first
    expected.extend([0, 1]); // match sets
    expected.extend([0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01]); // threshold 2^55
    expected.extend([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]); // 2^55 less
    expected.extend([0x9a, 0x01]); // randomness of the first
    expected.extend([0xd2, 0x0f, 2]); // 1001, then 1 more
    expected.extend([6, 6]); // 3 behind the first offset
    expected.extend([0x80, 0xa0, 0xab, 0xfe, 0xf9, 0x62, 0]);
    expected.extend([12, 12]);
    expected.extend([2, 2]);
    expected.extend([0x88, 0x27, 0x88, 0x27]);
    expected.extend([0xfa, 0x01, 0xfa, 0x01]);
    expected.extend([0, 0]); // shapes
    expected.extend([0, 0]);
    expected.extend([1, 1]);
    expected.extend([1, 0]);
    expected.extend([8; 16]);
    expected.extend([1, 1]);
    expected.extend([9; 16]);
    expected.extend([1, 0, 0x84, 0x07, 10]);
    assert_eq!(full_example().encode(), expected);
}

#[test]
fn the_layout_with_statistics_is_pinned() {
    let mut batch = full_example();
    let mut expected = batch.encode().to_vec();
    expected[0] = 3;
    batch.statistics = vec![0x11, 0x22];
    batch.keys = vec![0, 7, 7, 9];
    expected.extend([2, 0x11, 0, 0, 0, 0, 0, 0, 0, 0x22, 0, 0, 0, 0, 0, 0, 0]);
    expected.extend([2, 7, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0]);
    expected.extend([0, 1, 1, 2]);
    assert_eq!(batch.encode(), expected);
    assert_eq!(batch.keys_of(1), [7, 9]);
    assert_eq!(DecisionBatch::decode(&expected), Ok(batch));
    let last = expected.len() - 1;
    expected[last] = 3;
    assert_eq!(
        DecisionBatch::decode(&expected),
        Err(DecisionError::Inconsistent("a key out of range"))
    );
}

#[test]
fn the_layout_with_tenants_is_pinned() {
    let mut batch = full_example();
    let mut expected = batch.encode().to_vec();
    expected[0] = 4;
    batch.tenants = vec![Bytes::from_static(b"shop"), Bytes::from_static(&[0xff])];
    batch.entries[1].tenant = Some(1);
    expected.extend([0, 0]); // no statistics, no keys
    expected.extend([2, 4]);
    expected.extend(b"shop");
    expected.extend([1, 0xff]);
    expected.extend([0, 2]);
    assert_eq!(batch.encode(), expected);
    let tenants: Vec<_> = (batch.entries.iter())
        .map(|entry| batch.tenant_of(entry))
        .collect();
    assert_eq!(tenants, [&b""[..], b"\xff"]);
    assert_eq!(DecisionBatch::decode(&expected), Ok(batch));
    let last = expected.len() - 1;
    expected[last] = 3;
    assert_eq!(
        DecisionBatch::decode(&expected),
        Err(DecisionError::Inconsistent("a tenant out of range"))
    );
    let mut none = full_example().encode().to_vec();
    none[0] = 4;
    none.extend([0; 5]);
    assert_eq!(
        DecisionBatch::decode(&none),
        Err(DecisionError::Inconsistent("version 4 without tenants"))
    );
}

#[test]
fn the_layout_with_promoted_attributes_is_pinned() {
    let mut batch = full_example();
    let mut expected = batch.encode().to_vec();
    expected[0] = 5;
    batch.promoted = vec![promoted("tenant.id", "acme")];
    batch.entries[1].promoted = Some(0);
    expected.extend([0, 0]); // no statistics, no keys
    expected.extend([0, 0, 0]); // no tenants
    let list = 1 + expected.len();
    expected.extend([1, 21, 0x0a, 19, 0x0a, 9]);
    expected.extend(b"tenant.id");
    expected.extend([0x12, 6, 0x0a, 4]);
    expected.extend(b"acme");
    expected.extend([0, 1]);
    assert_eq!(batch.encode(), expected);
    let of = |at: usize| batch.promoted_of(&batch.entries[at]);
    assert_eq!((of(0), of(1)), (None, Some(&batch.promoted[0])));
    assert_eq!(DecisionBatch::decode(&expected), Ok(batch));
    let check = |change: fn(&mut [u8], usize), at, error| {
        let mut value = expected.clone();
        change(&mut value, at);
        assert_eq!(
            DecisionBatch::decode(&value),
            Err(DecisionError::Inconsistent(error))
        );
    };
    let last = expected.len() - 1;
    let (range, none) = (
        "promoted attributes out of range",
        "promoted attributes that are none",
    );
    check(|value, at| value[at] = 2, last, range);
    // The attribute is said to be longer than the list.
    check(|value, at| value[at + 2] = 20, list, none);
    let mut without = full_example().encode().to_vec();
    without[0] = 5;
    without.extend([0; 8]);
    assert_eq!(
        DecisionBatch::decode(&without),
        Err(DecisionError::Inconsistent(
            "version 5 without promoted attributes"
        ))
    );
}

/// What releases before version 2 wrote.
fn version_1() -> Vec<u8> {
    let mut value = vec![1, 1, 6];
    value.extend(b"errors");
    value.extend([2, 4]);
    value.extend(b"shop");
    value.push(5);
    value.extend(b"GET /");
    value.push(2);
    value.extend([[1; 16], [2; 16]].concat());
    value.extend([1 | 4 | 8 | 16, 8 | 16]);
    value.push(0); // policy of the first
    value.extend([0, 0]); // thresholds
    value.extend([0xd2, 0x0f, 2]); // 1001, then 1 more
    value.extend([6, 6]); // 3 behind the first offset
    value.extend([0x80, 0xa0, 0xab, 0xfe, 0xf9, 0x62, 0]);
    value.extend([12, 12]);
    value.extend([0x88, 0x27, 0x88, 0x27]);
    value.extend([0, 0]);
    value.extend([1, 1]);
    value
}

#[test]
fn version_1_is_read() {
    assert_eq!(DecisionBatch::decode(&version_1()), Ok(example()));
    let mut extended = example();
    extended.entries[0].kind = EntryKind::Extended;
    let mut value = version_1();
    value[54] |= 2;
    assert_eq!(DecisionBatch::decode(&value), Ok(extended));
    value[54] |= 32;
    assert_eq!(
        DecisionBatch::decode(&value),
        Err(DecisionError::Inconsistent("an unknown flag"))
    );
    let mut lying = vec![1, 0, 0];
    put_varint(&mut lying, 1 << 63);
    assert_eq!(
        DecisionBatch::decode(&lying),
        Err(DecisionError::Inconsistent("more entries than bytes"))
    );
}

#[test]
fn what_is_wrong_is_said() {
    let check = |change: fn(&mut DecisionBatch), error| {
        let mut batch = full_example();
        change(&mut batch);
        assert_eq!(
            DecisionBatch::decode(&batch.encode()),
            Err(DecisionError::Inconsistent(error))
        );
    };
    check(
        |batch| batch.match_sets[0] = vec![1],
        "a policy index out of range",
    );
    check(
        |batch| batch.entries[0].policy = Some(1),
        "a policy index out of range",
    );
    check(
        |batch| batch.entries[0].match_set = 2,
        "a match set out of range",
    );
    check(
        |batch| batch.entries[0].root_service = Some(2),
        "a service index out of range",
    );
    check(
        |batch| batch.sources[0].entry = 2,
        "a link of an entry out of range",
    );
    check(
        |batch| batch.rescues[0].entry = 2,
        "a rescue of an entry out of range",
    );
    let mut value = example().encode().to_vec();
    value.push(0);
    assert_eq!(
        DecisionBatch::decode(&value),
        Err(DecisionError::Inconsistent("bytes behind the last column"))
    );
    value[0] = 6;
    assert_eq!(
        DecisionBatch::decode(&value),
        Err(DecisionError::Version(6))
    );
    assert_eq!(
        DecisionBatch::decode(&[]),
        Err(WireError::Truncated { at: 0 }.into())
    );
    // a count of 2^63 entries allocates nothing
    let mut lying = vec![2, 0, 0, 0, 0, 0];
    put_varint(&mut lying, 1 << 63);
    assert_eq!(
        DecisionBatch::decode(&lying),
        Err(DecisionError::Inconsistent("more entries than bytes"))
    );
}

/// 65,537 policies without a name, and a match set with the last of them: not the first, as the lower half of its index would have it.
#[test]
fn an_index_beyond_what_is_kept_of_it_is_refused() {
    let mut value = vec![2, 0];
    put_varint(&mut value, 65_537);
    value.resize(value.len() + 65_537, 0);
    value.extend([0, 1, 1]);
    put_varint(&mut value, 65_536);
    value.extend([0; 5]);
    assert_eq!(
        DecisionBatch::decode(&value).map(|batch| batch.match_sets),
        Err(DecisionError::Inconsistent("a policy index out of range"))
    );
}
