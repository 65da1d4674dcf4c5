//! One way of writing for one value, so that `+1 (212) 555-0199` and `+1-212-555-0199` have the same hash.

use super::super::detector::{Detector, Id, TABLE};

/// What is hashed for a value that a detector found: addresses in small letters, `%40` as `@`; numbers of people and things without what
/// stands between their digits, in small letters; keys, names and what the user's own patterns find as they are.
pub(crate) fn canonical(id: Id, value: &[u8]) -> Vec<u8> {
    let is = |detector: Detector| id == detector.into();
    if usize::from(id.0) >= TABLE.len() || id < Id::from(Detector::Pan) {
        return value.to_vec();
    }
    let small = value.to_ascii_lowercase();
    if is(Detector::Email) {
        return match small.windows(3).position(|three| three == b"%40") {
            Some(at) => [&small[..at], b"@", &small[at + 3..]].concat(),
            None => small,
        };
    }
    let as_is = [
        Detector::Ipv4,
        Detector::Ipv6,
        Detector::Url,
        Detector::PersonName,
        Detector::PostalAddress,
        Detector::Coordinates,
    ];
    if as_is.into_iter().any(is) {
        return small;
    }
    small
        .into_iter()
        .filter(u8::is_ascii_alphanumeric)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(detector: Detector, value: &str, expected: &str) {
        assert_eq!(
            canonical(detector.into(), value.as_bytes()),
            expected.as_bytes()
        );
    }

    #[test]
    fn one_value_is_written_in_one_way() {
        check(Detector::Pan, "4111 1111-1111.1111", "4111111111111111");
        check(Detector::Phone, "+1 (212) 555-0199", "12125550199");
        check(Detector::Email, "Ann@Example.org", "ann@example.org");
        check(Detector::Email, "Ann%40Example.org", "ann@example.org");
        check(Detector::Ipv4, "10.0.0.1", "10.0.0.1");
        check(
            Detector::Iban,
            "GB82 WEST 1234 5698 7654 32",
            "gb82west12345698765432",
        );
        check(Detector::Jwt, "eyJhb-_G", "eyJhb-_G");
    }
}
