//! What passes from the Decider to the Copier: what a record came to, which verdicts hold, and which spans of the past are wanted back.

use std::ops::Range;

use bytes::Bytes;
use schemas::decisions::Verdict;

use crate::decide::facts::Irregularity;
use crate::decide::traces::Traces;
use crate::decide::traces::index::{Tenant, TraceKey};
use crate::policy::Policies;
use schemas::otlp::sampling::Choice;

/// What the decide cursor found in one record.
#[derive(Debug)]
pub(crate) struct Observed<'a> {
    pub(crate) spans: u64,
    /// Where the spans' messages begin, in bytes from the record's start.
    pub(crate) starts: &'a [u32],
    pub(crate) irregularity: Option<Irregularity>,
}

/// How a trace was kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept<'a> {
    pub(crate) choice: Choice,
    /// The policy that gave the verdict, if it is one of this configuration.
    pub(crate) policy: Option<&'a str>,
    /// The list of attributes that its spans get; empty: none.
    pub(crate) promoted: &'a [u8],
}

/// A trace that was dropped and is kept after all: its spans are wanted back.
#[derive(Clone, Debug)]
pub(crate) struct WantedTrace {
    /// The emit cursor may not pass this offset without them.
    pub(crate) at: u64,
    /// Its verdict refers to the tenant for as long as this is wanted.
    pub(crate) key: TraceKey,
    /// They lie in these records.
    pub(crate) within: Range<u64>,
    pub(crate) choice: Choice,
    pub(crate) policy: Option<String>,
    pub(crate) promoted: Option<Bytes>,
}

impl WantedTrace {
    pub(crate) fn kept(&self) -> Kept<'_> {
        Kept {
            choice: self.choice,
            policy: self.policy.as_deref(),
            promoted: self.promoted.as_deref().unwrap_or_default(),
        }
    }
}

/// The verdicts of one partition, as the emit cursor asks for them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VerdictsView<'a> {
    traces: &'a Traces,
    policies: &'a Policies,
    /// The smallest offset that the emit cursor may not pass.
    pub(crate) watermark: u64,
}

impl<'a> VerdictsView<'a> {
    pub(crate) fn new(traces: &'a Traces, policies: &'a Policies, watermark: u64) -> Self {
        Self {
            traces,
            policies,
            watermark,
        }
    }

    /// The number of a tenant that has traces here.
    pub(crate) fn tenant(&self, name: Option<&[u8]>) -> Option<Tenant> {
        self.traces.tenant(name)
    }

    /// How the trace's spans at an offset below the watermark were kept; `None`: they were dropped.
    pub(crate) fn kept(
        &self,
        tenant: Option<Tenant>,
        id: &[u8; 16],
        offset: u64,
    ) -> Option<Kept<'a>> {
        let key = tenant.map(|tenant| TraceKey { tenant, id: *id });
        let Some(at) = key.and_then(|key| self.traces.verdict_of(&key, offset)) else {
            // Can't be: the decide cursor saw this span, and verdicts outlive the emit cursor's need. Losing data would be worse.
            debug_assert!(false, "no verdict for {id:02x?} at offset {offset}");
            return Some(Kept {
                choice: Choice::default(),
                policy: None,
                promoted: &[],
            });
        };
        let verdict = self.traces.verdict(at);
        (verdict.verdict == Verdict::Keep).then(|| Kept {
            choice: self.traces.choice(at),
            policy: self
                .policies
                .names()
                .get(usize::from(verdict.policy))
                .map(String::as_str),
            promoted: self.traces.promoted(at).map_or(&[], |list| list),
        })
    }
}
