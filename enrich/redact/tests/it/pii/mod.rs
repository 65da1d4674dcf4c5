//! Personal data and secrets: what is found, what isn't, and what becomes of it in records.

mod adversary;
mod detectors;
mod ids;
mod records;

use redact::HashKey;
use redact::pii::{AskedDetector, AskedPii, NamedKey, Pack, Pii};

/// All packs, with a key.
pub(crate) fn all() -> AskedPii {
    AskedPii {
        packs: Pack::ALL.to_vec(),
        keys: vec![NamedKey {
            id: "k1".into(),
            key: HashKey(b"a key of sixteen or more bytes".to_vec()),
        }],
        ..AskedPii::default()
    }
}

pub(crate) fn with(detectors: Vec<AskedDetector>) -> AskedPii {
    AskedPii { detectors, ..all() }
}

pub(crate) fn compiled(asked: &AskedPii) -> Pii {
    Pii::compile(asked).expect("what is asked for is sound")
}
