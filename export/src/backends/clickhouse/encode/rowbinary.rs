//! Values as RowBinary has them: little-endian numbers, texts with their length, lists and maps with their count before them.
//! Source: <https://clickhouse.com/docs/interfaces/formats/RowBinary>.

use schemas::otlp::{AnyValue, Attributes};
use schemas::wire::{WireError, put_varint};

use crate::backends::clickhouse::schema::column::Wire;

const NANOS: u64 = 1_000_000_000;

#[inline]
pub fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    put_varint(out, text.len() as u64);
    out.extend_from_slice(text);
}

/// An id in hexadecimal; nothing when it is absent or all zero.
#[inline]
pub fn put_id(out: &mut Vec<u8>, id: &[u8]) {
    match id.iter().all(|byte| *byte == 0) {
        true => out.push(0),
        false => put_hex(out, id),
    }
}

/// Bytes in hexadecimal.
#[inline]
pub fn put_hex(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64 * 2);
    let from = out.len();
    out.resize(from + bytes.len() * 2, 0);
    // Room for all of it is there, so it doesn't fail.
    let _ = const_hex::encode_to_slice(bytes, &mut out[from..]);
}

/// Time in nanoseconds since 1970; beyond what the column can hold, the latest that it can.
#[inline]
pub fn put_time(out: &mut Vec<u8>, nanos: u64, wire: Wire) {
    match wire {
        Wire::Ticks(of_nanos) => {
            let ticks = nanos / u64::from(of_nanos.max(1));
            let ticks = i64::try_from(ticks).unwrap_or(i64::MAX);
            out.extend_from_slice(&ticks.to_le_bytes());
        }
        // There is no other type for time.
        _ => {
            let seconds = u32::try_from(nanos / NANOS).unwrap_or(u32::MAX);
            out.extend_from_slice(&seconds.to_le_bytes());
        }
    }
}

/// An integer; beyond what the column can hold, the nearest that it can.
#[inline]
pub fn put_integer(out: &mut Vec<u8>, value: i128, wire: Wire) {
    let (bytes, min, max) = match wire {
        Wire::Unsigned(bytes) => (bytes, 0, (1_i128 << (8 * bytes)) - 1),
        Wire::Signed(bytes) => {
            let half = 1_i128 << (8 * bytes - 1);
            (bytes, -half, half - 1)
        }
        // There is no other type for integers.
        _ => return,
    };
    let value = value.clamp(min, max).to_le_bytes();
    out.extend_from_slice(&value[..usize::from(bytes)]);
}

#[inline]
pub fn put_float(out: &mut Vec<u8>, value: f64) {
    out.extend_from_slice(&value.to_le_bytes());
}

/// Attributes as a map, in their order; keys that appear twice stay twice.
#[inline]
pub fn put_map(out: &mut Vec<u8>, attributes: Attributes<'_>) -> Result<(), WireError> {
    put_many(out, attributes, |out, pair| {
        put_text(out, pair.key);
        put_value(out, &pair.value)
    })
}

/// A value as text.
#[inline]
pub fn put_value(out: &mut Vec<u8>, value: &AnyValue<'_>) -> Result<(), WireError> {
    if let AnyValue::String(text) = value {
        put_text(out, text);
        return Ok(());
    }
    counted(out, |out| {
        let from = out.len();
        value.append_as_string(out)?;
        Ok(out.len() - from)
    })
}

/// An array.
#[inline]
pub fn put_many<T>(
    out: &mut Vec<u8>,
    all: impl Iterator<Item = Result<T, WireError>>,
    mut put: impl FnMut(&mut Vec<u8>, T) -> Result<(), WireError>,
) -> Result<(), WireError> {
    counted(out, |out| {
        let mut count = 0;
        for one in all {
            put(out, one?)?;
            count += 1;
        }
        Ok(count)
    })
}

/// What is written, behind the count that is known only then. Nearly all counts take one byte.
#[inline]
fn counted(
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut Vec<u8>) -> Result<usize, WireError>,
) -> Result<(), WireError> {
    let at = out.len();
    out.push(0);
    let count = write(out)?;
    if count < 0x80 {
        out[at] = count as u8;
    } else {
        let mut varint = Vec::with_capacity(10);
        put_varint(&mut varint, count as u64);
        out.splice(at..=at, varint);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn put(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out);
        out
    }

    #[test]
    fn numbers_and_times_stay_within_their_columns() {
        let integer = |value, wire| put(|out| put_integer(out, value, wire));
        assert_eq!(integer(258, Wire::Unsigned(2)), [2, 1]);
        assert_eq!(integer(256, Wire::Unsigned(1)), [255]);
        assert_eq!(integer(-1, Wire::Unsigned(8)), [0; 8]);
        assert_eq!(integer(-1, Wire::Signed(4)), [255; 4]);
        assert_eq!(integer(i128::from(u64::MAX), Wire::Unsigned(8)), [255; 8]);
        assert_eq!(
            integer(i128::from(u64::MAX), Wire::Signed(8)),
            i64::MAX.to_le_bytes()
        );
        let time = |nanos, wire| put(|out| put_time(out, nanos, wire));
        assert_eq!(time(1_999_999_999, Wire::Seconds), [1, 0, 0, 0]);
        assert_eq!(time(u64::MAX, Wire::Seconds), [255; 4]);
        assert_eq!(time(u64::MAX, Wire::Ticks(1)), i64::MAX.to_le_bytes());
        assert_eq!(time(5_000_001, Wire::Ticks(1_000_000)), 5_i64.to_le_bytes());
    }

    #[test]
    fn ids_are_hexadecimal_or_nothing() {
        let id = |id: &[u8]| put(|out| put_id(out, id));
        assert_eq!(id(&[]), [0]);
        assert_eq!(id(&[0; 16]), [0]);
        assert_eq!(id(&[0, 0xab]), b"\x0400ab");
        assert_eq!(put(|out| put_hex(out, &[0; 2])), b"\x040000");
    }

    /// Where the count takes more than the byte that was left for it.
    #[test]
    fn long_lists_and_texts() {
        for length in [0, 1, 127, 128, 16_383, 16_384] {
            let all = (0..length).map(|_| Ok(7));
            let found = put(|out| {
                put_many(out, all, |out, byte: u8| {
                    out.push(byte);
                    Ok(())
                })
                .unwrap();
            });
            let mut expected = Vec::new();
            put_varint(&mut expected, length);
            expected.extend(vec![7; length as usize]);
            assert_eq!(found, expected);
        }
        let bytes = vec![0; 300];
        let found = put(|out| put_value(out, &AnyValue::Bytes(&bytes)).unwrap());
        let mut expected = Vec::new();
        put_text(&mut expected, "A".repeat(400).as_bytes());
        assert_eq!(found, expected);
    }
}
