//! What an issuer publishes: where its keys are, and the keys.
//! Source: <https://openid.net/specs/openid-connect-discovery-1_0.html>, section 4.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use jsonwebtoken::jwk::JwkSet;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Of one answer, all told.
const TIMEOUT: Duration = Duration::from_secs(10);
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// Issuers have a handful; who has more is no issuer of ours.
const KEYS_MAX: usize = 100;

/// Asks one issuer.
pub struct Fetch {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    issuer: String,
}

/// The part of the discovery document that we read.
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl Fetch {
    /// `ca_file`: whom to trust in place of the system's roots.
    ///
    /// # Errors
    /// The file can't be used.
    pub fn new(issuer: &str, ca_file: Option<&Path>) -> anyhow::Result<Self> {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_connect_timeout(Some(TIMEOUT));
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(tls(ca_file)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            issuer: issuer.to_owned(),
        })
    }

    /// The issuer's keys as they are now.
    ///
    /// # Errors
    /// What was asked, and what came of it.
    pub async fn keys(&self) -> anyhow::Result<JwkSet> {
        let at = format!(
            "{}/.well-known/openid-configuration",
            self.issuer.trim_end_matches('/')
        );
        let discovery: Discovery = self.get(&at).await?;
        ensure!(
            discovery.issuer == self.issuer,
            "{at} is of the issuer {}; write exactly that as ingest.auth.oidc.issuer",
            discovery.issuer
        );
        // A document that came encrypted doesn't send us elsewhere in plain text.
        ensure!(
            discovery.jwks_uri.starts_with("https://") || self.issuer.starts_with("http://"),
            "{at} names a jwks_uri that is not https"
        );
        let keys: JwkSet = self.get(&discovery.jwks_uri).await?;
        ensure!(!keys.keys.is_empty(), "{} holds no key", discovery.jwks_uri);
        ensure!(
            keys.keys.len() <= KEYS_MAX,
            "{} holds more than {KEYS_MAX} keys",
            discovery.jwks_uri
        );
        Ok(keys)
    }

    async fn get<T: DeserializeOwned>(&self, at: &str) -> anyhow::Result<T> {
        match tokio::time::timeout(TIMEOUT, self.get_bytes(at)).await {
            Ok(body) => serde_json::from_slice(&body?)
                .with_context(|| format!("{at} answered something else than was asked for")),
            Err(_) => bail!("{at} has not answered within {} s", TIMEOUT.as_secs()),
        }
    }

    async fn get_bytes(&self, at: &str) -> anyhow::Result<Bytes> {
        let uri: Uri = at.parse().with_context(|| format!("{at} is no URL"))?;
        let request = Request::get(uri)
            .header("accept", "application/json")
            .body(Empty::new())?;
        let answer = self.client.request(request).await;
        let answer = answer.with_context(|| format!("{at} could not be asked"))?;
        let (head, body) = answer.into_parts();
        ensure!(
            head.status == StatusCode::OK,
            "{at} answered {}",
            head.status
        );
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
        match body {
            Ok(body) => Ok(body.to_bytes()),
            Err(error) => bail!("{at} broke off, or is above {ANSWER_BYTES_MAX} bytes: {error}"),
        }
    }
}

fn tls(ca_file: Option<&Path>) -> anyhow::Result<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?;
    let Some(path) = ca_file else {
        return Ok(match builder.clone().with_native_roots() {
            Ok(builder) => builder,
            // https fails with its reason then.
            Err(_) => builder.with_root_certificates(RootCertStore::empty()),
        }
        .with_no_client_auth());
    };
    let unusable = || format!("reading ingest.auth.oidc.ca_file {}", path.display());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).with_context(unusable)? {
        roots
            .add(certificate.with_context(unusable)?)
            .with_context(unusable)?;
    }
    ensure!(!roots.is_empty(), "{}: it holds no certificate", unusable());
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
