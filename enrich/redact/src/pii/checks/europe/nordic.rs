//! Sweden and Finland: personal identity numbers.

use super::super::checksums::{digits, luhn, number};
use super::super::dates::{self, two};

/// The control character by the remainder by 31.
const CONTROL: &[u8; 31] = b"0123456789ABCDEFHJKLMNPRSTUVWXY";

/// Swedish personal identity or coordination number: birth date (the day plus 60 in coordination numbers), serial
/// number, Luhn's check digit over ten digits; with the century before it or not, a hyphen or (from a hundred years
/// of age) a plus before the last four, or nothing (Skatteverket, SKV 704 and 707; folkbokföringslagen § 18).
///
/// Chance: 1 in 137 for ten random digits, 1 in 4,570 for twelve.
pub(crate) fn personnummer(candidate: &[u8]) -> bool {
    let (candidate, joined) = match candidate.split_last_chunk::<5>() {
        Some((date, [b'-' | b'+', serial @ ..])) => {
            let mut joined = [b'0'; 12];
            let Some(space) = joined.get_mut(..date.len() + 4) else {
                return false;
            };
            let (before, after) = space.split_at_mut(date.len());
            before.copy_from_slice(date);
            after.copy_from_slice(serial);
            (joined, date.len() + 4)
        }
        _ => {
            let mut joined = [b'0'; 12];
            let Some(space) = joined.get_mut(..candidate.len()) else {
                return false;
            };
            space.copy_from_slice(candidate);
            (joined, candidate.len())
        }
    };
    match joined {
        10 => digits::<10>(&candidate[..10]).is_some_and(|digits| born(&digits, &[1900, 2000])),
        12 => digits::<12>(&candidate).is_some_and(|all| {
            let Some(digits) = all.last_chunk::<10>() else {
                return false;
            };
            let century = two(&all, 0);
            matches!(century, 18..=20) && born(digits, &[century * 100])
        }),
        _ => false,
    }
}

fn born(digits: &[u8; 10], centuries: &[u32]) -> bool {
    let (year, month) = (two(digits, 0), two(digits, 2));
    let day = match two(digits, 4) {
        day @ 61..=91 => day - 60,
        day => day,
    };
    luhn(digits)
        && centuries
            .iter()
            .any(|century| dates::exists(century + year, month, day))
}

/// Finnish personal identity code: birth date, the sign of the century (`+` 1800s, `-` and U to Y 1900s, A to F
/// 2000s), a number from 002, and a control character by the remainder by 31 (asetus väestötietojärjestelmästä
/// 128/2010, with the signs of 1.1.2023). The sign belongs to it: here separators stay in.
///
/// Chance: 1 in 1,000 for ten random digits with a hyphen and a character in their places; of random letters and
/// digits none.
pub(crate) fn hetu(candidate: &[u8]) -> bool {
    let Ok(&[d1, d2, m1, m2, y1, y2, sign, n1, n2, n3, control]) = <&[u8; 11]>::try_from(candidate)
    else {
        return false;
    };
    let century = match sign.to_ascii_uppercase() {
        b'+' => 1800,
        b'-' | b'U'..=b'Y' => 1900,
        b'A'..=b'F' => 2000,
        _ => return false,
    };
    let Some(digits) = digits::<9>(&[d1, d2, m1, m2, y1, y2, n1, n2, n3]) else {
        return false;
    };
    dates::exists(century + two(&digits, 4), two(&digits, 2), two(&digits, 0))
        && number(&digits[6..]) >= 2
        && CONTROL[(number(&digits) % 31) as usize] == control.to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::{Chance, Claim, prove};
    use super::*;

    /// The tests of Presidio and of dd-sensitive-data-scanner, Skatteverket's example of a coordination number.
    #[test]
    fn sweden() {
        prove(&Claim {
            check: personnummer,
            valid: &[
                "8712202384",
                "871220-2384",
                "871220+2384",
                "9201232387",
                "670919-9530",
                "811228-9874",
                "701063-2391",
            ],
            broken: &[
                "811228-9873",
                "670919-9539",
                "871320-2384",
                "871220-238",
                "871220:2384",
                "871220",
                "-",
                "8712202384871220-2384",
            ],
            every_wrong_digit: true,
            shapes: &[("9999999999", Chance::OneIn(137.0))],
        });
        // A wrong century passes.
        prove(&Claim {
            check: personnummer,
            valid: &[
                "189004119807",
                "189110089811",
                "191005059801",
                "198712202384",
                "199109242397",
                "19910924-2397",
                "199201232387",
                "200109022392",
                "201109252385",
                "20110925-2385",
                "199003052397",
            ],
            broken: &[
                "19000309-3393",
                "19001309-2393",
                "200504422381",
                "189x09179809",
                "18970c17-9809",
                "219109242397",
            ],
            every_wrong_digit: false,
            shapes: &[("999999999999", Chance::OneIn(4_570.0))],
        });
    }

    /// Presidio's tests.
    #[test]
    fn finland() {
        prove(&Claim {
            check: hetu,
            valid: &[
                "131052-308T",
                "131052+308T",
                "010594Y9032",
                "010594Y9021",
                "020594X903P",
                "020594X902N",
                "030594W903B",
                "030694W9024",
                "040594V9030",
                "040594V902Y",
                "050594U903M",
                "050594U902L",
                "010516B903X",
                "010516B902W",
                "020516C903K",
                "030516D9037",
                "010501E9032",
                "020502E902X",
                "020503F9037",
                "020504A902E",
                "020504b904h",
            ],
            broken: &[
                "111111-111A",
                "111111+110G",
                "311190-1111",
                "310289-211C",
                "012245A110G",
                "010324A110G",
                "131052/308T",
                "131052:308T",
                "131052.308T",
                "131052308T",
                "131052-001W",
                "131052-308",
            ],
            every_wrong_digit: true,
            shapes: &[
                ("999999-999X", Chance::OneIn(1_000.0)),
                ("XXXXXXXXXXX", Chance::Rare),
            ],
        });
    }
}
