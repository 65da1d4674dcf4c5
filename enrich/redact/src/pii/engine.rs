//! What is looked for, compiled: the detectors that are on, the words that give context, the literals of tokens, the users' own patterns.

use std::fmt;
use std::ops::Range;

use regex::bytes::{Regex, RegexSet};

use super::context::{Topics, Vocabulary};
use super::detector::{self, Id, Ids};
use super::secrets::ANCHORED;

/// The literals of tokens, those of detectors that are on, by the two bytes with which their first word begins. All but `://` have one.
pub(crate) struct Anchors {
    /// One bit for each pair of bytes.
    begins: Box<[u64; 1024]>,
    anchors: Vec<Anchor>,
}

/// A literal, given where a word begins.
pub(crate) struct Anchor {
    /// The first two bytes of the literal's first word.
    pair: [u8; 2],
    pub(crate) id: Id,
    pub(crate) literal: &'static [u8],
    /// Bytes of the literal that stand before its first word.
    pub(crate) before: usize,
    pub(crate) find: fn(&[u8], usize) -> Option<Range<usize>>,
}

impl Anchors {
    fn new(wanted: Ids) -> Self {
        let mut anchors = Self {
            begins: Box::new([0; 1024]),
            anchors: Vec::new(),
        };
        for anchored in ANCHORED {
            let literal = anchored.literal.as_bytes();
            let before = literal.iter().position(u8::is_ascii_alphanumeric);
            if let (Some(before), Some(id)) = (before, detector::named(anchored.detector))
                && wanted.has(id)
                && let Some(pair) = literal[before..].first_chunk()
            {
                let (word, bit) = place(*pair);
                anchors.begins[word] |= 1 << bit;
                let find = anchored.find;
                anchors.anchors.push(Anchor {
                    pair: *pair,
                    id,
                    literal,
                    before,
                    find,
                });
            }
        }
        anchors
    }

    /// The literals that may stand where a word begins with these bytes: nearly always none.
    #[inline]
    pub(crate) fn at(&self, word: &[u8]) -> Option<impl Iterator<Item = &Anchor>> {
        let pair = *word.first_chunk()?;
        let (word, bit) = place(pair);
        let may = self.begins[word] >> bit & 1 == 1;
        may.then(|| {
            self.anchors
                .iter()
                .filter(move |anchor| anchor.pair == pair)
        })
    }
}

fn place(pair: [u8; 2]) -> (usize, u32) {
    let pair = u16::from_le_bytes(pair);
    (usize::from(pair >> 6), u32::from(pair & 63))
}

/// A pattern of the user's own.
#[derive(Debug)]
pub(crate) struct Own {
    pub(crate) id: Id,
    pub(crate) pattern: Regex,
    /// What has to be said beside it; none: it is enough by itself.
    pub(crate) topics: Topics,
}

/// All of them, each at its place, and asked at once first.
#[derive(Debug, Default)]
pub(crate) struct OwnPatterns {
    pub(crate) patterns: Vec<Own>,
    pub(crate) any: Option<RegexSet>,
}

/// Finds what the detectors that are on look for.
pub(crate) struct Engine {
    wanted: Ids,
    vocabulary: Vocabulary,
    anchors: Anchors,
    own: OwnPatterns,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("wanted", &self.wanted)
            .finish_non_exhaustive()
    }
}

impl Engine {
    pub(crate) fn new(wanted: Ids, vocabulary: Vocabulary, own: OwnPatterns) -> Self {
        Self {
            anchors: Anchors::new(wanted),
            wanted,
            vocabulary,
            own,
        }
    }

    /// The detectors that are on.
    pub(crate) fn wanted(&self) -> Ids {
        self.wanted
    }

    pub(crate) fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    pub(crate) fn anchors(&self) -> &Anchors {
        &self.anchors
    }

    pub(crate) fn own(&self) -> &OwnPatterns {
        &self.own
    }
}
