//! Germany: the tax identification number.

use super::super::checksums::{digits, mod_11_10};

/// Tax identification number: eleven digits, the first not 0, check digit by ISO/IEC 7064 MOD 11,10; of the ten
/// before it one digit stands twice or three times, though not three times in a row, and no other more than once (§
/// 139b AO, § 2 StIdV; BZSt, *Die Steuer-Identifikationsnummer*).
///
/// Chance: 1 in 305 for eleven random digits.
pub(crate) fn steuer_id(candidate: &[u8]) -> bool {
    let Some(digits) = digits::<11>(candidate) else {
        return false;
    };
    digits[0] != 0 && one_repeats(&digits[..10]) && mod_11_10(&digits)
}

/// Whether one value stands twice or three times, and every other at most once.
fn one_repeats(values: &[u8]) -> bool {
    let mut counts = [0_u8; 10];
    for value in values {
        counts[usize::from(*value)] += 1;
    }
    let repeated = counts.iter().filter(|count| **count > 1).count();
    repeated == 1
        && counts.iter().all(|count| *count <= 3)
        && values
            .windows(3)
            .all(|three| three[0] != three[1] || three[1] != three[2])
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::{Chance, Claim, prove};
    use super::*;

    /// Numbers that the BZSt publishes for tests (IdNr in its interface descriptions) and those of Wikipedia; broken
    /// ones of Presidio.
    #[test]
    fn tax_ids() {
        prove(&Claim {
            check: steuer_id,
            valid: &[
                "86095742719",
                "47036892816",
                "65929970489",
                "57549285017",
                "25768131411",
            ],
            broken: &[
                "12345678901",
                "98765432100",
                "02345678901",
                "1234567890",
                "123456789030",
                "11111111111",
                "11112345678",
                "12222234567",
                // Presidio takes it, but each of its first ten digits stands once.
                "12345678903",
                "86095742718",
                "8609574271x",
            ],
            every_wrong_digit: true,
            shapes: &[("99999999999", Chance::OneIn(305.0))],
        });
    }

    #[test]
    fn three_in_a_row_are_never_given() {
        assert!(one_repeats(&[1, 1, 2, 1, 3, 4, 5, 6, 7, 8]));
        assert!(!one_repeats(&[1, 1, 1, 2, 3, 4, 5, 6, 7, 8]));
        assert!(!one_repeats(&[1, 1, 2, 2, 3, 4, 5, 6, 7, 8]));
    }
}
