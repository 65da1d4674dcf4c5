//! OTLP over HTTP, protobuf or JSON.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use schemas::Signal;

use super::attempt::{Attempt, CONNECT_TIMEOUT, cause, rejected};
use super::options::{Compression, Protocol, SendOptions};

pub type Client = legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

pub fn connect(options: &SendOptions) -> anyhow::Result<Client> {
    let mut connector = HttpConnector::new();
    connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
    connector.enforce_http(false);
    let connector = options.access.connector(connector)?;
    Ok(legacy::Client::builder(TokioExecutor::new()).build(connector))
}

pub async fn send(
    client: &Client,
    signal: Signal,
    body: Bytes,
    options: &SendOptions,
) -> anyhow::Result<Attempt> {
    let json = options.protocol == Protocol::HttpJson;
    let mut request = http::Request::post(format!(
        "{}{}",
        options.endpoint.trim_end_matches('/'),
        signal.http_path()
    ))
    .header(
        "content-type",
        if json {
            "application/json"
        } else {
            "application/x-protobuf"
        },
    );
    match options.compression {
        Compression::None => {}
        Compression::Gzip => request = request.header("content-encoding", "gzip"),
        Compression::Zstd => request = request.header("content-encoding", "zstd"),
    }
    let mut request = request.body(Full::new(body))?;
    let headers = options.access.headers().iter();
    (request.headers_mut()).extend(headers.map(|(name, value)| (name.clone(), value.clone())));
    let response = match client.request(request).await {
        Ok(response) => response,
        Err(error) => return Ok(Attempt::Unreachable(cause(&error))),
    };
    let status = response.status();
    let body = response
        .into_body()
        .collect()
        .await
        .map(|body| body.to_bytes())
        .unwrap_or_default();
    Ok(match status.as_u16() {
        200 if json => Attempt::Accepted(rejected_json(&body)),
        200 => Attempt::Accepted(rejected(&body)),
        429 | 502 | 503 | 504 => Attempt::Retry(status.to_string()),
        _ => Attempt::Failed(format!("{status}: {}", String::from_utf8_lossy(&body))),
    })
}

/// The same of an answer in JSON, where a count is text.
fn rejected_json(response: &[u8]) -> u64 {
    let response: serde_json::Value = serde_json::from_slice(response).unwrap_or_default();
    let partial = response["partialSuccess"].as_object();
    let counts = partial.into_iter().flatten();
    counts
        .filter(|(name, _)| name.starts_with("rejected"))
        .find_map(|(_, count)| count.as_str()?.parse().ok())
        .unwrap_or(0)
}
