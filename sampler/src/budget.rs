//! Rate budgets: one limit for the whole group, divided over the partitions by what they ask for.

use std::collections::BTreeMap;

/// New shares from the demands of the partitions that this process owns, out of `partitions` in all. By partition, then by budget.
pub fn shares(demands: &BTreeMap<u32, Vec<u64>>, partitions: u32) -> BTreeMap<u32, Vec<f64>> {
    let _ = (demands, partitions);
    todo!()
}
