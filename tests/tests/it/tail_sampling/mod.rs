//! The Collector's own `tail_sampling` processor and ours over the same corpus keep the same traces: each policy by itself, in
//! combinations by hand, and in random ones.
//!
//! Needs Go once, to build the reference; without it the test is skipped, loudly (`TAILWATER_REQUIRE_CLIENTS=1`: it fails). Policies about
//! time are compared only where time plays no role. `TAILWATER_SEED` repeats a run, and `TAILWATER_CASES` sets how many random cases.

mod corpus;
mod imported;
mod policies;

use std::sync::Arc;

use fastrand::Rng;
use runtime::config::Problems;
use sampler::RawConfig;
use sampler::partition::Partition;
use sampler::position::Start;
use sampler::record::RawRecord;
use schemas::decisions::Verdict;
use serde_json::Value;
use tests::settle::hex;
use tests::tail_sampling;

const TRACES: usize = 400;
const CASES: usize = 300;
/// Where the draws begin, unless `TAILWATER_SEED` says otherwise: a change is judged by what it does.
const SEED: u64 = 20_261_130;
const START_MS: u64 = 1_700_000_000_000;

#[test]
fn the_same_traces_are_kept() {
    let Ok(reference) = tail_sampling::reference() else {
        return;
    };
    let seed = number("TAILWATER_SEED").unwrap_or(SEED);
    println!("TAILWATER_SEED={seed}");
    let mut rng = Rng::with_seed(seed);
    let requests = corpus::requests(&mut rng, TRACES);
    let random = number("TAILWATER_CASES").map_or(CASES, |cases| cases as usize);
    let mut cases = policies::by_hand();
    cases.extend((0..random).map(|_| policies::random(&mut rng)));
    let theirs = tail_sampling::kept(&reference, &cases, &requests).unwrap();
    assert_eq!(theirs.len(), cases.len());
    let mut telling = 0;
    for (case, theirs) in cases.iter().zip(theirs) {
        let theirs = theirs.unwrap_or_else(|error| panic!("refused: {error}\n{case:#}"));
        let ours = kept(case, &requests);
        let missing: Vec<_> = theirs.iter().filter(|id| !ours.contains(id)).collect();
        let extra: Vec<_> = ours.iter().filter(|id| !theirs.contains(id)).collect();
        assert!(
            missing.is_empty() && extra.is_empty(),
            "seed {seed}: we drop {missing:?} and keep {extra:?}\n{case:#}"
        );
        telling += usize::from(!ours.is_empty() && ours.len() < TRACES);
    }
    // A comparison of nothing with nothing, or everything with everything, shows little.
    assert!(telling * 2 > cases.len(), "{telling} of {}", cases.len());
}

/// The ids of the traces that we keep, sorted.
fn kept(section: &Value, requests: &[Vec<u8>]) -> Vec<String> {
    let raw: RawConfig = serde_json::from_value(section.clone()).unwrap();
    let mut problems = Problems::new();
    let config = raw.validate("sampler", &mut problems);
    assert!(problems.is_empty(), "{problems:?}\n{section:#}");
    let start = Start {
        clock_emit_ms: START_MS,
        ..Start::default()
    };
    let mut partition = Partition::new(0, Arc::clone(&config.policies), config.options, start, 0);
    for (offset, request) in requests.iter().enumerate() {
        partition.observe(RawRecord {
            offset: offset as u64,
            timestamp_ms: START_MS,
            tenant: None,
            value: request.clone().into(),
        });
    }
    partition.tick(START_MS + 3_600_000);
    let decisions = partition.take().decisions.entries;
    assert_eq!(decisions.len(), TRACES);
    let kept = decisions
        .iter()
        .filter(|entry| entry.verdict == Verdict::Keep);
    let mut ids: Vec<_> = kept.map(|entry| hex(&entry.trace_id)).collect();
    ids.sort();
    ids
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}
