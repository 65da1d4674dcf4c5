//! A set of conditions.

use std::ops::{BitOr, BitOrAssign};

/// One bit a condition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bits([u64; 2]);

impl Bits {
    pub(crate) const COUNT: usize = 128;

    #[inline]
    pub(crate) fn set(&mut self, bit: u8) {
        self.0[usize::from(bit >> 6)] |= 1 << (bit & 63);
    }

    #[inline]
    pub(crate) fn clear(&mut self, bit: u8) {
        self.0[usize::from(bit >> 6)] &= !(1 << (bit & 63));
    }

    #[inline]
    pub(crate) fn without(self, other: Self) -> Self {
        Self([self.0[0] & !other.0[0], self.0[1] & !other.0[1]])
    }

    #[inline]
    pub(crate) fn has(self, bit: u8) -> bool {
        self.0[usize::from(bit >> 6)] & (1 << (bit & 63)) != 0
    }
}

/// Which condition of one configuration is which of another.
#[derive(Clone, Debug, Default)]
pub(crate) struct BitMap {
    pairs: Vec<(u8, u8)>,
}

impl BitMap {
    /// By descriptions of the conditions, where a description may stand several times.
    pub(in crate::policy) fn between(from: &[String], to: &[String]) -> Self {
        let mut free: Vec<_> = from.iter().enumerate().collect();
        let mut pairs = Vec::new();
        for (at, condition) in to.iter().enumerate() {
            if let Some(index) = free.iter().position(|(_, known)| *known == condition) {
                let (from, _) = free.remove(index);
                pairs.push((from as u8, at as u8));
            }
        }
        Self { pairs }
    }

    pub(crate) fn apply(&self, bits: Bits) -> Bits {
        let mut mapped = Bits::default();
        for &(from, to) in &self.pairs {
            if bits.has(from) {
                mapped.set(to);
            }
        }
        mapped
    }
}

impl BitOr for Bits {
    type Output = Self;
    #[inline]
    fn bitor(self, other: Self) -> Self {
        Self([self.0[0] | other.0[0], self.0[1] | other.0[1]])
    }
}

impl BitOrAssign for Bits {
    #[inline]
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}
