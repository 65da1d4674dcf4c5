//! The table of literals, and gitleaks' own examples.

mod gitleaks;

use proptest::prelude::*;

use super::ANCHORED;

#[test]
fn literals_are_few_and_none_holds_another() {
    assert!(ANCHORED.len() <= 60);
    for (at, anchored) in ANCHORED.iter().enumerate() {
        assert!(anchored.literal.len() >= 3, "{}", anchored.literal);
        for other in &ANCHORED[at + 1..] {
            let apart = !anchored.literal.contains(other.literal)
                && !other.literal.contains(anchored.literal);
            assert!(apart, "{} and {}", anchored.literal, other.literal);
        }
    }
}

/// What every literal's parser finds at every place where the literal stands, with the detector's name.
fn found(text: &[u8]) -> Vec<(&'static str, std::ops::Range<usize>)> {
    let mut found = Vec::new();
    for anchored in ANCHORED {
        let literal = anchored.literal.as_bytes();
        for at in 0..text.len() {
            if text[at..].starts_with(literal)
                && let Some(range) = (anchored.find)(text, at)
            {
                assert!(at <= range.start && range.start < range.end && range.end <= text.len());
                found.push((anchored.detector, range));
            }
        }
    }
    found
}

proptest! {
    #[test]
    fn nothing_panics(
        before in proptest::collection::vec(any::<u8>(), 0..8),
        which in 0..ANCHORED.len(),
        after in "[-A-Za-z0-9_.+/=:@ ]{0,120}",
        cut in 0_usize..130,
    ) {
        let mut text = before;
        let at = text.len();
        text.extend_from_slice(ANCHORED[which].literal.as_bytes());
        text.extend_from_slice(after.as_bytes());
        found(&text);
        // A parser that is asked at the wrong place, or behind the end.
        text.truncate(cut);
        for anchored in ANCHORED {
            let _ = (anchored.find)(&text, at.min(text.len()));
            let _ = (anchored.find)(&text, text.len());
        }
    }

    #[test]
    fn assignments_never_panic(text in proptest::collection::vec(prop_oneof![
        proptest::sample::select(b"password:=\"'\\ token{}<>$".to_vec()), any::<u8>(),
    ], 0..80), at in 0_usize..90) {
        if let Some(range) = super::assigned::assigned(&text, at) {
            assert!(at < range.start && range.start < range.end && range.end <= text.len());
        }
    }

    /// What is masked is no secret any more.
    #[test]
    fn masks_are_none(which in 0..ANCHORED.len(), mask in "(\\*{4}|k1:[0-9a-f]{16}|\\[REDACTED\\])") {
        let text = format!("x {}{mask} y", ANCHORED[which].literal);
        prop_assert_eq!(found(text.as_bytes()), vec![]);
    }
}
