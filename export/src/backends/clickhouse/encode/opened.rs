//! The tables that a batch has rows for, opened when the first comes; and what makes rows of an item.

use schemas::otlp::Item;
use schemas::wire::WireError;

use super::compressed::Compressed;
use super::head::HeadBytes;
use crate::backends::clickhouse::config::Compression;
use crate::backends::clickhouse::schema::known::Tables;
use crate::backends::clickhouse::schema::plan::{Plan, Unusable};

/// Rows for one table, as far as they are written.
pub struct Rows<'a> {
    pub plan: &'a Plan,
    pub head: HeadBytes<'a>,
    pub out: Compressed,
}

/// One signal's way from items to rows.
pub trait ToRows<'a> {
    /// Appends the rows of an item.
    fn item(&mut self, item: Item<'a>, tables: &mut Opened<'a>) -> Result<(), RowError>;
}

/// Why an item has no rows.
#[derive(Debug)]
pub enum RowError {
    Wire(WireError),
    Table(Unusable),
}

impl From<WireError> for RowError {
    fn from(error: WireError) -> Self {
        Self::Wire(error)
    }
}

/// The tables of the signal, those opened that have rows.
pub struct Opened<'a> {
    tables: &'a Tables,
    compression: Compression,
    rows: Vec<Option<Rows<'a>>>,
}

impl<'a> Opened<'a> {
    pub fn new(tables: &'a Tables, compression: Compression) -> Self {
        Self {
            tables,
            compression,
            rows: tables.0.iter().map(|_| None).collect(),
        }
    }

    /// Those of a table, by its place among those of the signal.
    pub fn rows(&mut self, table: usize) -> Result<&mut Rows<'a>, RowError> {
        let slot = &mut self.rows[table];
        match slot {
            Some(rows) => Ok(rows),
            None => {
                let plan = self.tables.0[table]
                    .as_ref()
                    .map_err(|unusable| RowError::Table(unusable.clone()))?;
                Ok(slot.insert(Rows {
                    plan,
                    head: HeadBytes::default(),
                    out: Compressed::new(self.compression, &plan.preamble),
                }))
            }
        }
    }

    /// Compresses what is worth it so far. Between rows.
    pub fn compress_full(&mut self) -> std::io::Result<()> {
        let mut opened = self.rows.iter_mut().flatten();
        opened.try_for_each(|rows| rows.out.compress_full())
    }

    /// What was written to each table that has rows.
    pub fn into_compressed(self) -> impl Iterator<Item = (usize, Compressed)> {
        let all = self.rows.into_iter().enumerate();
        all.filter_map(|(table, rows)| Some((table, rows?.out)))
    }
}
