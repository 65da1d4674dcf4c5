//! Chance as a hash of the trace id: the Collector's `probabilistic`.

use crate::policy::on_traces::chance::{self, Chance};
use crate::policy::on_traces::outcome::Outcome;
use crate::policy::on_traces::trace_facts::TraceFacts;

/// FNV-1a's start value: <http://www.isthe.com/chongo/tech/comp/fnv/>.
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

fn fnv(state: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(state, |state, &byte| {
        (state ^ u64::from(byte)).wrapping_mul(FNV_PRIME)
    })
}

/// A share of all traces. As the Collector's `probabilistic`: FNV-1a 64 over salt and trace id, kept if at most percentage / 100 × (2⁶⁴ − 1).
#[derive(Clone, Copy, Debug)]
pub(in crate::policy) struct Share {
    salt_state: u64,
    bound: u64,
}

impl Share {
    pub(in crate::policy) fn new(salt: &str, percentage: f64) -> Self {
        let salt = if salt.is_empty() {
            "default-hash-seed"
        } else {
            salt
        };
        Self {
            salt_state: fnv(FNV_OFFSET, salt.as_bytes()),
            bound: share_of_u64(percentage / 100.0),
        }
    }

    /// Where somebody sampled before us, the same random value is asked, so that both choices agree.
    pub(in crate::policy) fn outcome(&self, trace: &TraceFacts<'_>) -> Outcome {
        let threshold = chance::threshold(self.bound);
        let holds = match trace.upstream {
            Some(randomness) => randomness >= threshold,
            None => fnv(self.salt_state, trace.id) <= self.bound,
        };
        if threshold == 0 || self.bound == 0 {
            return Outcome::sure(holds);
        }
        let chance = Chance {
            threshold,
            // Asked of what OpenTelemetry says is R.
            salt_state: trace.upstream.is_none().then_some(self.salt_state),
        };
        match holds {
            true => Outcome::holds(chance),
            false => Outcome::missed(chance),
        }
    }
}

/// R of a trace, as a [`Share`] with this salt sees it.
pub(in crate::policy) fn randomness(salt_state: u64, id: &[u8; 16]) -> u64 {
    chance::randomness(fnv(salt_state, id))
}

/// ⌊ratio × (2⁶⁴ − 1)⌋ for the exact value of the float: what Go's `big.Float` of 64 bits gives.
///
/// The Collector multiplies a 64-bit `big.Float` by the ratio with 64 bits of precision, rounded to nearest even, then cuts.
fn share_of_u64(ratio: f64) -> u64 {
    if ratio <= 0.0 {
        return 0;
    }
    if ratio >= 1.0 {
        return u64::MAX;
    }
    // ratio = mantissa × 2^exponent, with the mantissa's top bit (2^52) set for all percentages that matter.
    let bits = ratio.to_bits();
    let fraction = bits & ((1 << 52) - 1);
    let (mantissa, exponent) = match (bits >> 52) & 0x7FF {
        0 => (fraction, -1074),
        biased => (fraction | 1 << 52, biased as i32 - 1075),
    };
    let product = u128::from(mantissa) * u128::from(u64::MAX);
    // Round to 64 significant bits, to nearest even.
    let length = 128 - product.leading_zeros() as i32;
    let excess = (length - 64).max(0);
    let rounded = round_shift(product, excess as u32);
    // The value is rounded × 2^(exponent + excess), and exponent + excess is negative or zero here.
    match -(exponent + excess) {
        shift @ 1..=127 => (rounded >> shift) as u64,
        shift if shift >= 128 => 0,
        _ => u64::try_from(rounded).unwrap_or(u64::MAX),
    }
}

/// `value / 2^shift`, rounded to nearest, ties to even.
fn round_shift(value: u128, shift: u32) -> u128 {
    if shift == 0 {
        return value;
    }
    let quotient = value >> shift;
    let rest = value & ((1 << shift) - 1);
    let half = 1 << (shift - 1);
    if rest > half || (rest == half && quotient & 1 == 1) {
        quotient + 1
    } else {
        quotient
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_go_s() {
        // calculateThreshold of the Collector's probabilistic sampler, printed by Go.
        for (percentage, bound) in [
            (0.0, 0),
            (100.0, u64::MAX),
            (150.0, u64::MAX),
            (50.0, 0x7fff_ffff_ffff_ffff),
            (10.0, 0x1999_9999_9999_99ff),
            (7.0, 0x11eb_851e_b851_ebff),
            (0.1, 0x41_8937_4bc6_a7ef),
            (33.3, 0x553f_7ced_9168_6fff),
            (99.99, 0xfff9_7247_4538_e7ff),
            (0.000_001, 0x2a_f31d_c461),
        ] {
            assert_eq!(share_of_u64(percentage / 100.0), bound, "{percentage} %");
        }
    }

    #[test]
    fn hashes_are_go_s() {
        // fnv.New64a over "default-hash-seed" and the id.
        for (first, hash) in [
            (0, 0x736a_92d7_fd19_125d),
            (1, 0x2b1a_9524_3a80_3cdd),
            (5, 0xfb5a_b767_e2ba_a95d_u64),
        ] {
            let id = std::array::from_fn::<u8, 16, _>(|at| first * 17 + at as u8 * 3);
            assert_eq!(fnv(fnv(FNV_OFFSET, b"default-hash-seed"), &id), hash);
        }
    }
}
