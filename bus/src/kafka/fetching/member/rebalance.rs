//! Partitions come and go, and so does the client itself.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer as _;
use rdkafka::error::RDKafkaErrorCode;

use super::{KafkaMember, client};
use crate::kafka::connecting::errors::{error, lacks_right};
use crate::kafka::fetching::held::{Consumer, Happened};
use crate::kafka::fetching::reading::stops_partition;
use crate::{Assigned, Error, Fetched, Result, TopicPartition};

/// How long leaving a group may take, beyond what the stage takes to give its partitions up.
const LEAVE: Duration = Duration::from_secs(15);

impl KafkaMember {
    /// Acts on everything but records and ends; true when partitions came or went.
    pub(super) fn handle(
        &mut self,
        happened: Happened,
        records: &mut Vec<Fetched>,
    ) -> Result<bool> {
        match happened {
            Happened::Assign(partitions) => {
                self.assigned(&partitions);
                return Ok(true);
            }
            Happened::Revoke => {
                let gone = self.revoked();
                records.retain(|record| {
                    !gone
                        .iter()
                        .any(|at| at.topic == record.topic && at.partition == record.partition)
                });
                return Ok(true);
            }
            Happened::Failed {
                code,
                fatal,
                reason,
                at,
            } => match at {
                _ if self.is_fenced() && !self.closed => {
                    self.join_as_new_client(&reason)?;
                    records.clear();
                    return Ok(true);
                }
                _ if fatal && !self.closed => {
                    return Err(Error::Fatal(format!("reading from Kafka: {reason}")));
                }
                Some(at) if stops_partition(code) => self.partitions.stop(at),
                Some(at) if lacks_right(code) && self.partitions.get(&at).is_some() => {
                    self.reading
                        .refused(&format!("topic `{}`: {reason}", at.topic));
                    self.partitions.refuse(at);
                }
                at if lacks_right(code) => self.membership.refused(&match at {
                    Some(at) => format!("topic `{}`: {reason}", at.topic),
                    None => reason,
                }),
                _ => self.consumer.base.context().failed(code, &reason),
            },
            Happened::Record(_) | Happened::End(..) | Happened::Nothing => {}
        }
        Ok(false)
    }

    fn assigned(&mut self, partitions: &[TopicPartition]) {
        let Some((committed, logs)) = self.starts(partitions) else {
            let _ = self.consumer.base.unassign();
            return;
        };
        let starts = committed
            .iter()
            .map(|(at, position)| (at.clone(), position.as_ref().map(|p| p.offset)));
        self.membership.allowed();
        self.partitions.set(starts);
        self.known.learn(&self.group, &logs);
        if let Err(e) = self.partitions.assign(&self.consumer) {
            // The group has moved on meanwhile; the next rebalance follows.
            self.consumer
                .base
                .context()
                .warn(&format!("taking partitions over: {e}"));
            self.take_partitions();
            return;
        }
        self.ownership.assign(
            committed.iter().cloned(),
            logs,
            self.consumer.base.group_metadata(),
            &self.consumer,
        );
        tracing::info!(
            client = self.consumer.base.context().role(),
            partitions = committed.len(),
            "partitions assigned"
        );
        if !committed.is_empty() {
            self.rebalance.assigned(
                committed
                    .into_iter()
                    .map(|(at, committed)| Assigned { at, committed })
                    .collect(),
            );
        }
    }

    fn revoked(&mut self) -> Vec<TopicPartition> {
        let lost = self.consumer.base.assignment_lost();
        let gone = self.take_partitions();
        if !gone.is_empty() {
            let client = self.consumer.base.context().role();
            tracing::info!(client, partitions = gone.len(), lost, "partitions revoked");
            if lost {
                self.ownership.clear();
                self.rebalance.lost(gone.clone());
            } else {
                let begin = Instant::now();
                self.ownership.revoking(begin + self.revoke_timeout);
                self.rebalance.revoked(gone.clone());
                if begin.elapsed() > self.revoke_timeout {
                    let (took, allowed) = (begin.elapsed(), self.revoke_timeout);
                    tracing::warn!(
                        client,
                        ?took,
                        ?allowed,
                        "giving partitions up took too long"
                    );
                }
            }
        }
        self.ownership.clear();
        if self.closed {
            give_up(&self.consumer);
        } else if let Err(e) = self.consumer.base.unassign() {
            self.consumer
                .base
                .context()
                .warn(&format!("giving partitions up: {e}"));
        }
        gone
    }

    /// Leaves the group and joins it again, so that partitions come with their committed positions.
    pub(super) fn join_anew(&mut self, reason: &str) -> Result<()> {
        if self.is_fenced() {
            return self.join_as_new_client(reason);
        }
        let gone = self.take_partitions();
        tracing::warn!(
            client = self.consumer.base.context().role(),
            partitions = gone.len(),
            reason,
            "joining the group anew"
        );
        if !gone.is_empty() {
            self.rebalance.lost(gone);
        }
        self.consumer.base.unsubscribe();
        self.subscribe()
    }

    /// Another client joined under this instance's name, or the brokers believe so: this client is of no use any more.
    pub(super) fn is_fenced(&self) -> bool {
        let fatal = self.consumer.base.client().fatal_error();
        fatal.is_some_and(|(code, _)| code == RDKafkaErrorCode::FencedInstanceId)
    }

    fn join_as_new_client(&mut self, reason: &str) -> Result<()> {
        if self.fencings.again() {
            return Err(Error::Fatal(format!(
                "group `{}`: another process has this one's instance name `{}`, which has to be unique: {reason}",
                self.group, self.instance
            )));
        }
        let gone = self.take_partitions();
        tracing::warn!(
            client = self.consumer.base.context().role(),
            partitions = gone.len(),
            reason,
            "fenced under this instance's name: joining the group as a new client"
        );
        self.ownership.clear();
        if !gone.is_empty() {
            self.rebalance.lost(gone);
        }
        self.replace_client()
    }

    /// A client knows the certificates that it was made with for as long as it lives. Partitions are given up in order, and what was read of them
    /// is committed; with static membership they come back at once, to the same name.
    pub(super) fn join_with_new_certificates(&mut self) -> Result<()> {
        self.generation = self.login.generation();
        let gone = self.revoked();
        tracing::info!(
            client = self.consumer.base.context().role(),
            partitions = gone.len(),
            "joining the group with new certificates"
        );
        self.replace_client()
    }

    fn replace_client(&mut self) -> Result<()> {
        let new = client(&self.config, self.consumer.base.context().again())?;
        let old = std::mem::replace(&mut self.consumer, new);
        // Whoever lets its last record go would wait for it to close otherwise.
        std::thread::spawn(move || close(&old));
        self.subscribe()
    }

    pub(super) fn leave(&mut self) -> Result<()> {
        self.closed = true;
        self.consumer
            .base
            .close_queue()
            .map_err(|e| error("leaving the group", &e))?;
        let mut nothing = Vec::new();
        let deadline = Instant::now() + LEAVE;
        while !self.consumer.base.closed() {
            if Instant::now() > deadline {
                // Destroying the client would wait for this too. It takes no part in anything any more.
                std::mem::forget(self.consumer.clone());
                let client = self.consumer.base.context().role();
                tracing::warn!(
                    client,
                    "leaving the group took longer than {LEAVE:?}: the brokers will notice"
                );
                break;
            }
            match self.consumer.next(Duration::from_millis(100)) {
                Some(Happened::Assign(_)) => give_up(&self.consumer),
                Some(happened) => {
                    self.handle(happened, &mut nothing)?;
                }
                None => {}
            }
        }
        self.ownership.clear();
        Ok(())
    }
}

/// Closes a client that is no member any more.
fn close(client: &Arc<Consumer>) {
    let deadline = Instant::now() + LEAVE;
    if client.base.close_queue().is_err() {
        return;
    }
    while !client.base.closed() && Instant::now() < deadline {
        if let Some(Happened::Assign(_) | Happened::Revoke) =
            client.next(Duration::from_millis(100))
        {
            give_up(client);
        }
    }
}

/// Answers a rebalance of a client that is closing.
///
/// An answer to an older rebalance may have been all that the client waited for. It is closed then, and the call for the newer one never
/// returns: a closed client throws calls away that wait for it (librdkafka #4884). So the call has a thread of its own, which stays behind.
fn give_up(client: &Arc<Consumer>) {
    let (answered, answer) = mpsc::channel();
    let caller = client.clone();
    std::thread::spawn(move || {
        let _ = caller.base.unassign();
        let _ = answered.send(());
    });
    while answer.recv_timeout(Duration::from_millis(10)) == Err(RecvTimeoutError::Timeout)
        && !client.base.closed()
    {}
}
