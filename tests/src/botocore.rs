//! botocore, AWS's own signer for Python: verifies signatures. Fetched once, in some seconds, and cached.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::clients::{Missing, cached, found, run};

/// With what its signer needs, and nothing else.
const PACKAGES: [&str; 5] = [
    "botocore==1.44.8",
    "jmespath==1.1.0",
    "python-dateutil==4.0.0",
    "six==1.17.0",
    "urllib3==2.8.0",
];

/// The interpreter that has it.
///
/// # Errors
/// It isn't to be had, which was said.
pub fn python() -> Result<PathBuf, Missing> {
    found("botocore", || {
        let contents = PACKAGES.join(" ");
        let folder = cached("botocore", contents.as_bytes(), |folder| {
            run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
            run(Command::new(folder.join("bin/pip"))
                .args(["install", "--quiet", "--disable-pip-version-check"])
                .arg("--no-deps")
                .args(PACKAGES))
        })?;
        Ok(folder.join("bin/python"))
    })
}

/// What it says of each request: `ok`, or what is wrong. What a request holds stands in `botocore/verify.py`.
pub fn verified(python: &Path, requests: &[Value]) -> Vec<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("botocore/verify.py");
    let lines: Vec<_> = requests
        .iter()
        .map(|request| format!("{request}\n"))
        .collect();
    let folder = std::env::temp_dir().join(format!("botocore-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let input = folder.join("requests");
    fs::write(&input, lines.concat()).unwrap();
    let mut child = Command::new(python)
        .arg(script)
        .stdin(fs::File::open(&input).unwrap())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    let mut output = child.stdout.take().unwrap();
    output.read_to_string(&mut said).unwrap();
    assert!(child.wait().unwrap().success(), "{said}");
    fs::remove_dir_all(&folder).unwrap();
    said.lines().map(str::to_owned).collect()
}
