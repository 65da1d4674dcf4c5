//! What is asked for: packs, detectors, actions, keys.

use crate::hash_key::HashKey;

use super::detector::Pack;

/// What is done with what a detector found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// `****` in its place; a ZIP code keeps three digits, a date its year, a URL its host and the template of its path.
    Mask,
    /// The first and the last so many letters and digits stay, the others become `*`. Where that would leave all: none stays.
    Partial { keep_first: usize, keep_last: usize },
    /// The id of the key, `:`, and the first 16 hexadecimal digits of an HMAC-SHA256.
    Hash,
    /// A token of the same length and alphabet, by FF1 (NIST SP 800-38G) with AES-256: the same for the same value and key.
    Tokenise,
    /// The attribute goes. What stands elsewhere, in a name or a body, is masked.
    DropAttribute,
    /// The span, log record or metric goes.
    DropItem,
    /// The span, log record or metric goes aside, as it came.
    Quarantine,
    /// Nothing but a count.
    Report,
}

impl Action {
    /// As it is written in a configuration and in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mask => "mask",
            Self::Partial { .. } => "partial",
            Self::Hash => "hash",
            Self::Tokenise => "tokenise",
            Self::DropAttribute => "drop_attribute",
            Self::DropItem => "drop_item",
            Self::Quarantine => "quarantine",
            Self::Report => "report",
        }
    }
}

/// A secret with a name, which stands in front of every hash that was made with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedKey {
    pub id: String,
    pub key: HashKey,
}

/// One detector, as it differs from what its packs say; or a pattern of the user's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AskedDetector {
    pub name: String,
    /// `None`: the default action.
    pub action: Option<Action>,
    /// Counted and not acted on, whatever the action.
    pub shadow: bool,
    /// Not looked for, though a pack holds it.
    pub off: bool,
    /// Keys of attributes in which it isn't looked for; `*` at the end stands for anything.
    pub exclude: Vec<String>,
    /// A regular expression; only for the user's own.
    pub pattern: Option<String>,
    /// Words of which one must be in the key or within 40 bytes; only for the user's own.
    pub context: Vec<String>,
}

/// What is to be found, and what then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedPii {
    pub packs: Vec<Pack>,
    /// Nothing is changed: all is counted.
    pub report: bool,
    pub default_action: Action,
    /// The first one hashes and makes tokens; the others are there for those who look for old hashes.
    pub keys: Vec<NamedKey>,
    pub detectors: Vec<AskedDetector>,
    /// Where not empty: attributes with other keys lose their values.
    pub allow_keys: Vec<String>,
    /// Attributes whose values are not looked at.
    pub skip_keys: Vec<String>,
}

/// What telemetry itself writes, and what no person is in.
pub const SKIP_KEYS: [&str; 7] = [
    "trace_id",
    "span_id",
    "k8s.*",
    "telemetry.*",
    "otel.*",
    "code.*",
    "thread.id",
];

impl Default for AskedPii {
    fn default() -> Self {
        Self {
            packs: Vec::new(),
            report: false,
            default_action: Action::Mask,
            keys: Vec::new(),
            detectors: Vec::new(),
            allow_keys: Vec::new(),
            skip_keys: SKIP_KEYS.map(str::to_owned).to_vec(),
        }
    }
}

impl AskedPii {
    /// Nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.packs.is_empty() && self.detectors.is_empty() && self.allow_keys.is_empty()
    }
}

/// Which part of an [`AskedPii`] has a problem; the numbers are those of the lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PiiAt {
    Packs,
    DefaultAction,
    Key(usize),
    KeyId(usize),
    Keys,
    Detector(usize),
    Action(usize),
    Pattern(usize),
    Context(usize),
    AllowKeys,
    SkipKeys,
}

/// One thing that is wrong, as a sentence that continues the name of the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PiiProblem {
    pub at: PiiAt,
    pub message: String,
}
