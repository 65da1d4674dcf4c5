//! Payment cards: their numbers, the ways in which they are written in groups, and the tracks of the magnetic stripe.

mod networks;
pub(crate) mod track;

use super::checksums;

/// Whether these are the digits of a primary account number: the first digits and the length are of a card network,
/// Luhn's check digit holds (ISO/IEC 7812-1), and not all digits are the same.
///
/// Chance: 1 in 25 for 16 random digits, 1 in 36 for 19, 1 in 102 for 15, 1 in 73 for 13; 1 in 40,000 for ids of 16
/// hexadecimal digits, which may all be decimal. None for epochs in ms (13 digits), µs (16) and ns (19): no network
/// with numbers of these lengths begins with 17 to 20.
pub(crate) fn pan(digits: &[u8]) -> bool {
    networks::knows(digits) && luhn(digits) && !checksums::all_same(digits)
}

/// Whether these are digits, of which the last is the check digit of the others by Luhn's formula (ISO/IEC 7812-1,
/// annex B).
///
/// Chance: 1 in 10.
pub(crate) fn luhn(digits: &[u8]) -> bool {
    let mut sum = 0;
    for (from_right, digit) in digits.iter().rev().enumerate() {
        let value = match digit {
            b'0'..=b'9' => u32::from(digit - b'0'),
            _ => return false,
        };
        sum += checksums::luhn_term(from_right, value);
    }
    !digits.is_empty() && sum % 10 == 0
}

/// Whether card numbers are written in groups of these lengths: not at all, 4-4-4-n with n from 1 to 4, 4-4-4-4-3, or
/// 4-6-4 and 4-6-5 (Diners Club, American Express).
pub(crate) fn grouping(lengths: &[usize]) -> bool {
    matches!(
        lengths,
        [12..=19] | [4, 4, 4, 1..=4] | [4, 4, 4, 4, 3] | [4, 6, 4 | 5]
    )
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Chance, Claim, prove};
    use super::*;

    /// Numbers for tests that the networks' processors publish: PayPal's, Stripe's and Adyen's lists of test cards,
    /// and those of the tests of Presidio and of dd-sensitive-data-scanner.
    #[test]
    fn card_numbers() {
        prove(&Claim {
            check: pan,
            valid: &[
                // Visa
                "4111111111111111",
                "4012888888881881",
                "4222222222222",
                "4917300800000000",
                "4484070000000000",
                "4000056655665556",
                // Mastercard
                "5555555555554444",
                "5105105105105100",
                "5454545454545454",
                "2223003122003222",
                "2720994326581252",
                // American Express
                "378282246310005",
                "371449635398431",
                "378734493671000",
                "343434343434343",
                // Diners Club
                "30569309025904",
                "38520000023237",
                "36227206271667",
                "36006666333344",
                "30951234567897",
                // Discover
                "6011111111111117",
                "6011000990139424",
                "6445644564456445",
                "6011000400000000",
                // JCB
                "3530111333300000",
                "3566002020360505",
                "3528000700000000",
                "213112345678904",
                "180012345678905",
                // UnionPay
                "6200000000000005",
                "6205500000000000004",
                "6212345678901232",
                // Maestro, Dankort, Bankcard, Solo
                "6759649826438453",
                "5019717010103742",
                "5610591081018250",
                "6331101999990016",
                "6771798021000008",
                "6304123456782",
                "6390123456781",
                "676212345679",
                // Mir, Elo, Hipercard, RuPay
                "2200000000000004",
                "5066991111111118",
                "6062828888666688",
                "6521111111111110",
                "8172123456789010",
                // BORICA, UzCard, Humo, Troy
                "2205123456789014",
                "8600123456789012",
                "9860123456789015",
                "9792123456789018",
            ],
            broken: &[
                "4012888888881882",
                "4111111111111112",
                "36168002586008",
                "5555555555554443",
                "378282246310006",
                // Luhn holds, but no network has such numbers: a length that Visa hasn't, UATP and epochs in ms, µs
                // and ns.
                "41111111111116",
                "0000000000000000",
                "1748503543012",
                "1700000000000004",
                "1700000000000000000",
                "9999999999999995",
                "41111111111",
                "4111-1111-1111-1111",
                "411111111111111a",
                "",
            ],
            every_wrong_digit: true,
            shapes: &[
                ("9999999999999999", Chance::OneIn(24.6)),
                ("9999999999999999999", Chance::OneIn(35.5)),
                ("999999999999999", Chance::OneIn(101.0)),
                ("9999999999999", Chance::OneIn(72.9)),
                ("17999999999999999", Chance::Rare),
                ("1799999999999", Chance::Rare),
                ("1799999999999999", Chance::Rare),
                ("1799999999999999999", Chance::Rare),
                ("hhhhhhhhhhhhhhhh", Chance::OneIn(40_000.0)),
            ],
        });
    }

    #[test]
    fn luhn_needs_digits() {
        for valid in ["79927398713", "18", "0"] {
            assert!(luhn(valid.as_bytes()), "{valid}");
        }
        for broken in ["", "79927398710", "7992739871a", "7992 7398713"] {
            assert!(!luhn(broken.as_bytes()), "{broken}");
        }
    }

    #[test]
    fn groups_as_cards_have_them() {
        for groups in [
            &[16][..],
            &[12],
            &[19],
            &[4, 4, 4, 4],
            &[4, 4, 4, 1],
            &[4, 4, 4, 4, 3],
            &[4, 6, 5],
            &[4, 6, 4],
        ] {
            assert!(grouping(groups), "{groups:?}");
        }
        for groups in [
            &[][..],
            &[11],
            &[20],
            &[4, 4, 4],
            &[4, 4, 4, 5],
            &[4, 4, 4, 4, 4],
            &[4, 6, 6],
            &[8, 8],
            &[3, 3, 4],
            &[4, 4, 4, 0],
        ] {
            assert!(!grouping(groups), "{groups:?}");
        }
    }
}
