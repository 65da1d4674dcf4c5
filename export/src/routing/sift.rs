//! One record on its way to one backend: route, filter, sample, transform, limits, in this order.

use std::sync::Arc;

use ottl::{Draft, Fate, ItemFilter};
use schemas::Signal;
use schemas::otlp::{Item, Items, MetricView};

use super::edits::Edits;
use super::kept::Kept;
use super::limits::Limited;
use super::sampling::Sampling;
use super::table::{Plan, Routes, Walk};
use crate::records::entry::{Entry, Failed};
use crate::records::limits::ItemLimits;
use crate::records::parts::Parts;
use crate::records::skipped::{Reason, Skipped};

/// What of a record a backend gets, and in which form.
#[derive(Clone, Debug, Default)]
pub struct Sift {
    pub routes: Routes,
    pub filter: Arc<ItemFilter>,
    pub sampling: Option<Sampling>,
    pub edits: Arc<Edits>,
    /// By signal, in the order of [`Signal::ALL`].
    pub limits: [ItemLimits; Signal::ALL.len()],
}

/// What became of a record.
#[derive(Debug)]
pub struct Sifted {
    /// As it is offered. `None`: all of it is skipped.
    pub entry: Option<Entry>,
    /// Items that the backend doesn't get, and why.
    pub skipped: Skipped,
    /// Conditions that failed, and so didn't hold.
    pub failed_conditions: u64,
    /// Attributes that were cut.
    pub clipped_attributes: u64,
}

impl Sift {
    /// Nothing is to be done with any record.
    pub fn is_idle(&self) -> bool {
        self.routes.is_absent()
            && !Signal::ALL
                .iter()
                .any(|signal| self.looks_at_items(*signal) || self.limits_of(*signal).is_any())
    }

    fn limits_of(&self, signal: Signal) -> ItemLimits {
        self.limits[signal as usize]
    }

    /// The same for dead letters. They were for this backend, and in its sample: a log record may have been drawn by its number in a record that is
    /// no longer whole.
    pub fn of_letters(&self) -> Self {
        Self {
            routes: Routes::default(),
            sampling: self.sampling.map(Sampling::without_logs),
            ..self.clone()
        }
    }

    fn looks_at_items(&self, signal: Signal) -> bool {
        self.filter.concerns(signal)
            || self.edits.concerns(signal)
            || self
                .sampling
                .is_some_and(|sampling| sampling.concerns(signal))
    }

    /// What the backend gets of a record, whatever its limits: for who sends something on purpose.
    pub fn sift(&self, signal: Signal, entry: Entry) -> Sifted {
        self.sift_within(signal, entry, ItemLimits::NONE, 0)
    }

    /// What the backend gets of a record, at this time in nanoseconds since 1970.
    pub fn sift_at(&self, signal: Signal, entry: Entry, now: u64) -> Sifted {
        self.sift_within(signal, entry, self.limits_of(signal), now)
    }

    fn sift_within(&self, signal: Signal, entry: Entry, limits: ItemLimits, now: u64) -> Sifted {
        let all = |entry| Sifted {
            entry: Some(entry),
            skipped: Skipped::default(),
            failed_conditions: 0,
            clipped_attributes: 0,
        };
        let (by_item, otherwise) = match self.routes.plan(signal, entry.tenant()) {
            Plan::Nothing => {
                return Sifted {
                    entry: None,
                    skipped: Skipped::of(Reason::Route, entry.items as u64),
                    failed_conditions: 0,
                    clipped_attributes: 0,
                };
            }
            Plan::All => (Vec::new(), true),
            Plan::Items(by_item, otherwise) => (by_item, otherwise),
        };
        let looks = self.looks_at_items(signal) || limits.is_any();
        if entry.defect.is_some() || (by_item.is_empty() && !looks) {
            return all(entry);
        }
        let walk = Walk::new(&self.routes, signal, by_item, otherwise);
        let pass = Pass {
            sift: self,
            signal,
            limited: Limited::new(limits, signal, now),
            walk,
            skipped: Skipped::default(),
            failed_conditions: 0,
            kept: None,
            failed: None,
            suffix: Vec::new(),
        };
        pass.run(entry)
    }
}

/// What becomes of an item.
enum Said {
    Goes(Reason),
    Fails(String),
    AsItCame,
    Changed,
}

/// One record on its way.
struct Pass<'s> {
    sift: &'s Sift,
    signal: Signal,
    limited: Limited,
    walk: Walk<'s>,
    skipped: Skipped,
    failed_conditions: u64,
    /// `None`: all so far goes on as it came.
    kept: Option<Kept>,
    failed: Option<Failed>,
    /// What is appended to the item.
    suffix: Vec<u8>,
}

impl Pass<'_> {
    fn run(mut self, entry: Entry) -> Sifted {
        let value = entry.record.value.clone();
        let mut draft = Draft::new(self.signal);
        draft.set_published(entry.record.timestamp_ms.saturating_mul(1_000_000));
        let mut start = 0;
        // It was walked on its way in, so nothing in it is malformed down to its items.
        for (number, item) in Items::new(&value).map_while(Result::ok).enumerate() {
            let units = start..start + units_of(self.signal, &item);
            start = units.end;
            self.suffix.clear();
            let said = self.ask(&item, &mut draft, &entry, units.start);
            let is_as_it_came = matches!(said, Said::AsItCame) && self.suffix.is_empty();
            if is_as_it_came && self.kept.is_none() {
                continue;
            }
            let signal = self.signal;
            let kept = self.kept.get_or_insert_with(|| {
                let mut kept = Kept::default();
                kept.begin(&value, number, |item| units_of(signal, item));
                kept
            });
            let failed = match said {
                Said::Goes(reason) => {
                    self.skipped.add(reason, 1);
                    continue;
                }
                Said::AsItCame => {
                    kept.push_as_it_came(&item, &self.suffix, units);
                    continue;
                }
                Said::Changed => {
                    let is_point = self.signal == Signal::Metrics;
                    let left = units
                        .clone()
                        .filter(|unit| !is_point || draft.inner_stays(unit - units.start));
                    let pushed =
                        kept.push(&item, &draft, &self.suffix, left.map(|unit| unit..unit + 1));
                    match pushed {
                        Ok(()) => continue,
                        Err(error) => error.to_string(),
                    }
                }
                Said::Fails(why) => why,
            };
            self.failed
                .get_or_insert_with(|| Failed::new(failed))
                .add(units);
        }
        self.finish(entry)
    }

    fn ask<'a>(
        &mut self,
        item: &Item<'a>,
        draft: &mut Draft<'a>,
        entry: &Entry,
        unit: usize,
    ) -> Said {
        let sift = self.sift;
        if !self.walk.is_for_it(item, draft) {
            return Said::Goes(Reason::Route);
        }
        let mut changed = false;
        let filters = sift.filter.concerns(self.signal);
        let edits = sift.edits.concerns(self.signal);
        let entered = match filters || edits {
            true => draft.enter(item).map_err(|error| error.to_string()),
            false => Ok(()),
        };
        if filters {
            let (fate, failed) = match &entered {
                Ok(()) => sift.filter.ask(self.signal, draft),
                Err(_) => (Fate::Stays, 1),
            };
            self.failed_conditions += failed;
            match fate {
                Fate::Goes => return Said::Goes(Reason::Filter),
                Fate::Changed => changed = true,
                Fate::Stays => {}
            }
        }
        if let Some(sampling) = &sift.sampling
            && !sampling.keeps(
                self.signal,
                item.body,
                &entry.record,
                unit,
                &mut self.suffix,
            )
        {
            return Said::Goes(Reason::Sample);
        }
        if edits {
            if let Err(why) = entered.and_then(|()| sift.edits.apply(self.signal, draft)) {
                return Said::Fails(format!("a statement of `transform` failed: {why}"));
            }
            let (resource, scope) = draft.heads();
            changed |= draft.is_item_changed() || !resource.is_empty() || !scope.is_empty();
        }
        match self.limited.check(item, draft, (filters || edits, changed)) {
            Err(why) => Said::Fails(format!("the backend wouldn't take it: {why}")),
            Ok(clipped) if changed || clipped => Said::Changed,
            Ok(_) => Said::AsItCame,
        }
    }

    fn finish(self, mut entry: Entry) -> Sifted {
        let failed_conditions = self.failed_conditions + self.walk.failed;
        let clipped_attributes = self.limited.clipped_attributes;
        let Some(mut kept) = self.kept else {
            return Sifted {
                entry: Some(entry),
                skipped: self.skipped,
                failed_conditions,
                clipped_attributes,
            };
        };
        entry.skipped = self.skipped;
        entry.items = kept.items();
        let left = entry.items > 0;
        match (left, self.failed) {
            (true, failed) => {
                let (value, parts) = kept.finish();
                entry.offer(value, parts);
                entry.failed = failed;
            }
            // What is left is to be set aside, as a record with a defect is.
            (false, Some(failed)) => {
                entry.items = failed.items;
                entry.parts = Parts::of(failed.units);
                entry.defect = Some(failed.reason);
            }
            (false, None) => {}
        }
        let is_any = left || entry.defect.is_some();
        Sifted {
            entry: is_any.then_some(entry),
            skipped: self.skipped,
            failed_conditions,
            clipped_attributes,
        }
    }
}

/// How many units an item has: spans and log records are one each, metrics have their data points.
fn units_of(signal: Signal, item: &Item<'_>) -> usize {
    match signal {
        Signal::Metrics => {
            MetricView::parse(item.body).map_or(1, |metric| metric.points().count().max(1))
        }
        Signal::Traces | Signal::Logs => 1,
    }
}

#[cfg(test)]
mod tests;
