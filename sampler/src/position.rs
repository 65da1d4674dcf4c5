//! The metadata committed with a partition's offset: what a new owner needs besides L.

use crate::partition::Start;

/// P and the clocks, as a short string: `1;p=…;cl=…;cp=…;g=…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub decide: u64,
    pub clock_emit_ms: u64,
    pub clock_decide_ms: u64,
    pub generation: u64,
}

/// Why metadata could not be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PositionError {
    #[error(
        "position metadata {0:?} is not of the form \"1;p=…;cl=…;cp=…;g=…\": was this group's offset committed by another program?"
    )]
    Malformed(String),
    #[error(
        "position metadata of version {0}; this build reads up to version 1: upgrade, or reset the group's offsets"
    )]
    Version(u32),
}

impl Position {
    pub fn to_metadata(&self) -> String {
        todo!()
    }

    /// # Errors
    /// Not our format, or of a newer version.
    pub fn parse(metadata: &str) -> Result<Self, PositionError> {
        let _ = metadata;
        todo!()
    }

    pub fn start(&self, emit: u64) -> Start {
        Start {
            emit,
            decide: self.decide.max(emit),
            clock_emit_ms: self.clock_emit_ms,
            clock_decide_ms: self.clock_decide_ms,
        }
    }
}
