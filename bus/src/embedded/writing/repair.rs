//! After a failed write: open the store again, see what became of the batch, wait for space.
//!
//! fjall refuses all writes after one has failed, also one in the background, so it is closed and opened again. A full
//! disk is the one failure that passes; any other leaves doubt about the disk itself and is final until a restart.

use std::io::{ErrorKind, Write};
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use crate::embedded::on_disk::store::Store;
use crate::embedded::open::store_path;
use crate::embedded::writing::writer::{Heads, Outcome, RETRY_INTERVAL, State, Writer};
use crate::{Error, Result};

/// Writing goes on when there is this much space: the table of a memtable, and some.
const PROBE_BYTES: usize = 24 << 20;
const REOPEN_ATTEMPTS: u32 = 10;

impl Writer {
    /// Brings the store back after `error`, and tells whether the batch with these new heads is in it.
    pub(in crate::embedded) fn repair(&mut self, error: &fjall::Error, heads: &Heads) -> Outcome {
        let dir = self.log.dir.clone();
        tracing::error!(dir = %dir.display(), %error, "writing to the embedded bus failed");
        if !passes(error) {
            return self.broken(error);
        }
        let refusal = dir.clone();
        self.log
            .queue
            .refuse(Some(Arc::new(move || full(&refusal))));
        self.state = State::Full {
            again: Instant::now() + RETRY_INTERVAL,
        };
        match self.reopen() {
            Ok(found) => {
                let landed =
                    |(at, head): (&(u32, u32), &crate::embedded::on_disk::catalog::Head)| {
                        found
                            .get(at)
                            .is_some_and(|found| found.offset >= head.offset)
                    };
                // Positions alone leave no trace to look for; writing them once more does no harm.
                if !heads.is_empty() && heads.iter().all(landed) {
                    Outcome::Written
                } else {
                    Outcome::Absent(self.full())
                }
            }
            Err(error) => self.broken(&error),
        }
    }

    fn broken(&mut self, error: &fjall::Error) -> Outcome {
        let why = format!(
            "the embedded bus in {} cannot go on: {error}; check the disk and the rights of the directory, then restart",
            self.log.dir.display()
        );
        tracing::error!("{why}");
        let refusal = why.clone();
        self.log
            .queue
            .refuse(Some(Arc::new(move || Error::Fatal(refusal.clone()))));
        self.state = State::Broken(why.clone());
        Outcome::Absent(Error::Fatal(why))
    }

    /// Closes and opens the store; returns the heads it holds.
    fn reopen(&mut self) -> std::result::Result<Heads, fjall::Error> {
        let mut guard = self
            .log
            .store
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let mut attempt = 0;
        loop {
            *guard = None;
            match Store::open(&store_path(&self.log.dir)) {
                Ok((store, topics)) => {
                    *guard = Some(store);
                    let heads = topics.iter().flat_map(|topic| {
                        let number = topic.number;
                        let by_partition = topic.heads.iter().enumerate();
                        by_partition
                            .map(move |(partition, head)| ((number, partition as u32), *head))
                    });
                    return Ok(heads.collect());
                }
                Err(error) if attempt < REOPEN_ATTEMPTS => {
                    attempt += 1;
                    tracing::warn!(%error, attempt, "reopening the embedded bus failed");
                    std::thread::sleep(RETRY_INTERVAL);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Goes on writing if there is space again.
    pub(in crate::embedded) fn try_again(&mut self) {
        self.state = State::Full {
            again: Instant::now() + RETRY_INTERVAL,
        };
        if self.probe().is_err() {
            return;
        }
        let writable = self
            .log
            .read_store()
            .as_ref()
            .is_some_and(|store| store.check().is_ok());
        if !writable && let Err(error) = self.reopen() {
            self.broken(&error);
            return;
        }
        tracing::info!(dir = %self.log.dir.display(), "the embedded bus has space again");
        self.state = State::Writing;
        self.log.queue.refuse(None);
    }

    /// Whether some space can really be written.
    fn probe(&self) -> std::io::Result<()> {
        let path = self.log.dir.join("space-probe");
        let write = || -> std::io::Result<()> {
            let mut file = std::fs::File::create(&path)?;
            let block = vec![0x5a; 1 << 20];
            for _ in 0..PROBE_BYTES / block.len() {
                file.write_all(&block)?;
            }
            file.sync_data()
        };
        let written = write();
        let _ = std::fs::remove_file(&path);
        written
    }

    pub(in crate::embedded) fn full(&self) -> Error {
        full(&self.log.dir)
    }

    /// Fails where nothing can be written at present.
    pub(in crate::embedded) fn check_writing(&self) -> Result<()> {
        match &self.state {
            State::Writing => Ok(()),
            State::Full { .. } => Err(self.full()),
            State::Broken(why) => Err(Error::Fatal(why.clone())),
        }
    }
}

fn full(dir: &std::path::Path) -> Error {
    Error::Unavailable(format!(
        "the embedded bus in {} takes no records because its disk is full: free some space, or lower \
         bus.embedded.retention; it goes on by itself",
        dir.display()
    ))
}

/// Whether the failure goes away with space on the disk. `Poisoned`: a flush in the background has failed, and the log
/// says why; whatever it was, its data is still in the journal.
fn passes(error: &fjall::Error) -> bool {
    let kind = match error {
        fjall::Error::Poisoned => return true,
        fjall::Error::Io(error) | fjall::Error::Storage(fjall::LsmError::Io(error)) => error.kind(),
        _ => return false,
    };
    matches!(
        kind,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
    )
}
