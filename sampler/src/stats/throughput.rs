//! A throughput policy as a whole: counts by key of the last intervals, of all partitions, and the probabilities that follow from them.
//!
//! The methods of Refinery (dynsampler-go v0.7), on the time of the stream:
//! - `ema` (`emathroughput.go`, and `emasamplerate.go` for a percentage): a moving average of each key's count an interval,
//!   average' = weight × count + (1 − weight) × average; the goal is divided by the logarithm of the averages;
//! - `windowed` (`windowedthroughput.go`): the counts of the last intervals that make up the window; the goal is divided evenly.
//!
//! Both are a weighted sum over the same ring of counts by interval. The moving average is cut off where what is older weighs less than a hundredth,
//! and divided by the weights it has, so that it is right from the first interval on, and is rebuilt from a bounded part of the log. As in
//! dynsampler, intervals without any traffic are left out of it, and a burst (twice the average before the interval is over) is acted on at once.
//!
//! What all samplers see is estimated from the partitions that were counted: traces are spread over partitions by hash, so these are a fair sample.

use std::collections::VecDeque;

use hashbrown::HashMap;

use super::allocation::{Weighting, allocate};

/// What a policy aims at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Goal {
    /// Spans, bytes or traces, over all samplers.
    PerSecond(f64),
    /// A share of what comes, 0 to 1.
    Share(f64),
}

/// How counts of several intervals become one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Method {
    /// The weight of the newest interval, above 0 and below 1.
    Ema { weight: f64 },
    /// Number of intervals.
    Windowed { intervals: usize },
    /// The same, for two keys: [`EXEMPT`] is kept whole, and [`LIMITED`] gets what that leaves of the goal.
    Remainder { intervals: usize },
}

/// One throughput policy.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Throughput {
    pub(crate) goal: Goal,
    pub(crate) method: Method,
    pub(crate) interval_ms: u64,
    /// What is kept before anything is known, 0 to 1.
    pub(crate) initial: f64,
    pub(crate) keys_max: usize,
}

/// More intervals than these are not held, however small the weight.
pub(crate) const INTERVALS_MAX: usize = 128;
/// A weight below which an interval is left out of the average.
const WEIGHT_MIN: f64 = 0.01;
/// dynsampler's `BurstMultiple`.
const BURST: f64 = 2.0;
/// What is not counted by itself, see [`Throughput::keys_max`], is counted together.
pub(crate) const OTHERS: u64 = 0;
/// Of [`Method::Remainder`].
pub(crate) const EXEMPT: u64 = 1;
pub(crate) const LIMITED: u64 = 2;

/// Over so long the bytes of a daily budget are averaged.
const DAILY_INTERVAL_MS: u64 = 60_000;
const DAILY_INTERVALS: usize = 10;
const SECONDS_OF_A_DAY: f64 = 86_400.0;

impl Throughput {
    /// A budget of so many bytes in a day of the partition's clock, spread evenly over it: so it is kept to whatever the time, and is known from a few
    /// minutes of the log.
    pub(crate) fn daily(bytes: u64) -> Self {
        Self {
            goal: Goal::PerSecond(bytes as f64 / SECONDS_OF_A_DAY),
            method: Method::Remainder {
                intervals: DAILY_INTERVALS,
            },
            interval_ms: DAILY_INTERVAL_MS,
            initial: 1.0,
            keys_max: 2,
        }
    }

    /// Intervals that the result depends on, the present one aside.
    pub(crate) fn intervals(&self) -> usize {
        let wanted = match self.method {
            Method::Ema { weight } => (WEIGHT_MIN.ln() / (1.0 - weight).ln()).ceil() as usize,
            Method::Windowed { intervals } | Method::Remainder { intervals } => intervals,
        };
        wanted.clamp(1, INTERVALS_MAX)
    }
}

/// By key: the probability of being kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rates {
    /// Of keys that are not listed.
    pub(crate) others: f64,
    pub(crate) keys: Vec<(u64, f64)>,
}

#[derive(Debug)]
struct Interval {
    number: u64,
    counts: HashMap<u64, f64>,
}

/// The counts that a policy's rates follow from.
#[derive(Debug)]
pub(crate) struct Counts {
    policy: Throughput,
    /// Oldest first; the last one is still being counted.
    intervals: VecDeque<Interval>,
    /// In an interval, by the last average.
    expected: f64,
    /// The last interval for which rates were given, and whether for a burst within it.
    given: Option<(u64, bool)>,
}

impl Counts {
    pub(crate) fn new(policy: Throughput) -> Self {
        Self {
            policy,
            intervals: VecDeque::new(),
            expected: f64::INFINITY,
            given: None,
        }
    }

    /// Another goal for the same keys and interval.
    pub(crate) fn adopt(&mut self, before: Self) {
        *self = Self {
            policy: self.policy.clone(),
            given: None,
            ..before
        };
    }

    pub(crate) fn add(&mut self, key: u64, interval: u64, amount: f64) {
        let keys_max = self.policy.keys_max;
        let Some(interval) = self.interval(interval) else {
            return;
        };
        let known = interval.counts.contains_key(&key);
        let key = if known || interval.counts.len() < keys_max {
            key
        } else {
            OTHERS
        };
        *interval.counts.entry(key).or_default() += amount;
    }

    /// At least so much was counted in an interval, by key.
    pub(crate) fn raise(&mut self, interval: u64, amounts: impl IntoIterator<Item = (u64, u64)>) {
        let keys_max = self.policy.keys_max;
        let Some(interval) = self.interval(interval) else {
            return;
        };
        let mut others = 0;
        for (key, amount) in amounts {
            let known = interval.counts.contains_key(&key);
            if key != OTHERS && (known || interval.counts.len() < keys_max) {
                let count = interval.counts.entry(key).or_default();
                *count = count.max(amount as f64);
            } else {
                others += amount;
            }
        }
        if others > 0 {
            let count = interval.counts.entry(OTHERS).or_default();
            *count = count.max(others as f64);
        }
    }

    /// `None`: too old to count.
    fn interval(&mut self, number: u64) -> Option<&mut Interval> {
        let at = self
            .intervals
            .partition_point(|interval| interval.number < number);
        let known = self
            .intervals
            .get(at)
            .is_some_and(|interval| interval.number == number);
        if !known {
            let held = self.policy.intervals() + 1;
            if at == 0 && self.intervals.len() >= held {
                return None;
            }
            let counts = HashMap::new();
            self.intervals.insert(at, Interval { number, counts });
            if self.intervals.len() > held {
                self.intervals.pop_front();
                return self.intervals.get_mut(at - 1);
            }
        }
        self.intervals.get_mut(at)
    }

    /// New rates, when an interval is over or a burst is under way. `covered`: the part of all partitions that was counted.
    pub(crate) fn rates(&mut self, covered: f64) -> Option<Rates> {
        let last = self.intervals.back()?;
        let burst = last.counts.values().sum::<f64>() >= BURST * self.expected;
        let due = match self.given {
            None => self.intervals.len() > 1 || burst,
            Some((number, _)) if number < last.number => true,
            Some((_, acted)) => burst && !acted,
        };
        if !due {
            return None;
        }
        self.given = Some((last.number, burst));
        let averages = self.averages(burst);
        self.expected = averages.iter().map(|(_, count)| count).sum();
        let scaled: Vec<_> = averages
            .iter()
            .map(|&(key, count)| (key, count / covered.clamp(f64::MIN_POSITIVE, 1.0)))
            .collect();
        let goal = self.goal(&scaled);
        let mut keys = match self.policy.method {
            Method::Remainder { .. } => remainder(&scaled, goal),
            Method::Ema { .. } => allocate(&scaled, goal, Weighting::Logarithm),
            Method::Windowed { .. } => allocate(&scaled, goal, Weighting::Even),
        };
        let others = keys.iter().position(|&(key, _)| key == OTHERS);
        // A key that is new is kept whole; when there are too many keys, it is one of the others.
        let others = others.map_or(1.0, |at| keys.swap_remove(at).1);
        Some(Rates { others, keys })
    }

    fn goal(&self, counts: &[(u64, f64)]) -> f64 {
        match self.policy.goal {
            Goal::PerSecond(goal) => goal * self.policy.interval_ms as f64 / 1000.0,
            Goal::Share(share) => share * counts.iter().map(|(_, count)| count).sum::<f64>(),
        }
    }

    /// By key, what an interval counts on average. The interval that is under way is among them only in a burst.
    fn averages(&self, burst: bool) -> Vec<(u64, f64)> {
        let under_way = usize::from(!burst);
        let over = self.intervals.iter().rev().skip(under_way);
        let newest = self.intervals.back().map_or(0, |last| last.number) - under_way as u64;
        let (mut weight, mut weights) = (1.0, 0.0);
        let mut sums: HashMap<u64, f64> = HashMap::new();
        for interval in over.take(self.policy.intervals()) {
            let weight = match self.policy.method {
                Method::Ema { weight: newest } => {
                    let this = weight;
                    weight *= 1.0 - newest;
                    this
                }
                // The window is of time: an interval without traffic counts.
                Method::Windowed { intervals } | Method::Remainder { intervals }
                    if newest - interval.number >= intervals as u64 =>
                {
                    break;
                }
                Method::Windowed { .. } | Method::Remainder { .. } => 1.0,
            };
            weights += weight;
            for (&key, count) in &interval.counts {
                *sums.entry(key).or_default() += weight * count;
            }
        }
        if let (Method::Windowed { intervals } | Method::Remainder { intervals }, Some(first)) =
            (self.policy.method, self.intervals.front())
        {
            weights = ((newest - first.number.min(newest) + 1) as f64).min(intervals as f64);
        }
        let mut averages: Vec<_> = sums
            .into_iter()
            .map(|(key, sum)| (key, sum / weights))
            .collect();
        averages.sort_by_key(|&(key, _)| key);
        averages
    }
}

/// What [`Method::Remainder`] keeps.
fn remainder(counts: &[(u64, f64)], goal: f64) -> Vec<(u64, f64)> {
    let of = |key| {
        let found = counts.iter().find(|(other, _)| *other == key);
        found.map_or(0.0, |(_, count)| *count)
    };
    let (left, limited) = ((goal - of(EXEMPT)).max(0.0), of(LIMITED));
    let share = if limited <= left { 1.0 } else { left / limited };
    vec![(EXEMPT, 1.0), (LIMITED, share)]
}

#[cfg(test)]
mod tests;
