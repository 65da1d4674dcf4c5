//! One pack: the items of many requests that go to one partition in one record. Pure: time comes in, records go out.

use std::time::Instant;

use bytes::Bytes;
use schemas::pack::Packer;

use super::split::Routed;

/// An accumulating record with the requests that wait for it; `W` stands for a waiting request.
pub struct Pack<W> {
    packer: Packer,
    waiters: Vec<W>,
    /// When it must be closed; `None` while it is empty.
    due: Option<Instant>,
}

/// How large records get, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct RecordLimits {
    /// What a record should have at most; heads that are new to it may bring it a little above.
    pub wanted: usize,
    /// What the bus takes; never exceeded.
    pub hard: usize,
}

/// A record for the bus, with the requests that wait for it.
pub struct Closed<W> {
    pub value: Bytes,
    pub items: u64,
    pub waiters: Vec<W>,
}

impl<W> Default for Pack<W> {
    fn default() -> Self {
        Self {
            packer: Packer::new(),
            waiters: Vec::new(),
            due: None,
        }
    }
}

impl<W: Clone> Pack<W> {
    /// Adds items of one request; records that are full go to `closed`. Returns whether the pack has now become due at `due`.
    pub fn add<'a>(
        &mut self,
        items: impl Iterator<Item = Routed<'a>>,
        waiter: &W,
        due: Instant,
        limits: RecordLimits,
        closed: &mut Vec<Closed<W>>,
    ) -> bool {
        self.packer.begin_source();
        let mut waits = false;
        let mut opened = false;
        for routed in items {
            let bytes = self.packer.bytes();
            let full = bytes + routed.item.body.len() > limits.wanted
                || bytes + routed.alone_bytes > limits.hard;
            if full && !self.packer.is_empty() {
                closed.extend(self.close());
                (waits, opened) = (false, false);
            }
            if self.due.is_none() {
                self.due = Some(due);
                opened = true;
            }
            if !waits {
                self.waiters.push(waiter.clone());
                waits = true;
            }
            self.packer.push(&routed.item);
        }
        opened
    }

    /// Takes the record if there is one.
    pub fn close(&mut self) -> Option<Closed<W>> {
        self.due.take()?;
        Some(Closed {
            items: self.packer.items() as u64,
            value: self.packer.finish(),
            waiters: std::mem::take(&mut self.waiters),
        })
    }

    /// Takes the record if it is due.
    pub fn close_due(&mut self, now: Instant) -> Option<Closed<W>> {
        self.due
            .filter(|&due| due <= now)
            .and_then(|_| self.close())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use schemas::Signal;
    use schemas::otlp::Items;
    use schemas::wire::put_len;

    use super::super::split::{Limits, split};
    use super::*;

    /// A request of spans whose names have these lengths.
    fn request(names: &[usize]) -> Vec<u8> {
        let nest = |field, body: &[u8]| {
            let mut out = Vec::new();
            put_len(&mut out, field, body);
            out
        };
        let span = |&length: &usize| {
            let mut span = Vec::new();
            put_len(&mut span, 1, &[1; 16]);
            put_len(&mut span, 2, &[2; 8]);
            put_len(&mut span, 5, &vec![b'x'; length]);
            nest(2, &span)
        };
        nest(
            1,
            &nest(2, &names.iter().flat_map(span).collect::<Vec<_>>()),
        )
    }

    /// Adds requests to one pack; returns the records as (items, waiters), the last one closed by time.
    fn check(requests: &[&[usize]], wanted: usize, hard: usize, expected: &[(u64, &[u32])]) {
        let now = Instant::now();
        let mut pack = Pack::default();
        let mut closed = Vec::new();
        for (waiter, names) in requests.iter().enumerate() {
            let request = request(names);
            let limits = Limits {
                partitions: 1,
                item_bytes_max: hard,
            };
            let split = split(Signal::Traces, &request, limits).unwrap();
            for (_, items) in split.partitions() {
                pack.add(
                    items,
                    &(waiter as u32),
                    now,
                    RecordLimits { wanted, hard },
                    &mut closed,
                );
            }
        }
        assert!(
            pack.close_due(now - std::time::Duration::from_secs(1))
                .is_none()
        );
        closed.extend(pack.close_due(now));
        assert!(pack.close().is_none(), "nothing is left");
        let records: Vec<_> = closed
            .iter()
            .map(|record| (record.items, &record.waiters[..]))
            .collect();
        assert_eq!(records, expected);
        for record in closed {
            assert!(record.value.len() <= hard);
            assert_eq!(
                Items::new(&record.value).map(Result::unwrap).count() as u64,
                record.items
            );
        }
    }

    /// Records are closed when full, and know each request in them once.
    #[test]
    fn records_are_filled() {
        check(&[], 1000, 2000, &[]);
        check(&[&[10, 10], &[10]], 1000, 2000, &[(3, &[0, 1])]);
        // Each span takes 50 bytes and its name.
        check(&[&[400; 3], &[400]], 1000, 2000, &[(2, &[0]), (2, &[0, 1])]);
        // A span above the wanted size has a record of its own.
        check(
            &[&[10, 1500, 10]],
            1000,
            2000,
            &[(1, &[0]), (1, &[0]), (1, &[0])],
        );
        // One above the hard limit never gets here.
        check(&[&[2000, 10]], 1000, 2000, &[(1, &[0])]);
    }
}
