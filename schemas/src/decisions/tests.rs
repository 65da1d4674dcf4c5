//! The batch there and back, damaged, and its pinned layout.

#![allow(clippy::unwrap_used)]
use super::*;
use proptest::prelude::*;

fn decision(policies: u16, strings: u32) -> impl Strategy<Value = Decision> {
    let ids = (any::<[u8; 16]>(), any::<bool>(), any::<bool>());
    let numbers = (
        any::<u64>(),
        any::<u64>(),
        any::<u64>(),
        any::<u64>(),
        any::<u32>(),
        any::<u64>(),
    );
    let names = (
        proptest::option::of(0..policies),
        proptest::option::of(0..strings),
        proptest::option::of(0..strings),
    );
    (ids, numbers, names).prop_map(|(ids, numbers, names)| Decision {
        trace_id: ids.0,
        verdict: if ids.1 { Verdict::Keep } else { Verdict::Drop },
        kind: if ids.2 {
            EntryKind::Extended
        } else {
            EntryKind::Decided
        },
        policy: names.0,
        threshold: numbers.0,
        first_offset: numbers.1,
        last_offset: numbers.2,
        time_ms: numbers.3,
        spans: numbers.4,
        bytes: numbers.5,
        root_service: names.1,
        root_operation: names.2,
    })
}

fn batch() -> impl Strategy<Value = DecisionBatch> {
    let names = |from| proptest::collection::vec(".{0,12}", from..5_usize);
    let entries = proptest::collection::vec(decision(2, 3), 0..20);
    (names(2), names(3), entries).prop_map(|(policies, strings, entries)| DecisionBatch {
        policies,
        strings,
        entries,
    })
}

proptest! {
    #[test]
    fn a_batch_survives_the_way_there_and_back(batch in batch()) {
        prop_assert_eq!(DecisionBatch::decode(&batch.encode()), Ok(batch));
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

fn example() -> DecisionBatch {
    let entry = |n: u8, policy: Option<u16>| Decision {
        trace_id: [n; 16],
        verdict: if policy.is_some() {
            Verdict::Keep
        } else {
            Verdict::Drop
        },
        kind: EntryKind::Decided,
        policy,
        threshold: 0,
        first_offset: 1_000 + u64::from(n),
        last_offset: 1_003 + u64::from(n),
        time_ms: 1_700_000_000_000,
        spans: 12,
        bytes: 5_000,
        root_service: Some(0),
        root_operation: Some(1),
    };
    DecisionBatch {
        policies: vec!["errors".to_owned()],
        strings: vec!["shop".to_owned(), "GET /".to_owned()],
        entries: vec![entry(1, Some(0)), entry(2, None)],
    }
}

/// The layout is read by other releases: this value may only change together with the version byte.
#[test]
fn the_layout_is_pinned() {
    let mut expected = vec![1, 1, 6];
    expected.extend(b"errors");
    expected.extend([2, 4]);
    expected.extend(b"shop");
    expected.push(5);
    expected.extend(b"GET /");
    expected.push(2);
    expected.extend([[1; 16], [2; 16]].concat());
    expected.extend([1 | 4 | 8 | 16, 8 | 16]);
    expected.push(0); // policy of the first
    expected.extend([0, 0]); // thresholds
    expected.extend([0xd2, 0x0f, 2]); // 1001, then 1 more
    expected.extend([6, 6]); // 3 behind the first offset
    expected.extend([0x80, 0xa0, 0xab, 0xfe, 0xf9, 0x62, 0]);
    expected.extend([12, 12]);
    expected.extend([0x88, 0x27, 0x88, 0x27]);
    expected.extend([0, 0]);
    expected.extend([1, 1]);
    assert_eq!(example().encode(), expected);
}

#[test]
fn what_is_wrong_is_said() {
    let check = |change: fn(&mut DecisionBatch), error| {
        let mut batch = example();
        change(&mut batch);
        assert_eq!(DecisionBatch::decode(&batch.encode()), Err(error));
    };
    check(
        |batch| batch.policies.clear(),
        DecisionError::Inconsistent("a policy index out of range"),
    );
    check(
        |batch| batch.entries[0].root_service = Some(2),
        DecisionError::Inconsistent("a service index out of range"),
    );
    let mut value = example().encode().to_vec();
    value.push(0);
    assert_eq!(
        DecisionBatch::decode(&value),
        Err(DecisionError::Inconsistent("bytes behind the last column"))
    );
    value[0] = 2;
    assert_eq!(
        DecisionBatch::decode(&value),
        Err(DecisionError::Version(2))
    );
    assert_eq!(
        DecisionBatch::decode(&[]),
        Err(WireError::Truncated { at: 0 }.into())
    );
    // a count of 2^63 entries allocates nothing
    let mut lying = vec![1, 0, 0];
    put_varint(&mut lying, 1 << 63);
    assert_eq!(
        DecisionBatch::decode(&lying),
        Err(DecisionError::Inconsistent("more entries than bytes"))
    );
}
