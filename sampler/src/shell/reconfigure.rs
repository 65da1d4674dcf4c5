//! Another configuration for a partition that is running: its window, its verdicts and its place in the log stay.
//!
//! Conditions that both configurations have keep what was gathered. What only the new one asks for is not known of the spans that open traces have
//! already: it counts as not satisfied by them, but for latency, which is known of every trace.

use std::sync::Arc;

use crate::decide::verdicts::NO_POLICY;
use crate::options::Options;
use crate::partition::Partition;
use crate::policy::Policies;

/// What can change while a sampler runs.
#[derive(Clone, Debug)]
pub struct Reconfiguration {
    pub policies: Arc<Policies>,
    /// What the bus says is in them as before: see `Config::take_over`.
    pub options: Options,
}

impl Partition {
    /// From the next record on. To be called between a [`Partition::take`] and the first record after it.
    pub fn reconfigure(&mut self, change: &Reconfiguration) {
        let (policies, options) = (&change.policies, &change.options);
        let bits = policies.carried_over(&self.policies);
        self.window.reconfigure(&bits, policies, options);
        self.hold_bits(&bits, policies);
        self.window
            .carry_marks(self.policies.marks(), policies.marks());
        let rules = policies.keyed().iter();
        self.log
            .set_statistics(rules.map(|rule| rule.identity).collect());
        let places: Vec<u16> = (self.policies.names().iter())
            .map(|name| {
                let place = policies.names().iter().position(|known| known == name);
                place.map_or(NO_POLICY, |at| at as u16)
            })
            .collect();
        let place = |policy: u16| places.get(usize::from(policy)).copied();
        let renumber = |policy| place(policy).unwrap_or(NO_POLICY);
        self.verdicts
            .reconfigure(options.decision_cache_ttl_ms, renumber);
        self.log.renumber(renumber);
        self.counts.verdicts.clear();
        self.counts.matches.clear();
        self.state = self.state.carried_over(
            policies,
            self.options.bus.partitions,
            self.options.statistics_bytes,
        );
        // After every span that was seen: a replay tells by a verdict's time which errors came too late for it.
        self.decided_from_ms = self.clock.now_ms() + 1;
        self.options = options.clone();
        self.policies = policies.clone();
    }
}
