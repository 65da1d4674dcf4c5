//! The emit cursor: passes each record once every trace in it is decided, copies the spans of kept traces out, in the order of the
//! log, and forgets the rest. What it emitted is exactly what lies below one offset, L.

use std::collections::VecDeque;

use bytes::Bytes;
use schemas::decisions::Verdict;
use schemas::otlp::{Item, Items, SpanView};
use schemas::pack::Packer;
use schemas::wire::WireError;

use crate::cache::Next;
use crate::index::{self, Place};
use crate::partition::{DeadLetter, Partition, RawRecord};
use crate::window::NONE;

/// Kept spans and dead letters since the last take.
#[derive(Debug, Default)]
pub(crate) struct Emitter {
    /// One a tenant. The first few keep their buffers.
    packers: Vec<(Option<Bytes>, Packer)>,
    sampled: Vec<(Option<Bytes>, Bytes)>,
    dead: Vec<DeadLetter>,
    record_bytes_max: usize,
}

/// Packers beyond these are let go at a take.
const PACKERS_KEPT: usize = 4;

/// What a record's spans came to.
#[derive(Debug, Default)]
struct Passed {
    kept: u64,
    kept_bytes: u64,
    dropped: u64,
    dead: u64,
    bytes: usize,
}

impl Emitter {
    pub(crate) fn new(record_bytes_max: usize) -> Self {
        Self {
            packers: Vec::new(),
            sampled: Vec::new(),
            dead: Vec::new(),
            record_bytes_max,
        }
    }

    fn packer(&mut self, tenant: &Option<Bytes>) -> usize {
        let known = self.packers.iter().position(|(owner, _)| owner == tenant);
        let at = known.unwrap_or_else(|| {
            self.packers.push((tenant.clone(), Packer::new()));
            self.packers.len() - 1
        });
        self.packers[at].1.begin_source();
        at
    }

    /// Adds a kept span; the record it would make too long is finished first.
    #[inline]
    fn keep(&mut self, packer: usize, item: &Item<'_>, head_bytes: usize) {
        let (tenant, packer) = &mut self.packers[packer];
        if !packer.is_empty()
            && packer.bytes() + item.body.len() + head_bytes > self.record_bytes_max
        {
            self.sampled.push((tenant.clone(), packer.finish()));
        }
        packer.push(item);
    }

    fn bury(&mut self, record: &RawRecord, reason: String, value: Bytes) {
        self.dead.push(DeadLetter {
            offset: record.offset,
            tenant: record.tenant.clone(),
            reason,
            value,
        });
    }

    pub(crate) fn take(&mut self) -> (Vec<(Option<Bytes>, Bytes)>, Vec<DeadLetter>) {
        for (tenant, packer) in &mut self.packers {
            if !packer.is_empty() {
                self.sampled.push((tenant.clone(), packer.finish()));
            }
        }
        self.packers.truncate(PACKERS_KEPT);
        (
            std::mem::take(&mut self.sampled),
            std::mem::take(&mut self.dead),
        )
    }
}

impl Partition {
    /// Moves the emit cursor as far as low watermark, cache and `budget_bytes` of output permit. A record is never cut, so the
    /// budget may be passed by one record.
    pub fn emit(&mut self, budget_bytes: usize) {
        if self.rebuilding() {
            return;
        }
        let limit = self.emit_limit();
        let mut spent = 0;
        while self.emit < limit && spent < budget_bytes {
            match self.cache.next(self.emit) {
                Next::Record(record) if record.offset < limit => {
                    let limit_ms = self.options.future_limit_ms;
                    self.emit_clock.resolve(record.timestamp_ms, limit_ms);
                    self.emit_clock.advance(record.timestamp_ms, limit_ms);
                    spent += self.pass(&record);
                    self.move_emit(record.offset + 1);
                }
                Next::Record(record) => {
                    self.cache.put_back(record);
                    self.move_emit(limit);
                }
                Next::Nothing(end) => self.move_emit(end.min(limit)),
                Next::Missing => break,
            }
        }
        self.forget();
    }

    /// Emits one record; the bytes of output it caused.
    fn pass(&mut self, record: &RawRecord) -> usize {
        let oddity = self.oddities.at(record.offset);
        let mut emitter = std::mem::take(&mut self.emitter);
        let passed = match oddity {
            Some(Oddity::Bad) => {
                self.counts.bad_records += 1;
                let error = check(&record.value).err().map(|error| error.to_string());
                let reason = format!("not an OTLP trace request: {}", error.unwrap_or_default());
                emitter.bury(record, reason, record.value.clone());
                Passed {
                    bytes: record.value.len(),
                    ..Passed::default()
                }
            }
            oddity => self.copy(&mut emitter, record, oddity.is_none()),
        };
        self.emitter = emitter;
        self.counts.kept_spans += passed.kept;
        self.counts.kept_bytes += passed.kept_bytes;
        self.counts.dropped_spans += passed.dropped;
        self.counts.dead_lettered_spans += passed.dead;
        self.pending
            .passed(passed.kept + passed.dropped + passed.dead);
        passed.bytes
    }

    /// Copies the kept spans of a good record. `plain`: every span begins with a valid trace id.
    fn copy(&self, emitter: &mut Emitter, record: &RawRecord, plain: bool) -> Passed {
        let mut passed = Passed::default();
        let packer = emitter.packer(&record.tenant);
        let mut heads = Heads::default();
        let mut refused = Packer::new();
        let mut last: Option<(&[u8; 16], Verdict)> = None;
        // The decide cursor walked these bytes to their end without an error.
        for item in Items::new(&record.value).map_while(Result::ok) {
            let id = if plain {
                item.body.get(2..).and_then(<[u8]>::first_chunk::<16>)
            } else {
                SpanView::parse(item.body)
                    .ok()
                    .and_then(|span| span.valid_trace_id())
            };
            let Some(id) = id else {
                refused.push(&item);
                passed.dead += 1;
                continue;
            };
            let verdict = match last {
                Some((last, verdict)) if last == id => verdict,
                _ => self.verdict(id, record.offset),
            };
            last = Some((id, verdict));
            match verdict {
                Verdict::Drop => passed.dropped += 1,
                Verdict::Keep => {
                    emitter.keep(packer, &item, heads.bytes(&item));
                    passed.kept += 1;
                    passed.kept_bytes += item.body.len() as u64;
                    passed.bytes += item.body.len();
                }
            }
        }
        if !refused.is_empty() {
            let reason = format!("{} spans without a valid trace id", passed.dead);
            passed.bytes += refused.bytes();
            emitter.bury(record, reason, refused.finish());
        }
        passed
    }

    /// The verdict that a trace's spans at an offset follow.
    fn verdict(&self, id: &[u8; 16], offset: u64) -> Verdict {
        let newest = match self.find(index::hash(id), id) {
            // Open anew since then.
            Some(Place::Open(slot)) => self.window.get(slot).older,
            Some(Place::Decided(slot)) => slot,
            None => NONE,
        };
        if newest == NONE {
            // Can't be: the decide cursor saw this span, and verdicts outlive the emit cursor's need. Losing data would be worse.
            debug_assert!(false, "no verdict for {id:02x?} at offset {offset}");
            return Verdict::Keep;
        }
        let at = self
            .verdicts
            .at(newest, offset)
            .unwrap_or_else(|| self.verdicts.oldest(newest));
        self.verdicts.get(at).verdict
    }
}

/// Whether a record can be read to its end.
fn check(value: &[u8]) -> Result<(), WireError> {
    for item in Items::new(value) {
        SpanView::parse(item?.body)?;
    }
    Ok(())
}

/// The length of what stands round an item, worked out once a scope.
#[derive(Debug, Default)]
struct Heads {
    of: Option<(usize, usize)>,
    bytes: usize,
}

impl Heads {
    fn bytes(&mut self, item: &Item<'_>) -> usize {
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

/// Records that need a second look when the emit cursor comes by; the others are good and plain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Oddity {
    /// Not OTLP.
    Bad,
    /// Good, but some span doesn't begin with a valid trace id.
    Unusual,
}

/// The odd records between the cursors, in order.
#[derive(Debug, Default)]
pub(crate) struct Oddities {
    records: VecDeque<(u64, Oddity)>,
}

impl Oddities {
    pub(crate) fn add(&mut self, offset: u64, oddity: Oddity) {
        self.records.push_back((offset, oddity));
    }

    /// What is odd about a record; those below it are forgotten.
    fn at(&mut self, offset: u64) -> Option<Oddity> {
        while let Some(&(at, oddity)) = self.records.front() {
            if at == offset {
                return Some(oddity);
            }
            if at > offset {
                return None;
            }
            self.records.pop_front();
        }
        None
    }
}
