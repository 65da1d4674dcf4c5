//! What both protocols do with a request once its body is there: inflate, translate JSON, pack, wait for the bus.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName};
use metrics::counter;
use runtime::connections::Peer;
use schemas::Signal;
use schemas::json::{JsonError, Translated, mend, mended_len, read_request};
use tonic::Code;

use super::answer::Encoding;
use super::health::Health;
use super::inflate::{Compression, inflate};
use super::metadata;
use crate::admission::{Budget, Permit};
use crate::config::{Cors, FromHeader, PeerAddress};
use crate::identity::{self, Client, Identity};
use crate::names;
use crate::quota::{Meters, Taken};
use crate::records::{Packs, Partial, Stamp, Tenant, Unread};
use crate::refusal::Refusal;
use crate::residency::Residency;

/// JSON bodies above this are translated on a thread for blocking work: 1 MiB takes about 5 ms.
const JSON_INLINE_BYTES_MAX: usize = 256 << 10;
const TENANT_BYTES_MAX: usize = 256;

/// Who is at the other end of a connection: by its certificate, and by its address.
#[derive(Clone)]
pub struct Caller {
    client: Client,
    address: IpAddr,
}

/// What the requests of all connections share.
pub struct Receiver {
    pub budget: Budget,
    /// Of each retention class that is taken here, in the order of `residency`.
    pub packs: Vec<Arc<Packs>>,
    pub residency: Residency,
    pub health: Health,
    /// `None`: everybody may send.
    pub identity: Option<Identity>,
    pub meters: Meters,
    /// What every request's resources get that lack it.
    pub stamp: Arc<Stamp>,
    /// Headers that become attributes, too.
    pub metadata: Vec<FromHeader>,
    /// `None`: who sent it isn't stamped.
    pub peer_address: Option<PeerAddress>,
    /// `None`: nothing is taken from web pages.
    pub cors: Option<Cors>,
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
    pub sender: Sender,
    pub permit: Permit,
}

/// Whose request it is, where it goes, what it takes of its tenant's rate, and what is added to it.
pub struct Sender {
    tenant: Tenant,
    packs: Arc<Packs>,
    taken: Taken,
    stamp: Arc<Stamp>,
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
            sender,
            mut permit,
        } = request;
        let Sender {
            tenant,
            packs,
            mut taken,
            stamp,
        } = sender;
        self.meters.take(&mut taken, body.len());
        let read = async {
            let body = inflate(compression, body, self.request_bytes_max, &mut permit).await?;
            self.meters.take(&mut taken, body.len());
            let (body, unread) = match encoding {
                Encoding::Protobuf => (body, Unread::default()),
                Encoding::Json => from_json(signal, body, &mut permit).await?,
            };
            self.grow(&stamp, &body, &mut permit)?;
            let (partial, completion) =
                packs.take(signal, &body, &stamp, &tenant, unread, permit)?;
            drop(body);
            match tokio::time::timeout(self.publish_timeout, completion.wait()).await {
                Ok(waited) => waited?,
                Err(_) => return Err(Refusal::Bus),
            }
            Ok(partial)
        };
        let result = read.await;
        // What is refused for reasons of ours comes again: its tenant shall not pay twice.
        if !matches!(&result, Err(refusal) if refusal.code() == Code::Unavailable) {
            taken.used();
        }
        result
    }

    /// Takes what a stamp adds to a request from its memory.
    fn grow(&self, stamp: &Stamp, request: &[u8], permit: &mut Permit) -> Result<(), Refusal> {
        let more = stamp.bytes_max(request);
        if more > self.request_bytes_max {
            let (limit, form) = (self.request_bytes_max, "added to its resources");
            return Err(Refusal::TooLarge { limit, form });
        }
        permit.grow(more)
    }

    /// Whose request it is, before any of its body is read.
    ///
    /// # Errors
    /// It isn't known who sends, or who sends may not do so as this tenant, or not here, or has sent too much.
    pub async fn sender(
        &self,
        signal: Signal,
        headers: &HeaderMap,
        caller: &Caller,
    ) -> Result<Sender, Refusal> {
        let tenant = self.tenant(headers, &caller.client).await?;
        let class = self
            .residency
            .of(tenant.as_ref().map(|name| name.as_bytes()));
        let class = class.map_err(|class| Refusal::RetentionClass(class.clone()))?;
        let taken = self.meters.admit(tenant.as_ref(), signal);
        Ok(Sender {
            taken: taken.map_err(Refusal::Quota)?,
            packs: self.packs[class].clone(),
            tenant,
            stamp: self.stamp(headers, caller.address),
        })
    }

    /// What the request's headers say comes before what is configured.
    fn stamp(&self, headers: &HeaderMap, peer: IpAddr) -> Arc<Stamp> {
        let attributes = metadata::attributes(headers, &self.metadata);
        let stamp = match attributes.is_empty() {
            true => self.stamp.clone(),
            false => Arc::new(self.stamp.behind(attributes)),
        };
        let Some(peer_address) = &self.peer_address else {
            return stamp;
        };
        let sender = peer_address.sender(peer, headers).to_string();
        Arc::new(stamp.with_sender(&peer_address.attribute, &sender))
    }

    async fn tenant(&self, headers: &HeaderMap, client: &Client) -> Result<Tenant, Refusal> {
        let Some(identity) = &self.identity else {
            return self.claimed(headers);
        };
        let header = self.tenant_header.as_ref();
        let settled = match identity.prove(headers, client).await {
            Ok(proven) => {
                identity.settle(proven, self.claimed(headers)?, header, self.meters.quotas())
            }
            Err(why) => Err(why),
        };
        settled.map_err(|why| {
            identity::count(&why);
            why.into()
        })
    }

    /// Who is at the other end of a connection.
    pub fn caller(&self, peer: &Peer) -> Caller {
        let client = match &self.identity {
            Some(identity) => identity.client(peer.certificate.as_deref()),
            None => Client::unknown(),
        };
        Caller {
            client,
            address: peer.address.ip(),
        }
    }

    /// The tenant that the request's headers name.
    fn claimed(&self, headers: &HeaderMap) -> Result<Tenant, Refusal> {
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
