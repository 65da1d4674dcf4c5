//! Why a foreign record can't be translated, with the place of the fault in it.

use std::fmt;

use schemas::wire::WireError;

/// What is told of a foreign text: it may be long, and it ends in a header of the dead letter.
const SHOWN_CHARS_MAX: usize = 40;

/// A record that is not of its format. Its text says where, such as `tags[3].v_type: …`.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed {
    /// From the outermost part inwards.
    path: Vec<String>,
    message: String,
}

impl Malformed {
    pub fn new(message: impl fmt::Display) -> Self {
        Self {
            path: Vec::new(),
            message: message.to_string(),
        }
    }

    /// The same fault, seen from the part that holds this one.
    pub fn within(mut self, part: impl fmt::Display) -> Self {
        self.path.insert(0, part.to_string());
        self
    }
}

/// The beginning of a foreign text.
pub fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARS_MAX).collect()
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path.join("."))?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Malformed {}

impl From<WireError> for Malformed {
    fn from(error: WireError) -> Self {
        Self::new(error)
    }
}
