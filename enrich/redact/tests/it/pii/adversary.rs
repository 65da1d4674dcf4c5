//! Texts that were made to cost: the time grows with the text, and what is held with what is found.

use std::time::{Duration, Instant};

use super::{all, compiled};

/// Bytes of each text.
const LEN: usize = 4 << 20;
/// For the slowest machine: a linear search takes a tenth of it.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn long_texts_take_linear_time() {
    let pii = compiled(&all());
    let mut rng = fastrand::Rng::with_seed(1);
    let pieces = [
        "@",
        "a@",
        "a.@b.",
        "%40",
        "a%40b",
        "1",
        "1 ",
        "1-",
        "1.",
        "12 34 ",
        "4111 1111 1111 1111 ",
        "+1 ",
        "(",
        ":",
        "::",
        "f:",
        "a:b:",
        "://",
        "http://a",
        "=",
        "password=",
        "token=",
        "token:a",
        "://a:b@",
        "pass:\"",
        "password=hunter2 ",
        "\"token\": ",
        "eyJ",
        "eyJhbGciOiJIUzI1NiJ9.",
        "-----BEGIN ",
        "-----BEGIN PRIVATE KEY-----",
        "Bearer ",
        "Basic ",
        ";4111111111111111=",
        "%B4",
        "ghp_",
        "AKIA",
        "a",
        "A1",
        "GB82 ",
        "GB82",
        "\\",
        "\\n",
        "ssn 1 ",
        "phone 555 ",
        "card ",
        "cvv 123 ",
        "ab-cd-",
        "00:",
        "%",
        "_",
        "\u{fc}",
        "\u{0}",
    ];
    for piece in pieces {
        let text = piece.repeat(LEN / piece.len());
        let start = Instant::now();
        let found = pii.find(b"", text.as_bytes());
        assert!(
            start.elapsed() < PATIENCE,
            "{piece:?} took {:?}",
            start.elapsed()
        );
        assert!(found.len() <= LEN / 3, "{piece:?}: {}", found.len());
    }
    let noise: Vec<u8> = (0..LEN).map(|_| rng.u8(..)).collect();
    let start = Instant::now();
    pii.find(b"password.phone.ssn", &noise);
    assert!(start.elapsed() < PATIENCE);
}

/// Any bytes, and texts of pieces that detectors look for: nothing panics, places lie in the text and on the borders of characters.
#[test]
fn no_text_is_too_strange() {
    let pii = compiled(&all());
    let mut rng = fastrand::Rng::with_seed(20_261_130);
    let pieces = [
        "@", "%40", "a", "ü", ".", "-", " ", "1", "12", "123", "4111", "+", "(", ")", ":", "//",
        "=", "\"", "password", "ssn", "phone", "\\n", "eyJ", "GB82", "x", "_", "0", "::", "ff",
        "%B", "^", ";", "?", "AB", "http",
    ];
    for case in 0..100_000 {
        let text: Vec<u8> = if case % 2 == 0 {
            (0..rng.usize(..20))
                .flat_map(|_| pieces[rng.usize(..pieces.len())].bytes())
                .collect()
        } else {
            (0..rng.usize(..40)).map(|_| rng.u8(..)).collect()
        };
        for key in ["", "user.ssn", "phone.password.card.iban.cvv.dob"] {
            for found in pii.find(key.as_bytes(), &text) {
                let place = found.place;
                assert!(
                    place.start < place.end && place.end <= text.len(),
                    "{text:?}"
                );
                if let Ok(text) = std::str::from_utf8(&text) {
                    assert!(
                        text.is_char_boundary(place.start) && text.is_char_boundary(place.end),
                        "{} {text:?}",
                        found.detector
                    );
                }
            }
        }
    }
}
