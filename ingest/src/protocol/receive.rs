//! What both protocols do with a request once its body is there: inflate, translate JSON, pack, wait for the bus.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName};
use metrics::counter;
use schemas::Signal;
use schemas::json::{JsonError, Translated, mend, mended_len, read_request};

use super::answer::Encoding;
use super::health::Health;
use super::inflate::{Compression, inflate};
use crate::admission::{Budget, Permit};
use crate::names;
use crate::records::{Packs, Partial, Tenant, Unread};
use crate::refusal::Refusal;

/// JSON bodies above this are translated on a thread for blocking work: 1 MiB takes about 5 ms.
const JSON_INLINE_BYTES_MAX: usize = 256 << 10;
const TENANT_BYTES_MAX: usize = 256;

/// What the requests of all connections share.
pub struct Receiver {
    pub budget: Budget,
    pub packs: Arc<Packs>,
    pub health: Health,
    pub tenant_header: Option<HeaderName>,
    pub request_bytes_max: usize,
    pub read_timeout: Duration,
    pub publish_timeout: Duration,
    pub retry_after: Duration,
}

/// A request whose body has been read under its permit.
pub struct Request {
    pub signal: Signal,
    pub body: Bytes,
    pub compression: Compression,
    pub encoding: Encoding,
    pub tenant: Tenant,
    pub permit: Permit,
}

impl Receiver {
    /// Returns when the bus has acknowledged every accepted item.
    ///
    /// # Errors
    /// Nothing was accepted; or, with [`Refusal::Bus`], perhaps a part: the client sends all of it again.
    pub async fn receive(&self, request: Request) -> Result<Partial, Refusal> {
        let Request {
            signal,
            body,
            compression,
            encoding,
            tenant,
            mut permit,
        } = request;
        let body = inflate(compression, body, self.request_bytes_max, &mut permit).await?;
        let (body, unread) = match encoding {
            Encoding::Protobuf => (body, Unread::default()),
            Encoding::Json => from_json(signal, body, &mut permit).await?,
        };
        let (partial, completion) = self.packs.take(signal, &body, &tenant, unread, permit)?;
        drop(body);
        match tokio::time::timeout(self.publish_timeout, completion.wait()).await {
            Ok(waited) => waited?,
            Err(_) => return Err(Refusal::Bus),
        }
        Ok(partial)
    }

    /// The tenant that the request's headers name.
    pub fn tenant(&self, headers: &HeaderMap) -> Result<Tenant, Refusal> {
        let Some((name, value)) = self
            .tenant_header
            .as_ref()
            .and_then(|name| Some((name, headers.get(name)?)))
        else {
            return Ok(None);
        };
        match value.to_str() {
            Ok(tenant) if tenant.len() <= TENANT_BYTES_MAX => {
                Ok((!tenant.is_empty()).then(|| tenant.into()))
            }
            _ => Err(Refusal::Tenant(name.to_string())),
        }
    }

    /// Counts an answered request.
    pub fn answered(&self, protocol: &'static str, result: &Result<Partial, Refusal>) {
        counter!(names::REQUESTS, "protocol" => protocol).increment(1);
        if let Err(refusal) = result {
            tracing::debug!(protocol, %refusal, "request refused");
            counter!(names::REFUSED_REQUESTS, "protocol" => protocol, "reason" => refusal.reason())
                .increment(1);
        }
    }
}

async fn from_json(
    signal: Signal,
    body: Bytes,
    permit: &mut Permit,
) -> Result<(Bytes, Unread), Refusal> {
    let json_bytes = permit.bytes();
    // Protobuf is smaller than the JSON it says the same as.
    permit.grow(body.len())?;
    let mut read = read_json(signal, body.clone()).await?;
    if let Err(JsonError::Syntax(_)) = read {
        permit.grow(2 * mended_len(&body).saturating_sub(body.len()) + body.len())?;
        if let Some(mended) = mend(&body) {
            drop(body);
            read = read_json(signal, mended.into()).await?;
        }
    }
    let mut translated = read?;
    let unread = Unread::of(&mut translated);
    let protobuf = translated.request;
    permit.shrink_to(protobuf.capacity().min(json_bytes));
    Ok((protobuf.into(), unread))
}

async fn read_json(signal: Signal, body: Bytes) -> Result<Result<Translated, JsonError>, Refusal> {
    if body.len() <= JSON_INLINE_BYTES_MAX {
        return Ok(read_request(signal, &body));
    }
    let read = tokio::task::spawn_blocking(move || read_request(signal, &body));
    read.await
        .map_err(|error| Refusal::Framing(format!("its translation broke off: {error}")))
}
