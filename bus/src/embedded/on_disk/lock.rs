//! One process per directory: an advisory lock on a file that names its holder.
//!
//! The kernel releases the lock when the process ends, however it ends; the file stays and means nothing by itself.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use crate::{Error, Result};

/// Held as long as the bus is open.
#[derive(Debug)]
pub(in crate::embedded) struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    /// # Errors
    /// `Fatal`, naming the directory and, where known, the process that holds it.
    pub(in crate::embedded) fn acquire(dir: &Path) -> Result<Self> {
        let fatal = |error: std::io::Error| {
            Error::Fatal(format!(
                "cannot lock the embedded bus in {}: {error}; check that the directory is writable",
                dir.display()
            ))
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(dir.join("lock"))
            .map_err(fatal)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::Error(error)) => return Err(fatal(error)),
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                let holder = match holder.trim().parse::<u32>() {
                    Ok(pid) if pid == std::process::id() => "this very process".to_owned(),
                    Ok(pid) => format!("process {pid}"),
                    Err(_) => "another process".to_owned(),
                };
                return Err(Error::Fatal(format!(
                    "the embedded bus in {} is in use by {holder}: stop it, or give this one another bus.embedded.dir",
                    dir.display()
                )));
            }
        }
        let write = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{}", std::process::id())
        };
        // On a full disk the lock holds all the same, only without a name on it.
        let _ = write(&mut file);
        Ok(Self { _file: file })
    }
}
