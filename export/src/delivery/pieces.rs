//! What is left to do of a batch: whole records, and the parts of those that had to be cut. Pure.
//!
//! A record is done when all its parts are. What was refused of it becomes one dead letter.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Instant;

use bytes::Bytes;
use schemas::Signal;

use crate::delivery::backoff::Backoff;
use crate::delivery::health::breaker::Suspicion;
use crate::delivery::standby::sinks::Ready;
use crate::records::batch::Batch;
use crate::records::cut::Units;
use crate::records::entry::Entry;
use crate::records::parts::Parts;

/// What is offered to the backend as one request.
#[derive(Debug)]
pub struct Piece {
    pub batch: Batch,
    part: Option<Part>,
    /// Encoded once for all offers.
    pub ready: Option<Ready>,
    pub backoff: Backoff,
    pub suspicion: Suspicion,
    pub first_offer: Option<Instant>,
    pub not_before: Option<Instant>,
}

/// Units of a record that was cut.
#[derive(Clone, Debug)]
struct Part {
    cut: usize,
    units: Range<usize>,
}

/// A record that was cut.
#[derive(Debug)]
struct Cut {
    entry: Entry,
    units: Units,
    parts_left: usize,
    refused: Vec<Range<usize>>,
    reason: String,
}

/// A record, when everything of it has been accepted or refused.
#[derive(Debug)]
pub struct Settled {
    pub entry: Entry,
    pub refused: Option<Refused>,
}

/// What was refused of a record, as it was read.
#[derive(Debug)]
pub struct Refused {
    /// The record itself where nothing of it was accepted.
    pub value: Bytes,
    pub items: usize,
    /// Which units of the record, where it isn't all of it: `3..4,7..9`.
    pub units: Option<String>,
    pub reason: String,
}

#[derive(Debug)]
pub struct Pieces {
    signal: Signal,
    backoff: Backoff,
    queue: VecDeque<Piece>,
    cuts: Vec<Option<Cut>>,
}

impl Pieces {
    pub fn new(signal: Signal, batch: Batch, backoff: Backoff) -> Self {
        let mut pieces = Self {
            signal,
            backoff,
            queue: VecDeque::new(),
            cuts: Vec::new(),
        };
        let piece = pieces.piece(batch, None, Suspicion::default());
        pieces.queue.push_back(piece);
        pieces
    }

    fn piece(&self, batch: Batch, part: Option<Part>, suspicion: Suspicion) -> Piece {
        Piece {
            batch,
            part,
            ready: None,
            backoff: self.backoff,
            suspicion,
            first_offer: None,
            not_before: None,
        }
    }

    pub fn next(&mut self) -> Option<Piece> {
        self.queue.pop_front()
    }

    /// To be offered again. A single item in suspicion lets the others go first: they show whether the backend takes anything.
    pub fn put_back(&mut self, piece: Piece) {
        match piece.suspicion.is_any() && !self.is_divisible(&piece) {
            true => self.queue.push_back(piece),
            false => self.queue.push_front(piece),
        }
    }

    /// Nothing is left but single items in suspicion.
    pub fn is_stuck(&self) -> bool {
        !self.queue.is_empty()
            && (self.queue.iter())
                .all(|piece| piece.suspicion.is_any() && !self.is_divisible(piece))
    }

    pub fn is_divisible(&self, piece: &Piece) -> bool {
        if piece.batch.entries.len() > 1 {
            return true;
        }
        if let Some(part) = &piece.part {
            return part.units.len() > 1;
        }
        let Some(entry) = piece.batch.entries.first() else {
            return false;
        };
        let units = || Units::of(self.signal, &entry.record.value);
        entry.defect.is_none() && (entry.items > 1 || units().is_ok_and(|units| units.count() > 1))
    }

    /// Puts the halves of a piece in its place; the piece when there is nothing to divide.
    pub fn split(&mut self, piece: Piece) -> Result<(), Box<Piece>> {
        if !self.is_divisible(&piece) {
            return Err(Box::new(piece));
        }
        let suspicion = piece.suspicion.inherited();
        let halves = match piece.batch.split() {
            Ok((head, tail)) => vec![(head, None), (tail, None)],
            Err(batch) => self.cut(batch, piece.part),
        };
        for (batch, part) in halves.into_iter().rev() {
            let piece = self.piece(batch, part, suspicion);
            self.queue.push_front(piece);
        }
        Ok(())
    }

    /// The halves of a record, or of a part of one; a record that can't be walked stays as it is.
    fn cut(&mut self, batch: Batch, part: Option<Part>) -> Vec<(Batch, Option<Part>)> {
        let (cut, range) = match part {
            Some(part) => (part.cut, part.units),
            None => match self.begin_cut(&batch) {
                Some(begun) => begun,
                None => return vec![(batch, None)],
            },
        };
        let Some(Some(of)) = self.cuts.get_mut(cut) else {
            return vec![(batch, None)];
        };
        of.parts_left += 1;
        let middle = range.start + range.len() / 2;
        let half = |units: Range<usize>| {
            let ranges = [units.clone()];
            let mut entry = of.entry.clone();
            entry.parts = of.entry.parts.within(&ranges);
            entry.record.value = of.units.cut(&of.entry.record.value, &ranges);
            entry.items = of.units.items_in(&ranges);
            (Batch::from_iter([entry]), Some(Part { cut, units }))
        };
        vec![half(range.start..middle), half(middle..range.end)]
    }

    fn begin_cut(&mut self, batch: &Batch) -> Option<(usize, Range<usize>)> {
        let entry = batch.entries.first()?;
        let units = Units::of(self.signal, &entry.record.value).ok()?;
        let all = 0..units.count();
        self.cuts.push(Some(Cut {
            entry: entry.clone(),
            units,
            parts_left: 1,
            refused: Vec::new(),
            reason: String::new(),
        }));
        Some((self.cuts.len() - 1, all))
    }

    /// A piece is done: accepted, or refused for a reason. The records of which nothing is left.
    pub fn done(&mut self, piece: Piece, refused: Option<&str>) -> Vec<Settled> {
        let Some(part) = piece.part else {
            let signal = self.signal;
            let whole = |entry: Entry| {
                let own = refused.map(|reason| (entry.parts.clone(), entry.items, reason));
                let refused = Refused::of(signal, &entry, own);
                Settled { entry, refused }
            };
            return piece.batch.entries.into_iter().map(whole).collect();
        };
        let Some(Some(cut)) = self.cuts.get_mut(part.cut) else {
            return Vec::new();
        };
        cut.parts_left -= 1;
        if let Some(reason) = refused {
            cut.refused.push(part.units);
            if cut.reason.is_empty() {
                reason.clone_into(&mut cut.reason);
            }
        }
        if cut.parts_left > 0 {
            return Vec::new();
        }
        let signal = self.signal;
        let settled = self.cuts[part.cut].take().map(|cut| cut.settle(signal));
        settled.into_iter().collect()
    }
}

impl Cut {
    fn settle(mut self, signal: Signal) -> Settled {
        self.refused.sort_by_key(|units| units.start);
        self.refused.dedup_by(|next, before| {
            let joins = before.end == next.start;
            if joins {
                before.end = next.end;
            }
            joins
        });
        let all = 0..self.units.count();
        let whole = self.refused == std::slice::from_ref(&all);
        let parts = match whole {
            true => self.entry.parts.clone(),
            false => self.entry.parts.within(&self.refused),
        };
        let own = (parts, self.units.items_in(&self.refused), &*self.reason);
        let own = (!self.refused.is_empty()).then_some(own);
        let refused = Refused::of(signal, &self.entry, own);
        Settled {
            entry: self.entry,
            refused,
        }
    }
}

impl Refused {
    /// What goes to the dead letters of a record: what the backend refused of it (units, items, reason), and what could not be made ready for it.
    fn of(signal: Signal, entry: &Entry, own: Option<(Parts, usize, &str)>) -> Option<Self> {
        let (parts, items, reason) = match (own, &entry.failed) {
            (None, None) => return None,
            (Some((parts, items, reason)), None) => (parts, items, reason),
            (None, Some(failed)) => (
                Parts::of(failed.units.iter().cloned()),
                failed.items,
                &*failed.reason,
            ),
            (Some((parts, items, reason)), Some(failed)) => {
                (parts.and(&failed.units), items + failed.items, reason)
            }
        };
        let original = entry.original();
        let cut = match parts.ranges() {
            [] => None,
            ranges => (Units::of(signal, original).ok()).map(|units| units.cut(original, ranges)),
        };
        Some(Self {
            value: cut.unwrap_or_else(|| original.clone()),
            items,
            units: parts.written(),
            reason: reason.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests;
