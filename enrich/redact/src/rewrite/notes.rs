//! What is known of keys, each kind of knowledge once: a memo of keys has room for its number alone.

use hashbrown::HashMap;

use crate::pii::KeyNote;
use crate::rules::KeyAction;

/// What is done because of a key, and what it says of the value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Note {
    pub(super) action: KeyAction,
    pub(super) pii: KeyNote,
}

/// The number of a note.
pub(super) type Number = u8;

/// Text that has no key.
pub(super) const NO_KEY: Number = 0;
/// The place of a note for which there is no number left: it holds for one attribute.
const PASSING: Number = Number::MAX;

#[derive(Debug)]
pub(super) struct Notes {
    notes: Vec<Note>,
    numbers: HashMap<Note, Number>,
}

impl Notes {
    pub(super) fn new(no_key: Note) -> Self {
        Self {
            notes: vec![no_key],
            numbers: HashMap::from([(no_key, NO_KEY)]),
        }
    }

    #[inline]
    pub(super) fn get(&self, number: Number) -> &Note {
        &self.notes[usize::from(number)]
    }

    /// The number of a note, which holds for one attribute if [`Notes::lasts`] says so.
    pub(super) fn number(&mut self, note: Note) -> Number {
        if let Some(number) = self.numbers.get(&note) {
            return *number;
        }
        if self.notes.len() < usize::from(PASSING) {
            let number = self.notes.len() as Number;
            self.notes.push(note);
            self.numbers.insert(note, number);
            return number;
        }
        self.notes.truncate(usize::from(PASSING));
        self.notes.push(note);
        PASSING
    }

    /// Whether the number stands for the same note always.
    pub(super) fn lasts(number: Number) -> bool {
        number != PASSING
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_few_and_the_last_one_passes() {
        let note = |action| Note {
            action: KeyAction(action),
            ..Note::default()
        };
        let mut notes = Notes::new(note(0));
        assert_eq!(notes.number(note(0)), NO_KEY);
        let one = notes.number(note(1));
        assert_eq!((one, notes.number(note(1))), (1, 1));
        for action in 2..255 {
            assert!(Notes::lasts(notes.number(note(action))));
        }
        let passing = notes.number(note(255));
        assert!(!Notes::lasts(passing));
        assert_eq!(*notes.get(passing), note(255));
        assert_eq!(*notes.get(one), note(1));
    }
}
