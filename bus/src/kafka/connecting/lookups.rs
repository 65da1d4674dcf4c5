//! Questions to the brokers outside of any group: topics, offsets, lag. One client answers them all.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::topic_partition_list::Offset;

use crate::kafka::connecting::ends::ends;
use crate::kafka::connecting::errors::error;
use crate::kafka::connecting::log::Context;
use crate::kafka::connecting::log_id::{LogIds, log_ids};
use crate::kafka::connecting::logged_in::LoggedIn;
use crate::kafka::connecting::outage;
use crate::kafka::connecting::properties::Properties;
use crate::kafka::fetching::held::committed_positions;
use crate::{Error, Result, Topic, TopicPartition};

/// How long a question may take before it counts as unanswered.
pub(in crate::kafka) const ANSWER: Duration = Duration::from_secs(10);

/// Between two looks at what the client has logged.
const SLICE: Duration = Duration::from_secs(1);
/// How long to wait for other brokers once one has refused.
const REFUSED: Duration = Duration::from_secs(3);

pub(in crate::kafka) type Client = LoggedIn<BaseConsumer<Context>>;

pub(in crate::kafka) struct Lookups {
    client: Mutex<Arc<Client>>,
    /// Of the certificates that the clients were made with.
    generation: AtomicU64,
    brokers: String,
    properties: Properties,
    /// One client for each group whose lag was asked for.
    groups: Mutex<HashMap<String, Arc<Client>>>,
}

impl Lookups {
    pub fn connect(properties: &Properties) -> Result<Self> {
        let generation = AtomicU64::new(properties.login().generation());
        let lookups = Self {
            client: Mutex::new(create(properties)?),
            generation,
            brokers: properties.brokers(),
            properties: properties.clone(),
            groups: Mutex::default(),
        };
        lookups.wait_for_brokers()?;
        Ok(lookups)
    }

    /// Until one answers; less long when it is known why none does.
    fn wait_for_brokers(&self) -> Result<()> {
        let started = Instant::now();
        loop {
            let client = self.client();
            let Err(e) = client.fetch_metadata(None, SLICE) else {
                client.context().answered();
                return Ok(());
            };
            // The client's log says why: refused, unknown host, wrong password.
            while client.poll(Duration::ZERO).is_some() {}
            let known = client.context().last();
            let patience = if known.is_empty() { ANSWER } else { REFUSED };
            let error = error("", &e);
            // Another try is another wrong password.
            let refused = outage::refuses_login(&known);
            if matches!(error, Error::Unavailable(_)) && !refused && started.elapsed() < patience {
                continue;
            }
            let reason = match known.as_str() {
                "" => format!("no answer within {} s", started.elapsed().as_secs()),
                known => outage::plain(known),
            };
            let advice = outage::advice(&reason);
            let message = format!(
                "the Kafka brokers {} can't be reached: {reason}; {advice}",
                self.brokers
            );
            return Err(match error {
                Error::Unavailable(_) => Error::Unavailable(message),
                _ => Error::Fatal(message),
            });
        }
    }

    /// The client, with what it logged since the last question put out: nothing else polls it.
    pub fn client(&self) -> Arc<Client> {
        let client = {
            let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
            let generation = self.properties.login().generation();
            if self.generation.swap(generation, Ordering::AcqRel) != generation {
                let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
                groups.clear();
                match create(&self.properties) {
                    Ok(new) => *client = new,
                    Err(error) => client.context().warn(&error.to_string()),
                }
            }
            client.clone()
        };
        while client.poll(Duration::ZERO).is_some() {}
        client
    }

    /// Brokers of the cluster.
    pub fn broker_count(&self) -> Result<usize> {
        let metadata = self.client().fetch_metadata(None, ANSWER).map_err(|e| {
            let attempted = format!("asking the Kafka brokers {} for their number", self.brokers);
            error(&attempted, &e)
        })?;
        Ok(metadata.brokers().len())
    }

    /// `None` when there is no such topic.
    pub fn partition_count(&self, topic: &str) -> Result<Option<u32>> {
        self.partition_count_within(topic, ANSWER)
    }

    fn partition_count_within(&self, topic: &str, timeout: Duration) -> Result<Option<u32>> {
        let attempted = || {
            format!(
                "asking the Kafka brokers {} for topic `{topic}`",
                self.brokers
            )
        };
        let client = self.client();
        let metadata = client
            .fetch_metadata(Some(topic), timeout)
            .map_err(|e| error(&attempted(), &e))?;
        client.context().answered();
        let Some(found) = metadata.topics().iter().find(|found| found.name() == topic) else {
            return Ok(None);
        };
        match found.error().map(RDKafkaErrorCode::from) {
            None => Ok(Some(found.partitions().len() as u32).filter(|count| *count > 0)),
            Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => {
                Ok(None)
            }
            Some(code) => Err(error(
                &attempted(),
                &rdkafka::error::KafkaError::MetadataFetch(code),
            )),
        }
    }

    /// The oldest offset and the high watermark.
    pub fn range(&self, at: &TopicPartition, timeout: Duration) -> Result<Range<u64>> {
        let (low, high) = self
            .client()
            .fetch_watermarks(&at.topic, at.partition as i32, timeout)
            .map_err(|e| error(&format!("asking for the offsets of {at}"), &e))?;
        Ok(low.max(0) as u64..high.max(0) as u64)
    }

    /// The oldest offset and the high watermark of each partition, by one question to each of their leaders.
    pub fn ranges(&self, topic: &str, timeout: Duration) -> Result<Vec<Range<u64>>> {
        let attempted = format!("describing topic `{topic}`");
        let ranges = self.try_ranges(topic, timeout);
        match &ranges {
            Ok(_) => self.properties.refusals().allowed(&attempted),
            // The one question that is asked all the time: what it says of a right is told.
            Err(Error::Denied(reason)) => self.properties.refusals().refused(&attempted, reason),
            Err(_) => {}
        }
        ranges
    }

    fn try_ranges(&self, topic: &str, timeout: Duration) -> Result<Vec<Range<u64>>> {
        let attempted = || {
            format!(
                "asking the Kafka brokers {} for the offsets of topic `{topic}`",
                self.brokers
            )
        };
        let Some(partitions) = self.partition_count_within(topic, timeout)? else {
            return Err(Error::Fatal(format!(
                "{}: there is no such topic",
                attempted()
            )));
        };
        let list = |offset| -> TopicPartitionList {
            (0..partitions as i32)
                .map(|partition| (topic.to_owned(), partition, offset))
                .collect()
        };
        let client = self.client();
        let oldest = ends(&client, list(Offset::Beginning), timeout);
        let oldest = oldest.map_err(|e| error(&attempted(), &e))?;
        let newest =
            ends(&client, list(Offset::End), timeout).map_err(|e| error(&attempted(), &e))?;
        let topic: Topic = topic.into();
        let of = |offsets: &HashMap<TopicPartition, u64>, partition| {
            let at = TopicPartition::new(topic.clone(), partition);
            offsets.get(&at).copied().unwrap_or(0)
        };
        Ok((0..partitions)
            .map(|partition| of(&oldest, partition)..of(&newest, partition))
            .collect())
    }

    /// The high watermarks.
    pub fn ends(
        &self,
        partitions: &[TopicPartition],
        timeout: Duration,
    ) -> Result<HashMap<TopicPartition, u64>> {
        let asking: TopicPartitionList = partitions
            .iter()
            .map(|at| (at.topic.to_string(), at.partition as i32, Offset::End))
            .collect();
        ends(&self.client(), asking, timeout)
            .map_err(|e| error("asking for the ends of partitions", &e))
    }

    /// Which logs stand behind the names of topics now.
    pub fn log_ids(&self, topics: &[Topic], timeout: Duration) -> Result<LogIds> {
        log_ids(&self.client(), topics, timeout)
    }

    pub fn offset_at(&self, at: &TopicPartition, timestamp_ms: u64) -> Result<u64> {
        let attempted = || format!("asking for the offset of {at} at {timestamp_ms} ms");
        let mut list = TopicPartitionList::new();
        let timestamp = i64::try_from(timestamp_ms).unwrap_or(i64::MAX);
        list.add_partition_offset(&at.topic, at.partition as i32, Offset::Offset(timestamp))
            .and_then(|()| self.client().offsets_for_times(list, ANSWER))
            .and_then(|answer| match answer.elements().first() {
                Some(elem) => elem.error().map(|()| elem.offset()),
                None => Ok(Offset::End),
            })
            .map_err(|e| error(&attempted(), &e))
            .and_then(|offset| match offset {
                Offset::Offset(offset) => Ok(offset.max(0) as u64),
                _ => Ok(self.range(at, ANSWER)?.end),
            })
    }

    pub fn lag(&self, group: &str, topic: &str) -> Result<u64> {
        let attempted = || format!("asking for the lag of group `{group}` on topic `{topic}`");
        let partitions = self.partition_count(topic)?.unwrap_or(0);
        if partitions == 0 {
            return Ok(0);
        }
        let list = |offset| -> TopicPartitionList {
            (0..partitions as i32)
                .map(|partition| (topic.to_owned(), partition, offset))
                .collect()
        };
        let client = self.group(group)?;
        while client.poll(Duration::ZERO).is_some() {}
        let committed = client
            .committed_offsets(list(Offset::Invalid), ANSWER)
            .map_err(|e| error(&attempted(), &e))?;
        let oldest =
            ends(&client, list(Offset::Beginning), ANSWER).map_err(|e| error(&attempted(), &e))?;
        let newest =
            ends(&client, list(Offset::End), ANSWER).map_err(|e| error(&attempted(), &e))?;
        let committed = committed_positions(&committed)
            .map_err(|code| Error::Unavailable(format!("{}: {code}", attempted())))?;
        Ok(committed
            .iter()
            .map(|(at, position)| {
                let oldest = oldest.get(at).copied().unwrap_or(0);
                let newest = newest.get(at).copied().unwrap_or(0);
                let next = position
                    .as_ref()
                    .map_or(oldest, |position| position.offset.max(oldest));
                newest.saturating_sub(next)
            })
            .sum())
    }

    fn group(&self, group: &str) -> Result<Arc<Client>> {
        // Whoever asks for a lag asks for the partitions first, which has made all clients anew where they had to be.
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = groups.get(group) {
            return Ok(client.clone());
        }
        let config = self.properties.group_lookup(group);
        let context = self.properties.context(format!("lag of {group}"));
        let client =
            Client::consumer(&config, context).map_err(|e| error("creating a Kafka client", &e))?;
        let client = Arc::new(client);
        groups.insert(group.to_owned(), client.clone());
        Ok(client)
    }
}

fn create(properties: &Properties) -> Result<Arc<Client>> {
    let client = Client::consumer(&properties.lookup(), properties.context("look-ups"))
        .map_err(|e| error("creating a Kafka client", &e))?;
    Ok(Arc::new(client))
}
