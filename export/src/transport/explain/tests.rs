//! Each way in which TLS goes wrong, by real sockets, and what is said of it.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::transport::client::Transport;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/tls/");

/// What answers on the backend's port.
enum Server {
    /// With this certificate and the key beside it.
    Tls(&'static str),
    /// The same, which asks for a certificate.
    TlsForKnown,
    /// These bytes, whatever came.
    Plain(&'static [u8]),
    Nobody,
}

fn acceptor(name: &str, asks: bool) -> TlsAcceptor {
    let path = |kind: &str| format!("{FOLDER}{name}.{kind}");
    let certificate = CertificateDer::from_pem_file(path("pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(path("key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap();
    let config = match asks {
        false => config.with_no_client_auth(),
        true => {
            let mut roots = rustls::RootCertStore::empty();
            let ca = CertificateDer::from_pem_file(format!("{FOLDER}ca.pem")).unwrap();
            roots.add(ca).unwrap();
            let known = rustls::server::WebPkiClientVerifier::builder_with_provider(
                Arc::new(roots),
                provider,
            );
            config.with_client_cert_verifier(known.build().unwrap())
        }
    };
    let mut config = config.with_single_cert(vec![certificate], key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

async fn serve(listener: TcpListener, server: Server) {
    loop {
        let Ok((mut stream, _)) = listener.accept().await else {
            return;
        };
        match &server {
            Server::Tls(name) => {
                let _ = acceptor(name, false).accept(stream).await;
            }
            Server::TlsForKnown => {
                if let Ok(mut stream) = acceptor("server", true).accept(stream).await {
                    let _ = stream.read(&mut [0; 1024]).await;
                }
            }
            Server::Plain(answer) => {
                let _ = stream.read(&mut [0; 1024]).await;
                let _ = stream.write_all(answer).await;
            }
            Server::Nobody => unreachable!("nobody listens"),
        }
    }
}

/// What is said of a request to `{scheme}://{host}`, over HTTP/1.1 and as gRPC does.
#[track_caller]
fn check(server: Server, url: (&str, &str), tls: &RawTls, words: &[&str]) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let server = Arc::new(server);
    for http2 in [false, true] {
        let said = runtime.block_on(async {
            let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            match &*server {
                Server::Nobody => drop(listener),
                Server::Tls(name) => drop(tokio::spawn(serve(listener, Server::Tls(name)))),
                Server::TlsForKnown => drop(tokio::spawn(serve(listener, Server::TlsForKnown))),
                Server::Plain(bytes) => drop(tokio::spawn(serve(listener, Server::Plain(bytes)))),
            }
            let patience = std::time::Duration::from_secs(20);
            let transport = Transport::new(tls, patience, http2).unwrap();
            let (scheme, host) = url;
            let uri: Uri = format!("{scheme}://{host}:{port}/v1/traces?key=secret")
                .parse()
                .unwrap();
            let mut request = http::Request::new(crate::transport::body::Payload::default());
            *request.uri_mut() = uri;
            *request.method_mut() = http::Method::POST;
            let failure = match transport.exchange(request).await {
                Err(failure) => failure.reason,
                Ok(answer) => panic!("answered {}", answer.head.status),
            };
            assert!(
                failure.contains(&format!("{scheme}://{host}:{port}")),
                "{failure}"
            );
            failure
        });
        assert!(!said.contains("secret"), "{said}");
        for word in words {
            assert!(
                said.contains(word),
                "http2 {http2}: no `{word}` in `{said}`"
            );
        }
    }
}

fn trusting(ca: &str) -> RawTls {
    RawTls {
        ca_file: Some(format!("{FOLDER}{ca}").into()),
        ..RawTls::default()
    }
}

#[test]
fn a_certificate_of_a_stranger() {
    let words = [
        "signed by nobody whom we trust",
        "the system's authorities",
        "set tls.ca_file",
    ];
    check(
        Server::Tls("server"),
        ("https", "localhost"),
        &RawTls::default(),
        &words,
    );
    let words = [
        "signed by nobody whom we trust",
        "expired-ca.pem (tls.ca_file)",
    ];
    check(
        Server::Tls("server"),
        ("https", "localhost"),
        &trusting("expired-ca.pem"),
        &words,
    );
}

#[test]
fn a_certificate_for_another_host() {
    let words = ["not for the host 127.0.0.2 but for localhost, 127.0.0.1"];
    check(
        Server::Tls("server"),
        ("https", "127.0.0.2"),
        &trusting("ca.pem"),
        &words,
    );
}

#[test]
fn a_certificate_that_has_expired() {
    let words = ["expired at", "02 Jan 2020", "renewed"];
    check(
        Server::Tls("expired"),
        ("https", "localhost"),
        &trusting("expired-ca.pem"),
        &words,
    );
}

#[test]
fn a_backend_that_wants_to_know_us() {
    let words = ["tls.cert_file"];
    check(
        Server::TlsForKnown,
        ("https", "localhost"),
        &trusting("ca.pem"),
        &words,
    );
}

#[test]
fn plain_text_where_tls_was_expected() {
    let bad = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
    let words = ["cannot set up TLS", "write http:// in the endpoint"];
    check(
        Server::Plain(bad),
        ("https", "localhost"),
        &RawTls::default(),
        &words,
    );
    // It says nothing and hangs up.
    check(
        Server::Plain(b""),
        ("https", "localhost"),
        &RawTls::default(),
        &words,
    );
}

#[test]
fn tls_where_plain_text_was_expected() {
    let words = ["write https:// in the endpoint"];
    check(
        Server::Tls("server"),
        ("http", "localhost"),
        &RawTls::default(),
        &words,
    );
}

#[test]
fn nobody_there() {
    let words = [
        "cannot connect to",
        "Connection refused",
        "is it running there?",
    ];
    check(
        Server::Nobody,
        ("http", "127.0.0.1"),
        &RawTls::default(),
        &words,
    );
    check(
        Server::Nobody,
        ("https", "127.0.0.1"),
        &RawTls::default(),
        &words,
    );
    let words = ["cannot connect to", "is the host name right?"];
    check(
        Server::Nobody,
        ("https", "nobody.invalid"),
        &RawTls::default(),
        &words,
    );
}

#[test]
fn an_answer_that_only_says_that_tls_was_expected() {
    let uri = |text: &str| text.parse::<Uri>().unwrap();
    let go = b"Client sent an HTTP request to an HTTPS server.\n";
    assert!(wants_tls(&uri("http://b:1/v1/traces"), go));
    assert!(wants_tls(
        &uri("http://b:1"),
        b"<h1>The plain HTTP request was sent to HTTPS port</h1>"
    ));
    assert!(!wants_tls(&uri("https://b:1"), go));
    assert!(!wants_tls(&uri("http://b:1"), b"no such tenant"));
}
