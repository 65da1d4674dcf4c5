//! The plain model: whole traces in maps, deadlines by looking at every trace, no crashes, no caches.

use std::collections::BTreeMap;

use sampler::promote::VALUE_BYTES_MAX;
use schemas::decisions::Verdict;

use crate::simulation::bus::{Attributes, Content, Record, Span, Trace};
use crate::simulation::statistics::Statistics;
use crate::simulation::traffic::{LATENCY_MS, PERCENTAGE, SPAN_COUNT, Setup, body, trace_id};

/// By trace and first offset, with what is promoted.
pub type Verdicts = BTreeMap<(Trace, u64), (Verdict, Option<&'static str>, Attributes)>;

struct Open {
    first_offset: u64,
    opened_ms: u64,
    /// Order of opening, and of the first root.
    sequence: usize,
    rooted: Option<(u64, usize)>,
    spans: Vec<Span>,
    /// What the dropped trace had that a late error reopened.
    inherited: Attributes,
}

struct Decided {
    first_offset: u64,
    at_ms: u64,
    /// A late error may have it decided again.
    reopens: bool,
    promoted: Attributes,
}

/// What a span is to a trace that has a verdict.
#[derive(PartialEq)]
enum Late {
    Follows,
    Reopens,
    /// The verdict is forgotten, or there was none.
    IsNew,
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
        let reopens = verdict.0 == Verdict::Drop && !is_final;
        let rescues = self.setup.options.rescue_late_errors;
        let promoted = match verdict.0 == Verdict::Keep || reopens && rescues {
            true => promoted(self.setup, &state),
            false => Attributes::new(),
        };
        self.verdicts.insert(
            (trace, state.first_offset),
            (verdict.0, verdict.1, promoted.clone()),
        );
        let decided = Decided {
            first_offset: state.first_offset,
            at_ms,
            reopens,
            promoted,
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

    fn late(&mut self, trace: Trace, span: &Span, offset: u64, now: u64) -> Late {
        let options = &self.setup.options;
        let Some(decided) = self.decided.get_mut(&trace) else {
            return Late::IsNew;
        };
        let ttl = options.decision_cache_ttl_ms;
        if now > decided.at_ms + ttl + ttl / 2 {
            return Late::IsNew;
        }
        let reopens = options.rescue_late_errors && decided.reopens && span.error;
        if reopens && offset > decided.first_offset {
            return Late::Reopens;
        }
        if now > decided.at_ms + ttl / 2 {
            decided.at_ms = now;
        }
        Late::Follows
    }

    fn span(&mut self, trace: Trace, span: &Span, offset: u64, now: u64) {
        if !self.open.contains_key(&trace) {
            let late = self.late(trace, span, offset, now);
            let inherited = match late {
                Late::Follows => return,
                Late::Reopens => self.decided[&trace].promoted.clone(),
                Late::IsNew => Attributes::new(),
            };
            self.sequence += 1;
            let open = Open {
                first_offset: offset,
                opened_ms: now,
                sequence: self.sequence,
                rooted: None,
                spans: Vec::new(),
                inherited,
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

/// What a trace's kept spans get: of its first root; or else what it had before it was reopened; or else of the span that starts first.
fn promoted(setup: &Setup, trace: &Open) -> Attributes {
    let root = trace.spans.iter().find(|span| span.root);
    let entry = match root {
        None if !trace.inherited.is_empty() => return trace.inherited.clone(),
        None => trace.spans.iter().min_by_key(|span| span.start_ms),
        root => root,
    };
    let of_keys = |key: &&str| {
        let mut attributes = entry.into_iter().flat_map(|span| &span.attributes);
        let found = attributes.find(|(has, value)| has == key && value.len() <= VALUE_BYTES_MAX);
        found.cloned()
    };
    let keys = ["flag", "tenant.id"];
    let wanted = keys.iter().filter(|key| setup.promotes(key));
    wanted.filter_map(of_keys).collect()
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
