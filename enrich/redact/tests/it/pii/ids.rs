//! What telemetry is made of is not personal data: ids, epochs, addresses of code.

use fastrand::Rng;

use super::{all, compiled};

const CASES: usize = 200_000;

fn cases() -> usize {
    std::env::var("PII_CASES")
        .ok()
        .and_then(|value| value.parse().ok())
        .unwrap_or(CASES)
}

/// Nothing is found in any of many.
fn none_in(what: &str, mut id: impl FnMut(&mut Rng) -> String) {
    let pii = compiled(&all());
    let mut rng = Rng::with_seed(20_261_130);
    for _ in 0..cases() {
        let id = id(&mut rng);
        let found = pii.find(b"", id.as_bytes());
        assert!(found.is_empty(), "{what} {id}: {found:?}");
    }
}

/// Sixteen hexadecimal digits are all decimal once in 1,800 times, and then once in 25 times those of a card: `skip_keys` holds the keys of ids.
fn has_letters(id: &str) -> bool {
    id.bytes().any(|byte| byte.is_ascii_alphabetic())
}

#[test]
fn hexadecimal_ids() {
    for (bytes, what) in [
        (16, "trace id"),
        (12, "object id"),
        (20, "digest"),
        (32, "digest"),
        (4, "short id"),
    ] {
        none_in(what, |rng| {
            (0..bytes).map(|_| format!("{:02x}", rng.u8(..))).collect()
        });
    }
    none_in("span id", |rng| {
        loop {
            let id = format!("{:016x}", rng.u64(..));
            if has_letters(&id) {
                break id;
            }
        }
    });
    none_in("trace id in capitals", |rng| {
        format!("{:032X}", rng.u128(..))
    });
    none_in("address", |rng| format!("0x{:012x}", rng.u64(..) >> 16));
}

#[test]
fn uuids() {
    none_in("UUID", |rng| {
        let id = format!("{:032x}", rng.u128(..));
        [&id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]].join("-")
    });
}

#[test]
fn epochs() {
    for (unit, what) in [
        (1, "s"),
        (1_000, "ms"),
        (1_000_000, "µs"),
        (1_000_000_000, "ns"),
    ] {
        none_in(what, |rng| {
            let seconds: u64 = rng.u64(946_684_800..2_145_916_800);
            (seconds * unit + rng.u64(..unit)).to_string()
        });
        // From 2001 to 2037 in a sentence of a log.
        none_in(what, |rng| {
            let seconds: u64 = rng.u64(1_000_000_000..2_145_916_800);
            format!(
                "committed at {} after {} tries",
                seconds * unit + rng.u64(..unit),
                rng.u8(..)
            )
        });
    }
}

#[test]
fn times_and_versions() {
    none_in("time", |rng| {
        let mut two = |most: u8| format!("{:02}", rng.u8(1..=most));
        format!(
            "20{}-{}-{}T{}:{}:{}.123456Z",
            two(39),
            two(12),
            two(28),
            two(23),
            two(59),
            two(59)
        )
    });
    none_in("time of a log", |rng| {
        format!(
            "{:02}{:02}{:02} {:02}{:02}{:02} {}",
            rng.u8(..100),
            rng.u8(1..13),
            rng.u8(1..29),
            rng.u8(..24),
            rng.u8(..60),
            rng.u8(..60),
            rng.u16(..)
        )
    });
    none_in("version", |rng| {
        format!(
            "app-{}.{}.{}+{:x}",
            rng.u8(..),
            rng.u8(..),
            rng.u16(..),
            rng.u32(..)
        )
    });
    none_in("duration", |rng| {
        format!(
            "took {}.{:06} s, {} bytes",
            rng.u16(..),
            rng.u32(..1_000_000),
            rng.u32(..)
        )
    });
}
