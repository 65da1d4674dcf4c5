//! What is wanted of a table, known before it is read.

/// What is asked of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The column with the keys; of no meaning where keys are networks.
    pub(crate) key: String,
    pub(crate) columns: Vec<String>,
}
