//! Membership in a consumer group: one consumer, polled on the caller's thread; rebalances in order with the records (`rebalance`).
//!
//! Eager rebalancing with range assignment: every rebalance takes all partitions away and gives the new set out, so
//! topics with equal partition counts stay together.

mod positions;
mod rebalance;

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::TopicPartitionList;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::Consumer as _;
use rdkafka::topic_partition_list::Offset;

use crate::kafka::connecting::ends::ends;
use crate::kafka::connecting::errors::error;
use crate::kafka::connecting::log::Context;
use crate::kafka::connecting::log_id::KnownLogs;
use crate::kafka::connecting::lookups::Lookups;
use crate::kafka::connecting::properties::Properties;
use crate::kafka::connecting::refusals::Attempt;
use crate::kafka::fetching::fenced::Fencings;
use crate::kafka::fetching::held::{Consumer, Happened};
use crate::kafka::fetching::ownership::Ownership;
use crate::kafka::fetching::reading::Partitions;
use crate::kafka::login::Login;
use crate::went_back::announce_went_back;
use crate::{Error, GroupOptions, Member, Polled, Rebalance, Result, Topic, TopicPartition};

/// The shortest time between two questions to the brokers whether a partition is at its end: after the client said so,
/// and while nothing happens.
const END_FRESH: Duration = Duration::from_millis(50);
const END_IDLE: Duration = Duration::from_secs(1);
/// Between two questions whether the topics are still those that were assigned.
const LOGS_EVERY: Duration = Duration::from_secs(2);

pub(in crate::kafka) struct KafkaMember {
    consumer: Arc<Consumer>,
    config: ClientConfig,
    login: Arc<Login>,
    /// Of the certificates that the client was made with.
    generation: u64,
    group: String,
    instance: String,
    fencings: Arc<Fencings>,
    lookups: Arc<Lookups>,
    ownership: Arc<Ownership>,
    rebalance: Arc<dyn Rebalance>,
    topics: Vec<Topic>,
    revoke_timeout: Duration,
    partitions: Partitions,
    known: Arc<KnownLogs>,
    membership: Attempt,
    reading: Attempt,
    /// The client reported an end that was not yet confirmed.
    end_reported: bool,
    end_asked: Instant,
    logs_asked: Instant,
    /// A log isn't what it was when it was assigned: the next poll joins anew.
    went_back: bool,
    closed: bool,
}

impl KafkaMember {
    pub fn new(
        properties: &Properties,
        options: &GroupOptions,
        lookups: Arc<Lookups>,
        ownership: Arc<Ownership>,
        fencings: Arc<Fencings>,
        known: Arc<KnownLogs>,
        rebalance: Arc<dyn Rebalance>,
    ) -> Result<Self> {
        let config = properties.member(&options.group, &options.instance);
        announce_went_back(&options.group, &options.topics);
        let attempt = |what: &str| {
            let name = format!("{what} group `{}`", options.group);
            Attempt::new(properties.refusals(), name)
        };
        let generation = properties.login().generation();
        let member = Self {
            consumer: client(&config, member_context(properties, &options.group))?,
            config,
            login: properties.login().clone(),
            generation,
            group: options.group.clone(),
            instance: options.instance.clone(),
            fencings,
            lookups,
            ownership,
            rebalance,
            topics: options.topics.clone(),
            revoke_timeout: options.revoke_timeout,
            partitions: Partitions::default(),
            known,
            membership: attempt("membership in"),
            reading: attempt("reading for"),
            end_reported: false,
            end_asked: Instant::now(),
            logs_asked: Instant::now(),
            went_back: false,
            closed: false,
        };
        member.subscribe()?;
        Ok(member)
    }

    fn subscribe(&self) -> Result<()> {
        let topics: Vec<&str> = self.topics.iter().map(|topic| &**topic).collect();
        self.consumer
            .base
            .subscribe(&topics)
            .map_err(|e| error("subscribing to topics", &e))
    }

    /// Which partitions are at the end of the log now. The brokers are asked: the client's word may be old, or be from
    /// before a time without connection.
    fn caught_up(&mut self) -> Vec<TopicPartition> {
        self.end_reported = false;
        self.end_asked = Instant::now();
        let ended: Vec<_> = self.partitions.at_end().map(|(at, _)| at.clone()).collect();
        if ended.is_empty() {
            return ended;
        }
        match ends(
            &self.consumer.base,
            asking(&ended, Offset::End),
            Duration::from_secs(1),
        ) {
            Ok(ends) => self
                .partitions
                .at_end()
                .filter(|(at, next)| ends.get(at).is_some_and(|end| next >= end))
                .map(|(at, _)| at.clone())
                .collect(),
            Err(e) => {
                self.consumer
                    .base
                    .context()
                    .warn(&format!("asking for the ends of partitions: {e}"));
                Vec::new()
            }
        }
    }
}

impl KafkaMember {
    /// How long to wait for what the client has next.
    fn next_wait(&self, deadline: Instant, has_nothing: bool) -> Duration {
        let wait = match self.end_reported {
            _ if !has_nothing => Duration::ZERO,
            true => END_FRESH.saturating_sub(self.end_asked.elapsed()),
            false => Duration::MAX,
        };
        let left = deadline.saturating_duration_since(Instant::now());
        wait.min(left).min(self.partitions.patience())
    }
}

impl Member for KafkaMember {
    fn poll(&mut self, timeout: Duration, max_bytes: usize) -> Result<Polled> {
        if self.ownership.take_refused() {
            self.join_anew("an epoch was refused")?;
        }
        if self.generation != self.login.generation() {
            self.join_with_new_certificates()?;
        }
        self.ask_for_logs();
        if std::mem::take(&mut self.went_back) {
            self.ownership.clear();
            self.join_anew("a topic isn't the log that was read")?;
        }
        self.partitions.stop_silent(Instant::now());
        let deadline = Instant::now() + timeout;
        let mut polled = Polled::default();
        let mut bytes = 0;
        loop {
            self.restart();
            if self.went_back {
                break;
            }
            let wait = self.next_wait(deadline, polled.records.is_empty());
            match self.consumer.next(wait) {
                Some(Happened::Record(record)) => {
                    if self.partitions.admit(&record) {
                        bytes += record.value.len();
                        polled.records.push(record);
                        if bytes >= max_bytes {
                            break;
                        }
                    }
                }
                Some(Happened::End(at, offset)) => {
                    self.partitions.ended(&at, offset);
                    self.end_reported = true;
                }
                Some(happened) => {
                    // The caller may want to pause or seek what is new before its records come.
                    if self.handle(happened, &mut polled.records)? {
                        break;
                    }
                }
                None if !polled.records.is_empty() => break,
                None => {
                    let since = self.end_asked.elapsed();
                    if (self.end_reported && since >= END_FRESH) || since >= END_IDLE {
                        polled.caught_up = self.caught_up();
                    }
                    if !polled.caught_up.is_empty() || Instant::now() >= deadline {
                        break;
                    }
                }
            }
        }
        if !self.partitions.is_refused() {
            self.reading.allowed();
        }
        Ok(polled)
    }

    fn pause(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        let list = self.mark_paused(partitions, true);
        self.consumer
            .base
            .pause(&list)
            .map_err(|e| error("pausing partitions", &e))
    }

    fn resume(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        let list = self.mark_paused(partitions, false);
        self.consumer
            .base
            .resume(&list)
            .map_err(|e| error("resuming partitions", &e))
    }

    fn seek(&mut self, at: &TopicPartition, offset: u64) -> Result<()> {
        let Some(reading) = self.partitions.get_mut(at) else {
            return Err(Error::Fatal(format!(
                "seeking on {at}: it isn't assigned to this member"
            )));
        };
        reading.next = Some(offset);
        reading.ended = false;
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let start = Offset::Offset(offset as i64);
            let sought = self.consumer.base.seek(
                &at.topic,
                at.partition as i32,
                start,
                Duration::from_secs(1),
            );
            match sought {
                Ok(()) => return Ok(()),
                // The fetcher of a partition that was just assigned takes a moment to start.
                Err(_) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(1)),
                Err(e) => {
                    return Err(Error::Unavailable(format!(
                        "seeking to {offset} on {at}: {e}"
                    )));
                }
            }
        }
    }

    fn close(mut self: Box<Self>) -> Result<()> {
        self.leave()
    }
}

impl KafkaMember {
    fn restart(&mut self) {
        let (rebalance, went_back) = (&self.rebalance, &mut self.went_back);
        let jumped = |at: &TopicPartition, next, range: Range<u64>| {
            if next < range.start {
                rebalance.truncated(at.clone(), next, range.start);
            } else {
                // What the stage knows is of records that are gone: it begins anew, from positions that are checked.
                *went_back = true;
            }
        };
        self.partitions
            .restart(&self.consumer, &self.lookups, jumped);
    }

    /// Reads nothing any more: what it read.
    fn take_partitions(&mut self) -> Vec<TopicPartition> {
        self.reading.given_up();
        self.partitions.take()
    }

    fn mark_paused(&mut self, partitions: &[TopicPartition], paused: bool) -> TopicPartitionList {
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for at in partitions {
            if self.partitions.mark_paused(at, paused) {
                list.add_partition(&at.topic, at.partition as i32);
            }
        }
        list
    }
}

impl Drop for KafkaMember {
    /// Dropped without `close`, as in a panic: leaves the group without telling the stage.
    fn drop(&mut self) {
        if !self.closed {
            self.take_partitions();
            let _ = self.leave();
        }
    }
}

fn member_context(properties: &Properties, group: &str) -> Context {
    properties.context(format!("member of {group}"))
}

fn client(config: &ClientConfig, context: Context) -> Result<Arc<Consumer>> {
    let consumer =
        Consumer::new(config, context).map_err(|e| error("creating a Kafka consumer", &e))?;
    Ok(Arc::new(consumer))
}

fn asking(partitions: &[TopicPartition], offset: Offset) -> TopicPartitionList {
    partitions
        .iter()
        .map(|at| (at.topic.to_string(), at.partition as i32, offset))
        .collect()
}
