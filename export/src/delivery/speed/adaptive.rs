//! How many requests may be in flight, found out while running. Pure.
//!
//! Additive increase, multiplicative decrease, as Vector's adaptive request concurrency does it (<https://vector.dev/docs/architecture/arc/>): the limit grows by
//! one while it is used up and answers take as long as ever, and shrinks by a tenth when the backend pushes back or its answers take longer than usual by 2.5
//! deviations. What is usual is an average with weight 0.4 for the newest round; unlike there, 0.02 where that was slower, and slow rounds widen no deviation:
//! a backend that gets slower little by little because of us would otherwise be followed all the way.

use std::time::Duration;

const DECREASE: f64 = 0.9;
const NEWEST: f64 = 0.4;
const NEWEST_IF_SLOWER: f64 = 0.02;
const DEVIATIONS: f64 = 2.5;

/// The limit, and what it is judged by.
#[derive(Debug)]
pub struct Adaptive {
    min: usize,
    max: usize,
    limit: f64,
    /// Mean and variance of the times to an answer, in seconds, of past rounds.
    usual: Option<(f64, f64)>,
    /// Answers of this round: their number, the sum of their times.
    round: (u32, f64),
    /// In this round the limit was used up, or the backend pushed back.
    was_reached: bool,
    was_pushed_back: bool,
}

impl Adaptive {
    /// Begins with `min` requests and goes up to `max`. Where both are the same, nothing adapts.
    pub fn new(min: usize, max: usize) -> Self {
        Self {
            min,
            max,
            limit: min as f64,
            usual: None,
            round: (0, 0.0),
            was_reached: false,
            was_pushed_back: false,
        }
    }

    pub fn limit(&self) -> usize {
        (self.limit as usize).clamp(self.min, self.max)
    }

    /// One request more is in flight, so many in all.
    pub fn sent(&mut self, in_flight: usize) {
        self.was_reached |= in_flight >= self.limit();
    }

    /// An answer came after so long. `pushed_back`: it asked for time, or there was none.
    pub fn answered(&mut self, took: Duration, pushed_back: bool) {
        self.was_pushed_back |= pushed_back;
        if !pushed_back {
            self.round.0 += 1;
            self.round.1 += took.as_secs_f64();
        }
        // A round is as many answers as may be in flight, so that each of them was sent under the limit that it is judged by.
        if pushed_back || self.round.0 as usize >= self.limit() {
            self.end_round();
        }
    }

    fn end_round(&mut self) {
        let (answers, sum) = std::mem::take(&mut self.round);
        let (was_reached, was_pushed_back) = (
            std::mem::take(&mut self.was_reached),
            std::mem::take(&mut self.was_pushed_back),
        );
        let mean = (answers > 0).then(|| sum / f64::from(answers));
        let is_slow = match (mean, self.usual) {
            (Some(mean), Some((usual, variance))) => {
                // Below a millisecond nothing is slow.
                mean > usual + (DEVIATIONS * variance.sqrt()).max(0.001)
            }
            _ => false,
        };
        if was_pushed_back || is_slow {
            self.limit = (self.limit * DECREASE).max(self.min as f64);
        } else if was_reached {
            self.limit = (self.limit + 1.0).min(self.max as f64);
        }
        if let Some(mean) = mean {
            self.usual = Some(match self.usual {
                None => (mean, 0.0),
                Some((usual, variance)) => {
                    let difference = mean - usual;
                    let weight = match difference > 0.0 {
                        true => NEWEST_IF_SLOWER,
                        false => NEWEST,
                    };
                    let step = weight * difference;
                    let variance = match is_slow {
                        true => variance,
                        false => (1.0 - weight) * (variance + difference * step),
                    };
                    (usual + step, variance)
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A backend that answers in 20 ms up to `capacity` requests at a time, and later in proportion.
    fn settled(capacity: usize, rounds: usize) -> Vec<usize> {
        let mut adaptive = Adaptive::new(1, 200);
        let mut limits = Vec::new();
        for round in 0..rounds {
            let limit = adaptive.limit();
            adaptive.sent(limit);
            let load = (limit as f64 / capacity as f64).max(1.0);
            // Times are never quite the same; the mean of many varies less.
            let jitter = 1.0 + 0.02 * ((round * 7 % 5) as f64 - 2.0) / (limit as f64).sqrt();
            for _ in 0..limit {
                adaptive.answered(Duration::from_secs_f64(0.02 * load * load * jitter), false);
            }
            limits.push(adaptive.limit());
        }
        limits
    }

    #[test]
    fn it_finds_about_what_the_backend_takes() {
        for capacity in [5, 20, 60] {
            let limits = settled(capacity, 600);
            let late = &limits[300..];
            let mean = late.iter().sum::<usize>() as f64 / late.len() as f64;
            let expected = capacity as f64 * 0.6..capacity as f64 * 1.6;
            assert!(expected.contains(&mean), "{capacity}: {mean}");
        }
    }

    #[test]
    fn it_stays_where_nothing_presses() {
        let mut adaptive = Adaptive::new(2, 32);
        for _ in 0..100 {
            adaptive.sent(1);
            adaptive.answered(Duration::from_millis(10), false);
        }
        assert_eq!(adaptive.limit(), 2);
    }

    #[test]
    fn who_asks_for_time_gets_less() {
        let mut adaptive = Adaptive::new(1, 32);
        for _ in 0..2000 {
            adaptive.sent(32);
            adaptive.answered(Duration::from_millis(10), false);
        }
        assert_eq!(adaptive.limit(), 32);
        adaptive.answered(Duration::from_millis(10), true);
        assert_eq!(adaptive.limit(), 28);
        (0..100).for_each(|_| adaptive.answered(Duration::from_millis(10), true));
        assert_eq!(adaptive.limit(), 1);
        let mut fixed = Adaptive::new(4, 4);
        fixed.answered(Duration::from_secs(9), true);
        assert_eq!(fixed.limit(), 4);
    }
}
