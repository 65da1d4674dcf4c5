//! Data points that can't be converted, by why.

/// Why a data point can't be converted, and is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// The first of a stream that began before we looked: what it counts is not known to be new.
    Initial,
    /// The value fell though its start didn't change: since when it counts isn't known.
    Reset,
    /// The buckets are others than those of the last point.
    Buckets,
    /// It isn't newer than the last point.
    Late,
    /// There are `max_streams` already.
    Streams,
    /// Its buckets contradict each other.
    Malformed,
}

impl Why {
    /// The value of the label `reason`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::Reset => "reset",
            Self::Buckets => "buckets",
            Self::Late => "late",
            Self::Streams => "streams",
            Self::Malformed => "malformed",
        }
    }
}
