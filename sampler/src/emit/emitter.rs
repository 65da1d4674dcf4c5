//! Kept spans on their way out, packed into records, and dead letters.

use bytes::Bytes;
use schemas::otlp::Item;
use schemas::pack::Packer;

use crate::decide::handover::Kept;
use crate::emit::stamp::Stamp;
use crate::options::{BusProperties, Stamping};
use crate::record::RawRecord;

/// A record, or part of one, that could not be processed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Of the raw record.
    pub offset: u64,
    pub tenant: Option<Bytes>,
    pub reason: String,
    /// The raw record's value, or a request with the spans that were refused.
    pub value: Bytes,
}

/// What goes out of a partition at one take.
#[derive(Debug, Default)]
pub(crate) struct Emitted {
    /// Records for the sampled topic: tenant and value.
    pub(crate) sampled: Vec<(Option<Bytes>, Bytes)>,
    pub(crate) dead: Vec<DeadLetter>,
}

/// Kept spans and dead letters since the last take.
#[derive(Debug, Default)]
pub(crate) struct Emitter {
    /// One a tenant. Those that fit keep their buffers.
    packers: Vec<(Option<Bytes>, Packer)>,
    sampled: Vec<(Option<Bytes>, Bytes)>,
    dead: Vec<DeadLetter>,
    /// Of all that is here, resources and scopes included.
    bytes: usize,
    record_bytes_max: usize,
    record_bytes_limit: usize,
    buffers_bytes_max: usize,
    stamp: Stamp,
}

/// What the emitters of all partitions of a topic keep of their buffers from one take to the next.
const BUFFERS_BYTES_MAX: usize = 16 << 20;

impl Emitter {
    pub(crate) fn new(bus: BusProperties) -> Self {
        Self {
            packers: Vec::new(),
            sampled: Vec::new(),
            dead: Vec::new(),
            bytes: 0,
            record_bytes_max: bus.record_bytes_max,
            record_bytes_limit: bus.record_bytes_limit,
            buffers_bytes_max: BUFFERS_BYTES_MAX / bus.partitions.max(1) as usize,
            stamp: Stamp::default(),
        }
    }

    /// What goes out at the next take, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn packer(&mut self, tenant: &Option<Bytes>) -> usize {
        let known = self.packers.iter().position(|(owner, _)| owner == tenant);
        let at = known.unwrap_or_else(|| {
            self.packers.push((tenant.clone(), Packer::new()));
            self.packers.len() - 1
        });
        self.packers[at].1.begin_source();
        at
    }

    /// Adds a kept span with what is appended to it; the record it would make too long is finished first. The span's bytes as
    /// written; `None`: no record has room for it.
    #[inline]
    pub(crate) fn keep(
        &mut self,
        packer: usize,
        item: &Item<'_>,
        head_bytes: usize,
        id: &[u8; 16],
        (kept, stamping): (Kept<'_>, Stamping),
    ) -> Option<usize> {
        let bytes_max = self.record_bytes_limit.saturating_sub(head_bytes);
        let suffix = self.stamp.of(item.body, id, kept, stamping, bytes_max);
        let bytes = item.body.len() + suffix.len();
        if bytes + head_bytes > self.record_bytes_limit {
            return None;
        }
        let (tenant, packer) = &mut self.packers[packer];
        if !packer.is_empty() && packer.bytes() + bytes + head_bytes > self.record_bytes_max {
            self.sampled.push((tenant.clone(), packer.finish()));
        }
        let before = packer.bytes();
        packer.push_with_suffix(item, suffix);
        self.bytes += packer.bytes() - before;
        Some(bytes)
    }

    pub(crate) fn bury(&mut self, record: &RawRecord, reason: String, value: Bytes) {
        self.bytes += value.len() + reason.len();
        self.dead.push(DeadLetter {
            offset: record.offset,
            tenant: record.tenant.clone(),
            reason,
            value,
        });
    }

    /// Records that are complete.
    pub(crate) fn append(&mut self, records: Vec<(Option<Bytes>, Bytes)>) {
        self.bytes += records.iter().map(|(_, value)| value.len()).sum::<usize>();
        self.sampled.extend(records);
    }

    /// Spans that had no room for what is promoted, since the last call.
    pub(crate) fn take_unpromoted(&mut self) -> u64 {
        self.stamp.take_unpromoted()
    }

    pub(crate) fn take(&mut self) -> Emitted {
        for (tenant, packer) in &mut self.packers {
            if !packer.is_empty() {
                self.sampled.push((tenant.clone(), packer.finish()));
            }
        }
        let mut kept = 0;
        self.packers.retain(|(_, packer)| {
            let with = kept + packer.buffers_bytes();
            let fits = with <= self.buffers_bytes_max;
            if fits {
                kept = with;
            }
            fits
        });
        self.bytes = 0;
        Emitted {
            sampled: std::mem::take(&mut self.sampled),
            dead: std::mem::take(&mut self.dead),
        }
    }
}

/// The length of what stands round an item, worked out once a scope.
#[derive(Debug, Default)]
pub(crate) struct Heads {
    of: Option<(usize, usize)>,
    bytes: usize,
}

impl Heads {
    pub(crate) fn bytes(&mut self, item: &Item<'_>) -> usize {
        let of = Some((item.resource.index, item.scope.index));
        if self.of != of {
            self.of = of;
            self.bytes = FRAMES_BYTES
                + item
                    .resource
                    .fields()
                    .map_while(Result::ok)
                    .map(|field| field.raw.len())
                    .sum::<usize>()
                + item
                    .scope
                    .fields()
                    .map_while(Result::ok)
                    .map(|field| field.raw.len())
                    .sum::<usize>();
        }
        self.bytes
    }
}

/// Tags and lengths of a resource, a scope and an item.
const FRAMES_BYTES: usize = 32;
