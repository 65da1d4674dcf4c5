//! The sampler's position metadata: any text is read or an error, what was read is the same after the way there and back, and no clock in it
//! makes arithmetic wrap.
//!
//! Text, or behind a byte 0 the numbers of a position.
#![no_main]

use libfuzzer_sys::arbitrary::Unstructured;
use libfuzzer_sys::fuzz_target;
use options::{BusProperties, Options, Stamping};
use position::Position;
use promote::PromotedKeys;

#[allow(dead_code)]
#[path = "../../sampler/src/options.rs"]
mod options;
#[path = "../../sampler/src/position.rs"]
mod position;
#[allow(dead_code)]
#[path = "../../sampler/src/promote.rs"]
mod promote;

fuzz_target!(init: tailwater_fuzz::keep_overflowing_inputs(), |bytes: &[u8]| {
    match bytes {
        [0, numbers @ ..] => {
            if let Ok(numbers) = Unstructured::new(numbers).arbitrary::<[u64; 7]>() {
                let [decide, emit_ms, jump_ms, decide_ms, generation, from, log] = numbers;
                check(Position {
                    decide,
                    clock_emit_ms: emit_ms,
                    jump_emit_ms: jump_ms,
                    clock_decide_ms: decide_ms,
                    generation,
                    decisions_from: from,
                    decision_log: log,
                });
            }
        }
        text => match std::str::from_utf8(text).map(Position::parse) {
            Ok(Ok(position)) => check(position),
            Ok(Err(error)) => assert!(error.to_string().len() < 1024),
            Err(_) => {}
        },
    }
});

fn check(position: Position) {
    let metadata = position.to_metadata();
    // What a broker takes beside an offset by default (offset.metadata.max.bytes).
    assert!(metadata.len() <= 4096);
    assert_eq!(Position::parse(&metadata), Ok(position));
    let start = position.start(position.generation);
    assert!(start.decide >= start.emit && start.decide >= position.decide);
    for reach in [0, 1, position.generation, u64::MAX] {
        let options = options(reach);
        let from = start.scan_from_ms(&options);
        assert!(from <= start.clock_emit_ms.min(start.clock_decide_ms));
        let _ = position.is_of_another_decision_log(&options.bus);
    }
}

fn options(reach_ms: u64) -> Options {
    Options {
        decision_wait_ms: 0,
        decision_wait_after_root_ms: 0,
        decision_cache_ttl_ms: reach_ms,
        maximum_trace_size_bytes: 0,
        bus: BusProperties {
            decision_log: reach_ms,
            ..BusProperties::default()
        },
        future_limit_ms: 0,
        statistics_bytes: 0,
        statistics_reach_ms: reach_ms,
        rescue_late_errors: false,
        keep_linked: false,
        stamping: Stamping::default(),
        promote: PromotedKeys::default(),
        generation: 0,
    }
}
