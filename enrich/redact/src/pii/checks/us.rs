//! Numbers of the USA: social security, tax, health care, vehicles, postal codes; and of mobile phones.

use super::checksums::{all_same, digits, is_hexadecimal, luhn as luhn_holds, luhn_sum, weighted};

/// Social security number: nine digits, area not 000, 666 or 9xx, group not 00, serial not 0000 (SSA, *Social
/// Security Number Randomization*, 2011; POMS RM 10201.035), and not one of those that advertisements made known
/// (SSA, *Social Security Cards issued by Woolworth*).
///
/// Chance: 1 in 1.1 for nine random digits: there is no check digit. Bare digits need context.
pub(crate) fn ssn(candidate: &[u8]) -> bool {
    let (Some(_), Some(candidate)) = (digits::<9>(candidate), candidate.first_chunk::<9>()) else {
        return false;
    };
    let (area, group, serial) = (&candidate[..3], &candidate[3..5], &candidate[5..]);
    area != b"000"
        && area != b"666"
        && area[0] != b'9'
        && group != b"00"
        && serial != b"0000"
        && candidate != b"078051120"
        && candidate != b"219099999"
}

/// Individual taxpayer identification number: nine digits, the first a 9, the fourth and fifth 50–65, 70–88, 90–92 or
/// 94–99 (IRS, Internal Revenue Manual 3.21.263).
///
/// Chance: 1 in 24 for nine random digits. Needs context.
pub(crate) fn itin(candidate: &[u8]) -> bool {
    let Some(digits) = digits::<9>(candidate) else {
        return false;
    };
    digits[0] == 9 && matches!(digits[3] * 10 + digits[4], 50..=65 | 70..=88 | 90..=92 | 94..=99)
}

/// National provider identifier: ten digits, the first 1 or 2, with Luhn's check digit over `80840` and them (45 CFR
/// 162.406; CMS, *NPI check digit*).
///
/// Chance: 1 in 50 for ten random digits, 1 in 10 for epochs in seconds. Needs context.
pub(crate) fn npi(candidate: &[u8]) -> bool {
    /// What `80840` adds to Luhn's sum.
    const PREFIX: u32 = 24;
    digits::<10>(candidate).is_some_and(|digits| {
        matches!(digits[0], 1 | 2) && (PREFIX + luhn_sum(&digits)).is_multiple_of(10)
    })
}

/// Registration number of the Drug Enforcement Administration: a letter for the kind of registrant, a letter or 9,
/// seven digits, of which the last is that of the sum of the first, third and fifth and twice the second, fourth and
/// sixth (DEA, *Practitioner's Manual*).
///
/// Chance: 1 in 14 for two random letters and seven digits. A wrong digit in an even place is missed if it is wrong
/// by five. Needs context.
pub(crate) fn dea(candidate: &[u8]) -> bool {
    let Some((&[kind, name], number)) = candidate.split_first_chunk::<2>() else {
        return false;
    };
    let kind = kind.to_ascii_uppercase();
    let Some(digits) = digits::<7>(number) else {
        return false;
    };
    b"ABCDEFGHJKLMPRSTUX".contains(&kind)
        && (name.is_ascii_alphabetic() || name == b'9')
        && weighted(&digits[..6], &[1, 2, 1, 2, 1, 2]) % 10 == u32::from(digits[6])
}

/// Medicare beneficiary identifier: eleven positions, each a digit, a letter without S, L, O, I, B and Z, or either
/// (CMS, *Understanding the Medicare Beneficiary Identifier format*). Not what is written as a hexadecimal id.
///
/// Chance: 1 in 11,000 for eleven random letters and digits. No check digit.
pub(crate) fn mbi(candidate: &[u8]) -> bool {
    let Ok(candidate) = <&[u8; 11]>::try_from(candidate) else {
        return false;
    };
    // C: a digit from 1, N: a digit, A: a letter, X: either.
    let shaped = candidate
        .iter()
        .zip(b"CAXNAXNAANN")
        .all(|(byte, position)| {
            let letter =
                byte.is_ascii_alphabetic() && !b"SLOIBZ".contains(&byte.to_ascii_uppercase());
            match position {
                b'C' => matches!(byte, b'1'..=b'9'),
                b'N' => byte.is_ascii_digit(),
                b'A' => letter,
                _ => letter || byte.is_ascii_digit(),
            }
        });
    shaped && !is_hexadecimal(candidate)
}

/// Vehicle identification number: 17 positions without I, O and Q, the ninth a check digit, the last four digits (49
/// CFR 565.15), the first not 0 (ISO 3780 gives it to no region; `0x` and 15 hexadecimal digits are addresses). Not
/// what is written as a hexadecimal id; nor 17 digits, which are a timestamp to the millisecond. Europe's need no check
/// digit, and are found only where they have it.
///
/// Chance: 1 in 16,000 for 17 random letters and digits.
pub(crate) fn vin(candidate: &[u8]) -> bool {
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    let Ok(candidate) = <&[u8; 17]>::try_from(candidate) else {
        return false;
    };
    let mut sum = 0;
    for (byte, weight) in candidate.iter().zip(WEIGHTS) {
        let value = match byte.to_ascii_uppercase() {
            digit @ b'0'..=b'9' => u32::from(digit - b'0'),
            letter @ b'A'..=b'H' => u32::from(letter - b'A') + 1,
            letter @ (b'J'..=b'N' | b'P' | b'R') => u32::from(letter - b'J') + 1,
            letter @ b'S'..=b'Z' => u32::from(letter - b'S') + 2,
            _ => return false,
        };
        sum += value * weight;
    }
    let check = match sum % 11 {
        10 => b'X',
        remainder => b'0' + remainder as u8,
    };
    candidate[8].to_ascii_uppercase() == check
        && candidate[0] != b'0'
        && !is_hexadecimal(candidate)
        && candidate[13..].iter().all(u8::is_ascii_digit)
}

/// International mobile equipment identity: 15 digits with Luhn's check digit (3GPP TS 23.003, annex B).
///
/// Chance: 1 in 10 for 15 random digits. Needs context.
pub(crate) fn imei(candidate: &[u8]) -> bool {
    digits::<15>(candidate).is_some_and(|digits| luhn_holds(&digits))
}

/// Postal code of the USA: five digits from 00501, or nine (USPS, Publication 28). Those of five equal digits are
/// passed over.
///
/// Chance: 1 in 1.0. Needs context.
pub(crate) fn zip(candidate: &[u8]) -> bool {
    let first = match candidate.len() {
        5 | 9 => &candidate[..5],
        _ => return false,
    };
    candidate.iter().all(u8::is_ascii_digit) && first >= &b"00501"[..] && !all_same(first)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Chance, Claim, prove};
    use super::*;

    /// Presidio's tests, and the rules above.
    #[test]
    fn social_security() {
        prove(&Claim {
            check: ssn,
            valid: &["078051121", "078051123", "123456789", "899999999"],
            broken: &[
                "000123456",
                "666123456",
                "900123456",
                "987654321",
                "123004567",
                "123450000",
                "078051120",
                "219099999",
                "12345678",
                "1234567890",
                "12345678a",
                "666000000",
                "078-05-1121",
            ],
            every_wrong_digit: false,
            shapes: &[("999999999", Chance::OneIn(1.13))],
        });
    }

    #[test]
    fn taxpayers() {
        prove(&Claim {
            check: itin,
            valid: &[
                "911701234",
                "911531234",
                "911641234",
                "900921234",
                "999991234",
            ],
            broken: &[
                "911891234",
                "911931234",
                "911491234",
                "811701234",
                "91170123",
                "911661234",
            ],
            every_wrong_digit: false,
            shapes: &[("999999999", Chance::OneIn(23.8))],
        });
    }

    /// CMS's example (1234567893), and Presidio's tests.
    #[test]
    fn providers() {
        prove(&Claim {
            check: npi,
            valid: &["1234567893", "1245319599", "1003000126"],
            broken: &[
                "0234567893",
                "3234567893",
                "9234567893",
                "123456789",
                "12345678934",
                "1234567890",
                "1234567892",
                "123456789x",
            ],
            every_wrong_digit: true,
            shapes: &[
                ("9999999999", Chance::OneIn(50.0)),
                ("1799999999", Chance::OneIn(10.0)),
            ],
        });
    }

    #[test]
    fn drug_registrants() {
        prove(&Claim {
            check: dea,
            valid: &[
                "AB1234563",
                "AB9999991",
                "FS1234563",
                "MJ1234563",
                "bb1388568",
                "B91388568",
            ],
            broken: &[
                "AB1234560",
                "AB123456",
                "AB12345678",
                "NB1234563",
                "AB0000000",
                "A81234563",
                "FA1111119x",
                "12",
            ],
            every_wrong_digit: false,
            shapes: &[("AA9999999", Chance::OneIn(14.4))],
        });
    }

    /// CMS's example (1EG4-TE5-MK73), and Presidio's tests.
    #[test]
    fn medicare() {
        prove(&Claim {
            check: mbi,
            valid: &[
                "1EG4TE5MK73",
                "2AG9XC4NN22",
                "9XX9XX9XX99",
                "3CD5FG7HJ89",
                "4EF6GH8JK12",
                "1eg4te5mk73",
                "1E04T05MK73",
            ],
            broken: &[
                "1SG4TE5MK73",
                "1EG4LE5MK73",
                "1EG4TE5OK73",
                "1EG4TE5MI73",
                "1BG4TE5MK73",
                "1EG4ZE5MK73",
                "AEG4TE5MK73",
                "12G4TE5MK73",
                "1EG4TE5MK7",
                "1EG4TE5MK734",
                "0EG4TE5MK73",
                // Right, but for its looks.
                "1ea4ae5ac73",
            ],
            every_wrong_digit: false,
            shapes: &[("XXXXXXXXXXX", Chance::OneIn(11_000.0))],
        });
    }

    /// NHTSA's and Wikipedia's examples.
    #[test]
    fn vehicles() {
        prove(&Claim {
            check: vin,
            valid: &[
                "1M8GDM9AXKP042788",
                "1hgcm82633a004352",
                "5GZCZ43D13S812715",
                "1FTFW1ET9DFC10312",
                "WVWZZZ1K9AW123456",
                "B6DFDF19053044880",
            ],
            broken: &[
                "1M8GDM9AYKP042788",
                "1M8GDM9AXKP042789",
                "1M8GDM9AXKP04278",
                "1M8GDM9AXKPO42788",
                "11111111111111111",
                "20260730123456789",
                // Right, but for its looks.
                "b6dfdf19053044880",
                "0x14ed93111f20048",
                "1HGCM82633A00435Z",
            ],
            every_wrong_digit: true,
            shapes: &[
                ("XXXXXXXXXXXXXXXXX", Chance::OneIn(16_000.0)),
                ("99999999999999999", Chance::Rare),
            ],
        });
    }

    /// 3GPP's and Wikipedia's examples.
    #[test]
    fn phones() {
        prove(&Claim {
            check: imei,
            valid: &["490154203237518", "356938035643809", "352099001761481"],
            broken: &[
                "490154203237517",
                "49015420323751",
                "4901542032375188",
                "000000000000000",
                "49015420323751a",
            ],
            every_wrong_digit: true,
            shapes: &[("999999999999999", Chance::OneIn(10.0))],
        });
    }

    #[test]
    fn postal_codes() {
        prove(&Claim {
            check: zip,
            valid: &["00501", "94105", "99950", "941051234"],
            broken: &["00500", "00000", "9410", "941056", "9410a", "33333"],
            every_wrong_digit: false,
            shapes: &[
                ("99999", Chance::OneIn(1.005)),
                ("999999999", Chance::OneIn(1.005)),
            ],
        });
    }
}
