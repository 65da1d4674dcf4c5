//! TLS with a backend: whom we trust, and who we are.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hyper_rustls::ConfigBuilderExt;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How to verify the backend, and how to identify Tailwater to it. Without any key, the system's root certificates are
/// trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawTls {
    /// Use plain text, for an endpoint without a scheme.
    pub insecure: bool,
    /// The root certificates to trust instead of the system's, as a PEM file.
    pub ca_file: Option<PathBuf>,
    /// The client certificate, for backends that ask for one, as a PEM file.
    pub cert_file: Option<PathBuf>,
    /// The private key of `cert_file`, as a PEM file.
    pub key_file: Option<PathBuf>,
    /// Encrypt, but accept any certificate. For tests only.
    pub insecure_skip_verify: bool,
}

/// Why TLS can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("can't read certificates from {path}: {message}")]
    Pem { path: PathBuf, message: String },
    #[error("can't set up TLS: {0}")]
    Rustls(#[from] rustls::Error),
}

/// A client configuration without ALPN: the connector adds what its HTTP versions need.
pub fn client_config(tls: &RawTls) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()?;
    let builder = if tls.insecure_skip_verify {
        builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AcceptAnyCertificate(provider)))
    } else if let Some(path) = &tls.ca_file {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(path)? {
            roots.add(certificate)?;
        }
        builder.with_root_certificates(roots)
    } else {
        match builder.clone().with_native_roots() {
            Ok(builder) => builder,
            // A container without certificates can still speak plain text; https fails with its reason.
            Err(error) => {
                tracing::debug!(%error, "no system root certificates");
                builder.with_root_certificates(RootCertStore::empty())
            }
        }
    };
    match (&tls.cert_file, &tls.key_file) {
        (Some(cert), Some(key)) => {
            let key = PrivateKeyDer::from_pem_file(key).map_err(|error| pem(key, error))?;
            Ok(builder.with_client_auth_cert(certificates(cert)?, key)?)
        }
        _ => Ok(builder.with_no_client_auth()),
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(found) if found.is_empty() => Err(pem(path, "it holds none")),
        Ok(found) => Ok(found),
        Err(error) => Err(pem(path, error)),
    }
}

fn pem(path: &Path, message: impl ToString) -> TlsError {
    TlsError::Pem {
        path: path.to_owned(),
        message: message.to_string(),
    }
}

/// `insecure_skip_verify`: encrypts, trusts any certificate, still checks that the peer holds its key.
#[derive(Debug)]
struct AcceptAnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptAnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
