//! A batch: what was read, made into one epoch of the bus, with the counts that become true when it is committed.

use std::collections::BTreeMap;

use bus::{DeadLetter, Epoch, Fetched, Position, Record, TopicPartition};
use stage::{records_headers, tenant_of};

use super::routes::Routes;
use super::tally::Tally;
use crate::Config;
use crate::steps::{self, Processed, Program, Reason};

/// One batch, ready to be committed.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) epoch: Epoch,
    pub(super) tally: Tally,
}

/// Makes batches.
pub(super) struct Builder {
    routes: Routes,
    program: Program,
}

impl Builder {
    pub(super) fn new(routes: Routes, config: &Config) -> Self {
        Self {
            routes,
            program: Program::new(config.rules.clone(), config.tenants.clone()),
        }
    }

    pub(super) fn build(&mut self, fetched: Vec<Fetched>) -> Batch {
        let mut epoch = Epoch::default();
        let mut tally = Tally::new(self.program.rules());
        let mut positions = BTreeMap::new();
        for record in fetched {
            let at = TopicPartition::new(record.topic.clone(), record.partition);
            positions.insert(at, record.offset + 1);
            self.add(record, &mut epoch, &mut tally);
        }
        epoch.positions = positions
            .into_iter()
            .map(|(at, offset)| Position {
                at,
                offset,
                metadata: String::new(),
            })
            .collect();
        Batch { epoch, tally }
    }

    fn add(&mut self, fetched: Fetched, epoch: &mut Epoch, tally: &mut Tally) {
        let routes = &self.routes;
        let Some(route) = routes.of(&fetched.topic) else {
            return;
        };
        let bytes_max = routes.record_bytes_max();
        let value = fetched.value.clone();
        let tenant = tenant_of(&fetched);
        let processed = match fetched.check_version() {
            Err(unknown) => Processed::refused(value, Reason::Version(unknown)),
            Ok(()) => {
                let program = &mut self.program;
                steps::process(program, route.signal, tenant.as_deref(), value, bytes_max)
            }
        };
        tally.add(route.signal, &fetched, &processed);
        let to = TopicPartition::new(route.to.clone(), fetched.partition);
        let headers = || records_headers(tenant.clone());
        for value in processed.clean {
            let headers = headers();
            epoch.records.push((to.clone(), Record { headers, value }));
        }
        for (value, reason) in processed.dead {
            let to = routes.dead_letters(fetched.partition);
            let letter = DeadLetter {
                stage: "enrich",
                topic: &fetched.topic,
                partition: fetched.partition,
                offset: fetched.offset,
                reason: &reason.to_string(),
                value,
            };
            let record = letter.into_record(headers(), bytes_max);
            epoch.records.push((to, record));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bus::Header;
    use bytes::Bytes;
    use schemas::{Signal, headers};

    use super::*;
    use crate::shell::routes::Route;

    /// An epoch with a record that the bus refuses could never be committed, and enrich would never get past it.
    #[test]
    fn no_record_is_larger_than_the_bus_takes() {
        let route = Route {
            signal: Signal::Logs,
            from: "raw".into(),
            to: "clean".into(),
        };
        let routes = Routes::of_test(route, 10);
        let config =
            crate::RawConfig::default().validate("", &mut runtime::config::Problems::new());
        let fetched = |offset, bytes| Fetched {
            topic: "raw".into(),
            partition: 0,
            offset,
            timestamp_ms: 0,
            headers: Vec::new(),
            value: Bytes::from(vec![0xff; bytes]),
        };
        let batch = Builder::new(routes, &config).build(vec![fetched(3, 10), fetched(4, 11)]);
        let records = &batch.epoch.records;
        let sizes: Vec<_> = (records.iter())
            .map(|(at, record)| (&*at.topic, record.value.len()))
            .collect();
        assert_eq!(sizes, [("dead", 10), ("dead", 0)]);
        let offset = Header {
            name: Arc::from(headers::DEAD_OFFSET),
            value: Bytes::from_static(b"4"),
        };
        assert!(records[1].1.headers.contains(&offset), "{records:?}");
        assert_eq!(batch.epoch.positions[0].offset, 5);
    }
}
