//! The keys in use: those of a file, read again when it changes.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use anyhow::anyhow;
use metrics::{counter, gauge};
use runtime::{Digest, Drain};

use super::keys::Keys;
use super::refused::Unauthorized;
use crate::names;

/// Between two looks at the file. What has changed counts when it has stood still for one look, so it takes effect within 2 s.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const FILE_BYTES_MAX: u64 = 16 << 20;
const RESULTS: [&str; 2] = ["ok", "failed"];

/// Keys that are exchanged while they are asked for.
pub struct KeysFile {
    path: PathBuf,
    /// What it held when it was opened.
    opened: Digest,
    keys: RwLock<Arc<Keys>>,
}

impl KeysFile {
    /// Reads the file for the first time.
    ///
    /// # Errors
    /// It can't be read, or everything that is wrong in it.
    pub fn open(path: PathBuf) -> anyhow::Result<Self> {
        for result in RESULTS {
            counter!(names::KEYS_RELOADS, "result" => result).increment(0);
        }
        let contents = read(&path);
        let keys = parse(&path.display().to_string(), &contents);
        let keys = keys.map_err(|why| anyhow!("reading ingest.auth.keys_file: {why}"))?;
        warn_of_readers(&path);
        gauge!(names::KEYS).set(keys.len() as f64);
        Ok(Self {
            path,
            opened: digest(&contents),
            keys: RwLock::new(Arc::new(keys)),
        })
    }

    /// As [`Keys::tenant`].
    pub fn tenant(&self, key: &[u8]) -> Result<Option<Arc<str>>, Unauthorized> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.tenant(key, SystemTime::now())
    }

    /// Follows the file until the drain.
    pub async fn follow(&self, drain: Drain) {
        let (mut before, mut judged) = (self.opened.clone(), self.opened.clone());
        loop {
            tokio::select! {
                () = drain.requested() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let path = self.path.clone();
            // Files may lie on a network.
            let Ok(contents) = tokio::task::spawn_blocking(move || read(&path)).await else {
                return;
            };
            let now = digest(&contents);
            if now.is(&before) && !now.is(&judged) {
                self.exchange(contents);
                judged = now.clone();
            }
            before = now;
        }
    }

    fn exchange(&self, contents: Result<String, String>) {
        let file = self.path.display().to_string();
        match parse(&file, &contents) {
            Ok(keys) => {
                let count = keys.len();
                *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
                gauge!(names::KEYS).set(count as f64);
                counter!(names::KEYS_RELOADS, "result" => "ok").increment(1);
                tracing::info!(file, keys = count, "keys read again");
                warn_of_readers(&self.path);
            }
            Err(error) => {
                counter!(names::KEYS_RELOADS, "result" => "failed").increment(1);
                tracing::error!(
                    error,
                    "the changed file of keys can't be used; those from before are valid still"
                );
            }
        }
    }
}

fn parse(file: &str, contents: &Result<String, String>) -> Result<Keys, String> {
    match contents {
        Ok(text) => Keys::parse(file, text),
        Err(why) => Err(format!("{file}: {why}")),
    }
}

fn digest(contents: &Result<String, String>) -> Digest {
    match contents {
        Ok(text) => Digest::of(text.as_bytes()),
        Err(why) => Digest::of(why.as_bytes()),
    }
}

fn read(path: &Path) -> Result<String, String> {
    let cannot = |error: std::io::Error| {
        format!(
            "cannot be read ({error}); check the path, and that the user of this process may read it"
        )
    };
    let size = std::fs::metadata(path).map_err(cannot)?.len();
    if size > FILE_BYTES_MAX {
        return Err(format!("is above the limit of {FILE_BYTES_MAX} bytes"));
    }
    std::fs::read_to_string(path).map_err(cannot)
}

fn warn_of_readers(path: &Path) {
    if std::fs::metadata(path).is_ok_and(|metadata| is_readable_by_all(&metadata)) {
        tracing::warn!(
            file = %path.display(),
            "every user of this machine can read the file of keys; take that right away (chmod o-r, or defaultMode: 0440 of a Kubernetes secret)"
        );
    }
}

#[cfg(unix)]
fn is_readable_by_all(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o004 != 0
}

#[cfg(not(unix))]
fn is_readable_by_all(_: &Metadata) -> bool {
    false
}
