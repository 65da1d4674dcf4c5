//! What a secured endpoint asks of who sends: headers such as a key, and whom to trust for its certificate.

use anyhow::Context;
use http::{HeaderMap, HeaderName, HeaderValue};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tonic::transport::{Certificate, ClientTlsConfig};

/// Nothing by default: no headers, and the system's certificate authorities.
#[derive(Clone, Debug, Default)]
pub struct Access {
    headers: HeaderMap,
    ca_pem: Option<Vec<u8>>,
}

impl Access {
    /// Sends a header with each request, written `name: value` or `name=value`.
    ///
    /// # Errors
    /// It is neither, or can't be a header. The message leaves out the value, which may be a secret.
    pub fn with_header(mut self, written: &str) -> anyhow::Result<Self> {
        let (name, value) = written
            .split_once([':', '='])
            .context("a header is written \"name: value\"")?;
        let name = name.trim();
        let invalid = || format!("{name:?} with this value can't be a header");
        let mut value = HeaderValue::from_str(value.trim()).with_context(invalid)?;
        value.set_sensitive(true);
        let name = HeaderName::from_bytes(name.as_bytes()).with_context(invalid)?;
        self.headers.append(name, value);
        Ok(self)
    }

    /// Trusts these certificate authorities, in PEM, in place of the system's.
    pub fn with_ca(mut self, pem: Vec<u8>) -> Self {
        self.ca_pem = Some(pem);
        self
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// For gRPC over TLS.
    pub(super) fn tonic(&self) -> ClientTlsConfig {
        let tls = ClientTlsConfig::new();
        match &self.ca_pem {
            Some(pem) => tls.ca_certificate(Certificate::from_pem(pem)),
            None => tls.with_native_roots(),
        }
    }

    /// For HTTP, with TLS where the address asks for it.
    ///
    /// # Errors
    /// The authorities can't be read.
    pub(super) fn connector(
        &self,
        http: HttpConnector,
    ) -> anyhow::Result<HttpsConnector<HttpConnector>> {
        let config = rustls::ClientConfig::builder_with_provider(
            rustls::crypto::ring::default_provider().into(),
        )
        .with_safe_default_protocol_versions()?;
        let config = match &self.ca_pem {
            None => config.with_native_roots()?.with_no_client_auth(),
            Some(pem) => {
                let mut roots = rustls::RootCertStore::empty();
                for certificate in CertificateDer::pem_slice_iter(pem) {
                    roots.add(certificate.context("the certificate authorities can't be read")?)?;
                }
                config.with_root_certificates(roots).with_no_client_auth()
            }
        };
        Ok(HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_or_http()
            .enable_http1()
            .wrap_connector(http))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_taken_in_both_ways_of_writing_and_never_shown() {
        let access = Access::default()
            .with_header("authorization: Bearer a=b")
            .and_then(|access| access.with_header("x-tenant=shop"))
            .unwrap();
        assert_eq!(access.headers["authorization"], "Bearer a=b");
        assert_eq!(access.headers["x-tenant"], "shop");
        assert!(!format!("{access:?}").contains("a=b"));
        for bad in ["nothing", "a b: c", "a: b\nc"] {
            assert!(Access::default().with_header(bad).is_err(), "{bad:?}");
        }
    }
}
