//! The values of one column between two row groups, and the levels that say where lists begin and what is absent. Pure.
//!
//! Source of the levels: <https://github.com/apache/parquet-format>, "Nested Encoding". A level that can only be 0 is left out.

use std::collections::HashSet;

use bytes::Bytes;
use parquet::column::writer::{ColumnWriter, ColumnWriterImpl};
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::errors::{ParquetError, Result};
use parquet::file::writer::SerializedColumnWriter;
use schemas::otlp::{AnyValue, Attributes};
use schemas::wire::WireError;

/// Texts are handed over in portions of so many: each takes 32 bytes meanwhile.
const PORTION: usize = 4096;
/// Keys of so many attributes are compared with each other.
const FEW: usize = 32;

/// Texts, back to back. One that is the same as in the row before isn't stored again.
#[derive(Debug, Default)]
pub struct Texts {
    bytes: Vec<u8>,
    ranges: Vec<(u32, u32)>,
}

/// Where lists begin (`rep`), and how far down something is there (`def`), for each value or absence of one.
#[derive(Debug, Default)]
pub struct Levels {
    pub def: Vec<i16>,
    pub rep: Vec<i16>,
}

/// A column as the writer takes it.
pub struct Leaf<'a> {
    pub values: Values<'a>,
    pub levels: Option<&'a Levels>,
}

pub enum Values<'a> {
    Texts(&'a mut Texts),
    Longs(&'a mut Vec<i64>),
    Ints(&'a mut Vec<i32>),
    Doubles(&'a mut Vec<f64>),
    Bools(&'a mut Vec<bool>),
}

impl Texts {
    /// What isn't UTF-8 is replaced by U+FFFD: readers refuse whole files for it.
    #[inline]
    pub fn push(&mut self, text: &[u8]) {
        let from = self.bytes.len();
        self.bytes.extend_from_slice(text);
        self.end(from);
    }

    /// Bytes that are no text.
    pub fn push_bytes(&mut self, bytes: &[u8]) {
        let from = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        self.ranges.push((from as u32, self.bytes.len() as u32));
    }

    /// A value as text.
    #[inline]
    pub fn push_value(&mut self, value: &AnyValue<'_>) -> std::result::Result<(), WireError> {
        let from = self.bytes.len();
        value.append_as_string(&mut self.bytes)?;
        self.end(from);
        Ok(())
    }

    /// Bytes in hexadecimal.
    #[inline]
    pub fn push_hex(&mut self, bytes: &[u8]) {
        let from = self.bytes.len();
        self.bytes.resize(from + bytes.len() * 2, 0);
        // Room for all of it is there, so it doesn't fail.
        let _ = const_hex::encode_to_slice(bytes, &mut self.bytes[from..]);
        self.ranges.push((from as u32, self.bytes.len() as u32));
    }

    /// An id in hexadecimal; nothing when it is absent or all zero.
    #[inline]
    pub fn push_id(&mut self, id: &[u8]) {
        match id.iter().all(|byte| *byte == 0) {
            true => self.push_bytes(&[]),
            false => self.push_hex(id),
        }
    }

    /// The last `count` once more.
    pub fn repeat(&mut self, count: usize) {
        self.ranges
            .extend_from_within(self.ranges.len().saturating_sub(count)..);
    }

    pub fn len(&self) -> usize {
        self.ranges.len()
    }

    #[inline]
    fn end(&mut self, from: usize) {
        if std::str::from_utf8(&self.bytes[from..]).is_err() {
            let mended = String::from_utf8_lossy(&self.bytes[from..]).into_owned();
            self.bytes.truncate(from);
            self.bytes.extend_from_slice(mended.as_bytes());
        }
        self.ranges.push((from as u32, self.bytes.len() as u32));
    }
}

impl Levels {
    pub fn push(&mut self, rep: i16, def: i16) {
        self.rep.push(rep);
        self.def.push(def);
    }
}

/// Attributes: `MAP<string, string>`. In a list of them, `depth` is 1, else 0.
#[derive(Debug, Default)]
pub struct Map {
    levels: Levels,
    keys: Texts,
    values: Texts,
    /// Where the last map begins in the levels.
    last: usize,
}

impl Map {
    /// Attributes in their order. Of several values of a key the last counts: readers refuse files whose maps have a key twice.
    ///
    /// `rep` is where the map stands in the list that it is in, `depth` in how many lists that is.
    pub fn push(
        &mut self,
        (rep, depth): (i16, i16),
        attributes: Attributes<'_>,
    ) -> std::result::Result<(), WireError> {
        self.last = self.levels.rep.len();
        let from = self.keys.len();
        let mut next = rep;
        for pair in attributes {
            let pair = pair?;
            self.levels.push(next, depth + 1);
            next = depth + 1;
            self.keys.push(pair.key);
            self.values.push_value(&pair.value)?;
        }
        if self.keys.len() == from {
            self.levels.push(rep, depth);
        } else {
            self.keep_last_of_each(from);
        }
        Ok(())
    }

    /// There is no map, since the list that it would be in is empty.
    pub fn push_absent(&mut self) {
        self.last = self.levels.rep.len();
        self.levels.push(0, 0);
    }

    /// The last map once more.
    pub fn repeat(&mut self) {
        let last = self.last;
        self.last = self.levels.rep.len();
        self.levels.rep.extend_from_within(last..);
        self.levels.def.extend_from_within(last..);
        let pairs = self.levels.def[self.last..].iter();
        let pairs = pairs.filter(|def| **def > 0).count();
        self.keys.repeat(pairs);
        self.values.repeat(pairs);
    }

    pub fn leaves(&mut self) -> [Leaf<'_>; 2] {
        [
            Leaf::nested(&self.levels, Values::Texts(&mut self.keys)),
            Leaf::nested(&self.levels, Values::Texts(&mut self.values)),
        ]
    }

    /// Takes out pairs whose key comes again. There are a few pairs, and hardly ever one to take out; of many, nobody may make quadratic work.
    fn keep_last_of_each(&mut self, from: usize) {
        let all = from..self.keys.len();
        let comes_again = |at: usize| {
            let key = self.keys.text(at);
            (at + 1..all.end).any(|later| self.keys.text(later) == key)
        };
        if all.len() <= FEW && !all.clone().any(comes_again) {
            return;
        }
        let mut seen = HashSet::with_capacity(all.len());
        let mut kept: Vec<usize> = all
            .rev()
            .filter(|at| seen.insert(self.keys.text(*at)))
            .collect();
        kept.reverse();
        // Its neighbours are as deep, and the first keeps its place.
        let levels = self.last + kept.len();
        self.levels.rep.truncate(levels);
        self.levels.def.truncate(levels);
        for texts in [&mut self.keys, &mut self.values] {
            let ranges: Vec<_> = kept.iter().map(|at| texts.ranges[*at]).collect();
            texts.ranges.truncate(from);
            texts.ranges.extend(ranges);
        }
    }
}

impl Texts {
    fn text(&self, index: usize) -> &[u8] {
        let (from, to) = self.ranges[index];
        &self.bytes[from as usize..to as usize]
    }

    /// Takes everything, in portions; the levels say which end with a row.
    fn write(
        &mut self,
        levels: Option<&Levels>,
        to: &mut ColumnWriterImpl<'_, ByteArrayType>,
    ) -> Result<()> {
        let bytes = Bytes::from(std::mem::take(&mut self.bytes));
        let ranges = std::mem::take(&mut self.ranges);
        let mut portion = Vec::with_capacity(PORTION.min(ranges.len()));
        let text =
            |(from, to): &(u32, u32)| ByteArray::from(bytes.slice(*from as usize..*to as usize));
        let Some(levels) = levels else {
            for ranges in ranges.chunks(PORTION) {
                portion.clear();
                portion.extend(ranges.iter().map(text));
                to.write_batch(&portion, None, None)?;
            }
            return Ok(());
        };
        let deepest = levels.def.iter().copied().max().unwrap_or(0);
        let (mut at, mut value) = (0, 0);
        while at < levels.rep.len() {
            let mut end = levels.rep.len().min(at + PORTION);
            while end < levels.rep.len() && levels.rep[end] != 0 {
                end += 1;
            }
            let def = &levels.def[at..end];
            // Where nothing is that deep, there are no values.
            let count = match ranges.is_empty() {
                true => 0,
                false => def.iter().filter(|def| **def == deepest).count(),
            };
            portion.clear();
            portion.extend(ranges[value..value + count].iter().map(text));
            to.write_batch(&portion, Some(def), Some(&levels.rep[at..end]))?;
            (at, value) = (end, value + count);
        }
        Ok(())
    }
}

impl<'a> Leaf<'a> {
    /// A column that has a value in each row.
    pub fn plain(values: Values<'a>) -> Self {
        Self {
            values,
            levels: None,
        }
    }

    /// A column of lists, or of values that may be absent.
    pub fn nested(levels: &'a Levels, values: Values<'a>) -> Self {
        Self {
            values,
            levels: Some(levels),
        }
    }

    /// Hands everything to the writer of the column, and forgets the values.
    pub fn write(self, column: &mut SerializedColumnWriter<'_>) -> Result<()> {
        macro_rules! write {
            ($values:ident, $to:ident) => {{
                let values = std::mem::take($values);
                let def = self.levels.map(|levels| &levels.def[..]);
                let rep = self.levels.map(|levels| &levels.rep[..]);
                $to.write_batch(&values, def, rep).map(|_| ())
            }};
        }
        match (self.values, column.untyped()) {
            (Values::Texts(texts), ColumnWriter::ByteArrayColumnWriter(to)) => {
                texts.write(self.levels, to)
            }
            (Values::Longs(values), ColumnWriter::Int64ColumnWriter(to)) => write!(values, to),
            (Values::Ints(values), ColumnWriter::Int32ColumnWriter(to)) => write!(values, to),
            (Values::Doubles(values), ColumnWriter::DoubleColumnWriter(to)) => write!(values, to),
            (Values::Bools(values), ColumnWriter::BoolColumnWriter(to)) => write!(values, to),
            _ => Err(ParquetError::General(
                "the schema has another type for a column".to_owned(),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use schemas::wire::put_len;

    use super::*;

    fn attributes(keys: impl Iterator<Item = usize>) -> Vec<u8> {
        let mut message = Vec::new();
        for (index, key) in keys.enumerate() {
            let (mut pair, mut value) = (Vec::new(), Vec::new());
            put_len(&mut value, 1, index.to_string().as_bytes());
            put_len(&mut pair, 1, format!("k{key}").as_bytes());
            put_len(&mut pair, 2, &value);
            put_len(&mut message, 9, &pair);
        }
        message
    }

    /// Of few pairs and of many.
    #[test]
    fn the_last_value_of_a_key_stays() {
        for count in [1, 3, FEW, FEW + 1, 1000] {
            let mut map = Map::default();
            let message = attributes((0..count).chain([0]));
            map.push((0, 0), Attributes::new(&message, 9)).unwrap();
            map.repeat();
            assert_eq!(map.keys.len(), 2 * count);
            assert_eq!(map.levels.rep.len(), 2 * count);
            assert_eq!(map.levels.rep.iter().filter(|rep| **rep == 0).count(), 2);
            let last = map.values.text(count - 1);
            assert_eq!(last, count.to_string().as_bytes());
            assert_eq!(map.keys.text(count - 1), b"k0");
        }
    }
}
