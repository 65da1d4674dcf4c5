//! The full check of a request or an item: is it what every other reader of protobuf takes?
//!
//! The views check what they read. Where telemetry of many senders is put into one record, that isn't enough: one
//! attribute with broken framing, deep inside a span, would make the whole record unreadable to a strict decoder.

use super::Signal;
use super::schema::{self, Field, Kind, Message, Presence};
use crate::wire::{self, Fields, Value, WireError, delimited, read_varint, whole};

/// How deep messages may be nested: what prost allows, so that whatever passes here can be decoded anywhere.
pub(crate) const DEPTH_MAX: usize = 100;

/// What is wrong with something that is well-formed as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A string in this field is not UTF-8.
    Utf8 { field: u32 },
    /// A trace or span id has a wrong length, wherever it stands. An empty one is absent.
    Id,
}

/// One span, log record or metric that was checked: its ids as they were sent, and what is wrong with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checked<'a> {
    pub trace_id: &'a [u8],
    pub span_id: &'a [u8],
    pub fault: Option<Fault>,
}

/// Checks a whole export request: framing, wire types, UTF-8 and depth of all fields that OTLP knows.
///
/// # Errors
/// The first thing that a strict decoder would refuse. Ids of a wrong length are no error here.
pub fn check_request(signal: Signal, request: &[u8]) -> Result<(), WireError> {
    let mut faults = Faults::default();
    check(schema::request(signal), request, 0, &mut faults)?;
    match faults.utf8 {
        Some(field) => Err(WireError::Utf8 { field }),
        None => Ok(()),
    }
}

/// Checks one span, log record or metric as [`check_request`] does, and its ids besides, in one walk.
///
/// # Errors
/// The item is not protobuf of its type. Faults that harm no other item are returned instead.
pub fn check_item(signal: Signal, body: &[u8]) -> Result<Checked<'_>, WireError> {
    let (trace_id, span_id) = match signal {
        Signal::Traces => (1, 2),
        Signal::Logs => (9, 10),
        Signal::Metrics => (0, 0),
    };
    let mut checked = Checked::default();
    let mut faults = Faults::default();
    let of = schema::item(signal);
    walk(of, body, ITEM_DEPTH, &mut faults, |number, id| {
        if number == trace_id {
            checked.trace_id = id;
        } else if number == span_id {
            checked.span_id = id;
        }
    })?;
    checked.fault = faults.worst();
    Ok(checked)
}

/// Checks what stands round the scopes of a resource, as written by [`super::ResourceHead::write`].
///
/// # Errors
/// As [`check_item`].
pub fn check_resource(signal: Signal, head: &[u8]) -> Result<Option<Fault>, WireError> {
    let mut faults = Faults::default();
    check(schema::resource(signal), head, ITEM_DEPTH - 2, &mut faults)?;
    Ok(faults.worst())
}

/// Checks what stands round the items of a scope, as written by [`super::ScopeHead::write`].
///
/// # Errors
/// As [`check_item`].
pub fn check_scope(signal: Signal, head: &[u8]) -> Result<Option<Fault>, WireError> {
    let mut faults = Faults::default();
    check(schema::scope(signal), head, ITEM_DEPTH - 1, &mut faults)?;
    Ok(faults.worst())
}

/// Request, resource, scope, item.
const ITEM_DEPTH: usize = 3;

#[derive(Default)]
struct Faults {
    utf8: Option<u32>,
    id: bool,
}

impl Faults {
    fn worst(&self) -> Option<Fault> {
        let id = self.id.then_some(Fault::Id);
        self.utf8.map(|field| Fault::Utf8 { field }).or(id)
    }
}

fn check(
    of: &'static Message,
    message: &[u8],
    depth: usize,
    faults: &mut Faults,
) -> Result<(), WireError> {
    if depth > DEPTH_MAX {
        return Err(WireError::Depth { limit: DEPTH_MAX });
    }
    walk(of, message, depth, faults, |_, _| ())
}

/// Checks the fields of one message; `each_id` is told the number and value of its ids.
#[inline(always)]
fn walk<'a>(
    of: &'static Message,
    message: &'a [u8],
    depth: usize,
    faults: &mut Faults,
    mut each_id: impl FnMut(u32, &'a [u8]),
) -> Result<(), WireError> {
    // A plain attribute is two messages deep, with its value.
    let attributes = of.attributes_tag != 0 && depth + 2 <= DEPTH_MAX;
    let mut fields = Fields::new(message);
    loop {
        if attributes {
            while let Some(bytes) = plain_attribute(of.attributes_tag, fields.rest()) {
                fields.pass(bytes);
            }
        }
        let Some(field) = fields.next() else {
            return Ok(());
        };
        let field = field?;
        let Some(known) = of.field(field.number) else {
            continue;
        };
        match (known.kind, field.value) {
            (Kind::Id(length), Value::Len(id)) => {
                faults.id |= !id.is_empty() && id.len() != usize::from(length);
                each_id(field.number, id);
            }
            (Kind::Text, Value::Len(text)) if is_ascii(text) => {}
            _ => check_field(known, &field, depth, faults)?,
        }
    }
}

#[inline(never)]
fn check_field(
    known: &'static Field,
    field: &wire::Field<'_>,
    depth: usize,
    faults: &mut Faults,
) -> Result<(), WireError> {
    match (known.kind, field.value) {
        (Kind::Message(of), Value::Len(bytes)) => check(of, bytes, depth + 1, faults),
        (Kind::Text, Value::Len(bytes)) => {
            if std::str::from_utf8(bytes).is_err() {
                faults.utf8.get_or_insert(field.number);
            }
            Ok(())
        }
        (Kind::Bytes, Value::Len(_)) => Ok(()),
        (kind, Value::Len(packed)) if known.presence == Presence::Many && kind.is_number() => {
            let mut at = 0;
            while at < packed.len() {
                at = packed_value(kind, packed, at)?.1;
            }
            Ok(())
        }
        (kind, value) if Some(value.wire_type()) == kind.wire_type() => Ok(()),
        _ => Err(field.mismatch()),
    }
}

/// How many bytes the attribute takes that stands first, if it has the one shape that nearly all have: lengths of one or two
/// bytes, an ASCII key, then a value that is ASCII text, a bool, a number or empty, no field twice. Such a one is sound; of
/// any other this says nothing.
///
/// Attributes are most of a span: looking for this shape first makes the check of a span some times faster.
#[inline(always)]
fn plain_attribute(tag: u8, fields: &[u8]) -> Option<usize> {
    const KEY: u8 = 1 << 3 | 2;
    const VALUE: u8 = 2 << 3 | 2;
    const STRING: u8 = 1 << 3 | 2;
    const BOOL: u8 = 2 << 3;
    const INT: u8 = 3 << 3;
    const DOUBLE: u8 = 4 << 3 | 1;
    if *fields.first()? != tag {
        return None;
    }
    let (message, rest) = delimited(&fields[1..])?;
    let [KEY, keyed @ ..] = message else {
        return None;
    };
    let (key, valued) = delimited(keyed)?;
    let [VALUE, valued @ ..] = valued else {
        return None;
    };
    let value = whole(valued)?;
    let plain = is_ascii(key)
        && match value {
            [STRING, text @ ..] => whole(text).is_some_and(is_ascii),
            [BOOL, byte] => *byte < 0x80,
            // Nine bytes hold 63 bits, so none of these overflows.
            [INT, high @ .., low] => {
                high.len() < 9 && *low < 0x80 && high.iter().all(|byte| *byte >= 0x80)
            }
            [DOUBLE, bits @ ..] => bits.len() == 8,
            [] => true,
            _ => false,
        };
    plain.then_some(fields.len() - rest.len())
}

/// For strings of some ten bytes, where the call to the standard library's costs more than the look.
#[inline(always)]
fn is_ascii(bytes: &[u8]) -> bool {
    // The last word overlaps the one before.
    let Some(last) = bytes.last_chunk() else {
        return is_short_ascii(bytes);
    };
    let mut all = u64::from_le_bytes(*last);
    let mut rest = bytes;
    while rest.len() > 8
        && let Some((word, more)) = rest.split_first_chunk()
    {
        all |= u64::from_le_bytes(*word);
        rest = more;
    }
    all & 0x8080_8080_8080_8080 == 0
}

/// Up to seven bytes.
#[inline(always)]
fn is_short_ascii(bytes: &[u8]) -> bool {
    match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) => {
            (u32::from_le_bytes(*first) | u32::from_le_bytes(*last)) & 0x8080_8080 == 0
        }
        _ => bytes.iter().fold(0, |all, byte| all | byte) < 0x80,
    }
}

/// The value of a packed field that begins at `at`, and where it ends.
pub(crate) fn packed_value(
    kind: Kind,
    packed: &[u8],
    at: usize,
) -> Result<(Value<'_>, usize), WireError> {
    let truncated = WireError::Truncated { at };
    let rest = &packed[at..];
    match kind.wire_type() {
        Some(1) => {
            let bytes = rest.first_chunk().ok_or(truncated)?;
            Ok((Value::Fixed64(u64::from_le_bytes(*bytes)), at + 8))
        }
        Some(5) => {
            let bytes = rest.first_chunk().ok_or(truncated)?;
            Ok((Value::Fixed32(u32::from_le_bytes(*bytes)), at + 4))
        }
        _ => {
            let (value, end) = read_varint(packed, at)?;
            Ok((Value::Varint(value), end))
        }
    }
}
