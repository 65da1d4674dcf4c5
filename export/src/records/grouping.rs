//! What all records of a batch have in common.

/// What all records of a batch have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// Nothing but their signal.
    None,
    /// The backend is told whose a batch is.
    Tenant,
    /// The backend recognizes a batch by its range of offsets.
    Partition,
}
