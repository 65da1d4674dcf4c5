//! Objects as files of a folder. A file is there whole or not at all: it is written under a name that readers pass over, and renamed when the disk has it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use crate::outcome::Failure;

const UNFINISHED: &str = ".unfinished";

pub struct Folder {
    root: PathBuf,
    /// Two that write the same object at a time don't write to the same file.
    writes: AtomicU64,
}

impl Folder {
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            writes: AtomicU64::new(0),
        }
    }

    /// Puts an object.
    ///
    /// # Errors
    /// The disk is full, or the folder isn't ours: it may be tried again.
    pub fn put(&self, path: &str, bytes: &Bytes) -> Result<(), Failure> {
        let full = self.root.join(path);
        self.write(&full, bytes)
            .map_err(|error| Failure::retry(format!("can't write {}: {error}", full.display())))
    }

    fn write(&self, full: &Path, bytes: &[u8]) -> io::Result<()> {
        let (Some(folder), Some(name)) = (full.parent(), full.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        make(folder)?;
        let name = name.to_string_lossy();
        remove_unfinished(folder, &name);
        let number = self.writes.fetch_add(1, Ordering::Relaxed);
        let unfinished = folder.join(format!(
            ".{name}.{}-{number}{UNFINISHED}",
            std::process::id()
        ));
        let mut file = File::create(&unfinished)?;
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        if let Err(error) = written.and_then(|()| fs::rename(&unfinished, full)) {
            let _ = fs::remove_file(&unfinished);
            return Err(error);
        }
        File::open(folder)?.sync_all()
    }
}

/// Makes a folder, and those above it, so that they are there after a power failure.
fn make(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(above) = folder.parent() {
        make(above)?;
        match fs::create_dir(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => File::open(above)?.sync_all()?,
        }
    }
    Ok(())
}

/// What a process that was killed left of this object. If it only sleeps, it can't rename its file any more, and writes the object anew.
fn remove_unfinished(folder: &Path, name: &str) {
    let Ok(files) = fs::read_dir(folder) else {
        return;
    };
    let begins = format!(".{name}.");
    for file in files.flatten() {
        let found = file.file_name();
        let found = found.to_string_lossy();
        if found.starts_with(&begins) && found.ends_with(UNFINISHED) {
            let _ = fs::remove_file(file.path());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_file_is_whole_and_alone() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::new(&root.path().join("not/there/yet"));
        let here = root.path().join("not/there/yet/a/hour=01");
        fs::create_dir_all(&here).unwrap();
        fs::write(here.join(".p0-1-2.x.77-0.unfinished"), "half").unwrap();
        fs::write(here.join(".p0-1-20.x.77-0.unfinished"), "another's").unwrap();
        for content in ["one", "one"] {
            folder
                .put(
                    "a/hour=01/p0-1-2.x",
                    &Bytes::from_static(content.as_bytes()),
                )
                .unwrap();
        }
        assert_eq!(fs::read(here.join("p0-1-2.x")).unwrap(), b"one");
        assert_eq!(fs::read_dir(&here).unwrap().count(), 2);
        // Something is in the way: it is no loss, and nothing is left behind.
        fs::create_dir_all(here.join("p0-3-4.x/in")).unwrap();
        folder.put("a/hour=01/p0-3-4.x", &Bytes::new()).unwrap_err();
        assert_eq!(fs::read_dir(&here).unwrap().count(), 3);
    }
}
