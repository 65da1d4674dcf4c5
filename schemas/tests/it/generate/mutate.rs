//! Damage to encoded messages.

use fastrand::Rng;

/// Flips, inserts, removes or cuts a few bytes.
pub fn mutate(rng: &mut Rng, bytes: &mut Vec<u8>) {
    for _ in 0..rng.usize(1..4) {
        if bytes.is_empty() {
            return;
        }
        let at = rng.usize(..bytes.len());
        match rng.u8(..5) {
            0 => bytes[at] = rng.u8(..),
            1 => bytes[at] ^= 1 << rng.u8(..8),
            2 => bytes.insert(at, rng.u8(..)),
            3 => drop(bytes.remove(at)),
            _ => bytes.truncate(at),
        }
    }
}
