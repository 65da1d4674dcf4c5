//! One HTTP request and its answer, for who fetches a token now and then and has no runtime: hyper and rustls, as the exporters use them.
//! Redirects are not followed, so that a secret goes nowhere else.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::ConfigBuilderExt as _;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

/// For the whole exchange.
const WITHIN: Duration = Duration::from_secs(10);
/// The same with what is on this machine or beside it, such as a metadata server: where there is none, packets just vanish.
const NEARBY_WITHIN: Duration = Duration::from_secs(3);
const ANSWER_BYTES_MAX: usize = 1 << 20;

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Sends a request and reads the answer. Blocks for ten seconds at most; may be called from anywhere.
///
/// # Errors
/// Why there is no answer.
pub fn exchange(request: Request<Full<Bytes>>, ca_file: Option<&Path>) -> Result<Answer, String> {
    exchange_in(WITHIN, request, ca_file)
}

/// The same with a service of this machine, over plain HTTP; gives up after three seconds.
///
/// # Errors
/// Why there is no answer.
pub fn exchange_nearby(request: Request<Full<Bytes>>) -> Result<Answer, String> {
    exchange_in(NEARBY_WITHIN, request, None)
}

fn exchange_in(
    within: Duration,
    request: Request<Full<Bytes>>,
    ca_file: Option<&Path>,
) -> Result<Answer, String> {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| format!("starting a runtime: {e}"))?;
        runtime.block_on(async {
            match tokio::time::timeout(within, exchange_within(request, ca_file)).await {
                Ok(answer) => answer,
                Err(_) => Err(format!("no answer within {} s", within.as_secs())),
            }
        })
    };
    // A thread of its own: the caller's may belong to a runtime, which allows no other one.
    std::thread::scope(|scope| {
        let asked = scope.spawn(run).join();
        asked.unwrap_or_else(|_| Err("the request panicked".to_owned()))
    })
}

async fn exchange_within(
    request: Request<Full<Bytes>>,
    ca_file: Option<&Path>,
) -> Result<Answer, String> {
    let connector = hyper_rustls::HttpsConnectorBuilder::new()
        .with_tls_config(trusting(ca_file)?)
        .https_or_http()
        .enable_http1()
        .build();
    let client: Client<hyper_rustls::HttpsConnector<HttpConnector>, Full<Bytes>> =
        Client::builder(TokioExecutor::new()).build(connector);
    let answer = client.request(request).await;
    let (head, body) = answer.map_err(|e| causes(&e))?.into_parts();
    let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
    let body = body.map_err(|e| format!("the answer broke off: {e}"))?;
    Ok(Answer {
        status: head.status,
        headers: head.headers,
        body: body.to_bytes(),
    })
}

/// The system's roots, or those of a file.
fn trusting(ca_file: Option<&Path>) -> Result<ClientConfig, String> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| format!("setting up TLS: {e}"))?;
    let Some(path) = ca_file else {
        let with_system = builder.clone().with_native_roots();
        // Without them plain http works all the same, and https says what is wrong.
        let builder =
            with_system.unwrap_or_else(|_| builder.with_root_certificates(RootCertStore::empty()));
        return Ok(builder.with_no_client_auth());
    };
    let cannot = |why: String| format!("reading certificates from {}: {why}", path.display());
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(path).map_err(|e| cannot(e.to_string()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|e| cannot(e.to_string()))?;
        roots.add(certificate).map_err(|e| cannot(e.to_string()))?;
    }
    if roots.is_empty() {
        return Err(cannot("it holds none".to_owned()));
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// An error with what is behind it: hyper's own words say little.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    text
}
