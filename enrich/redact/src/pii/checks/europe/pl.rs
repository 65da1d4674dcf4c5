//! Poland: PESEL.

use super::super::checksums::{digits, weighted};
use super::super::dates::{self, two};

/// PESEL: birth date with the century in the month, a serial number, a check digit by weights 1, 3, 7, 9 (ustawa o
/// ewidencji ludności, article 15).
///
/// Chance: 1 in 55 for eleven random digits.
pub(crate) fn pesel(candidate: &[u8]) -> bool {
    let Some(digits) = digits::<11>(candidate) else {
        return false;
    };
    let (century, month) = match two(&digits, 2) {
        month @ 81..=92 => (1800, month - 80),
        month @ 1..=12 => (1900, month),
        month @ 21..=32 => (2000, month - 20),
        month @ 41..=52 => (2100, month - 40),
        month @ 61..=72 => (2200, month - 60),
        _ => return false,
    };
    dates::exists(century + two(&digits, 0), month, two(&digits, 4))
        && weighted(&digits, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]).is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::{Chance, Claim, prove};
    use super::*;

    /// The tests of Presidio and of dd-sensitive-data-scanner.
    #[test]
    fn pesels() {
        prove(&Claim {
            check: pesel,
            valid: &["44051401458", "02070803628", "11111111116"],
            broken: &[
                "44051401459",
                "85040812345",
                "4405140145",
                "440514014588",
                "4405140145A",
                "00000000000",
                "44131401459",
            ],
            every_wrong_digit: true,
            shapes: &[("99999999999", Chance::OneIn(54.8))],
        });
    }
}
