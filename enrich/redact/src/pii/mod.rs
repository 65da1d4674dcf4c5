//! Personal data and secrets in text: found by detectors, and masked, hashed, dropped or counted.
//!
//! [`AskedPii`] says what to look for and compiles to [`Pii`], which [`crate::Rewriter`] asks about every text of a record. The search is in
//! `search/`, what it hands candidates to in `checks/` and `secrets/`, the words that give context in `context/`, and what is done in `act/`.

mod act;
mod asked;
mod checks;
mod compile;
mod context;
mod detector;
mod engine;
mod hashes;
mod keys;
mod search;
mod secrets;

pub use asked::{Action, AskedDetector, AskedPii, NamedKey, PiiAt, PiiProblem, SKIP_KEYS};
pub use detector::{Pack, detectors};
pub use hashes::hashes;

pub(crate) use act::Leave;
pub(crate) use keys::KeyNote;

use act::Plans;
use asked::Action as Act;
use engine::Engine;
use keys::KeyRules;
pub(crate) use search::Found;

/// What is counted of one detector: the labels of a metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counter {
    pub detector: String,
    pub action: &'static str,
    /// `act` or `report`.
    pub mode: &'static str,
}

/// Something that was found in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding<'a> {
    pub detector: &'a str,
    /// In bytes.
    pub place: std::ops::Range<usize>,
}

/// A compiled [`AskedPii`].
#[derive(Debug)]
pub struct Pii {
    engine: Engine,
    plans: Plans,
    keys: KeyRules,
    /// One for each detector that is on.
    counters: Vec<Counter>,
    /// The index of a detector's counter, by its number.
    counter_of: Vec<Option<u16>>,
}

/// What became of one text.
#[derive(Debug, Default)]
pub(crate) struct Treated {
    /// The text to go on; `None`: as it is.
    pub(crate) text: Option<Vec<u8>>,
    pub(crate) leave: Option<Leave>,
    /// Something was found, whatever was done: the text isn't one that can be passed over the next time.
    pub(crate) found: bool,
}

impl Pii {
    /// The labels of the counts, by index.
    pub fn counters(&self) -> &[Counter] {
        &self.counters
    }

    /// What is in a text under a key of an attribute; an empty key where there is none. In order; of what overlaps, each.
    pub fn find(&self, key: &[u8], text: &[u8]) -> Vec<Finding<'_>> {
        let keys = (!key.is_empty()).then_some(key);
        self.find_under(keys.as_slice(), text)
    }

    /// The same under several keys, the outermost first: that of an attribute and those of the maps in it.
    pub fn find_under(&self, keys: &[&[u8]], text: &[u8]) -> Vec<Finding<'_>> {
        self.find_noted(&self.note_under(keys), text)
    }

    /// The same of a number, which is looked at only under keys that say what it is.
    pub fn find_number(&self, keys: &[&[u8]], number: &str) -> Vec<Finding<'_>> {
        let note = self.note_under(keys);
        match note.concerns_numbers() {
            true => self.find_noted(&note, number.as_bytes()),
            false => Vec::new(),
        }
    }

    fn note_under(&self, keys: &[&[u8]]) -> KeyNote {
        let notes = keys.iter().map(|key| self.note(key));
        notes
            .reduce(|outer, note| note.under(&outer))
            .unwrap_or_else(|| self.no_key())
    }

    fn find_noted(&self, note: &KeyNote, text: &[u8]) -> Vec<Finding<'_>> {
        let mut found = Vec::new();
        search::find_in_bytes(&self.engine, text, note.wanted(), note.topics(), &mut found);
        found.sort_unstable_by_key(|found| (found.start, found.end));
        let finding = |found: Found| {
            let counter = (*self.counter_of.get(usize::from(found.id.0))?)?;
            Some(Finding {
                detector: &self.counters[usize::from(counter)].detector,
                place: found.start..found.end,
            })
        };
        found.into_iter().filter_map(finding).collect()
    }

    /// Whether a detector sends items to the quarantine.
    pub fn quarantines(&self) -> bool {
        (0..self.counters.len()).any(|counter| self.is_quarantine(counter))
    }

    /// Whether findings of the counter with this index send items to the quarantine.
    pub(crate) fn is_quarantine(&self, counter: usize) -> bool {
        self.counters[counter].action == Act::Quarantine.name()
            && self.counters[counter].mode == "act"
    }

    /// What the rules say of a key.
    pub(crate) fn note(&self, key: &[u8]) -> KeyNote {
        self.keys.note(key, &self.engine)
    }

    /// Of text that has no key.
    pub(crate) fn no_key(&self) -> KeyNote {
        KeyNote::plain(self.engine.wanted())
    }

    /// Looks at one text, and counts what it finds.
    pub(crate) fn treat(
        &self,
        text: &[u8],
        note: &KeyNote,
        found: &mut Vec<Found>,
        counts: &mut [u64],
    ) -> Treated {
        found.clear();
        search::find(&self.engine, text, note.wanted(), note.topics(), found);
        self.act(text, found, counts)
    }

    /// As [`Pii::treat`], for bytes that may be anything.
    pub(crate) fn treat_bytes(
        &self,
        bytes: &[u8],
        note: &KeyNote,
        found: &mut Vec<Found>,
        counts: &mut [u64],
    ) -> Treated {
        found.clear();
        search::find_in_bytes(&self.engine, bytes, note.wanted(), note.topics(), found);
        self.act(bytes, found, counts)
    }

    /// Whether a text holds something that is acted on.
    pub(crate) fn acts_on(&self, text: &[u8], note: &KeyNote) -> bool {
        let mut found = Vec::new();
        search::find(&self.engine, text, note.wanted(), note.topics(), &mut found);
        self.plans.acts_on(&found)
    }

    fn act(&self, text: &[u8], found: &mut Vec<Found>, counts: &mut [u64]) -> Treated {
        if found.is_empty() {
            return Treated::default();
        }
        for found in &*found {
            if let Some(Some(counter)) = self.counter_of.get(usize::from(found.id.0)) {
                counts[usize::from(*counter)] += 1;
            }
        }
        Treated {
            leave: self.plans.leave(found),
            text: self.plans.rewrite(text, found),
            found: true,
        }
    }
}
