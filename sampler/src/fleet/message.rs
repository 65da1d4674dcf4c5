//! What an instance tells the others, as bytes. The layout is in `docs/reference/bus.md`.

use bytes::Bytes;
use schemas::wire::{put_varint, read_varint};

use super::tokens::Tokens;
use crate::decide::links::Linked;

const VERSION: u8 = 3;

/// Counts of one instance, tokens of rate limits, and links from traces that it kept since the last message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Message {
    /// How many it owns.
    pub(super) partitions: u32,
    /// Of the instance, for as long as it runs.
    pub(super) address: u64,
    pub(super) tokens: Vec<Tokens>,
    pub(super) links: Vec<Linked>,
    pub(super) counts: Vec<Counted>,
}

/// An amount of a key in an interval, by the identity of its rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) identity: u64,
    pub(super) interval: u64,
    pub(super) key: u64,
    pub(super) amount: u64,
}

impl Message {
    /// Rule and interval stand once for all counts that follow each other.
    pub(super) fn encode(&self) -> Bytes {
        let mut out = vec![VERSION];
        put_varint(&mut out, self.partitions.into());
        out.extend_from_slice(&self.address.to_le_bytes());
        put_varint(&mut out, self.tokens.len() as u64);
        for tokens in &self.tokens {
            out.extend_from_slice(&tokens.identity.to_le_bytes());
            put_varint(&mut out, tokens.wanted);
            put_varint(&mut out, tokens.given.len() as u64);
            for (to, given) in &tokens.given {
                out.extend_from_slice(&to.to_le_bytes());
                put_varint(&mut out, *given);
            }
        }
        put_varint(&mut out, self.links.len() as u64);
        for linked in &self.links {
            put_varint(&mut out, linked.tenant.len() as u64);
            out.extend_from_slice(&linked.tenant);
            out.extend_from_slice(&linked.target);
            out.extend_from_slice(&linked.source);
        }
        let together =
            |a: &Counted, b: &Counted| (a.identity, a.interval) == (b.identity, b.interval);
        for group in self.counts.chunk_by(together) {
            out.extend_from_slice(&group[0].identity.to_le_bytes());
            put_varint(&mut out, group[0].interval);
            put_varint(&mut out, group.len() as u64);
            for counted in group {
                out.extend_from_slice(&counted.key.to_le_bytes());
                put_varint(&mut out, counted.amount);
            }
        }
        Bytes::from(out)
    }

    /// `None`: of a newer version, or not ours.
    pub(super) fn decode(value: &[u8]) -> Option<Self> {
        let mut at = 1;
        if value.first() != Some(&VERSION) {
            return None;
        }
        let partitions = u32::try_from(varint(value, &mut at)?).ok()?;
        let address = number(value, &mut at)?;
        let mut tokens = Vec::new();
        for _ in 0..varint(value, &mut at)? {
            let (identity, wanted) = (number(value, &mut at)?, varint(value, &mut at)?);
            let mut given = Vec::new();
            for _ in 0..varint(value, &mut at)? {
                given.push((number(value, &mut at)?, varint(value, &mut at)?));
            }
            tokens.push(Tokens {
                identity,
                wanted,
                given,
            });
        }
        let mut links = Vec::new();
        for _ in 0..varint(value, &mut at)? {
            links.push(Linked {
                tenant: bytes(value, &mut at)?.into(),
                target: fixed(value, &mut at)?,
                source: fixed(value, &mut at)?,
            });
        }
        let mut counts = Vec::new();
        while at < value.len() {
            let identity = number(value, &mut at)?;
            let interval = varint(value, &mut at)?;
            for _ in 0..varint(value, &mut at)? {
                counts.push(Counted {
                    identity,
                    interval,
                    key: number(value, &mut at)?,
                    amount: varint(value, &mut at)?,
                });
            }
        }
        Some(Self {
            partitions,
            address,
            tokens,
            links,
            counts,
        })
    }
}

fn varint(value: &[u8], at: &mut usize) -> Option<u64> {
    let (number, end) = read_varint(value, *at).ok()?;
    *at = end;
    Some(number)
}

fn number(value: &[u8], at: &mut usize) -> Option<u64> {
    fixed(value, at).map(u64::from_le_bytes)
}

fn bytes<'a>(value: &'a [u8], at: &mut usize) -> Option<&'a [u8]> {
    let length = usize::try_from(varint(value, at)?).ok()?;
    let bytes = value.get(*at..)?.get(..length)?;
    *at += length;
    Some(bytes)
}

fn fixed<const N: usize>(value: &[u8], at: &mut usize) -> Option<[u8; N]> {
    let bytes = value.get(*at..)?.first_chunk::<N>()?;
    *at += N;
    Some(*bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(partitions: u32, address: u64, tokens in prop::collection::vec((any::<u64>(), any::<u64>(), prop::collection::vec(any::<(u64, u64)>(), 0..3)), 0..3), links in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..3), any::<[u8; 16]>(), any::<[u8; 16]>()), 0..3), counts in prop::collection::vec((0_u64..3, 0_u64..3, any::<u64>(), any::<u64>()), 0..20)) {
            let counts = counts.into_iter().map(|(identity, interval, key, amount)| Counted { identity, interval, key, amount });
            let links = links.into_iter().map(|(tenant, target, source)| Linked { tenant: tenant.into(), target, source });
            let tokens = tokens.into_iter().map(|(identity, wanted, given)| Tokens { identity, wanted, given });
            let message = Message { partitions, address, tokens: tokens.collect(), links: links.collect(), counts: counts.collect() };
            let bytes = message.encode();
            prop_assert_eq!(Message::decode(&bytes), Some(message));
            for length in 0..bytes.len() {
                // Cut off, it is another message or none, and no panic.
                let _ = Message::decode(&bytes[..length]);
            }
        }

        #[test]
        fn anything_else_is_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = Message::decode(&bytes);
        }
    }

    #[test]
    fn a_newer_version_is_not_read() {
        assert_eq!(Message::decode(&[4, 0]), None);
        assert_eq!(Message::decode(&[]), None);
    }
}
