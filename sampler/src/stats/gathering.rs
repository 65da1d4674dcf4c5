//! Where the news of all partitions meet: counts are passed on to the group, those of throughput policies become rates.

use std::sync::Arc;

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use super::throughput::{Counts, Rates};
use super::{Keyed, Kind};

/// An amount of a key in an interval, to be added to what is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tallied {
    /// Index of the rule.
    pub rule: u16,
    /// Number of the interval on the partition's clock: time / length.
    pub interval: u64,
    pub key: u64,
    pub amount: u64,
}

/// What the group learns from an epoch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Update {
    pub counts: Vec<Tallied>,
    /// By rule.
    pub rates: Vec<(u16, Rates)>,
}

/// One in a process.
#[derive(Debug)]
pub(crate) struct Gathering {
    rules: Arc<[Keyed]>,
    /// Of throughput policies.
    throughputs: Vec<Option<Counts>>,
}

impl Gathering {
    pub(crate) fn new(rules: Arc<[Keyed]>) -> Self {
        let throughputs = rules.iter().map(|rule| match &rule.kind {
            Kind::Throughput(_, policy) => Some(Counts::new(policy.clone())),
            _ => None,
        });
        Self {
            throughputs: throughputs.collect(),
            rules,
        }
    }

    /// What partitions that were recovered in an epoch had counted, all together; what of it is known already counts once.
    pub(crate) fn raise(&mut self, restored: impl IntoIterator<Item = Tallied>) {
        let mut amounts: HashMap<(u16, u64), HashMap<u64, u64>> = HashMap::new();
        for restored in restored {
            let keys = amounts
                .entry((restored.rule, restored.interval))
                .or_default();
            *keys.entry(restored.key).or_default() += restored.amount;
        }
        for ((rule, interval), keys) in amounts {
            if let Some(Some(throughput)) = self.throughputs.get_mut(usize::from(rule)) {
                throughput.raise(interval, keys);
            }
        }
    }

    /// The news of one epoch. `covered`: the part of all partitions that they are of.
    pub(crate) fn gather(
        &mut self,
        news: impl IntoIterator<Item = Tallied>,
        covered: f64,
    ) -> Update {
        let mut counts: HashMap<(u16, u64, u64), u64> = HashMap::new();
        for news in news {
            match self.throughputs.get_mut(usize::from(news.rule)) {
                Some(Some(throughput)) => {
                    throughput.add(news.key, news.interval, news.amount as f64);
                }
                Some(None) => {
                    *counts
                        .entry((news.rule, news.interval, news.key))
                        .or_default() += news.amount;
                }
                None => {}
            }
        }
        let rates = (0..).zip(&mut self.throughputs);
        let rates = rates.filter_map(|(rule, throughput)| {
            let rates = throughput.as_mut()?.rates(covered)?;
            Some((rule, rates))
        });
        let counts = counts.into_iter();
        let counts = counts.map(|((rule, interval, key), amount)| Tallied {
            rule,
            interval,
            key,
            amount,
        });
        Update {
            counts: counts.collect(),
            rates: rates.collect(),
        }
    }

    pub(crate) fn rules(&self) -> &[Keyed] {
        &self.rules
    }

    /// Another configuration: rules that both have go on from what is known.
    pub(crate) fn adopt(&mut self, mut before: Self) {
        for (rule, counts) in self.rules.iter().zip(&mut self.throughputs) {
            let mut known = before.rules.iter();
            let at = known.position(|old| old.identity == rule.identity);
            let old = at.and_then(|at| before.throughputs[at].take());
            if let (Some(counts), Some(old)) = (counts, old) {
                counts.adopt(old);
            }
        }
    }
}
