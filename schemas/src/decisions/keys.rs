//! The keys that entries asked the statistics about: few are common, so each stands once, and entries name them by index.

use hashbrown::HashMap;

use super::reader::{DecisionError, Reader};
use crate::wire::put_varint;

/// Identities of the rules, and by entry and rule the key; 0: it didn't ask.
pub(super) fn put(out: &mut Vec<u8>, statistics: &[u64], keys: &[u64]) {
    put_varint(out, statistics.len() as u64);
    put_words(out, statistics);
    let mut distinct = Vec::new();
    let mut known: HashMap<u64, u64> = HashMap::new();
    let mut indexes = Vec::with_capacity(keys.len());
    for &key in keys {
        let index = match key {
            0 => 0,
            key => *known.entry(key).or_insert_with(|| {
                distinct.push(key);
                distinct.len() as u64
            }),
        };
        indexes.push(index);
    }
    put_varint(out, distinct.len() as u64);
    put_words(out, &distinct);
    for index in indexes {
        put_varint(out, index);
    }
}

fn put_words(out: &mut Vec<u8>, words: &[u64]) {
    words
        .iter()
        .for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
}

/// Identities, and the keys of so many entries.
pub(super) fn read(
    reader: &mut Reader<'_>,
    entries: usize,
) -> Result<(Vec<u64>, Vec<u64>), DecisionError> {
    let statistics = words(reader)?;
    let distinct = words(reader)?;
    let mut keys = Vec::new();
    for _ in 0..entries.saturating_mul(statistics.len()) {
        let index = reader.index(distinct.len() + 1, "a key out of range")?;
        keys.push(match index {
            0 => 0,
            index => distinct[index as usize - 1],
        });
    }
    Ok((statistics, keys))
}

fn words(reader: &mut Reader<'_>) -> Result<Vec<u64>, DecisionError> {
    let count = reader.count(8)?;
    let words = reader.bytes(8 * count)?.as_chunks::<8>().0;
    Ok(words.iter().map(|word| u64::from_le_bytes(*word)).collect())
}
