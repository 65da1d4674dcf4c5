//! The temporality of a backend's metrics, on the polling thread: who converts, and what is counted of it.

use bus::TopicPartition;
use metrics::{Gauge, counter, gauge};
use schemas::Signal;

use crate::names;
use crate::records::entry::Entry;
use crate::records::skipped::Skipped;
use crate::temporality::{Converter, Limits};

/// What is to be done with the metrics of a backend.
pub struct Converting {
    backend: String,
    /// `None`: they stay as they are.
    converter: Option<(Converter, Gauge)>,
}

impl Converting {
    pub fn new(backend: &str, limits: Option<Limits>) -> Self {
        let converter = limits.map(|limits| {
            let labels = [("backend", backend.to_owned())];
            let streams = gauge!(names::TEMPORALITY_STREAMS, &labels);
            (Converter::new(limits), streams)
        });
        Self {
            backend: backend.to_owned(),
            converter,
        }
    }

    /// A partition is ours from this time on, in nanoseconds since 1970.
    pub fn own(&mut self, at: &TopicPartition, now_ns: u64) {
        if let Some((converter, _)) = &mut self.converter {
            converter.own(at, now_ns);
        }
    }

    /// These partitions are another process's.
    pub fn forget(&mut self, gone: &[TopicPartition]) {
        if let Some((converter, streams)) = &mut self.converter {
            converter.forget(gone);
            streams.set(converter.count() as f64);
        }
    }

    /// What is offered of a record; nothing: all of it is skipped.
    pub fn convert(&mut self, signal: Signal, entry: Entry) -> (Option<Entry>, Skipped) {
        let Some((converter, streams)) = &mut self.converter else {
            return (Some(entry), Skipped::default());
        };
        if signal != Signal::Metrics {
            return (Some(entry), Skipped::default());
        }
        let converted = converter.convert(entry);
        streams.set(converter.count() as f64);
        for (why, count) in converted.dropped {
            let labels = [
                ("backend", self.backend.clone()),
                ("reason", why.name().to_owned()),
            ];
            counter!(names::TEMPORALITY_DROPPED, &labels).increment(count);
        }
        (converted.entry, converted.skipped)
    }
}
