//! One partition's statistics.

use std::sync::{Arc, PoisonError, RwLock};

use hashbrown::HashMap;

use super::gathering::Tallied;
use super::group::Group;
use super::operations::Operations;
use super::rule::{Keyed, Kind, Measure};
use super::tally::Tally;
use super::throughput::OTHERS;

/// What a verdict tells the statistics.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a> {
    /// By rule: the key it asked about; 0: it didn't.
    pub(crate) keys: &'a [u64],
    pub(crate) time_ms: u64,
    pub(crate) duration_us: u64,
    pub(crate) spans: u64,
    pub(crate) bytes: u64,
    pub(crate) kept: bool,
}

/// One partition's statistics.
#[derive(Debug)]
pub(crate) struct Statistics {
    rules: Arc<[Keyed]>,
    states: Vec<State>,
    group: Arc<RwLock<Group>>,
    news: News,
    /// Amounts of throughput policies that were found in the decision log.
    restored: News,
}

/// Since the last take: amounts by rule, interval and key.
type News = HashMap<(u16, u64, u64), u64>;

#[derive(Debug)]
enum State {
    Tally(Tally),
    Operations(Operations),
    /// Everything it needs comes from the group.
    Nothing,
}

/// News of more keys than these are told together: see [`OTHERS`].
const NEWS_MAX: usize = 1 << 16;

impl Statistics {
    /// `bytes_max` bounds all of it.
    pub(crate) fn new(rules: Arc<[Keyed]>, bytes_max: usize) -> Self {
        let part = part(&rules, bytes_max);
        let states = rules
            .iter()
            .map(|rule| match rule.kind {
                Kind::Novelty { interval_ms, .. } | Kind::Floor { interval_ms, .. } => {
                    State::Tally(Tally::new(interval_ms, part))
                }
                Kind::Outlier {
                    quantile,
                    samples_min,
                    interval_ms,
                    ..
                } => {
                    let bytes_max = part * OUTLIER_PARTS;
                    State::Operations(Operations::new(
                        quantile,
                        samples_min,
                        interval_ms,
                        bytes_max,
                    ))
                }
                Kind::Throughput(..) => State::Nothing,
            })
            .collect();
        Self {
            group: Arc::new(RwLock::new(Group::new(&rules, 0))),
            rules,
            states,
            news: News::new(),
            restored: News::new(),
        }
    }

    /// From now on what the group knows comes from there.
    pub(crate) fn join(&mut self, group: &Arc<RwLock<Group>>) {
        self.group = group.clone();
    }

    /// Another configuration: rules that both have go on from what is known.
    pub(crate) fn adopt(&mut self, before: &mut Self) {
        for (rule, state) in self.rules.iter().zip(&mut self.states) {
            let mut known = before.rules.iter();
            let Some(at) = known.position(|old| old.identity == rule.identity) else {
                continue;
            };
            let old = std::mem::replace(&mut before.states[at], State::Nothing);
            match (state, old) {
                (State::Tally(tally), State::Tally(old)) => tally.adopt(old),
                (State::Operations(operations), State::Operations(old)) => operations.adopt(old),
                _ => {}
            }
        }
        self.group = before.group.clone();
        let mut group = self.group.write().unwrap_or_else(PoisonError::into_inner);
        group.set_rules(&self.rules);
    }

    pub(crate) fn set_bytes_max(&mut self, bytes_max: usize) {
        let part = part(&self.rules, bytes_max);
        for state in &mut self.states {
            match state {
                State::Tally(tally) => tally.set_bytes_max(part),
                State::Operations(operations) => operations.set_bytes_max(part * OUTLIER_PARTS),
                State::Nothing => {}
            }
        }
    }

    /// The probability with which a rule rejects a trace. 0: it keeps it; 1: it doesn't; what lies between, the trace's own randomness decides.
    pub(crate) fn rejects(&self, rule: usize, key: u64, duration_us: u64, at_ms: u64) -> f64 {
        let holds = match (&self.rules[rule].kind, &self.states[rule]) {
            (
                Kind::Novelty { first: most, .. } | Kind::Floor { least: most, .. },
                State::Tally(own),
            ) => {
                // The group's count lags, the own one misses what others saw: the larger is nearer.
                let group = || self.group().count(rule, key, own.interval_of(at_ms));
                own.count(key, at_ms) < *most && group() < *most
            }
            (Kind::Outlier { factor, .. }, State::Operations(operations)) => operations
                .usual_us(key, at_ms)
                .is_some_and(|usual_us| duration_us as f64 > usual_us as f64 * factor),
            (Kind::Throughput(_, policy), _) => {
                return 1.0 - self.group().rate(rule, key).unwrap_or(policy.initial);
            }
            _ => false,
        };
        if holds { 0.0 } else { 1.0 }
    }

    fn group(&self) -> std::sync::RwLockReadGuard<'_, Group> {
        self.group.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// A verdict was given.
    pub(crate) fn observe(&mut self, seen: &Seen<'_>) {
        self.count(seen, false);
    }

    /// A verdict is found in the decision log.
    pub(crate) fn restore(&mut self, seen: &Seen<'_>) {
        self.count(seen, true);
    }

    fn count(&mut self, seen: &Seen<'_>, restored: bool) {
        for (rule, &key) in seen.keys.iter().enumerate().filter(|&(_, &key)| key != 0) {
            match (&self.rules[rule].kind, &mut self.states[rule]) {
                (kind, State::Tally(tally)) => {
                    if seen.kept || matches!(kind, Kind::Novelty { .. }) {
                        let interval = tally.interval_of(seen.time_ms);
                        tally.add(key, interval, 1);
                        if restored {
                            let count = tally.count_in(key, interval);
                            let mut group =
                                self.group.write().unwrap_or_else(PoisonError::into_inner);
                            group.raise(rule, interval, key, count);
                        } else {
                            add_news(&mut self.news, rule, interval, key, 1);
                        }
                    } else {
                        tally.touch(key);
                    }
                }
                (_, State::Operations(operations)) => {
                    operations.observe(key, seen.duration_us, seen.time_ms);
                }
                (Kind::Throughput(measure, policy), State::Nothing) => {
                    let amount = match measure {
                        Measure::Traces => 1,
                        Measure::Spans => seen.spans,
                        Measure::Bytes => seen.bytes,
                    };
                    let interval = seen.time_ms / policy.interval_ms;
                    let news = match restored {
                        true => &mut self.restored,
                        false => &mut self.news,
                    };
                    add_news(news, rule, interval, key, amount);
                }
                (_, State::Nothing) => {}
            }
        }
    }

    /// What happened since the last call, for the group.
    pub(crate) fn take_news(&mut self) -> Vec<Tallied> {
        taken(&mut self.news)
    }

    /// What the decision log told since the last call of the counts that make up rates.
    pub(crate) fn take_restored(&mut self) -> Vec<Tallied> {
        taken(&mut self.restored)
    }

    /// Keys that the rules know.
    pub(crate) fn keys(&self) -> usize {
        let keys = self.states.iter().map(|state| match state {
            State::Tally(tally) => tally.keys(),
            State::Operations(operations) => operations.keys(),
            State::Nothing => 0,
        });
        keys.sum()
    }

    pub(crate) fn bytes(&self) -> usize {
        let bytes = self.states.iter().map(|state| match state {
            State::Tally(tally) => tally.bytes(),
            State::Operations(operations) => operations.bytes(),
            State::Nothing => 0,
        });
        bytes.sum::<usize>() + self.news.allocation_size() + self.restored.allocation_size()
    }
}

/// With their memory, which a burst would hold for ever.
fn taken(news: &mut News) -> Vec<Tallied> {
    let news = std::mem::take(news).into_iter();
    let news = news.map(|((rule, interval, key), amount)| Tallied {
        rule,
        interval,
        key,
        amount,
    });
    news.collect()
}

fn add_news(news: &mut News, rule: usize, interval: u64, key: u64, amount: u64) {
    let key = if news.len() < NEWS_MAX { key } else { OTHERS };
    *news.entry((rule as u16, interval, key)).or_default() += amount;
}

/// Operations take several times as much as a count.
const OUTLIER_PARTS: usize = 4;

/// What one tally gets of a bound for all; operations get it too, times [`OUTLIER_PARTS`].
fn part(rules: &[Keyed], bytes_max: usize) -> usize {
    let parts = rules.iter().map(|rule| match rule.kind {
        Kind::Outlier { .. } => OUTLIER_PARTS,
        Kind::Novelty { .. } | Kind::Floor { .. } => 1,
        Kind::Throughput(..) => 0,
    });
    bytes_max / parts.sum::<usize>().max(1)
}
