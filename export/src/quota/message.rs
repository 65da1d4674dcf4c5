//! What a partition counted, as bytes. The layout is in `docs/reference/bus.md`.

use bytes::Bytes;
use schemas::wire::{put_varint, read_varint};

use super::table::{Amount, Counted, Table};
use super::usage::State;

const VERSION: u8 = 1;
/// A message is no longer than this, whatever there is to say: the newest windows come first.
const BYTES_MAX: usize = 512 << 10;

/// The state of a partition, for others.
pub fn encode(state: &State) -> Bytes {
    let mut all: Vec<_> = state.counts.iter().collect();
    all.sort_unstable_by_key(|(tenant, window, _)| (std::cmp::Reverse(*window), *tenant));
    let mut out = vec![VERSION];
    put_varint(&mut out, state.through);
    for (tenant, window, counted) in all {
        let before = out.len();
        put_varint(&mut out, tenant.len() as u64);
        out.extend_from_slice(tenant);
        put_varint(&mut out, window);
        put_varint(&mut out, counted.amount.bytes);
        put_varint(&mut out, counted.amount.items);
        // 0: there was none.
        put_varint(&mut out, counted.over_from.map_or(0, |offset| offset + 1));
        if out.len() > BYTES_MAX {
            out.truncate(before);
            break;
        }
    }
    out.into()
}

/// `None`: it is of another version, or torn.
pub fn decode(value: &[u8]) -> Option<State> {
    let (version, mut left) = value.split_first()?;
    if *version != VERSION {
        return None;
    }
    let through = varint(&mut left)?;
    let mut counts = Table::default();
    while !left.is_empty() {
        let length = usize::try_from(varint(&mut left)?).ok()?;
        let tenant;
        (tenant, left) = left.split_at_checked(length)?;
        let window = varint(&mut left)?;
        let (bytes, items) = (varint(&mut left)?, varint(&mut left)?);
        let over_from = varint(&mut left)?.checked_sub(1);
        let amount = Amount { bytes, items };
        counts.put(tenant, window, Counted { amount, over_from });
    }
    Some(State { through, counts })
}

fn varint(left: &mut &[u8]) -> Option<u64> {
    let (value, end) = read_varint(left, 0).ok()?;
    *left = left.get(end..)?;
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(tenants: usize) -> State {
        let mut counts = Table::default();
        for number in 0..tenants {
            let tenant = format!("a tenant with a name of some length {number}").into_bytes();
            let amount = Amount {
                bytes: u64::MAX / 2,
                items: number as u64,
            };
            counts.add(&tenant, 20_000 + number as u64 % 2, amount);
            if number % 3 == 0 {
                counts.set_over(&tenant, 20_000 + number as u64 % 2, number as u64);
            }
        }
        State {
            through: 77,
            counts,
        }
    }

    #[test]
    fn what_is_told_is_heard() {
        for tenants in [0, 1, 300] {
            let state = state(tenants);
            assert_eq!(decode(&encode(&state)), Some(state));
        }
    }

    #[test]
    fn it_stays_small_and_tells_the_newest_first() {
        let encoded = encode(&state(10_000));
        assert!(encoded.len() <= BYTES_MAX);
        let heard = decode(&encoded).unwrap_or_default();
        let newest = heard
            .counts
            .iter()
            .filter(|(_, window, _)| *window == 20_001);
        assert_eq!(newest.count(), 5_000);
    }

    #[test]
    fn what_is_torn_is_no_state() {
        let encoded = encode(&state(3));
        assert_eq!(decode(&[]), None);
        assert_eq!(decode(&[2, 0]), None);
        for end in 3..encoded.len() {
            let whole = decode(&encoded[..end]).map(|state| state.counts.iter().count());
            assert!(whole.is_none_or(|entries| entries < 3), "{end}");
        }
    }
}
