//! What the partitions of all workers know together, one copy a process: counts by key, and the rates of throughput policies.
//!
//! It changes between epochs, by an [`Update`], and while partitions are recovered. Their counts may be known already, since they were ours or others told of
//! them: so the larger one counts, and taking a partition over again and again adds up to nothing. Of a key that several of them counted it may then know too
//! little, and a few more traces are kept than need be.

use hashbrown::HashMap;

use super::tally::Tally;
use super::{Keyed, Kind, OTHERS, Update};

/// What all partitions know together.
#[derive(Debug)]
pub(crate) struct Group {
    bytes_max: usize,
    identities: Vec<u64>,
    rules: Vec<Known>,
}

#[derive(Debug)]
enum Known {
    Tally(Tally),
    /// By key; `None`: nothing is known yet.
    Rates(Option<(f64, HashMap<u64, f64>)>),
    Nothing,
}

impl Group {
    pub(crate) fn new(rules: &[Keyed], bytes_max: usize) -> Self {
        let tallies = rules
            .iter()
            .filter(|rule| matches!(rule.kind, Kind::Novelty { .. } | Kind::Floor { .. }));
        let part = bytes_max / tallies.count().max(1);
        let known = rules.iter().map(|rule| match rule.kind {
            Kind::Novelty { interval_ms, .. } | Kind::Floor { interval_ms, .. } => {
                Known::Tally(Tally::new(interval_ms, part))
            }
            Kind::Outlier { .. } => Known::Nothing,
            Kind::Throughput(..) => Known::Rates(None),
        });
        Self {
            bytes_max,
            rules: known.collect(),
            identities: rules.iter().map(|rule| rule.identity).collect(),
        }
    }

    /// Another configuration: rules that both have go on from what is known. Once is enough, more often does no harm.
    pub(crate) fn set_rules(&mut self, rules: &[Keyed]) {
        let identities = rules.iter().map(|rule| rule.identity);
        if self.identities.iter().copied().eq(identities) {
            return;
        }
        let mut before = std::mem::replace(self, Self::new(rules, self.bytes_max));
        for (identity, known) in self.identities.iter().zip(&mut self.rules) {
            let old = before.identities.iter().position(|old| old == identity);
            let old = old.map(|at| std::mem::replace(&mut before.rules[at], Known::Nothing));
            match (known, old) {
                (Known::Tally(tally), Some(Known::Tally(old))) => tally.adopt(old),
                (Known::Rates(rates), Some(Known::Rates(old))) => *rates = old,
                _ => {}
            }
        }
    }

    /// A partition that is recovered has counted so many.
    pub(crate) fn raise(&mut self, rule: usize, interval: u64, key: u64, count: u32) {
        if let Known::Tally(tally) = &mut self.rules[rule] {
            let missing = count.saturating_sub(tally.count_in(key, interval));
            if missing > 0 {
                tally.add(key, interval, missing);
            }
        }
    }

    pub(crate) fn update(&mut self, update: &Update) {
        for news in &update.counts {
            if let Some(Known::Tally(tally)) = self.rules.get_mut(usize::from(news.rule)) {
                let amount = u32::try_from(news.amount).unwrap_or(u32::MAX);
                tally.add(news.key, news.interval, amount);
            }
        }
        for (rule, rates) in &update.rates {
            if let Some(Known::Rates(known)) = self.rules.get_mut(usize::from(*rule)) {
                *known = Some((rates.others, rates.keys.iter().copied().collect()));
            }
        }
    }

    /// How often a key was counted in an interval, as far as is known.
    pub(crate) fn count(&self, rule: usize, key: u64, interval: u64) -> u32 {
        match &self.rules[rule] {
            Known::Tally(tally) => tally.count_in(key, interval),
            _ => 0,
        }
    }

    /// By key, as [`Group::rate`]; `None`: nothing is known yet, or it is no throughput.
    #[cfg(test)]
    pub(crate) fn rates(&self, rule: usize) -> Option<HashMap<u64, f64>> {
        match &self.rules[rule] {
            Known::Rates(Some((_, rates))) => Some(rates.clone()),
            _ => None,
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        let bytes = self.rules.iter().map(|known| match known {
            Known::Tally(tally) => tally.bytes(),
            Known::Rates(Some((_, rates))) => rates.allocation_size(),
            Known::Rates(None) | Known::Nothing => 0,
        });
        bytes.sum()
    }

    /// The probability of being kept.
    pub(crate) fn rate(&self, rule: usize, key: u64) -> Option<f64> {
        match &self.rules[rule] {
            Known::Rates(Some((others, rates))) => Some(match rates.get(&key) {
                Some(&rate) if key != OTHERS => rate,
                _ => *others,
            }),
            _ => None,
        }
    }
}
