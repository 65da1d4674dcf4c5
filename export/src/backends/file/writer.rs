//! OTLP JSON lines in a file: one request a line, as the Collector's `otlpjsonfile` receiver reads it.
//!
//! A batch is accepted when it is synced to disk. A write that failed half-way (disk full) is cut off again, so that its
//! repetition doubles nothing; a line that a crash left torn is cut off when the file is opened, since its offset
//! was never committed. The file is locked: two writers would overwrite each other's lines.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use bytes::Bytes;
use schemas::Signal;

use super::config::{FileConfig, Rotate};
use crate::backends::kind::Sink;
use crate::outcome::{Accepted, Failure};
use crate::records::batch::Batch;
use crate::transport::body::Payload;

/// The writer of one file; signals take turns.
pub struct FileWriter {
    path: PathBuf,
    rotate: Option<Rotate>,
    open: Mutex<Open>,
}

/// Why a file can't be written to.
#[derive(Debug, thiserror::Error)]
#[error("can't open {path} for appending: {source}")]
pub struct OpenFileError {
    path: PathBuf,
    source: std::io::Error,
}

struct Open {
    file: File,
    /// Up to here every line is whole.
    bytes: u64,
    /// A write failed, and what it left behind could not be cut off yet.
    torn: bool,
}

impl FileWriter {
    pub fn open(config: &FileConfig) -> Result<Self, OpenFileError> {
        let open = Open::at(&config.path).map_err(|source| OpenFileError {
            path: config.path.clone(),
            source,
        })?;
        Ok(Self {
            path: config.path.clone(),
            rotate: config.rotate,
            open: Mutex::new(open),
        })
    }

    fn append(&self, payload: &Payload) -> Result<Accepted, Failure> {
        let mut open = self
            .open
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        self.try_append(&mut open, payload).map_err(|error| {
            Failure::retry(format!("can't write to {}: {error}", self.path.display()))
        })?;
        Ok(Accepted::default())
    }

    fn try_append(&self, open: &mut Open, payload: &Payload) -> std::io::Result<()> {
        if !open.is_at(&self.path) {
            tracing::warn!(path = %self.path.display(), "somebody moved, emptied or changed the file; it is opened again");
            // It may be the same file still.
            let _ = open.file.unlock();
            *open = Open::at(&self.path)?;
        }
        if let Some(rotate) = self.rotate
            && open.bytes > 0
            && open.bytes + payload.bytes() > rotate.bytes
        {
            self.shift(rotate.keep)?;
            *open = Open::at(&self.path)?;
        }
        open.append(payload)
    }

    /// `<path>` becomes `<path>.1`, that `<path>.2`, and so on; what would be beyond `keep` goes.
    fn shift(&self, keep: u32) -> std::io::Result<()> {
        let numbered = |number: u32| {
            let mut name = self.path.clone().into_os_string();
            if number > 0 {
                name.push(format!(".{number}"));
            }
            PathBuf::from(name)
        };
        if keep == 0 {
            return std::fs::remove_file(&self.path);
        }
        for number in (0..keep).rev() {
            let from = numbered(number);
            if from.exists() {
                std::fs::rename(from, numbered(number + 1))?;
            }
        }
        sync_directory(&self.path)
    }
}

impl Sink for FileWriter {
    type Request = Payload;

    /// Each record is a line of its own: receivers bound the length of a line (the Collector's at 1 MiB).
    fn prepare(&self, signal: Signal, batch: &Batch) -> Result<Payload, String> {
        let mut out = Vec::with_capacity(batch.bytes * 3);
        for (index, entry) in batch.entries.iter().enumerate() {
            schemas::json::from_protobuf(signal, &entry.record.value, &mut out).map_err(
                |error| {
                    format!(
                        "{} can't be written as JSON: {error}",
                        batch.place_of(index)
                    )
                },
            )?;
            out.push(b'\n');
        }
        Ok(Payload::new([Bytes::from(out)]))
    }

    fn bytes(request: &Payload) -> u64 {
        request.bytes()
    }

    async fn send(&self, _: Signal, request: &Payload) -> Result<Accepted, Failure> {
        self.append(request)
    }
}

impl Open {
    fn at(path: &Path) -> std::io::Result<Self> {
        if let Some(parent) = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
        {
            std::fs::create_dir_all(parent)?;
        }
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        lock(&file)?;
        let bytes = end_of_lines(&mut file)?;
        if bytes < file.metadata()?.len() {
            tracing::warn!(path = %path.display(), kept_bytes = bytes, "cut off a torn last line; its record is written again");
            file.set_len(bytes)?;
        }
        file.seek(SeekFrom::Start(bytes))?;
        sync_directory(path)?;
        Ok(Self {
            file,
            bytes,
            torn: false,
        })
    }

    /// Whether the path still leads to this file, with nothing in it but what was written here. Without this look, all that
    /// follows a `rm` or a `mv` would go where nobody finds it.
    fn is_at(&self, path: &Path) -> bool {
        match (std::fs::metadata(path), self.file.metadata()) {
            (Ok(there), Ok(here)) => {
                (there.dev(), there.ino()) == (here.dev(), here.ino())
                    && (self.torn || here.len() == self.bytes)
            }
            _ => false,
        }
    }

    fn append(&mut self, payload: &Payload) -> std::io::Result<()> {
        if self.torn {
            self.cut()?;
        }
        let mut write = || {
            payload
                .chunks()
                .try_for_each(|chunk| self.file.write_all(chunk))?;
            self.file.sync_data()
        };
        match write() {
            Ok(()) => {
                self.bytes += payload.bytes();
                Ok(())
            }
            Err(error) => {
                self.torn = true;
                let _ = self.cut();
                Err(error)
            }
        }
    }

    /// Takes back what a failed write left behind.
    fn cut(&mut self) -> std::io::Result<()> {
        self.file.set_len(self.bytes)?;
        self.file.seek(SeekFrom::Start(self.bytes))?;
        self.torn = false;
        Ok(())
    }
}

/// Holds the file as long as it is open. Some network file systems have no locks: there nobody is kept away.
fn lock(file: &File) -> std::io::Result<()> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(std::io::Error::new(
            std::io::ErrorKind::ResourceBusy,
            "another backend or process writes to it: give each its own path",
        )),
        Err(TryLockError::Error(error)) => {
            tracing::warn!(%error, "the file can't be locked; make sure that nobody else writes to it");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

/// Where a file's last whole line ends. Only a torn line of ours is passed over; a stranger's file without
/// a line break at its end is refused, not cut.
fn end_of_lines(file: &mut File) -> std::io::Result<u64> {
    const OURS: &[u8] = b"{\"resource";
    let length = file.metadata()?.len();
    let mut end = length;
    let mut block = vec![0; 64 << 10];
    while end > 0 {
        let start = end.saturating_sub(block.len() as u64);
        let block = &mut block[..(end - start) as usize];
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(block)?;
        if let Some(index) = block.iter().rposition(|byte| *byte == b'\n') {
            end = start + index as u64 + 1;
            break;
        }
        end = start;
    }
    let mut tail = [0; OURS.len()];
    let tail = &mut tail[..(length - end).min(OURS.len() as u64) as usize];
    file.seek(SeekFrom::Start(end))?;
    file.read_exact(tail)?;
    // Zeros are what a file system may leave of a write that power loss cut short.
    if OURS.starts_with(tail) || tail.starts_with(OURS) || tail.iter().all(|byte| *byte == 0) {
        return Ok(end);
    }
    Err(std::io::Error::new(
        std::io::ErrorKind::InvalidData,
        "it ends in a line that isn't OTLP JSON: choose another path, or end it with a line break",
    ))
}

/// New and renamed names are durable only when their directory is.
fn sync_directory(path: &Path) -> std::io::Result<()> {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests;
