//! The stages, as the command line knows them.

/// In the order in which data flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Ingest,
    Sampler,
    Enrich,
    Export,
    /// Beside the others: what it writes is looked up, and nobody waits for it.
    Watch,
}

impl Stage {
    pub const ALL: [Self; 5] = [
        Self::Ingest,
        Self::Sampler,
        Self::Enrich,
        Self::Export,
        Self::Watch,
    ];

    /// From 0 on.
    pub fn place(self) -> u16 {
        self as u16
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Sampler => "sampler",
            Self::Enrich => "enrich",
            Self::Export => "export",
            Self::Watch => "watch",
        }
    }
}
