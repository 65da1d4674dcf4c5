//! How long a batch waits before it is offered again. Pure: no clock, no chance.

use std::time::Duration;

use crate::config::RetryPolicy;

/// The pauses of one batch: exponential, with jitter, and never shorter than the backend asked for.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    policy: RetryPolicy,
    interval: Duration,
}

impl Backoff {
    pub fn new(policy: RetryPolicy) -> Self {
        Self {
            policy,
            interval: policy.initial_interval,
        }
    }

    /// The next pause. `chance` is in 0..1.
    pub fn next(&mut self, throttle: Option<Duration>, chance: f64) -> Duration {
        let spread = self.policy.randomization_factor * (2.0 * chance - 1.0);
        let pause = self.interval.mul_f64((1.0 + spread).max(0.0));
        self.interval = self
            .interval
            .mul_f64(self.policy.multiplier)
            .min(self.policy.max_interval);
        pause.max(throttle.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn pauses_grow_to_their_bound() {
        let policy = RetryPolicy {
            initial_interval: Duration::from_secs(4),
            randomization_factor: 0.5,
            multiplier: 2.0,
            max_interval: Duration::from_secs(10),
            max_elapsed_time: None,
            poison_after: Duration::from_secs(600),
        };
        let run = |chance, throttle| {
            let mut backoff = Backoff::new(policy);
            let pauses = (0..4).map(|_| backoff.next(throttle, chance).as_secs());
            pauses.collect::<Vec<_>>()
        };
        assert_eq!(run(0.5, None), [4, 8, 10, 10]);
        assert_eq!(run(0.0, None), [2, 4, 5, 5]);
        assert_eq!(run(1.0, None), [6, 12, 15, 15]);
        assert_eq!(run(0.5, Some(Duration::from_secs(9))), [9, 9, 10, 10]);
    }
}
