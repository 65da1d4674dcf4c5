//! Whether anybody listens at the endpoint.

use std::time::Instant;

use anyhow::{Context, bail};

use super::attempt::CONNECT_TIMEOUT;
use super::backoff::Backoff;
use super::options::SendOptions;

/// Waits until somebody listens at the endpoint: the first request may not be due for long.
///
/// # Errors
/// Nobody does within `connect_for`.
pub async fn reach(options: &SendOptions) -> anyhow::Result<()> {
    let endpoint = &options.endpoint;
    let uri: http::Uri = endpoint.parse().with_context(|| {
        format!("{endpoint:?} is not an endpoint such as http://127.0.0.1:4317")
    })?;
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let address = (
        host,
        uri.port_u16().unwrap_or(match uri.scheme_str() {
            Some("https") => 443,
            _ => 80,
        }),
    );
    let (started, mut backoff) = (Instant::now(), Backoff::new());
    loop {
        let connecting = tokio::net::TcpStream::connect(address);
        let reason = match tokio::time::timeout(CONNECT_TIMEOUT, connecting).await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no connection within {} s", CONNECT_TIMEOUT.as_secs()),
        };
        if started.elapsed() + backoff.next_wait() > options.connect_for {
            bail!("nobody listens at {endpoint}: {reason}");
        }
        backoff.wait().await;
    }
}
