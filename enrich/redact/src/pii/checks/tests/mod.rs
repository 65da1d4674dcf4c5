//! What every check has to stand: published numbers, broken ones, single wrong digits, random bytes; and how many
//! random candidates pass.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// Of one measurement of a chance.
const CANDIDATES: usize = 400_000;

/// What is claimed of a check.
pub(super) struct Claim<'a> {
    pub(super) check: fn(&[u8]) -> bool,
    pub(super) valid: &'a [&'a str],
    pub(super) broken: &'a [&'a str],
    /// Whether one wrong digit makes any valid number invalid.
    pub(super) every_wrong_digit: bool,
    /// What a random candidate is made of: `9` a digit, `A` a letter, `X` either, `h` a hexadecimal
    /// digit, anything else itself. Several lengths are several shapes.
    pub(super) shapes: &'a [(&'a str, Chance)],
}

/// The share of random candidates that pass.
#[derive(Clone, Copy)]
pub(super) enum Chance {
    /// One in so many, measured within a sixth.
    OneIn(f64),
    /// Too rare to be measured here: of `CANDIDATES` none or nearly none.
    Rare,
}

/// Holds a check to what is claimed of it.
#[track_caller]
pub(super) fn prove(claim: &Claim<'_>) {
    for valid in claim.valid {
        assert!((claim.check)(valid.as_bytes()), "{valid} is valid");
        for cut in 0..valid.len() {
            // Some numbers have several lengths, and a part may be one of its own: only that it doesn't panic.
            (claim.check)(&valid.as_bytes()[..cut]);
        }
        if claim.every_wrong_digit {
            wrong_digits_are_found(claim, valid);
        }
    }
    for broken in claim.broken {
        assert!(!(claim.check)(broken.as_bytes()), "{broken} is broken");
    }
    fillers_are_none(claim.check);
    nothing_panics(claim.check);
    for (shape, chance) in claim.shapes {
        measured(claim.check, shape, *chance);
    }
}

#[track_caller]
fn wrong_digits_are_found(claim: &Claim<'_>, valid: &str) {
    for at in (0..valid.len()).filter(|at| valid.as_bytes()[*at].is_ascii_digit()) {
        for digit in b'0'..=b'9' {
            let mut wrong = valid.as_bytes().to_vec();
            if std::mem::replace(&mut wrong[at], digit) != digit {
                let found = String::from_utf8_lossy(&wrong).into_owned();
                assert!(
                    !(claim.check)(&wrong),
                    "{found} passes, but is {valid} with a wrong digit"
                );
            }
        }
    }
}

#[track_caller]
fn fillers_are_none(check: fn(&[u8]) -> bool) {
    for length in 0..40 {
        for digit in b'0'..=b'9' {
            assert!(
                !check(&vec![digit; length]),
                "{length} times {}",
                char::from(digit)
            );
        }
    }
}

fn nothing_panics(check: fn(&[u8]) -> bool) {
    let candidates = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..48),
        proptest::collection::vec(
            prop_oneof![
                b'0'..=b'9',
                b'A'..=b'Z',
                b'a'..=b'z',
                Just(b'-'),
                Just(b'+'),
                Just(b'.')
            ],
            0..48
        ),
    ];
    let config = Config {
        cases: 2_000,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&candidates, |candidate| {
            check(&candidate);
            Ok(())
        })
        .expect("a check that doesn't panic");
}

#[track_caller]
fn measured(check: fn(&[u8]) -> bool, shape: &str, chance: Chance) {
    let mut random = fastrand::Rng::with_seed(0x7461_696c);
    let mut passed = 0;
    for _ in 0..CANDIDATES {
        let candidate: Vec<u8> = shape
            .bytes()
            .map(|kind| byte_of(kind, &mut random))
            .collect();
        passed += usize::from(check(&candidate));
    }
    let share = passed as f64 / CANDIDATES as f64;
    match chance {
        Chance::OneIn(n) => {
            let (low, high) = (5.0 / 6.0 / n, 7.0 / 6.0 / n);
            assert!(
                (low..=high).contains(&share),
                "{shape}: one in {:.1} passes, not one in {n}",
                1.0 / share
            );
        }
        Chance::Rare => assert!(passed <= 4, "{shape}: {passed} of {CANDIDATES} pass"),
    }
}

fn byte_of(kind: u8, random: &mut fastrand::Rng) -> u8 {
    match kind {
        b'9' => random.u8(b'0'..=b'9'),
        b'A' => random.u8(b'A'..=b'Z'),
        b'X' => b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[random.usize(0..36)],
        // A hexadecimal digit, as ids are made of.
        b'h' => b"0123456789abcdef"[random.usize(0..16)],
        other => other,
    }
}
