//! Bytes by what can begin at them.

/// What a byte is to the search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Class {
    Other,
    Digit,
    Letter,
    /// `_`: a part of words that joins them to names.
    Joint,
    At,
    Colon,
    Equals,
    Percent,
    Backslash,
    Semicolon,
}

pub(super) static CLASS: [Class; 256] = CLASSES;
const CLASSES: [Class; 256] = classes();

const fn classes() -> [Class; 256] {
    let mut classes = [Class::Other; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'0'..=b'9' => Class::Digit,
            b'a'..=b'z' | b'A'..=b'Z' => Class::Letter,
            b'_' => Class::Joint,
            b'@' => Class::At,
            b':' => Class::Colon,
            b'=' => Class::Equals,
            b'%' => Class::Percent,
            b'\\' => Class::Backslash,
            b';' => Class::Semicolon,
            _ => Class::Other,
        };
        byte += 1;
    }
    classes
}

/// What bytes a word has, as bits of [`WORD`].
pub(super) const DIGIT: u8 = 1;
pub(super) const LETTER: u8 = 2;
pub(super) const JOINT: u8 = 4;

/// The bit of a byte that can stand in a word; 0: none.
pub(super) static WORD: [u8; 256] = word();

const fn word() -> [u8; 256] {
    let mut bits = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        bits[byte] = match CLASSES[byte] {
            Class::Digit => DIGIT,
            Class::Letter => LETTER,
            Class::Joint => JOINT,
            _ => 0,
        };
        byte += 1;
    }
    bits
}
