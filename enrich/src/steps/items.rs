//! The items of a record through all steps, one after the other: what is left of them is packed anew, or nothing is touched.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use ottl::{Draft, Packed};
use schemas::Signal;
use schemas::otlp::{Item, Items};

use super::family::Family;
use super::kinds::{Effect, Heads, Step, StepCounts, Steps};
use super::outcome::Refused;
use super::reason::Reason;
use crate::pods::Lookups;

/// One record in so many is timed.
const TIMED_ONE_IN: u64 = 64;

/// The steps with what a thread needs to apply them.
#[derive(Debug)]
pub(super) struct ItemSteps {
    steps: Arc<Steps>,
    heads: Heads,
    packed: Packed,
    counts: Vec<StepCounts>,
    family: Family,
    /// Records so far.
    records: u64,
    /// When the bus took the record.
    published_unix_nano: u64,
}

/// What became of a record.
#[derive(Debug, Default)]
pub(super) struct Passed {
    /// Written anew; `None`: as it was.
    pub(super) record: Option<Bytes>,
    /// Items that go on, unless no step had to do with the record.
    pub(super) items: usize,
    pub(super) dropped: usize,
    /// The number of each item that goes on in the record that came; `None`: as they came.
    pub(super) numbers: Option<Vec<usize>>,
}

impl Passed {
    /// Without items that were taken out of it later, by their numbers in it.
    pub(super) fn without(&mut self, gone: &[Range<usize>], left: usize) {
        let gone_items: usize = gone.iter().map(ExactSizeIterator::len).sum();
        let came: Vec<usize> = match self.numbers.take() {
            Some(numbers) => numbers,
            None => (0..left + gone_items).collect(),
        };
        let mut gone = gone.iter().peekable();
        let stays = |(at, number): (usize, usize)| {
            while gone.next_if(|range| range.end <= at).is_some() {}
            let is_gone = gone.peek().is_some_and(|range| range.contains(&at));
            (!is_gone).then_some(number)
        };
        self.numbers = Some(came.into_iter().enumerate().filter_map(stays).collect());
        self.dropped += gone_items;
    }

    /// Items that were refused later, by their numbers in the record as it came.
    pub(super) fn in_the_record_that_came(&self, refused: Refused) -> Refused {
        let Refused::Items {
            numbers,
            items,
            reason,
        } = refused
        else {
            return refused;
        };
        let mut numbers = numbers;
        if let Some(came) = &self.numbers {
            let later = numbers.into_iter().flatten();
            let mut found: Vec<usize> = later.filter_map(|at| came.get(at).copied()).collect();
            found.sort_unstable();
            numbers = found.into_iter().map(|at| at..at + 1).collect();
        }
        Refused::Items {
            numbers,
            items: items + self.dropped,
            reason,
        }
    }
}

impl ItemSteps {
    pub(super) fn new(steps: Arc<Steps>, lookups: Lookups) -> Self {
        Self {
            counts: vec![StepCounts::default(); steps.names().count()],
            steps,
            heads: Heads::new(lookups),
            packed: Packed::default(),
            family: Family::default(),
            records: 0,
            published_unix_nano: 0,
        }
    }

    pub(super) fn set_published(&mut self, unix_nano: u64) {
        self.published_unix_nano = unix_nano;
    }

    pub(super) fn set_steps(&mut self, steps: Arc<Steps>) {
        let published_unix_nano = self.published_unix_nano;
        *self = Self {
            published_unix_nano,
            ..Self::new(steps, self.lookups().clone())
        };
    }

    /// What each step did to the last record, in order.
    pub(super) fn counts(&self) -> &[StepCounts] {
        &self.counts
    }

    /// The last record is given once more.
    pub(super) fn forget_counts(&mut self) {
        self.counts.fill(StepCounts::default());
    }

    /// Spans of the last record whose parent was taken out of it.
    pub(super) fn orphans(&self) -> usize {
        self.family.orphans()
    }

    pub(super) fn lookups(&self) -> &Lookups {
        self.heads.lookups()
    }

    pub(super) fn steps(&self) -> &Arc<Steps> {
        &self.steps
    }

    /// Applies all steps to one request.
    ///
    /// # Errors
    /// Items for which a step failed that is to fail then, or that can't be read: all others are to be given once more, without them. Or what steps make
    /// of several items grows beyond `bytes_max`: an item that has its resource to itself may take a thousand times what it took.
    pub(super) fn apply(
        &mut self,
        signal: Signal,
        record: &Bytes,
        bytes_max: usize,
    ) -> Result<Passed, Refused> {
        self.records += 1;
        self.counts.fill(StepCounts::default());
        if !self.steps.concern(signal) {
            self.family.begin(false);
            return Ok(Passed::default());
        }
        self.heads.begin_record();
        let steps = self.steps.clone();
        self.family
            .begin(signal == Signal::Traces && steps.drop_items(signal));
        let mut pass = Pass {
            record,
            signal,
            steps: &steps,
            timed: self.records % TIMED_ONE_IN == 1,
            draft: self.draft(signal),
            kept: None,
            refused: Vec::new(),
            reason: None,
            dropped: 0,
        };
        let mut items = 0;
        for (number, item) in Items::new(record).enumerate() {
            let item = item.map_err(|error| Refused::Record(Reason::Wire(error)))?;
            items += 1;
            self.heads.enter(&item);
            if let Err(reason) = pass.item(number, &item, self) {
                pass.refuse(number, reason);
            }
            if self.packed.bytes() > bytes_max && (number > 0 || has_more(record)) {
                self.forget_counts();
                self.packed.clear();
                return Err(Refused::TooLarge);
            }
        }
        let Pass {
            kept,
            dropped,
            refused,
            reason,
            ..
        } = pass;
        match reason {
            Some(reason) => {
                self.refused();
                Err(Refused::Items {
                    numbers: refused,
                    items,
                    reason,
                })
            }
            None => Ok(self.passed(kept, items, dropped)),
        }
    }

    fn draft<'a>(&self, signal: Signal) -> Draft<'a> {
        let mut draft = Draft::new(signal);
        draft.set_published(self.published_unix_nano);
        draft
    }

    /// Of what steps did only the failures count: all others come once more.
    fn refused(&mut self) {
        for counts in &mut self.counts {
            *counts = StepCounts {
                failed: counts.failed,
                ..StepCounts::default()
            };
        }
        self.packed.clear();
    }

    /// `kept` are the numbers of the items that were packed, if any were.
    fn passed(&mut self, kept: Option<Vec<usize>>, items: usize, dropped: usize) -> Passed {
        let Some(kept) = kept else {
            return Passed {
                items,
                ..Passed::default()
            };
        };
        let numbers = self.packed.order().map(|pushed| kept[pushed]).collect();
        Passed {
            items: kept.len(),
            dropped,
            numbers: Some(numbers),
            record: Some(self.packed.finish()),
        }
    }
}

/// Whether there is more than one item in a record.
fn has_more(record: &[u8]) -> bool {
    Items::new(record).nth(1).is_some()
}

/// One record on its way.
struct Pass<'a> {
    record: &'a [u8],
    signal: Signal,
    steps: &'a Steps,
    timed: bool,
    draft: Draft<'a>,
    /// The numbers of the items that were packed; `None`: all so far are as they came, and nothing was packed yet.
    kept: Option<Vec<usize>>,
    refused: Vec<Range<usize>>,
    reason: Option<Reason>,
    dropped: usize,
}

impl<'a> Pass<'a> {
    fn item(&mut self, number: usize, item: &Item<'a>, with: &mut ItemSteps) -> Result<(), Reason> {
        self.draft.enter(item).map_err(Reason::Unreadable)?;
        let mut dropped = false;
        for (step, counts) in self.steps.iter().zip(&mut with.counts) {
            if !step.concerns(self.signal) {
                continue;
            }
            let began = self.timed.then(Instant::now);
            let effect = step.apply(self.signal, &mut self.draft, &mut with.heads);
            if let Some(began) = began {
                counts.cpu_ns += began.elapsed().as_nanos() as u64 * TIMED_ONE_IN;
            }
            counts.count(&effect);
            dropped = effect.dropped;
            if let Some(reason) = failed(step, effect) {
                return Err(reason);
            }
            if dropped {
                break;
            }
        }
        with.family.note(item, dropped);
        // What was refused is taken out, and the rest comes again.
        if self.reason.is_some() {
            return Ok(());
        }
        let (resource, scope) = self.draft.heads();
        let heads_changed = !resource.is_empty() || !scope.is_empty();
        let changed = dropped || heads_changed || self.draft.is_item_changed();
        if !changed && self.kept.is_none() {
            return Ok(());
        }
        let record = self.record;
        let kept = self.kept.get_or_insert_with(|| {
            with.packed.begin(record, number);
            (0..number).collect()
        });
        if dropped {
            self.dropped += 1;
            return Ok(());
        }
        kept.push(number);
        (with.packed)
            .push(item, &self.draft, (&resource, &scope), &[])
            .map_err(Reason::Unreadable)
    }

    fn refuse(&mut self, number: usize, reason: Reason) {
        self.refused.push(number..number + 1);
        self.reason.get_or_insert(reason);
    }
}

/// Why the item can't go on, if it can't.
fn failed(step: &Step, effect: Effect) -> Option<Reason> {
    let (text, _) = effect.failed?;
    Some(Reason::Step {
        step: step.name().clone(),
        text: text + 1,
    })
}
