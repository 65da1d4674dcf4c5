//! A record on its way to a backend, looked at once: can it be offered at all, and how many items does it hold?

use std::ops::Range;

use bus::{Fetched, TopicPartition};
use bytes::Bytes;
use schemas::headers;

use super::parts::Parts;
use super::skipped::{Reason, Skipped};

/// A record on its way to a backend.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The record, with what is offered of it as its value.
    pub record: Fetched,
    /// The value as it was read, where another is offered.
    original: Option<Bytes>,
    /// Which of its units are in its value.
    pub parts: Parts,
    /// Spans, log records or metrics in it; at least 1, so that a record that isn't OTLP counts too.
    pub items: usize,
    /// Why it can't be offered to any backend.
    pub defect: Option<String>,
    /// Items of the record that this backend doesn't get.
    pub skipped: Skipped,
    /// Those that could not be made ready for it.
    pub failed: Option<Failed>,
}

/// Items that could not be made ready for a backend: they go to its dead letters, whatever becomes of the others.
#[derive(Clone, Debug)]
pub struct Failed {
    pub units: Vec<Range<usize>>,
    pub items: usize,
    /// Of the first.
    pub reason: String,
}

impl Failed {
    pub fn new(reason: String) -> Self {
        Self {
            units: Vec::new(),
            items: 0,
            reason,
        }
    }

    /// One more item, with these units.
    pub fn add(&mut self, units: Range<usize>) {
        self.units.push(units);
        self.items += 1;
    }
}

impl Entry {
    /// Looks at a record: version, framing, number of items.
    pub fn new(record: Fetched) -> Self {
        let (items, defect) = match inspect(&record) {
            Ok(items) => (items, None),
            Err((items, defect)) => (items, Some(defect)),
        };
        Self {
            defect,
            ..Self::holding(record, items.max(1))
        }
    }

    /// A record that is known to hold so many items.
    pub fn holding(record: Fetched, items: usize) -> Self {
        Self {
            record,
            original: None,
            parts: Parts::default(),
            items,
            defect: None,
            skipped: Skipped::default(),
            failed: None,
        }
    }

    /// Offers something else of the record: these units, maybe changed.
    pub fn offer(&mut self, value: Bytes, parts: Parts) {
        let before = std::mem::replace(&mut self.record.value, value);
        self.original.get_or_insert(before);
        self.parts = parts;
    }

    /// Offers nothing of it for this reason; what could not be made ready is left. False: that is nothing.
    pub fn withhold(&mut self, reason: Reason) -> bool {
        self.skipped.add(reason, self.items as u64);
        let Some(failed) = self.failed.take() else {
            self.items = 0;
            return false;
        };
        self.items = failed.items;
        self.parts = Parts::of(failed.units);
        self.defect = Some(failed.reason);
        true
    }

    /// The value as it was read.
    pub fn original(&self) -> &Bytes {
        self.original.as_ref().unwrap_or(&self.record.value)
    }

    /// What it takes in memory, headers left out.
    pub fn bytes(&self) -> usize {
        let original = self.original.as_ref();
        self.record.value.len() + original.map_or(0, Bytes::len)
    }

    /// Items in the record, offered or not.
    pub fn items_of_record(&self) -> usize {
        let failed = self.failed.as_ref().map_or(0, |failed| failed.items);
        self.items + failed + self.skipped.total() as usize
    }

    /// Whose items it holds; `None`: the default tenant's.
    pub fn tenant(&self) -> Option<&[u8]> {
        let mut headers = self.record.headers.iter();
        let named = headers.find(|header| &*header.name == headers::TENANT)?;
        Some(&named.value[..]).filter(|tenant| !tenant.is_empty())
    }

    /// The number that a unit (a span, a log record, a data point), the `index`-th of the value, has in the record as it was read. With topic, partition
    /// and offset it names the unit for ever, whatever became of the others.
    pub fn unit(&self, index: usize) -> usize {
        self.parts.number(index)
    }

    /// The partition that it was read from.
    pub fn at(&self) -> TopicPartition {
        TopicPartition {
            topic: self.record.topic.clone(),
            partition: self.record.partition,
        }
    }
}

fn inspect(record: &Fetched) -> Result<usize, (usize, String)> {
    record
        .check_version()
        .map_err(|unknown| (0, unknown.to_string()))?;
    let mut items = 0;
    for item in schemas::otlp::Items::new(&record.value) {
        match item {
            Ok(_) => items += 1,
            Err(error) => return Err((items, format!("not an OTLP request: {error}"))),
        }
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use bytes::Bytes;

    use super::*;

    #[test]
    fn records_are_inspected_on_their_way_in() {
        // One resource with one scope with two empty spans.
        let good = [0x0a, 6, 0x12, 4, 0x12, 0, 0x12, 0];
        let inspected = |value: &[u8], version: Option<&str>| {
            let headers = version.map(|version| bus::Header {
                name: schemas::headers::VERSION_NAME.into(),
                value: Bytes::copy_from_slice(version.as_bytes()),
            });
            let entry = Entry::new(Fetched {
                topic: "t".into(),
                partition: 0,
                offset: 0,
                timestamp_ms: 0,
                headers: headers.into_iter().collect(),
                value: Bytes::copy_from_slice(value),
            });
            (entry.items, entry.defect)
        };
        assert_eq!(inspected(&good, None), (2, None));
        assert_eq!(inspected(&good, Some("1")), (2, None));
        assert_eq!(inspected(&[], None), (1, None));
        let (_, defect) = inspected(&good, Some("2"));
        assert!(defect.unwrap().contains("version \"2\""));
        let (items, defect) = inspected(&good[..7], None);
        assert_eq!(items, 1);
        assert!(defect.unwrap().contains("not an OTLP request"));
    }
}
