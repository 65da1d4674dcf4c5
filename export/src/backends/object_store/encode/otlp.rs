//! OTLP as it came: requests with their length before each (a varint, as protobuf's `writeDelimitedTo` has it), or a request in JSON on each line. Pure.

use std::io::{self, Write};

use flate2::write::GzEncoder;
use schemas::Signal;
use schemas::otlp::{Item, Items, LogRest, LogView, MetricView, SpanView};
use schemas::pack::Packer;
use schemas::wire::{WireError, put_varint};

use crate::backends::object_store::config::{Compression, Format};
use crate::backends::object_store::objects::{Key, Keys, Object};
use crate::records::batch::Batch;
use crate::records::entry::Entry;

/// What is written of an object so far.
enum Writer {
    Plain(Vec<u8>),
    Gzip(GzEncoder<Vec<u8>>),
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
}

/// The objects of a batch. `format` isn't Parquet.
///
/// # Errors
/// One of its records is malformed, or it would make too many objects.
pub fn encode<'a>(
    signal: Signal,
    batch: &'a Batch,
    keys: &Keys,
    format: Format,
    compression: Compression,
) -> Result<Vec<Object<'a>>, String> {
    let mut objects: Vec<(Key<'a>, Writer)> = Vec::new();
    let mut scratch = Vec::new();
    for (index, entry) in batch.entries.iter().enumerate() {
        let placed = |error: String| format!("{}: {error}", batch.place_of(index));
        let mut put = |key: Key<'a>, request: &[u8]| {
            scratch.clear();
            match format {
                Format::OtlpJson => {
                    schemas::json::from_protobuf(signal, request, &mut scratch)
                        .map_err(|error| format!("can't be written as JSON: {error}"))?;
                    scratch.push(b'\n');
                }
                _ => put_varint(&mut scratch, request.len() as u64),
            }
            let at = place(&mut objects, key, keys, compression)?;
            let written = objects[at]
                .1
                .write_all(&scratch)
                .and_then(|()| match format {
                    Format::OtlpJson => Ok(()),
                    _ => objects[at].1.write_all(request),
                });
            written.map_err(|error| error.to_string())
        };
        let put = match keys.by_item {
            false => put(
                keys.of(entry.tenant().unwrap_or_default(), 0),
                &entry.record.value,
            ),
            true => by_item(signal, entry, keys, put),
        };
        put.map_err(placed)?;
    }
    let finish = |(key, writer): (Key<'a>, Writer)| {
        let bytes = writer.finish().map_err(|error| error.to_string())?;
        Ok(Object {
            key,
            bytes: bytes.into(),
        })
    };
    objects.into_iter().map(finish).collect()
}

/// The record as it is where all its items have one key, else a request for each key.
fn by_item<'a>(
    signal: Signal,
    entry: &'a Entry,
    keys: &Keys,
    mut put: impl FnMut(Key<'a>, &[u8]) -> Result<(), String>,
) -> Result<(), String> {
    let tenant = entry.tenant().unwrap_or_default();
    let failed = |error: WireError| error.to_string();
    let mut packers: Vec<(Key<'a>, Packer)> = Vec::new();
    for item in Items::new(&entry.record.value) {
        let item = item.map_err(failed)?;
        let key = keys.of(tenant, time(signal, &item).map_err(failed)?);
        let at = match packers.iter().position(|(of, _)| *of == key) {
            Some(at) => at,
            None => {
                let key = keys.within_bounds(key, packers.len())?;
                packers.push((key, Packer::new()));
                packers.len() - 1
            }
        };
        packers[at].1.push(&item);
    }
    match &mut packers[..] {
        [] => put(keys.of(tenant, 0), &entry.record.value),
        [(key, _)] => put(*key, &entry.record.value),
        several => several
            .iter_mut()
            .try_for_each(|(key, packer)| put(*key, &packer.finish())),
    }
}

/// Of an item, in nanoseconds since 1970; of a metric that of its first point.
fn time(signal: Signal, item: &Item<'_>) -> Result<u64, WireError> {
    Ok(match signal {
        Signal::Traces => SpanView::parse(item.body)?.start_unix_nano,
        Signal::Logs => match LogView::parse(item.body)?.time_unix_nano {
            0 => LogRest::parse(item.body)?.observed_time_unix_nano,
            time => time,
        },
        Signal::Metrics => match MetricView::parse(item.body)?.points().next() {
            Some(point) => schemas::otlp::point::PointFields::of(point?)?.time_unix_nano,
            None => 0,
        },
    })
}

fn place<'a>(
    objects: &mut Vec<(Key<'a>, Writer)>,
    key: Key<'a>,
    keys: &Keys,
    compression: Compression,
) -> Result<usize, String> {
    let known =
        |objects: &[(Key<'a>, Writer)], key: Key<'a>| objects.iter().position(|(of, _)| *of == key);
    if let Some(at) = known(objects, key) {
        return Ok(at);
    }
    let key = keys.within_bounds(key, objects.len())?;
    if let Some(at) = known(objects, key) {
        return Ok(at);
    }
    let writer = Writer::new(compression).map_err(|error| error.to_string())?;
    objects.push((key, writer));
    Ok(objects.len() - 1)
}

impl Writer {
    fn new(compression: Compression) -> io::Result<Self> {
        Ok(match compression {
            Compression::None => Self::Plain(Vec::new()),
            Compression::Gzip => {
                Self::Gzip(GzEncoder::new(Vec::new(), flate2::Compression::default()))
            }
            Compression::Zstd => Self::Zstd(zstd::stream::write::Encoder::new(
                Vec::new(),
                zstd::DEFAULT_COMPRESSION_LEVEL,
            )?),
        })
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(out) => out.write_all(bytes),
            Self::Gzip(out) => out.write_all(bytes),
            Self::Zstd(out) => out.write_all(bytes),
        }
    }

    fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Plain(out) => Ok(out),
            Self::Gzip(out) => out.finish(),
            Self::Zstd(out) => out.finish(),
        }
    }
}
