//! One number for a set of things, whatever their order and however often each is seen, in bounded memory.
//!
//! Each item sets four bits, found by its hash, in a bitmap of fixed size; the number is the bitmap's hash. Setting bits is commutative and
//! idempotent, which a sum of hashes isn't, and needs no list of what was seen. It is a Bloom filter that is compared instead of asked, so it can take two
//! sets for equal when all bits of an item that only one has are set by others: with 512 bits, one in 150,000 items among 10 others, one in 90 among 50, one in 12
//! among 100.

use xxhash_rust::xxh3::xxh3_64;

/// Bits an item sets.
const BITS: u32 = 4;

/// Adds an item, by its hash; 0 is no item. The length of `words` is a power of two up to 1024.
#[inline]
pub(crate) fn add(words: &mut [u64], item: u64) {
    if item == 0 {
        return;
    }
    let mask = words.len() * 64 - 1;
    for nth in 0..BITS {
        let bit = (item >> (16 * nth)) as usize & mask;
        words[bit / 64] |= 1 << (bit % 64);
    }
}

/// The set's number; 0 for the empty set, and only for it.
pub(crate) fn number(words: &[u64]) -> u64 {
    if words.iter().all(|&word| word == 0) {
        return 0;
    }
    let mut bytes = [0; 8 * 16];
    let bytes = &mut bytes[..words.len() * 8];
    for (to, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(words) {
        *to = word.to_le_bytes();
    }
    xxh3_64(bytes).max(1)
}

/// Two hashes into one that depends on their order; never 0.
#[inline]
pub(crate) fn mix(first: u64, second: u64) -> u64 {
    let product = u128::from(first ^ 0x9E37_79B9_7F4A_7C15)
        * u128::from(second.rotate_left(23) ^ 0xA076_1D64_78BD_642F);
    ((product as u64) ^ ((product >> 64) as u64)).max(1)
}

#[cfg(test)]
mod tests {
    use hashbrown::HashSet;
    use proptest::prelude::*;

    use super::*;

    fn of(items: impl IntoIterator<Item = u64>) -> u64 {
        let mut words = [0; 8];
        for item in items {
            add(&mut words, xxh3_64(&item.to_le_bytes()));
        }
        number(&words)
    }

    proptest! {
        #[test]
        fn neither_order_nor_repetition_matters(items in prop::collection::vec(0_u64..30, 0..60), rotate in 0_usize..60) {
            let mut other: Vec<_> = items.iter().chain(&items).copied().collect();
            other.reverse();
            let at = rotate % other.len().max(1);
            other.rotate_left(at);
            prop_assert_eq!(of(items), of(other));
        }
    }

    #[test]
    fn different_sets_differ() {
        assert_eq!(of([]), 0);
        let singles: HashSet<_> = (0..10_000).map(|item| of([item])).collect();
        assert_eq!(singles.len(), 10_000);
        // One more among ten others.
        let ten = of(0..10);
        let missed = (100..10_100).filter(|&item| of((0..10).chain([item])) == ten);
        assert!(missed.count() <= 2);
    }

    #[test]
    fn order_matters_to_mix() {
        assert_ne!(mix(1, 2), mix(2, 1));
        assert_ne!(mix(0, 0), 0);
    }
}
