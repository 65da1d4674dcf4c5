//! At least once: records acknowledged by all in-sync replicas first, positions after.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::{CommitMode, Consumer as _};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::producer::Producer as _;

use crate::fault::{self, Step};
use crate::kafka::committing::committer::{as_list, check_metadata};
use crate::kafka::committing::sending::{EpochContext, send_all};
use crate::kafka::connecting::errors::{error, lacks_right, needs_somebody, not_a_member};
use crate::kafka::connecting::polled::PolledProducer;
use crate::kafka::connecting::properties::Properties;
use crate::kafka::connecting::refusals::{AGAIN_AFTER, Attempt};
use crate::kafka::fetching::ownership::{Ownership, Permit};
use crate::{CommitError, Committer, Epoch, GroupOptions, Result};

pub(in crate::kafka) struct AtLeastOnce {
    properties: Properties,
    role: String,
    producer: PolledProducer<EpochContext>,
    /// Of the certificates that it was made with.
    generation: u64,
    ownership: Arc<Ownership>,
    /// Commits altogether.
    attempt: Attempt,
}

impl AtLeastOnce {
    pub fn new(
        properties: &Properties,
        options: &GroupOptions,
        ownership: Arc<Ownership>,
    ) -> Result<Self> {
        let role = format!("output of {}", options.group);
        let generation = properties.login().generation();
        let producer = create(properties, &role)?;
        Ok(Self {
            generation,
            properties: properties.clone(),
            role,
            producer,
            ownership,
            attempt: Attempt::new(
                properties.refusals(),
                format!("committing for group `{}`", options.group),
            ),
        })
    }

    /// Until each record is acknowledged; only what failed is sent again.
    fn produce(&mut self, epoch: &Epoch, permit: &Permit) -> std::result::Result<(), CommitError> {
        let generation = self.properties.login().generation();
        if generation != self.generation {
            // Nothing is under way between two epochs.
            self.producer = create(&self.properties, &self.role)
                .map_err(|e| CommitError::Fatal(e.to_string()))?;
            self.generation = generation;
        }
        let mut waiting: Vec<usize> = (0..epoch.records.len()).collect();
        while !waiting.is_empty() {
            let sent = send_all(&self.producer, &epoch.records, waiting.iter().copied());
            let failed = self.producer.client().context().take_failed();
            let code = match (&sent, failed.first()) {
                (Err(e), _) => e.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Unknown),
                (Ok(()), Some((_, code))) => *code,
                (Ok(()), None) => return Ok(()),
            };
            let why = format!("producing the records of an epoch: {code}");
            self.producer.client().context().warn(&why);
            if self.producer.client().fatal_error().is_some() {
                self.producer = create(&self.properties, &self.role)
                    .map_err(|e| CommitError::Fatal(e.to_string()))?;
            } else if lacks_right(code) {
                self.refused(&why);
            } else if needs_somebody(code) {
                return Err(CommitError::Fatal(why));
            }
            if !self.ownership.stands(permit) {
                self.attempt.given_up();
                return Err(CommitError::Fenced(why));
            }
            if sent.is_ok() {
                waiting = failed.into_iter().map(|(index, _)| index).collect();
                // The order within the epoch stays as far as it can.
                waiting.sort_unstable();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// The brokers don't allow what was attempted; it is attempted again.
    fn refused(&self, why: &str) {
        self.attempt.refused(why);
        std::thread::sleep(AGAIN_AFTER);
    }

    fn commit_positions(
        &self,
        epoch: &Epoch,
        permit: &Permit,
    ) -> std::result::Result<(), CommitError> {
        let list = as_list(&epoch.positions, &permit.logs)?;
        loop {
            let Err(e) = permit.consumer.base.commit(&list, CommitMode::Sync) else {
                return Ok(());
            };
            let why = format!("committing positions: {e}");
            // A client that failed for good says no more than that.
            let fatal = permit.consumer.base.client().fatal_error();
            let code = fatal.map(|(code, _)| code).or(e.rdkafka_error_code());
            match code {
                Some(code) if not_a_member(code) => {
                    self.ownership.refuse(permit);
                    return Err(CommitError::Fenced(why));
                }
                Some(code) if lacks_right(code) && self.ownership.stands(permit) => {
                    self.refused(&why);
                }
                Some(code) if needs_somebody(code) && !lacks_right(code) => {
                    return Err(CommitError::Fatal(why));
                }
                _ if !self.ownership.stands(permit) => {
                    self.attempt.given_up();
                    return Err(CommitError::Fenced(why));
                }
                _ => permit.consumer.base.context().warn(&why),
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn create(properties: &Properties, role: &str) -> Result<PolledProducer<EpochContext>> {
    let context = EpochContext::new(properties.context(role), properties.message_bytes_max());
    PolledProducer::new(&properties.publisher(), context, properties.login())
        .map_err(|e| error("creating a Kafka producer", &e))
}

impl Committer for AtLeastOnce {
    fn commit(&mut self, epoch: &Epoch) -> std::result::Result<(), CommitError> {
        if epoch.records.is_empty() && epoch.positions.is_empty() {
            return Ok(());
        }
        check_metadata(&epoch.positions)?;
        let permit = self.ownership.permit(&epoch.positions)?;
        self.produce(epoch, &permit)?;
        fault::at(Step::Produced);
        if !epoch.positions.is_empty() {
            // Time has passed: the partitions may have gone meanwhile.
            let permit = self.ownership.permit(&epoch.positions)?;
            self.commit_positions(epoch, &permit)?;
        }
        fault::at(Step::Committed);
        self.attempt.allowed();
        self.ownership.committed(&permit, &epoch.positions);
        Ok(())
    }
}
