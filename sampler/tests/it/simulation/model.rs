//! The plain model: whole traces in maps, deadlines by looking at every trace, no crashes, no caches.

use std::collections::BTreeMap;

use schemas::decisions::Verdict;

use crate::simulation::bus::{Content, Record, Span, Trace};
use crate::simulation::statistics::Statistics;
use crate::simulation::traffic::{LATENCY_MS, PERCENTAGE, SPAN_COUNT, Setup, body, trace_id};

/// By trace and first offset.
pub type Verdicts = BTreeMap<(Trace, u64), (Verdict, Option<&'static str>)>;

struct Open {
    first_offset: u64,
    opened_ms: u64,
    /// Order of opening, and of the first root.
    sequence: usize,
    rooted: Option<(u64, usize)>,
    spans: Vec<Span>,
}

struct Decided {
    first_offset: u64,
    at_ms: u64,
    /// A late error may have it decided again.
    reopens: bool,
}

/// The verdicts that a log gives.
pub fn verdicts(setup: &Setup, log: &[Record]) -> Verdicts {
    let limit = match setup.options.bus.stamps {
        true => u64::MAX / 2,
        false => setup.options.future_limit_ms,
    };
    let times = times(log, limit);
    let mut model = Model {
        setup,
        open: BTreeMap::new(),
        decided: BTreeMap::new(),
        verdicts: Verdicts::new(),
        sequence: 0,
        statistics: setup.statistics.then(Statistics::default),
    };
    for (record, &now) in log.iter().zip(&times) {
        while let Some((deadline, trace)) = model.due(now) {
            let spans = &model.open[&trace].spans;
            let verdict = judge(setup, trace.1, spans, deadline, &mut model.statistics);
            model.close(trace, deadline, verdict, false);
        }
        if let Content::Spans(spans) = &record.content {
            for span in spans.iter().filter(|span| span.valid) {
                model.span((record.tenant(), span.trace), span, record.offset, now);
            }
        }
    }
    model.verdicts
}

struct Model<'a> {
    setup: &'a Setup,
    open: BTreeMap<Trace, Open>,
    decided: BTreeMap<Trace, Decided>,
    verdicts: Verdicts,
    sequence: usize,
    statistics: Option<Statistics>,
}

impl Model<'_> {
    /// The trace that is due first: of those due at one time, what was opened first, then what had its root first.
    fn due(&self, now: u64) -> Option<(u64, Trace)> {
        let options = &self.setup.options;
        let after_root = options.decision_wait_after_root_ms;
        let due = self.open.iter().map(|(&trace, state)| {
            let wait = (
                state.opened_ms + options.decision_wait_ms,
                0,
                state.sequence,
            );
            let root = state.rooted.filter(|_| after_root > 0);
            let root = root.map(|(at, sequence)| (at + after_root, 1, sequence));
            (root.map_or(wait, |root| root.min(wait)), trace)
        });
        let ((deadline, ..), trace) = due.min()?;
        (deadline <= now).then_some((deadline, trace))
    }

    fn close(
        &mut self,
        trace: Trace,
        at_ms: u64,
        verdict: (Verdict, Option<&'static str>),
        is_final: bool,
    ) {
        let state = self.open.remove(&trace).unwrap();
        self.verdicts.insert((trace, state.first_offset), verdict);
        let decided = Decided {
            first_offset: state.first_offset,
            at_ms,
            reopens: verdict.0 == Verdict::Drop && !is_final,
        };
        self.decided.insert(trace, decided);
        if verdict.0 == Verdict::Keep && self.setup.options.keep_linked {
            let targets = state.spans.iter().filter_map(|span| span.link);
            for target in targets.map(|id| (trace.0, id)) {
                if target != trace && self.open.contains_key(&target) {
                    self.close(target, at_ms, (Verdict::Keep, None), false);
                }
            }
        }
    }

    /// Whether a span goes the way of a verdict that its trace has.
    fn follows(&mut self, trace: Trace, span: &Span, offset: u64, now: u64) -> bool {
        let options = &self.setup.options;
        let Some(decided) = self.decided.get_mut(&trace) else {
            return false;
        };
        let ttl = options.decision_cache_ttl_ms;
        if now > decided.at_ms + ttl + ttl / 2 {
            return false;
        }
        let reopens = options.rescue_late_errors && decided.reopens && span.error;
        if reopens && offset > decided.first_offset {
            return false;
        }
        if now > decided.at_ms + ttl / 2 {
            decided.at_ms = now;
        }
        true
    }

    fn span(&mut self, trace: Trace, span: &Span, offset: u64, now: u64) {
        if !self.open.contains_key(&trace) {
            if self.follows(trace, span, offset, now) {
                return;
            }
            self.sequence += 1;
            let open = Open {
                first_offset: offset,
                opened_ms: now,
                sequence: self.sequence,
                rooted: None,
                spans: Vec::new(),
            };
            self.open.insert(trace, open);
        }
        self.sequence += 1;
        let state = self.open.get_mut(&trace).unwrap();
        state.spans.push(span.clone());
        if span.root && state.rooted.is_none() {
            state.rooted = Some((now, self.sequence));
        }
        let bytes: usize = state.spans.iter().map(|span| body(span).len()).sum();
        let max = self.setup.options.maximum_trace_size_bytes;
        if max > 0 && bytes as u64 > max {
            self.close(trace, now, (Verdict::Drop, None), true);
        }
    }
}

/// The partition's time at each record, with a look ahead: a jump counts if the next record is no more than `limit` behind it.
fn times(log: &[Record], limit: u64) -> Vec<u64> {
    let mut now = 0;
    log.iter()
        .enumerate()
        .map(|(at, record)| {
            let stamp = record.timestamp_ms;
            let next = log.get(at + 1).map_or(0, |next| next.timestamp_ms);
            if stamp <= now + limit || next + limit >= stamp {
                now = now.max(stamp);
            }
            now
        })
        .collect()
}

fn judge(
    setup: &Setup,
    trace: u8,
    spans: &[Span],
    at_ms: u64,
    statistics: &mut Option<Statistics>,
) -> (Verdict, Option<&'static str>) {
    let start = spans.iter().map(|span| span.start_ms).min().unwrap();
    let end = spans.iter().map(|span| span.end_ms).max().unwrap();
    let first = if setup.keeps_errors && spans.iter().any(|span| span.error) {
        Some("status_code")
    } else if end - start >= LATENCY_MS {
        Some("latency")
    } else if spans.len() >= SPAN_COUNT as usize {
        Some("span_count")
    } else if (fnv(&trace_id(trace)) as f64) < PERCENTAGE / 100.0 * 2_f64.powi(64) {
        Some("probabilistic")
    } else {
        None
    };
    // They are asked of every trace, kept or not.
    let duration_us = (end - start) * 1000;
    let second = statistics
        .as_mut()
        .and_then(|statistics| statistics.judge(trace, spans, at_ms, duration_us, first.is_some()));
    match first.or(second) {
        Some(policy) => (Verdict::Keep, Some(policy)),
        None => (Verdict::Drop, None),
    }
}

fn fnv(id: &[u8]) -> u64 {
    let salted = b"default-hash-seed".iter().chain(id);
    salted.fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}
