//! The commit thread: one epoch after the other becomes visible, while the workers are already at the next.
//!
//! The epoch is held in memory until it is committed, so the bus can abort and retry it as it is: an abort never
//! has to roll back a window. What can't be committed because partitions moved on ends the session (see `session`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use bus::fault::{self, Step};
use bus::{CommitError, Committer, Epoch, Header, Position, Record, Topic, TopicPartition};
use bytes::Bytes;
use schemas::{Signal, Topics, headers};

use crate::epoch::part::{Part, PartitionOutput};
use crate::options::BusProperties;
use crate::output::DeadLetter;
use crate::recovery::rebuild::Rebuild;
use crate::shell::counters::Counters;
use crate::shell::progress::{Failure, Progress};

/// What the dataflow tells the commit thread.
pub enum FromWorkers {
    /// One worker's part of an epoch; there is one from each worker before the epoch is complete.
    Part { epoch: u64, part: Part },
    /// Every worker has finished the epoch.
    Complete { epoch: u64 },
}

/// Commits epochs until the workers are gone or a commit is refused for good.
pub fn run(
    from_workers: Receiver<FromWorkers>,
    mut committer: Box<dyn Committer>,
    progress: &Progress,
    rebuild: &Rebuild,
    names: &Names,
    counters: &mut Counters,
) {
    let mut parts: BTreeMap<u64, Vec<Part>> = BTreeMap::new();
    for message in from_workers {
        match message {
            FromWorkers::Part { epoch, part } => parts.entry(epoch).or_default().push(part),
            FromWorkers::Complete { epoch } => {
                let parts = parts.remove(&epoch).unwrap_or_default();
                if let Some(reason) = parts.iter().find_map(|part| part.failure.clone()) {
                    progress.failed(Failure::Fatal(reason));
                    return;
                }
                let backlog = parts.iter().any(|part| part.backlog);
                let assembled = names.assemble(&parts);
                let is_empty = assembled.records.is_empty() && assembled.positions.is_empty();
                if !is_empty {
                    fault::at(Step::Decided);
                }
                let committed = bus::commit(&mut *committer, &assembled, |took| {
                    if !is_empty {
                        counters.committed(took);
                    }
                    counters.epoch(&parts);
                });
                if let Err(error) = committed {
                    progress.failed(match error {
                        CommitError::Fenced(reason) => Failure::Fenced(reason),
                        CommitError::Fatal(reason) => Failure::Fatal(reason),
                    });
                    return;
                }
                rebuild.epoch(&parts);
                let at_rest = !backlog && parts.iter().all(Part::is_at_rest);
                progress.committed(epoch, backlog, at_rest);
            }
        }
    }
}

/// Topic and header names, made once, and what a record holds at most.
pub struct Names {
    record_bytes_max: usize,
    record_bytes_limit: usize,
    raw: Topic,
    sampled: Topic,
    decisions: Topic,
    dead_letters: Topic,
    tenant: Arc<str>,
    version: Header,
}

impl Names {
    pub fn new(topics: &Topics, bus: &BusProperties) -> Self {
        Self {
            record_bytes_max: bus.record_bytes_max,
            record_bytes_limit: bus.record_bytes_limit,
            raw: topics.raw(Signal::Traces),
            sampled: topics.sampled(),
            decisions: topics.decisions(),
            dead_letters: topics.dead_letters(),
            tenant: headers::TENANT.into(),
            version: Header {
                name: headers::VERSION_NAME.into(),
                value: Bytes::from_static(headers::VERSION.as_bytes()),
            },
        }
    }

    fn assemble(&self, parts: &[Part]) -> Epoch {
        let mut epoch = Epoch::default();
        let outputs = parts.iter().flat_map(|part| &part.outputs);
        for PartitionOutput {
            partition, output, ..
        } in outputs.filter(|part| !part.rebuilding && part.output.moved)
        {
            let to = |topic: &Topic| TopicPartition::new(topic.clone(), *partition);
            if !output.decisions.entries.is_empty() {
                for value in output.decisions.encode_within(self.record_bytes_max) {
                    let record = self.record(None, value);
                    epoch.records.push((to(&self.decisions), record));
                }
            }
            for (tenant, value) in &output.sampled {
                epoch.records.push((
                    to(&self.sampled),
                    self.record(tenant.clone(), value.clone()),
                ));
            }
            for dead in &output.dead {
                epoch
                    .records
                    .push((to(&self.dead_letters), self.dead_letter(*partition, dead)));
            }
            let (offset, metadata) = output.position.clone();
            epoch.positions.push(Position {
                at: to(&self.raw),
                offset,
                metadata,
            });
        }
        epoch
    }

    fn record(&self, tenant: Option<Bytes>, value: Bytes) -> Record {
        let tenant = tenant.map(|value| Header {
            name: self.tenant.clone(),
            value,
        });
        Record {
            headers: std::iter::once(self.version.clone())
                .chain(tenant)
                .collect(),
            value,
        }
    }

    fn dead_letter(&self, partition: u32, dead: &DeadLetter) -> Record {
        let letter = bus::DeadLetter {
            stage: "sampler",
            topic: &self.raw,
            partition,
            offset: dead.offset,
            reason: &dead.reason,
            value: dead.value.clone(),
        };
        let first = self.record(dead.tenant.clone(), Bytes::new()).headers;
        letter.into_record(first, self.record_bytes_limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::epoch::part::Gauges;
    use crate::output::Output;

    /// Its cursors are behind what its last owner committed.
    #[test]
    fn a_partition_that_rebuilds_is_not_committed() {
        let output = |partition, rebuilding| PartitionOutput {
            partition,
            output: Output {
                sampled: vec![(None, Bytes::from_static(b"kept"))],
                position: (7, String::new()),
                moved: true,
                ..Output::default()
            },
            rebuilding,
            revoked: false,
            gauges: Gauges::default(),
        };
        let part = Part {
            outputs: vec![output(1, true), output(2, false)],
            ..Part::default()
        };
        let bus = BusProperties {
            record_bytes_max: 1 << 20,
            record_bytes_limit: 1 << 20,
            ..BusProperties::default()
        };
        let epoch = Names::new(&Topics::new("t"), &bus).assemble(&[part]);
        let of = |at: &TopicPartition| at.partition;
        let positions: Vec<_> = epoch.positions.iter().map(|p| of(&p.at)).collect();
        let records: Vec<_> = epoch.records.iter().map(|(at, _)| of(at)).collect();
        assert_eq!((positions, records), (vec![2], vec![2]));
    }
}
