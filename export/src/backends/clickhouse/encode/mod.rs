//! From the records of a batch to rows, in one pass over their bytes: nothing is decoded into structures, and the columns that are the same for
//! all rows of a scope are encoded once and copied. Pure: the same batch and tables give the same bytes.

mod compressed;
mod head;
mod logs;
mod opened;
mod points;
mod rowbinary;
mod spans;

use schemas::Signal;
use schemas::otlp::Items;

use super::config::Compression;
use super::schema::known::Tables;
use super::schema::plan::Unusable;
use crate::records::batch::Batch;
use crate::transport::body::Payload;
pub use compressed::name as content_encoding;
use opened::{Opened, RowError, ToRows};

/// All rows of a batch for one table.
#[derive(Debug)]
pub struct Encoded {
    /// The table's place among those of the signal.
    pub table: usize,
    /// Compressed.
    pub payload: Payload,
}

/// Why a batch can't be encoded.
#[derive(Debug, PartialEq, Eq)]
pub enum EncodeError {
    /// One of its records is malformed.
    Record(String),
    /// It has rows for a table that can't be used.
    Table(Unusable),
    /// The compressor failed.
    Compression(String),
}

/// The rows of a batch, by table; tables without rows are left out.
///
/// # Errors
/// Nothing is written: a record is malformed, or a table that is needed can't be used.
pub fn encode(
    signal: Signal,
    batch: &Batch,
    tables: &Tables,
    compression: Compression,
) -> Result<Vec<Encoded>, EncodeError> {
    match signal {
        Signal::Traces => encode_with(spans::Spans::default(), batch, tables, compression),
        Signal::Logs => encode_with(logs::Logs, batch, tables, compression),
        Signal::Metrics => encode_with(points::Points, batch, tables, compression),
    }
}

fn encode_with<'a>(
    mut to_rows: impl ToRows<'a>,
    batch: &'a Batch,
    tables: &'a Tables,
    compression: Compression,
) -> Result<Vec<Encoded>, EncodeError> {
    let mut opened = Opened::new(tables, compression);
    for (index, entry) in batch.entries.iter().enumerate() {
        for item in Items::new(&entry.record.value) {
            let rows = item
                .map_err(RowError::Wire)
                .and_then(|item| to_rows.item(item, &mut opened));
            rows.map_err(|error| match error {
                RowError::Wire(error) => {
                    EncodeError::Record(format!("{}: {error}", batch.place_of(index)))
                }
                RowError::Table(unusable) => EncodeError::Table(unusable),
            })?;
        }
        opened.compress_full().map_err(failed)?;
    }
    let mut encoded = Vec::new();
    for (table, out) in opened.into_compressed() {
        encoded.push(Encoded {
            table,
            payload: out.finish().map_err(failed)?,
        });
    }
    Ok(encoded)
}

fn failed(error: std::io::Error) -> EncodeError {
    EncodeError::Compression(format!("can't compress the rows: {error}"))
}

#[cfg(test)]
mod tests;
