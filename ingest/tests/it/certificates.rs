//! Certificates made for tests: an authority, and what it signs, in files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType,
    date_time_ymd,
};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// An authority.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub pem: String,
}

/// A certificate with its key, in PEM.
#[derive(Clone)]
pub struct Pair {
    pub cert: String,
    pub key: String,
}

impl Pair {
    /// A server that shows it.
    pub fn server(&self) -> TlsAcceptor {
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![der(&self.cert)], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// Changes to what is signed.
pub type Change = fn(&mut CertificateParams);

impl Authority {
    pub fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params
            .distinguished_name
            .push(DnType::CommonName, "an authority");
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    /// For localhost.
    pub fn sign(&self, change: Change) -> Pair {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2120, 1, 1);
        change(&mut params);
        Pair {
            cert: params.signed_by(&key, &self.issuer).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }

    /// A client that trusts this authority, and shows a certificate or none.
    pub fn client(&self, identity: Option<&Pair>, alpn: &[&str]) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(der(&self.pem)).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match identity {
            None => builder.with_no_client_auth(),
            Some(pair) => {
                let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
                builder
                    .with_client_auth_cert(vec![der(&pair.cert)], key)
                    .unwrap()
            }
        };
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        config
    }
}

fn der(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

pub fn uri(params: &mut CertificateParams, uri: &str) {
    let name = SanType::URI(uri.try_into().unwrap());
    params.subject_alt_names.push(name);
}

pub async fn connect(
    address: std::net::SocketAddr,
    config: ClientConfig,
) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

/// Files as Kubernetes mounts a secret: the names are links through a link that is exchanged.
pub struct Mounted {
    folder: tempfile::TempDir,
    generation: std::cell::Cell<u32>,
}

impl Mounted {
    pub fn new(files: &[(&str, &str)]) -> Self {
        let mounted = Self {
            folder: tempfile::tempdir().unwrap(),
            generation: 0.into(),
        };
        mounted.exchange(files);
        for (name, _) in files {
            std::os::unix::fs::symlink(Path::new("..data").join(name), mounted.path(name)).unwrap();
        }
        mounted
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// All files at once.
    pub fn exchange(&self, files: &[(&str, &str)]) {
        let generation = self.generation.replace(self.generation.get() + 1);
        let name = format!("..{generation}");
        std::fs::create_dir(self.path(&name)).unwrap();
        for (file, text) in files {
            std::fs::write(self.path(&name).join(file), text).unwrap();
        }
        std::os::unix::fs::symlink(&name, self.path("..next")).unwrap();
        std::fs::rename(self.path("..next"), self.path("..data")).unwrap();
    }
}

/// A pair in files, and the `tls` section for it.
pub fn mounted(pair: &Pair) -> (Mounted, runtime::tls::RawTls) {
    let files = Mounted::new(&[("tls.crt", &pair.cert), ("tls.key", &pair.key)]);
    let tls = runtime::tls::RawTls {
        cert_file: files.path("tls.crt"),
        key_file: files.path("tls.key"),
        client_ca_file: None,
        min_version: Default::default(),
    };
    (files, tls)
}
