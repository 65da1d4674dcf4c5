//! Requests to ClickHouse's HTTP interface: a statement in the address, settings beside it, rows in the body.
//! Source: <https://clickhouse.com/docs/interfaces/http>.

use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Uri, header};

use super::answer::{self, Refusal};
use super::config::ClickhouseConfig;
use super::encode;
use crate::outcome::Failure;
use crate::transport::body::Payload;
use crate::transport::client::{Answer, Transport, USER_AGENT};
use crate::transport::tls::TlsError;

/// Settings of each insert. An insert is answered when its rows are in the table (and not in a buffer, as asynchronous ones may be), and
/// recognized when it comes again, by the table and by what views make of it. Then an exception comes with its status, and not after a 200.
const INSERT_SETTINGS: &[(&str, &str)] = &[
    ("async_insert", "0"),
    ("insert_deduplicate", "1"),
    ("deduplicate_blocks_in_dependent_materialized_views", "1"),
    ("wait_end_of_query", "1"),
];
/// The name of the batch, by which the server recognizes it.
const TOKEN: &str = "insert_deduplication_token";

pub struct Client {
    transport: Transport,
    endpoint: Uri,
    headers: HeaderMap,
    content_encoding: Option<&'static str>,
}

impl Client {
    /// # Errors
    /// Certificates or keys that can't be read.
    pub fn new(config: &ClickhouseConfig) -> Result<Self, TlsError> {
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        for (name, value) in [
            ("x-clickhouse-user", &config.username),
            ("x-clickhouse-key", &config.password.0),
        ] {
            // Both were looked at when the configuration was.
            if let Ok(mut value) = HeaderValue::try_from(value.as_str())
                && !value.is_empty()
            {
                value.set_sensitive(true);
                headers.insert(name, value);
            }
        }
        Ok(Self {
            transport: Transport::new(&config.tls, config.timeout, false)?,
            endpoint: config.endpoint.clone(),
            headers,
            content_encoding: encode::content_encoding(config.compression),
        })
    }

    /// Asks or commands something; the rows of the answer.
    ///
    /// # Errors
    /// The server refused, or can't be reached.
    pub async fn query(&self, statement: &str) -> Result<Bytes, Refusal> {
        let mut request = Request::new(Payload::new([Bytes::from(statement.to_owned())]));
        *request.uri_mut() = self.address(&[("wait_end_of_query", "1")])?;
        *request.headers_mut() = self.headers.clone();
        let answer = self.post(request).await?;
        answer::read(&answer, SystemTime::now())?;
        Ok(answer.body)
    }

    /// Inserts rows, once if the server knows the token already.
    ///
    /// # Errors
    /// As [`Client::query`].
    pub async fn insert(
        &self,
        statement: &str,
        token: Option<&str>,
        rows: Payload,
    ) -> Result<(), Refusal> {
        let mut parameters = vec![("query", statement)];
        parameters.extend(INSERT_SETTINGS);
        parameters.extend(token.map(|token| (TOKEN, token)));
        let mut request = Request::new(rows);
        *request.uri_mut() = self.address(&parameters)?;
        *request.headers_mut() = self.headers.clone();
        if let Some(encoding) = self.content_encoding {
            let encoding = HeaderValue::from_static(encoding);
            (request.headers_mut()).insert(header::CONTENT_ENCODING, encoding);
        }
        let answer = self.post(request).await?;
        answer::accepted(&answer, SystemTime::now())
    }

    async fn post(&self, mut request: Request<Payload>) -> Result<Answer, Failure> {
        *request.method_mut() = Method::POST;
        self.transport.exchange(request).await
    }

    /// The endpoint with parameters behind its own.
    fn address(&self, parameters: &[(&str, &str)]) -> Result<Uri, Failure> {
        let mut path = self.endpoint.path().to_owned();
        let mut separator = '?';
        if let Some(query) = self.endpoint.query() {
            path.push('?');
            path.push_str(query);
            separator = '&';
        }
        for (name, value) in parameters {
            path.push(separator);
            path.push_str(name);
            path.push('=');
            escape(value, &mut path);
            separator = '&';
        }
        let mut parts = self.endpoint.clone().into_parts();
        let unusable = |error: &dyn std::fmt::Display| {
            Failure::retry(format!("can't make an address of the statement: {error}"))
        };
        parts.path_and_query = Some(path.try_into().map_err(|error| unusable(&error))?);
        Uri::from_parts(parts).map_err(|error| unusable(&error))
    }
}

/// Percent-encodes everything but unreserved characters (RFC 3986, 2.3).
fn escape(value: &str, out: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(DIGITS[usize::from(byte >> 4)]));
            out.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
}
