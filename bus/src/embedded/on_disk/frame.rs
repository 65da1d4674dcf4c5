//! How a record lies in the store: one value, with a version byte first.
//!
//! ```text
//! u8 version = 1 | u8 flags (1 = lz4) | u64 BE timestamp ms | u32 BE length of the payload as published
//! varint headers { varint length, name, varint length, value } | payload, or one lz4 block of it
//! ```
//!
//! Compression is done here and not in fjall, so that a record is compressed once for journal, memtable and
//! table together (fjall would do it at each, and once more for every record it reads back from its journal at
//! open). There is no checksum: fjall has one on every journal batch and every block it reads.

use std::sync::Arc;

use bytes::Bytes;
use lz4::block;

use crate::{Error, Header, Record};

/// The largest value of one record.
pub const RECORD_BYTES_MAX: usize = 4 << 20;
const VERSION: u8 = 1;
const FLAG_LZ4: u8 = 1;
const FIXED_BYTES: usize = 14;
/// Below this compression gains less than a call costs.
const COMPRESS_BYTES_MIN: usize = 512;

/// A record as it came out of the store.
#[derive(Debug)]
pub(in crate::embedded) struct Framed {
    pub timestamp_ms: u64,
    pub headers: Vec<Header>,
    pub value: Bytes,
}

/// Encodes a record. `scratch` is reused between calls, so that the result can be allocated at its exact size.
pub(in crate::embedded) fn encode(
    record: &Record,
    timestamp_ms: u64,
    scratch: &mut Vec<u8>,
) -> Vec<u8> {
    let headers_bytes: usize = record
        .headers
        .iter()
        .map(|header| header.name.len() + header.value.len() + 20)
        .sum();
    let value = &record.value[..];
    let mut compressed = None;
    if value.len() >= COMPRESS_BYTES_MIN {
        scratch.resize(block::compress_bound(value.len()).unwrap_or(0), 0);
        if let Ok(length) = block::compress_to_buffer(value, None, false, scratch)
            && length < value.len() / 10 * 9
        {
            compressed = Some(&scratch[..length]);
        }
    }
    let payload = compressed.unwrap_or(value);
    let mut out = Vec::with_capacity(FIXED_BYTES + 10 + headers_bytes + payload.len());
    out.push(VERSION);
    out.push(if compressed.is_some() { FLAG_LZ4 } else { 0 });
    out.extend_from_slice(&timestamp_ms.to_be_bytes());
    out.extend_from_slice(&(value.len() as u32).to_be_bytes());
    put_varint(&mut out, record.headers.len() as u64);
    for header in &record.headers {
        put_varint(&mut out, header.name.len() as u64);
        out.extend_from_slice(header.name.as_bytes());
        put_varint(&mut out, header.value.len() as u64);
        out.extend_from_slice(&header.value);
    }
    out.extend_from_slice(payload);
    out
}

/// The timestamp alone, without decompressing.
pub(in crate::embedded) fn timestamp_ms(frame: &[u8]) -> Result<u64, &'static str> {
    match frame.first_chunk::<10>() {
        Some([VERSION, _, time @ ..]) => Ok(u64::from_be_bytes(*time)),
        Some(_) => Err("unknown version"),
        None => Err("too short"),
    }
}

/// Decodes a record; an uncompressed payload shares the memory of `frame`.
pub(in crate::embedded) fn decode(frame: &Bytes) -> Result<Framed, &'static str> {
    let timestamp_ms = timestamp_ms(frame)?;
    let fixed = frame.first_chunk::<FIXED_BYTES>().ok_or("too short")?;
    let flags = fixed[1];
    let length = u32::from_be_bytes([fixed[10], fixed[11], fixed[12], fixed[13]]) as usize;
    let mut at = FIXED_BYTES;
    let count = get_varint(frame, &mut at)?;
    let mut headers = Vec::with_capacity(count.min(16));
    for _ in 0..count {
        let name = get_slice(frame, &mut at)?;
        let name = std::str::from_utf8(&frame[name]).map_err(|_| "header name isn't utf-8")?;
        let name = Arc::from(name);
        let value = frame.slice(get_slice(frame, &mut at)?);
        headers.push(Header { name, value });
    }
    let payload = frame.slice(at..);
    let value = if flags & FLAG_LZ4 == 0 {
        payload
    } else {
        if length > RECORD_BYTES_MAX {
            return Err("lying length");
        }
        let bytes = i32::try_from(length).map_err(|_| "lying length")?;
        let value = block::decompress(&payload, Some(bytes)).map_err(|_| "damaged lz4 block")?;
        // A header would otherwise keep the compressed payload alive beside the value.
        for header in &mut headers {
            header.value = Bytes::copy_from_slice(&header.value);
        }
        Bytes::from(value)
    };
    if value.len() != length {
        return Err("lying length");
    }
    Ok(Framed {
        timestamp_ms,
        headers,
        value,
    })
}

pub(in crate::embedded) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn get_varint(from: &[u8], at: &mut usize) -> Result<usize, &'static str> {
    let mut value = 0_u64;
    for shift in (0..32).step_by(7) {
        let byte = *from.get(*at).ok_or("truncated")?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value as usize);
        }
    }
    Err("varint too long")
}

fn get_slice(from: &[u8], at: &mut usize) -> Result<std::ops::Range<usize>, &'static str> {
    let length = get_varint(from, at)?;
    let start = *at;
    let end = start.checked_add(length).ok_or("lying length")?;
    if end > from.len() {
        return Err("truncated");
    }
    *at = end;
    Ok(start..end)
}

/// Refuses what no record may be.
pub(in crate::embedded) fn check_size(record: &Record) -> crate::Result<()> {
    match record.value.len() {
        bytes if bytes > RECORD_BYTES_MAX => Err(Error::RecordTooLarge {
            bytes,
            limit: RECORD_BYTES_MAX,
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record() -> impl Strategy<Value = Record> {
        let header = ("[a-z.]{0,20}", prop::collection::vec(any::<u8>(), 0..40)).prop_map(
            |(name, value)| Header {
                name: name.into(),
                value: value.into(),
            },
        );
        let value = prop_oneof![
            prop::collection::vec(any::<u8>(), 0..3000),
            (any::<u8>(), 0..5000_usize).prop_map(|(byte, count)| vec![byte; count]),
        ];
        (prop::collection::vec(header, 0..4), value).prop_map(|(headers, value)| Record {
            headers,
            value: value.into(),
        })
    }

    proptest! {
        /// What went in comes out, compressed or not.
        #[test]
        fn round_trip(record in record(), time in any::<u64>()) {
            let frame = Bytes::from(encode(&record, time, &mut Vec::new()));
            prop_assert_eq!(timestamp_ms(&frame).unwrap(), time);
            let framed = decode(&frame).unwrap();
            prop_assert_eq!(framed.timestamp_ms, time);
            prop_assert_eq!(framed.headers, record.headers);
            prop_assert_eq!(framed.value, record.value);
        }

        /// A damaged frame is an error or another record, never a panic.
        #[test]
        fn damage_never_panics(record in record(), cut in 0..100_usize, at in 0..100_usize, to in any::<u8>()) {
            let mut frame = encode(&record, 7, &mut Vec::new());
            frame.truncate(frame.len().saturating_sub(cut));
            if let Some(byte) = frame.get_mut(at) {
                *byte = to;
            }
            let _ = decode(&Bytes::from(frame));
        }
    }

    /// Repetitive payload shrinks, and an uncompressed one is not copied on the way out.
    #[test]
    fn compresses_what_gains() {
        let mut scratch = Vec::new();
        let repetitive = Record {
            headers: vec![],
            value: Bytes::from(vec![b'x'; 100_000]),
        };
        assert!(encode(&repetitive, 0, &mut scratch).len() < 2_000);
        let small = Record {
            headers: vec![],
            value: Bytes::from_static(b"small"),
        };
        let frame = Bytes::from(encode(&small, 0, &mut scratch));
        let value = decode(&frame).unwrap().value;
        assert_eq!(value.as_ptr(), frame[frame.len() - 5..].as_ptr());
    }
}
