//! The emit cursor of one partition.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use schemas::otlp::{Items, SpanView};
use schemas::pack::Packer;
use schemas::wire::WireError;

use crate::decide::LogClock;
use crate::decide::facts::Irregularity;
use crate::decide::handover::{Kept, Observed, VerdictsView, WantedTrace};
use crate::emit::cache::{Next, RecordCache};
use crate::emit::counts::CopyCounts;
use crate::emit::emitter::{Emitted, Emitter, Heads};
use crate::emit::irregular::IrregularRecords;
use crate::emit::pending::Pending;
use crate::emit::rescue::Rescues;
use crate::memory::Pool;
use crate::options::Options;
use crate::position::Start;
use crate::record::RawRecord;

/// The emit cursor, the records that wait for it, and what it copied since the last take.
#[derive(Debug)]
pub(crate) struct Copier {
    options: Options,
    /// L.
    offset: u64,
    /// The log's clock at L.
    clock: LogClock,
    cache: RecordCache,
    pending: Pending,
    irregular: IrregularRecords,
    emitter: Emitter,
    rescues: Rescues,
    counts: CopyCounts,
}

/// What a record's spans came to.
#[derive(Debug, Default)]
struct Passed {
    kept: u64,
    kept_bytes: u64,
    dropped: u64,
    dead: u64,
}

impl Copier {
    /// `cache_bytes` bounds the record cache.
    pub(crate) fn new(options: Options, start: &Start, cache_bytes: usize) -> Self {
        Self {
            offset: start.emit,
            clock: LogClock::new(start.clock_emit_ms, start.jump_emit_ms),
            cache: RecordCache::new(cache_bytes, options.bus.copy_cached),
            pending: Pending::default(),
            irregular: IrregularRecords::default(),
            emitter: Emitter::new(options.bus),
            rescues: Rescues::default(),
            counts: CopyCounts::default(),
            options,
        }
    }

    /// A record that the decide cursor comes to, from where that cursor stands; the record to read: see [`RecordCache::admit`].
    pub(crate) fn admit(&mut self, record: RawRecord, from: u64) -> RawRecord {
        self.cache.admit(record, from)
    }

    /// What the decide cursor found in the record that was admitted last.
    pub(crate) fn observed(&mut self, offset: u64, observed: Observed<'_>) {
        if let Some(irregularity) = observed.irregularity {
            self.irregular.add(offset, irregularity);
        }
        self.cache.know_starts(offset, observed.starts);
        self.pending.observed(offset, observed.spans);
    }

    /// The spans of a trace are wanted back; nothing to do below the cursor, where that was done.
    pub(crate) fn want(&mut self, wanted: WantedTrace) {
        if wanted.at >= self.offset {
            self.rescues.want(wanted);
        }
    }

    /// Moves the cursor as far as verdicts, cache and `budget_bytes` of output permit; the bytes of output. A record is never
    /// cut, so the budget may be passed by one record and what was rescued for it.
    pub(crate) fn copy(&mut self, verdicts: VerdictsView<'_>, budget_bytes: usize) -> usize {
        let before = self.emitter.bytes();
        let until = before.saturating_add(budget_bytes);
        let limit_ms = self.options.jump_limit_ms();
        while self.offset < verdicts.watermark && self.emitter.bytes() < until {
            match self.cache.next(self.offset, verdicts.watermark) {
                Next::Record(record) => {
                    if self.rescues.hold(record.offset) {
                        // First what was dropped and is kept now has to be there.
                        self.cache.put_back(record);
                        break;
                    }
                    self.clock.resolve(record.timestamp_ms, limit_ms);
                    self.clock.advance(record.timestamp_ms, limit_ms);
                    self.pass(verdicts, &record);
                    self.move_to(record.offset + 1);
                }
                Next::Nothing(end) => self.move_to(end),
                Next::Missing => break,
            }
        }
        self.emitter.bytes() - before
    }

    /// Retention deleted what lies below `offset`; `decide` is where the decide cursor stood.
    pub(crate) fn skip_to(&mut self, offset: u64, decide: u64) {
        if offset > decide {
            self.cache.admit_gap(decide..offset);
        }
        if offset > self.offset {
            self.pending.close();
            self.move_to(offset);
            self.cache.skip_to(offset);
        }
    }

    fn move_to(&mut self, offset: u64) {
        self.offset = offset;
        if !self.rescues.is_empty() {
            self.release_rescued();
        }
        self.counts.lost_spans += self.pending.settle(offset);
    }

    /// What was rescued goes out with the records below the cursor.
    fn release_rescued(&mut self) {
        let released = self.rescues.release(self.offset);
        self.counts.rescued_spans += released.spans;
        self.counts.kept_bytes += released.bytes as u64;
        self.counts.unrescued_traces += released.incomplete;
        self.emitter.append(released.records);
    }

    /// Offsets that the cursor needs, now or soon below `watermark`, and that are not in the cache: to be read again, in order.
    pub(crate) fn missing(&self, watermark: u64) -> Option<Range<u64>> {
        // What waits for a rescue would only fill the cache.
        let limit = watermark.min(self.rescues.first_wanted());
        let gap = self.cache.missing(self.offset)?;
        (gap.start < limit).then(|| gap.start..gap.end.min(limit))
    }

    /// Records that were read again; every record from `missing().start` to `read_to` that exists is among what was supplied.
    pub(crate) fn supply(&mut self, records: impl IntoIterator<Item = RawRecord>, read_to: u64) {
        // Retention may have been there before the reader.
        self.pending.close();
        self.cache.supply(records, self.offset, read_to);
    }

    /// Records of dropped traces that late errors brought back, needed soon below `watermark`: to be read again, and handed to [`Copier::supply_rescue`].
    pub(crate) fn missing_for_rescue(&mut self, watermark: u64) -> Option<Range<u64>> {
        match self.rescues.is_empty() {
            true => None,
            false => self.rescues.missing(watermark),
        }
    }

    /// As [`Copier::supply`], for `missing_for_rescue`.
    pub(crate) fn supply_rescue(
        &mut self,
        records: impl IntoIterator<Item = RawRecord>,
        read_to: u64,
        verdicts: VerdictsView<'_>,
    ) {
        let tenant_of = |name: Option<&[u8]>| verdicts.tenant(name);
        self.rescues
            .supply(records, read_to, tenant_of, &self.options);
    }

    /// What late errors bring back is taken from here from now on.
    pub(crate) fn share_rescues(&mut self, pool: &Arc<Pool>) {
        self.rescues.share(pool);
    }

    /// The record cache's bound from now on. What is beyond it is let go, and read again when the cursor comes by.
    pub(crate) fn set_cache_bytes(&mut self, bytes: usize) {
        self.cache.set_bytes_max(bytes);
    }

    /// Another configuration, from the next record on.
    pub(crate) fn reconfigure(&mut self, options: &Options) {
        self.options = options.clone();
    }

    /// Copies one record.
    fn pass(&mut self, verdicts: VerdictsView<'_>, record: &RawRecord) {
        let passed = match self.irregular.at(record.offset) {
            Some(Irregularity::Bad) => {
                let error = check(&record.value).err().map(|error| error.to_string());
                let reason = format!("not an OTLP trace request: {}", error.unwrap_or_default());
                self.bury(record, reason)
            }
            Some(Irregularity::Refused(unknown)) => self.bury(record, unknown.to_string()),
            Some(Irregularity::Unusual) => self.copy_record(verdicts, record, false),
            None => self.copy_record(verdicts, record, true),
        };
        self.counts.kept_spans += passed.kept;
        self.counts.kept_bytes += passed.kept_bytes;
        self.counts.dropped_spans += passed.dropped;
        self.counts.dead_lettered_spans += passed.dead;
        let of_tenant = self.counts.by_tenant.of(&record.tenant);
        of_tenant.kept += passed.kept;
        of_tenant.kept_bytes += passed.kept_bytes;
        of_tenant.dropped += passed.dropped;
        of_tenant.dead_lettered += passed.dead;
        self.pending
            .passed(passed.kept + passed.dropped + passed.dead);
    }

    /// A record that nobody can look into goes to the dead letters as it is.
    fn bury(&mut self, record: &RawRecord, reason: String) -> Passed {
        self.counts.bad_records += 1;
        self.emitter.bury(record, reason, record.value.clone());
        Passed::default()
    }

    /// Copies the kept spans of a good record. `plain`: every span begins with a valid trace id.
    fn copy_record(
        &mut self,
        verdicts: VerdictsView<'_>,
        record: &RawRecord,
        plain: bool,
    ) -> Passed {
        let emitter = &mut self.emitter;
        let stamping = self.options.stamping;
        let mut passed = Passed::default();
        let packer = emitter.packer(&record.tenant);
        let tenant = verdicts.tenant(record.tenant.as_deref());
        let mut heads = Heads::default();
        let mut refused = Packer::new();
        let mut nameless = 0;
        let mut last: Option<(&[u8; 16], Option<Kept<'_>>)> = None;
        // The decide cursor walked these bytes to their end without an error.
        for item in Items::new(&record.value).map_while(Result::ok) {
            let Some(id) = trace_id(item.body, plain) else {
                refused.push(&item);
                nameless += 1;
                continue;
            };
            let kept = match last {
                Some((last, kept)) if last == id => kept,
                _ => verdicts.kept(tenant, id, record.offset),
            };
            last = Some((id, kept));
            let Some(kept) = kept else {
                passed.dropped += 1;
                continue;
            };
            match emitter.keep(packer, &item, heads.bytes(&item), id, (kept, stamping)) {
                Some(bytes) => {
                    passed.kept += 1;
                    passed.kept_bytes += bytes as u64;
                }
                None => passed.dead += 1,
            }
        }
        if passed.dead > 0 {
            // Its dead letter has no room for it either: the original stays where the headers say.
            let (spans, limit) = (passed.dead, self.options.bus.record_bytes_limit);
            let reason = format!(
                "{spans} kept spans are longer than the {limit} bytes that a record of the bus may have"
            );
            emitter.bury(record, reason, Bytes::new());
        }
        if !refused.is_empty() {
            let reason = format!("{nameless} spans without a valid trace id");
            passed.dead += nameless;
            emitter.bury(record, reason, refused.finish());
        }
        passed
    }

    /// What was copied since the last call.
    pub(crate) fn take(&mut self) -> Emitted {
        self.emitter.take()
    }

    /// What happened since the last call.
    pub(crate) fn take_counts(&mut self) -> CopyCounts {
        let mut counts = std::mem::take(&mut self.counts);
        counts.unpromoted_spans = self.emitter.take_unpromoted() + self.rescues.take_unpromoted();
        counts
    }

    /// L.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The log's clock at L.
    pub(crate) fn clock(&self) -> LogClock {
        self.clock
    }

    /// Spans between the cursors.
    pub(crate) fn pending_spans(&self) -> u64 {
        self.pending.spans()
    }

    /// Bytes of records, and of what late errors bring back.
    pub(crate) fn cache_bytes(&self) -> usize {
        self.cache.bytes() + self.rescues.bytes()
    }

    /// Bytes of records that were read again and are more than the cache's share.
    pub(crate) fn bytes_beyond_cache(&self) -> usize {
        self.cache.bytes_beyond()
    }

    /// Bytes of what is kept besides records and output.
    pub(crate) fn bookkeeping_bytes(&self) -> usize {
        self.pending.bytes() + self.rescues.bytes()
    }
}

/// A span's trace id, if it has a valid one.
#[inline]
fn trace_id(span: &[u8], plain: bool) -> Option<&[u8; 16]> {
    if plain {
        return span.get(2..).and_then(<[u8]>::first_chunk::<16>);
    }
    SpanView::parse(span).ok()?.valid_trace_id()
}

/// Whether a record can be read to its end.
fn check(value: &[u8]) -> Result<(), WireError> {
    for item in Items::new(value) {
        SpanView::parse(item?.body)?;
    }
    Ok(())
}
