//! Base64, decoded byte by byte: enough of it to look into a token.

/// The bytes that text in base64 (RFC 4648, either alphabet, with padding or without) decodes to. It ends at the
/// first byte that is of neither alphabet; bits that are left over are dropped.
pub(super) fn decoded(text: &[u8]) -> impl Iterator<Item = u8> {
    let values = text.iter().map_while(|byte| value(*byte));
    let (mut bits, mut count) = (0_u32, 0);
    values.filter_map(move |value| {
        bits = bits << 6 | u32::from(value);
        count += 6;
        (count >= 8).then(|| {
            count -= 8;
            (bits >> count) as u8
        })
    })
}

fn value(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4648, section 10, and both alphabets.
    #[test]
    fn test_vectors() {
        for (text, bytes) in [
            ("", &b""[..]),
            ("Zg==", b"f"),
            ("Zm8=", b"fo"),
            ("Zm9v", b"foo"),
            ("Zm9vYg", b"foob"),
            ("Zm9vYmE=", b"fooba"),
            ("Zm9vYmFy", b"foobar"),
            ("+/-_", &[0xfb, 0xff, 0xbf]),
            ("Z", b""),
            ("Zm 9v", b"f"),
        ] {
            assert_eq!(
                decoded(text.as_bytes()).collect::<Vec<_>>(),
                bytes,
                "{text}"
            );
        }
    }
}
