//! ClickHouse: its engine as a Python package (`chdb`), behind an HTTP interface of a few lines (`clickhouse/server.py`). Fetched once, in some seconds, and cached.
//!
//! There is no server of a current version in any package registry. What differs from one: users, and statements run one at a time.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::clients::{Missing, cached, found, run};
use crate::watchdog::Watchdog;

/// The engine of ClickHouse 26.9; of what it depends on nothing is used here.
const ENGINE: &str = "chdb-core==26.9.0";

/// A running ClickHouse, until dropped.
pub struct Clickhouse {
    child: Child,
    watchdog: Watchdog,
    address: SocketAddr,
    folder: PathBuf,
}

fn python() -> Result<PathBuf, Missing> {
    found("ClickHouse", || {
        let folder = cached("clickhouse", ENGINE.as_bytes(), |folder| {
            run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
            run(Command::new(folder.join("bin/pip"))
                .args(["install", "--quiet", "--disable-pip-version-check"])
                .args(["--no-deps", ENGINE]))
        })?;
        Ok(folder.join("bin/python"))
    })
}

impl Clickhouse {
    /// Its data lie in `folder`. `login`: the user and the password that it asks for.
    ///
    /// # Errors
    /// It isn't to be had, which was said.
    pub fn start(folder: &Path, login: Option<(&str, &str)>) -> Result<Self, Missing> {
        let python = python()?;
        let started = Self::start_with(&python, folder, login);
        Ok(started.expect("ClickHouse starts"))
    }

    fn start_with(python: &Path, folder: &Path, login: Option<(&str, &str)>) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let log = fs::File::create(folder.join("server.log"))?;
        let (user, password) = login.unwrap_or_default();
        let mut child = Command::new(python)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("clickhouse/server.py"))
            .arg(folder)
            .args(["0", user, password])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()?;
        let watchdog = Watchdog::over(child.id(), Some(folder))?;
        let mut port = String::new();
        BufReader::new(child.stdout.take().context("it has an output")?).read_line(&mut port)?;
        let port: u16 = port.trim().parse().with_context(|| {
            let log = fs::read_to_string(folder.join("server.log"));
            format!("no port but `{port}`: {}", log.unwrap_or_default())
        })?;
        Ok(Self {
            child,
            watchdog,
            address: ([127, 0, 0, 1], port).into(),
            folder: folder.to_owned(),
        })
    }

    /// Where its HTTP interface is.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The answer to a statement: status and body.
    pub fn ask(&self, statement: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).expect("ClickHouse is there");
        let length = statement.len();
        write!(
            stream,
            "POST / HTTP/1.1\r\nhost: clickhouse\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{statement}"
        )
        .expect("it takes a statement");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        let status = head.split(' ').nth(1).expect("a status");
        (status.parse().expect("a number"), body.to_owned())
    }

    /// What a statement that has to succeed prints.
    #[track_caller]
    pub fn query(&self, statement: &str) -> String {
        let (status, body) = self.ask(statement);
        assert_eq!(status, 200, "{statement}: {body}");
        body.trim_end().to_owned()
    }

    /// The rows of a `SELECT`, by column. Large integers and what isn't a number are texts.
    #[track_caller]
    pub fn rows(&self, select: &str) -> Vec<Value> {
        let settings =
            "output_format_json_quote_64bit_integers = 1, output_format_json_quote_denormals = 1";
        let printed = self.query(&format!("{select} FORMAT JSONEachRow SETTINGS {settings}"));
        let parse = |line: &str| serde_json::from_str(line).expect("a row in JSON");
        printed.lines().map(parse).collect()
    }

    /// A number.
    #[track_caller]
    pub fn number(&self, select: &str) -> u64 {
        self.query(select).parse().expect("a number")
    }
}

impl Drop for Clickhouse {
    fn drop(&mut self) {
        self.watchdog.dismiss();
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
