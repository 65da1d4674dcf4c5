//! The HTTP of the crate `object_store`, over ours. An answer that isn't a success ends as an error that carries what it means.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use ::object_store::ClientOptions;
use ::object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};
use async_trait::async_trait;
use http::{Method, Request, Response};
use http_body_util::BodyExt;

use crate::backends::object_store::answer::{self, Asked, Carried};
use crate::backends::object_store::config::ObjectStoreConfig;
use crate::outcome::Failure;
use crate::transport::body::Payload;
use crate::transport::client::Transport;
use crate::transport::tls::TlsError;

/// Where AWS gives tokens for its metadata, by a PUT.
const METADATA_TOKEN: &str = "/latest/api/token";

#[derive(Clone)]
pub struct Connector(Arc<Client>);

struct Client {
    transport: Transport,
    bucket: String,
}

impl Connector {
    /// # Errors
    /// Certificates or keys that can't be read.
    pub fn new(config: &ObjectStoreConfig, bucket: &str) -> Result<Self, TlsError> {
        Ok(Self(Arc::new(Client {
            transport: Transport::new(&config.tls, config.timeout, false)?,
            bucket: bucket.to_owned(),
        })))
    }
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> ::object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Connector {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (head, body) = request.into_parts();
        // One chunk, or none: nothing is copied.
        let body = body.collect().await?.to_bytes();
        let is_put = head.method == Method::PUT && head.uri.path() != METADATA_TOKEN;
        let asked = match is_put {
            true => Asked::Put {
                bucket: &self.0.bucket,
                bytes: body.len(),
            },
            false => Asked::Credentials {
                of: head.uri.host().unwrap_or_default(),
            },
        };
        let request = Request::from_parts(head.clone(), Payload::new([body]));
        let answer = match self.0.transport.exchange(request).await {
            Ok(answer) => answer,
            Err(failure) => return Err(carrying(answer::unanswered(&asked, failure))),
        };
        if !answer.head.status.is_success() {
            return Err(carrying(answer::refused(
                &asked,
                &answer,
                SystemTime::now(),
            )));
        }
        Ok(Response::from_parts(answer.head, answer.body.into()))
    }
}

/// Never repeated by the crate.
fn carrying(failure: Failure) -> HttpError {
    HttpError::new(HttpErrorKind::Unknown, Carried(failure))
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connector({})", self.0.bucket)
    }
}
