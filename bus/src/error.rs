//! What can go wrong on the bus, said so that the reader knows what to do.

/// The result of a bus operation.
pub type Result<T> = std::result::Result<T, Error>;

/// A failed bus operation. Messages name what was attempted and with what.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the queue to the bus is full; try again later")]
    QueueFull,
    /// A record above the bus's limit: permanent, for this record alone.
    #[error("a record of {bytes} bytes is above the bus's limit of {limit} bytes")]
    RecordTooLarge { bytes: usize, limit: usize },
    /// The bus can't be reached or can't take more just now: worth a retry.
    #[error("{0}")]
    Unavailable(String),
    /// The brokers refuse us a right, which the message names. Somebody must give it; what was attempted works from then on.
    #[error("{0}")]
    Denied(String),
    /// Somebody must act: wrong configuration, mismatching topics, a damaged store.
    #[error("{0}")]
    Fatal(String),
}

impl Error {
    /// The `kind` label of the errors' counter.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::RecordTooLarge { .. } => "too_large",
            Self::Unavailable(_) => "unavailable",
            Self::Denied(_) => "denied",
            Self::Fatal(_) => "fatal",
        }
    }
}

impl CommitError {
    /// Likewise.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Fenced(_) => "fenced",
            Self::Fatal(_) => "fatal",
        }
    }
}

/// A failed epoch commit.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// This member no longer owns what it wanted to commit, or was replaced. Nothing became visible. Forget
    /// all in-memory state; polling goes on and assigns partitions anew.
    #[error("the epoch was refused because its partitions belong to another member now: {0}")]
    Fenced(String),
    /// The process can't go on with this bus.
    #[error("{0}")]
    Fatal(String),
}
