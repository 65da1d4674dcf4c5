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
