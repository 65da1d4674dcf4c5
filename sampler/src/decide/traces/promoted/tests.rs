//! Which span is the entry span, and that what is held is counted and let go.

#![allow(clippy::unwrap_used)]

use schemas::decisions::promoted_attributes;
use schemas::otlp::AnyValue;
use schemas::wire::put_len;

use super::*;
use crate::decide::facts::NO_RANDOMNESS;
use crate::policy::Bits;

fn keys() -> PromotedKeys {
    PromotedKeys::new(["id"])
}

fn facts(start_unix_nano: u64, root: bool) -> SpanFacts {
    SpanFacts {
        id: [1; 16],
        start_unix_nano,
        end_unix_nano: 0,
        bits: Bits::default(),
        bytes: 0,
        root_service: NONE,
        root_operation: NONE,
        randomness: NO_RANDOMNESS,
        service: 0,
        root,
        error: false,
        valid: true,
    }
}

/// With the attribute `id`, unless it is empty.
fn body(id: &str) -> Vec<u8> {
    let (mut any, mut pair, mut body) = (Vec::new(), Vec::new(), Vec::new());
    if !id.is_empty() {
        put_len(&mut any, 1, id.as_bytes());
        put_len(&mut pair, 1, b"id");
        put_len(&mut pair, 2, &any);
        put_len(&mut body, 9, &pair);
    }
    body
}

fn id_of(list: Option<&Bytes>) -> String {
    let Some(list) = list else {
        return String::new();
    };
    match promoted_attributes(list).next().unwrap().unwrap().value {
        AnyValue::String(text) => String::from_utf8(text.to_vec()).unwrap(),
        other => panic!("{other:?}"),
    }
}

impl Promoted {
    fn see(&mut self, slot: u32, start: u64, root: bool, id: &str) {
        self.gather(slot, &facts(start, root), &body(id), &keys());
    }

    /// Decides the trace at `slot`, whose verdict stands at `at`.
    fn close(&mut self, slot: u32, at: u32) -> Refused {
        let taken = self.take(slot, false);
        self.decide(at, taken.list);
        taken.refused
    }

    fn lists(&self) -> usize {
        self.lists.held().0
    }
}

/// What is promoted of spans (start, root, id) in the order in which they come.
#[track_caller]
fn check(spans: &[(u64, bool, &str)], expected: &str) {
    let mut promoted = Promoted::default();
    for &(start, root, id) in spans {
        promoted.see(3, start, root, id);
    }
    promoted.close(3, 8);
    assert_eq!(id_of(promoted.of_verdict(8)), expected, "{spans:?}");
    promoted.forget(8);
    assert_eq!(promoted.lists.held(), (0, 0));
}

#[test]
fn the_root_counts_or_else_the_span_that_starts_first() {
    check(&[(5, true, "root"), (1, false, "child")], "root");
    check(&[(1, false, "child"), (5, true, "root")], "root");
    check(&[(5, true, "first"), (1, true, "second")], "first");
    check(&[(5, false, "late"), (3, false, "early")], "early");
    check(&[(3, false, "early"), (5, false, "late")], "early");
    check(&[(3, false, "a"), (3, false, "b")], "a");
    // The entry span alone counts, even where it has nothing.
    check(&[(1, false, "child"), (5, true, "")], "");
    check(&[(3, false, "late"), (1, false, "")], "");
}

#[test]
fn equal_lists_are_held_once_and_as_long_as_they_are_needed() {
    let mut promoted = Promoted::default();
    for slot in 0..100 {
        promoted.see(slot, 1, true, if slot == 7 { "other" } else { "same" });
    }
    assert_eq!(promoted.lists(), 2);
    for slot in 0..100 {
        promoted.close(slot, slot);
    }
    for at in 0..99 {
        promoted.forget(at);
    }
    assert_eq!(promoted.lists(), 1);
    assert_eq!(id_of(promoted.of_verdict(99)), "same");
    promoted.forget(99);
    assert_eq!(promoted.lists.held(), (0, 0));
}

#[test]
fn what_has_no_room_is_counted_and_verdicts_keep_theirs() {
    let mut promoted = Promoted::default();
    promoted.see(0, 1, true, "first");
    promoted.close(0, 0);
    promoted.set_bytes_max(promoted.held_bytes() + 10);
    promoted.see(1, 1, true, "second");
    assert_eq!(promoted.close(1, 1).no_memory, 1);
    // What is there already takes no more room.
    promoted.see(2, 1, true, "first");
    assert_eq!(promoted.close(2, 2), Refused::default());
    // What the decision log has is held in any case.
    let restored = promoted.enter(b"\x0a\x0d\x0a\x02id\x12\x07\x0a\x05third");
    promoted.renew(3, restored);
    let of = |at| id_of(promoted.of_verdict(at));
    assert_eq!(
        [of(0), of(1), of(2), of(3)],
        ["first", "", "first", "third"]
    );
}

#[test]
fn a_reopened_trace_goes_on_with_what_it_had() {
    let mut promoted = Promoted::default();
    promoted.see(0, 1, true, "root");
    promoted.close(0, 0);
    promoted.inherit(5, 0, &keys());
    promoted.see(5, 0, false, "late error");
    promoted.close(5, 1);
    promoted.inherit(6, 0, &PromotedKeys::new(["other"]));
    promoted.close(6, 2);
    promoted.forget(0);
    let of = |at| id_of(promoted.of_verdict(at));
    assert_eq!([of(0), of(1), of(2)], ["", "root", ""]);
}

/// A trace whose root came before the keys gets nothing from a later span.
#[test]
fn other_keys_are_not_known_of_spans_that_came_before() {
    let (none, keys) = (PromotedKeys::default(), keys());
    let mut promoted = Promoted::default();
    promoted.reconfigure((&none, &keys), [(0, 10, true), (1, 10, false)].into_iter());
    for slot in 0..2 {
        promoted.see(slot, 20, false, "later");
        promoted.see(slot, 5, false, "earlier");
    }
    promoted.see(2, 20, false, "opened since");
    let both = PromotedKeys::new(["new", "id"]);
    promoted.reconfigure((&keys, &both), (0..3).map(|slot| (slot, 5, slot == 0)));
    (0..3).for_each(|slot| {
        promoted.close(slot, slot);
    });
    promoted.see(3, 20, true, "goes");
    promoted.reconfigure((&both, &none), [(3, 20, true)].into_iter());
    promoted.close(3, 3);
    let of = |at| id_of(promoted.of_verdict(at));
    assert_eq!(
        [of(0), of(1), of(2), of(3)],
        ["", "earlier", "opened since", ""]
    );
    assert_eq!(promoted.lists(), 2);
}
