//! What a rate policy allows.

/// A rate policy's limit, for the whole group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    pub per_second: f64,
    pub burst: f64,
    pub refill: Refill,
}

/// When tokens come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refill {
    /// All the time.
    Steady,
    /// A second's tokens at once, when the second begins; what was left of the last one is lost if `burst` is `per_second`.
    EachSecond,
}
