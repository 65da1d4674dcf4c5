//! The traces of one partition, open and decided, found by tenant and trace id.
//!
//! Owns the five structures that know a trace by a number: the index, the tenants, the window of open traces, the verdicts, and what is promoted of
//! both. What has to hold between them holds here: the index shows an open trace before its verdicts, and every open trace and every verdict refers to its tenant.

pub(crate) mod index;
pub(crate) mod promoted;
mod services;
mod tenants;
pub(crate) mod verdicts;
pub(crate) mod window;

use std::ops::Range;

use bytes::Bytes;

use crate::decide::facts::SpanFacts;
use crate::decide::traces::index::{NONE, Place, Tenant, TraceIndex, TraceKey};
use crate::decide::traces::promoted::{EntryFacts, Promoted};
use crate::decide::traces::tenants::Tenants;
use crate::decide::traces::verdicts::{GivenVerdict, NO_POLICY, StoredVerdict, Verdicts};
use crate::decide::traces::window::{Trace, Window};
use crate::options::Options;
use crate::policy::{Marks, Policies, RuleSet, SetId, Transition};
use crate::promote::PromotedKeys;
use schemas::otlp::sampling::Choice;

#[derive(Debug)]
pub(crate) struct Traces {
    tenants: Tenants,
    index: TraceIndex,
    window: Window,
    verdicts: Verdicts,
    promoted: Promoted,
}

/// What is known of an open trace beside its place in the window, taken as it is decided.
#[derive(Debug)]
pub(crate) struct TakenFacts {
    /// Services that it was seen in; 0 where no policy asks.
    pub(crate) services: u64,
    /// R, when somebody sampled it before us.
    pub(crate) upstream: Option<u64>,
    /// Where its dropped spans lie, when a late error reopened it.
    pub(crate) dropped: Option<Range<u64>>,
    /// Of its entry span. The reference to its list is for the caller: see [`Traces::decide`].
    pub(crate) entry: EntryFacts,
}

impl Traces {
    pub(crate) fn new(policies: &Policies, options: &Options) -> Self {
        Self {
            tenants: Tenants::new(policies),
            index: TraceIndex::default(),
            window: Window::new(
                options.decision_wait_ms,
                options.decision_wait_after_root_ms,
                policies.mark_words(),
            ),
            verdicts: Verdicts::new(options.decision_cache_ttl_ms),
            promoted: Promoted::default(),
        }
    }

    /// The number of the tenant that a record names, with a reference to it: see [`Tenants::enter`].
    pub(crate) fn enter_tenant(&mut self, name: Option<&[u8]>, policies: &Policies) -> Tenant {
        self.tenants.enter(name, |name| policies.set_of(name))
    }

    /// Which policies hold for a tenant.
    #[inline]
    pub(crate) fn set_of(&self, tenant: Tenant) -> SetId {
        self.tenants.set(tenant)
    }

    /// Gives the reference back that [`Traces::enter_tenant`] gave.
    pub(crate) fn release_tenant(&mut self, tenant: Tenant) {
        self.tenants.release(tenant);
    }

    /// The number of a tenant that has traces here.
    pub(crate) fn tenant(&self, name: Option<&[u8]>) -> Option<Tenant> {
        self.tenants.find(name)
    }

    /// Empty: the default tenant's.
    pub(crate) fn tenant_name(&self, tenant: Tenant) -> Bytes {
        self.tenants.name(tenant)
    }

    #[inline]
    pub(crate) fn find(&self, key: &TraceKey) -> Option<Place> {
        self.index.find(key.hash(), |place| match place {
            Place::Open(slot) => self.window.get(slot).key() == *key,
            Place::Decided(slot) => self.verdicts.get(slot).key() == *key,
        })
    }

    /// Opens a trace that is unknown.
    pub(crate) fn open(&mut self, key: TraceKey, offset: u64, now_ms: u64) -> u32 {
        let slot = self.open_after(key, offset, now_ms, NONE);
        self.index.insert(key.hash(), Place::Open(slot));
        slot
    }

    /// Opens a trace anew whose newest verdict stands at `newest`.
    pub(crate) fn open_again(&mut self, newest: u32, offset: u64, now_ms: u64) -> u32 {
        let key = self.verdicts.get(newest).key();
        let slot = self.open_after(key, offset, now_ms, newest);
        self.index
            .replace(key.hash(), Place::Decided(newest), Place::Open(slot));
        slot
    }

    fn open_after(&mut self, key: TraceKey, offset: u64, now_ms: u64, older: u32) -> u32 {
        self.tenants.hold(key.tenant);
        self.window.open(key, offset, now_ms, older)
    }

    /// An open trace is there again because of a late error, after the verdict at `at`; its dropped spans lie in these records.
    pub(crate) fn set_reopened(
        &mut self,
        slot: u32,
        at: u32,
        dropped: Range<u64>,
        promoted: &PromotedKeys,
    ) {
        self.window.reopen(slot, dropped);
        self.promoted.inherit(slot, at, promoted);
    }

    /// Adds a span's facts to an open trace; the trace's bytes afterwards.
    #[inline]
    pub(crate) fn gather(
        &mut self,
        slot: u32,
        span: (&SpanFacts, &[u64]),
        offset: u64,
        now_ms: u64,
        rules: &RuleSet,
    ) -> u64 {
        self.window.gather(slot, span, offset, now_ms, rules)
    }

    /// Looks at a span of an open trace for what is promoted of it: see [`Promoted::gather`].
    pub(crate) fn gather_promoted(
        &mut self,
        slot: u32,
        span: &SpanFacts,
        body: &[u8],
        keys: &PromotedKeys,
    ) {
        self.promoted.gather(slot, span, body, keys);
    }

    /// The open trace that is due next at `now_ms`, with its deadline: see [`Window::due`].
    pub(crate) fn due(&mut self, now_ms: u64) -> Option<(u32, u64)> {
        self.window.due(now_ms)
    }

    /// Takes what is known of an open trace beside [`Traces::open_trace`], its marks by column into `out`. [`Traces::decide`] has to follow.
    #[inline(always)]
    pub(crate) fn take_facts(
        &mut self,
        slot: u32,
        marks: &Marks,
        out: &mut Vec<u64>,
    ) -> TakenFacts {
        self.window.marks_of(slot, marks, out);
        TakenFacts {
            services: self.window.take_services(slot),
            upstream: self.window.take_upstream(slot),
            dropped: self.window.take_reopened(slot),
            entry: self.promoted.take(slot, self.window.open_traces() == 1),
        }
    }

    #[inline]
    pub(crate) fn open_trace(&self, slot: u32) -> &Trace {
        self.window.get(slot)
    }

    /// The verdict on the trace that is open at `slot`, and no longer: the verdict refers to the tenant from now on, and to its list if it promotes what the entry
    /// span has. `dropped`: where the spans lie that the trace had before a late error reopened it. Its place.
    #[inline(always)]
    pub(crate) fn decide(
        &mut self,
        slot: u32,
        given: &GivenVerdict,
        (entry, dropped): (EntryFacts, Option<Range<u64>>),
    ) -> u32 {
        self.window.close(slot);
        if given.promoted == NONE {
            self.promoted.release(entry.list);
        }
        let at = self.insert(given, dropped);
        self.index
            .replace(given.key.hash(), Place::Open(slot), Place::Decided(at));
        at
    }

    #[inline(always)]
    fn insert(&mut self, given: &GivenVerdict, dropped: Option<Range<u64>>) -> u32 {
        let at = self.verdicts.insert(given);
        if let Some(dropped) = dropped {
            self.verdicts.set_dropped(at, dropped);
        }
        self.promoted.decide(at, given.promoted);
        at
    }

    /// A reference to a list of promoted attributes; [`NONE`] for none.
    pub(crate) fn enter_promoted(&mut self, list: Option<&Bytes>) -> u32 {
        list.map_or(NONE, |list| self.promoted.enter(list))
    }

    /// A verdict of the decision log, before anything was opened. `given.older` is set here, and the reference to `given.promoted` is taken. `true`: it is new, and not a renewal of a known one.
    pub(crate) fn restore(&mut self, given: GivenVerdict, dropped: Option<Range<u64>>) -> bool {
        let key = given.key;
        let newest = match self.find(&key) {
            Some(Place::Decided(slot)) => slot,
            // Restoring comes before observing, so nothing is open yet.
            Some(Place::Open(_)) => {
                self.promoted.release(given.promoted);
                return false;
            }
            None => NONE,
        };
        // Where it belongs in the chain: behind the last verdict that holds from a later offset.
        let (mut newer, mut at) = (NONE, newest);
        while at != NONE && self.verdicts.get(at).first_offset > given.first_offset {
            (newer, at) = (at, self.verdicts.get(at).older);
        }
        if at != NONE && self.verdicts.get(at).first_offset == given.first_offset {
            // A renewal; or the same verdict once more, and what was written first wins.
            self.verdicts.renew(at, given.last_offset, given.time_ms);
            self.promoted.renew(at, given.promoted);
            if given.policy != NO_POLICY && self.verdicts.get(at).policy == NO_POLICY {
                self.verdicts.set_policy(at, given.policy);
            }
            return false;
        }
        self.tenants.hold(key.tenant);
        let slot = self.insert(&GivenVerdict { older: at, ..given }, dropped);
        if newer != NONE {
            self.verdicts.set_older(newer, slot);
        } else if newest != NONE {
            let (from, to) = (Place::Decided(newest), Place::Decided(slot));
            self.index.replace(key.hash(), from, to);
        } else {
            self.index.insert(key.hash(), Place::Decided(slot));
        }
        true
    }

    pub(crate) fn verdict(&self, at: u32) -> &StoredVerdict {
        self.verdicts.get(at)
    }

    /// The choice by which a trace was kept.
    pub(crate) fn choice(&self, at: u32) -> Choice {
        self.verdicts.choice(at)
    }

    /// What the kept spans of a verdict's trace get.
    #[inline]
    pub(crate) fn promoted(&self, at: u32) -> Option<&Bytes> {
        self.promoted.of_verdict(at)
    }

    /// A list of promoted attributes.
    #[inline]
    pub(crate) fn promoted_list(&self, list: u32) -> Option<&Bytes> {
        self.promoted.list(list)
    }

    /// The bound of what is promoted from now on.
    pub(crate) fn set_promoted_bytes(&mut self, bytes: usize) {
        self.promoted.set_bytes_max(bytes);
    }

    /// Of all that is held to be promoted.
    pub(crate) fn promoted_bytes(&self) -> usize {
        self.promoted.held_bytes()
    }

    /// See [`Verdicts::dropped`].
    pub(crate) fn dropped(&self, at: u32) -> Option<&Range<u64>> {
        self.verdicts.dropped(at)
    }

    /// See [`Verdicts::dropped_below`].
    pub(crate) fn dropped_below(&self, at: u32, offset: u64, read_from: u64) -> Range<u64> {
        self.verdicts.dropped_below(at, offset, read_from)
    }

    /// The verdict of a chain that a span at an offset belongs to. Below the oldest there is nothing, unless the decision log was lost in part: then the
    /// nearest verdict is the best there is.
    #[inline]
    pub(crate) fn verdict_at(&self, newest: u32, offset: u64) -> u32 {
        self.verdicts
            .at(newest, offset)
            .unwrap_or_else(|| self.verdicts.oldest(newest))
    }

    /// The verdict that a span of a trace at an offset belongs to; `None`: the trace has none.
    #[inline]
    pub(crate) fn verdict_of(&self, key: &TraceKey, offset: u64) -> Option<u32> {
        let newest = match self.find(key)? {
            // It was opened anew since then.
            Place::Open(slot) => self.window.get(slot).older,
            Place::Decided(slot) => slot,
        };
        (newest != NONE).then(|| self.verdict_at(newest, offset))
    }

    /// The last time, on the partition's clock, at which a verdict of that time holds.
    pub(crate) fn holds_until_ms(&self, time_ms: u64) -> u64 {
        self.verdicts.holds_until_ms(time_ms)
    }

    /// A span follows a verdict: see [`Verdicts::touch`].
    pub(crate) fn touch(&mut self, at: u32, offset: u64, now_ms: u64) -> bool {
        self.verdicts.touch(at, offset, now_ms)
    }

    /// Lets go of verdicts that neither cursor needs any more, at `clock_ms` on the log's clock and with the emit cursor at `emit`.
    pub(crate) fn forget(&mut self, clock_ms: u64, emit: u64) {
        while let Some(slot) = self.verdicts.forgettable(clock_ms, emit) {
            let stored = *self.verdicts.get(slot);
            let key = stored.key();
            let newer = match self.find(&key) {
                Some(Place::Decided(newest)) if newest == slot => {
                    if stored.older == NONE {
                        self.index.remove(key.hash(), Place::Decided(slot));
                    } else {
                        let (from, to) = (Place::Decided(slot), Place::Decided(stored.older));
                        self.index.replace(key.hash(), from, to);
                    }
                    NONE
                }
                Some(Place::Open(open)) if self.window.get(open).older == slot => {
                    self.window.set_older(open, stored.older);
                    NONE
                }
                Some(Place::Open(open)) => self.window.get(open).older,
                Some(Place::Decided(newest)) => newest,
                None => NONE,
            };
            self.verdicts.unlink(newer, slot);
            self.verdicts.remove(slot);
            self.promoted.forget(slot);
            self.tenants.release(key.tenant);
        }
    }

    /// The offset at which the oldest undecided trace has its first span.
    pub(crate) fn low_watermark(&self) -> Option<u64> {
        self.window.low_watermark()
    }

    /// The numbers of the root services and operations of all open traces, to be given new ones in place.
    pub(crate) fn names_mut(&mut self) -> impl Iterator<Item = &mut u32> {
        self.window
            .traces_mut()
            .flat_map(|trace| [&mut trace.root_service, &mut trace.root_operation])
    }

    /// Another configuration; `promote`: the keys so far; `renumber` gives policies their new numbers. By tenant's number, which policies held for it, and which do.
    pub(crate) fn reconfigure(
        &mut self,
        transition: &mut Transition<'_>,
        promote: &PromotedKeys,
        options: &Options,
        renumber: impl Fn(u16) -> u16,
    ) -> Vec<(SetId, SetId)> {
        let promote = (promote, &options.promote);
        (self.promoted).reconfigure(promote, self.window.entries());
        let sets = self.tenants.reconfigure(transition.after());
        self.window.reconfigure(transition, &sets, options);
        self.verdicts
            .reconfigure(options.decision_cache_ttl_ms, renumber);
        sets
    }

    pub(crate) fn open_traces(&self) -> usize {
        self.window.open_traces()
    }

    pub(crate) fn verdicts_stored(&self) -> usize {
        self.verdicts.stored()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.window.bytes()
            + self.verdicts.bytes()
            + self.index.bytes()
            + self.tenants.bytes()
            + self.promoted.bytes()
    }
}
