//! The emit cursor: passes each record once every trace in it is decided, copies the spans of kept traces out, in the order of the
//! log, and forgets the rest. What it emitted is exactly what lies below one offset, L.
pub(crate) mod cache;
pub(crate) mod emitter;
pub(crate) mod near;
pub mod output;
pub(crate) mod pending;
pub(crate) mod rescue;
pub mod stamp;
pub(crate) mod tracestate;

use std::ops::Range;

use bytes::Bytes;
use schemas::decisions::Verdict;
use schemas::otlp::{Items, SpanView};
use schemas::pack::Packer;
use schemas::wire::WireError;

use crate::decide::index::{Place, Tenant, TraceKey};
use crate::decide::oddities::Oddity;
use crate::decide::window::NONE;
use crate::emit::cache::Next;
use crate::emit::emitter::{Emitter, Heads, Kept};
use crate::emit::tracestate::Choice;
use crate::partition::{Partition, RawRecord};

/// What a record's spans came to.
#[derive(Debug, Default)]
struct Passed {
    kept: u64,
    kept_bytes: u64,
    dropped: u64,
    dead: u64,
}

impl Partition {
    /// Moves the emit cursor as far as low watermark, cache and `budget_bytes` of output permit; the bytes of output. A record is never
    /// cut, so the budget may be passed by one record and what was rescued for it.
    pub fn emit(&mut self, budget_bytes: usize) -> usize {
        if self.rebuilding() {
            return 0;
        }
        let limit = self.emit_limit();
        let before = self.emitter.bytes();
        let until = before.saturating_add(budget_bytes);
        while self.emit < limit && self.emitter.bytes() < until {
            match self.cache.next(self.emit, limit) {
                Next::Record(record) => {
                    if self.rescues.hold(record.offset) {
                        // First what was dropped and is kept now has to be there.
                        self.cache.put_back(record);
                        break;
                    }
                    let limit_ms = self.options.jump_limit_ms();
                    self.emit_clock.resolve(record.timestamp_ms, limit_ms);
                    self.emit_clock.advance(record.timestamp_ms, limit_ms);
                    self.pass(&record);
                    self.move_emit(record.offset + 1);
                }
                Next::Nothing(end) => self.move_emit(end),
                Next::Missing => break,
            }
        }
        self.forget();
        self.emitter.bytes() - before
    }

    /// Nothing below `offset` will ever be read again: retention deleted it. Moves both cursors.
    pub fn skip_to(&mut self, offset: u64) {
        if offset > self.decide {
            self.cache.admit_gap(self.decide..offset);
            self.decide = offset;
            self.finish_rebuild();
        }
        if offset > self.emit {
            self.pending.close();
            self.move_emit(offset);
            self.cache.skip_to(offset);
        }
    }

    pub(crate) fn move_emit(&mut self, offset: u64) {
        self.emit = offset;
        if !self.rescues.is_empty() {
            self.release_rescued(offset);
        }
        self.counts.lost_spans += self.pending.settle(offset);
    }

    /// The emit cursor may move up to here: everything below is observed, and every trace below is decided.
    pub(crate) fn emit_limit(&self) -> u64 {
        let watermark = self.window.low_watermark().unwrap_or(u64::MAX);
        let held = self.held.as_ref().map_or(u64::MAX, |held| held.offset);
        watermark.min(held).min(self.decide)
    }

    /// Offsets that the emit cursor needs, now or soon, and that are not in the cache: to be read again, in order.
    pub fn missing(&self) -> Option<Range<u64>> {
        if self.rebuilding() {
            return None;
        }
        // What waits for a rescue would only fill the cache.
        let limit = self.emit_limit().min(self.rescues.first_wanted());
        let gap = self.cache.missing(self.emit)?;
        (gap.start < limit).then(|| gap.start..gap.end.min(limit))
    }

    /// Records that were read again; every record from `missing().start` to `read_to` that exists is among what was supplied.
    pub fn supply(&mut self, records: impl IntoIterator<Item = RawRecord>, read_to: u64) {
        // Retention may have been there before the reader.
        self.pending.close();
        self.cache
            .supply(records, self.emit, read_to.min(self.decide));
    }

    /// Records of dropped traces that late errors brought back: to be read again, and handed to [`Partition::supply_rescue`].
    pub fn missing_for_rescue(&mut self) -> Option<Range<u64>> {
        if self.rebuilding() || self.rescues.is_empty() {
            return None;
        }
        self.rescues.missing(self.emit_limit())
    }

    /// As [`Partition::supply`], for `missing_for_rescue`.
    pub fn supply_rescue(&mut self, records: impl IntoIterator<Item = RawRecord>, read_to: u64) {
        self.rescues
            .supply(records, read_to, &self.tenants, &self.options);
    }

    /// What goes out with the records below the emit cursor.
    fn release_rescued(&mut self, emit: u64) {
        let released = self.rescues.release(emit);
        self.counts.rescued_spans += released.spans;
        self.counts.kept_bytes += released.bytes as u64;
        self.counts.unrescued_traces += released.incomplete;
        self.emitter.append(released.records);
    }

    /// Emits one record.
    fn pass(&mut self, record: &RawRecord) {
        let oddity = self.oddities.at(record.offset);
        let mut emitter = std::mem::take(&mut self.emitter);
        let passed = match oddity {
            Some(Oddity::Bad) => {
                let error = check(&record.value).err().map(|error| error.to_string());
                let reason = format!("not an OTLP trace request: {}", error.unwrap_or_default());
                self.bury(&mut emitter, record, reason)
            }
            Some(Oddity::Refused(unknown)) => self.bury(&mut emitter, record, unknown.to_string()),
            oddity => self.copy(&mut emitter, record, oddity.is_none()),
        };
        self.emitter = emitter;
        self.counts.kept_spans += passed.kept;
        self.counts.kept_bytes += passed.kept_bytes;
        self.counts.dropped_spans += passed.dropped;
        self.counts.dead_lettered_spans += passed.dead;
        self.pending
            .passed(passed.kept + passed.dropped + passed.dead);
    }

    /// A record that nobody can look into goes to the dead letters as it is.
    fn bury(&mut self, emitter: &mut Emitter, record: &RawRecord, reason: String) -> Passed {
        self.counts.bad_records += 1;
        emitter.bury(record, reason, record.value.clone());
        Passed::default()
    }

    /// Copies the kept spans of a good record. `plain`: every span begins with a valid trace id.
    fn copy(&self, emitter: &mut Emitter, record: &RawRecord, plain: bool) -> Passed {
        let mut passed = Passed::default();
        let packer = emitter.packer(&record.tenant);
        let tenant = self.tenants.find(record.tenant.as_deref());
        let mut heads = Heads::default();
        let mut refused = Packer::new();
        let mut nameless = 0;
        let mut last: Option<(&[u8; 16], Option<Kept<'_>>)> = None;
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
                nameless += 1;
                continue;
            };
            let kept = match last {
                Some((last, kept)) if last == id => kept,
                _ => self.kept(tenant, id, record.offset),
            };
            last = Some((id, kept));
            match kept {
                None => passed.dropped += 1,
                Some(kept) => match emitter.keep(packer, &item, heads.bytes(&item), id, kept) {
                    Some(bytes) => {
                        passed.kept += 1;
                        passed.kept_bytes += bytes as u64;
                    }
                    None => passed.dead += 1,
                },
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

    /// How the trace's spans at an offset were kept, if they were.
    fn kept(&self, tenant: Option<Tenant>, id: &[u8; 16], offset: u64) -> Option<Kept<'_>> {
        let stamping = self.options.stamping;
        let key = tenant.map(|tenant| TraceKey { tenant, id: *id });
        let newest = match key.and_then(|key| self.find(&key)) {
            // Open anew since then.
            Some(Place::Open(slot)) => self.window.get(slot).older,
            Some(Place::Decided(slot)) => slot,
            None => NONE,
        };
        if newest == NONE {
            // Can't be: the decide cursor saw this span, and verdicts outlive the emit cursor's need. Losing data would be worse.
            debug_assert!(false, "no verdict for {id:02x?} at offset {offset}");
            return Some(Kept {
                choice: Choice::default(),
                policy: None,
                stamping,
            });
        }
        let at = self
            .verdicts
            .at(newest, offset)
            .unwrap_or_else(|| self.verdicts.oldest(newest));
        let held = self.verdicts.get(at);
        (held.verdict == Verdict::Keep).then(|| Kept {
            choice: self.verdicts.choice(at),
            policy: self
                .policies
                .names()
                .get(usize::from(held.policy))
                .map(String::as_str),
            stamping,
        })
    }
}

/// Whether a record can be read to its end.
fn check(value: &[u8]) -> Result<(), WireError> {
    for item in Items::new(value) {
        SpanView::parse(item?.body)?;
    }
    Ok(())
}
