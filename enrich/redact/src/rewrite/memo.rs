//! Short texts that have been looked at already, and whole attributes: most keys and values of a stream are the same few hundred.
//!
//! A direct-mapped table that holds the texts themselves and compares them whole: a memo by hash would let a secret pass
//! that collides with a harmless text. It only ever saves work; losing an entry costs one more look.
//!
//! A text is held from its second time on. What comes once, as most ids do, would push out what comes always; so it touches two bytes here,
//! in tables small enough for a core's first cache, and no entry: each would be a wait for a slower one.

/// Longer texts are looked at each time: they repeat less, and the look costs by the byte anyway.
const TEXT_MAX: usize = 62;

/// A line of the processor's caches.
#[derive(Clone)]
#[repr(align(64))]
struct Entry {
    len: u8,
    note: u8,
    text: [u8; TEXT_MAX],
}

impl Entry {
    /// For texts of some tens of bytes, where a call to the C library's comparison costs more than comparing.
    #[inline]
    fn is(&self, text: &[u8]) -> bool {
        if usize::from(self.len) != text.len() {
            return false;
        }
        let own = &self.text[..text.len()];
        let (Some(own_end), Some(end)) = (own.last_chunk::<8>(), text.last_chunk::<8>()) else {
            return own.iter().zip(text).all(|(own, byte)| own == byte);
        };
        // The last word overlaps the one before.
        let mut words = own.chunks_exact(8).zip(text.chunks_exact(8));
        words.all(|(own, word)| own == word) && own_end == end
    }
}

/// `slots` texts of up to 62 bytes, 64 bytes each, with a byte of findings.
pub(crate) struct Memo {
    entries: Vec<Entry>,
    /// Eight bits of the hash of each entry's text, or [`NONE`].
    tags: Vec<u8>,
    /// The same of the text that came last and was not held.
    seen_tags: Vec<u8>,
}

/// No text has this tag.
const NONE: u8 = 0;

impl Memo {
    /// `slots` is a power of two.
    pub(crate) fn new(slots: usize) -> Self {
        debug_assert!(slots.is_power_of_two());
        let empty = Entry {
            len: 0,
            note: 0,
            text: [0; TEXT_MAX],
        };
        Self {
            entries: vec![empty; slots],
            tags: vec![NONE; slots],
            seen_tags: vec![NONE; slots],
        }
    }

    /// What was noted for exactly this text.
    #[inline(always)]
    pub(crate) fn get(&self, text: &[u8]) -> Option<u8> {
        if text.len() > TEXT_MAX {
            return None;
        }
        let (slot, tag) = self.place(text);
        if self.tags[slot] != tag {
            return None;
        }
        let entry = &self.entries[slot];
        entry.is(text).then_some(entry.note)
    }

    /// Notes that the text came; the second time in a row, among those of its slot, it is held.
    pub(crate) fn put(&mut self, text: &[u8], note: u8) {
        if text.len() > TEXT_MAX {
            return;
        }
        let (slot, tag) = self.place(text);
        if std::mem::replace(&mut self.seen_tags[slot], tag) != tag {
            return;
        }
        self.tags[slot] = tag;
        let entry = &mut self.entries[slot];
        entry.len = text.len() as u8;
        entry.note = note;
        entry.text[..text.len()].copy_from_slice(text);
    }

    /// Slot and tag by eight bytes each of the beginning, the middle and the end, and the length: what differs elsewhere only shares a slot.
    #[inline]
    fn place(&self, text: &[u8]) -> (usize, u8) {
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
        let slot = (mixed >> 32) as usize & (self.entries.len() - 1);
        (slot, ((mixed >> 56) as u8).max(NONE + 1))
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

    fn put_twice(memo: &mut Memo, text: &[u8], note: u8) {
        memo.put(text, note);
        memo.put(text, note);
    }

    #[test]
    fn finds_exactly_what_was_put() {
        let mut memo = Memo::new(1);
        for text in ["", "a", "12345678", "a longer text than eight bytes"] {
            assert_eq!(memo.get(text.as_bytes()), None);
            put_twice(&mut memo, text.as_bytes(), 7);
            assert_eq!(memo.get(text.as_bytes()), Some(7));
        }
    }

    /// Equal at both ends, in the middle and in length, with the same slot and tag, and yet another text.
    #[test]
    fn texts_of_one_slot_are_told_apart() {
        let mut memo = Memo::new(1);
        let (harmless, secret) = (
            b"12345678 harm 87654321 less 12345678",
            b"12345678 a se 87654321 cret 12345678",
        );
        assert_eq!(
            memo.place(harmless),
            memo.place(secret),
            "else this shows nothing"
        );
        put_twice(&mut memo, harmless, 0);
        assert_eq!(memo.get(harmless), Some(0));
        assert_eq!(memo.get(secret), None);
    }

    /// The comparison goes by words: no byte may be missed, whatever the length.
    #[test]
    fn no_byte_is_overlooked() {
        let text: Vec<u8> = (0..TEXT_MAX as u8).collect();
        for length in 0..=TEXT_MAX {
            let mut entry = Entry {
                len: length as u8,
                note: 0,
                text: [0; TEXT_MAX],
            };
            entry.text[..length].copy_from_slice(&text[..length]);
            assert!(entry.is(&text[..length]));
            for at in 0..length {
                entry.text[at] ^= 1;
                assert!(!entry.is(&text[..length]), "byte {at} of {length}");
                entry.text[at] ^= 1;
            }
        }
    }

    #[test]
    fn what_comes_once_pushes_nothing_out() {
        let mut memo = Memo::new(1);
        put_twice(&mut memo, b"always", 3);
        for id in 0..1000_u32 {
            memo.put(format!("{id:016x}").as_bytes(), 0);
        }
        assert_eq!(memo.get(b"always"), Some(3));
    }

    #[test]
    fn long_texts_are_not_held() {
        let mut memo = Memo::new(16);
        let text = [b'x'; TEXT_MAX + 1];
        put_twice(&mut memo, &text, 1);
        assert_eq!(memo.get(&text), None);
    }
}
