//! Varints and fields, and what is an error.

#![allow(clippy::unwrap_used)]
use super::*;

fn error_of(message: &[u8]) -> WireError {
    let mut fields = Fields::new(message);
    let error = fields.by_ref().find_map(Result::err).unwrap();
    assert_eq!(fields.next(), None, "an error ends the walk");
    error
}

#[test]
fn varints_round_trip_and_know_their_length() {
    for shift in 0..64 {
        for value in [(1_u64 << shift) - 1, 1 << shift, u64::MAX >> shift] {
            let mut out = Vec::new();
            put_varint(&mut out, value);
            assert_eq!(out.len(), varint_len(value));
            assert_eq!(read_varint(&out, 0), Ok((value, out.len())));
            for cut in 0..out.len() {
                assert_eq!(
                    read_varint(&out[..cut], 0),
                    Err(WireError::Truncated { at: 0 })
                );
            }
        }
    }
}

#[test]
fn fields_are_read_with_their_raw_bytes() {
    let mut message = Vec::new();
    put_len(&mut message, 5, b"name");
    put_varint_field(&mut message, 6, 300);
    put_fixed64(&mut message, 7, u64::MAX);
    put_fixed32(&mut message, 16, 9);
    let fields: Vec<_> = Fields::new(&message).map(Result::unwrap).collect();
    let values: Vec<_> = fields.iter().map(|f| (f.number, f.value)).collect();
    assert_eq!(
        values,
        [
            (5, Value::Len(b"name")),
            (6, Value::Varint(300)),
            (7, Value::Fixed64(u64::MAX)),
            (16, Value::Fixed32(9)),
        ]
    );
    assert_eq!(
        fields
            .iter()
            .flat_map(|f| f.raw)
            .copied()
            .collect::<Vec<_>>(),
        message
    );
}

#[test]
fn what_is_not_protobuf_is_an_error() {
    let cases: [(&[u8], WireError); 11] = [
        (&[0x80], WireError::Truncated { at: 0 }),
        (&[0x08], WireError::Truncated { at: 1 }),
        (&[0x09, 1, 2, 3], WireError::Truncated { at: 1 }),
        (&[0x0d, 1, 2, 3], WireError::Truncated { at: 1 }),
        (
            &[0x0a, 3, 1, 2],
            WireError::Length {
                at: 1,
                length: 3,
                left: 2,
            },
        ),
        (
            // a length of 2^64 - 1 must not wrap round
            &[0x0a, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1],
            WireError::Length {
                at: 1,
                length: u64::MAX,
                left: 0,
            },
        ),
        (&[0x00, 0], WireError::FieldZero { at: 0 }),
        (
            &[0x0b],
            WireError::WireType {
                at: 0,
                wire_type: 3,
            },
        ),
        (
            &[0x0f],
            WireError::WireType {
                at: 0,
                wire_type: 7,
            },
        ),
        (
            &[0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2],
            WireError::Varint { at: 1 },
        ),
        (
            &[0x80, 0x80, 0x80, 0x80, 0x10, 0],
            WireError::FieldNumber { at: 0 },
        ),
    ];
    for (message, error) in cases {
        assert_eq!(error_of(message), error, "{message:02x?}");
    }
}
