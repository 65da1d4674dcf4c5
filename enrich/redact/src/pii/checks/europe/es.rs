//! Spain: the numbers of the identity card and of foreigners.

use super::super::checksums::{all_same, number};

/// The check letter by the remainder by 23.
const LETTERS: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";

/// Number of the national identity card: eight digits and the letter of their remainder by 23 (Real Decreto
/// 1553/2005, article 11; Ministerio del Interior, *Cálculo del dígito de control del NIF/NIE*).
///
/// Chance: 1 in 26 for eight random digits and a letter.
pub(crate) fn dni(candidate: &[u8]) -> bool {
    let Ok(&[ref digits @ .., letter]) = <&[u8; 9]>::try_from(candidate) else {
        return false;
    };
    digits.iter().all(u8::is_ascii_digit)
        && !all_same(&digits[1..])
        && fits(digits.map(|digit| digit.wrapping_sub(b'0')), letter)
}

/// Foreigner's identity number: X, Y or Z, seven digits, and the letter of the remainder by 23, X, Y and Z read as 0,
/// 1 and 2 (Orden INT/2058/2008).
///
/// Chance: 1 in 26 for a right first letter, seven random digits and a letter.
pub(crate) fn nie(candidate: &[u8]) -> bool {
    let Ok(&[kind, ref digits @ .., letter]) = <&[u8; 9]>::try_from(candidate) else {
        return false;
    };
    let kind = kind.to_ascii_uppercase();
    if !matches!(kind, b'X'..=b'Z') || !digits.iter().all(u8::is_ascii_digit) || all_same(digits) {
        return false;
    }
    let mut values = [0; 8];
    values[0] = kind - b'X';
    for (value, digit) in values[1..].iter_mut().zip(digits) {
        *value = digit - b'0';
    }
    fits(values, letter)
}

fn fits(values: [u8; 8], letter: u8) -> bool {
    LETTERS[(number(&values) % 23) as usize] == letter.to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::{Chance, Claim, prove};
    use super::*;

    /// Presidio's tests; all digits the same are fillers here, though 55555555K and 1111111G add up.
    #[test]
    fn identity_cards() {
        prove(&Claim {
            check: dni,
            valid: &["12345678Z", "12345678z", "54362315K", "00000014Z"],
            broken: &[
                "12345678A",
                "1234567L",
                "123456789Z",
                "1234567ZZ",
                "55555555K",
                "00000000T",
                "4010232138",
            ],
            every_wrong_digit: true,
            shapes: &[
                ("99999999A", Chance::OneIn(26.0)),
                ("XXXXXXXXX", Chance::Rare),
            ],
        });
    }

    /// Presidio's tests.
    #[test]
    fn foreigners() {
        prove(&Claim {
            check: nie,
            valid: &[
                "Z8078221M",
                "X9613851N",
                "Y8063915Z",
                "x9613851n",
                "z8078221m",
            ],
            broken: &[
                "Y8063915Q",
                "Y806391Q",
                "58063915Q",
                "W8063915Q",
                "x9613851q",
                "X0000000T",
            ],
            every_wrong_digit: true,
            shapes: &[
                ("Y9999999A", Chance::OneIn(26.0)),
                ("XXXXXXXXX", Chance::Rare),
            ],
        });
    }
}
