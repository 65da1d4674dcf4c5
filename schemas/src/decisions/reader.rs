//! Reads the numbers and bytes that a decision batch is made of.

use crate::wire::{WireError, read_varint};

/// Why a record is not a decision batch.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecisionError {
    #[error("decision batch: {0}")]
    Wire(#[from] WireError),
    #[error("decision batch of version {0}; this build reads up to version 5")]
    Version(u8),
    #[error("decision batch: {0}")]
    Inconsistent(&'static str),
}

pub(super) struct Reader<'a> {
    pub(super) value: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn names(&mut self) -> Result<Vec<String>, DecisionError> {
        let count = self.varint()?;
        let mut names = Vec::new();
        for _ in 0..count {
            let length = self.varint()?;
            let bytes = usize::try_from(length)
                .map_err(|_| DecisionError::Inconsistent("a name longer than memory"))
                .and_then(|length| Ok(self.bytes(length)?))?;
            let name = std::str::from_utf8(bytes)
                .map_err(|_| DecisionError::Inconsistent("a name that is not UTF-8"))?;
            names.push(name.to_owned());
        }
        Ok(names)
    }

    /// A count of things that take at least so many bytes each.
    pub(super) fn count(&mut self, bytes_min: usize) -> Result<usize, DecisionError> {
        let count = self.varint()?;
        if count > ((self.value.len() - self.at) / bytes_min) as u64 {
            return Err(DecisionError::Inconsistent("more entries than bytes"));
        }
        Ok(count as usize)
    }

    pub(super) fn index(
        &mut self,
        count: usize,
        message: &'static str,
    ) -> Result<u32, DecisionError> {
        let index = self.varint()?;
        if index >= count as u64 {
            return Err(DecisionError::Inconsistent(message));
        }
        u32::try_from(index).map_err(|_| DecisionError::Inconsistent(message))
    }

    /// The value that follows `from` in a delta column.
    pub(super) fn after(&mut self, from: u64) -> Result<u64, WireError> {
        let zigzag = self.varint()?;
        Ok(from.wrapping_add(zigzag >> 1 ^ (zigzag & 1).wrapping_neg()))
    }

    pub(super) fn varint(&mut self) -> Result<u64, WireError> {
        let (value, end) = read_varint(self.value, self.at)?;
        self.at = end;
        Ok(value)
    }

    pub(super) fn bytes(&mut self, length: usize) -> Result<&'a [u8], WireError> {
        let bytes = self.value[self.at..]
            .get(..length)
            .ok_or(WireError::Truncated { at: self.at })?;
        self.at += length;
        Ok(bytes)
    }
}
