//! What lies on the raw topic, and what must follow from it: a plain second opinion on the sampler's verdicts.
//!
//! The raw topic, not the sender, is the truth about what went in: a request whose answer was lost is sent twice.

use std::collections::HashMap;

use bus::Fetched;

use crate::tally::{Tally, Trace, TraceId, each_span, is_error};
use crate::world::SLOW_MS;

/// The raw traces of a topic, with what a sampler had seen of each when it had to decide.
#[derive(Default)]
pub struct RawLog {
    pub tally: Tally,
    /// Must be kept, and why.
    pub must_keep: HashMap<TraceId, &'static str>,
    /// Traces with spans on more than one partition: there must be none.
    pub split: Vec<TraceId>,
}

/// A trace until its verdict.
struct Window {
    partition: u32,
    first_ms: u64,
    seen: Trace,
}

impl RawLog {
    /// Of all records of the raw topic, each partition in order, decided after `decision_wait_ms`.
    pub fn of(records: &[Fetched], decision_wait_ms: u64) -> Self {
        let mut log = Self::default();
        let mut clocks: HashMap<u32, u64> = HashMap::new();
        let mut windows: HashMap<TraceId, Window> = HashMap::new();
        for record in records {
            let clock = clocks.entry(record.partition).or_default();
            *clock = record.timestamp_ms.max(*clock);
            let now_ms = *clock;
            each_span(&record.value, |id, span, content| {
                log.tally.traces.entry(id).or_default().add(span, content);
                let window = windows.entry(id).or_insert(Window {
                    partition: record.partition,
                    first_ms: now_ms,
                    seen: Trace::default(),
                });
                if window.partition != record.partition {
                    log.split.push(id);
                }
                // Deadlines up to a record's timestamp fire before the record is applied.
                if now_ms < window.first_ms + decision_wait_ms {
                    window.seen.add(span, content);
                    if is_error(span) {
                        log.must_keep.insert(id, "an error within its window");
                    }
                }
            });
        }
        for (id, window) in windows {
            if window.seen.length_ms() > SLOW_MS {
                log.must_keep
                    .entry(id)
                    .or_insert("it was slow within its window");
            }
        }
        log
    }

    /// With `late_errors: rescue` an error counts whenever it came.
    pub fn rescue_late_errors(&mut self) {
        let errors = self.tally.traces.iter().filter(|(_, trace)| trace.error);
        for (id, _) in errors {
            self.must_keep.entry(*id).or_insert("a late error");
        }
    }
}
