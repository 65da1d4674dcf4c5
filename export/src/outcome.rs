//! What an answer means for the batch that was offered, whatever the kind of backend.
//!
//! Only the kind that sent a request can read its answer; what follows from it is the same for all kinds. A kind says how an answer is to
//! be taken, `delivery` says what is done, since that depends on what became of other batches.

use std::time::Duration;

/// What a backend said of a batch that it accepted: the data is the backend's now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Items (spans, log records, data points: what the backend counts) that it did not take all the same. They are not offered again.
    pub refused: u64,
    /// Why, or a warning when `refused` is 0. Empty: nothing was said.
    pub message: String,
}

/// Why a batch was not accepted, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub kind: FailureKind,
    /// For people: in logs, in `/readyz`, and in the header of a dead letter. It must hold no credentials.
    pub reason: String,
}

/// What to do with a batch that was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// Offer it again, not before `after` if the backend said so.
    Retry { after: Option<Duration> },
    /// Too large or partly bad: its halves may be accepted. A single item is refused for good.
    Split,
    /// Bad as a whole, for good: nothing of it is offered again.
    Refused,
    /// An error inside of the backend. It passes, or this batch causes it.
    Fault,
    /// The backend takes nothing from us: the credentials, the address or the form of the request are wrong.
    /// Where not `certain`, some backends answer like this to the contents of a batch as well.
    Denied { certain: bool },
}

impl FailureKind {
    /// The value of the label `answer`; [`ACCEPTED`] of a batch that was taken.
    pub fn name(self) -> &'static str {
        match self {
            Self::Retry { .. } => "retry",
            Self::Split => "divide",
            Self::Refused => "refused",
            Self::Fault => "fault",
            Self::Denied { .. } => "denied",
        }
    }
}

/// The value of the label `answer` where the batch was taken.
pub const ACCEPTED: &str = "accepted";

impl Failure {
    /// What passes by itself, as far as is known.
    pub fn retry(reason: impl Into<String>) -> Self {
        Self {
            kind: FailureKind::Retry { after: None },
            reason: reason.into(),
        }
    }
}
