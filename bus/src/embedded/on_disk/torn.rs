//! A write that power loss tore in the middle: the last batch of the journal with a hole in it.
//!
//! fjall drops a batch whose end is missing, which is how a write that was merely cut off looks. But a disk may have written the end
//! of a batch and not its middle; then the checksum doesn't fit, and fjall refuses to open. Such a batch was never
//! acknowledged, because that waits for the sync. So its end is cut, which makes it the case that fjall knows. If that doesn't
//! help, the damage is elsewhere, in something that had been synced: then everything is put back as it was.

use std::fs::OpenOptions;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use fjall::{Database, DatabaseBuilder};

use crate::embedded::on_disk::catalog::StoreResult;

const BLOCK_BYTES: u64 = 64 << 10;

/// Opens the database in `path`, without a torn last batch.
pub(in crate::embedded) fn open(
    path: &Path,
    builder: impl Fn() -> DatabaseBuilder<Database>,
) -> StoreResult<Database> {
    match builder().open() {
        Err(fjall::Error::JournalRecovery(error)) => {
            let Some(cut) = Cut::last_byte(path)? else {
                return Err(fjall::Error::JournalRecovery(error));
            };
            tracing::warn!(path = %path.display(), ?error, "dropping the journal's last batch: it was torn before it was acknowledged");
            builder().open().inspect_err(|_| {
                if let Err(error) = cut.restore() {
                    tracing::error!(path = %path.display(), %error, "could not put the journal back");
                }
            })
        }
        opened => opened,
    }
}

/// The journal's last byte that isn't padding, taken off with all that follows.
struct Cut {
    journal: PathBuf,
    at: u64,
    byte: u8,
    length: u64,
}

impl Cut {
    fn last_byte(path: &Path) -> std::io::Result<Option<Self>> {
        let mut newest: Option<(u64, PathBuf)> = None;
        for entry in std::fs::read_dir(path)? {
            let journal = entry?.path();
            let number = journal
                .file_name()
                .and_then(|name| name.to_str()?.strip_suffix(".jnl")?.parse::<u64>().ok());
            if let Some(number) = number
                && newest.as_ref().is_none_or(|(other, _)| number > *other)
            {
                newest = Some((number, journal));
            }
        }
        let Some((_, journal)) = newest else {
            return Ok(None);
        };
        let mut file = OpenOptions::new().read(true).write(true).open(&journal)?;
        let length = file.metadata()?.len();
        let mut end = length;
        while end > 0 {
            let start = end.saturating_sub(BLOCK_BYTES);
            let mut block = vec![0; (end - start) as usize];
            file.seek(SeekFrom::Start(start))?;
            file.read_exact(&mut block)?;
            if let Some(last) = block.iter().rposition(|byte| *byte != 0) {
                let at = start + last as u64;
                let byte = block[last];
                file.set_len(at)?;
                file.sync_all()?;
                return Ok(Some(Self {
                    journal,
                    at,
                    byte,
                    length,
                }));
            }
            end = start;
        }
        Ok(None)
    }

    fn restore(&self) -> std::io::Result<()> {
        let mut file = OpenOptions::new().write(true).open(&self.journal)?;
        file.seek(SeekFrom::Start(self.at))?;
        file.write_all(&[self.byte])?;
        file.set_len(self.length)?;
        file.sync_all()
    }
}
