//! What a rate policy allows.

/// A rate policy's limit, for the whole group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    pub per_second: f64,
    pub burst: f64,
    pub refill: Refill,
    /// A hash of the tenant whose limit it is, so that equal limits of two tenants are two budgets over a reload and between processes.
    pub owner: u64,
}

impl Limit {
    /// The owner of a limit that isn't a tenant's.
    pub const EVERYBODY: u64 = 0;
}

/// When tokens come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refill {
    /// All the time.
    Steady,
    /// A second's tokens at once, when the second begins; what was left of the last one is lost if `burst` is `per_second`.
    EachSecond,
}
