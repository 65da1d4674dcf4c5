//! Where a table comes from.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::contents::Contents;
use super::fault::Fault;
use super::wanted::Wanted;
use super::{delimited, document, geo};

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Csv,
    Json,
    Yaml,
    /// MaxMind's binary format: values by network.
    Mmdb,
}

/// A file with a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) format: Format,
    pub(crate) path: PathBuf,
    pub(crate) wanted: Wanted,
    /// Of the file, and of what is made of it.
    pub(crate) bytes_max: u64,
    pub(crate) refresh: Duration,
}

impl Source {
    /// The bytes of the file.
    pub(super) fn read(&self) -> Result<Vec<u8>, Fault> {
        let unreadable = |error: std::io::Error| Fault::Unreadable(error.to_string());
        let file = File::open(&self.path).map_err(unreadable)?;
        let mut bytes = Vec::new();
        // One more than is allowed tells that there is more; the size that a file claims may be no more than a claim.
        let mut file = file.take(self.bytes_max + 1);
        file.read_to_end(&mut bytes).map_err(unreadable)?;
        match bytes.len() as u64 > self.bytes_max {
            true => Err(Fault::TooLarge(self.bytes_max)),
            false => Ok(bytes),
        }
    }

    /// What the bytes say.
    pub(super) fn parse(&self, bytes: Vec<u8>) -> Result<Contents, Fault> {
        Ok(match self.format {
            Format::Csv => Contents::Rows(delimited::parse(&bytes, &self.wanted, self.bytes_max)?),
            Format::Json => Contents::Rows(document::json(&bytes, &self.wanted, self.bytes_max)?),
            Format::Yaml => {
                let file = self.path.display().to_string();
                Contents::Rows(document::yaml(&file, &bytes, &self.wanted, self.bytes_max)?)
            }
            Format::Mmdb => Contents::Networks(geo::Networks::new(bytes, &self.wanted)?),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}
