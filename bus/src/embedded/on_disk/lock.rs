//! One process per directory: an advisory lock on a file that names its holder.
//!
//! The kernel releases the lock when the process ends, however it ends; the file stays and means nothing by itself. A process that closes its
//! log and lives on releases the lock by name: a child that another thread is about to start has a copy of every descriptor until it executes its
//! program, and closing only ours would leave the directory locked until then.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use crate::{Error, Result};

/// Held as long as the bus is open.
#[derive(Debug)]
pub(in crate::embedded) struct DirectoryLock {
    file: File,
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
        Ok(Self { file })
    }
}

impl Drop for DirectoryLock {
    fn drop(&mut self) {
        // A failure leaves what closing the file does.
        let _ = self.file.unlock();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// What a process has between fork and exec: a copy of the descriptor.
    #[test]
    fn a_descriptor_that_a_child_inherited_does_not_keep_the_lock() {
        let dir = tempfile::tempdir().unwrap();
        let held = DirectoryLock::acquire(dir.path()).unwrap();
        let inherited = held.file.try_clone().unwrap();
        DirectoryLock::acquire(dir.path()).unwrap_err();
        drop(held);
        DirectoryLock::acquire(dir.path()).unwrap();
        drop(inherited);
    }
}
