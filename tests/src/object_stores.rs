//! Object stores: S3 as `moto` has it (a Python package), Azure's as `azurite` has it (a package of Node). Fetched once, and cached. Neither checks who asks.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Result;

use crate::clients::{Missing, cached, found, run};
use crate::watchdog::Watchdog;
use crate::{free_port, wait_until};

const MOTO: &str = "moto[server,s3]==5.2.5";
const AZURITE: &str = "azurite@3.37.0";
/// For Python, to make a container of Azurite's and to read it.
const AZURE_CLIENT: &str = "azure-storage-blob==12.26.0";
const READY_WITHIN: Duration = Duration::from_secs(120);
const DEVELOPMENT_ACCOUNT: &str = "devstoreaccount1";
/// Azurite's own, known to everybody.
pub const DEVELOPMENT_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

const S3_SCRIPT: &str = "
import boto3, os, sys
what, endpoint, bucket, folder = sys.argv[1:5]
s3 = boto3.client('s3', endpoint_url=endpoint, region_name='us-east-1', aws_access_key_id='x', aws_secret_access_key='x')
if what == 'create':
    s3.create_bucket(Bucket=bucket)
else:
    for page in s3.get_paginator('list_objects_v2').paginate(Bucket=bucket):
        for item in page.get('Contents', []):
            path = os.path.join(folder, item['Key'])
            os.makedirs(os.path.dirname(path), exist_ok=True)
            s3.download_file(bucket, item['Key'], path)
";

const AZURE_SCRIPT: &str = "
import os, sys
from azure.storage.blob import ContainerClient
what, endpoint, container, folder, key = sys.argv[1:6]
c = ContainerClient(endpoint, container, credential={'account_name': 'devstoreaccount1', 'account_key': key})
if what == 'create':
    c.create_container()
else:
    for blob in c.list_blobs():
        path = os.path.join(folder, blob.name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        open(path, 'wb').write(c.download_blob(blob.name).readall())
";

/// A running store, until dropped.
pub struct Store {
    child: Child,
    watchdog: Watchdog,
    port: u16,
    /// What asks it.
    python: PathBuf,
    script: &'static str,
    account: &'static str,
    _folder: tempfile::TempDir,
}

fn venv(name: &str, packages: &str) -> Result<PathBuf> {
    let folder = cached(name, packages.as_bytes(), |folder| {
        run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
        run(Command::new(folder.join("bin/pip"))
            .args(["install", "--quiet", "--disable-pip-version-check"])
            .arg(packages))
    })?;
    Ok(folder.join("bin/python"))
}

impl Store {
    /// Moto's S3.
    ///
    /// # Errors
    /// It isn't to be had, which was said.
    pub fn s3() -> Result<Self, Missing> {
        found("S3", || {
            let python = venv("moto", MOTO)?;
            let port = free_port()?;
            let mut command = Command::new(python.with_file_name("moto_server"));
            command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
            Self::start(command, port, (python, S3_SCRIPT, ""))
        })
    }

    /// Azurite's blobs.
    ///
    /// # Errors
    /// It isn't to be had, which was said.
    pub fn azure() -> Result<Self, Missing> {
        found("Azure", || {
            let python = venv("azure-client", AZURE_CLIENT)?;
            let modules = cached("azurite", AZURITE.as_bytes(), |folder| {
                fs::create_dir_all(folder)?;
                run(Command::new("npm")
                    .args(["install", "--silent", "--no-audit", "--no-fund", AZURITE])
                    .current_dir(folder))
            })?;
            let port = free_port()?;
            let mut command = Command::new("node");
            command
                .arg(modules.join("node_modules/azurite/dist/src/blob/main.js"))
                .args(["--blobHost", "127.0.0.1", "--blobPort", &port.to_string()])
                .args(["--inMemoryPersistence", "--silent", "--skipApiVersionCheck"])
                .arg("--disableTelemetry");
            Self::start(command, port, (python, AZURE_SCRIPT, DEVELOPMENT_ACCOUNT))
        })
    }

    fn start(
        mut command: Command,
        port: u16,
        (python, script, account): (PathBuf, &'static str, &'static str),
    ) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let output = fs::File::create(folder.path().join("output.log"))?;
        let child = command
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()?;
        let watchdog = Watchdog::over(child.id(), Some(folder.path()))?;
        wait_until("the store to listen", READY_WITHIN, || {
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Ok(Self {
            child,
            watchdog,
            port,
            python,
            script,
            account,
            _folder: folder,
        })
    }

    /// Where it is.
    pub fn endpoint(&self) -> String {
        match self.account {
            "" => format!("http://127.0.0.1:{}", self.port),
            account => format!("http://127.0.0.1:{}/{account}", self.port),
        }
    }

    pub fn create(&self, bucket: &str) {
        self.ask("create", bucket, Path::new(""));
    }

    /// Copies all objects of a bucket to a folder.
    pub fn download(&self, bucket: &str, to: &Path) {
        self.ask("download", bucket, to);
    }

    #[track_caller]
    fn ask(&self, what: &str, bucket: &str, folder: &Path) {
        let output = Command::new(&self.python)
            .args(["-c", self.script, what, &self.endpoint(), bucket])
            .arg(folder)
            .arg(DEVELOPMENT_KEY)
            .output()
            .expect("it runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{what} {bucket}: {stderr}");
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.watchdog.dismiss();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
