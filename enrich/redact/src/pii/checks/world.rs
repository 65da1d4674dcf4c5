//! National numbers of India, Brazil, Canada and Australia.

use super::checksums::{digits, is_hexadecimal, luhn, verhoeff, weighted};

/// Aadhaar number of India: twelve digits, the first from 2, the last Verhoeff's check digit (UIDAI, *A UID Numbering
/// Scheme*, 2010).
///
/// Chance: 1 in 12.5 for twelve random digits. Needs context.
pub(crate) fn aadhaar(candidate: &[u8]) -> bool {
    digits::<12>(candidate).is_some_and(|digits| digits[0] >= 2 && verhoeff(&digits))
}

/// Permanent account number of India: five letters, of which the fourth tells the kind of holder, four digits, a letter
/// (Income Tax Department, *About PAN*; rule 114 of the Income-tax Rules, 1962). The check letter's rule isn't
/// published. Not what is written as a hexadecimal id.
///
/// Chance: 1 in 2.4 for letters and digits where they have to be; of random ones 1 in 2,900.
pub(crate) fn pan_card(candidate: &[u8]) -> bool {
    let Ok(&[a, b, c, holder, name, ref number @ .., check]) = <&[u8; 10]>::try_from(candidate)
    else {
        return false;
    };
    [a, b, c, name, check].iter().all(u8::is_ascii_alphabetic)
        && b"ABCFGHJKLPT".contains(&holder.to_ascii_uppercase())
        && number.iter().all(u8::is_ascii_digit)
        && number != b"0000"
        && !is_hexadecimal(candidate)
}

/// Number of natural persons of Brazil: nine digits and two check digits by weights, modulo 11 (Receita Federal,
/// Instrução Normativa RFB 2172/2024).
///
/// Chance: 1 in 100 for eleven random digits.
pub(crate) fn cpf(candidate: &[u8]) -> bool {
    let Some(digits) = digits::<11>(candidate) else {
        return false;
    };
    digits[9] == brazilian(&digits[..9], 11) && digits[10] == brazilian(&digits[..10], 11)
}

/// Number of companies of Brazil: twelve digits or, since July 2026, upper-case letters, and two check digits (Receita
/// Federal, Instrução Normativa RFB 2229/2024).
///
/// Chance: 1 in 100 for 14 random digits, 1 in 1,300 for 14 random letters and digits: with letters it needs context,
/// or its punctuation.
pub(crate) fn cnpj(candidate: &[u8]) -> bool {
    let Ok(candidate) = <&[u8; 14]>::try_from(candidate) else {
        return false;
    };
    let mut values = [0; 14];
    for (value, byte) in values.iter_mut().zip(candidate) {
        *value = match *byte {
            // A letter's value is its code less that of 0.
            byte @ (b'0'..=b'9' | b'A'..=b'Z') => byte - b'0',
            _ => return false,
        };
    }
    !super::checksums::all_same(candidate)
        && values[12] == brazilian(&values[..12], 9)
        && values[13] == brazilian(&values[..13], 9)
}

/// The check digit of these values: weights from the right 2, 3, … up to `most`, and again from 2.
fn brazilian(values: &[u8], most: usize) -> u8 {
    let weights = (2..=most).cycle();
    let sum: usize = values
        .iter()
        .rev()
        .zip(weights)
        .map(|(value, weight)| usize::from(*value) * weight)
        .sum();
    match sum % 11 {
        0 | 1 => 0,
        remainder => 11 - remainder as u8,
    }
}

/// Social insurance number of Canada: nine digits, the first neither 0 nor 8, Luhn's check digit (Employment and
/// Social Development Canada, *Social Insurance Number Code of Practice*).
///
/// Chance: 1 in 12.5 for nine random digits. Needs context.
pub(crate) fn sin(candidate: &[u8]) -> bool {
    digits::<9>(candidate).is_some_and(|digits| !matches!(digits[0], 0 | 8) && luhn(&digits))
}

/// Tax file number of Australia: nine digits, or eight of older ones, whose weighted sum is divisible by eleven
/// (Australian Taxation Office, *TFN algorithm*).
///
/// Chance: 1 in 11 for eight or nine random digits, dates (`20260730`) among them. Needs context.
pub(crate) fn tfn(candidate: &[u8]) -> bool {
    match candidate.len() {
        8 => digits::<8>(candidate)
            .is_some_and(|digits| weighted(&digits, &[10, 7, 8, 4, 6, 3, 5, 1]).is_multiple_of(11)),
        _ => digits::<9>(candidate).is_some_and(|digits| {
            weighted(&digits, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11)
        }),
    }
}

/// Medicare number of Australia: ten digits, or eleven with the person's place on the card; the first 2 to 6, the
/// ninth a check digit of the eight before by weights 1, 3, 7, 9, the others not 0 (Services Australia; METEOR
/// 270101, *Person—government funding identifier, Medicare card number*).
///
/// Chance: 1 in 22 for ten random digits. Needs context.
pub(crate) fn medicare(candidate: &[u8]) -> bool {
    let (ten, person) = match candidate {
        [ten @ .., person] if ten.len() == 10 => (ten, *person),
        _ => (candidate, b'1'),
    };
    let Some(digits) = digits::<10>(ten) else {
        return false;
    };
    matches!(digits[0], 2..=6)
        && weighted(&digits[..8], &[1, 3, 7, 9, 1, 3, 7, 9]) % 10 == u32::from(digits[8])
        && digits[9] != 0
        && matches!(person, b'1'..=b'9')
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Chance, Claim, prove};
    use super::*;

    /// Presidio's tests; the numbers of dd-sensitive-data-scanner's tests begin with 1.
    #[test]
    fn india() {
        prove(&Claim {
            check: aadhaar,
            valid: &[
                "312345678909",
                "399876543211",
                "400123456787",
                "234123412346",
            ],
            broken: &[
                "123456789012",
                "312345678908",
                "199009301238",
                "31234567890",
                "3123456789099",
                "31234567890a",
                "000000000000",
            ],
            every_wrong_digit: true,
            shapes: &[("999999999999", Chance::OneIn(12.5))],
        });
        prove(&Claim {
            check: pan_card,
            valid: &["ABCPD1234Z", "ABBPM4567S", "AAAPL1234C", "aaapl1234c"],
            broken: &[
                "AAASA1111R",
                "ABCND1234Z",
                "A1111DFSFS",
                "ABCD1234",
                "ABCPD0000Z",
                "ABCPD12345",
                "ABCPD1234ZZ",
                // Right, but for its looks.
                "abcbd1234a",
            ],
            every_wrong_digit: false,
            shapes: &[
                ("AAAAA9999A", Chance::OneIn(2.36)),
                ("XXXXXXXXXX", Chance::OneIn(2_900.0)),
            ],
        });
    }

    /// The tests of dd-sensitive-data-scanner, and the Receita Federal's own example of an alphanumeric number.
    #[test]
    fn brazil() {
        prove(&Claim {
            check: cpf,
            valid: &["01234567890", "08335894825", "52998224725", "11144477735"],
            broken: &[
                "34567567778",
                "12356723467",
                "67853412398",
                "5299822472",
                "529982247255",
                "00000000000",
                "11111111111",
                "5299822472a",
            ],
            every_wrong_digit: false,
            shapes: &[("99999999999", Chance::OneIn(100.0))],
        });
        prove(&Claim {
            check: cnpj,
            valid: &["00623904000173", "11222333000181", "12ABC34501DE35"],
            broken: &[
                "00623904000171",
                "00623904000153",
                "12ABC34501DE36",
                "12abc34501de35",
                "0062390400017",
                "006239040001733",
                "00000000000000",
                "12ABC34501DE3A",
            ],
            every_wrong_digit: false,
            shapes: &[
                ("99999999999999", Chance::OneIn(100.0)),
                ("XXXXXXXXXXXXXX", Chance::OneIn(1_300.0)),
            ],
        });
    }

    /// Presidio's tests.
    #[test]
    fn canada() {
        prove(&Claim {
            check: sin,
            valid: &[
                "130692544",
                "435418165",
                "948584792",
                "347677452",
                "731530150",
                "550090112",
                "258933688",
            ],
            broken: &[
                "130692545",
                "435418166",
                "046454286",
                "812345678",
                "111111111",
                "999999999",
                "13069254",
                "1306925440",
            ],
            every_wrong_digit: true,
            shapes: &[("999999999", Chance::OneIn(12.5))],
        });
    }

    /// The tests of Presidio and of dd-sensitive-data-scanner.
    #[test]
    fn australia() {
        prove(&Claim {
            check: tfn,
            valid: &[
                "876543210",
                "430341373",
                "346614101",
                "112474082",
                "565051603",
                "907974668",
                "81854402",
                "37118629",
                "37118660",
                "37118705",
            ],
            broken: &[
                "824753557",
                "52824753556",
                "112474083",
                "37113655",
                "1865414088",
                "00000000",
                "abcdefghi",
            ],
            every_wrong_digit: true,
            shapes: &[
                ("999999999", Chance::OneIn(11.0)),
                ("99999999", Chance::OneIn(11.0)),
            ],
        });
        prove(&Claim {
            check: medicare,
            valid: &[
                "2123456701",
                "48867988021",
                "6216795759",
                "4919377665",
                "58267463571",
            ],
            broken: &[
                "2123258701",
                "212345670221",
                "6216795722",
                "7123456701",
                "2123456700",
                "48867988020",
                "212345670a",
            ],
            every_wrong_digit: false,
            shapes: &[
                ("9999999999", Chance::OneIn(22.2)),
                ("99999999999", Chance::OneIn(24.7)),
            ],
        });
    }
}
