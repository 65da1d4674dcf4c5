//! Tokens of rate limits that overflow in one process go to those that refuse traces for want of them.
//!
//! Each says how much it could have used lately beyond its own; who has tokens to give away divides them and says who gets how much, as a total since it began. So a message that
//! is lost or read twice changes nothing, and no token is given twice. A process has an address for as long as it runs: what was given to one that
//! is gone is nobody's, and one that begins anew gives from nothing on. Pure; bounded.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// What somebody wants is his for so long, unless he says it again: a process may refuse a trace only every few seconds, if they are large.
const WANTED_FOR: Duration = Duration::from_secs(10);
/// What was given to, and by, somebody who says nothing any more is remembered for so long.
const STALE_AFTER: Duration = Duration::from_secs(15);
/// Processes that get something of one budget.
const TAKERS_MAX: usize = 64;
/// Budgets that take part, and givers of one.
const BUDGETS_MAX: usize = 64;
const GIVERS_MAX: usize = 1024;

/// What one process says of one budget. Amounts are thousandths of a token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tokens {
    pub(crate) identity: u64,
    /// Could be used beyond its own, since its last message: refused, or given by others.
    pub(crate) wanted: u64,
    /// By address: given in all.
    pub(crate) given: Vec<(u64, u64)>,
}

#[derive(Debug, Default)]
struct Budget {
    wanted: f64,
    takers: BTreeMap<u64, Taker>,
    givers: BTreeMap<u64, Giver>,
    received: f64,
}

#[derive(Debug)]
struct Taker {
    wanted: f64,
    /// When that was said.
    wanted_at: Instant,
    given: f64,
    heard_at: Instant,
}

#[derive(Debug)]
struct Giver {
    given: u64,
    heard_at: Instant,
}

/// Tokens that are offered to others, and those that are wanted here.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) address: u64,
    budgets: BTreeMap<u64, Budget>,
    changed: bool,
}

impl Exchange {
    pub(crate) fn new(address: u64) -> Self {
        Self {
            address,
            budgets: BTreeMap::new(),
            changed: false,
        }
    }

    /// There are no budgets.
    pub(crate) fn is_idle(&self) -> bool {
        self.budgets.is_empty()
    }

    pub(crate) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// What others want of a budget.
    pub(crate) fn wanted(&self, identity: u64, now: Instant) -> f64 {
        let budget = self.budgets.get(&identity);
        let wanted = budget.into_iter().flat_map(|budget| budget.takers.values());
        wanted.map(|taker| taker.wants(now)).sum()
    }

    /// Gives away what is spare, and says what is wanted here; returns what was given by others since the last call.
    pub(crate) fn exchange(&mut self, identity: u64, spare: f64, wanted: f64, now: Instant) -> f64 {
        let wanted_by_others = self.wanted(identity, now);
        if self.budgets.len() >= BUDGETS_MAX && !self.budgets.contains_key(&identity) {
            return 0.0;
        }
        let budget = self.budgets.entry(identity).or_default();
        budget.wanted += wanted;
        self.changed |= wanted > 0.0 || (spare > 0.0 && wanted_by_others > 0.0);
        if wanted_by_others > 0.0 {
            let part = (spare / wanted_by_others).min(1.0);
            for taker in budget.takers.values_mut() {
                let tokens = taker.wants(now) * part;
                taker.given += tokens;
                taker.wanted -= tokens;
            }
        }
        let stale = |heard_at: Instant| now.duration_since(heard_at) >= STALE_AFTER;
        budget.takers.retain(|_, taker| !stale(taker.heard_at));
        budget.givers.retain(|_, giver| !stale(giver.heard_at));
        std::mem::take(&mut budget.received)
    }

    /// Another configuration: budgets that it doesn't have are forgotten.
    pub(crate) fn keep_only(&mut self, identities: &[u64]) {
        self.budgets
            .retain(|identity, _| identities.contains(identity));
    }

    pub(crate) fn message(&mut self) -> Vec<Tokens> {
        let budgets = self.budgets.iter_mut();
        budgets
            .map(|(&identity, budget)| Tokens {
                identity,
                wanted: thousandths(std::mem::take(&mut budget.wanted)),
                given: (budget.takers.iter())
                    .filter(|(_, taker)| taker.given > 0.0)
                    .map(|(&to, taker)| (to, thousandths(taker.given)))
                    .collect(),
            })
            .collect()
    }

    /// A process has said this.
    pub(crate) fn hear(&mut self, from: u64, tokens: &[Tokens], now: Instant) {
        for tokens in tokens {
            let Some(budget) = self.budgets.get_mut(&tokens.identity) else {
                continue;
            };
            if budget.takers.len() < TAKERS_MAX || budget.takers.contains_key(&from) {
                let taker = budget.takers.entry(from).or_insert(Taker {
                    wanted: 0.0,
                    wanted_at: now,
                    given: 0.0,
                    heard_at: now,
                });
                if tokens.wanted > 0 {
                    taker.wanted = tokens.wanted as f64 / 1000.0;
                    taker.wanted_at = now;
                }
                taker.heard_at = now;
            }
            let ours = tokens.given.iter().find(|(to, _)| *to == self.address);
            let room = budget.givers.len() < GIVERS_MAX;
            if let Some(&(_, given)) = ours
                && (room || budget.givers.contains_key(&from))
            {
                let giver = budget.givers.entry(from).or_insert(Giver {
                    given: 0,
                    heard_at: now,
                });
                budget.received += given.saturating_sub(giver.given) as f64 / 1000.0;
                giver.given = giver.given.max(given);
                giver.heard_at = now;
            }
        }
    }
}

impl Taker {
    fn wants(&self, now: Instant) -> f64 {
        match now.duration_since(self.wanted_at) < WANTED_FOR {
            true => self.wanted,
            false => 0.0,
        }
    }
}

fn thousandths(tokens: f64) -> u64 {
    (tokens * 1000.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUDGET: u64 = 7;

    /// Tells all the others.
    fn tell(all: &mut [Exchange], from: usize, now: Instant) {
        let (address, message) = (all[from].address, all[from].message());
        for other in all.iter_mut().filter(|other| other.address != address) {
            other.hear(address, &message, now);
        }
    }

    fn processes() -> Vec<Exchange> {
        let mut all: Vec<_> = (1..=3).map(Exchange::new).collect();
        for process in &mut all {
            process.exchange(BUDGET, 0.0, 0.0, Instant::now());
        }
        all
    }

    #[test]
    fn what_is_spare_goes_to_those_who_refuse_traces_in_proportion_and_once() {
        let (mut all, now) = (processes(), Instant::now());
        for (process, wanted) in [(1, 30.0), (2, 10.0)] {
            all[process].exchange(BUDGET, 0.0, wanted, now);
            tell(&mut all, process, now);
        }
        assert_eq!(all[0].wanted(BUDGET, now), 40.0);
        all[0].exchange(BUDGET, 20.0, 0.0, now);
        let message = all[0].message();
        for _ in 0..2 {
            all[1].hear(1, &message, now);
            all[2].hear(1, &message, now);
        }
        assert_eq!(all[1].exchange(BUDGET, 0.0, 0.0, now), 15.0);
        assert_eq!(all[1].exchange(BUDGET, 0.0, 0.0, now), 0.0);
        assert_eq!(all[2].exchange(BUDGET, 0.0, 0.0, now), 5.0);
        // Not more than was wanted; what is told is the total.
        all[0].exchange(BUDGET, 100.0, 0.0, now);
        assert_eq!(all[0].wanted(BUDGET, now), 0.0);
        all[0].exchange(BUDGET, 100.0, 0.0, now);
        tell(&mut all, 0, now);
        assert_eq!(all[1].exchange(BUDGET, 0.0, 0.0, now), 15.0);
    }

    #[test]
    fn who_is_gone_gets_nothing_and_who_begins_anew_takes_nothing_of_before() {
        let (mut all, now) = (processes(), Instant::now());
        all[1].exchange(BUDGET, 0.0, 10.0, now);
        tell(&mut all, 1, now);
        assert_eq!(all[0].wanted(BUDGET, now + WANTED_FOR), 0.0);
        all[0].exchange(BUDGET, 4.0, 0.0, now);
        all[1] = Exchange::new(22);
        all[1].exchange(BUDGET, 0.0, 0.0, now);
        tell(&mut all, 0, now);
        assert_eq!(all[1].exchange(BUDGET, 0.0, 0.0, now), 0.0);
        // The other way round: a giver that begins anew gives from nothing on.
        for (address, given) in [(1, 4000), (11, 3000), (11, 3500)] {
            let given = vec![(22, given)];
            let tokens = Tokens {
                identity: BUDGET,
                wanted: 0,
                given,
            };
            all[1].hear(address, &[tokens], now);
        }
        assert_eq!(all[1].exchange(BUDGET, 0.0, 0.0, now), 7.5);
        all[0].exchange(BUDGET, 0.0, 0.0, now + STALE_AFTER);
        assert_eq!(all[0].message()[0].given, []);
    }

    #[test]
    fn budgets_of_another_configuration_are_left_alone() {
        let (mut all, now) = (processes(), Instant::now());
        all[1].keep_only(&[]);
        assert!(all[1].is_idle());
        all[1].exchange(BUDGET + 1, 0.0, 5.0, now);
        tell(&mut all, 1, now);
        assert_eq!(all[0].wanted(BUDGET, now), 0.0);
        assert_eq!(all[0].wanted(BUDGET + 1, now), 0.0);
    }
}
