//! Clients that see every byte: gRPC over plain HTTP/2, HTTP/1.1, HTTP/2; and what the answers mean.

use std::net::SocketAddr;

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, Request, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::net::TcpStream;
use tonic::{Code, Status};

pub const TRACES: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
pub const LOGS: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
pub const METRICS: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
pub const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
pub const JSON: (&str, &str) = ("content-type", "application/json");

/// A response in full.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub trailers: HeaderMap,
}

pub type H2 = hyper::client::conn::http2::SendRequest<Full<Bytes>>;
pub type H1 = hyper::client::conn::http1::SendRequest<Full<Bytes>>;

pub async fn connect_h2(address: SocketAddr) -> H2 {
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream)
        .await
        .unwrap();
    tokio::spawn(connection);
    sender
}

pub async fn connect_h1(address: SocketAddr) -> H1 {
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    sender
}

pub async fn answer(response: hyper::Response<hyper::body::Incoming>) -> Answer {
    let (head, body) = response.into_parts();
    let collected = body.collect().await.unwrap();
    Answer {
        status: head.status,
        headers: head.headers,
        trailers: collected.trailers().cloned().unwrap_or_default(),
        body: collected.to_bytes(),
    }
}

pub fn request(
    version: Version,
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Request<Full<Bytes>> {
    let builder = Request::builder().method(method).version(version);
    let builder = match version {
        Version::HTTP_2 => builder.uri(format!("http://{address}{path}")),
        _ => builder.uri(path).header("host", address.to_string()),
    };
    let add = |builder: http::request::Builder, &(name, value): &(&str, &str)| {
        builder.header(name, value)
    };
    headers
        .iter()
        .fold(builder, add)
        .body(Full::new(body.into()))
        .unwrap()
}

/// One HTTP/1.1 request on a connection of its own.
pub async fn http(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Answer {
    let request = request(Version::HTTP_11, address, method, path, headers, body);
    answer(
        connect_h1(address)
            .await
            .send_request(request)
            .await
            .unwrap(),
    )
    .await
}

pub async fn post(
    address: SocketAddr,
    path: &str,
    content_type: (&str, &str),
    body: impl Into<Bytes>,
) -> Answer {
    http(address, "POST", path, &[content_type], body).await
}

/// A message behind its flag and length.
pub fn framed(compressed: bool, message: &[u8]) -> Bytes {
    let mut out = BytesMut::new();
    out.put_u8(compressed.into());
    out.put_u32(message.len() as u32);
    out.put_slice(message);
    out.freeze()
}

/// A gRPC call with any body and headers.
pub async fn call(
    client: &mut H2,
    address: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Answer {
    let mut all = vec![("content-type", "application/grpc"), ("te", "trailers")];
    all.extend(headers);
    let request = request(Version::HTTP_2, address, "POST", path, &all, body);
    answer(client.send_request(request).await.unwrap()).await
}

/// A well-formed gRPC call on a connection of its own.
pub async fn grpc(address: SocketAddr, path: &str, message: &[u8]) -> Result<Bytes, Status> {
    call(
        &mut connect_h2(address).await,
        address,
        path,
        &[],
        framed(false, message),
    )
    .await
    .grpc()
}

impl Answer {
    /// The message of a gRPC answer, or its status.
    pub fn grpc(&self) -> Result<Bytes, Status> {
        assert_eq!(self.status, 200, "a gRPC answer");
        let status = Status::from_header_map(&self.trailers)
            .or_else(|| Status::from_header_map(&self.headers))
            .unwrap();
        if status.code() != Code::Ok {
            return Err(status);
        }
        assert_eq!(
            self.body[..5],
            framed(false, &self.body[5..])[..5],
            "one message"
        );
        Ok(self.body.slice(5..))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The `google.rpc.Status` in the body, which must be in the encoding that its content type says.
    pub fn rpc_status(&self) -> RpcStatus {
        match self.header("content-type") {
            "application/x-protobuf" => RpcStatus::decode(self.body.clone()).unwrap(),
            "application/json" => {
                let json: serde_json::Value = serde_json::from_slice(&self.body).unwrap();
                let details = json["details"].as_array().into_iter().flatten();
                RpcStatus {
                    code: json["code"].as_i64().unwrap() as i32,
                    message: json["message"].as_str().unwrap().into(),
                    details: details
                        .map(|detail| Any {
                            type_url: detail["@type"].as_str().unwrap().into(),
                            value: vec![],
                        })
                        .collect(),
                }
            }
            other => panic!("content type {other}"),
        }
    }
}

#[derive(Clone, PartialEq, Message)]
pub struct RpcStatus {
    #[prost(int32, tag = "1")]
    pub code: i32,
    #[prost(string, tag = "2")]
    pub message: String,
    #[prost(message, repeated, tag = "3")]
    pub details: Vec<Any>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Any {
    #[prost(string, tag = "1")]
    pub type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    pub value: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    pub retry_delay: Option<RetryDelay>,
}

#[derive(Clone, PartialEq, Message)]
pub struct RetryDelay {
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

impl RpcStatus {
    pub fn detail(&self, name: &str) -> Option<&Any> {
        let url = format!("type.googleapis.com/google.rpc.{name}");
        self.details.iter().find(|detail| detail.type_url == url)
    }

    pub fn retry_seconds(&self) -> Option<i64> {
        let any = self.detail("RetryInfo")?;
        Some(
            RetryInfo::decode(&any.value[..])
                .unwrap()
                .retry_delay?
                .seconds,
        )
    }
}

/// The status that a gRPC status carries in `grpc-status-details-bin`.
pub fn details(status: &Status) -> RpcStatus {
    RpcStatus::decode(status.details()).unwrap()
}
