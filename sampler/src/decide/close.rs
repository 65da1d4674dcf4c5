//! Giving a verdict: what it counts as, what is logged and remembered of it, and what it asks of other traces.

use std::ops::Range;

use schemas::decisions::Verdict;
use schemas::partition::partition_of;

use crate::decide::index::{Place, TraceKey};
use crate::decide::links::Linked;
use crate::decide::log::NewVerdict;
use crate::decide::verdicts::{Given, NO_POLICY};
use crate::emit::rescue::Wanted;
use crate::emit::tracestate::Choice;
use crate::partition::Partition;
use crate::policy::{Ruling, TraceFacts};

/// Why a trace is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    Due,
    Oversized,
    /// This kept trace links to it.
    Linked([u8; 16]),
}

impl Partition {
    /// Decides a trace.
    pub(crate) fn close(&mut self, slot: u32, time_ms: u64, cause: Cause) -> Place {
        let services = self.window.take_services(slot);
        let upstream = self.window.take_upstream(slot);
        let mut marks = std::mem::take(&mut self.marks);
        self.window
            .marks_of(slot, self.policies.marks(), &mut marks);
        let trace = self.window.close(slot);
        let dropped = self.window.take_reopened(slot);
        let links = self.links.take(slot);
        let facts = TraceFacts {
            id: &trace.id,
            spans: u64::from(trace.spans),
            bytes: trace.bytes,
            bits: trace.bits,
            duration_ns: trace.duration_ns(),
            errors: u64::from(trace.errors),
            services,
            has_root: self.policies.saw_root(trace.bits),
            upstream,
            marks: &marks,
        };
        self.state.clear();
        let ruling = match cause {
            Cause::Due => self.policies.rule(&facts, &mut self.state, time_ms),
            Cause::Oversized => Ruling::oversized(),
            Cause::Linked(_) => Ruling::linked(),
        };
        let kept = ruling.verdict == Verdict::Keep;
        self.state.remember(&facts, kept, time_ms);
        self.count(ruling, cause);
        let new = NewVerdict {
            trace: &trace,
            shape: self.policies.marks().shape_in(&marks),
            ruling,
            time_ms,
            matched: self.state.matched(),
            asked: self.state.asked(),
            links: &links,
            source: match cause {
                Cause::Linked(source) => Some(source),
                _ => None,
            },
            dropped,
        };
        let tenant = self.tenants.name(trace.tenant);
        self.log.decided(&new, &self.names, tenant);
        let dropped = new.dropped;
        self.marks = marks;
        // The verdict is what refers to its tenant from now on.
        let given = Given {
            key: trace.key(),
            first_offset: trace.first_offset,
            last_offset: trace.last_offset,
            time_ms,
            verdict: ruling.verdict,
            policy: ruling.policy.unwrap_or(NO_POLICY),
            choice: Choice {
                threshold: ruling.threshold,
                randomness: ruling.randomness,
            },
            is_final: ruling.is_final,
            restored: false,
            older: trace.older,
        };
        let held = self.hold(given, dropped);
        self.index
            .replace(trace.key().hash(), Place::Open(slot), Place::Decided(held));
        if ruling.verdict == Verdict::Keep {
            self.follow_links(trace.key(), links, time_ms);
        }
        Place::Decided(held)
    }

    fn count(&mut self, ruling: Ruling, cause: Cause) {
        let policies = self.policies.names().len();
        self.counts.matches.resize(policies, 0);
        for &policy in self.state.matched() {
            self.counts.matches[usize::from(policy)] += 1;
        }
        let counts = &mut self.counts.verdicts;
        counts.resize(policies, (0, 0));
        match (ruling.policy, ruling.verdict) {
            (Some(policy), Verdict::Keep) => counts[usize::from(policy)].0 += 1,
            (Some(policy), Verdict::Drop) => counts[usize::from(policy)].1 += 1,
            (None, _) => match cause {
                Cause::Due => self.counts.unmatched += 1,
                Cause::Oversized => self.counts.oversized += 1,
                Cause::Linked(_) => self.counts.linked += 1,
            },
        }
    }

    /// Takes a verdict in. `dropped`: where the spans lie that the trace had before a late error reopened it.
    pub(crate) fn hold(&mut self, given: Given, dropped: Option<Range<u64>>) -> u32 {
        let slot = self.verdicts.insert(given);
        if let Some(dropped) = dropped {
            if given.verdict == Verdict::Keep && given.first_offset >= self.emit {
                let policy = self.policies.names().get(usize::from(given.policy));
                let wanted = Wanted {
                    key: given.key,
                    within: dropped.clone(),
                    choice: given.choice,
                    policy: policy.cloned(),
                };
                self.rescues.want(given.first_offset, wanted);
            }
            self.verdicts.set_dropped(slot, dropped);
        }
        slot
    }

    /// What a kept trace links to is to be kept too.
    fn follow_links(&mut self, source: TraceKey, targets: Vec<[u8; 16]>, time_ms: u64) {
        for target in targets {
            let linked = Linked {
                tenant: self.tenants.name(source.tenant).as_ref().into(),
                target,
                source: source.id,
            };
            if partition_of(&target, self.options.bus.partitions) == self.number {
                self.linked.push((linked, time_ms));
            } else {
                self.links_out.push(linked);
            }
        }
    }

    /// Keeps the open traces that kept ones link to, and what those link to.
    pub(crate) fn keep_linked(&mut self) {
        while let Some((linked, time_ms)) = self.linked.pop() {
            let tenant = self.tenants.find(Some(&linked.tenant));
            let key = tenant.map(|tenant| TraceKey {
                tenant,
                id: linked.target,
            });
            if let Some(Place::Open(slot)) = key.and_then(|key| self.find(&key)) {
                let opened_ms = self.window.get(slot).opened_ms;
                self.close(slot, time_ms.max(opened_ms), Cause::Linked(linked.source));
            }
        }
    }
}
