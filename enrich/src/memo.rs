//! Short texts that have been looked at already, and whole attributes: most keys and values of a stream are the same few hundred.
//!
//! A direct-mapped table that holds the texts themselves and compares them whole: a memo by hash would let a secret pass
//! that collides with a harmless text. It only ever saves work; losing an entry costs one more look.

/// Longer texts are looked at each time: they repeat less, and the look costs by the byte anyway.
const TEXT_MAX: usize = 62;

#[derive(Clone)]
struct Entry {
    len: u8,
    note: u8,
    text: [u8; TEXT_MAX],
}

/// `slots` texts of up to 62 bytes, 64 bytes each, with a byte of findings.
pub(crate) struct Memo {
    entries: Vec<Entry>,
}

/// No text has this length, so that an empty entry equals nothing.
const NONE: u8 = u8::MAX;

impl Memo {
    /// `slots` is a power of two.
    pub(crate) fn new(slots: usize) -> Self {
        debug_assert!(slots.is_power_of_two());
        let empty = Entry {
            len: NONE,
            note: 0,
            text: [0; TEXT_MAX],
        };
        Self {
            entries: vec![empty; slots],
        }
    }

    /// What was noted for exactly this text.
    #[inline]
    pub(crate) fn get(&self, text: &[u8]) -> Option<u8> {
        if text.len() > TEXT_MAX {
            return None;
        }
        let entry = &self.entries[self.slot(text)];
        (usize::from(entry.len) == text.len() && entry.text[..text.len()] == *text)
            .then_some(entry.note)
    }

    pub(crate) fn put(&mut self, text: &[u8], note: u8) {
        if text.len() > TEXT_MAX {
            return;
        }
        let slot = self.slot(text);
        let entry = &mut self.entries[slot];
        entry.len = text.len() as u8;
        entry.note = note;
        entry.text[..text.len()].copy_from_slice(text);
    }

    /// Eight bytes each of the beginning, the middle and the end, and the length: what differs elsewhere only shares a slot.
    #[inline]
    fn slot(&self, text: &[u8]) -> usize {
        let len = text.len();
        let words = if len >= 8 {
            let middle = (len - 8) / 2;
            let [first, middle, last] = [0, middle, len - 8].map(|at| word(&text[at..at + 8]));
            first ^ middle.rotate_left(41) ^ last.rotate_left(23)
        } else {
            let mut padded = [0; 8];
            padded[..len].copy_from_slice(text);
            u64::from_le_bytes(padded)
        };
        let mixed = (words ^ (len as u64).rotate_left(56)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (mixed >> 32) as usize & (self.entries.len() - 1)
    }
}

fn word(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(bytes);
    u64::from_le_bytes(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_exactly_what_was_put() {
        let mut memo = Memo::new(1);
        for text in ["", "a", "12345678", "a longer text than eight bytes"] {
            assert_eq!(memo.get(text.as_bytes()), None);
            memo.put(text.as_bytes(), 7);
            assert_eq!(memo.get(text.as_bytes()), Some(7));
        }
    }

    /// Equal at both ends and in length, in the same slot, and yet another text.
    #[test]
    fn texts_of_one_slot_are_told_apart() {
        let mut memo = Memo::new(1);
        memo.put(b"12345678 harmless 12345678", 0);
        assert_eq!(memo.get(b"12345678 a secret 12345678"), None);
    }

    #[test]
    fn long_texts_are_not_held() {
        let mut memo = Memo::new(16);
        let text = [b'x'; TEXT_MAX + 1];
        memo.put(&text, 1);
        assert_eq!(memo.get(&text), None);
    }
}
