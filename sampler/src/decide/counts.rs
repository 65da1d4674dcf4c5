//! What the Decider counts.

use bytes::Bytes;
use schemas::decisions::Verdict;

use crate::policy::Ruling;
use crate::promote::{self, Refused};
use crate::tenant_spans::TenantSpans;

/// Why a trace is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    Due,
    Oversized,
    /// This kept trace links to it.
    Linked([u8; 16]),
}

/// What the decide cursor did since the last take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DecideCounts {
    pub consumed_spans: u64,
    pub consumed_bytes: u64,
    pub consumed_records: u64,
    /// Spans that arrived after their trace's verdict; they are among kept or dropped as well.
    pub late_spans: u64,
    /// New verdicts by policy, in order of `Policies`: (kept, dropped).
    pub verdicts: Vec<(u64, u64)>,
    /// Decided traces for which the policy's rule held, by policy in order of `Policies`; shadow policies too.
    pub matches: Vec<u64>,
    /// Evaluations of conditions that failed, by policy.
    pub condition_failures: Vec<u64>,
    /// New verdicts that no policy gave (all dropped).
    pub unmatched: u64,
    /// Traces that policies kept, and the budget of their tenant didn't.
    pub over_budget: u64,
    /// Traces dropped for their size.
    pub oversized: u64,
    /// Traces kept since a kept trace links to them.
    pub linked: u64,
    /// Attributes of the entry spans of kept traces.
    pub promoted: PromotedCounts,
    /// Consumed spans, by tenant.
    pub by_tenant: TenantSpans,
}

/// What became of the attributes of entry spans that are to be promoted, once a kept trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PromotedCounts {
    pub promoted: u64,
    /// Not promoted: longer than [`promote::VALUE_BYTES_MAX`],
    pub too_long: u64,
    /// neither text, nor a bool, nor a number,
    pub unsupported: u64,
    /// or there was no room for it.
    pub no_memory: u64,
}

impl PromotedCounts {
    /// One more kept trace.
    #[inline]
    pub(crate) fn kept(&mut self, list: Option<&Bytes>, refused: Refused) {
        if let Some(list) = list {
            self.promoted += promote::count(list) as u64;
        }
        self.too_long += u64::from(refused.too_long);
        self.unsupported += u64::from(refused.unsupported);
        self.no_memory += u64::from(refused.no_memory);
    }
}

impl DecideCounts {
    /// One more verdict, under so many policies of which these matched.
    pub(crate) fn decided(
        &mut self,
        policies: usize,
        matched: &[u16],
        ruling: Ruling,
        cause: Cause,
    ) {
        self.matches.resize(policies, 0);
        for &policy in matched {
            self.matches[usize::from(policy)] += 1;
        }
        self.verdicts.resize(policies, (0, 0));
        match (ruling.policy, ruling.verdict) {
            (Some(policy), Verdict::Keep) => self.verdicts[usize::from(policy)].0 += 1,
            (Some(policy), Verdict::Drop) => self.verdicts[usize::from(policy)].1 += 1,
            (None, _) => match cause {
                Cause::Due if ruling.over_budget => self.over_budget += 1,
                Cause::Due => self.unmatched += 1,
                Cause::Oversized => self.oversized += 1,
                Cause::Linked(_) => self.linked += 1,
            },
        }
    }

    /// What is counted by policy begins anew, under other policies.
    pub(crate) fn forget_policies(&mut self) {
        self.verdicts.clear();
        self.matches.clear();
    }
}
