//! How much a second a backend is sent, for each process. Pure: time is given.
//!
//! A balance for bytes, items and requests each, which grows by its limit a second and holds one second's worth. A batch goes when no balance is used up,
//! and may leave a debt, so that a limit smaller than a batch holds on average.

use std::time::{Duration, Instant};

use crate::config::RateLimits;

/// What may still go.
#[derive(Debug)]
pub struct Rate {
    limits: [f64; 3],
    balances: [f64; 3],
    as_of: Option<Instant>,
}

impl Rate {
    pub fn new(limits: RateLimits) -> Self {
        let limits = [limits.bytes, limits.items, limits.requests];
        Self {
            limits,
            balances: limits,
            as_of: None,
        }
    }

    /// Takes so much for a batch, or says how long it has to wait.
    pub fn take(&mut self, bytes: usize, items: usize, now: Instant) -> Result<(), Duration> {
        self.refill(now);
        let wait = self.wait();
        if !wait.is_zero() {
            return Err(wait);
        }
        for (balance, taken) in self
            .balances
            .iter_mut()
            .zip([bytes as f64, items as f64, 1.0])
        {
            *balance -= taken;
        }
        Ok(())
    }

    fn wait(&self) -> Duration {
        let waits = self
            .limits
            .iter()
            .zip(&self.balances)
            .map(|(limit, balance)| {
                match *limit > 0.0 && *balance <= 0.0 {
                    // A little more than the debt, or it would be asked for again at once.
                    true => {
                        Duration::from_secs_f64((-balance / limit).min(3600.0))
                            + Duration::from_millis(1)
                    }
                    false => Duration::ZERO,
                }
            });
        waits.max().unwrap_or_default()
    }

    fn refill(&mut self, now: Instant) {
        let since = self.as_of.replace(now);
        let elapsed = since.map_or(0.0, |since| {
            now.saturating_duration_since(since).as_secs_f64()
        });
        for (balance, limit) in self.balances.iter_mut().zip(self.limits) {
            *balance = (*balance + elapsed * limit).min(limit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_stays_within_the_limit_on_average() {
        let (mut rate, start) = (
            Rate::new(RateLimits {
                bytes: 1000.0,
                items: 0.0,
                requests: 0.0,
            }),
            Instant::now(),
        );
        let (mut now, mut sent) = (start, 0);
        while now < start + Duration::from_secs(60) {
            match rate.take(700, 5, now) {
                Ok(()) => sent += 700,
                Err(wait) => now += wait,
            }
        }
        assert!((59_000..=61_700).contains(&sent), "{sent}");
    }

    #[test]
    fn each_limit_holds_and_none_is_none() {
        let now = Instant::now();
        let mut none = Rate::new(RateLimits::default());
        for _ in 0..3 {
            assert_eq!(none.take(1 << 40, 1 << 40, now), Ok(()));
        }
        let mut requests = Rate::new(RateLimits {
            requests: 2.0,
            ..RateLimits::default()
        });
        for _ in 0..2 {
            assert_eq!(requests.take(1, 1, now), Ok(()));
        }
        assert!(requests.take(1, 1, now).is_err());
        let later = now + Duration::from_millis(500);
        assert_eq!(requests.take(1, 1, later), Ok(()));
    }
}
