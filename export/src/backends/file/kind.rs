//! The file as a kind of backend.

use runtime::config::Problems;
use schemas::Signal;

use super::collisions;
use super::config::{FileConfig, RawFile, Rotate};
use super::writer::FileWriter;
use crate::backends::kind::{BackendKind, Opening, Written};

impl BackendKind for FileConfig {
    type Section = RawFile;
    type Sink = FileWriter;

    /// One writer keeps a file's order, and is as fast as it is.
    const CONCURRENCY_MAX: usize = 1;

    fn validate(section: &RawFile, _: &[Signal], at: &str, problems: &mut Problems) -> Self {
        if section.path.as_os_str().is_empty() {
            problems.push(format!("{at}.path"), "a path is needed, e.g. ./kept.jsonl");
        }
        if let Some(rotate) = section.rotate
            && rotate.bytes.0 == 0
        {
            problems.push(
                format!("{at}.rotate.bytes"),
                "0 would start a new file with each batch: leave `rotate` out for one file",
            );
        }
        Self {
            path: section.path.clone(),
            rotate: section.rotate.map(|rotate| Rotate {
                bytes: rotate.bytes.0,
                keep: rotate.keep,
            }),
        }
    }

    fn validate_together(sections: &[Written<'_, RawFile>], problems: &mut Problems) {
        collisions::check(sections, problems);
    }

    fn target(section: &RawFile) -> Option<String> {
        Some(section.path.display().to_string())
    }

    fn open(&self, _: &Opening<'_>) -> anyhow::Result<FileWriter> {
        Ok(FileWriter::open(self)?)
    }
}
