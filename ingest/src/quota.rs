//! How much each tenant may send: one token bucket a tenant, in bytes of requests before compression.
//!
//! A request is let in as long as its tenant's bucket isn't empty, before its body is read, and takes the bytes that it turns out to have: so a request may be
//! larger than the burst, and a bucket may owe for a while. What we refuse for reasons of our own is given back.
//!
//! The buckets are this process's. How many processes share a tenant's traffic is for the load balancer to say, and nothing here knows it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hashbrown::HashMap;
use metrics::{Counter, counter};
use schemas::Signal;
use schemas::headers::DEFAULT_TENANT;

use crate::config::{Quota, Quotas};
use crate::names;

/// Tenants that have a bucket, a counter or both. Further ones share one entry: names may come from a header, that is from anybody.
const TENANTS_MAX: usize = 10_000;
/// The longest that a client is told to wait.
const RETRY_MAX: Duration = Duration::from_secs(60);

/// The buckets and counters of all tenants.
pub struct Meters {
    quotas: Quotas,
    begun: Instant,
    tenants: Mutex<Tenants>,
}

#[derive(Default)]
struct Tenants {
    known: HashMap<Arc<str>, Arc<Meter>>,
    /// Of all tenants above [`TENANTS_MAX`].
    others: Option<Arc<Meter>>,
}

/// What one tenant has left, and what it has sent.
pub struct Meter {
    bucket: Option<Bucket>,
    throttled: Counter,
    bytes: [Counter; 3],
}

/// In nanoseconds of the rate, as the generic cell rate algorithm has it: one number says it all.
struct Bucket {
    quota: Quota,
    /// When the bucket is full again, in nanoseconds since `begun`.
    full_at: AtomicU64,
}

/// Bytes that a request has taken; given back when dropped, unless they were used.
pub struct Taken {
    meter: Arc<Meter>,
    signal: Signal,
    bytes: u64,
    used: bool,
}

impl Meters {
    pub fn new(quotas: Quotas) -> Self {
        let meters = Self {
            quotas,
            begun: Instant::now(),
            tenants: Mutex::default(),
        };
        // Counters are there from the start, of who is known from the start.
        meters.of(None);
        let names: Vec<_> = meters
            .quotas
            .names()
            .take(TENANTS_MAX)
            .map(Arc::from)
            .collect();
        for name in names {
            meters.of(Some(&name));
        }
        meters
    }

    /// Lets a request in; its bytes are told as they become known.
    ///
    /// # Errors
    /// The tenant has used up its bytes: when to come back.
    pub fn admit(&self, tenant: Option<&Arc<str>>, signal: Signal) -> Result<Taken, Duration> {
        let meter = self.of(tenant);
        if let Some(bucket) = &meter.bucket
            && let Some(wait) = bucket.wait(self.now())
        {
            meter.throttled.increment(1);
            return Err(wait);
        }
        Ok(Taken {
            meter,
            signal,
            bytes: 0,
            used: false,
        })
    }

    /// Takes bytes up to `bytes` altogether.
    pub fn take(&self, taken: &mut Taken, bytes: usize) {
        let more = (bytes as u64).saturating_sub(taken.bytes);
        taken.bytes += more;
        if let Some(bucket) = &taken.meter.bucket {
            bucket.take(more, self.now());
        }
    }

    pub fn quotas(&self) -> &Quotas {
        &self.quotas
    }

    fn of(&self, tenant: Option<&Arc<str>>) -> Arc<Meter> {
        let mut tenants = self.lock();
        let name = tenant.map_or(DEFAULT_TENANT, |tenant| &**tenant);
        if let Some(meter) = tenants.known.get(name) {
            return meter.clone();
        }
        let quota = self.quotas.of(tenant.map(|tenant| &**tenant));
        if tenants.known.len() >= TENANTS_MAX {
            let others = || Arc::new(Meter::new(quota, stage::OTHERS));
            return tenants.others.get_or_insert_with(others).clone();
        }
        let label = stage::tenant_label(tenant.map(|tenant| tenant.as_bytes()));
        let meter = Arc::new(Meter::new(quota, &label));
        tenants.known.insert(name.into(), meter.clone());
        meter
    }

    fn now(&self) -> u64 {
        self.begun.elapsed().as_nanos() as u64
    }

    fn lock(&self) -> MutexGuard<'_, Tenants> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Meter {
    fn new(quota: Option<Quota>, label: &str) -> Self {
        let bytes = Signal::ALL.map(|signal| {
            counter!(names::TENANT_BYTES, "tenant" => label.to_owned(), "signal" => signal.name())
        });
        let throttled = counter!(names::THROTTLED, "tenant" => label.to_owned());
        bytes
            .iter()
            .chain([&throttled])
            .for_each(|counter| counter.increment(0));
        Self {
            bucket: quota.map(|quota| Bucket {
                quota,
                full_at: AtomicU64::new(0),
            }),
            throttled,
            bytes,
        }
    }
}

impl Bucket {
    /// How long a request has to wait; `None`: not at all.
    fn wait(&self, now: u64) -> Option<Duration> {
        let missing = self.full_at.load(Ordering::Relaxed).saturating_sub(now);
        let burst = self.nanos(self.quota.burst_bytes);
        // At 0 it is as full as it was emptied: there has to be something left.
        (missing >= burst).then(|| Duration::from_nanos(missing - burst).min(RETRY_MAX))
    }

    fn take(&self, bytes: u64, now: u64) {
        let nanos = self.nanos(bytes);
        let later = |full_at: u64| Some(full_at.max(now).saturating_add(nanos));
        let _ = self
            .full_at
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, later);
    }

    fn give_back(&self, bytes: u64) {
        let nanos = self.nanos(bytes);
        let sooner = |full_at: u64| Some(full_at.saturating_sub(nanos));
        let _ = self
            .full_at
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, sooner);
    }

    /// How long the rate takes for these bytes.
    fn nanos(&self, bytes: u64) -> u64 {
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(self.quota.rate_bytes.max(1));
        u64::try_from(nanos).unwrap_or(u64::MAX / 4)
    }
}

impl Taken {
    /// The request was taken, or wasn't worth taking: its bytes are gone.
    pub fn used(mut self) {
        self.used = true;
        self.meter.bytes[self.signal as usize].increment(self.bytes);
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if let (false, Some(bucket)) = (self.used, &self.meter.bucket) {
            bucket.give_back(self.bytes);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const KIB: u64 = 1 << 10;

    fn bucket(rate: u64, burst: u64) -> Bucket {
        Bucket {
            quota: Quota {
                rate_bytes: rate * KIB,
                burst_bytes: burst * KIB,
            },
            full_at: AtomicU64::new(0),
        }
    }

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let bucket = bucket(10, 20);
        let now = 100 * SECOND;
        assert_eq!(bucket.wait(now), None);
        bucket.take(19 * KIB, now);
        assert_eq!(bucket.wait(now), None, "one KiB is left");
        // More than there is: taken, and owed for.
        bucket.take(21 * KIB, now);
        assert_eq!(bucket.wait(now), Some(Duration::from_secs(2)));
        assert_eq!(bucket.wait(now + SECOND), Some(Duration::from_secs(1)));
        assert_eq!(bucket.wait(now + 2 * SECOND + 1), None);
        // Nothing is saved up beyond the burst.
        bucket.take(20 * KIB, now + 1000 * SECOND);
        assert_eq!(bucket.wait(now + 1000 * SECOND), Some(Duration::ZERO));
        bucket.give_back(10 * KIB);
        assert_eq!(bucket.wait(now + 1000 * SECOND), None);
    }

    #[test]
    fn the_longest_wait_is_bounded_and_nothing_overflows() {
        let bucket = Bucket {
            quota: Quota {
                rate_bytes: 1,
                burst_bytes: u64::MAX,
            },
            full_at: AtomicU64::new(0),
        };
        bucket.take(u64::MAX, 0);
        bucket.take(u64::MAX, SECOND);
        assert!(bucket.wait(SECOND).is_none_or(|wait| wait <= RETRY_MAX));
        bucket.give_back(u64::MAX);
    }

    fn quotas(rate: u64) -> Quotas {
        let mut quotas = Quotas::default();
        quotas.set_default(Some(Quota {
            rate_bytes: rate,
            burst_bytes: rate,
        }));
        quotas
    }

    /// Names may come from anybody: what is held for them ends somewhere, and so do labels.
    #[test]
    fn tenants_beyond_the_most_share_one_bucket() {
        let meters = Meters::new(quotas(KIB));
        for n in 0..2 * TENANTS_MAX {
            let tenant = Arc::from(format!("t{n}"));
            let _ = meters.admit(Some(&tenant), Signal::Traces);
        }
        let tenants = meters.lock();
        assert_eq!(tenants.known.len(), TENANTS_MAX);
        drop(tenants);
        let [a, b] = ["late-a", "late-b"].map(Arc::<str>::from);
        let mut taken = meters.admit(Some(&a), Signal::Traces).unwrap();
        meters.take(&mut taken, 2 << 10);
        taken.used();
        assert!(meters.admit(Some(&b), Signal::Traces).is_err());
        assert!(meters.admit(Some(&Arc::from("t1")), Signal::Traces).is_ok());
    }

    #[test]
    fn what_was_not_used_is_given_back() {
        let meters = Meters::new(quotas(KIB));
        let tenant = Arc::from("a");
        for _ in 0..10 {
            let mut taken = meters.admit(Some(&tenant), Signal::Traces).unwrap();
            meters.take(&mut taken, 5 << 10);
        }
        let mut taken = meters.admit(Some(&tenant), Signal::Traces).unwrap();
        meters.take(&mut taken, 5 << 10);
        taken.used();
        let wait = meters
            .admit(Some(&tenant), Signal::Traces)
            .map(|_| ())
            .unwrap_err();
        assert!(
            (Duration::from_millis(3900)..Duration::from_secs(4)).contains(&wait),
            "{wait:?}"
        );
    }
}
