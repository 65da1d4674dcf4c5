//! What becomes of a record that was read: whether it is for the backend, in which form, and whether a quota has room for it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bus::{Topic, TopicPartition};
use metrics::counter;
use schemas::Signal;
use schemas::headers::DEFAULT_TENANT;

use crate::config::{Audience, Backend};
use crate::names;
use crate::quota::{Amount, Asked, Over, Shared, Standing};
use crate::records::entry::Entry;
use crate::records::skipped::{Reason, Skipped};
use crate::routing::{Sampling, Sift};

pub struct Intake {
    backend: String,
    signals: HashMap<Topic, Signal>,
    /// Whose records the backend gets.
    tenants: Audience,
    /// What of them, and in which form.
    sift: Sift,
    quota: Option<Quota>,
}

struct Quota {
    shared: Arc<Shared>,
    /// What of a record goes on that is over it.
    sift_over: Option<Sift>,
}

/// What becomes of a record.
#[allow(
    clippy::large_enum_variant,
    reason = "it lives for a moment; boxed, each record would cost an allocation"
)]
pub enum Taken {
    /// It is offered to the backend.
    Goes(Entry),
    /// Nothing of it is for the backend.
    Skipped(Skipped),
    /// It is to be read again at this time, in milliseconds since 1970.
    NotBefore(u64),
}

impl Intake {
    pub fn new(
        backend: &Backend,
        signals: HashMap<Topic, Signal>,
        quota: Option<Arc<Shared>>,
    ) -> Self {
        let sift = backend.sift.clone();
        let quota = quota.map(|shared| Quota {
            sift_over: match shared.rules.over {
                Over::Sample(share) => Some(Sift {
                    sampling: Some(Sampling::of_sample(sift.sampling, share)),
                    ..sift.clone()
                }),
                Over::Drop | Over::Hold => None,
            },
            shared,
        });
        Self {
            backend: backend.name.clone(),
            signals,
            tenants: backend.tenants.clone(),
            sift,
            quota,
        }
    }

    /// What becomes of a record, at this time since 1970.
    pub fn take(&self, entry: Entry, now: Duration) -> Taken {
        if !self.tenants.takes(entry.tenant()) {
            return Taken::Skipped(Skipped::of(Reason::Tenant, entry.items as u64));
        }
        let Some(quota) = &self.quota else {
            return self.sift(&self.sift, entry, now);
        };
        let about = About::of(&entry);
        let now_ms = now.as_millis() as u64;
        let standing = match quota.shared.is_known() {
            true => quota
                .shared
                .usage()
                .standing(&quota.shared.rules, about.asked(), now_ms),
            // It goes, and counts all the same.
            false => Standing::Within(quota.shared.rules.window.at(about.time_ms)),
        };
        let sift = match (standing, &quota.sift_over) {
            (Standing::Over(_), Some(sift)) => sift,
            _ => &self.sift,
        };
        match self.sift(sift, entry, now) {
            Taken::Goes(entry) if entry.defect.is_none() => quota.settle(&about, standing, entry),
            taken => taken,
        }
    }

    /// Another process reads these partitions from now on.
    pub fn give_up(&self, partitions: &[TopicPartition]) {
        if let Some(quota) = &self.quota {
            quota.shared.give_up(partitions);
        }
    }

    /// This process reads a partition from now on.
    pub fn own(&self, at: &TopicPartition) {
        if let Some(quota) = &self.quota {
            quota.shared.usage().own(at);
        }
    }

    /// Quotas hold just now. If not, nothing waits for them.
    pub fn quota_holds(&self) -> bool {
        self.quota
            .as_ref()
            .is_some_and(|quota| quota.shared.is_known())
    }

    fn sift(&self, sift: &Sift, entry: Entry, now: Duration) -> Taken {
        if sift.is_idle() {
            return Taken::Goes(entry);
        }
        let Some(signal) = self.signals.get(&entry.record.topic) else {
            return Taken::Goes(entry);
        };
        let sifted = sift.sift_at(*signal, entry, now.as_nanos() as u64);
        let counted = [
            (names::FAILED_CONDITIONS, sifted.failed_conditions),
            (names::CLIPPED_ATTRIBUTES, sifted.clipped_attributes),
        ];
        for (name, count) in counted.into_iter().filter(|(_, count)| *count > 0) {
            let labels = [
                ("backend", self.backend.clone()),
                ("signal", signal.name().to_owned()),
            ];
            counter!(name, &labels).increment(count);
        }
        match sifted.entry {
            Some(entry) => Taken::Goes(entry),
            None => Taken::Skipped(sifted.skipped),
        }
    }
}

impl Quota {
    /// Counts what goes, and takes what doesn't out of the record.
    fn settle(&self, about: &About, standing: Standing, mut entry: Entry) -> Taken {
        let rules = &self.shared.rules;
        let amount = Amount {
            bytes: entry.record.value.len() as u64,
            items: entry.items as u64,
        };
        let mut usage = self.shared.usage();
        match standing {
            Standing::NotBefore(time_ms) => Taken::NotBefore(time_ms),
            Standing::Within(window) => {
                usage.count(rules, about.asked(), window, amount);
                Taken::Goes(entry)
            }
            Standing::Over(window) => {
                let is_sample = self.sift_over.is_some();
                let goes = if is_sample { amount } else { Amount::default() };
                usage.count_over(rules, about.asked(), window, goes);
                match is_sample || entry.withhold(Reason::Quota) {
                    true => Taken::Goes(entry),
                    false => Taken::Skipped(entry.skipped),
                }
            }
        }
    }
}

/// What a record is asked about by, when it is no longer at hand.
struct About {
    at: TopicPartition,
    offset: u64,
    time_ms: u64,
    tenant: Box<[u8]>,
}

impl About {
    fn of(entry: &Entry) -> Self {
        Self {
            at: entry.at(),
            offset: entry.record.offset,
            time_ms: entry.record.timestamp_ms,
            tenant: entry.tenant().unwrap_or(DEFAULT_TENANT.as_bytes()).into(),
        }
    }

    fn asked(&self) -> Asked<'_> {
        Asked {
            at: &self.at,
            offset: self.offset,
            time_ms: self.time_ms,
            tenant: &self.tenant,
        }
    }
}

/// The time of this process, since 1970.
pub fn now() -> Duration {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.unwrap_or_default()
}
