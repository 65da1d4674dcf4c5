//! The ways into a broker beside its plain one: with a login, over TLS under an authority of the test's own, or both.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

/// What a listener asks of who comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listener {
    /// Name and password in plain text.
    Plain,
    /// Nothing, over TLS.
    Tls,
    /// Name and password in plain text, over TLS.
    PlainTls,
    /// SCRAM over TLS, as managed services offer it.
    ScramTls,
}

/// How a listener is reached; with another password or authority, not at all.
#[derive(Clone, Debug)]
pub struct Access {
    pub brokers: String,
    /// Of librdkafka: all that a client needs besides the brokers' address.
    pub properties: Vec<(&'static str, String)>,
}

const USER: &str = "tailwater";
const PASSWORD: &str = "a secret";
const STORE_PASSWORD: &str = "changeit";

impl Listener {
    pub(super) fn protocol(self) -> &'static str {
        match self {
            Self::Plain => "SASL_PLAINTEXT",
            Self::Tls => "SSL",
            Self::PlainTls | Self::ScramTls => "SASL_SSL",
        }
    }

    fn mechanism(self) -> Option<&'static str> {
        match self {
            Self::Plain | Self::PlainTls => Some("PLAIN"),
            Self::Tls => None,
            Self::ScramTls => Some("SCRAM-SHA-512"),
        }
    }

    pub(super) fn uses_tls(self) -> bool {
        self != Self::Plain
    }

    /// Lines of the broker's configuration for the listener of this name.
    pub(super) fn lines(self, name: &str) -> String {
        let Some(mechanism) = self.mechanism() else {
            return String::new();
        };
        let login = match self {
            Self::ScramTls => {
                "org.apache.kafka.common.security.scram.ScramLoginModule required;".to_owned()
            }
            _ => plain_login(USER, PASSWORD),
        };
        let prefix = format!("listener.name.{}", name.to_ascii_lowercase());
        let lower = mechanism.to_ascii_lowercase();
        format!(
            "{prefix}.sasl.enabled.mechanisms={mechanism}\n{prefix}.{lower}.sasl.jaas.config={login}\n"
        )
    }

    /// Arguments of the tool that formats the broker's log.
    pub(super) fn format(self) -> Vec<String> {
        match self {
            Self::ScramTls => {
                let user = format!("SCRAM-SHA-512=[name={USER},password={PASSWORD}]");
                vec!["--add-scram".to_owned(), user]
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn access(self, port: u16, tls: Option<&Tls>) -> Access {
        let mut properties = vec![("security.protocol", self.protocol().to_ascii_lowercase())];
        if let Some(mechanism) = self.mechanism() {
            properties.extend([
                ("sasl.mechanisms", mechanism.to_owned()),
                ("sasl.username", USER.to_owned()),
                ("sasl.password", PASSWORD.to_owned()),
            ]);
        }
        if let Some(tls) = tls.filter(|_| self.uses_tls()) {
            let ca_file = tls.ca_file().display().to_string();
            properties.push(("ssl.ca.location", ca_file));
        }
        Access {
            brokers: format!("127.0.0.1:{port}"),
            properties,
        }
    }
}

/// The login of a broker that is itself this user, and knows nobody else.
pub(super) fn plain_login(user: &str, password: &str) -> String {
    format!(
        "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"{user}\" password=\"{password}\" user_{user}=\"{password}\";"
    )
}

/// A broker's key and the certificate of its authority, which is itself.
pub(super) struct Tls {
    folder: TempDir,
}

impl Tls {
    pub fn make() -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("tailwater-tls-")
            .tempdir()?;
        let tls = Self { folder };
        let pair = ["-genkeypair", "-keyalg", "RSA", "-dname", "CN=localhost"];
        let named = [&pair[..], &["-ext", "san=ip:127.0.0.1"]].concat();
        keytool(&tls.store(), &named)?;
        let certificate = keytool(&tls.store(), &["-exportcert", "-rfc"])?;
        std::fs::write(tls.ca_file(), certificate)?;
        Ok(tls)
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("broker.p12")
    }

    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    pub fn lines(&self) -> String {
        format!(
            "ssl.keystore.type=PKCS12\nssl.keystore.location={}\nssl.keystore.password={STORE_PASSWORD}\n",
            self.store().display()
        )
    }
}

/// One command of `keytool`, which comes with Java, on the only key of a store.
fn keytool(store: &Path, arguments: &[&str]) -> Result<Vec<u8>> {
    let key = ["-alias", "broker", "-storetype", "PKCS12", "-storepass"];
    let output = Command::new("keytool")
        .args(arguments)
        .args(key)
        .args([STORE_PASSWORD, "-keystore"])
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
