//! `tracestate`: the reader of members against the Collector's own patterns, and what the sampler writes about its choice into any state.
//!
//! The first nine bytes are a threshold and whether there is a random value; the rest is the state.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use regex::bytes::Regex;
use schemas::decisions::UNKNOWN_THRESHOLD;
use schemas::otlp::sampling::{Choice, Upstream};
use schemas::otlp::trace_state;

fuzz_target!(init: tailwater_fuzz::keep_overflowing_inputs(), |bytes: &[u8]| {
    let Some(([threshold @ .., how], state)) = bytes.split_first_chunk::<9>() else {
        return;
    };
    check_reader(state);
    let threshold = u64::from_le_bytes(*threshold);
    let choice = Choice {
        threshold: threshold % (UNKNOWN_THRESHOLD + 1),
        randomness: (how % 2 == 1).then_some(threshold.rotate_left(17) % UNKNOWN_THRESHOLD),
    };
    check_writer(state, choice);
});

/// The patterns of `go.opentelemetry.io/otel/trace`, which the Collector reads states with.
static KEY: LazyLock<Regex> = LazyLock::new(|| {
    let rest = r"[a-z0-9_*/-]";
    let simple = format!("[a-z]{rest}{{0,255}}");
    let tenant = format!("[a-z0-9]{rest}{{0,240}}@[a-z]{rest}{{0,13}}");
    Regex::new(&format!("^(?-u)(?:{simple}|{tenant})$")).expect("a pattern")
});
static VALUE: LazyLock<Regex> = LazyLock::new(|| {
    let any = r"[\x20-\x2b\x2d-\x3c\x3e-\x7e]";
    let last = r"[\x21-\x2b\x2d-\x3c\x3e-\x7e]";
    Regex::new(&format!("^(?-u){any}{{0,255}}{last}$")).expect("a pattern")
});

/// Members in order; `None`: one of them, or their number, makes the whole invalid.
fn plainly(state: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let mut members: Vec<(&[u8], &[u8])> = Vec::new();
    let blank = |byte: &u8| *byte == b' ' || *byte == b'\t';
    for member in state
        .split(|byte| *byte == b',')
        .filter(|member| !member.is_empty())
    {
        let mut parts = member.splitn(2, |byte| *byte == b'=');
        let (key, value) = (parts.next()?, parts.next()?);
        let key = &key[key.iter().take_while(|byte| blank(byte)).count()..];
        let value =
            &value[..value.len() - value.iter().rev().take_while(|byte| blank(byte)).count()];
        let known = members.iter().any(|(other, _)| *other == key);
        if !KEY.is_match(key) || !VALUE.is_match(value) || known {
            return None;
        }
        members.push((key, value));
    }
    (members.len() <= 32).then_some(members)
}

fn check_reader(state: &[u8]) {
    let plain = plainly(state);
    for wanted in [&b"ot"[..], b"a", b"dd", b"1x@sys"] {
        let expected = plain.as_ref().map(|members| {
            let member = members.iter().find(|(key, _)| *key == wanted);
            member.map(|(_, value)| *value)
        });
        assert_eq!(trace_state::find(state, wanted), expected);
        assert_eq!(trace_state::value_of(state, wanted), expected.flatten());
    }
}

const ID: [u8; 16] = [0xab; 16];

fn check_writer(state: &[u8], choice: Choice) {
    let upstream = Upstream::read(state);
    let sampled = upstream.then(choice, &ID);
    if let Some(threshold) = sampled.threshold {
        assert!(threshold >= choice.threshold && threshold < UNKNOWN_THRESHOLD);
        assert!(
            upstream.threshold.is_none_or(|before| before <= threshold),
            "lowered"
        );
    }
    let mut out = b"before".to_vec();
    let changed = sampled.write(state, &mut out);
    let written = out.strip_prefix(b"before").expect("what was there");
    if !changed {
        assert!(written.is_empty());
        return;
    }
    let after = Upstream::read(written);
    // What there is no room for is left unsaid, and never said wrongly.
    let said = after.threshold == sampled.threshold || after.threshold.is_none();
    assert!(said, "{after:?} for {sampled:?}");
    // In a list that isn't valid, blanks may part what reads as one.
    let sound = plainly(state).is_some() && !state.contains(&b' ');
    if let (Some(before), true) = (upstream.randomness, sound) {
        assert_eq!(after.randomness, Some(before), "a random value is gone");
    }
    // Once said it isn't said again, unless there was no room.
    if after.threshold == sampled.threshold {
        let mut again = Vec::new();
        let third = after.then(choice, &ID).write(written, &mut again);
        assert!(!third || after.then(choice, &ID) != sampled, "{again:?}");
    }
    // Whoever could read the whole of it still can, and finds the others' members as they were.
    if let Some(before) = plainly(state) {
        let after = plainly(written).expect("a valid state stays valid");
        let others = |members: &[(&[u8], &[u8])]| -> Vec<_> {
            let others = members.iter().filter(|(key, _)| *key != b"ot");
            others
                .map(|(key, value)| (key.to_vec(), value.to_vec()))
                .collect()
        };
        assert_eq!(others(&before), others(&after));
    }
}
