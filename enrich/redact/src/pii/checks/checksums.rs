//! The arithmetic of check digits.

/// The values of exactly `N` ASCII digits. `None` for anything else, and for digits that are all the same:
/// `0000000000` satisfies nearly every checksum, and is a filler.
pub(super) fn digits<const N: usize>(candidate: &[u8]) -> Option<[u8; N]> {
    let candidate: &[u8; N] = candidate.try_into().ok()?;
    let distinct = candidate.iter().all(u8::is_ascii_digit) && !all_same(candidate);
    distinct.then(|| candidate.map(|digit| digit - b'0'))
}

/// Whether all bytes are the same one.
pub(super) fn all_same(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| Some(byte) == bytes.first())
}

/// Whether this is written as ids are: in digits and the letters `a` to `f`, in lower case.
pub(super) fn is_hexadecimal(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The decimal number of these values; at most 19 of them.
pub(super) fn number(values: &[u8]) -> u64 {
    values
        .iter()
        .fold(0, |number, value| number * 10 + u64::from(*value))
}

/// The sum of values times weights.
pub(super) fn weighted(values: &[u8], weights: &[u32]) -> u32 {
    values
        .iter()
        .zip(weights)
        .map(|(value, weight)| u32::from(*value) * weight)
        .sum()
}

/// Whether the last of these values is the check digit of the others by Luhn's formula (ISO/IEC 7812-1, annex B).
pub(super) fn luhn(values: &[u8]) -> bool {
    luhn_sum(values).is_multiple_of(10)
}

/// Luhn's sum, the last value counted once, the one before it twice, and so on.
pub(super) fn luhn_sum(values: &[u8]) -> u32 {
    let terms = values.iter().rev().enumerate();
    terms
        .map(|(from_right, value)| luhn_term(from_right, u32::from(*value)))
        .sum()
}

/// What a digit adds to Luhn's sum.
pub(super) fn luhn_term(from_right: usize, value: u32) -> u32 {
    match from_right % 2 {
        0 => value,
        _ if value > 4 => 2 * value - 9,
        _ => 2 * value,
    }
}

/// Whether the last value is the check digit of the others by ISO/IEC 7064 MOD 11,10.
pub(super) fn mod_11_10(values: &[u8]) -> bool {
    let Some((check, body)) = values.split_last() else {
        return false;
    };
    let mut product = 10;
    for value in body {
        let sum = (u32::from(*value) + product) % 10;
        product = if sum == 0 { 10 } else { sum } * 2 % 11;
    }
    (11 - product) % 10 == u32::from(*check)
}

/// The remainder by 97 of the number that digits and letters (A = 10 … Z = 35, as ISO/IEC 7064 MOD 97-10 reads them)
/// write; `None` if there is another byte.
pub(super) fn mod_97(alphanumeric: impl Iterator<Item = u8>) -> Option<u32> {
    let mut remainder = 0;
    for byte in alphanumeric {
        remainder = match byte {
            b'0'..=b'9' => remainder * 10 + u32::from(byte - b'0'),
            b'A'..=b'Z' => remainder * 100 + u32::from(byte - b'A') + 10,
            b'a'..=b'z' => remainder * 100 + u32::from(byte - b'a') + 10,
            _ => return None,
        } % 97;
    }
    Some(remainder)
}

/// Multiplication in the dihedral group D₅, which Verhoeff's scheme is made of.
#[rustfmt::skip]
const D5: [[u8; 10]; 10] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 3, 4, 0, 6, 7, 8, 9, 5], [2, 3, 4, 0, 1, 7, 8, 9, 5, 6], [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
    [4, 0, 1, 2, 3, 9, 5, 6, 7, 8], [5, 9, 8, 7, 6, 0, 4, 3, 2, 1], [6, 5, 9, 8, 7, 1, 0, 4, 3, 2], [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
    [8, 7, 6, 5, 9, 3, 2, 1, 0, 4], [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
];
/// Verhoeff's permutation, and its powers: the row is the position from the right, modulo 8.
#[rustfmt::skip]
const PERMUTATION: [[u8; 10]; 8] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 5, 7, 6, 2, 8, 3, 0, 9, 4], [5, 8, 0, 3, 7, 9, 6, 1, 4, 2], [8, 9, 1, 6, 0, 4, 3, 5, 2, 7],
    [9, 4, 5, 3, 1, 2, 6, 8, 7, 0], [4, 2, 8, 6, 5, 7, 3, 9, 0, 1], [2, 7, 9, 3, 8, 0, 6, 4, 1, 5], [7, 0, 4, 6, 9, 1, 3, 2, 5, 8],
];

/// Whether the last value is the check digit of the others by J. Verhoeff, *Error detecting decimal codes* (1969).
pub(super) fn verhoeff(values: &[u8]) -> bool {
    let check = values
        .iter()
        .rev()
        .enumerate()
        .fold(0, |check, (at, value)| {
            let permuted = PERMUTATION[at % 8][usize::from(*value % 10)];
            D5[usize::from(check)][usize::from(permuted)]
        });
    check == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_exact_and_not_all_the_same() {
        assert_eq!(digits::<3>(b"120"), Some([1, 2, 0]));
        for other in [&b"12"[..], b"1200", b"12a", b"", b"111", b"000", b"1\xff0"] {
            assert_eq!(digits::<3>(other), None, "{other:?}");
        }
    }

    /// The examples of Wikipedia's articles on the algorithms.
    #[test]
    fn published_examples() {
        assert!(luhn(&[1, 7, 8, 9, 3, 7, 2, 9, 9, 7, 4]));
        assert!(verhoeff(&[2, 3, 6, 3]));
        assert!(mod_11_10(&[0, 7, 9, 4, 5]));
        assert_eq!(
            mod_97(b"3214282912345698765432161182".iter().copied()),
            Some(1)
        );
        assert_eq!(mod_97(b"12-3".iter().copied()), None);
    }
}
