//! A partition's way back into memory: verdicts from the decision log, then the raw log from L to P.

use std::ops::Range;

use schemas::decisions::{Decision, DecisionBatch, Verdict};
use schemas::partition::partition_of;

use crate::decide::index::{Place, TraceKey};
use crate::decide::links::Linked;
use crate::decide::verdicts::{Given, NO_POLICY};
use crate::decide::window::NONE;
use crate::emit::tracestate::Choice;
use crate::partition::Partition;
use crate::stats::Seen;

impl Partition {
    /// One record of the decision log, in log order, before the first `observe`.
    pub fn restore(&mut self, batch: &DecisionBatch) {
        self.restore_statistics(batch);
        let mut rescues = batch.rescues.iter().peekable();
        let mut links = batch.links.iter().peekable();
        for (index, entry) in (0..).zip(&batch.entries) {
            let rescue = rescues.next_if(|rescue| rescue.entry == index);
            while let Some(link) = links.next_if(|link| link.entry == index) {
                self.restore_link(batch.tenant_of(entry), entry, link.trace_id);
            }
            let until = self.verdicts.holds_until_ms(entry.time_ms);
            if until < self.clock.now_ms() {
                continue;
            }
            let policy = entry
                .policy
                .and_then(|at| batch.policies.get(usize::from(at)));
            let policy = policy
                .and_then(|name| self.policies.names().iter().position(|known| known == name))
                .map_or(NO_POLICY, |at| at as u16);
            let dropped = rescue.map(|rescue| rescue.from_offset..rescue.to_offset + 1);
            self.restore_entry(batch.tenant_of(entry), entry, policy, dropped);
        }
    }

    /// As if the verdicts of the batch had been given here.
    fn restore_statistics(&mut self, batch: &DecisionBatch) {
        let rules = self.policies.keyed().iter();
        let places: Vec<_> = rules
            .map(|rule| {
                let mut known = batch.statistics.iter();
                known.position(|identity| *identity == rule.identity)
            })
            .collect();
        if places.iter().all(Option::is_none) {
            return;
        }
        let mut keys = vec![0; places.len()];
        for (at, entry) in batch.entries.iter().enumerate() {
            let asked = batch.keys_of(at);
            for (key, place) in keys.iter_mut().zip(&places) {
                *key = place.map_or(0, |place| asked[place]);
            }
            self.state.statistics.restore(&Seen {
                keys: &keys,
                time_ms: entry.time_ms,
                duration_us: entry.duration_us,
                spans: entry.spans.into(),
                bytes: entry.bytes,
                kept: entry.verdict == Verdict::Keep,
            });
        }
    }

    /// What a kept trace links to in other partitions is passed on once more while it may be undecided there: the former owner
    /// may have died before it did.
    fn restore_link(&mut self, tenant: &[u8], entry: &Decision, target: [u8; 16]) {
        let undecided_ms = self.options.decision_wait_ms.saturating_mul(2);
        let recent = entry.time_ms.saturating_add(undecided_ms) >= self.start.clock_decide_ms;
        if recent && partition_of(&target, self.options.bus.partitions) != self.number {
            self.links_out.push(Linked {
                tenant: tenant.into(),
                target,
                source: entry.trace_id,
            });
        }
    }

    fn restore_entry(
        &mut self,
        tenant: &[u8],
        entry: &Decision,
        policy: u16,
        dropped: Option<Range<u64>>,
    ) {
        let key = TraceKey {
            tenant: self.tenants.enter(Some(tenant)),
            id: entry.trace_id,
        };
        self.restore_verdict(key, entry, policy, dropped);
        self.tenants.release(key.tenant);
    }

    fn restore_verdict(
        &mut self,
        key: TraceKey,
        entry: &Decision,
        policy: u16,
        dropped: Option<Range<u64>>,
    ) {
        let newest = match self.find(&key) {
            Some(Place::Decided(slot)) => slot,
            // Restoring comes before observing, so nothing is open yet.
            Some(Place::Open(_)) => return,
            None => NONE,
        };
        // Where it belongs in the chain: behind the last verdict that holds from a later offset.
        let (mut newer, mut at) = (NONE, newest);
        while at != NONE && self.verdicts.get(at).first_offset > entry.first_offset {
            (newer, at) = (at, self.verdicts.get(at).older);
        }
        if at != NONE && self.verdicts.get(at).first_offset == entry.first_offset {
            // A renewal; or the same verdict once more, and what was written first wins.
            self.verdicts.renew(at, entry.last_offset, entry.time_ms);
            if policy != NO_POLICY && self.verdicts.get(at).policy == NO_POLICY {
                self.verdicts.set_policy(at, policy);
            }
            return;
        }
        self.tenants.hold(key.tenant);
        let given = Given {
            key,
            first_offset: entry.first_offset,
            last_offset: entry.last_offset,
            time_ms: entry.time_ms,
            verdict: entry.verdict,
            policy,
            choice: Choice {
                threshold: entry.threshold,
                randomness: entry.randomness,
            },
            is_final: entry.is_final,
            restored: true,
            older: at,
        };
        let slot = self.hold(given, dropped);
        if newer != NONE {
            self.verdicts.set_older(newer, slot);
        } else if newest != NONE {
            let (from, to) = (Place::Decided(newest), Place::Decided(slot));
            self.index.replace(key.hash(), from, to);
        } else {
            self.index.insert(key.hash(), Place::Decided(slot));
        }
    }

    /// The decide cursor is still below `start.decide`: there is no output, and the partition must not be in a commit.
    pub fn rebuilding(&self) -> bool {
        self.decide < self.start.decide
    }

    /// From here on the partition's clock is at least what it was at P.
    pub(crate) fn finish_rebuild(&mut self) {
        if !self.rebuilding() {
            self.tick_ms = self.tick_ms.max(self.start.clock_decide_ms);
            let now_ms = self.clock_ms();
            let asked = std::mem::take(&mut self.asked).into_iter();
            self.linked.extend(asked.map(|linked| (linked, now_ms)));
            self.keep_linked();
        }
    }
}
