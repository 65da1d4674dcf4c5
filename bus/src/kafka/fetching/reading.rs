//! Which partitions a consumer reads and how far it got: what reader and member share.
//!
//! Positions are ours and not librdkafka's, whose position does not pass over transaction markers and aborted records.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::time::{Duration, Instant};

use rdkafka::TopicPartitionList;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaResult, RDKafkaErrorCode};
use rdkafka::topic_partition_list::Offset;

use crate::kafka::connecting::lookups::Lookups;
use crate::kafka::connecting::refusals::AGAIN_AFTER;
use crate::kafka::fetching::held::Consumer;
use crate::{Fetched, TopicPartition};

/// Between two tries to go on where librdkafka gave up.
const RESTART_EVERY: Duration = Duration::from_millis(100);
/// How long a resumed partition may bring neither a record nor an end.
const SILENT_AT_MOST: Duration = Duration::from_secs(5);

#[derive(Clone, Debug)]
pub(in crate::kafka) struct Reading {
    /// Every visible record below was returned; `None`: from the oldest on, whatever that is.
    pub next: Option<u64>,
    /// The log ended at `next` when it was last looked at.
    pub ended: bool,
    paused: bool,
    /// When it was resumed, if nothing came of it since.
    resumed: Option<Instant>,
}

impl From<Option<u64>> for Reading {
    fn from(next: Option<u64>) -> Self {
        Self {
            next,
            ended: false,
            paused: false,
            resumed: None,
        }
    }
}

#[derive(Default)]
pub(in crate::kafka) struct Partitions {
    reading: HashMap<TopicPartition, Reading>,
    /// Where librdkafka stopped fetching because `next` doesn't exist, or may not be read.
    stopped: Vec<TopicPartition>,
    /// What may not be read, until something of it is read again.
    refused: HashSet<TopicPartition>,
    tried: Option<Instant>,
}

/// What a consumer has to be told so that it reads other partitions.
#[derive(Debug, Default, PartialEq)]
pub(in crate::kafka) struct Difference {
    gone: Vec<TopicPartition>,
    come: Vec<(TopicPartition, u64)>,
}

impl Partitions {
    pub fn set(&mut self, from: impl IntoIterator<Item = (TopicPartition, Option<u64>)>) {
        self.reading = from
            .into_iter()
            .map(|(at, next)| (at, Reading::from(next)))
            .collect();
        self.stopped.clear();
        self.refused.clear();
    }

    /// As [`Partitions::set`], but partitions that are read from just there are left as they are, with what was fetched of them ahead.
    pub fn change(&mut self, from: &[(TopicPartition, u64)]) -> Difference {
        let mut wanted: HashMap<&TopicPartition, u64> =
            from.iter().map(|(at, next)| (at, *next)).collect();
        let mut gone = Vec::new();
        self.reading.retain(|at, reading| {
            let stays = wanted.get(at) == reading.next.as_ref();
            match stays {
                true => _ = wanted.remove(at),
                false => gone.push(at.clone()),
            }
            stays
        });
        self.stopped.retain(|at| self.reading.contains_key(at));
        self.refused.retain(|at| self.reading.contains_key(at));
        let come = wanted.into_iter().map(|(at, next)| (at.clone(), next));
        let come: Vec<_> = come.collect();
        for (at, next) in &come {
            self.reading.insert(at.clone(), Reading::from(Some(*next)));
        }
        Difference { gone, come }
    }

    /// Everything that was read; nothing is any more.
    pub fn take(&mut self) -> Vec<TopicPartition> {
        self.stopped.clear();
        self.refused.clear();
        self.reading.drain().map(|(at, _)| at).collect()
    }

    pub fn get(&self, at: &TopicPartition) -> Option<&Reading> {
        self.reading.get(at)
    }

    pub fn get_mut(&mut self, at: &TopicPartition) -> Option<&mut Reading> {
        self.reading.get_mut(at)
    }

    /// Whether the record is the caller's: not one of a partition that is no longer read, nor one from before a seek.
    pub fn admit(&mut self, record: &Fetched) -> bool {
        let at = TopicPartition {
            topic: record.topic.clone(),
            partition: record.partition,
        };
        match self.reading.get_mut(&at) {
            Some(reading) if reading.next.is_none_or(|next| record.offset >= next) => {
                reading.next = Some(record.offset + 1);
                reading.ended = false;
                reading.resumed = None;
                self.refused.remove(&at);
                true
            }
            _ => false,
        }
    }

    pub fn ended(&mut self, at: &TopicPartition, offset: u64) {
        if let Some(reading) = self.reading.get_mut(at) {
            reading.next = Some(reading.next.unwrap_or(0).max(offset));
            reading.ended = true;
            reading.resumed = None;
            self.refused.remove(at);
        }
    }

    /// Those at the end of the log, as far as is known without asking.
    pub fn at_end(&self) -> impl Iterator<Item = (&TopicPartition, u64)> {
        self.reading
            .iter()
            .filter(|(_, reading)| reading.ended)
            .map(|(at, reading)| (at, reading.next.unwrap_or(0)))
    }

    /// False if it isn't read.
    pub fn mark_paused(&mut self, at: &TopicPartition, paused: bool) -> bool {
        let Some(reading) = self.reading.get_mut(at) else {
            return false;
        };
        reading.resumed = (reading.paused && !paused).then(Instant::now);
        reading.paused = paused;
        true
    }

    /// A pause throws away what librdkafka had queued of a partition, and with it the error that it gave the partition up
    /// (`rd_kafka_toppar_pause_resume`): resumed, it would be silent for ever. So whatever stays silent is started again.
    pub fn stop_silent(&mut self, now: Instant) {
        for (at, reading) in &mut self.reading {
            let silent = |since: &mut Instant| now.duration_since(*since) >= SILENT_AT_MOST;
            if reading.resumed.take_if(silent).is_some() && !self.stopped.contains(at) {
                self.stopped.push(at.clone());
            }
        }
    }

    pub fn stop(&mut self, at: TopicPartition) {
        if self.reading.contains_key(&at) && !self.stopped.contains(&at) {
            self.stopped.push(at);
        }
    }

    /// The brokers don't let us read it: librdkafka says so once, and then nothing, not even that it goes on. So it is started again and again.
    pub fn refuse(&mut self, at: TopicPartition) {
        if self.reading.contains_key(&at) {
            self.refused.insert(at.clone());
            self.stop(at);
        }
    }

    pub fn is_refused(&self) -> bool {
        !self.refused.is_empty()
    }

    /// How long a poll may wait for events.
    pub fn patience(&self) -> Duration {
        match self.stopped.is_empty() {
            true => Duration::MAX,
            false => self.restart_every(),
        }
    }

    fn restart_every(&self) -> Duration {
        match self.refused.is_empty() {
            true => RESTART_EVERY,
            false => AGAIN_AFTER,
        }
    }

    /// Goes on with partitions whose next offset doesn't exist: at the oldest one if retention deleted it, or at the end if the log ends
    /// below; `jumped` is told. Where it doesn't work yet, a later call tries again.
    pub fn restart(
        &mut self,
        consumer: &Consumer,
        lookups: &Lookups,
        mut jumped: impl FnMut(&TopicPartition, u64, Range<u64>),
    ) {
        if self.stopped.is_empty()
            || self
                .tried
                .is_some_and(|tried| tried.elapsed() < self.restart_every())
        {
            return;
        }
        let warn = |what: String| consumer.base.context().warn(&what);
        self.tried = Some(Instant::now());
        let stopped = std::mem::take(&mut self.stopped);
        for at in &stopped {
            let Some(reading) = self.reading.get_mut(at) else {
                continue;
            };
            match lookups.range(at, Duration::from_secs(2)) {
                Ok(range) => {
                    let next = reading.next.unwrap_or(range.start);
                    if next < range.start || next > range.end {
                        jumped(at, next, range.clone());
                    }
                    reading.next = Some(next.clamp(range.start, range.end));
                }
                Err(error) => {
                    warn(error.to_string());
                    self.stopped.push(at.clone());
                }
            }
        }
        if self.stopped.len() < stopped.len()
            && let Err(error) = self.assign(consumer)
        {
            warn(format!("going on after deleted records: {error}"));
            self.stopped = stopped;
        }
    }

    /// Makes librdkafka read what is to be read. Only this starts a partition again on which it gave up; a seek doesn't.
    pub fn assign(&self, consumer: &Consumer) -> KafkaResult<()> {
        let list: TopicPartitionList = self
            .reading
            .iter()
            .map(|(at, reading)| {
                let start = reading
                    .next
                    .map_or(Offset::Beginning, |next| Offset::Offset(next as i64));
                (at.topic.to_string(), at.partition as i32, start)
            })
            .collect();
        consumer.base.assign(&list)?;
        let (mut paused, mut going) = (TopicPartitionList::new(), TopicPartitionList::new());
        for (at, reading) in &self.reading {
            let list = if reading.paused {
                &mut paused
            } else {
                &mut going
            };
            list.add_partition(&at.topic, at.partition as i32);
        }
        // A pause can outlive the assignment that it was meant for.
        consumer.base.resume(&going)?;
        consumer.base.pause(&paused)
    }
}

impl Difference {
    /// Tells the consumer. After an error it has to be told everything anew ([`Partitions::assign`]).
    pub fn apply(&self, consumer: &Consumer) -> KafkaResult<()> {
        let (mut gone, mut come) = (TopicPartitionList::new(), TopicPartitionList::new());
        for at in &self.gone {
            gone.add_partition(&at.topic, at.partition as i32);
        }
        for (at, next) in &self.come {
            let (partition, offset) = (at.partition as i32, Offset::Offset(*next as i64));
            come.add_partition_offset(&at.topic, partition, offset)?;
        }
        if gone.count() > 0 {
            consumer.base.incremental_unassign(&gone)?;
        }
        if come.count() > 0 {
            consumer.base.incremental_assign(&come)?;
        }
        Ok(())
    }
}

/// librdkafka won't fetch this partition on by itself.
pub(in crate::kafka) fn stops_partition(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode::{AutoOffsetReset, LogTruncation, OffsetOutOfRange};
    matches!(code, AutoOffsetReset | LogTruncation | OffsetOutOfRange)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(partition: u32) -> TopicPartition {
        TopicPartition::new("t", partition)
    }

    fn sorted(mut difference: Difference) -> Difference {
        difference.gone.sort();
        difference.come.sort();
        difference
    }

    /// Partitions 0, 1 and 2 are read and stand at 5.
    #[track_caller]
    fn check(wanted: &[(u32, u64)], gone: &[u32], come: &[(u32, u64)]) {
        let mut partitions = Partitions::default();
        partitions.set((0..3).map(|partition| (at(partition), Some(5))));
        partitions.stop(at(1));
        let at_offset = |(partition, next): &(u32, u64)| (at(*partition), *next);
        let wanted: Vec<_> = wanted.iter().map(at_offset).collect();
        let difference = sorted(partitions.change(&wanted));
        let expected = Difference {
            gone: gone.iter().map(|partition| at(*partition)).collect(),
            come: come.iter().map(at_offset).collect(),
        };
        assert_eq!(difference, expected);
        let mut reading: Vec<_> = (partitions.reading.iter())
            .map(|(at, reading)| (at.clone(), reading.next.unwrap_or_default()))
            .collect();
        reading.sort();
        assert_eq!(reading, wanted);
        let stays = wanted.contains(&(at(1), 5));
        assert_eq!(partitions.stopped.contains(&at(1)), stays);
    }

    /// Once for each time that it is resumed, and not while anything comes of it.
    #[test]
    fn what_stays_silent_after_a_pause_is_started_again() {
        let mut partitions = Partitions::default();
        partitions.set((0..5).map(|partition| (at(partition), Some(5))));
        for partition in 0..4 {
            partitions.mark_paused(&at(partition), true);
        }
        for partition in 0..3 {
            partitions.mark_paused(&at(partition), false);
        }
        partitions.ended(&at(1), 5);
        partitions.mark_paused(&at(2), true);
        let resumed = Instant::now();
        partitions.stop_silent(resumed + SILENT_AT_MOST / 2);
        assert_eq!(partitions.stopped, []);
        for _ in 0..2 {
            partitions.stop_silent(resumed + SILENT_AT_MOST);
            assert_eq!(partitions.stopped, [at(0)]);
        }
    }

    #[test]
    fn only_what_changes_is_fetched_anew() {
        check(&[(0, 5), (1, 5), (2, 5)], &[], &[]);
        check(&[(0, 5), (2, 5)], &[1], &[]);
        check(&[(0, 5), (1, 5), (2, 5), (3, 0)], &[], &[(3, 0)]);
        check(&[(0, 5), (1, 9), (2, 5)], &[1], &[(1, 9)]);
        check(&[(7, 1)], &[0, 1, 2], &[(7, 1)]);
        check(&[], &[0, 1, 2], &[]);
    }
}
