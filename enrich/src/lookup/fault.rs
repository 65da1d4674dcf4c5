//! What is wrong with a table.

/// What is wrong with a table, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("cannot be read ({0}); check the path, and that the user of this process may read it")]
    Unreadable(String),
    #[error("takes more than {0} bytes; raise `memory_limit`, or take out what isn't needed")]
    TooLarge(u64),
    #[error("is not {format}: {why}")]
    Malformed { format: &'static str, why: String },
    #[error("{place}: the key {key:?} is there twice")]
    Duplicate { place: String, key: String },
    #[error("{place}: {what}")]
    Row { place: String, what: String },
    #[error("has no column {column:?}; it has {known}")]
    NoColumn { column: String, known: String },
    #[error("holds nothing")]
    Empty,
}
