//! One file: rows come in, and every so often a row group goes out. Pure.

use std::sync::Arc;

use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::{ColumnPath, TypePtr};
use schemas::otlp::Item;
use schemas::pack::Packer;

use super::head::{self, Head};
use super::leaf::{Leaf, Levels, Texts, Values};
use super::table::{Row, Table};
use crate::transport::client::USER_AGENT;

/// A row group ends at so many rows, or at so many bytes of items: so much is held by column before it is compressed.
const GROUP_ROWS: usize = 100_000;
const GROUP_BYTES: usize = 32 << 20;

const RAW: &str = "OPTIONAL BYTE_ARRAY Raw;";

/// What is the same for all files of a signal.
pub struct Form {
    schema: TypePtr,
    properties: Arc<WriterProperties>,
    /// There is a column of whole items.
    pub raw: bool,
}

/// A file that is being written.
pub struct File<'a, T> {
    writer: SerializedFileWriter<Vec<u8>>,
    head: Head<'a>,
    table: T,
    raw: Option<Raw>,
    rows: usize,
    bytes: usize,
}

/// The column of whole items: a request with one item each, so that all of them one behind the other are a request again.
#[derive(Default)]
struct Raw {
    levels: Levels,
    values: Texts,
    packer: Packer,
}

impl Form {
    /// # Errors
    /// Never: the schema is ours.
    pub fn of<T: Table>(raw: bool, zstd: bool) -> Result<Self, ParquetError> {
        let own = if raw { RAW } else { "" };
        let schema = format!("message rows {{ {} {} {own} }}", T::SCHEMA, head::SCHEMA);
        let compression = match zstd {
            true => Compression::ZSTD(ZstdLevel::default()),
            false => Compression::UNCOMPRESSED,
        };
        let mut properties = WriterProperties::builder()
            .set_created_by(USER_AGENT.to_owned())
            .set_compression(compression)
            .set_statistics_enabled(EnabledStatistics::None)
            .set_offset_index_disabled(true);
        let path = |name: &&str| ColumnPath::from(*name);
        for name in T::BOUNDED.iter().chain(&["ServiceName", "Tenant"]) {
            properties =
                properties.set_column_statistics_enabled(path(name), EnabledStatistics::Chunk);
        }
        for name in T::UNIQUE.iter().chain(T::TIMES).chain(&["Raw"]) {
            properties = properties.set_column_dictionary_enabled(path(name), false);
        }
        for name in T::TIMES {
            properties = properties.set_column_encoding(path(name), Encoding::DELTA_BINARY_PACKED);
        }
        Ok(Self {
            schema: Arc::new(parse_message_type(&schema)?),
            properties: Arc::new(properties.build()),
            raw,
        })
    }
}

impl<'a, T: Table> File<'a, T> {
    /// # Errors
    /// Writing to memory doesn't fail.
    pub fn new(form: &Form, footer: &[(&str, String)]) -> Result<Self, ParquetError> {
        let mut writer =
            SerializedFileWriter::new(Vec::new(), form.schema.clone(), form.properties.clone())?;
        for (key, value) in footer {
            writer.append_key_value_metadata(KeyValue::new((*key).to_owned(), value.clone()));
        }
        Ok(Self {
            writer,
            head: Head::default(),
            table: T::default(),
            raw: form.raw.then(Raw::default),
            rows: 0,
            bytes: 0,
        })
    }

    /// Appends a row of an item.
    ///
    /// # Errors
    /// The row is malformed; then the file can't be used any more.
    pub fn push(
        &mut self,
        item: &Item<'a>,
        tenant: &'a [u8],
        row: &T::Row<'_>,
    ) -> Result<(), String> {
        let failed = |error: schemas::wire::WireError| error.to_string();
        self.table.push(row).map_err(failed)?;
        self.head.push(item, tenant).map_err(failed)?;
        if let Some(raw) = &mut self.raw {
            self.bytes += raw.push(item, row.is_first());
        }
        self.rows += 1;
        self.bytes += if row.is_first() { item.body.len() } else { 0 };
        if self.rows >= GROUP_ROWS || self.bytes >= GROUP_BYTES {
            self.end_group().map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// The whole file.
    ///
    /// # Errors
    /// Compression failed.
    pub fn finish(mut self) -> Result<Vec<u8>, ParquetError> {
        self.end_group()?;
        self.writer.into_inner()
    }

    fn end_group(&mut self) -> Result<(), ParquetError> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        let raw = self.raw.as_mut().map(Raw::leaf);
        let leaves = self.table.leaves().into_iter();
        for leaf in leaves.chain(self.head.leaves()).chain(raw) {
            let column = group.next_column()?;
            let mut column = column.ok_or_else(|| {
                ParquetError::General("the schema has fewer columns than the table".to_owned())
            })?;
            leaf.write(&mut column)?;
            column.close()?;
        }
        group.close()?;
        self.table = T::default();
        self.head = Head::default();
        self.raw = self.raw.is_some().then(Raw::default);
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }
}

impl Raw {
    /// How many bytes it holds more. A resource that is large comes with each of its items.
    fn push(&mut self, item: &Item<'_>, is_first: bool) -> usize {
        self.levels.push(0, i16::from(is_first));
        if !is_first {
            return 0;
        }
        self.packer.begin_source();
        self.packer.push(item);
        let bytes = self.packer.finish();
        self.values.push_bytes(&bytes);
        bytes.len()
    }

    fn leaf(&mut self) -> Leaf<'_> {
        Leaf::nested(&self.levels, Values::Texts(&mut self.values))
    }
}
