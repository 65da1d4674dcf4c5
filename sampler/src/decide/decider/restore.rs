//! A partition's way back into memory: verdicts from the decision log, before the raw log from L to P is read again.

use std::ops::Range;

use schemas::decisions::{Decision, DecisionBatch};
use schemas::partition::partition_of;

use crate::decide::decider::Decider;
use crate::decide::links::Linked;
use crate::decide::traces::index::{NONE, TraceKey};
use crate::decide::traces::verdicts::GivenVerdict;
use schemas::otlp::sampling::Choice;

impl Decider {
    /// One record of the decision log, in log order, before the first `observe`.
    pub(crate) fn restore(&mut self, batch: &DecisionBatch) {
        self.judge.restore_statistics(batch);
        let mut rescues = batch.rescues.iter().peekable();
        let mut links = batch.links.iter().peekable();
        for (index, entry) in (0..).zip(&batch.entries) {
            let tenant = batch.tenant_of(entry);
            let rescue = rescues.next_if(|rescue| rescue.entry == index);
            while let Some(link) = links.next_if(|link| link.entry == index) {
                self.restore_link(tenant, entry, link.trace_id);
            }
            if self.traces.holds_until_ms(entry.time_ms) < self.clock.log_ms() {
                continue;
            }
            let policy = self.judge.policy_of(batch, entry.policy);
            let dropped = rescue.map(|rescue| rescue.from_offset..rescue.to_offset + 1);
            let promoted = self.traces.enter_promoted(batch.promoted_of(entry));
            self.restore_verdict(tenant, entry, (policy, promoted), dropped);
        }
    }

    /// What a kept trace links to in other partitions is passed on once more while it may be undecided there: the former owner
    /// may have died before it did.
    fn restore_link(&mut self, tenant: &[u8], entry: &Decision, target: [u8; 16]) {
        let undecided_ms = self.options.decision_wait_ms.saturating_mul(2);
        let recent = entry.time_ms.saturating_add(undecided_ms) >= self.start.clock_decide_ms;
        if recent && partition_of(&target, self.options.bus.partitions) != self.number {
            self.links.pass_on(Linked {
                tenant: tenant.into(),
                target,
                source: entry.trace_id,
            });
        }
    }

    fn restore_verdict(
        &mut self,
        tenant: &[u8],
        entry: &Decision,
        (policy, promoted): (u16, u32),
        dropped: Option<Range<u64>>,
    ) {
        let given = GivenVerdict {
            key: TraceKey {
                tenant: self
                    .traces
                    .enter_tenant(Some(tenant), self.judge.policies()),
                id: entry.trace_id,
            },
            first_offset: entry.first_offset,
            last_offset: entry.last_offset,
            time_ms: entry.time_ms,
            verdict: entry.verdict,
            policy,
            choice: Choice {
                threshold: entry.threshold,
                randomness: entry.randomness,
            },
            promoted,
            is_final: entry.is_final,
            restored: true,
            older: NONE,
        };
        if self.traces.restore(given, dropped.clone()) {
            self.want_back(&given, dropped);
        }
        self.traces.release_tenant(given.key.tenant);
    }
}
