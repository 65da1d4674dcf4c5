//! Loading a record's bytes into the processor's caches before they are walked.
//!
//! A walk knows where a span begins when it has read the length of the one before. In memory that was not looked at for a while this is one
//! wait after the other; with the places known beforehand, the processor waits for many at a time.

/// What processors load at a time, in bytes: 64 on nearly all.
const LINE_BYTES: usize = 64;
/// Before a span's message stand its tag and its length, most of the time three bytes.
const FRAME_BYTES: usize = 3;
/// The last byte of a trace id that stands first in its span.
const ID_END: usize = 17;

/// Loads all of a record, for a walk over every field. To be used where another thread wrote it some time ago.
pub(crate) fn whole(record: &[u8]) {
    load(record.iter().copied().step_by(LINE_BYTES));
}

/// Where the spans of a record begin, for walks that pass over most of them: offsets of their messages, in bytes.
#[derive(Debug, Default)]
pub(crate) struct Starts(Box<[u32]>);

impl Starts {
    pub(crate) fn new(starts: &[u32]) -> Self {
        Self(starts.into())
    }

    /// Loads frame and trace id of every span.
    pub(crate) fn load(&self, record: &[u8]) {
        load(self.0.iter().flat_map(|&start| {
            let start = start as usize;
            let ends = [start.saturating_sub(FRAME_BYTES), start + ID_END];
            ends.map(|at| record.get(at).copied().unwrap_or_default())
        }));
    }

    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.0)
    }
}

fn load(bytes: impl Iterator<Item = u8>) {
    // Else the compiler would leave the loads out.
    std::hint::black_box(bytes.fold(0, |seen, byte| seen ^ byte));
}
