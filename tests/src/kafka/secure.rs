//! A broker as managed services offer it: SASL SCRAM over TLS, under a certificate of a root of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use super::{Broker, jars, start_on};
use crate::ports::free_port;

/// How the secure listener is reached; with the wrong password or root, not at all.
pub struct Secure {
    pub brokers: String,
    pub ca_file: PathBuf,
    pub user: &'static str,
    pub password: &'static str,
    _folder: TempDir,
}

const USER: &str = "tailwater";
const PASSWORD: &str = "a secret";
const STORE_PASSWORD: &str = "changeit";

pub(super) fn start() -> Result<(Broker, Secure)> {
    let jars = jars::folder()?;
    let folder = tempfile::Builder::new()
        .prefix("tailwater-tls-")
        .tempdir()?;
    let (store, ca_file) = (
        folder.path().join("broker.p12"),
        folder.path().join("ca.pem"),
    );
    keytool(
        &store,
        &[
            "-genkeypair",
            "-keyalg",
            "RSA",
            "-dname",
            "CN=localhost",
            "-ext",
            "san=ip:127.0.0.1",
        ],
    )?;
    let certificate = keytool(&store, &["-exportcert", "-rfc"])?;
    std::fs::write(&ca_file, certificate)?;

    let (plain, controller, secure) = (free_port()?, free_port()?, free_port()?);
    // The last line of a key counts.
    let more = format!(
        "listeners=PLAINTEXT://127.0.0.1:{plain},CONTROLLER://127.0.0.1:{controller},SASL_SSL://127.0.0.1:{secure}
advertised.listeners=PLAINTEXT://127.0.0.1:{plain},SASL_SSL://127.0.0.1:{secure}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.keystore.type=PKCS12
ssl.keystore.location={}
ssl.keystore.password={STORE_PASSWORD}
",
        store.display()
    );
    let user = format!("SCRAM-SHA-512=[name={USER},password={PASSWORD}]");
    let broker = start_on(&jars, plain, controller, &more, &["--add-scram", &user])?;
    let secure = Secure {
        brokers: format!("127.0.0.1:{secure}"),
        ca_file,
        user: USER,
        password: PASSWORD,
        _folder: folder,
    };
    Ok((broker, secure))
}

/// One command of `keytool`, which comes with Java, on the only key of a store.
fn keytool(store: &Path, arguments: &[&str]) -> Result<Vec<u8>> {
    let output = Command::new("keytool")
        .args(arguments)
        .args([
            "-alias",
            "broker",
            "-storetype",
            "PKCS12",
            "-storepass",
            STORE_PASSWORD,
        ])
        .arg("-keystore")
        .arg(store)
        .output()
        .context("running keytool")?;
    ensure!(
        output.status.success(),
        "keytool {}: {}",
        arguments[0],
        String::from_utf8_lossy(&output.stdout)
    );
    Ok(output.stdout)
}
