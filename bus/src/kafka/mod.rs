//! The bus on Kafka, by rdkafka: publishers, readers, and members whose epochs are transactions.
//!
//! Each client of librdkafka has one owner and one purpose: look-ups, publishing, reading, membership, transactions. What
//! is deliberately absent: rdkafka's futures, split partition queues, statistics, and any thread of our own.

mod check;
mod committing;
mod config;
mod connecting;
mod examining;
mod fetching;
mod login;
mod secrets;

use std::sync::Arc;
use std::time::Duration;

use crate::{
    Asked, Bus, Committer, Delivery, Finding, GroupOptions, Member, Publisher, Reader, Rebalance,
    Result, Timestamps, Topic, TopicSpec,
};

use connecting::log_id::KnownLogs;
use connecting::lookups::Lookups;
use connecting::properties::Properties;
use fetching::fenced::Fencings;
use fetching::ownership::Ownership;

pub use check::check;
pub use config::RawKafka;
pub use connecting::outage::refuses_login;
pub use connecting::properties::{doubts, problems, value_bytes_max};
pub use credentials::RawOidc;
pub use login::{Mechanism, RawKafkaTls, RawMskIam, RawOauth, RawSasl};

/// Connects to a Kafka cluster.
///
/// # Errors
/// [`crate::Error::Fatal`] for a configuration that can't work; [`crate::Error::Unavailable`] when no broker answered
/// within ten seconds: call again.
pub fn open(config: &RawKafka) -> Result<Arc<dyn Bus>> {
    let properties = Properties::new(config)?;
    let lookups = Arc::new(Lookups::connect(&properties)?);
    Ok(Arc::new(Kafka {
        create_topics: config.create_topics.unwrap_or(true),
        replication_factor: config.replication_factor,
        properties,
        lookups,
        fencings: Arc::default(),
        known: Arc::default(),
    }))
}

/// What a cluster lacks of what is asked for, and how many brokers it has.
///
/// # Errors
/// As [`open`].
pub fn examine(config: &RawKafka, asked: &Asked) -> Result<(usize, Vec<Finding>)> {
    let properties = Properties::new(config)?;
    let lookups = Lookups::connect(&properties)?;
    let brokers = lookups.broker_count()?;
    let factor = config.replication_factor;
    let findings = examining::examine(&properties, &lookups, factor, asked)?;
    Ok((brokers, findings))
}

struct Kafka {
    properties: Properties,
    lookups: Arc<Lookups>,
    fencings: Arc<Fencings>,
    known: Arc<KnownLogs>,
    create_topics: bool,
    replication_factor: Option<u16>,
}

impl Bus for Kafka {
    fn ensure_topics(&self, topics: &[TopicSpec]) -> Result<()> {
        let replication = self.replication_factor;
        connecting::topics::ensure(
            &self.lookups,
            &self.properties,
            self.create_topics,
            replication,
            topics,
        )
    }

    fn partition_count(&self, topic: &str) -> Result<u32> {
        self.lookups.partition_count(topic)?.ok_or_else(|| {
            crate::Error::Fatal(format!(
                "counting the partitions of topic `{topic}`: there is no such topic"
            ))
        })
    }

    fn timestamps(&self, topic: &str) -> Result<Timestamps> {
        connecting::topics::timestamps(&self.properties, topic)
    }

    fn log_id(&self, topic: &Topic) -> Result<Option<String>> {
        let mut ids = self
            .lookups
            .log_ids(std::slice::from_ref(topic), connecting::lookups::ANSWER)?;
        Ok(ids.remove(topic))
    }

    fn retention(&self, topic: &str) -> Result<Option<Duration>> {
        connecting::topics::retention(&self.properties, topic)
    }

    fn record_bytes_max(&self) -> usize {
        self.properties.record_bytes_max()
    }

    fn publisher(&self) -> Result<Arc<dyn Publisher>> {
        let publisher = committing::publisher::KafkaPublisher::new(&self.properties)?;
        Ok(publisher)
    }

    fn reader(&self) -> Result<Box<dyn Reader>> {
        Ok(Box::new(fetching::reader::KafkaReader::new(
            &self.properties,
            self.lookups.clone(),
        )?))
    }

    fn join(
        &self,
        options: GroupOptions,
        rebalance: Arc<dyn Rebalance>,
    ) -> Result<(Box<dyn Member>, Box<dyn Committer>)> {
        let ownership = Arc::new(Ownership::new(&options.group));
        // The committer first: its transactional id ends what an earlier process of this instance left open.
        let transactions = match options.delivery {
            Delivery::ExactlyOnce => Some(committing::transactions::Producer::new(
                &self.properties,
                &options,
            )?),
            Delivery::AtLeastOnce => None,
        };
        let member = fetching::member::KafkaMember::new(
            &self.properties,
            &options,
            self.lookups.clone(),
            ownership.clone(),
            self.fencings.clone(),
            self.known.clone(),
            rebalance,
        )?;
        let committer: Box<dyn Committer> = match transactions {
            Some(producer) => {
                Box::new(committing::committer::ExactlyOnce::new(producer, ownership))
            }
            None => Box::new(committing::acknowledged::AtLeastOnce::new(
                &self.properties,
                &options,
                ownership,
            )?),
        };
        Ok((Box::new(member), committer))
    }

    fn check(&self) -> Result<()> {
        if let Some(why) = self.properties.login().told() {
            return Err(crate::Error::Unavailable(why));
        }
        match self.properties.refusals().told() {
            None => Ok(()),
            Some(refused) => Err(crate::Error::Denied(refused)),
        }
    }

    fn change_secrets(&self, secrets: &crate::Secrets) {
        self.properties.login().change(secrets);
    }

    fn ranges(&self, topic: &str, timeout: Duration) -> Result<Vec<std::ops::Range<u64>>> {
        self.lookups.ranges(topic, timeout)
    }

    fn lag(&self, group: &str, topic: &str) -> Result<u64> {
        self.lookups.lag(group, topic)
    }
}
