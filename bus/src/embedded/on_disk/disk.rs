//! What the log takes on disk.

use std::path::Path;
use std::sync::PoisonError;

use crate::DiskUse;
use crate::embedded::in_memory::log::Log;

impl Log {
    /// `None` while the store can't be looked at.
    pub(in crate::embedded) fn disk_use(&self) -> Option<DiskUse> {
        let store = self.read_store();
        let store = store.as_ref()?;
        let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
        let mut topics: Vec<_> = (topics.values())
            .map(|topic| {
                let sizes = store.sizes(topic.number);
                let bytes = sizes.iter().map(|segment| segment.bytes).sum();
                (topic.name.clone(), bytes)
            })
            .collect();
        topics.sort();
        Some(DiskUse {
            bytes: bytes_below(&self.dir),
            topics,
        })
    }
}

/// Files may go while they are counted: those are none then.
fn bytes_below(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let bytes = entries.map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => bytes_below(&entry.path()),
        Ok(metadata) => allocated(&metadata),
        Err(_) => 0,
    });
    bytes.sum()
}

/// A journal is as long as it may become before anything is written to it.
fn allocated(metadata: &std::fs::Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt;
    const BLOCK_BYTES: u64 = 512;
    metadata.blocks() * BLOCK_BYTES
}
