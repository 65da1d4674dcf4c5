//! Whose traces the entries are about: few tenants have many traces, so each name stands once, and entries name it by index.

use bytes::Bytes;

use super::Decision;
use super::reader::{DecisionError, Reader};
use crate::wire::put_varint;

/// The names, and by entry 0 for the default tenant or 1 + the name's index.
pub(super) fn put(out: &mut Vec<u8>, tenants: &[Bytes], entries: &[Decision]) {
    put_varint(out, tenants.len() as u64);
    for tenant in tenants {
        put_varint(out, tenant.len() as u64);
        out.extend_from_slice(tenant);
    }
    for entry in entries {
        put_varint(out, entry.tenant.map_or(0, |at| u64::from(at) + 1));
    }
}

/// The names; the entries get their indexes.
pub(super) fn read(
    reader: &mut Reader<'_>,
    entries: &mut [Decision],
) -> Result<Vec<Bytes>, DecisionError> {
    let count = reader.count(1)?;
    if count == 0 {
        return Err(DecisionError::Inconsistent("version 4 without tenants"));
    }
    let mut tenants = Vec::with_capacity(count);
    for _ in 0..count {
        let length = reader.count(1)?;
        tenants.push(Bytes::copy_from_slice(reader.bytes(length)?));
    }
    for entry in entries {
        let index = reader.index(count + 1, "a tenant out of range")?;
        entry.tenant = index.checked_sub(1);
    }
    Ok(tenants)
}
