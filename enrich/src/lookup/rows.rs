//! Rows by key, close together: a million rows of a column take 45 MiB, and are freed in a moment.

use std::hash::BuildHasher;
use std::hash::RandomState;

use hashbrown::HashTable;
use ottl::Value;

use super::fault::Fault;

/// A value that a row holds.
#[derive(Clone, Copy, Debug)]
enum Cell {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Span),
}

/// A part of all text.
#[derive(Clone, Copy, Debug)]
struct Span {
    at: u32,
    length: u32,
}

/// A value of a row, on its way in.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scalar<'v> {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(&'v str),
}

/// All rows.
#[derive(Debug)]
pub(crate) struct Rows {
    text: String,
    keys: Vec<Span>,
    /// As many for each row as there are columns.
    cells: Vec<Cell>,
    columns: usize,
    by_key: HashTable<u32>,
    /// Keys come from elsewhere, and must not be chosen so that they collide.
    hasher: RandomState,
    bytes_max: u64,
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'t> {
    rows: &'t Rows,
    number: usize,
}

impl Rows {
    /// No rows yet, of so many columns; the memory for all is bounded.
    pub(super) fn new(columns: usize, bytes_max: u64) -> Self {
        Self {
            text: String::new(),
            keys: Vec::new(),
            cells: Vec::new(),
            columns,
            by_key: HashTable::new(),
            hasher: RandomState::new(),
            bytes_max,
        }
    }

    /// Adds a row, with a value for each column; `false`: there is one with that key.
    pub(super) fn push<'v>(
        &mut self,
        key: &str,
        values: impl Iterator<Item = Scalar<'v>>,
    ) -> Result<bool, Fault> {
        if self.find(key).is_some() {
            return Ok(false);
        }
        let number = self.keys.len() as u32;
        let key_span = self.add(key)?;
        self.keys.push(key_span);
        let first = self.cells.len();
        for value in values.take(self.columns) {
            let cell = match value {
                Scalar::Nil => Cell::Nil,
                Scalar::Bool(value) => Cell::Bool(value),
                Scalar::Int(value) => Cell::Int(value),
                Scalar::Float(value) => Cell::Float(value),
                Scalar::Text(text) => Cell::Text(self.add(text)?),
            };
            self.cells.push(cell);
        }
        self.cells.resize(first + self.columns, Cell::Nil);
        let hash = self.hasher.hash_one(key);
        let (keys, text, hasher) = (&self.keys, &self.text, &self.hasher);
        self.by_key.insert_unique(hash, number, |number| {
            hasher.hash_one(part(text, keys[*number as usize]))
        });
        match self.bytes() as u64 > self.bytes_max {
            true => Err(Fault::TooLarge(self.bytes_max)),
            false => Ok(true),
        }
    }

    fn add(&mut self, text: &str) -> Result<Span, Fault> {
        let too_large = |_| Fault::TooLarge(self.bytes_max);
        let at = u32::try_from(self.text.len()).map_err(too_large)?;
        let length = u32::try_from(text.len()).map_err(too_large)?;
        self.text.push_str(text);
        Ok(Span { at, length })
    }

    pub(super) fn find(&self, key: &str) -> Option<Row<'_>> {
        let is_of = |number: &u32| part(&self.text, self.keys[*number as usize]) == key;
        let number = self.by_key.find(self.hasher.hash_one(key), is_of)?;
        Some(Row {
            rows: self,
            number: *number as usize,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// What is held, give or take what vectors have in reserve.
    pub(super) fn bytes(&self) -> usize {
        self.text.len()
            + size_of_val(&*self.keys)
            + size_of_val(&*self.cells)
            + self.by_key.allocation_size()
    }

    /// Nothing more comes.
    pub(super) fn finish(mut self) -> Self {
        self.text.shrink_to_fit();
        self.keys.shrink_to_fit();
        self.cells.shrink_to_fit();
        self
    }
}

impl Row<'_> {
    pub(super) fn value(&self, column: usize) -> Value<'static> {
        let rows = self.rows;
        match rows.cells.get(self.number * rows.columns + column) {
            None | Some(Cell::Nil) => Value::Nil,
            Some(Cell::Bool(value)) => Value::Bool(*value),
            Some(Cell::Int(value)) => Value::Int(*value),
            Some(Cell::Float(value)) => Value::Float(*value),
            Some(Cell::Text(span)) => Value::Text(part(&rows.text, *span).to_owned().into()),
        }
    }
}

fn part(text: &str, span: Span) -> &str {
    let from = span.at as usize;
    text.get(from..from + span.length as usize)
        .unwrap_or_default()
}
