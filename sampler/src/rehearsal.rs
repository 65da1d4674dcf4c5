//! One trace through policies, nothing else running: what the tests in a configuration are judged by.
//!
//! It is the real thing, a [`Partition`] fed one trace and told that its time is over; so a test can't pass here and fail in production.

use std::sync::Arc;

use bytes::Bytes;
use schemas::decisions::Decision;

use crate::config::Config;
use crate::partition::Partition;
use crate::position::Start;
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
    let mut partition = Partition::new(
        0,
        Arc::clone(&policies),
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
