//! Kafka's jars: fetched by Maven once for each machine, kept in the user's cache folder outside of the build tree.
//!
//! A file lock makes test binaries that start together wait for one download instead of racing.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

const POM: &str = include_str!("pom.xml");
pub const VERSION: &str = "4.2.1";

/// The folder that holds the jars of one broker; fetches them if they aren't there yet.
pub fn folder() -> Result<PathBuf> {
    let cache = cache_folder()?;
    let jars = cache.join("libs");
    if jars.is_dir() {
        return Ok(jars);
    }
    fs::create_dir_all(&cache).with_context(|| format!("creating {}", cache.display()))?;
    let lock = File::create(cache.join("lock")).context("creating the lock of Kafka's jars")?;
    lock.lock().context("locking Kafka's jars")?;
    if !jars.is_dir() {
        fetch(&cache, &jars)?;
    }
    Ok(jars)
}

fn cache_folder() -> Result<PathBuf> {
    let root = match std::env::var_os("XDG_CACHE_HOME") {
        Some(folder) if !folder.is_empty() => PathBuf::from(folder),
        _ => PathBuf::from(
            std::env::var_os("HOME").context("neither XDG_CACHE_HOME nor HOME is set")?,
        )
        .join(".cache"),
    };
    Ok(root.join(format!("tailwater/kafka-{VERSION}")))
}

/// Into a folder of another name first, so that a download that broke off is never taken for a whole one.
fn fetch(cache: &Path, jars: &Path) -> Result<()> {
    let part = cache.join("libs.part");
    if part.is_dir() {
        fs::remove_dir_all(&part).context("removing an unfinished download")?;
    }
    fs::write(cache.join("pom.xml"), POM).context("writing the POM")?;
    let output = Command::new("mvn")
        .args(["-q", "-B", "dependency:copy-dependencies"])
        .arg(format!("-DoutputDirectory={}", part.display()))
        .current_dir(cache)
        .stdin(Stdio::null())
        .output()
        .context("running mvn (is Maven installed?)")?;
    ensure!(
        output.status.success(),
        "mvn could not fetch Kafka {VERSION}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    fs::rename(&part, jars).context("moving Kafka's jars into place")
}
