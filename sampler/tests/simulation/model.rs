//! The plain model: whole traces in maps, deadlines by looking at every trace, no crashes, no caches.

use std::collections::BTreeMap;

use schemas::decisions::Verdict;

use crate::bus::{Content, Record, Span};
use crate::traffic::{LATENCY_MS, PERCENTAGE, SPAN_COUNT, Setup, body, trace_id};

/// By trace and first offset.
pub type Verdicts = BTreeMap<(u8, u64), (Verdict, Option<&'static str>)>;

struct Open {
    first_offset: u64,
    opened_ms: u64,
    rooted_ms: Option<u64>,
    spans: Vec<Span>,
}

/// The verdicts that a log gives.
pub fn verdicts(setup: &Setup, log: &[Record]) -> Verdicts {
    let options = &setup.options;
    let times = times(log, options.future_limit_ms);
    let mut open: BTreeMap<u8, Open> = BTreeMap::new();
    let mut decided: BTreeMap<u8, u64> = BTreeMap::new();
    let mut verdicts = Verdicts::new();
    for (record, &now) in log.iter().zip(&times) {
        let due: Vec<_> = open
            .iter()
            .map(|(&trace, state)| {
                let wait = state.opened_ms + options.decision_wait_ms;
                let root = state
                    .rooted_ms
                    .filter(|_| options.decision_wait_after_root_ms > 0)
                    .map_or(wait, |at| at + options.decision_wait_after_root_ms);
                (wait.min(root), trace)
            })
            .filter(|&(deadline, _)| deadline <= now)
            .collect();
        for (deadline, trace) in due {
            let state = open.remove(&trace).unwrap();
            verdicts.insert((trace, state.first_offset), judge(trace, &state.spans));
            decided.insert(trace, deadline);
        }
        let Content::Spans(spans) = &record.content else {
            continue;
        };
        for span in spans.iter().filter(|span| span.valid) {
            if !open.contains_key(&span.trace)
                && let Some(at) = decided.get_mut(&span.trace)
            {
                let ttl = options.decision_cache_ttl_ms;
                if now <= *at + ttl + ttl / 2 {
                    if now > *at + ttl / 2 {
                        *at = now;
                    }
                    continue;
                }
            }
            let state = open.entry(span.trace).or_insert_with(|| Open {
                first_offset: record.offset,
                opened_ms: now,
                rooted_ms: None,
                spans: Vec::new(),
            });
            state.spans.push(span.clone());
            if span.root && state.rooted_ms.is_none() {
                state.rooted_ms = Some(now);
            }
            let bytes: usize = state.spans.iter().map(|span| body(span).len()).sum();
            let max = options.maximum_trace_size_bytes;
            if max > 0 && bytes as u64 > max {
                let state = open.remove(&span.trace).unwrap();
                verdicts.insert((span.trace, state.first_offset), (Verdict::Drop, None));
                decided.insert(span.trace, now);
            }
        }
    }
    verdicts
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

fn judge(trace: u8, spans: &[Span]) -> (Verdict, Option<&'static str>) {
    let start = spans.iter().map(|span| span.start_ms).min().unwrap();
    let end = spans.iter().map(|span| span.end_ms).max().unwrap();
    let policy = if spans.iter().any(|span| span.error) {
        "status_code"
    } else if end - start >= LATENCY_MS {
        "latency"
    } else if spans.len() >= SPAN_COUNT as usize {
        "span_count"
    } else if (fnv(&trace_id(trace)) as f64) < PERCENTAGE / 100.0 * 2_f64.powi(64) {
        "probabilistic"
    } else {
        return (Verdict::Drop, None);
    };
    (Verdict::Keep, Some(policy))
}

fn fnv(id: &[u8]) -> u64 {
    let salted = b"default-hash-seed".iter().chain(id);
    salted.fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}
