//! The Netherlands and Belgium: citizens' numbers.

use super::super::checksums::{digits, number, weighted};
use super::super::dates::{self, two};

/// Citizen service number of the Netherlands: nine digits whose sum by weights 9 to 2, less the last, is divisible by
/// eleven (Rijksdienst voor Identiteitsgegevens, *Logisch Ontwerp BSN*).
///
/// Chance: 1 in 11 for nine random digits. Needs context.
pub(crate) fn bsn(candidate: &[u8]) -> bool {
    // 10 is −1 modulo 11.
    digits::<9>(candidate)
        .is_some_and(|digits| weighted(&digits, &[9, 8, 7, 6, 5, 4, 3, 2, 10]).is_multiple_of(11))
}

/// National register number of Belgium: birth date (the month plus 20 or 40 for those who aren't residents, 00 if it
/// isn't known), a sequence number, and 97 minus the remainder by 97, of a 2 before them for those born since 2000
/// (arrêté royal du 3 avril 1984; BIS numbers: arrêté royal du 8 février 1991).
///
/// Chance: 1 in 460 for eleven random digits. A wrong digit is missed where the wrong number is right for the other
/// century.
pub(crate) fn nrn(candidate: &[u8]) -> bool {
    let Some(digits) = digits::<11>(candidate) else {
        return false;
    };
    let (year, day, sequence) = (two(&digits, 0), two(&digits, 4), number(&digits[6..9]));
    let month = match two(&digits, 2) {
        month @ 0..=12 => month,
        month @ 20..=32 => month - 20,
        month @ 40..=52 => month - 40,
        _ => return false,
    };
    if sequence == 0 || sequence == 999 {
        return false;
    }
    let (body, check) = (number(&digits[..9]), u64::from(two(&digits, 9)));
    [(1900, body), (2000, 2_000_000_000 + body)]
        .into_iter()
        .any(|(century, body)| {
            let born = if month == 0 || day == 0 {
                day <= 31
            } else {
                dates::exists(century + year, month, day)
            };
            born && 97 - body % 97 == check
        })
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::{Chance, Claim, prove};
    use super::*;

    /// Wikipedia's example, the tests of dd-sensitive-data-scanner.
    #[test]
    fn citizen_service() {
        prove(&Claim {
            check: bsn,
            valid: &[
                "111222333",
                "001855013",
                "123456782",
                "100000009",
                "111111110",
            ],
            broken: &[
                "001855014",
                "111222334",
                "11122233",
                "1112223334",
                "11122233a",
                "000000000",
            ],
            every_wrong_digit: true,
            shapes: &[("999999999", Chance::OneIn(11.0))],
        });
    }

    /// Wikipedia's example (85.07.30-033 28), one born in 2017, a BIS number, one whose birthday isn't known.
    #[test]
    fn national_register() {
        prove(&Claim {
            check: nrn,
            valid: &["85073003328", "17073003384", "85473003317", "40000095579"],
            broken: &[
                "85073003327",
                "85133003328",
                "85023003328",
                "8507300332",
                "850730033281",
                "8507300332a",
                "85073000061",
            ],
            every_wrong_digit: false,
            shapes: &[("99999999999", Chance::OneIn(460.0))],
        });
    }
}
