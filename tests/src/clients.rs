//! OpenTelemetry clients of other languages: fetched once, by each language's own installer, and kept in the user's cache.

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use xxhash_rust::xxh3::xxh3_64;

const TELEMETRYGEN: &str =
    "github.com/open-telemetry/opentelemetry-collector-contrib/cmd/telemetrygen@v0.161.0";

/// A client that isn't here, and why.
#[derive(Debug)]
pub struct Missing;

/// A program that takes protocol, endpoint and number of child spans, and prints the ids of what it sent.
pub struct Client {
    program: PathBuf,
    /// What stands before the client's own arguments.
    arguments: Vec<OsString>,
}

impl Client {
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).stdin(Stdio::null());
        command
    }
}

pub fn python() -> Result<Client, Missing> {
    found("Python", || {
        let sources = sources("python");
        let requirements = sources.join("requirements.txt");
        let folder = cached("python", &fs::read(&requirements)?, |folder| {
            run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
            run(Command::new(folder.join("bin/pip"))
                .args(["install", "--quiet", "--disable-pip-version-check", "-r"])
                .arg(&requirements))
        })?;
        Ok(Client {
            program: folder.join("bin/python"),
            arguments: vec![sources.join("send.py").into()],
        })
    })
}

pub fn node() -> Result<Client, Missing> {
    found("Node", || of_npm("node", &["send.mjs"]))
}

/// A page in Chromium, which has to be installed. Takes the port of the page, the endpoint and the number of child spans.
pub fn browser() -> Result<Client, Missing> {
    found("browser", || {
        run(Command::new("chromium").arg("--version"))?;
        of_npm("browser", &["send.mjs", "page.mjs"])
    })
}

/// Scripts of Node with their packages; the first is run.
fn of_npm(name: &str, scripts: &[&str]) -> Result<Client> {
    let sources = sources(name);
    let package = fs::read(sources.join("package.json"))?;
    let folder = cached(name, &package, |folder| {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("package.json"), &package)?;
        run(Command::new("npm")
            .args(["install", "--silent", "--no-audit", "--no-fund"])
            .current_dir(folder))
    })?;
    // Node looks for packages beside the script.
    for script in scripts {
        fs::copy(sources.join(script), folder.join(script))?;
    }
    Ok(Client {
        program: "node".into(),
        arguments: vec![folder.join(scripts[0]).into()],
    })
}

/// Java runs a single source file without a build; Maven brings the jars.
pub fn java() -> Result<Client, Missing> {
    found("Java", || {
        let sources = sources("java");
        let pom = fs::read(sources.join("pom.xml"))?;
        let folder = cached("java", &pom, |folder| {
            fs::create_dir_all(folder)?;
            fs::write(folder.join("pom.xml"), &pom)?;
            run(Command::new("mvn")
                .args(["-q", "-B", "dependency:copy-dependencies"])
                .arg("-DoutputDirectory=libs")
                .current_dir(folder))
        })?;
        let jars = folder.join("libs/*");
        Ok(Client {
            program: "java".into(),
            arguments: vec!["-cp".into(), jars.into(), sources.join("Send.java").into()],
        })
    })
}

pub fn go() -> Result<Client, Missing> {
    found("Go", || {
        let sources = sources("go");
        let mut contents = Vec::new();
        for file in ["go.mod", "go.sum", "send.go"] {
            contents.extend(fs::read(sources.join(file))?);
        }
        let folder = cached("go", &contents, |folder| {
            run(Command::new("go")
                .args(["build", "-o"])
                .arg(folder.join("send"))
                .arg(".")
                .current_dir(&sources))
        })?;
        Ok(Client {
            program: folder.join("send"),
            arguments: Vec::new(),
        })
    })
}

/// The path of the program.
pub fn telemetrygen() -> Result<PathBuf, Missing> {
    found("telemetrygen", || {
        let folder = cached("telemetrygen", TELEMETRYGEN.as_bytes(), |folder| {
            run(Command::new("go")
                .args(["install", TELEMETRYGEN])
                .env("GOBIN", folder))
        })?;
        Ok(folder.join("telemetrygen"))
    })
}

/// The path of a program that evaluates OTTL as the Collector does; what it reads and answers stands in its source.
pub fn ottl_reference() -> Result<PathBuf, Missing> {
    found("OTTL", || {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("ottl-reference");
        let mut contents = fs::read(sources.join("main.go"))?;
        contents.extend(fs::read(sources.join("go.sum"))?);
        let folder = cached("ottl-reference", &contents, |folder| {
            run(Command::new("go")
                .args(["build", "-o"])
                .arg(folder.join("ottl"))
                .current_dir(&sources))
        })?;
        Ok(folder.join("ottl"))
    })
}

pub(crate) fn sources(language: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("clients")
        .join(language)
}

/// Loud when it isn't there; a failure when it has to be.
pub(crate) fn found<T>(name: &str, look: impl FnOnce() -> Result<T>) -> Result<T, Missing> {
    look().map_err(|error| {
        let skipped = format!("skipped, no {name} client to test with: {error:#}");
        if std::env::var("TAILWATER_REQUIRE_CLIENTS").is_ok_and(|value| value == "1") {
            panic!("TAILWATER_REQUIRE_CLIENTS=1 but {skipped}");
        }
        // Not `eprintln!`, which the test harness swallows.
        let _ = writeln!(std::io::stderr(), "\n*** {skipped} ***\n");
        Missing
    })
}

/// The folder that `make` filled for these contents, now or earlier. Made anew after an attempt that broke off; who comes while another
/// makes it waits.
pub(crate) fn cached(
    name: &str,
    contents: &[u8],
    make: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    let root = match std::env::var_os("XDG_CACHE_HOME") {
        Some(folder) if !folder.is_empty() => PathBuf::from(folder),
        _ => PathBuf::from(std::env::var_os("HOME").context("HOME is not set")?).join(".cache"),
    };
    fs::create_dir_all(root.join("tailwater"))?;
    let folder = root.join(format!("tailwater/{name}-{:016x}", xxh3_64(contents)));
    let one_at_a_time = fs::File::create(folder.with_extension("lock"))?;
    one_at_a_time.lock()?;
    let done = folder.join("complete");
    if !done.is_file() {
        if folder.is_dir() {
            fs::remove_dir_all(&folder)?;
        }
        make(&folder)?;
        fs::write(&done, "")?;
    }
    Ok(folder)
}

pub(crate) fn run(command: &mut Command) -> Result<()> {
    let program: OsString = command.get_program().to_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("running {}", program.display()))?;
    ensure!(
        output.status.success(),
        "{} failed: {}{}",
        program.display(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
