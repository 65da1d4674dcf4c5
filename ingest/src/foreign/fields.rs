//! Reading single fields of a foreign protobuf message, with the field's name in what is said of its faults.

use schemas::wire::{Field, Fields, WireError};

use super::malformed::Malformed;

/// Walks over a message's fields; `read` gets each, and says which field it is when that is malformed.
pub fn each_field<'a>(
    message: &'a [u8],
    mut read: impl FnMut(Field<'a>) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    Fields::new(message).try_for_each(|field| read(field?))
}

pub fn text<'a>(field: &Field<'a>, name: &str) -> Result<&'a str, Malformed> {
    let bytes = bytes(field, name)?;
    str::from_utf8(bytes).map_err(|_| Malformed::new("not UTF-8").within(name))
}

pub fn bytes<'a>(field: &Field<'a>, name: &str) -> Result<&'a [u8], Malformed> {
    of(field.len_value(), name)
}

pub fn varint(field: &Field<'_>, name: &str) -> Result<u64, Malformed> {
    of(field.varint_value(), name)
}

pub fn fixed64(field: &Field<'_>, name: &str) -> Result<u64, Malformed> {
    of(field.fixed64_value(), name)
}

fn of<T>(read: Result<T, WireError>, name: &str) -> Result<T, Malformed> {
    read.map_err(|error| Malformed::from(error).within(name))
}

/// An id of 8 bytes.
pub fn id8(field: &Field<'_>, name: &str) -> Result<[u8; 8], Malformed> {
    let id = bytes(field, name)?;
    let length = |_| Malformed::new(format_args!("{} bytes, not 8", id.len())).within(name);
    id.try_into().map_err(length)
}

/// An id of 16 bytes, or of 8, which are its lower half.
pub fn id16(field: &Field<'_>, name: &str) -> Result<[u8; 16], Malformed> {
    let id = bytes(field, name)?;
    let mut whole = [0; 16];
    match id.len() {
        8 | 16 => whole[16 - id.len()..].copy_from_slice(id),
        length => {
            let told = format_args!("{length} bytes, not 16 or 8").to_string();
            return Err(Malformed::new(told).within(name));
        }
    }
    Ok(whole)
}
