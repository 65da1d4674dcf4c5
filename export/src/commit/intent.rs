//! What is written before a batch is sent: up to which record it goes. Pure.
//!
//! A backend that recognizes a batch by its range of offsets (`BackendKind::once`) can do so only if whoever takes over after a crash makes the very same
//! batch. So the position is committed first, unchanged, with the offset of the batch's last record as its metadata: the next batch of the partition begins
//! at the position and ends there.

/// The batch that may have been sent: from the position with which this is committed, up to the record at `last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intent {
    /// An offset.
    pub last: u64,
}

impl Intent {
    /// As metadata of a position.
    pub fn written(self) -> String {
        format!("next={}", self.last)
    }

    /// What metadata says. `None`: no batch may have been sent since the position was committed.
    pub fn parse(metadata: &str) -> Option<Self> {
        let last = metadata.strip_prefix("next=")?.parse().ok()?;
        Some(Self { last })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let intent = Intent { last: u64::MAX };
        assert_eq!(Intent::parse(&intent.written()), Some(intent));
        for other in ["", "next=", "next=-1", "last=3"] {
            assert_eq!(Intent::parse(other), None, "{other}");
        }
    }
}
