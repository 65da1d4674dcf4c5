//! Italy: the fiscal code.

use super::super::dates;

/// Values of digits, and of letters by their place in the alphabet, in the first, third, fifth … place.
#[rustfmt::skip]
const ODD: [u8; 26] = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];

/// Letters that stand for January to December.
const MONTHS: &[u8; 12] = b"ABCDEHLMPRST";

/// Letters that stand for the digits 0 to 9 where two persons would have the same code (*omocodia*).
const DIGITS: &[u8; 10] = b"LMNPQRSTUV";

/// Fiscal code: three letters of the surname, three of the name, year, month (a letter) and day of birth (plus 40 for
/// women), place of birth, check letter (decreto del Ministero delle Finanze 23.12.1976, n. 13814). Upper- or
/// lower-case.
///
/// Chance: 1 in 184 for letters and digits where they have to be; of random ones none.
pub(crate) fn codice_fiscale(candidate: &[u8]) -> bool {
    let Ok(mut code) = <[u8; 16]>::try_from(candidate) else {
        return false;
    };
    code.make_ascii_uppercase();
    if !code.iter().all(u8::is_ascii_alphanumeric) || !name(&code[..3]) || !name(&code[3..6]) {
        return false;
    }
    let two = |at: usize| Some(digit(code[at])? * 10 + digit(code[at + 1])?);
    let month = MONTHS.iter().position(|letter| *letter == code[8]);
    let (Some(year), Some(month), Some(day)) = (two(6), month, two(9)) else {
        return false;
    };
    let day = if day > 40 { day - 40 } else { day };
    let born = [1900, 2000]
        .iter()
        .any(|century| dates::exists(century + year, month as u32 + 1, day));
    let place =
        code[11].is_ascii_uppercase() && code[12..15].iter().all(|byte| digit(*byte).is_some());
    born && place && code[15] == check_letter(&code[..15])
}

/// Whether three letters can be of a name: its consonants, then its vowels, then X.
fn name(three: &[u8]) -> bool {
    let vowel = |letter: &u8| b"AEIOU".contains(letter);
    let rest = three
        .iter()
        .skip_while(|letter| letter.is_ascii_uppercase() && !vowel(letter));
    rest.skip_while(|letter| vowel(letter))
        .all(|letter| *letter == b'X')
}

fn digit(byte: u8) -> Option<u32> {
    let letter = DIGITS.iter().position(|letter| *letter == byte);
    letter
        .map(|digit| digit as u32)
        .or(char::from(byte).to_digit(10))
}

fn check_letter(code: &[u8]) -> u8 {
    let value = |(at, byte): (usize, &u8)| {
        let value = if byte.is_ascii_digit() {
            byte - b'0'
        } else {
            byte - b'A'
        };
        u32::from(if at % 2 == 0 {
            ODD[usize::from(value)]
        } else {
            value
        })
    };
    b'A' + (code.iter().enumerate().map(value).sum::<u32>() % 26) as u8
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::{Chance, Claim, prove};
    use super::*;

    /// The tests of Presidio and of dd-sensitive-data-scanner, Wikipedia's example (Matteo Moretti), and the same
    /// with an omocodia letter.
    #[test]
    fn fiscal_codes() {
        prove(&Claim {
            check: codice_fiscale,
            valid: &[
                "MRTMTT91D08F205J",
                "MLLSNT82P65Z404U",
                "LKJLDJ00E20D635F",
                "mrtmtt91d08f205j",
                "AAAAAA00B11C333Y",
                "MRTMTT91D08F20RE",
            ],
            broken: &[
                "MRTMTT91D08F205V",
                "MLLSNT82P65Z404T",
                "LKJLDJ00E20D635P",
                "A55AAA00B11C333N",
                "MRTMTT91D08F205",
                "MRTMTT91F08F205J",
                "MRTMTT91D38F205J",
                // The 31st of November.
                "ZVUBJD53S71T143U",
                "ARTMTT91D08F205J",
                "MRTMTT91D08F205é",
            ],
            every_wrong_digit: true,
            shapes: &[
                ("AAAAAA99A99A999A", Chance::OneIn(184.0)),
                ("XXXXXXXXXXXXXXXX", Chance::Rare),
            ],
        });
    }
}
