//! What a value may have become where a detector hashes, for those who look for somebody's data.

use super::NamedKey;
use super::act::{HASH_DIGITS, canonical};
use super::detector::{Id, TABLE};
use crate::rules::Hasher;

/// Every hash that the value may have been given under this key. Each detector has one way of writing for the values that it finds, so there are a few.
/// Empty for a key without bytes.
pub fn hashes(key: &NamedKey, value: &[u8]) -> Vec<String> {
    let Some(hasher) = Hasher::new(&key.key.0) else {
        return Vec::new();
    };
    let ids = (0..TABLE.len()).map(|number| Id(number as u8));
    let mut forms: Vec<Vec<u8>> = ids.map(|id| canonical(id, value)).collect();
    forms.push(value.to_vec());
    forms.sort_unstable();
    forms.dedup();
    let hash = |form: Vec<u8>| {
        let digest = hasher.digest(&form);
        let digits = String::from_utf8_lossy(&digest[..HASH_DIGITS]).into_owned();
        format!("{}:{digits}", key.id)
    };
    forms.into_iter().map(hash).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::{Action, AskedPii, Pack, Pii};
    use super::*;
    use crate::HashKey;

    fn key() -> NamedKey {
        NamedKey {
            id: "k1".to_owned(),
            key: HashKey(b"a secret of sixteen bytes or more".to_vec()),
        }
    }

    /// What redaction writes for a value is among the hashes of it, however the value is written.
    #[test]
    fn they_are_those_that_redaction_writes() {
        let pii = Pii::compile(&AskedPii {
            packs: vec![Pack::Pci, Pack::Gdpr],
            default_action: Action::Hash,
            keys: vec![key()],
            ..AskedPii::default()
        })
        .unwrap();
        for (written, asked) in [
            ("Ann@Example.org", "ann@example.org"),
            ("4111 1111 1111 1111", "4111-1111-1111-1111"),
            ("+1 (212) 555-0199", "+12125550199"),
            ("GB82 WEST 1234 5698 7654 32", "gb82west12345698765432"),
            ("192.0.2.77", "192.0.2.77"),
        ] {
            let (mut found, mut counts) = (Vec::new(), vec![0; pii.counters().len()]);
            let treated = pii.treat(written.as_bytes(), &pii.no_key(), &mut found, &mut counts);
            let hash = String::from_utf8(treated.text.unwrap()).unwrap();
            let hashes = hashes(&key(), asked.as_bytes());
            assert!(hashes.contains(&hash), "{asked}: {hash} in {hashes:?}");
        }
    }

    #[test]
    fn another_key_gives_others() {
        let other = NamedKey {
            id: "k2".to_owned(),
            key: HashKey(b"another secret of sixteen bytes".to_vec()),
        };
        let (one, two) = (
            hashes(&key(), b"ann@example.org"),
            hashes(&other, b"ann@example.org"),
        );
        assert!(
            one.iter()
                .all(|hash| hash.starts_with("k1:") && hash.len() == 19)
        );
        assert!(two.iter().all(|hash| hash.starts_with("k2:")));
        assert!(
            one.iter()
                .all(|hash| !two.iter().any(|other| other[3..] == hash[3..]))
        );
    }
}
