//! One trace through policies, nothing else running: what the tests in a configuration are judged by.
//!
//! It is the real thing, a [`Partition`] fed one trace and told that its time is over; so a test can't pass here and fail in production.

use std::sync::Arc;

use bytes::Bytes;
use runtime::config::Problems;
use schemas::decisions::Decision;

use crate::config::{Config, RawConfig};
use crate::partition::Partition;
use crate::policy::RawPolicy;
use crate::position::Start;
use crate::promote::PromotedKeys;
use crate::record::RawRecord;

/// Any time will do; this one is in 2026.
const RECEIVED_MS: u64 = 1_780_000_000_000;
const CACHE_BYTES: usize = 1 << 20;

/// What the policies said.
#[derive(Clone, Debug, PartialEq)]
pub struct Rehearsal {
    pub decision: Decision,
    /// The policy that gave the verdict, by the name that is written.
    pub policy: Option<String>,
    /// All policies that hold, in the order of the configuration.
    pub matched: Vec<String>,
}

/// Decides the trace of a tenant (empty: the default one) whose spans are in `request`, an OTLP trace request. `None`: there is no span with a valid trace id in it.
///
/// Budgets and statistics begin empty.
pub fn rehearse(config: &Config, tenant: &str, request: Bytes) -> Option<Rehearsal> {
    let policies = config.policies.clone();
    let mut partition = over(config, tenant, request);
    let decisions = partition.take().decisions;
    let decision = decisions.entries.first()?.clone();
    let name = |at: u16| {
        let name = decisions.policies.get(usize::from(at))?;
        Some(policies.written_name(tenant, name).to_owned())
    };
    let policy = decision.policy.and_then(name);
    Some(Rehearsal {
        matched: (decisions.match_sets.get(decision.match_set as usize))
            .into_iter()
            .flatten()
            .filter_map(|at| name(*at))
            .collect(),
        policy,
        decision,
    })
}

/// The spans of a trace as enrich gets them if it is kept, with these attributes promoted: records of the sampled topic.
pub fn kept(promote: &PromotedKeys, tenant: &str, request: Bytes) -> Vec<Bytes> {
    if promote.is_empty() {
        return vec![request];
    }
    let all = RawPolicy {
        name: "all".to_owned(),
        kind: "always_sample".to_owned(),
        ..RawPolicy::default()
    };
    let raw = RawConfig {
        policies: vec![all],
        ..RawConfig::default()
    };
    let mut config = raw.validate("", &mut Problems::new());
    config.options.promote = promote.clone();
    let mut partition = over(&config, tenant, request);
    partition.emit(usize::MAX);
    let sampled = partition.take().sampled.into_iter();
    sampled.map(|(_, value)| value).collect()
}

/// A partition that has seen the trace, and whose time is over.
fn over(config: &Config, tenant: &str, request: Bytes) -> Partition {
    let mut partition = Partition::new(
        0,
        Arc::clone(&config.policies),
        config.options.clone(),
        Start::default(),
        CACHE_BYTES,
    );
    partition.observe(RawRecord {
        offset: 0,
        timestamp_ms: RECEIVED_MS,
        tenant: Some(Bytes::copy_from_slice(tenant.as_bytes())),
        value: request,
    });
    partition.tick(RECEIVED_MS + config.options.decision_wait_ms + 1);
    partition
}
