//! France: the number of registration of natural persons.

use super::super::checksums::{digits, number};
use super::super::dates::two;

/// NIR (*numéro de sécurité sociale*): sex, year and month of birth, department (2A and 2B for Corsica), commune,
/// order, and 97 minus the remainder by 97 of all that (INSEE; décret 82-103, article 4).
///
/// Chance: 1 in 192 for 15 random digits.
pub(crate) fn nir(candidate: &[u8]) -> bool {
    let Ok(mut candidate) = <[u8; 15]>::try_from(candidate) else {
        return false;
    };
    // Corsica is read as 19 and 18.
    match candidate[5..7] {
        [b'2', b'A' | b'a'] => candidate[5..7].copy_from_slice(b"19"),
        [b'2', b'B' | b'b'] => candidate[5..7].copy_from_slice(b"18"),
        _ => {}
    }
    let Some(digits) = digits::<15>(&candidate) else {
        return false;
    };
    let (month, department, order) = (two(&digits, 3), two(&digits, 5), &digits[10..13]);
    // 1 and 2; 3, 4, 7 and 8 are for those who aren't registered yet.
    matches!(digits[0], 1..=4 | 7 | 8)
        // 20 and above: months that aren't known from papers.
        && matches!(month, 1..=12 | 20..=42 | 50..=99)
        && department != 0
        && order != [0; 3]
        && 97 - number(&digits[..13]) % 97 == u64::from(two(&digits, 13))
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::{Chance, Claim, prove};
    use super::*;

    /// The tests of dd-sensitive-data-scanner, INSEE's example of Corsica.
    #[test]
    fn registrations() {
        prove(&Claim {
            check: nir,
            valid: &[
                "289047834216349",
                "289047834221297",
                "289047834221101",
                "289042A34216390",
                "289042b34216320",
                "151024610204325",
                "269054958815780",
            ],
            broken: &[
                "278056933908923",
                "278056933908997",
                "289042A3421639A",
                "2780569339089977",
                "27805693390899",
                "289043A34216390",
                "589047834216349",
                "000000000000000",
                // No such month, department, order.
                "189457834216376",
                "189040034216371",
                "189047834200068",
            ],
            every_wrong_digit: true,
            shapes: &[("999999999999999", Chance::OneIn(192.0))],
        });
    }
}
