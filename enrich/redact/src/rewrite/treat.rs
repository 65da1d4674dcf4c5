//! The rewriter at one text, one bytes value, one number: what detectors make of it.

use schemas::otlp::schema::{ANY_VALUE, Message};
use schemas::wire::{Field, Value, put_len};

use super::Rewriter;

/// A text as it is to go on.
#[derive(Debug, Default)]
pub(super) struct Treated {
    /// `None`: as it is.
    pub(super) text: Option<String>,
    pub(super) found: bool,
}

/// What stands for a text that can't be written as text any more.
const STARS: &str = "****";

impl Rewriter {
    /// Looks at one text under the key that is walked.
    pub(super) fn treat(&mut self, text: &str) -> Treated {
        let Some(pii) = self.rules.pii() else {
            return Treated::default();
        };
        let note = &self.notes.get(self.note).pii;
        let (found, counts) = self.personal.buffers();
        let treated = pii.treat(text.as_bytes(), note, found, counts);
        self.personal.note(treated.leave);
        Treated {
            // Detectors cut between characters. Should one not: nothing of the text stays.
            text: treated
                .text
                .map(|text| String::from_utf8(text).unwrap_or_else(|_| STARS.to_owned())),
            found: treated.found,
        }
    }

    pub(super) fn treat_bytes(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        let pii = self.rules.pii()?;
        let note = &self.notes.get(self.note).pii;
        let (found, counts) = self.personal.buffers();
        let treated = pii.treat_bytes(bytes, note, found, counts);
        self.personal.note(treated.leave);
        treated.text
    }

    /// A number under a key that says what it is. What is found makes a text of it.
    pub(super) fn number(&mut self, field: &Field<'_>, value: Value<'_>, shape: &'static Message) {
        if !std::ptr::eq(shape, &ANY_VALUE) || !self.notes.get(self.note).pii.concerns_numbers() {
            return;
        }
        // AnyValue {int_value = 3, double_value = 4}
        let text = match (field.number, value) {
            (3, Value::Varint(number)) => (number as i64).to_string(),
            (4, Value::Fixed64(bits)) => f64::from_bits(bits).to_string(),
            _ => return,
        };
        if let Some(text) = self.treat(&text).text {
            self.edits
                .edit(field, |out| put_len(out, 1, text.as_bytes()));
        }
    }
}
