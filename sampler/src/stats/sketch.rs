//! How long the traces of one operation take: a mergeable histogram whose buckets grow with the value.
//!
//! As DDSketch (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees", VLDB 2019), with
//! the log-linear buckets of HdrHistogram in place of logarithms: 16 buckets to each power of two. They are found by shifts, so every machine
//! finds the same one, and a bucket's middle is within 1/32 (3.2 %) of each value in it. Buckets are held sparsely, four bytes each: an operation
//! whose times spread over a factor of ten takes about 200 bytes.

/// Buckets to a power of two: 2^4.
const SUB_BITS: u32 = 4;
/// More buckets than these, a spread of 65,000 between fastest and slowest, and the lowest two become one: high quantiles keep their accuracy.
const BUCKETS_MAX: usize = 256;

/// Counts by bucket, in order of value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sketch {
    buckets: Vec<(u16, u16)>,
    count: u32,
}

/// The bucket of a value.
fn bucket_of(value: u64) -> u16 {
    let Some(shift) = (63 - (value | 1).leading_zeros()).checked_sub(SUB_BITS) else {
        return value as u16;
    };
    // The value without its lowest bits lies in 16..32.
    ((shift << SUB_BITS) + (value >> shift) as u32) as u16
}

/// The largest value of a bucket.
fn largest_in(bucket: u16) -> u64 {
    let Some(shift) = u32::from(bucket >> SUB_BITS).checked_sub(1) else {
        return bucket.into();
    };
    let leading = u128::from(bucket) - u128::from(shift << SUB_BITS);
    (((leading + 1) << shift) - 1) as u64
}

impl Sketch {
    pub(crate) fn add(&mut self, value: u64) {
        self.add_many(bucket_of(value), 1);
    }

    fn add_many(&mut self, bucket: u16, count: u16) {
        match self.buckets.binary_search_by_key(&bucket, |&(at, _)| at) {
            Ok(at) => {
                while self.buckets[at].1.checked_add(count).is_none() {
                    self.halve();
                }
                self.buckets[at].1 += count;
            }
            Err(at) => {
                self.buckets.insert(at, (bucket, count));
                if self.buckets.len() > BUCKETS_MAX {
                    let lowest = self.buckets.remove(0);
                    self.buckets[0].1 = self.buckets[0].1.saturating_add(lowest.1);
                }
            }
        }
        self.count = self.total();
    }

    /// A count ran full: all are halved, quantiles stay.
    #[cold]
    fn halve(&mut self) {
        for (_, count) in &mut self.buckets {
            *count = count.div_ceil(2);
        }
    }

    fn total(&self) -> u32 {
        self.buckets
            .iter()
            .map(|&(_, count)| u32::from(count))
            .sum()
    }

    /// Values seen; fewer once a bucket ran full.
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// The largest value of the bucket in which the quantile lies: at most a sixteenth above it, never below.
    pub(crate) fn quantile(&self, quantile: f64) -> Option<u64> {
        let rank = (quantile * f64::from(self.count)).ceil().max(1.0) as u32;
        let mut passed = 0;
        for &(bucket, count) in &self.buckets {
            passed += u32::from(count);
            if passed >= rank {
                return Some(largest_in(bucket));
            }
        }
        None
    }

    /// Empties it and keeps its memory.
    pub(crate) fn clear(&mut self) {
        self.buckets.clear();
        self.count = 0;
    }

    /// On the heap.
    pub(crate) fn bytes(&self) -> usize {
        self.buckets.capacity() * size_of::<(u16, u16)>()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[u64]) -> Sketch {
        let mut sketch = Sketch::default();
        values.iter().for_each(|&value| sketch.add(value));
        sketch
    }

    proptest! {
        #[test]
        fn a_bucket_holds_what_it_says(value: u64) {
            let bucket = bucket_of(value);
            prop_assert!(value <= largest_in(bucket));
            prop_assert!(bucket == 0 || value > largest_in(bucket - 1));
            let width = largest_in(bucket) - bucket.checked_sub(1).map_or(0, largest_in);
            prop_assert!(width <= (value / 16).max(1), "{value} in a bucket of {width}");
        }

        #[test]
        fn a_quantile_is_within_a_bucket_of_the_exact_one(
            mut values in prop::collection::vec(1_u64..100_000_000, 1..400),
            percent in 0_u32..=100,
        ) {
            let sketch = of(&values);
            values.sort_unstable();
            let quantile = f64::from(percent) / 100.0;
            let rank = (quantile * values.len() as f64).ceil().max(1.0) as usize;
            let exact = values[rank - 1];
            let found = sketch.quantile(quantile).unwrap_or(0);
            // More than 256 buckets: the lowest are one.
            let lowest = sketch.buckets.len() == BUCKETS_MAX && found == largest_in(sketch.buckets[0].0);
            prop_assert!(found >= exact && (lowest || found - exact <= exact / 16), "{found} for {exact}");
        }

        #[test]
        fn order_does_not_matter(values in prop::collection::vec(0_u64..50_000, 0..200)) {
            let backwards: Vec<_> = values.iter().rev().copied().collect();
            prop_assert_eq!(of(&values), of(&backwards));
        }
    }

    #[test]
    fn a_full_bucket_halves_all_and_quantiles_stay() {
        let mut sketch = Sketch::default();
        for value in 0..200_000_u64 {
            sketch.add(if value % 50 == 0 { 9000 } else { 100 });
        }
        assert!(sketch.count() < 100_000);
        assert_eq!(sketch.quantile(0.97), Some(103));
        assert!(
            sketch
                .quantile(0.99)
                .is_some_and(|high| (9000..9563).contains(&high))
        );
    }

    #[test]
    fn an_empty_one_knows_nothing() {
        assert_eq!(Sketch::default().quantile(0.99), None);
    }
}
