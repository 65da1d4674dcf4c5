//! With what probability a rule gave its answer: a threshold, and which random value it was held against.

use schemas::decisions::UNKNOWN_THRESHOLD;

/// A chance to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chance {
    /// 56-bit rejection threshold; 0: for sure, [`UNKNOWN_THRESHOLD`]: depends on more than a random value of the trace.
    pub(crate) threshold: u64,
    /// R is the hash of the trace id that begins with this state; `None`: R is what OpenTelemetry says it is.
    pub(crate) salt_state: Option<u64>,
}

impl Chance {
    pub(crate) const SURE: Self = Self {
        threshold: 0,
        salt_state: None,
    };
    pub(crate) const UNKNOWN: Self = Self {
        threshold: UNKNOWN_THRESHOLD,
        salt_state: None,
    };

    /// Of two policies that both keep a trace, whose chance says how much it stands for.
    ///
    /// The more probable one: it would have kept the trace alone. But an unknown one, a rate limit, before all that are chances: let what it lets
    /// through stand for itself alone, and what it doesn't for 1/p, then all stand for all on average.
    pub(crate) fn better_than(self, other: Self) -> bool {
        let rank = |chance: Self| match chance.threshold {
            0 => 0,
            UNKNOWN_THRESHOLD => 1,
            threshold => threshold + 1,
        };
        rank(self) < rank(other)
    }

    /// The chance of a kept trace to be kept by any of several policies, whose chances are all of those that the trace had, this one the best that
    /// held.
    ///
    /// Those that ask the same random value keep what the most probable one keeps. Different random values are independent: a trace is dropped only if all
    /// of them reject it. Sure and unknown stay what they are.
    pub(crate) fn of_any(self, chances: &[Self]) -> Self {
        if self == Self::SURE || self.threshold == UNKNOWN_THRESHOLD {
            return self;
        }
        let known = |chance: &&Self| chance.threshold < UNKNOWN_THRESHOLD;
        let is_first = |at: usize, salt| {
            chances[..at]
                .iter()
                .filter(known)
                .all(|chance| chance.salt_state != salt)
        };
        let mut rejected = 1.0;
        let mut salts = 0;
        let mut threshold = self.threshold;
        for (at, chance) in chances
            .iter()
            .enumerate()
            .filter(|(_, chance)| known(chance))
        {
            if is_first(at, chance.salt_state) {
                let alike = chances[at..].iter().filter(known);
                let alike = alike.filter(|other| other.salt_state == chance.salt_state);
                let least = alike.map(|other| other.threshold).min();
                threshold = least.unwrap_or(threshold);
                rejected *= threshold as f64 / UNKNOWN_THRESHOLD as f64;
                salts += 1;
            }
        }
        if salts > 1 {
            threshold = (rejected * UNKNOWN_THRESHOLD as f64).round() as u64;
        }
        Self { threshold, ..self }
    }

    /// Both: the less probable one, where both ask the same random value.
    pub(in crate::policy) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::SURE, chance) | (chance, Self::SURE) => chance,
            (a, b) if a.salt_state != b.salt_state => Self::UNKNOWN,
            (a, b) if a.threshold < b.threshold => b,
            (a, _) => a,
        }
    }
}

/// T of a hash that keeps if it is at most `bound`.
pub(in crate::policy) fn threshold(bound: u64) -> u64 {
    !bound >> 8
}

/// R of a hash: kept, hash ≤ bound, means R ≥ T; R ≥ T means kept but for one hash in 2^56.
pub(in crate::policy) fn randomness(hash: u64) -> u64 {
    !hash >> 8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_are_as_probable_as_the_least_one() {
        let chance = |threshold, salt| Chance {
            threshold,
            salt_state: Some(salt),
        };
        let (half, tenth) = (chance(5, 1), chance(9, 1));
        assert_eq!(half.and(tenth), tenth);
        assert_eq!(tenth.and(half), tenth);
        assert_eq!(Chance::SURE.and(half), half);
        assert_eq!(half.and(chance(5, 2)), Chance::UNKNOWN);
        assert_eq!(half.and(Chance::UNKNOWN), Chance::UNKNOWN);
    }

    #[test]
    fn the_more_probable_is_better() {
        let chance = |threshold| Chance {
            threshold,
            salt_state: None,
        };
        let order = [Chance::SURE, Chance::UNKNOWN, chance(1), chance(2)];
        for (at, better) in order.iter().enumerate() {
            for worse in &order[at + 1..] {
                assert!(better.better_than(*worse) && !worse.better_than(*better));
            }
        }
    }

    #[test]
    fn kept_means_r_at_least_t() {
        for bound in [0, 1, 255, 256, 0x1999_9999_9999_99ff, u64::MAX] {
            for hash in [bound.saturating_sub(1), bound] {
                assert!(randomness(hash) >= threshold(bound), "{hash} {bound}");
            }
            if let Some(above) = bound.checked_add(256) {
                assert!(randomness(above) < threshold(bound), "{bound}");
            }
        }
    }
}
