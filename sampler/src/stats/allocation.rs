//! Divides a budget over keys: which share of each key's traces is kept, so that all together come to the goal.
//!
//! After `calculateSampleRates` of Honeycomb's dynsampler-go (v0.7, `keyCalculation.go`): each key has a part of the goal by its weight, at least
//! one; a key with less than its part is kept whole, and what it leaves goes to the others. Two differences. What is left is divided by weight among all keys
//! that have more than their part, where dynsampler passes it on in alphabetical order and may not use it up. And a probability needs no rounding to
//! one in a whole number, since it is applied to randomness of 56 bits.

/// How much of the goal a key gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weighting {
    /// By the logarithm of its count, as `EMASampleRate` and `EMAThroughput`: frequent keys get more, but far less than in proportion.
    Logarithm,
    /// Every key alike, as `WindowedThroughput`.
    Even,
}

impl Weighting {
    fn of(self, count: f64) -> f64 {
        match self {
            Self::Logarithm => count.max(1.0).log10(),
            Self::Even => 1.0,
        }
    }
}

/// By key: the probability with which it is kept. Counts and goal are of the same interval.
pub(crate) fn allocate(counts: &[(u64, f64)], goal: f64, weighting: Weighting) -> Vec<(u64, f64)> {
    let mut keys: Vec<_> = counts
        .iter()
        .map(|&(key, count)| (key, count, weighting.of(count)))
        .collect();
    // Those that are kept whole anyway, then those that need least for their weight: once one has more than its part, all that follow have.
    keys.sort_by(|(a, a_count, a_weight), (b, b_count, b_weight)| {
        (*a_count > 1.0)
            .cmp(&(*b_count > 1.0))
            .then((a_count * b_weight).total_cmp(&(b_count * a_weight)))
            .then(a.cmp(b))
    });
    let mut weights: f64 = keys.iter().map(|(_, _, weight)| weight).sum();
    let mut left = goal;
    let mut each = None;
    keys.iter()
        .map(|&(key, count, weight)| {
            if each.is_none() && count > (left * weight / weights).max(1.0) {
                each = Some(left.max(0.0) / weights);
            }
            let part = match each {
                Some(each) => (weight * each).max(1.0),
                None => {
                    left -= count;
                    weights -= weight;
                    count
                }
            };
            (key, if count <= part { 1.0 } else { part / count })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Counts, goal, and what is kept of each.
    #[track_caller]
    fn check(counts: &[f64], goal: f64, weighting: Weighting, kept: &[f64]) {
        let counts: Vec<_> = (0..).zip(counts.iter().copied()).collect();
        let mut shares = allocate(&counts, goal, weighting);
        shares.sort_by_key(|&(key, _)| key);
        for ((&(_, count), (_, share)), wanted) in counts.iter().zip(shares).zip(kept) {
            assert!(
                (count * share - wanted).abs() < 1e-6,
                "{} of {count}, not {wanted}",
                count * share
            );
        }
    }

    #[test]
    fn a_budget_is_used_up_and_small_keys_are_kept_whole() {
        use Weighting::{Even, Logarithm};
        check(&[10.0, 10.0], 100.0, Even, &[10.0, 10.0]);
        check(&[1000.0, 1000.0], 100.0, Even, &[50.0, 50.0]);
        check(&[1000.0, 10.0, 1000.0], 100.0, Even, &[45.0, 10.0, 45.0]);
        // log10: 1, 2, 3.
        check(&[10.0, 100.0, 1000.0], 60.0, Logarithm, &[10.0, 20.0, 30.0]);
        check(
            &[10.0, 100.0, 1000.0],
            120.0,
            Logarithm,
            &[10.0, 44.0, 66.0],
        );
        check(&[1.0, 1.0, 1000.0], 52.0, Logarithm, &[1.0, 1.0, 50.0]);
        // Never less than one a key.
        check(&[1000.0, 1000.0], 1.0, Even, &[1.0, 1.0]);
        check(&[], 10.0, Logarithm, &[]);
    }

    proptest! {
        #[test]
        fn the_goal_is_met(counts in prop::collection::vec(1_u32..1_000_000, 1..50), goal in 100_u32..1_000_000, even: bool) {
            let counts: Vec<_> = (0..).zip(counts.into_iter().map(f64::from)).collect();
            let weighting = if even { Weighting::Even } else { Weighting::Logarithm };
            let shares = allocate(&counts, goal.into(), weighting);
            let all: f64 = counts.iter().map(|(_, count)| count).sum();
            let by_key: std::collections::HashMap<_, _> = counts.iter().copied().collect();
            let kept: f64 = shares.iter().map(|(key, share)| share * by_key[key]).sum();
            let wanted = all.min(goal.into());
            // Above it only by the one that each key is given.
            prop_assert!(kept >= wanted - 1e-6 * wanted, "{kept} of {wanted}");
            prop_assert!(kept <= wanted + counts.len() as f64 + 1e-6 * wanted, "{kept} of {wanted}");
            prop_assert!(shares.iter().all(|(_, share)| (0.0..=1.0).contains(share)));
        }
    }
}
