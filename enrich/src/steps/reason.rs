//! Why something goes to the dead letters.

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
        "the record takes {bytes} bytes after redaction, above the bus's limit of {limit} bytes"
    )]
    TooLarge { bytes: usize, limit: usize },
    #[error(transparent)]
    Version(UnknownVersion),
}
