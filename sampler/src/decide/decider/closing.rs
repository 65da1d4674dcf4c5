//! Giving a verdict, and what it asks of other traces.

use std::ops::Range;

use schemas::decisions::Verdict;
use schemas::partition::partition_of;

use crate::decide::counts::Cause;
use crate::decide::decider::Decider;
use crate::decide::handover::WantedTrace;
use crate::decide::judge::Case;
use crate::decide::links::Linked;
use crate::decide::traces::index::{Place, TraceKey};
use crate::decide::traces::verdicts::GivenVerdict;

impl Decider {
    /// Decides a trace.
    pub(super) fn close(&mut self, slot: u32, time_ms: u64, cause: Cause) -> Place {
        let set = self.traces.set_of(self.traces.open_trace(slot).tenant);
        let marks = self.judge.rules(set).marks();
        let facts = self.traces.take_facts(slot, marks, &mut self.marks);
        let links = self.links.take(slot);
        let traces = &self.traces;
        let case = Case {
            trace: traces.open_trace(slot),
            facts: &facts,
            marks: &self.marks,
            set,
            links: &links,
            promoted: traces.promoted_list(facts.entry.list),
            is_revivable: self.options.rescue_late_errors,
            time_ms,
            cause,
        };
        let tenant_name = |tenant| traces.tenant_name(tenant);
        let given = self.judge.decide(&case, tenant_name, &mut self.counts);
        let beside = (facts.entry, facts.dropped.clone());
        let at = self.traces.decide(slot, &given, beside);
        self.want_back(&given, facts.dropped);
        if given.verdict == Verdict::Keep {
            self.follow_links(given.key, links, time_ms);
        }
        Place::Decided(at)
    }

    /// A late error asked for a trace: if it is kept, its dropped spans are wanted back.
    pub(super) fn want_back(&mut self, given: &GivenVerdict, dropped: Option<Range<u64>>) {
        if let Some(within) = dropped
            && given.verdict == Verdict::Keep
        {
            let policy = self.judge.policies().names().get(usize::from(given.policy));
            self.wanted.push(WantedTrace {
                at: given.first_offset,
                key: given.key,
                within,
                choice: given.choice,
                policy: policy.cloned(),
                promoted: self.traces.promoted_list(given.promoted).cloned(),
            });
        }
    }

    /// What a kept trace links to is to be kept too.
    pub(super) fn follow_links(&mut self, source: TraceKey, targets: Vec<[u8; 16]>, time_ms: u64) {
        for target in targets {
            let linked = Linked {
                tenant: self.traces.tenant_name(source.tenant).as_ref().into(),
                target,
                source: source.id,
            };
            if partition_of(&target, self.options.bus.partitions) == self.number {
                self.links.keep(linked, time_ms);
            } else {
                self.links.pass_on(linked);
            }
        }
    }

    /// Keeps the open traces that kept ones link to, and what those link to.
    pub(super) fn keep_linked(&mut self) {
        while let Some((linked, time_ms)) = self.links.next_to_keep() {
            let tenant = self.traces.tenant(Some(&linked.tenant));
            let key = tenant.map(|tenant| TraceKey {
                tenant,
                id: linked.target,
            });
            if let Some(Place::Open(slot)) = key.and_then(|key| self.traces.find(&key)) {
                let time_ms = time_ms.max(self.traces.open_trace(slot).opened_ms);
                self.close(slot, time_ms, Cause::Linked(linked.source));
            }
        }
    }
}
