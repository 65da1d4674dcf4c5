//! The counters of a backend. They are there from the start: what begins with its first count hides that one from whoever looks at increases.
//! What became of items is counted when their position is committed, so that what is delivered again after a crash counts once.

use bus::Topic;
use metrics::{counter, gauge};
use schemas::{Signal, Topics};

use crate::commit::progress::{Moved, Progress};
use crate::config::Config;
use crate::names;
use crate::records::skipped::Reason;

type Labels = [(&'static str, String); 2];

/// Registers those of all backends, with 0.
pub fn register(config: &Config) {
    for backend in &config.backends {
        for signal in &backend.signals {
            let labels = labels(&backend.name, *signal);
            for name in [
                names::CONSUMED,
                names::DELIVERED,
                names::DEAD_LETTERED,
                names::REFUSED,
                names::RETRIES,
                names::TRUNCATED,
                names::DELIVERED_BYTES,
            ] {
                counter!(name, &labels).increment(0);
            }
            for reason in Reason::ALL {
                let [backend, signal] = labels.clone();
                let labels = [backend, signal, ("reason", reason.name().to_owned())];
                counter!(names::SKIPPED, &labels).increment(0);
            }
            gauge!(names::PENDING, &labels).increment(0.0);
        }
    }
}

fn labels(backend: &str, signal: Signal) -> Labels {
    [
        ("backend", backend.to_owned()),
        ("signal", signal.name().to_owned()),
    ]
}

/// What one backend counts at its commits, by the topics that it reads.
pub struct Counts {
    topics: Vec<(Topic, Labels)>,
}

impl Counts {
    pub fn new(backend: &str, signals: &[Signal], topics: &Topics) -> Self {
        let of = |signal: &Signal| (topics.clean(*signal), labels(backend, *signal));
        Self {
            topics: signals.iter().map(of).collect(),
        }
    }

    /// These positions are committed.
    pub fn committed(&self, moved: &[Moved]) {
        for Moved {
            position,
            tally,
            by_tenant,
            ..
        } in moved
        {
            let mut topics = self.topics.iter();
            let Some((_, labels)) = topics.find(|(topic, _)| *topic == position.at.topic) else {
                continue;
            };
            counter!(names::CONSUMED, labels).increment(tally.items);
            counter!(names::DELIVERED, labels).increment(tally.delivered());
            counter!(names::DEAD_LETTERED, labels).increment(tally.dead);
            for reason in Reason::ALL {
                let [backend, signal] = labels.clone();
                let labels = [backend, signal, ("reason", reason.name().to_owned())];
                counter!(names::SKIPPED, &labels).increment(tally.skipped.get(reason));
            }
            for (tenant, tally) in by_tenant {
                for (outcome, items) in [
                    ("delivered", tally.delivered()),
                    ("dead_lettered", tally.dead),
                    ("skipped", tally.skipped.total()),
                ] {
                    let labels = [
                        ("backend", metrics::SharedString::from(labels[0].1.clone())),
                        ("tenant", tenant.clone().into()),
                        ("outcome", outcome.into()),
                    ];
                    counter!(names::TENANT_ITEMS, &labels).increment(items);
                }
            }
        }
    }

    /// What is on its way.
    pub fn pending(&self, progress: &Progress) {
        for (topic, labels) in &self.topics {
            gauge!(names::PENDING, labels).set(progress.pending(topic) as f64);
        }
    }
}
