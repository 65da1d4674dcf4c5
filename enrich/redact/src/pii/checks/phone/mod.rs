//! Telephone numbers: international, of North America, and national ones anywhere.

mod plans;

use super::checksums::all_same;

/// International telephone number, given the digits after its `+` (ITU-T E.164): a country code that is assigned, a
/// national number of a length that the country has and that doesn't begin with its trunk prefix 0 (Italy, San
/// Marino, and a few in Africa keep theirs), and for +1 the rules of North America.
///
/// Chance: 1 in 1.7 for eleven random digits, 1 in 2.2 for twelve. What tells is the `+`: without it, context is
/// needed.
pub(crate) fn e164(digits: &[u8]) -> bool {
    if !(7..=15).contains(&digits.len())
        || !digits.iter().all(u8::is_ascii_digit)
        || all_same(digits)
    {
        return false;
    }
    let Some(code) = plans::country_digits(digits) else {
        return false;
    };
    let (code, national) = digits.split_at(code);
    match code {
        b"1" => national_us(national),
        b"39" | b"378" | b"225" | b"242" | b"241" | b"229" => !all_same(national),
        _ => national.first() != Some(&b'0') && !all_same(national),
    }
}

/// National telephone number of North America: ten digits, area and exchange code from 2, neither N11, the area not
/// of the reserved N9X, 37X and 96X (NANPA, *NPA allocation guidelines* and ATIS-0300055).
///
/// Chance: 1 in 2.0 for ten random digits; no epoch in seconds until 2033. Needs context, or its punctuation.
pub(crate) fn national_us(digits: &[u8]) -> bool {
    let &[a, b, c, d, e, f, ..] = digits else {
        return false;
    };
    digits.len() == 10
        && digits.iter().all(u8::is_ascii_digit)
        && !all_same(digits)
        && a >= b'2'
        && b != b'9'
        && !matches!([a, b], [b'3', b'7'] | [b'9', b'6'])
        && [b, c] != *b"11"
        && d >= b'2'
        && [e, f] != *b"11"
}

/// National telephone number of any country: 7 to 13 digits, the trunk prefix among them (ITU-T E.164 allows 12
/// without it), not all the same, and not the keyboard's row.
///
/// Chance: 1 in 1.0. Needs context.
pub(crate) fn national(digits: &[u8]) -> bool {
    let row = b"01234567890123";
    (7..=13).contains(&digits.len())
        && digits.iter().all(u8::is_ascii_digit)
        && !all_same(digits)
        && !row.starts_with(digits)
        && !row[1..].starts_with(digits)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Chance, Claim, prove};
    use super::*;

    /// Presidio's tests, and numbers that regulators keep for fiction (Ofcom's, NANPA's, ACMA's, BNetzA's, ARCEP's).
    #[test]
    fn international() {
        prove(&Claim {
            check: e164,
            valid: &[
                "14155550132",
                "5511984565666",
                "442071234567",
                "914155550132",
                "49301234567",
                "39066784343",
                "302101234567",
                "33142685300",
                "12025550123",
                "447700900123",
                "61491570006",
                "4915228817386",
                "33199001234",
                "97297625400",
                "819012345678",
                "8613812345678",
                "29063123",
            ],
            broken: &[
                "11155550132",
                "14150550132",
                "1415555013",
                "141555501322",
                "14111550132",
                "3314268530",
                "0014155550132",
                "210123456789",
                "999123456789",
                "440207123456",
                "11111111111",
                "123456",
                "1234567890123456",
                "4420712345a7",
                "",
            ],
            every_wrong_digit: false,
            shapes: &[
                ("99999999999", Chance::OneIn(1.7)),
                ("999999999999", Chance::OneIn(2.2)),
            ],
        });
    }

    #[test]
    fn north_america() {
        prove(&Claim {
            check: national_us,
            valid: &["4155550132", "2125550199", "8005551234"],
            broken: &[
                "1155550132",
                "4150550132",
                "4111550132",
                "9115550132",
                "415555013",
                "41555501322",
                "3705550132",
                "7995550132",
                "1700000000",
                "5555555555",
                "415555013a",
            ],
            every_wrong_digit: false,
            shapes: &[
                ("9999999999", Chance::OneIn(2.0)),
                ("1799999999", Chance::Rare),
            ],
        });
    }

    #[test]
    fn anywhere() {
        prove(&Claim {
            check: national,
            valid: &[
                "097625400",
                "09012345678",
                "02071234567",
                "0301234567",
                "7625400",
            ],
            broken: &[
                "123456",
                "12345678901234",
                "1234567",
                "0123456789",
                "0000000",
                "12345678a",
            ],
            every_wrong_digit: false,
            shapes: &[("9999999999", Chance::OneIn(1.0))],
        });
    }
}
