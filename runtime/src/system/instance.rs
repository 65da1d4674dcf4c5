//! A name for this process that its restart gets back and that no other process on the machine has: transactions are fenced by it.
//!
//! Unless it is set, the name is the host's with the number of a slot. A slot is a file in the directory for temporary files, locked for as long
//! as the process lives; the kernel gives the lock back however the process ends. Containers have the host name of their pod, so a
//! StatefulSet gives stable names by itself.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Names the instance unless the configuration does.
pub const VARIABLE: &str = "TAILWATER_INSTANCE";

const SLOTS: u32 = 1000;

/// The name, held until dropped.
#[derive(Debug)]
pub struct Instance {
    name: String,
    _slot: Option<File>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "cannot take an instance name by locking a file in {dir}: {source}; name this process by `instance` or {VARIABLE}"
    )]
    Slot {
        dir: PathBuf,
        source: std::io::Error,
    },
    #[error(
        "all {SLOTS} instance names in {dir} are taken; name this process by `instance` or {VARIABLE}"
    )]
    NoneLeft { dir: PathBuf },
}

impl Instance {
    /// The configured name, else the variable's, else a slot of this machine.
    ///
    /// # Errors
    /// Slots can't be had.
    pub fn take(configured: Option<&str>) -> Result<Self, Error> {
        let variable = std::env::var(VARIABLE).ok().filter(|name| !name.is_empty());
        if let Some(name) = configured.map(str::to_owned).or(variable) {
            return Ok(Self { name, _slot: None });
        }
        let user = std::fs::metadata("/proc/self").map_or(0, |process| process.uid());
        let dir = std::env::temp_dir().join(format!("tailwater-{user}"));
        Self::slot(&host(), user, &dir)
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    fn slot(host: &str, user: u32, dir: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Slot {
            dir: dir.to_owned(),
            source,
        };
        std::fs::create_dir_all(dir).map_err(failed)?;
        // Users have directories of their own, so their names must differ by themselves.
        let host = match user {
            0 => host.to_owned(),
            user => format!("{host}-u{user}"),
        };
        for slot in 0..SLOTS {
            let path = dir.join(format!("instance-{slot}.lock"));
            let file = OpenOptions::new().create(true).append(true).open(path);
            let file = file.map_err(failed)?;
            match file.try_lock() {
                Ok(()) => {
                    return Ok(Self {
                        name: format!("{host}-{slot}"),
                        _slot: Some(file),
                    });
                }
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
        Err(Error::NoneLeft {
            dir: dir.to_owned(),
        })
    }
}

fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .or_else(|| std::env::var("HOSTNAME").ok())
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "localhost".to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_between_the_living_and_come_back_to_the_restarted() {
        let dir = tempfile::tempdir().unwrap();
        let take = || Instance::slot("host", 0, dir.path()).unwrap();
        let (first, second) = (take(), take());
        assert_eq!((first.name(), second.name()), ("host-0", "host-1"));
        drop(first);
        assert_eq!(take().name(), "host-0");
        assert_eq!(
            Instance::slot("host", 7, dir.path()).unwrap().name(),
            "host-u7-0"
        );
    }

    #[test]
    fn a_configured_name_is_taken_as_it_is() {
        assert_eq!(Instance::take(Some("one")).unwrap().name(), "one");
    }
}
