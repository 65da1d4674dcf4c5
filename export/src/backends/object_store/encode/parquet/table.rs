//! What a signal's table is: its schema, its columns, and the rows of an item. Pure.

use schemas::otlp::Item;
use schemas::wire::WireError;

use super::leaf::Leaf;

/// The columns of one signal, between two row groups.
pub trait Table: Default {
    /// Its columns, as the text of a schema.
    const SCHEMA: &'static str;
    /// Columns whose least and greatest value a reader wants to know, to pass over what it doesn't look for.
    const BOUNDED: &'static [&'static str];
    /// Columns that have hardly a value twice.
    const UNIQUE: &'static [&'static str];
    /// Columns of numbers that are near their neighbours.
    const TIMES: &'static [&'static str];

    type Row<'a>: Row;

    /// The rows of an item, in order.
    ///
    /// # Errors
    /// The item is malformed, or `each` failed.
    fn rows<'a>(
        item: &Item<'a>,
        each: impl FnMut(&Self::Row<'a>) -> Result<(), String>,
    ) -> Result<(), String>;

    /// Appends a row.
    ///
    /// # Errors
    /// It is malformed; then the columns can't be used any more.
    fn push(&mut self, row: &Self::Row<'_>) -> Result<(), WireError>;

    /// In the order of the schema.
    fn leaves(&mut self) -> Vec<Leaf<'_>>;
}

/// A row.
pub trait Row {
    /// Nanoseconds since 1970; 0: not known.
    fn time_unix_nano(&self) -> u64;

    /// There is nothing in it but what it stands in.
    fn is_empty(&self) -> bool {
        false
    }

    /// It is the first of its item.
    fn is_first(&self) -> bool {
        true
    }
}

/// A time as the column has it, up to the year 2262.
pub fn nanos(unix_nano: u64) -> i64 {
    i64::try_from(unix_nano).unwrap_or(i64::MAX)
}
