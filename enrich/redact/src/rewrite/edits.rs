//! What has to change in a record, noted while it is walked, and the record written anew.
//!
//! Edits stand in the order of the bytes they replace. When something inside a message changes its length, the
//! message's own length changes, and it stands before what changed: so each message that is entered leaves a
//! placeholder, which is taken back or filled in when it is left. Everything between two edits is copied as it stands.

use schemas::wire::{Field, put_len, put_varint};

/// Replace `from..to` of the record by `text_from..text_to` of the new text. Records are far below 4 GiB.
#[derive(Clone, Copy, Debug)]
struct Edit {
    from: u32,
    to: u32,
    text_from: u32,
    text_to: u32,
}

/// A message that is being walked.
#[derive(Debug)]
#[must_use]
pub(crate) struct Open {
    edit: usize,
    growth: i64,
    number: u32,
    body_len: usize,
}

/// The edits of one record.
#[derive(Debug, Default)]
pub(crate) struct Edits {
    edits: Vec<Edit>,
    /// The new text of all edits.
    text: Vec<u8>,
    /// By how much the record grows.
    growth: i64,
    /// The record's address: fields are slices of it.
    base: usize,
}

impl Edits {
    /// Forgets all edits and turns to another record.
    pub(crate) fn begin(&mut self, record: &[u8]) {
        self.edits.clear();
        self.text.clear();
        self.growth = 0;
        self.base = record.as_ptr() as usize;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    /// Enters a length-delimited field whose value is `body`.
    pub(crate) fn open(&mut self, field: &Field<'_>, body: &[u8]) -> Open {
        let from = self.offset(field.raw);
        let open = Open {
            edit: self.edits.len(),
            growth: self.growth,
            number: field.number,
            body_len: body.len(),
        };
        self.edits.push(Edit {
            from,
            to: from + (field.raw.len() - body.len()) as u32,
            text_from: 0,
            text_to: 0,
        });
        open
    }

    /// Leaves it: if its length has changed, tag and length are written anew.
    pub(crate) fn close(&mut self, open: Open) {
        if self.edits.len() == open.edit + 1 {
            self.edits.pop();
            return;
        }
        let growth = self.growth - open.growth;
        let edit = &mut self.edits[open.edit];
        if growth == 0 {
            edit.to = edit.from;
            return;
        }
        edit.text_from = self.text.len() as u32;
        put_varint(&mut self.text, u64::from(open.number) << 3 | 2);
        put_varint(&mut self.text, (open.body_len as i64 + growth) as u64);
        edit.text_to = self.text.len() as u32;
        self.growth += i64::from(edit.text_to - edit.text_from) - i64::from(edit.to - edit.from);
    }

    /// Forgets all edits since a field was entered, and that it was. Their text stays behind, unused, until the next record.
    pub(crate) fn take_back(&mut self, open: Open) {
        self.edits.truncate(open.edit);
        self.growth = open.growth;
    }

    /// Takes a whole field out.
    pub(crate) fn remove(&mut self, field: &Field<'_>) {
        self.edit(field, |_| {});
    }

    /// Gives a length-delimited field another value.
    pub(crate) fn replace(&mut self, field: &Field<'_>, value: &[u8]) {
        self.edit(field, |text| put_len(text, field.number, value));
    }

    /// Writes something else, fields with tags, in place of a whole field.
    pub(crate) fn edit(&mut self, field: &Field<'_>, write: impl FnOnce(&mut Vec<u8>)) {
        let from = self.offset(field.raw);
        self.push(from, from + field.raw.len() as u32, write);
    }

    /// Writes fields behind the last one of a message, given the field that it is the value of.
    pub(crate) fn append(&mut self, message: &Field<'_>, write: impl FnOnce(&mut Vec<u8>)) {
        let at = self.offset(message.raw) + message.raw.len() as u32;
        self.push(at, at, write);
    }

    fn push(&mut self, from: u32, to: u32, write: impl FnOnce(&mut Vec<u8>)) {
        let text_from = self.text.len() as u32;
        write(&mut self.text);
        let text_to = self.text.len() as u32;
        self.growth += i64::from(text_to - text_from) - i64::from(to - from);
        self.edits.push(Edit {
            from,
            to,
            text_from,
            text_to,
        });
    }

    /// Appends the edited record.
    pub(crate) fn write(&self, record: &[u8], out: &mut Vec<u8>) {
        out.reserve((record.len() as i64 + self.growth) as usize);
        let mut copied = 0;
        for edit in &self.edits {
            out.extend_from_slice(&record[copied..edit.from as usize]);
            out.extend_from_slice(&self.text[edit.text_from as usize..edit.text_to as usize]);
            copied = edit.to as usize;
        }
        out.extend_from_slice(&record[copied..]);
    }

    fn offset(&self, part: &[u8]) -> u32 {
        (part.as_ptr() as usize - self.base) as u32
    }
}
