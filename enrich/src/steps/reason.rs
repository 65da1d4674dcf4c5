//! Why something goes to the dead letters.

use std::sync::Arc;

use ottl::EvalError;
use schemas::headers::UnknownVersion;
use schemas::wire::WireError;

/// Why something can't go on. Never quotes what it found: reasons are logged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Reason {
    #[error(transparent)]
    Redaction(#[from] redact::Reason),
    #[error("the record can't be read: {0}")]
    Wire(WireError),
    #[error(
        "the record takes {bytes} bytes after all steps, above the bus's limit of {limit} bytes"
    )]
    TooLarge { bytes: usize, limit: usize },
    #[error("it can't be read: {0}")]
    Unreadable(EvalError),
    #[error("the statement or condition number {text} of the step `{step}` failed on it")]
    Step { step: Arc<str>, text: usize },
    #[error(transparent)]
    Version(UnknownVersion),
}

impl Reason {
    /// Whether it is a finding that has the item kept aside, and no fault.
    pub(crate) fn is_quarantine(&self) -> bool {
        matches!(self, Self::Redaction(redact::Reason::Quarantined { .. }))
    }
}
