//! The name of a batch, by which ClickHouse recognizes it when it comes again: `insert_deduplication_token`. Pure.
//!
//! `<group>/<topic>/<partition>/<first>-<last>@<time>`, offsets inclusive. The time is that of the first record on the bus, in milliseconds: a topic
//! that was deleted and made anew has the same offsets, and its records would be taken for those of the old one. What is left of one record after
//! a refusal has the numbers of its units behind it: `:3..4,7..10`.

use xxhash_rust::xxh3::xxh3_64;

use crate::records::batch::Batch;

/// Longer ones are told by a hash: a filter may leave any number of ranges.
const PARTS_BYTES_MAX: usize = 100;

/// `None`: the records are of several partitions, and nothing can repeat exactly this batch.
pub fn token(group: &str, batch: &Batch) -> Option<String> {
    let range = batch.range()?;
    let first = batch.entries.first()?;
    let mut token = format!(
        "{group}/{}/{}/{}-{}@{}",
        range.topic, range.partition, range.first, range.last, first.record.timestamp_ms
    );
    // Only one record is ever cut. Of several, filters may have left a part, but the batch is the same one.
    let parts = first.parts.written().filter(|_| batch.entries.len() == 1);
    if let Some(parts) = parts {
        token.push(':');
        match parts.len() <= PARTS_BYTES_MAX {
            true => token.push_str(&parts),
            false => token.push_str(&format!("{:016x}", xxh3_64(parts.as_bytes()))),
        }
    }
    Some(token)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::single_range_in_vec_init)]
    use bus::Fetched;
    use bytes::Bytes;

    use super::*;
    use crate::records::entry::Entry;
    use crate::records::parts::Parts;

    fn entry(partition: u32, offset: u64, timestamp_ms: u64) -> Entry {
        Entry::new(Fetched {
            topic: "t.clean".into(),
            partition,
            offset,
            timestamp_ms,
            headers: vec![],
            value: Bytes::new(),
        })
    }

    #[test]
    fn a_batch_is_named_by_its_records() {
        let batch = Batch::from_iter([entry(3, 7, 1700), entry(3, 9, 1800)]);
        assert_eq!(token("g", &batch).unwrap(), "g/t.clean/3/7-9@1700");
        let mixed = Batch::from_iter([entry(3, 7, 1700), entry(4, 9, 1800)]);
        assert_eq!(token("g", &mixed), None);
        assert_eq!(token("g", &Batch::default()), None);
    }

    #[test]
    fn a_part_of_a_record_is_another_one() {
        let part = |parts: Parts| {
            let mut entry = entry(3, 7, 1700);
            entry.parts = parts;
            token("g", &Batch::from_iter([entry])).unwrap()
        };
        assert_eq!(part(Parts::default()), "g/t.clean/3/7-7@1700");
        assert_eq!(
            part(Parts::of([0..10, 12..13])),
            "g/t.clean/3/7-7@1700:0..10,12..13"
        );
        let long = |from: usize| part(Parts::of((from..200).map(|at| 2 * at..2 * at + 1)));
        assert_eq!(long(0).len(), "g/t.clean/3/7-7@1700:".len() + 16);
        assert_ne!(long(0), long(1));
    }

    /// Filters that were changed over a crash must not make another batch of what was accepted.
    #[test]
    fn what_a_filter_took_out_of_several_records_changes_nothing() {
        let mut filtered = entry(3, 7, 1700);
        filtered.parts = Parts::of(std::iter::once(1..2));
        let batch = Batch::from_iter([filtered, entry(3, 9, 1800)]);
        assert_eq!(token("g", &batch).unwrap(), "g/t.clean/3/7-9@1700");
    }
}
