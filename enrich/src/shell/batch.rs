//! A batch: what was read, made into one epoch of the bus, with the counts that become true when it is committed.

use std::collections::BTreeMap;
use std::sync::Arc;

use bus::{DeadLetter, Epoch, Fetched, Position, Record, TopicPartition};
use stage::{records_headers, tenant_of};

use super::reload::Reload;
use super::routes::Routes;
use super::tally::Tally;
use crate::Config;
use crate::pods::Follower;
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
    reload: Reload,
    pods: Follower,
}

impl Builder {
    pub(super) fn new(routes: Routes, config: &Config, reload: Reload, pods: Follower) -> Self {
        Self {
            routes,
            reload,
            program: Program::new(
                config.steps.clone(),
                config.rules.clone(),
                config.tenants.clone(),
                pods.pods().clone(),
            ),
            pods,
        }
    }

    pub(super) fn build(&mut self, fetched: Vec<Fetched>) -> Batch {
        self.follow();
        let mut epoch = Epoch::default();
        let mut tally = Tally::new(self.program.rules(), self.program.steps().clone());
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

    /// Takes over steps that were changed while the stage runs.
    fn follow(&mut self) {
        if let Some(newest) = self.reload.complete()
            && !Arc::ptr_eq(&newest, self.program.steps())
        {
            super::tally::register_steps(&newest);
            if newest.wait_for_metadata().is_some() {
                self.pods.begin();
            }
            self.program.set_steps(newest);
        }
    }

    fn add(&mut self, fetched: Fetched, epoch: &mut Epoch, tally: &mut Tally) {
        let routes = &self.routes;
        let Some(route) = routes.of(&fetched.topic) else {
            return;
        };
        let bytes_max = routes.record_bytes_max();
        let value = fetched.value.clone();
        let published = fetched.timestamp_ms.saturating_mul(1_000_000);
        self.program.set_published(published);
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
        // Where nobody asked for a quarantine nothing is found that belongs there.
        let quarantine = routes.quarantine(fetched.partition);
        let aside = quarantine.unwrap_or_else(|| routes.dead_letters(fetched.partition));
        let aside = processed
            .quarantined
            .into_iter()
            .map(|(value, reason)| (aside.clone(), value, reason));
        let dead = routes.dead_letters(fetched.partition);
        let dead = processed
            .dead
            .into_iter()
            .map(|(value, reason)| (dead.clone(), value, reason));
        for (to, value, reason) in dead.chain(aside) {
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
        let batch = Builder::new(routes, &config, Reload::default(), Follower::default())
            .build(vec![fetched(3, 10), fetched(4, 11)]);
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
