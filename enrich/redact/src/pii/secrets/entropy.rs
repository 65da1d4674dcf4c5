//! How random bytes look: what tells a generated token from a word.

/// Shannon's entropy of these bytes, in bits a byte: 0 for one byte over and over, at most the logarithm of how many
/// different ones there are. 32 random hexadecimal digits have about 3.6, 40 of base64 about 4.9, an English word of
/// ten letters about 2.8.
pub(crate) fn entropy(bytes: &[u8]) -> f32 {
    let mut counts = [0_u32; 256];
    for byte in bytes {
        counts[usize::from(*byte)] += 1;
    }
    let total = bytes.len() as f32;
    let share = |count: &u32| *count as f32 / total;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(share)
        .map(|share| -share * share.log2())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_a_byte() {
        for (text, bits) in [
            ("", 0.0),
            ("aaaa", 0.0),
            ("abab", 1.0),
            ("abcd", 2.0),
            ("0123456789abcdef", 4.0),
            ("aab", 0.918_3),
        ] {
            let found = entropy(text.as_bytes());
            assert!((found - bits).abs() < 1e-3, "{text}: {found}");
        }
        let all: Vec<u8> = (0..=u8::MAX).collect();
        assert!((entropy(&all) - 8.0).abs() < 1e-3);
    }
}
