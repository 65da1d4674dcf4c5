//! Columns of names that few entries have, or that many share: each name stands once, and entries give it by index.

use bytes::Bytes;

use super::reader::{DecisionError, Reader};
use crate::wire::put_varint;

/// The names, and by entry 0 for none or 1 + the name's index.
pub(super) fn put(out: &mut Vec<u8>, names: &[Bytes], indexes: impl Iterator<Item = Option<u32>>) {
    put_varint(out, names.len() as u64);
    for name in names {
        put_varint(out, name.len() as u64);
        out.extend_from_slice(name);
    }
    for index in indexes {
        put_varint(out, index.map_or(0, |at| u64::from(at) + 1));
    }
}

/// The names; each of `indexes` is set, in order. `out_of_range`: what is said of an index without a name.
pub(super) fn read<'e>(
    reader: &mut Reader<'_>,
    indexes: impl Iterator<Item = &'e mut Option<u32>>,
    out_of_range: &'static str,
) -> Result<Vec<Bytes>, DecisionError> {
    let count = reader.count(1)?;
    let mut names = Vec::with_capacity(count);
    for _ in 0..count {
        let length = reader.count(1)?;
        names.push(Bytes::copy_from_slice(reader.bytes(length)?));
    }
    for index in indexes {
        let found = reader.index(count + 1, out_of_range)?;
        *index = found.checked_sub(1);
    }
    Ok(names)
}
