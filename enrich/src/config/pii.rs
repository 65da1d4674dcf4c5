//! `enrich.pii` as written: which personal data and secrets are looked for, and what becomes of them.

use std::collections::BTreeMap;

use redact::HashKey;
use redact::pii::{Action, AskedDetector, AskedPii, NamedKey, Pack, PiiAt, SKIP_KEYS};
use runtime::config::Secret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Applied to the same places as `redact`, before its patterns.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawPii {
    /// Detectors that are switched on together; `docs/reference/pii.md` lists them.
    pub packs: Vec<RawPack>,
    /// Whether what is found is acted on, or counted alone.
    pub mode: RawPiiMode,
    /// What becomes of what a detector finds that names no action of its own.
    pub default_action: RawPiiAction,
    /// Secrets of hashes and tokens. The first one is used; older ones stay in the list for `tailwater find`.
    pub keys: Vec<RawNamedKey>,
    /// Detectors by name: what is different of one of Tailwater's, or your own, which has a `pattern`.
    pub detectors: BTreeMap<String, RawDetector>,
    /// Where not empty: attributes with other keys have their values replaced by `****`. `*` at the end stands for anything. The service's name,
    /// namespace and instance id stay always.
    pub allow_keys: Vec<String>,
    /// Attributes in whose values nothing is looked for. `*` at the end stands for anything.
    pub skip_keys: Vec<String>,
}

impl Default for RawPii {
    fn default() -> Self {
        Self {
            packs: Vec::new(),
            mode: RawPiiMode::Act,
            default_action: RawPiiAction::Mask,
            keys: Vec::new(),
            detectors: BTreeMap::new(),
            allow_keys: Vec::new(),
            skip_keys: SKIP_KEYS.map(str::to_owned).to_vec(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawPack {
    /// Keys, tokens and passwords.
    Secrets,
    /// Payment cards, by PCI DSS.
    Pci,
    /// Personal data in the sense of the GDPR.
    Gdpr,
    /// The identifiers of HIPAA's Safe Harbor.
    Hipaa,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawPiiMode {
    #[default]
    Act,
    /// Nothing is changed: what would be is counted.
    Report,
}

/// What becomes of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawPiiAction {
    /// `****`; a ZIP code keeps three digits, a date its year, a URL its host and its path without ids.
    Mask,
    /// The first and last letters and digits stay; each other one becomes `*`.
    #[serde(rename_all = "snake_case")]
    Partial {
        #[serde(default)]
        keep_first: usize,
        #[serde(default)]
        keep_last: usize,
    },
    /// The id of the key, `:`, and 16 hexadecimal digits of an HMAC-SHA256.
    Hash,
    /// A token of the same length and alphabet (FF1 with AES-256), the same for the same value.
    Tokenise,
    /// The attribute goes; what stands elsewhere is masked.
    DropAttribute,
    /// The span, log record or metric goes.
    DropItem,
    /// The span, log record or metric goes to `<prefix>.quarantine`, as it came.
    Quarantine,
    /// Counted alone.
    Report,
}

/// A secret with a name.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawNamedKey {
    /// Stands in front of each hash: up to 16 letters, digits, `_` and `-`.
    pub id: String,
    /// At least 16 random bytes, such as the output of `openssl rand -hex 32`.
    pub key: Secret,
}

#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawDetector {
    /// Absent: `default_action`.
    pub action: Option<RawPiiAction>,
    /// `report`: what this detector finds is counted alone, to try it.
    pub mode: RawPiiMode,
    /// `false`: not looked for, though a pack holds it.
    pub enabled: bool,
    /// Attributes in whose values it isn't looked for. `*` at the end stands for anything.
    pub exclude: Vec<String>,
    /// A regular expression, in the syntax of the Rust crate `regex`: for a detector of your own.
    pub pattern: Option<String>,
    /// Words of which one must be in the attribute's key or within 40 bytes of the finding: for a detector of your own.
    pub context: Vec<String>,
}

impl Default for RawDetector {
    fn default() -> Self {
        Self {
            action: None,
            mode: RawPiiMode::Act,
            enabled: true,
            exclude: Vec::new(),
            pattern: None,
            context: Vec::new(),
        }
    }
}

impl RawPii {
    /// `None`: nothing is asked for.
    pub fn asked(&self) -> Option<AskedPii> {
        let detector = |(name, raw): (&String, &RawDetector)| AskedDetector {
            name: name.clone(),
            action: raw.action.map(RawPiiAction::action),
            shadow: raw.mode == RawPiiMode::Report,
            off: !raw.enabled,
            exclude: raw.exclude.clone(),
            pattern: raw.pattern.clone(),
            context: raw.context.clone(),
        };
        let key = |named: &RawNamedKey| NamedKey {
            id: named.id.clone(),
            key: HashKey(named.key.0.clone().into_bytes()),
        };
        let asked = AskedPii {
            packs: self.packs.iter().map(|pack| pack.pack()).collect(),
            report: self.mode == RawPiiMode::Report,
            default_action: self.default_action.action(),
            keys: self.keys.iter().map(key).collect(),
            detectors: self.detectors.iter().map(detector).collect(),
            allow_keys: self.allow_keys.clone(),
            skip_keys: self.skip_keys.clone(),
        };
        (!asked.is_empty()).then_some(asked)
    }

    /// Where a part of what is asked for stands, below `pii`.
    pub(super) fn written(&self, at: PiiAt) -> String {
        let detector = |number: usize| {
            let name = self.detectors.keys().nth(number);
            format!("detectors.{}", name.map_or("", String::as_str))
        };
        match at {
            PiiAt::Packs => "packs".to_owned(),
            PiiAt::DefaultAction => "default_action".to_owned(),
            PiiAt::Keys => "keys".to_owned(),
            PiiAt::Key(number) => format!("keys[{number}].key"),
            PiiAt::KeyId(number) => format!("keys[{number}].id"),
            PiiAt::Detector(number) => detector(number),
            PiiAt::Action(number) => format!("{}.action", detector(number)),
            PiiAt::Pattern(number) => format!("{}.pattern", detector(number)),
            PiiAt::Context(number) => format!("{}.context", detector(number)),
            PiiAt::AllowKeys => "allow_keys".to_owned(),
            PiiAt::SkipKeys => "skip_keys".to_owned(),
        }
    }
}

impl RawPack {
    fn pack(self) -> Pack {
        match self {
            Self::Secrets => Pack::Secrets,
            Self::Pci => Pack::Pci,
            Self::Gdpr => Pack::Gdpr,
            Self::Hipaa => Pack::Hipaa,
        }
    }
}

impl RawPiiAction {
    fn action(self) -> Action {
        match self {
            Self::Mask => Action::Mask,
            Self::Partial {
                keep_first,
                keep_last,
            } => Action::Partial {
                keep_first,
                keep_last,
            },
            Self::Hash => Action::Hash,
            Self::Tokenise => Action::Tokenise,
            Self::DropAttribute => Action::DropAttribute,
            Self::DropItem => Action::DropItem,
            Self::Quarantine => Action::Quarantine,
            Self::Report => Action::Report,
        }
    }
}
