//! Parquet: one table a signal, with the columns of the Collector's ClickHouse exporter, an object a file. Written by column straight from the bytes of
//! the items; there is no Arrow, and nothing is read. Pure.

mod file;
mod head;
mod leaf;
mod logs;
mod many;
mod points;
mod spans;
mod table;

use schemas::Signal;
use schemas::otlp::Items;

use crate::backends::object_store::objects::{Key, Keys, Object};
use crate::records::batch::Batch;
use file::{File, Form};
use table::{Row, Table};

/// The forms of all signals' files.
pub struct Forms {
    spans: Form,
    logs: Form,
    points: Form,
}

impl Forms {
    /// # Errors
    /// Never: the schemas are ours.
    pub fn new(raw: bool, zstd: bool) -> anyhow::Result<Self> {
        Ok(Self {
            spans: Form::of::<spans::Spans>(raw, zstd)?,
            logs: Form::of::<logs::Logs>(raw, zstd)?,
            points: Form::of::<points::Points>(raw, zstd)?,
        })
    }

    /// The objects of a batch.
    ///
    /// # Errors
    /// One of its records is malformed, or it would make too many objects.
    pub fn encode<'a>(
        &self,
        signal: Signal,
        batch: &'a Batch,
        keys: &Keys,
    ) -> Result<Vec<Object<'a>>, String> {
        match signal {
            Signal::Traces => encode::<spans::Spans>(&self.spans, batch, keys),
            Signal::Logs => encode::<logs::Logs>(&self.logs, batch, keys),
            Signal::Metrics => encode::<points::Points>(&self.points, batch, keys),
        }
    }
}

fn encode<'a, T: Table>(
    form: &Form,
    batch: &'a Batch,
    keys: &Keys,
) -> Result<Vec<Object<'a>>, String> {
    let footer = footer(batch);
    let mut files: Vec<(Key<'a>, File<'a, T>)> = Vec::new();
    for (index, entry) in batch.entries.iter().enumerate() {
        let tenant = entry.tenant().unwrap_or_default();
        let placed = |error: String| format!("{}: {error}", batch.place_of(index));
        // Rows of one object mostly follow each other.
        let mut last = 0;
        for item in Items::new(&entry.record.value) {
            let item = item.map_err(|error| placed(error.to_string()))?;
            let rows = T::rows(&item, |row| {
                if row.is_empty() && !form.raw {
                    return Ok(());
                }
                let key = keys.of(tenant, row.time_unix_nano());
                if files.get(last).is_none_or(|(of, _)| *of != key) {
                    last = open(&mut files, key, keys, form, &footer)?;
                }
                files[last].1.push(&item, tenant, row)
            });
            rows.map_err(placed)?;
        }
    }
    let finish = |(key, file): (Key<'a>, File<'a, T>)| {
        let bytes = file.finish().map_err(|error| error.to_string())?;
        Ok(Object {
            key,
            bytes: bytes.into(),
        })
    };
    files.into_iter().map(finish).collect()
}

/// The place of the file for a key, which is begun if there is none.
fn open<'a, T: Table>(
    files: &mut Vec<(Key<'a>, File<'a, T>)>,
    key: Key<'a>,
    keys: &Keys,
    form: &Form,
    footer: &[(&str, String)],
) -> Result<usize, String> {
    let place = |files: &[(Key<'a>, _)], key: &Key<'a>| files.iter().position(|(of, _)| of == key);
    if let Some(place) = place(files, &key) {
        return Ok(place);
    }
    let key = keys.within_bounds(key, files.len())?;
    if let Some(place) = place(files, &key) {
        return Ok(place);
    }
    let file = File::new(form, footer).map_err(|error| error.to_string())?;
    files.push((key, file));
    Ok(files.len() - 1)
}

/// At most so many tenants are named in a footer.
const TENANTS_MAX: usize = 100;

/// What the file is of.
fn footer(batch: &Batch) -> Vec<(&'static str, String)> {
    let mut tenants: Vec<_> = batch
        .entries
        .iter()
        .filter_map(|entry| entry.tenant())
        .collect();
    tenants.sort_unstable();
    tenants.dedup();
    tenants.truncate(TENANTS_MAX);
    let tenants: Vec<_> = tenants.into_iter().map(String::from_utf8_lossy).collect();
    let mut footer = vec![
        ("tailwater.version", "1".to_owned()),
        ("tailwater.tenants", serde_json::json!(tenants).to_string()),
    ];
    if let Some(range) = batch.range() {
        footer.extend([
            ("tailwater.topic", range.topic.to_string()),
            ("tailwater.partition", range.partition.to_string()),
            ("tailwater.first_offset", range.first.to_string()),
            ("tailwater.last_offset", range.last.to_string()),
        ]);
    }
    footer
}
