#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use runtime::config::Problems;
use schemas::wire::put_len;

use super::*;
use crate::RawConfig;
use crate::decide::traces::index::TraceKey;
use schemas::otlp::sampling::Choice;

const SPAN_BYTES: usize = 10_000;
/// A span with what a packer takes.
const HELD_BYTES: usize = SPAN_BYTES + 2000;

fn options() -> Options {
    let config = RawConfig::default().validate("", &mut Problems::new());
    config.options
}

fn id(trace: u64) -> [u8; 16] {
    u128::from(trace + 1).to_be_bytes()
}

/// The record at an offset holds one span, of the trace with that number.
fn record(offset: u64) -> RawRecord {
    let (mut span, mut scope) = (Vec::new(), Vec::new());
    put_len(&mut span, 1, &id(offset));
    put_len(&mut span, 2, &[1; 8]);
    put_len(&mut span, 5, &vec![b'x'; SPAN_BYTES]);
    put_len(&mut scope, 2, &span);
    let (mut resource, mut value) = (Vec::new(), Vec::new());
    put_len(&mut resource, 2, &scope);
    put_len(&mut value, 1, &resource);
    RawRecord {
        offset,
        timestamp_ms: 0,
        tenant: None,
        value: Bytes::from(value),
    }
}

fn wanted(at: u64, trace: u64) -> WantedTrace {
    WantedTrace {
        at,
        key: TraceKey {
            tenant: Tenant::DEFAULT,
            id: id(trace),
        },
        within: trace..trace + 1,
        choice: Choice::default(),
        policy: None,
        promoted: None,
    }
}

/// Reads for everything that may be read for now; false: nothing was read.
fn read(rescues: &mut Rescues, options: &Options) -> bool {
    let mut any = false;
    while let Some(missing) = rescues.missing(u64::MAX) {
        let records: Vec<_> = missing.clone().map(record).collect();
        rescues.supply(records, missing.end, |_| Some(Tenant::DEFAULT), options);
        any = true;
    }
    any
}

/// Several partitions, each with traces that lie apart from each other and are wanted at `at`; what is held at most, and what came back:
/// spans, and traces that are incomplete.
fn bring_back(pool: &Arc<Pool>, partitions: usize, at: impl Fn(u64) -> u64) -> (usize, u64, u64) {
    let options = options();
    let mut all: Vec<Rescues> = (0..partitions).map(|_| Rescues::default()).collect();
    for rescues in &mut all {
        rescues.share(pool);
        for trace in 0..10 {
            // Two readings apart.
            rescues.want(wanted(at(trace), trace * 200));
        }
    }
    let (mut held, mut spans, mut incomplete) = (0, 0, 0);
    for _ in 0..1000 {
        let mut moved = false;
        for rescues in &mut all {
            moved |= read(rescues, &options);
        }
        held = held.max(all.iter().map(Rescues::bytes).sum());
        for rescues in &mut all {
            let before = rescues.waiting.len();
            // As far as the emit cursor would come.
            let released = rescues.release(rescues.first_wanted());
            spans += released.spans;
            incomplete += released.incomplete;
            moved |= rescues.waiting.len() < before;
        }
        if all.iter().all(Rescues::is_empty) {
            return (held, spans, incomplete);
        }
        assert!(moved, "every partition waits for the others");
    }
    panic!("it doesn't come to an end");
}

#[test]
fn partitions_hold_no_more_than_their_pool_together() {
    let pool = Arc::new(Pool::new(8 * HELD_BYTES));
    let at = |trace| 10_000 + trace;
    let (held, spans, incomplete) = bring_back(&pool, 30, at);
    let waiting = 30 * 10 * size_of::<Rescue>();
    assert!(held <= 8 * HELD_BYTES + waiting, "{held} bytes");
    assert!(held >= 4 * HELD_BYTES, "{held} bytes");
    assert_eq!((spans, incomplete), (300, 0));
    assert_eq!(pool.taken(), (0, false));
}

/// All that one record waits for has to be there at once: what is too much for that is given up and counted.
#[test]
fn one_record_that_asks_for_much_holds_up_nobody() {
    let pool = Arc::new(Pool::new(8 * HELD_BYTES));
    let (held, spans, incomplete) = bring_back(&pool, 30, |_| 10_000);
    let waiting = 30 * 10 * size_of::<Rescue>();
    assert!(held <= 8 * HELD_BYTES + waiting, "{held} bytes");
    assert_eq!(spans + incomplete, 300);
    assert!(spans >= 30, "{spans} spans");
    assert_eq!(pool.taken(), (0, false));
}
