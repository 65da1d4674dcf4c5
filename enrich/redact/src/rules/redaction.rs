//! What is to be redacted, as it is asked for; [`crate::Rules`] is what it compiles to.

use std::collections::BTreeMap;

use crate::hash_key::HashKey;
use crate::pii::{AskedPii, PiiAt};

/// What is to be redacted. Keys of attributes are matched as a whole, at any depth.
///
/// The order is: delete, hash, personal data, mask, set. A key may be deleted or hashed or set, not two of these.
#[derive(Clone, Debug, Default)]
pub struct Redaction {
    /// Attributes with these keys are removed.
    pub delete: Vec<String>,
    /// Attributes with these keys have their value replaced by its HMAC-SHA256, 64 hexadecimal digits.
    pub hash: Vec<String>,
    /// The secret of the hashes. It must not be empty where something is hashed.
    pub hash_key: HashKey,
    /// Text that is replaced wherever it stands, in this order.
    pub masks: Vec<Mask>,
    /// Personal data and secrets that are looked for, before patterns are replaced.
    pub pii: Option<AskedPii>,
    /// Fields that OTLP doesn't have and that could hold text are kept. Otherwise they are removed if anything is redacted at all.
    pub keep_unknown_fields: bool,
    /// Attributes that every resource gets. An existing attribute with the same key is replaced.
    pub set_resource: BTreeMap<String, Fixed>,
    /// Attributes that every span, log record and data point gets.
    pub set_item: BTreeMap<String, Fixed>,
}

/// A pattern, and what replaces its matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    /// For counters and messages; each name once.
    pub name: String,
    /// A regular expression in the syntax of the crate `regex`. It must not match the empty text.
    pub pattern: String,
    /// The replacement: `$1` or `${name}` is a group of the pattern, `$$` a dollar sign.
    pub with: String,
}

/// The value of an attribute that is set.
#[derive(Clone, Debug, PartialEq)]
pub enum Fixed {
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(String),
}

/// One thing that is wrong with a [`Redaction`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub at: At,
    /// A sentence that continues the name of the place: "is empty; give the pattern a name".
    pub message: String,
}

/// Which part of a [`Redaction`] has a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    Delete,
    Hash,
    HashKey,
    /// The name, pattern or replacement of the mask with this index.
    MaskName(usize),
    MaskPattern(usize),
    MaskWith(usize),
    SetResource,
    SetItem,
    Pii(PiiAt),
}

/// Gathers problems.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<Problem>);

impl Problems {
    pub(crate) fn push(&mut self, at: At, message: impl Into<String>) {
        self.0.push(Problem {
            at,
            message: message.into(),
        });
    }

    pub(crate) fn into_result<T>(self, value: T) -> Result<T, Vec<Problem>> {
        match self.0.is_empty() {
            true => Ok(value),
            false => Err(self.0),
        }
    }
}
