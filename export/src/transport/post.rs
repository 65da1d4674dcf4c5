//! One POST a batch: what kinds that speak plain HTTP do alike.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Uri, header};

use super::auth::{Authorizer, exchange};
use super::body::Payload;
use super::client::{Answer, Transport, USER_AGENT};
use super::compress;
use super::connection::Connection;
use super::message::Message;
use super::tls::TlsError;
use crate::outcome::Failure;

/// Posts batches over one pool of connections, with the headers of its configuration.
pub struct Poster {
    transport: Transport,
    headers: HeaderMap,
    connection: Connection,
    auth: Option<Arc<Authorizer>>,
}

impl Poster {
    /// `authorization` is the value of that header, unless `headers` of the configuration has another.
    ///
    /// # Errors
    /// Certificates or keys that can't be read.
    pub fn new(
        connection: &Connection,
        content_type: &'static str,
        authorization: Option<&HeaderValue>,
    ) -> Result<Self, TlsError> {
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        if let Some(authorization) = authorization {
            headers.insert(header::AUTHORIZATION, authorization.clone());
        }
        headers.extend(connection.headers.fixed().clone());
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        if let Some(name) = compress::name(connection.compression) {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
        }
        Ok(Self {
            transport: Transport::new(&connection.tls, connection.timeout, false)?,
            headers,
            connection: connection.clone(),
            auth: None,
        })
    }

    /// With credentials that are put on each request.
    pub fn authorized(self, auth: Option<Arc<Authorizer>>) -> Self {
        Self { auth, ..self }
    }

    /// A body ready for the wire: compressed, with the headers of the tenant whose data it holds.
    ///
    /// # Errors
    /// It can't be compressed, or the tenant's name can't stand in a header.
    pub fn message(&self, payload: Payload, tenant: Option<&[u8]>) -> Result<Message, String> {
        let payload = compress::compress(self.connection.compression, payload)
            .map_err(|error| format!("can't compress the request: {error}"))?;
        Ok(Message {
            payload,
            of_tenant: self.connection.headers.of_tenant(tenant)?,
        })
    }

    /// The same, of bytes that were encoded.
    ///
    /// # Errors
    /// As [`Poster::message`].
    pub fn encoded(&self, body: Vec<u8>, tenant: Option<&[u8]>) -> Result<Message, String> {
        self.message(Payload::new([Bytes::from(body)]), tenant)
    }

    /// Sends it once, and reads the whole answer, whatever its status.
    ///
    /// # Errors
    /// No answer came; there are no credentials to send it with; or the answer refuses them, and there are others now.
    pub async fn post(&self, uri: &Uri, message: &Message) -> Result<Answer, Failure> {
        let mut request = Request::new(message.payload.clone());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri.clone();
        *request.headers_mut() = message.headers(&self.headers);
        exchange(&self.transport, self.auth.as_deref(), request).await
    }
}
