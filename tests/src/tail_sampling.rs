//! The Collector's own `tail_sampling` processor as the reference: built once from `tail-sampling-reference/`, and cached.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use serde_json::Value;

use crate::clients::{Missing, cached, found, run};

/// The reference program, built now or earlier.
pub fn reference() -> Result<PathBuf, Missing> {
    found("tail_sampling reference", || {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tail-sampling-reference");
        let mut contents = Vec::new();
        for file in ["go.mod", "go.sum", "main.go"] {
            contents.extend(fs::read(sources.join(file))?);
        }
        let folder = cached("tail-sampling-reference", &contents, |folder| {
            fs::create_dir_all(folder)?;
            run(Command::new("go")
                .args(["build", "-o"])
                .arg(folder.join("reference"))
                .arg(".")
                .current_dir(&sources))
        })?;
        Ok(folder.join("reference"))
    })
}

/// What the reference says of each case, a processor configuration, over the requests: kept trace ids, or why it refused.
///
/// # Errors
/// The program can't be run, or fails.
pub fn kept(
    reference: &Path,
    cases: &[Value],
    requests: &[Vec<u8>],
) -> Result<Vec<Result<Vec<String>, String>>> {
    let folder = tempfile::tempdir()?;
    let (cases_file, requests_file) = (
        folder.path().join("cases.json"),
        folder.path().join("requests"),
    );
    fs::write(&cases_file, serde_json::to_vec(cases)?)?;
    let mut framed = Vec::new();
    for request in requests {
        framed.extend(u32::try_from(request.len())?.to_be_bytes());
        framed.extend(request);
    }
    fs::write(&requests_file, framed)?;
    let output = Command::new(reference)
        .args([&cases_file, &requests_file])
        .output()?;
    anyhow::ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let lines = String::from_utf8(output.stdout)?;
    let results = lines.lines().map(|line| {
        let mut line: Value = serde_json::from_str(line)?;
        if let Some(error) = line["error"].as_str() {
            return Ok(Err(error.to_owned()));
        }
        Ok(Ok(serde_json::from_value(line["kept"].take())?))
    });
    results.collect()
}
