//! The rewriter of redaction against the plain rules on prost's types. What goes on can be read, holds what the rules leave of it, and is byte
//! for byte as it was wherever no rule has anything to do.
//!
//! The first byte is the signal, and whether attributes are set; the rest a request.
#![no_main]

use std::cell::RefCell;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use redact::{Fixed, HashKey, Mask, Outcome, Redaction, Refused, Rewriter, Rules};
use reference::{KEY, PATTERNS, Redact, Reference};
use schemas::Signal;
use schemas::otlp::{Items, check_request};

#[path = "../../enrich/redact/tests/it/reference.rs"]
mod reference;

thread_local! {
    static REWRITERS: RefCell<[Rewriter; 2]> = RefCell::new([false, true].map(|set| {
        let rules = Rules::compile(&redaction(set)).expect("sound rules");
        Rewriter::small(Arc::new(rules))
    }));
}

/// The rules that the reference knows.
fn redaction(set: bool) -> Redaction {
    let mask = |(name, pattern): (&str, &str)| Mask {
        name: name.into(),
        pattern: pattern.into(),
        with: "****".into(),
    };
    let mut redaction = Redaction {
        delete: vec!["delete.me".into()],
        hash: vec!["hash.me".into()],
        hash_key: HashKey(KEY.into()),
        masks: ["email", "token"]
            .into_iter()
            .zip(PATTERNS)
            .map(mask)
            .collect(),
        keep_unknown_fields: true,
        ..Redaction::default()
    };
    if set {
        redaction.set_resource = [("set.me".to_owned(), Fixed::Int(-7))].into();
        redaction.set_item = redaction.set_resource.clone();
    }
    redaction
}

fuzz_target!(init: tailwater_fuzz::keep_overflowing_inputs(), |bytes: &[u8]| {
    let Some((how, record)) = bytes.split_first() else {
        return;
    };
    let signal = Signal::ALL[usize::from(how % 3)];
    let set = how & 0x80 != 0;
    REWRITERS.with_borrow_mut(|rewriters| {
        let rewriter = &mut rewriters[usize::from(set)];
        match signal {
            Signal::Traces => check::<ExportTraceServiceRequest>(rewriter, signal, record, set),
            Signal::Logs => check::<ExportLogsServiceRequest>(rewriter, signal, record, set),
            Signal::Metrics => check::<ExportMetricsServiceRequest>(rewriter, signal, record, set),
        }
    });
});

fn check<M: Redact>(rewriter: &mut Rewriter, signal: Signal, record: &[u8], set: bool) {
    let mut out = Vec::new();
    let done = match rewriter.transform(signal, record, &mut out) {
        Ok(done) => done,
        Err(refused) => {
            assert!(out.is_empty());
            return check_refused(&refused);
        }
    };
    let out = match done.outcome {
        Outcome::Changed => &out[..],
        Outcome::Unchanged => {
            assert!(out.is_empty());
            record
        }
    };
    assert_eq!(done.items, Items::new(record).count());
    // What goes on has nothing more for the rules to do. One that hashes finds its own hash.
    let Ok(before) = M::decode(record) else {
        return;
    };
    let found = M::decode(out).expect("what could be read before can be read behind");
    let mut again = found.clone();
    again.redact(Reference {
        hashed_before: true,
        ..Reference::default()
    });
    // As bytes: NaN is not equal to itself.
    let same = found.encode_to_vec() == again.encode_to_vec();
    assert!(same, "{found:#?}\n{again:#?}");
    check_untouched(record, out, &before, set);
    let mut expected = before.clone();
    expected.redact(Reference {
        set,
        ..Reference::default()
    });
    // The hash of a list depends on the order of the fields in it: as they were sent, and not as prost writes them.
    let is_exact = !contains(record, b"hash.me") || before.encode_to_vec() == record;
    if is_exact && check_request(signal, record).is_ok() {
        // Of a resource that comes in pieces the first gets what is set: applied again, it stands last.
        let mut found = found;
        found.redact(Reference {
            set,
            hashed_before: true,
        });
        let same = found.encode_to_vec() == expected.encode_to_vec();
        assert!(same, "found {found:#?}\nexpected {expected:#?}");
    }
}

fn check_refused(refused: &Refused) {
    if let Refused::Items { numbers, items, .. } = refused {
        let ends = numbers.iter().map(|range| (range.start, range.end));
        let mut last = 0;
        for (start, end) in ends {
            assert!(start >= last && end > start && end <= *items);
            last = end;
        }
    }
}

/// Records in which no rule finds anything come out as they went in.
fn check_untouched<M: Redact>(record: &[u8], out: &[u8], before: &M, set: bool) {
    let mut after = before.clone();
    after.redact(Reference {
        set,
        ..Reference::default()
    });
    let same = after.encode_to_vec() == before.encode_to_vec();
    // A value that a later one replaces may still hold something.
    if same && before.encode_to_vec() == record {
        assert!(record == out, "changed without a reason");
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
