//! United Kingdom: national insurance and NHS numbers.

use super::super::checksums::{digits, weighted};

/// National insurance number: a prefix of two letters that HMRC allots, six digits, a suffix A to D (HMRC, *National
/// Insurance Manual* NIM39110). Upper- or lower-case.
///
/// Chance: 1 in 12 for three letters and six digits where they have to be; of random letters and digits none. No
/// check digit.
pub(crate) fn nino(candidate: &[u8]) -> bool {
    let Ok(&[first, second, ref number @ .., suffix]) = <&[u8; 9]>::try_from(candidate) else {
        return false;
    };
    let (first, second) = (first.to_ascii_uppercase(), second.to_ascii_uppercase());
    let letter = |letter: u8| letter.is_ascii_uppercase() && !b"DFIQUV".contains(&letter);
    let never = [b"BG", b"GB", b"NK", b"KN", b"NT", b"TN", b"ZZ"];
    letter(first)
        && letter(second)
        && second != b'O'
        && !never.contains(&&[first, second])
        && number.iter().all(u8::is_ascii_digit)
        && matches!(suffix.to_ascii_uppercase(), b'A'..=b'D')
}

/// NHS number: ten digits, the last a check digit by weights 10 to 2, modulo 11 (NHS Data Dictionary, *NHS Number*).
///
/// Chance: 1 in 11 for ten random digits, epochs in seconds among them. Needs context, or the groups 3-3-4.
pub(crate) fn nhs(candidate: &[u8]) -> bool {
    // A sum that would need the check digit 10 makes a number that is never issued, and no tenth digit divides it by
    // eleven.
    digits::<10>(candidate).is_some_and(|digits| {
        weighted(&digits, &[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::{Chance, Claim, prove};
    use super::*;

    /// Presidio's and dd-sensitive-data-scanner's tests.
    #[test]
    fn national_insurance() {
        prove(&Claim {
            check: nino,
            valid: &[
                "AA123456B",
                "hh010203d",
                "tw987654a",
                "PR123612C",
                "YZ614868B",
                "AB123456C",
                "ZY999999D",
            ],
            broken: &[
                "AA123456H",
                "AB1234561",
                "FQ000000C",
                "BG123612A",
                "nt998877a",
                "UV987654B",
                "AB12345C",
                "AB1234567C",
                "1B123456C",
                "QQ123456C",
                "AO123456C",
            ],
            every_wrong_digit: false,
            shapes: &[
                ("AA999999A", Chance::OneIn(11.8)),
                ("XXXXXXXXX", Chance::Rare),
            ],
        });
    }

    /// As above.
    #[test]
    fn health_service() {
        prove(&Claim {
            check: nhs,
            valid: &[
                "4010232137",
                "2213951837",
                "0032698674",
                "1234567881",
                "9077844449",
                "7984284334",
                "9434765919",
            ],
            broken: &[
                "4010232138",
                "1234567890",
                "1234567882",
                "12345678810",
                "123456788",
                "401023213a",
                "0000000000",
            ],
            every_wrong_digit: true,
            shapes: &[
                ("9999999999", Chance::OneIn(11.0)),
                ("1799999999", Chance::OneIn(11.0)),
            ],
        });
    }
}
