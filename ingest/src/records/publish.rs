//! From requests to records on the bus: the packs of all signals, partitions and tenants, and when they are closed.
//!
//! Requests are split in their own task and put into the packs under one short lock per partition. Full packs are published at once
//! by who filled them, the rest by one task when their linger has passed. The bus's acknowledgement wakes the requests.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bus::{Header, Publisher, Record, Topic, TopicPartition};
use bytes::Bytes;
use hashbrown::HashMap;
use schemas::{Signal, headers};
use tokio::sync::Notify;

use super::completion::{Completion, Outcome, Ticket, completion};
use super::counts::Counts;
use super::filter::Filter;
use super::pack::{Closed, Pack, RecordLimits};
use super::partial::Partial;
use super::pending::Pending;
use super::split::{Limits, Split, split_stamped};
use super::stamp::Stamp;
use super::unread::Unread;
use crate::admission::Permit;
use crate::refusal::Refusal;

/// Whose data it is; `None`: there is one tenant.
pub type Tenant = Option<Arc<str>>;

/// How much publishing collects, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Collecting {
    pub record_bytes_max: usize,
    pub linger: Duration,
}

/// What the bus says of the raw topics of one retention class.
pub struct RawTopics {
    topics: [(Signal, Topic, u32); 3],
    publisher: Arc<dyn Publisher>,
    record_bytes_max: usize,
}

impl RawTopics {
    /// Asks the bus; may block.
    ///
    /// # Errors
    /// The bus can't be asked, or has no such topic.
    pub fn look_up(
        bus: &dyn bus::Bus,
        topics: &schemas::Topics,
        publisher: Arc<dyn Publisher>,
    ) -> bus::Result<Self> {
        let look_up = |signal| -> bus::Result<_> {
            let topic = topics.raw(signal);
            let partitions = bus.partition_count(&topic)?;
            Ok((signal, topic, partitions))
        };
        Ok(Self {
            topics: [
                look_up(Signal::Traces)?,
                look_up(Signal::Logs)?,
                look_up(Signal::Metrics)?,
            ],
            publisher,
            record_bytes_max: bus.record_bytes_max(),
        })
    }
}

/// All packs of one retention class, and the way onto the bus.
pub struct Packs {
    signals: [SignalPacks; 3],
    publisher: Arc<dyn Publisher>,
    limits: RecordLimits,
    filter: Arc<Filter>,
    linger: Duration,
    /// Packs that were opened, in the order in which they become due.
    due: Mutex<VecDeque<Due>>,
    opened: Notify,
    version: Header,
    tenant_name: Arc<str>,
}

struct SignalPacks {
    topic: Topic,
    partitions: Vec<Mutex<PartitionPacks>>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct PartitionPacks {
    packs: Pack<Ticket>,
    /// Packs of named tenants live from their first item to their closing: tenants come and go.
    tenants: HashMap<Arc<str>, Pack<Ticket>>,
    /// The empty one that was closed last, for its buffers: whoever sends next has it.
    spare: Option<Pack<Ticket>>,
}

impl PartitionPacks {
    fn of(&mut self, tenant: &Tenant) -> &mut Pack<Ticket> {
        let Self {
            packs,
            tenants,
            spare,
        } = self;
        match tenant {
            None => packs,
            Some(tenant) => {
                let known = tenants.entry_ref(tenant);
                known.or_insert_with(|| spare.take().unwrap_or_default())
            }
        }
    }
}

struct Due {
    at: Instant,
    signal: Signal,
    partition: u32,
    tenant: Tenant,
}

impl Packs {
    pub fn new(raw: RawTopics, collecting: Collecting, filter: Arc<Filter>) -> Self {
        Self {
            signals: raw.topics.map(|(signal, topic, partitions)| SignalPacks {
                topic,
                partitions: (0..partitions).map(|_| Mutex::default()).collect(),
                counts: Arc::new(Counts::new(signal)),
            }),
            publisher: raw.publisher,
            limits: RecordLimits {
                wanted: collecting.record_bytes_max.min(raw.record_bytes_max),
                hard: raw.record_bytes_max,
            },
            filter,
            linger: collecting.linger,
            due: Mutex::default(),
            opened: Notify::new(),
            version: Header {
                name: headers::VERSION_NAME.into(),
                value: Bytes::from_static(headers::VERSION.as_bytes()),
            },
            tenant_name: headers::TENANT.into(),
        }
    }

    /// Takes one request in protobuf: its items are in packs when this returns, and on the bus when the completion says so.
    /// The permit covers them until then, with what the stamp adds.
    ///
    /// # Errors
    /// The request is malformed; nothing of it was taken or counted.
    pub fn take(
        &self,
        signal: Signal,
        request: &[u8],
        stamp: &Stamp,
        tenant: &Tenant,
        unread: Unread,
        mut permit: Permit,
    ) -> Result<(Partial, Completion), Refusal> {
        let packs = self.signal(signal);
        let limits = Limits {
            partitions: packs.partitions.len() as u32,
            item_bytes_max: self.limits.hard,
        };
        let came = permit.bytes();
        if self.filter.concerns(signal) {
            permit.grow(request.len())?;
        }
        let filtered = self.filter.apply(signal, request, self.limits.hard);
        let left = filtered.request.as_deref().unwrap_or(request);
        let mut split = split_stamped(signal, left, limits, stamp)?;
        let unknown = unread.report(request, &mut split.rejected);
        if !unknown.is_empty() {
            packs.counts.unrecognized.increment(1);
        }
        packs.counts.filtered(filtered.counts);
        packs.counts.split(split.accepted(), &split.rejected);
        let partial = split
            .rejected
            .partial(signal, limits)
            .with_warnings(unknown);
        if split.accepted() == 0 {
            permit.shrink_to(0);
        }
        permit.shrink_to(came);
        let (ticket, completion) = completion(permit);
        self.pack(signal, &split, tenant, &ticket);
        ticket.resolve(Outcome::Durable);
        Ok((partial, completion))
    }

    /// Closes packs when they become due; never returns.
    pub async fn close_due(&self) -> std::convert::Infallible {
        loop {
            let next = self.due().front().map(|due| due.at);
            match next {
                None => self.opened.notified().await,
                Some(at) => {
                    tokio::time::sleep_until(at.into()).await;
                    self.close_until(Instant::now());
                }
            }
        }
    }

    /// Closes all packs, and returns when the bus has acknowledged or failed everything. Blocks.
    pub fn flush(&self, timeout: Duration) -> bus::Result<()> {
        // The lock must be free in the loop: what a `while let` borrows lives until its body ends.
        let last = || self.due().back().map(|due| due.at);
        while let Some(last) = last() {
            self.close_until(last);
        }
        self.publisher.flush(timeout)
    }

    fn signal(&self, signal: Signal) -> &SignalPacks {
        &self.signals[signal as usize]
    }

    fn due(&self) -> std::sync::MutexGuard<'_, VecDeque<Due>> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pack(&self, signal: Signal, split: &Split<'_>, tenant: &Tenant, ticket: &Ticket) {
        let packs = self.signal(signal);
        let at = Instant::now() + self.linger;
        let mut closed = Vec::new();
        let mut opened = Vec::new();
        for (partition, items) in split.partitions() {
            let mut locked = lock(&packs.partitions[partition as usize]);
            let pack = locked.of(tenant);
            if pack.add(items, ticket, at, self.limits, &mut closed) {
                opened.push(Due {
                    at,
                    signal,
                    partition,
                    tenant: tenant.clone(),
                });
            }
            drop(locked);
            for record in closed.drain(..) {
                self.publish(signal, partition, tenant, record);
            }
        }
        if !opened.is_empty() {
            let mut due = self.due();
            // One wake-up of the closing task serves everything that becomes due while it sleeps.
            let asleep = due.is_empty();
            due.extend(opened);
            drop(due);
            if asleep {
                self.opened.notify_one();
            }
        }
    }

    fn close_until(&self, now: Instant) {
        loop {
            let mut queue = self.due();
            if queue.front().is_none_or(|due| due.at > now) {
                return;
            }
            let due = queue.pop_front();
            drop(queue);
            if let Some(due) = due {
                self.close(&due, now);
            }
        }
    }

    /// Closes the pack of an entry, unless it was full before and another one has been opened since.
    fn close(&self, due: &Due, now: Instant) {
        let mut locked = lock(&self.signal(due.signal).partitions[due.partition as usize]);
        let record = match &due.tenant {
            None => locked.packs.close_due(now),
            Some(tenant) => {
                let record = locked
                    .tenants
                    .get_mut(tenant)
                    .and_then(|pack| pack.close_due(now));
                if record.is_some() {
                    locked.spare = locked.tenants.remove(tenant);
                }
                record
            }
        };
        drop(locked);
        if let Some(record) = record {
            self.publish(due.signal, due.partition, &due.tenant, record);
        }
    }

    fn publish(&self, signal: Signal, partition: u32, tenant: &Tenant, closed: Closed<Ticket>) {
        let packs = self.signal(signal);
        let mut headers = Vec::with_capacity(1 + usize::from(tenant.is_some()));
        headers.push(self.version.clone());
        headers.extend(tenant.as_ref().map(|tenant| Header {
            name: self.tenant_name.clone(),
            value: Bytes::copy_from_slice(tenant.as_bytes()),
        }));
        let to = TopicPartition::new(packs.topic.clone(), partition);
        let pending = Pending::new(
            packs.counts.clone(),
            closed.items,
            closed.value.len(),
            closed.waiters,
        );
        let record = Record {
            headers,
            value: closed.value,
        };
        // A full queue drops the acknowledgement uncalled, which says the same to the waiting requests.
        if let Err(error) =
            self.publisher
                .publish(to, record, Box::new(move |result| pending.resolve(result)))
        {
            tracing::debug!(%error, topic = %packs.topic, partition, "record not queued");
        }
    }
}

fn lock(packs: &Mutex<PartitionPacks>) -> std::sync::MutexGuard<'_, PartitionPacks> {
    packs.lock().unwrap_or_else(PoisonError::into_inner)
}
