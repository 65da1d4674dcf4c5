//! The ways into a broker beside its plain one: with a login, over TLS under an authority of the test's own, or both; by certificate, or by token.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
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
    /// A certificate of the client's own, over TLS: one of [`Identity`].
    MutualTls,
    /// A token over TLS, which nobody signs: whoever it names is believed.
    OauthTls,
}

/// How a listener is reached; with another password or authority, not at all.
#[derive(Clone, Debug)]
pub struct Access {
    pub brokers: String,
    /// Of librdkafka: all that a client needs besides the brokers' address; tokens aside.
    pub properties: Vec<(&'static str, String)>,
    /// The sections `tls` and `sasl` of a configuration, where the listener asks for them.
    pub tls: Option<Value>,
    pub sasl: Option<Value>,
}

/// Whose certificate a client has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    First,
    Second,
    /// The brokers don't know it.
    Stranger,
}

pub const USER: &str = "tailwater";
pub const PASSWORD: &str = "a secret";
const STORE_PASSWORD: &str = "changeit";

impl Listener {
    pub(super) fn protocol(self) -> &'static str {
        match self {
            Self::Plain => "SASL_PLAINTEXT",
            Self::Tls | Self::MutualTls => "SSL",
            Self::PlainTls | Self::ScramTls | Self::OauthTls => "SASL_SSL",
        }
    }

    fn mechanism(self) -> Option<&'static str> {
        match self {
            Self::Plain | Self::PlainTls => Some("PLAIN"),
            Self::Tls | Self::MutualTls => None,
            Self::ScramTls => Some("SCRAM-SHA-512"),
            Self::OauthTls => Some("OAUTHBEARER"),
        }
    }

    pub(super) fn uses_tls(self) -> bool {
        self != Self::Plain
    }

    /// Lines of the broker's configuration for the listener of this name.
    pub(super) fn lines(self, name: &str) -> String {
        let prefix = format!("listener.name.{}", name.to_ascii_lowercase());
        let Some(mechanism) = self.mechanism() else {
            return match self {
                Self::MutualTls => format!("{prefix}.ssl.client.auth=required\n"),
                _ => String::new(),
            };
        };
        let login = match self {
            Self::ScramTls => {
                "org.apache.kafka.common.security.scram.ScramLoginModule required;".to_owned()
            }
            Self::OauthTls => "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub=\"broker\";".to_owned(),
            _ => plain_login(USER, PASSWORD),
        };
        let lower = mechanism.to_ascii_lowercase();
        let validator = match self {
            Self::OauthTls => format!(
                "{prefix}.{lower}.sasl.server.callback.handler.class=org.apache.kafka.common.security.oauthbearer.internals.unsecured.OAuthBearerUnsecuredValidatorCallbackHandler\n"
            ),
            _ => String::new(),
        };
        format!(
            "{prefix}.sasl.enabled.mechanisms={mechanism}\n{prefix}.{lower}.sasl.jaas.config={login}\n{validator}"
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
        let (mut tls_section, mut sasl) = (None, None);
        if let Some(mechanism) = self.mechanism() {
            properties.extend([
                ("sasl.mechanisms", mechanism.to_owned()),
                ("sasl.username", USER.to_owned()),
                ("sasl.password", PASSWORD.to_owned()),
            ]);
            sasl = Some(match self {
                Self::OauthTls => json!({"mechanism": mechanism}),
                _ => json!({"mechanism": mechanism, "username": USER, "password": PASSWORD}),
            });
        }
        if let Some(tls) = tls.filter(|_| self.uses_tls()) {
            let ca_file = tls.ca_file().display().to_string();
            let mut section = json!({"ca_file": ca_file});
            properties.push(("ssl.ca.location", ca_file));
            if self == Self::MutualTls {
                let (cert, key) = tls.identity(Identity::First);
                section["cert_file"] = json!(cert);
                section["key_file"] = json!(key);
                properties.push(("ssl.certificate.location", cert.display().to_string()));
                properties.push(("ssl.key.location", key.display().to_string()));
            }
            tls_section = Some(section);
        }
        Access {
            brokers: format!("127.0.0.1:{port}"),
            properties,
            tls: tls_section,
            sasl,
        }
    }
}

/// The login of a broker that is itself this user, and knows nobody else.
pub(super) fn plain_login(user: &str, password: &str) -> String {
    format!(
        "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"{user}\" password=\"{password}\" user_{user}=\"{password}\";"
    )
}

/// A token that nobody signed, of this principal, until then: for the listener that believes it.
pub fn token(principal: &str, expires: SystemTime) -> String {
    let seconds = |at: SystemTime| {
        let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
        since.as_secs()
    };
    let claims =
        json!({"sub": principal, "iat": seconds(SystemTime::now()), "exp": seconds(expires)});
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(&json!({"alg": "none"})), part(&claims))
}

/// A broker's key and the certificate of its authority, which is itself; and the certificates of clients that it knows.
pub struct Tls {
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
        for identity in [Identity::First, Identity::Second, Identity::Stranger] {
            tls.make_identity(identity)?;
        }
        tls.trust(&[Identity::First, Identity::Second])?;
        Ok(tls)
    }

    fn make_identity(&self, identity: Identity) -> Result<()> {
        let (cert, key) = self.identity(identity);
        let subject = format!("/CN={identity:?}");
        let output = Command::new("openssl")
            .args([
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
            ])
            .args(["-subj", &subject, "-keyout"])
            .arg(key)
            .arg("-out")
            .arg(cert)
            .output()
            .context("running openssl")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "openssl req: {said}");
        Ok(())
    }

    /// Certificate and key of a client, in PEM.
    pub fn identity(&self, identity: Identity) -> (PathBuf, PathBuf) {
        let file = |kind| self.folder.path().join(format!("{identity:?}.{kind}"));
        (file("pem"), file("key"))
    }

    /// Whom the brokers let in, from their next start on.
    pub fn trust(&self, identities: &[Identity]) -> Result<()> {
        let mut trusted = Vec::new();
        for identity in identities {
            trusted.extend(std::fs::read(self.identity(*identity).0)?);
        }
        Ok(std::fs::write(self.trusted(), trusted)?)
    }

    fn trusted(&self) -> PathBuf {
        self.folder.path().join("trusted.pem")
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("broker.p12")
    }

    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    pub fn lines(&self) -> String {
        format!(
            "ssl.keystore.type=PKCS12\nssl.keystore.location={}\nssl.keystore.password={STORE_PASSWORD}\nssl.truststore.type=PEM\nssl.truststore.location={}\n",
            self.store().display(),
            self.trusted().display()
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
