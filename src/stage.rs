//! The stages, as the command line knows them.

/// In the order in which data flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Ingest,
    Sampler,
    Enrich,
    Export,
}

impl Stage {
    pub const ALL: [Self; 4] = [Self::Ingest, Self::Sampler, Self::Enrich, Self::Export];

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
        }
    }
}
