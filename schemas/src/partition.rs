//! The partition function: one trace, one partition, in every process and every release.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The seed is part of the data format: changing it moves every trace.
const SEED: u64 = 0;

/// The partition of a trace (or of any other key, such as a resource) among `count` partitions.
///
/// `xxh3_64(key, seed 0) mod count`.
///
/// # Panics
/// If `count` is zero.
pub fn partition_of(key: &[u8], count: u32) -> u32 {
    (xxh3_64_with_seed(key, SEED) % u64::from(count)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// These values are part of the data format: should one change, traces split at the upgrade.
    #[test]
    fn the_function_is_pinned() {
        let ascending: [u8; 16] = std::array::from_fn(|at| at as u8);
        let w3c = *b"\x4b\xf9\x2f\x35\x77\xb3\x4d\xa6\xa3\xce\x92\x9d\x0e\x0e\x47\x36";
        // XXH3 of no bytes with seed 0 is a vector of the algorithm's own.
        assert_eq!(xxh3_64_with_seed(b"", SEED), 0x2d06_8005_38d3_94c2);
        let vectors: [(&[u8], [u32; 4]); 4] = [
            (&[], [0, 2, 34, 34]),
            (&[0xff; 16], [0, 3, 19, 19]),
            (&ascending, [0, 11, 27, 27]),
            (&w3c, [0, 10, 10, 58]),
        ];
        for (key, partitions) in vectors {
            let counts = [1, 16, 48, 96];
            assert_eq!(counts.map(|count| partition_of(key, count)), partitions);
        }
    }
}
