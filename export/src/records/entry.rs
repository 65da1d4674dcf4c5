//! A record on its way to a backend, looked at once: can it be offered at all, and how many items does it hold?

use bus::{Fetched, TopicPartition};

/// A record on its way to a backend.
#[derive(Clone, Debug)]
pub struct Entry {
    pub record: Fetched,
    /// Spans, log records or metrics in it; at least 1, so that a record that isn't OTLP counts too.
    pub items: usize,
    /// Why it can't be offered to any backend.
    pub defect: Option<String>,
}

impl Entry {
    /// Looks at a record: version, framing, number of items.
    pub fn new(record: Fetched) -> Self {
        let (items, defect) = match inspect(&record) {
            Ok(items) => (items, None),
            Err((items, defect)) => (items, Some(defect)),
        };
        Self {
            record,
            items: items.max(1),
            defect,
        }
    }

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
