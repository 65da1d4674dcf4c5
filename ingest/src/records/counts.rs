//! The counters of one signal.

use metrics::{Counter, counter};
use schemas::Signal;

use super::filter::FilterCounts;
use super::split::{Reason, Rejected};
use crate::refusal::Refusal;
use crate::{identity, names};

/// received = filtered + rejected + published, once nothing is in flight.
pub struct Counts {
    pub signal: Signal,
    received: Counter,
    published: Counter,
    published_bytes: Counter,
    rejected: [Counter; Reason::ALL.len()],
    filtered: Counter,
    filter_errors: Counter,
    /// Requests with something in them of which nothing was understood, or not all.
    pub unrecognized: Counter,
    /// Items of records that the bus did not take.
    pub rejected_bus: Counter,
    /// Items of records that it never will.
    pub rejected_record: Counter,
}

impl Counts {
    pub fn new(signal: Signal) -> Self {
        let name = signal.name();
        Self {
            signal,
            received: counter!(names::RECEIVED, "signal" => name),
            published: counter!(names::PUBLISHED, "signal" => name),
            published_bytes: counter!(names::PUBLISHED_BYTES, "signal" => name),
            rejected: Reason::ALL.map(|reason| rejected(name, reason.name())),
            filtered: counter!(names::FILTERED, "signal" => name),
            filter_errors: counter!(names::FILTER_ERRORS, "signal" => name),
            unrecognized: counter!(names::UNRECOGNIZED, "signal" => name),
            rejected_bus: rejected(name, "bus"),
            rejected_record: rejected(name, "record"),
        }
    }

    /// A request or record was split.
    pub fn split(&self, accepted: usize, rejected: &Rejected) {
        self.received.increment(accepted as u64 + rejected.total());
        for (reason, count) in rejected.by_reason() {
            self.rejected[reason as usize].increment(count);
        }
    }

    /// A filter was applied to what was split.
    pub fn filtered(&self, filtered: FilterCounts) {
        self.received.increment(filtered.dropped);
        self.filtered.increment(filtered.dropped);
        self.filter_errors.increment(filtered.errors);
    }

    /// Items are on the bus.
    pub fn published(&self, items: u64, bytes: u64) {
        self.published.increment(items);
        self.published_bytes.increment(bytes);
    }
}

/// Every counter is there from the start: what begins with its first count hides that one from whoever looks at increases.
pub fn register() {
    Signal::ALL.into_iter().for_each(|signal| {
        Counts::new(signal);
    });
    identity::register();
    for protocol in ["grpc", "http"] {
        counter!(names::REQUESTS, "protocol" => protocol).increment(0);
        for reason in Refusal::REASONS {
            let refused =
                counter!(names::REFUSED_REQUESTS, "protocol" => protocol, "reason" => reason);
            refused.increment(0);
        }
    }
}

fn rejected(signal: &'static str, reason: &'static str) -> Counter {
    counter!(names::REJECTED, "signal" => signal, "reason" => reason)
}
